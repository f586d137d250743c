//! Pages that anybody may read.

use crate::network::{Definition, NETWORKS};
use crate::web::browser::host::ServiceHost;
use crate::web::browser::next::Next;
use crate::web::browser::visit::Visit;
use crate::web::site::{self, NetworkPrivacy};

/// What is kept of people, where, and for how long.
pub(super) fn privacy<H: ServiceHost>(visit: &Visit<'_, H>) -> Next {
    let contact = visit.settings.contact();
    let contact = contact.map(|contact| (contact.to_string(), contact.link()));
    let contact = contact.as_ref();
    let contact = contact.map(|(name, link)| (name.as_str(), link.as_str()));
    let of_network = |network: &Definition| {
        let kept = network.sign_in?.privacy();
        let title = network.title;
        Some(NetworkPrivacy { title, kept })
    };
    let networks: Vec<_> = NETWORKS.iter().filter_map(of_network).collect();
    site::privacy(&H::PRIVACY, &networks, contact).into()
}
