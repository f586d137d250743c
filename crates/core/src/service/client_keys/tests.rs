//! Which key signs, with a directory in memory.

use futures_util::future::join;
use serde_json::json;

use super::*;
use crate::network::testing::sign_in::P256;
use crate::testing::{Host, block_on};

fn signing(host: &Host) -> Result<ClientKey, NoClientKey> {
    block_on(to_sign_with(host, &P256))
}

fn views(host: &Host) -> Vec<KeyView> {
    block_on(list(host)).unwrap()
}

fn added(host: &Host) -> String {
    match block_on(add(host, &P256)).unwrap() {
        Added::Done(id) => id,
        Added::Full => panic!("there is room"),
    }
}

#[test]
fn the_first_key_is_made_when_it_is_needed_and_stays() {
    let host = Host::new();
    assert!(views(&host).is_empty());
    let first = signing(&host).unwrap();
    let again = signing(&host).unwrap();
    assert_eq!(first.id, again.id);
    assert_eq!(first.private.expose(), again.private.expose());
    let public = PublicKey::of(&first.private).unwrap();
    assert_eq!(first.id, public.thumbprint());
    let stored = host.directory.client_keys.borrow();
    assert_eq!(stored.len(), 1);
    let d: Value = serde_json::from_str(first.private.expose()).unwrap();
    assert!(!stored[0].private.contains(d["d"].as_str().unwrap()));
}

#[test]
fn two_first_sign_ins_at_once_use_one_key() {
    let host = Host::new();
    let both = join(to_sign_with(&host, &P256), to_sign_with(&host, &P256));
    let (one, other) = block_on(both);
    assert_eq!(one.unwrap().id, other.unwrap().id);
    assert_eq!(views(&host).len(), 1);
}

#[test]
fn only_public_halves_are_published_of_all_keys() {
    let host = Host::new();
    signing(&host).unwrap();
    added(&host);
    let set = published(&host.directory.client_keys.borrow());
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for key in keys {
        let members: Vec<_> = key.as_object().unwrap().keys().collect();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        assert_eq!(key["alg"], json!("ES256"));
    }
    assert_eq!(published(&[]), json!({ "keys": [] }));
}

#[test]
fn a_key_signs_once_servers_know_it_and_the_one_before_stays() {
    let mut host = Host::new();
    let first = signing(&host).unwrap().id;
    host.now += TimeDelta::days(400);
    let second = added(&host);
    let signs_from = host.now + TimeDelta::hours(1);
    assert_eq!(signing(&host).unwrap().id, first);
    let usages: Vec<_> = views(&host).into_iter().map(|view| view.usage).collect();
    assert_eq!(usages, [Usage::Waits { signs_from }, Usage::Signs]);
    host.now = signs_from - TimeDelta::milliseconds(1);
    assert_eq!(signing(&host).unwrap().id, first);
    host.now = signs_from;
    assert_eq!(signing(&host).unwrap().id, second);
    let usages: Vec<_> = views(&host).into_iter().map(|view| view.usage).collect();
    assert_eq!(usages, [Usage::Signs, Usage::Kept]);
}

#[test]
fn of_keys_that_servers_may_not_know_the_oldest_signs() {
    let mut host = Host::new();
    let first = signing(&host).unwrap().id;
    host.now += TimeDelta::minutes(20);
    added(&host);
    assert_eq!(signing(&host).unwrap().id, first);
}

#[test]
fn a_deleted_key_is_published_no_more_and_the_last_one_stays() {
    let mut host = Host::new();
    let first = signing(&host).unwrap().id;
    let delete = |host: &Host, id: &str| block_on(delete(host, id)).unwrap();
    assert_eq!(delete(&host, "another"), Deleted::Unknown);
    assert_eq!(delete(&host, &first), Deleted::Needed);
    host.now += TimeDelta::minutes(1);
    let second = added(&host);
    assert_eq!(delete(&host, &first), Deleted::Done);
    let set = published(&host.directory.client_keys.borrow());
    assert!(!set.to_string().contains(&first), "{set}");
    // It would wait if there were another.
    assert_eq!(signing(&host).unwrap().id, second);
    assert_eq!(delete(&host, &second), Deleted::Needed);
}

#[test]
fn no_more_than_ten_keys_are_added() {
    let host = Host::new();
    for _ in 0..MAX_CLIENT_KEYS {
        added(&host);
    }
    assert_eq!(block_on(add(&host, &P256)).unwrap(), Added::Full);
}

#[test]
fn keys_are_encrypted_anew_once() {
    let mut host = Host::new();
    let before = signing(&host).unwrap();
    host.keys = vec!["second", "first"];
    let rotated = block_on(rotate(&host, "second")).unwrap();
    assert_eq!((rotated.keys, rotated.failed), (1, vec![]));
    let stored = host.directory.client_keys.borrow().clone();
    assert_eq!(key_of(&stored[0].private), "second");
    block_on(rotate(&host, "second")).unwrap();
    assert_eq!(*host.directory.client_keys.borrow(), stored);
    host.keys = vec!["second"];
    let after = signing(&host).unwrap();
    assert_eq!(after.private.expose(), before.private.expose());
}

#[test]
fn whoever_has_lost_the_service_key_goes_on_with_another_key() {
    let mut host = Host::new();
    let lost = signing(&host).unwrap().id;
    host.now += TimeDelta::days(1);
    host.keys = vec!["another"];
    let (one, other) = block_on(join(to_sign_with(&host, &P256), to_sign_with(&host, &P256)));
    let new = one.unwrap().id;
    assert_eq!(new, other.unwrap().id);
    assert_ne!(new, lost);
    let views = views(&host);
    let usages: Vec<_> = views.iter().map(|view| (&view.id, view.usage)).collect();
    assert_eq!(usages, [(&new, Usage::Signs), (&lost, Usage::Lost)]);
    // Sessions that began with it may still have it.
    let set = published(&host.directory.client_keys.borrow());
    assert!(set.to_string().contains(&lost));
    let rotated = block_on(rotate(&host, "another")).unwrap();
    let unknown = EncryptionError::UnknownKey("first".to_owned());
    assert_eq!(rotated.failed, [(lost.clone(), unknown)]);
    // It may be deleted, and comes back to use if the key of the service does.
    host.keys = vec!["another", "first"];
    assert_eq!(signing(&host).unwrap().id, lost);
    host.keys = vec!["another"];
    assert_eq!(block_on(delete(&host, &lost)).unwrap(), Deleted::Done);
}

#[test]
fn no_key_is_made_while_nothing_can_be_encrypted_or_the_directory_is_away() {
    let mut host = Host::new();
    signing(&host).unwrap();
    host.keys = vec![];
    let error = signing(&host).unwrap_err();
    assert!(matches!(error, NoClientKey::Encryption(_)), "{error}");
    assert_eq!(host.directory.client_keys.borrow().len(), 1);
    host.keys = vec!["first"];
    host.directory.is_away.set(true);
    let error = signing(&host).unwrap_err();
    assert!(matches!(error, NoClientKey::Unreachable(_)), "{error}");
}
