//! The parameters of a request to an OAuth endpoint.

use crate::form;
use crate::payload::Payload;
use crate::request::Request;

/// Parameters, each at most once (RFC 6749 §3.1 and §3.2).
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The parameters in the query.
    ///
    /// # Errors
    ///
    /// If the query is malformed, or names one of these twice.
    pub(crate) fn of_query(request: &Request) -> Result<Self, String> {
        Self::of(form::decode(request.query.as_bytes())?)
    }

    /// The parameters in the body, which is a form. There are none in the query.
    ///
    /// # Errors
    ///
    /// If the body is anything else, or has a parameter twice, or there is a query.
    pub(crate) fn of_form(request: &Request, payload: Payload) -> Result<Self, String> {
        if !request.query.is_empty() {
            return Err("there is a query; the parameters belong in the body".to_owned());
        }
        match payload {
            Payload::Form(pairs) => Self::of(pairs?),
            Payload::Other(reason) => Err(reason),
            other => Err(format!("the body is {} rather than a form", other.kind())),
        }
    }

    fn of(pairs: Vec<(String, String)>) -> Result<Self, String> {
        for (index, (name, _)) in pairs.iter().enumerate() {
            if pairs.iter().skip(index + 1).any(|(other, _)| other == name) {
                return Err(format!("{} is given twice", crate::text::quoted(name)));
            }
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter. An empty one counts as left out (RFC 6749 §3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(known, _)| known == name);
        pair.map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The value of a parameter that is required.
    ///
    /// # Errors
    ///
    /// If it is left out.
    pub(crate) fn required(&self, name: &str) -> Result<&str, String> {
        self.get(name)
            .ok_or_else(|| format!("{name} is missing or empty"))
    }
}
