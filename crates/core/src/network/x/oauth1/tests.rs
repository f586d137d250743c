use std::num::NonZeroU64;

use form_urlencoded::parse;
use oauth::serializer::{Serializer, SerializerExt as _};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::testing::instant;

/// Name and value pairs of a query or a form, decoded.
type Pairs = Vec<(String, String)>;

fn decoded(query_and_form: &[&str]) -> Pairs {
    query_and_form
        .iter()
        .flat_map(|encoded| parse(encoded.as_bytes()).into_owned())
        .collect()
}

fn borrowed(pairs: &Pairs) -> Vec<Parameter<'_>> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn credentials(key: &str, key_secret: &str, token: &str, token_secret: &str) -> Credentials {
    Credentials {
        api_key: Secret::new(key),
        api_key_secret: Secret::new(key_secret),
        access_token: Secret::new(token),
        access_token_secret: Secret::new(token_secret),
    }
}

fn stamp(nonce: &str, timestamp: i64) -> Stamp {
    Stamp {
        nonce: nonce.to_owned(),
        timestamp,
    }
}

/// The keys of the example in X's own guide to signatures.
fn example_credentials() -> Credentials {
    credentials(
        "xvz1evFS4wEEPTGEFPHBog",
        "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
    )
}

fn example_stamp() -> Stamp {
    stamp("kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", 1_318_622_958)
}

/// The signature in a header, decoded.
fn signature_in(header: &str) -> String {
    let (_, encoded) = header.split_once("oauth_signature=\"").unwrap();
    percent_encoding::percent_decode_str(encoded.strip_suffix('"').unwrap())
        .decode_utf8()
        .unwrap()
        .into_owned()
}

const STATUS: &str = "status=Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21";

#[test]
fn the_known_requests_of_one_account_have_their_known_signatures() {
    let update_profile_image = "https://api.x.com/1.1/account/update_profile_image.json";
    for (method, url, query_and_form, signature) in [
        (
            "POST",
            "https://api.twitter.com/1/statuses/update.json",
            &["include_entities=true", STATUS][..],
            "tnnArxj06cWHq44gCs1OSKk/jLY=",
        ),
        (
            "POST",
            "https://api.twitter.com/1.1/statuses/update.json",
            &["include_entities=true", STATUS],
            "hCtSmYh+iHYCEqBWrE7C7hYmtUk=",
        ),
        (
            "POST",
            "https://api.x.com/1.1/statuses/update.json",
            &["include_entities=true", STATUS],
            "Ls93hJiZbQ3akF3HF3x1Bz8/zU4=",
        ),
        (
            "GET",
            "https://stream.twitter.com/1.1/statuses/sample.json",
            &["stall_warnings=true"],
            "OGQqcy4l5xWBFX7t0DrkP5/D0rM=",
        ),
        (
            "POST",
            "https://example.com/post.json",
            &[],
            "pN52L1gJ6sOyYOyv23cwfWFsIZc=",
        ),
        (
            "GET",
            "https://example.com/get.json",
            &["bar=%E9%85%92%E5%A0%B4&foo=%E3%81%B5%E3%83%BC"],
            "Xp35hf3T21yhpEuxez7p6bV62Bw=",
        ),
        // The parts of a multipart body are not signed.
        (
            "POST",
            update_profile_image,
            &[],
            "5ieX14kUJKBNwWwc71hPFUzwRH0=",
        ),
        (
            "POST",
            update_profile_image,
            &["skip_status=true"],
            "+4PWl9QgtLsMVC5Y+jGD4C2bRg8=",
        ),
        (
            "POST",
            update_profile_image,
            &["image=%2F9j%2F4AAQ%2BA%3D%3D"],
            "tGY6vxufbg8lIV37sjona24/AsQ=",
        ),
    ] {
        let pairs = decoded(query_and_form);
        let header = authorization(
            method,
            url,
            &borrowed(&pairs),
            &example_credentials(),
            &example_stamp(),
        );
        assert_eq!(signature_in(&header), signature, "{method} {url} {pairs:?}");
    }
}

#[test]
fn the_whole_header_names_everything_but_the_two_secrets() {
    let image = decoded(&["image=%2F9j%2F4AAQ%2BA%3D%3D"]);
    assert_eq!(
        authorization(
            "POST",
            "https://api.x.com/1.1/account/update_profile_image.json",
            &borrowed(&image),
            &example_credentials(),
            &example_stamp(),
        ),
        "OAuth oauth_consumer_key=\"xvz1evFS4wEEPTGEFPHBog\", \
         oauth_nonce=\"kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg\", \
         oauth_signature_method=\"HMAC-SHA1\", \
         oauth_timestamp=\"1318622958\", \
         oauth_token=\"370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb\", \
         oauth_version=\"1.0\", \
         oauth_signature=\"tGY6vxufbg8lIV37sjona24%2FAsQ%3D\""
    );
}

#[test]
fn the_base_string_is_the_example_of_rfc_5849_section_3_4_1() {
    let request = decoded(&["b5=%3D%253D&a3=a&c%40=&a2=r%20b", "c2&a3=2+q"]);
    // The example has no oauth_version.
    let protocol = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ];
    let base_string = signature_base_string(
        "POST",
        "http://example.com/request",
        &[&borrowed(&request), &protocol],
    );
    assert_eq!(
        base_string,
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D\
         %25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3\
         e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkk\
         k9d7dh3k39sjv7"
    );
    // What the RFC itself prints as the signature is wrong: erratum 2550.
    assert_eq!(
        signature(
            &base_string,
            &Secret::new("j49sk3j29djd"),
            &Secret::new("dh893hdasih9"),
        ),
        "r6/TJjbCOr97/+UU0NsvSne7s5g="
    );
}

#[test]
fn the_signature_is_the_example_of_rfc_5849_section_1_2() {
    let request = decoded(&["file=vacation.jpg&size=original"]);
    // The example has no oauth_version.
    let protocol = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131202"),
        ("oauth_nonce", "chapoH"),
    ];
    let base_string = signature_base_string(
        "GET",
        "http://photos.example.net/photos",
        &[&borrowed(&request), &protocol],
    );
    assert_eq!(
        signature(
            &base_string,
            &Secret::new("kd94hf93k423kf44"),
            &Secret::new("pfkkdhi9sl3r4s00"),
        ),
        "MdpQcU8iPSUjWoN/UDMsK2sui9I="
    );
}

#[test]
fn the_signature_of_a_sign_in_is_the_example_of_rfc_5849_section_1_2() {
    // The example has no oauth_version.
    let protocol = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "hh5s93j4hdidpola"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "walatlh"),
        ("oauth_verifier", "hfdp7dh39dks9884"),
    ];
    let url = "https://photos.example.net/token";
    assert_eq!(
        signature(
            &signature_base_string("POST", url, &[&protocol]),
            &Secret::new("kd94hf93k423kf44"),
            &Secret::new("hdhd0244k9j7ao03"),
        ),
        "gKgrFCywp7rO0OXSjdot/IHF7IU="
    );
}

#[test]
fn the_steps_of_a_sign_in_have_their_own_parameters_and_at_first_no_token() {
    let credentials = example_credentials();
    let app = credentials.keys().app;
    let header = authorization_with(
        "POST",
        "https://api.x.com/oauth/request_token",
        &[],
        Keys { app, token: None },
        &[("oauth_callback", "oob")],
        &example_stamp(),
    );
    assert_eq!(
        header,
        "OAuth oauth_consumer_key=\"xvz1evFS4wEEPTGEFPHBog\", \
         oauth_callback=\"oob\", \
         oauth_nonce=\"kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg\", \
         oauth_signature_method=\"HMAC-SHA1\", \
         oauth_timestamp=\"1318622958\", \
         oauth_version=\"1.0\", \
         oauth_signature=\"jc%2FVgbxSHtvlecdtQHT0gEuVfe0%3D\""
    );

    let token = Pair {
        id: &Secret::new("NPcudxy0yU5T3tBzho7iCotZ3cnetKwcTIRlX0iwRl0"),
        secret: &Secret::new("veNRnAWe6inFuo8o2u8SLLZLjolYDmDP7SzL0YfYI"),
    };
    let header = authorization_with(
        "POST",
        "https://api.x.com/oauth/access_token",
        &[],
        Keys {
            app,
            token: Some(token),
        },
        &[("oauth_verifier", "0172534")],
        &example_stamp(),
    );
    assert!(header.contains("oauth_verifier=\"0172534\""), "{header}");
    assert_eq!(signature_in(&header), "pScnbfBXfPZmvTUq2oDZtEhvSOE=");
}

#[test]
fn a_base_string_without_parameters_keeps_its_third_part() {
    assert_eq!(
        signature_base_string("post", "https://example.com/", &[&[]]),
        "POST&https%3A%2F%2Fexample.com%2F&"
    );
}

#[test]
fn every_fresh_stamp_has_a_nonce_of_its_own_of_32_hex_digits() {
    let now = instant("2026-11-22T02:00:00.999Z");
    let stamps: Vec<_> = (0..100).map(|_| Stamp::fresh(now).unwrap()).collect();
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    for stamp in &stamps {
        assert_eq!(stamp.timestamp, 1_795_312_800);
        assert_eq!(stamp.nonce.len(), 32);
        assert!(stamp.nonce.bytes().all(is_hex), "{}", stamp.nonce);
    }
    let mut nonces: Vec<_> = stamps.iter().map(|stamp| &stamp.nonce).collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), stamps.len());
}

#[test]
fn a_secret_shows_neither_in_the_header_nor_in_debug_output() {
    let credentials = credentials("key", "key/SECRET", "token", "token/SECRET");
    let header = authorization("POST", "https://x.test/", &[], &credentials, &stamp("n", 1));
    assert!(!header.contains("SECRET"), "{header}");
    let debug = format!("{credentials:?}");
    for hidden in ["SECRET", "key\"", "token\""] {
        assert!(!debug.contains(hidden), "{debug}");
    }
}

/// A request as the crate `oauth` takes it: parameters in ascending order, the
/// protocol's among them. It writes a name into the base string as it is given,
/// so it is given the name encoded twice; `%` sorts below every unreserved
/// character before and after that, so the order stays. A name may be repeated.
struct Theirs(Pairs);

impl oauth::Request for Theirs {
    fn serialize<S: Serializer>(&self, mut serializer: S) -> S::Output {
        let mut parameters: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| (percent::encode(name), percent::encode(value)))
            .collect();
        parameters.sort();
        let (before, after): (Vec<_>, Vec<_>) = parameters
            .into_iter()
            .partition(|(name, _)| name.as_str() < "oauth_");
        for (name, value) in before {
            serializer.serialize_parameter_encoded(&percent::encode(&name), value);
        }
        serializer.serialize_oauth_parameters();
        for (name, value) in after {
            serializer.serialize_parameter_encoded(&percent::encode(&name), value);
        }
        serializer.end()
    }
}

/// Names and values of any length and script, names often repeated.
fn any_pairs() -> impl Strategy<Value = Pairs> {
    let name = prop_oneof![
        Just(String::new()),
        "[a-c]{1,2}",
        "[ -~]{1,8}",
        any::<String>(),
    ]
    // No request has parameters that look like the protocol's (§3.1).
    .prop_filter("reserved", |name| !name.starts_with("oauth_"));
    let value = prop_oneof![Just(String::new()), "[ab]", "[ -~]{1,20}", any::<String>()];
    vec((name, value), 0..12)
}

fn any_method() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["GET", "POST", "PUT", "DELETE", "PATCH"])
}

proptest! {
    #[test]
    fn signatures_are_those_of_an_independent_implementation(
        method in any_method(),
        url in "https://[a-z]{1,9}\\.test(:[1-9][0-9]{3})?/[a-z0-9._~/%-]{0,20}",
        pairs in any_pairs(),
        [key, key_secret, token, token_secret, nonce] in any::<[String; 5]>(),
        timestamp in 1..=i64::MAX,
    ) {
        let mut theirs = oauth::Builder::with_token(
            oauth::Token::from_parts(&*key, &*key_secret, &*token, &*token_secret),
            oauth::HMAC_SHA1,
        );
        theirs
            .nonce(&*nonce)
            .timestamp(NonZeroU64::new(timestamp.unsigned_abs()))
            .version(true);
        let ours = authorization(
            method,
            &url,
            &borrowed(&pairs),
            &credentials(&key, &key_secret, &token, &token_secret),
            &stamp(&nonce, timestamp),
        );
        let theirs = theirs.authorize(method, &url, &Theirs(pairs));
        // They leave out the space that may follow a comma.
        prop_assert_eq!(ours.replace("\", oauth_", "\",oauth_"), theirs);
    }

    #[test]
    fn the_signatures_of_a_sign_in_are_those_of_an_independent_implementation(
        [key, key_secret, token, token_secret, nonce, said] in any::<[String; 6]>(),
        has_token in any::<bool>(),
        timestamp in 1..=i64::MAX,
    ) {
        let url = "https://x.test/oauth/step";
        let credentials = credentials(&key, &key_secret, &token, &token_secret);
        let mut keys = credentials.keys();
        let client = oauth::Credentials::new(&*key, &*key_secret);
        let mut theirs = oauth::Builder::<_, _, &str>::new(client, oauth::HMAC_SHA1);
        theirs
            .nonce(&*nonce)
            .timestamp(NonZeroU64::new(timestamp.unsigned_abs()))
            .version(true);
        let name = if has_token {
            theirs.token(oauth::Credentials::new(&*token, &*token_secret));
            theirs.verifier(&*said);
            "oauth_verifier"
        } else {
            keys.token = None;
            theirs.callback(&*said);
            "oauth_callback"
        };
        let extra = [(name, said.as_str())];
        let ours = authorization_with("POST", url, &[], keys, &extra, &stamp(&nonce, timestamp));
        let theirs = theirs.authorize("POST", url, &Theirs(Vec::new()));
        prop_assert_eq!(signature_in(&ours), signature_in(&theirs));
        let parts = |header: &str| {
            let header = header.strip_prefix("OAuth ").unwrap();
            let mut parts: Vec<_> = header.split(',').map(|part| part.trim().to_owned()).collect();
            parts.sort();
            parts
        };
        prop_assert_eq!(parts(&ours), parts(&theirs));
    }

    #[test]
    fn the_base_string_is_built_as_the_rfc_says(
        method in any_method(),
        url in any::<String>(),
        groups in vec(any_pairs(), 0..3),
    ) {
        // §3.4.1.3.2 step by step, then §3.4.1.1.
        let mut encoded: Vec<[String; 2]> = groups
            .iter()
            .flatten()
            .map(|(name, value)| [percent::encode(name), percent::encode(value)])
            .collect();
        encoded.sort();
        let normalized: Vec<String> = encoded.iter().map(|pair| pair.join("=")).collect();
        let expected = [method, &url, &normalized.join("&")].map(percent::encode).join("&");

        let groups: Vec<_> = groups.iter().map(borrowed).collect();
        let groups: Vec<&[Parameter<'_>]> = groups.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(signature_base_string(method, &url, &groups), expected);
    }

    #[test]
    fn the_order_in_which_parameters_are_given_does_not_matter(
        (pairs, shuffled) in any_pairs()
            .prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle())),
    ) {
        let sign = |pairs: &Pairs| {
            let (credentials, stamp) = (example_credentials(), example_stamp());
            authorization("POST", "https://x.test/", &borrowed(pairs), &credentials, &stamp)
        };
        prop_assert_eq!(sign(&pairs), sign(&shuffled));
    }
}
