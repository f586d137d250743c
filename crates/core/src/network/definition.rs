//! What is known of a network before its settings are read.

use std::rc::Rc;

use crate::network::interface::Network;
use crate::network::sign_in::SignIn;
use crate::settings::reader::{Reader, Variable};

/// A network, before its settings are read.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Its name in the journal and in answers.
    pub name: &'static str,
    /// Its name in sentences.
    pub title: &'static str,
    /// The settings that it cannot do without. A network is set up once one of them is set.
    pub required: &'static [&'static str],
    /// The settings that have a default.
    pub variables: &'static [Variable],
    /// How people sign in to it with a browser, where they can.
    pub sign_in: Option<&'static dyn SignIn>,
    /// Reads the settings. The reader notes what is missing or does not parse.
    pub read: fn(&mut Reader<'_>) -> Option<Rc<dyn Network>>,
}
