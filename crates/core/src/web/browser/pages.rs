//! Pages that anybody may read.

use crate::web::browser::host::ServiceHost;
use crate::web::browser::next::Next;
use crate::web::browser::visit::Visit;
use crate::web::site;

/// What is kept of people, where, and for how long.
pub(super) fn privacy<H: ServiceHost>(visit: &Visit<'_, H>) -> Next {
    let contact = visit.settings.contact();
    let contact = contact.map(|contact| (contact.to_string(), contact.link()));
    let contact = contact.as_ref();
    let contact = contact.map(|(name, link)| (name.as_str(), link.as_str()));
    site::privacy(&H::PRIVACY, contact).into()
}
