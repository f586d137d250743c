//! The networks: their list, and what they have in common.
//!
//! A network is one folder here and one line in [`NETWORKS`]; nothing outside its folder knows it
//! by name. It reads its settings, builds requests and reads replies. A [`Transport`] carries them.

pub mod base_url;
pub mod bluesky;
pub mod definition;
mod fingerprint;
#[cfg(test)]
mod fuzz;
pub mod interface;
pub mod jose;
pub mod mastodon;
mod multipart;
pub(crate) mod percent;
pub mod public_address;
mod reply;
pub mod sign_in;
pub mod signer;
#[cfg(test)]
pub(crate) mod testing;
pub mod transport;
mod typed;
pub mod x;

pub use self::definition::Definition;
pub use self::interface::{Attempt, Network, Picture, SavedSession, Verified};
pub use self::transport::{Pending, Transport};

/// All networks, in the order in which answers and logs list them.
pub const NETWORKS: [Definition; 3] = [x::DEFINITION, bluesky::DEFINITION, mastodon::DEFINITION];

/// The network whose settings are asked for when none is set up.
pub const DEFAULT: Definition = x::DEFINITION;

/// The network of a name, as settings, the journal and answers have it.
pub fn named(name: &str) -> Option<Definition> {
    NETWORKS.into_iter().find(|one| one.name == name)
}

#[cfg(test)]
mod tests {
    use crate::frames::size::MAX_FRAME_BYTES;
    use crate::testing::settings_of_all_networks;

    #[test]
    fn every_network_takes_the_largest_frame_that_is_rendered() {
        let settings = settings_of_all_networks(&[]);
        assert_eq!(settings.networks.len(), super::NETWORKS.len());
        for one in settings.networks {
            let most = one.network.unwrap().max_picture_bytes();
            assert!(most >= MAX_FRAME_BYTES, "{}", one.definition.name);
        }
    }
}
