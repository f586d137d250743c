use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use url::Url;

use super::*;

fn public() -> Service {
    Service {
        public_url: "https://icons.example".to_owned(),
        ..Service::default()
    }
}

fn local() -> Service {
    Service {
        public_url: "http://127.0.0.1:8787".to_owned(),
        ..Service::default()
    }
}

fn origin(host: &str) -> Result<String, Unfetchable> {
    let service = public();
    let addresses = PublicAddresses::for_visitors_of(&service);
    addresses.origin(host).map(|origin| origin.to_string())
}

fn url(text: &str) -> Result<String, Unfetchable> {
    let service = public();
    let addresses = PublicAddresses::for_visitors_of(&service);
    addresses.url(text).map(|url| url.to_string())
}

#[test]
fn names_on_the_public_internet_are_taken_in_one_form() {
    for (host, taken) in [
        ("social.example", "https://social.example"),
        ("Social.EXAMPLE", "https://social.example"),
        ("a.b-c.social.example", "https://a.b-c.social.example"),
        ("4chan.example", "https://4chan.example"),
        ("1.2.3.example", "https://1.2.3.example"),
        // International names, composed and decomposed, and their own full stops.
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("BU\u{308}CHER.example", "https://xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("ｓｏｃｉａｌ．ｅｘａｍｐｌｅ", "https://social.example"),
        ("例え。テスト", "https://xn--r8jz45g.xn--zckzah"),
        ("straße.example", "https://xn--strae-oqa.example"),
    ] {
        assert_eq!(origin(host).as_deref(), Ok(taken), "{host}");
    }
}

#[test]
fn names_that_lead_inwards_are_refused() {
    for host in [
        "localhost",
        "LOCALHOST",
        "printer",
        "a.localhost",
        "printer.local",
        "metadata.google.internal",
        "1.0.0.127.in-addr.arpa",
        "router.home.arpa",
        "fritz.lan",
        "nas.home",
        "wiki.corp",
        "wiki.intranet",
        "abc.onion",
        "a.test",
        "a.invalid",
        "ｐｒｉｎｔｅｒ．ｌｏｃａｌ",
        "printer.LOCAL",
        "lo\u{ad}calhost",
    ] {
        assert_eq!(origin(host), Err(Unfetchable::NotPublic), "{host}");
    }
}

/// Each is an address of loopback, or of a private network, to some parser.
#[test]
fn addresses_by_number_are_refused_however_they_are_written() {
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "a.0x7f",
        "a.0x",
        "0177.0.0.1",
        "a.1",
        "a.0",
        "１２７.０.０.１",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "::1",
        "169.254.169.254",
        "192.168.0.1",
        "0",
        "",
    ] {
        assert!(origin(host).is_err(), "{host}");
        assert!(url(&format!("https://{host}/")).is_err(), "{host}");
    }
}

#[test]
fn what_two_parsers_could_read_in_two_ways_is_refused() {
    for text in [
        "https://social.example@127.0.0.1/",
        "https://ada:secret@social.example/",
        "https://@social.example/",
        "https://social.example:8443/",
        "https://social.example:80/",
        "https://social.example:/",
        "https://social.example:0443/",
        "https://social.example./",
        "https://.social.example/",
        "https://social..example/",
        "https://social.example\\@127.0.0.1/",
        "https:\\\\social.example/",
        "https://social.example\\.evil.example/",
        "https://so\tcial.example/",
        "https://social.example\r\nhost: a.example/",
        "https://social.example /",
        "https://social%2eexample/",
        "https://%31%32%37.0.0.1/",
        "https://so_cial.example/",
        "https://-social.example/",
        "https://social-.example/",
        "https://social.example|evil.example/",
        "https:///social.example/",
        "https:////social.example/",
        "https:social.example/",
        "//social.example/",
        "/avatar.png",
        "http://social.example/",
        "ftp://social.example/",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
        "javascript://social.example/%0aalert(1)",
        "",
        "https://",
        // Not a valid label in Punycode.
        "https://xn--a.example/",
        "https://xn--.example/",
        &format!("https://{}.example/", "a".repeat(64)),
        &format!("https://{}example/", "a.".repeat(150)),
        &format!("https://social.example/{}", "a".repeat(2_000)),
    ] {
        assert!(url(text).is_err(), "{text}: {:?}", url(text));
    }
}

#[test]
fn a_url_keeps_its_path_and_query_and_loses_its_fragment() {
    for (text, taken) in [
        ("https://cdn.example", "https://cdn.example/"),
        ("https://cdn.example?a=b#c", "https://cdn.example/?a=b"),
        (
            "HTTPS://CDN.example:443/a/%2e%2e/b.png?v=1&x=@y#top",
            "https://cdn.example/a/%2e%2e/b.png?v=1&x=@y",
        ),
        (
            "https://bücher.example/bär {1}.png"
                .replace(' ', "")
                .as_str(),
            "https://xn--bcher-kva.example/b%C3%A4r%7B1%7D.png",
        ),
    ] {
        assert_eq!(url(text).as_deref(), Ok(taken), "{text}");
    }
}

#[test]
fn this_service_asks_itself_nothing() {
    assert_eq!(origin("Icons.example"), Err(Unfetchable::ThisService));
    let url = url("https://icons.example:443/icon");
    assert_eq!(url, Err(Unfetchable::ThisService));
    let service = local();
    let addresses = PublicAddresses::for_visitors_of(&service);
    let own = addresses.origin("127.0.0.1:8787");
    assert_eq!(own, Err(Unfetchable::ThisService));
}

#[test]
fn while_the_service_is_on_this_machine_so_may_servers_be() {
    let service = local();
    let addresses = PublicAddresses::for_visitors_of(&service);
    for host in [
        "127.0.0.1:8788",
        "localhost:3000",
        "LOCALHOST:3000",
        "[::1]:3000",
        "127.0.0.1",
    ] {
        let taken = addresses.origin(host).unwrap().to_string();
        assert_eq!(taken, format!("http://{}", host.to_lowercase()));
        let url = format!("http://{host}/a?b");
        let taken = addresses.url(&url).unwrap().to_string();
        assert_eq!(taken, format!("http://{}/a?b", host.to_lowercase()));
        // A service that others reach lets nobody in here.
        assert!(origin(host).is_err());
        assert!(super::tests::url(&url).is_err());
    }
    assert_eq!(
        addresses.origin("social.example").unwrap().to_string(),
        "https://social.example"
    );
    for host in [
        "127.0.0.2:80",
        "127.1:80",
        "0.0.0.0:80",
        "2130706433:80",
        "192.168.0.1:80",
        "127.0.0.1:0",
        "127.0.0.1:08788",
        "127.0.0.1:99999",
        "127.0.0.1:",
        "127.0.0.1:8788@a.example",
        "a@127.0.0.1:8788",
        "127.0.0.1:8788/a",
        "localhost.:80",
        "a.localhost:80",
        "social.example:8443",
        "[::2]:80",
    ] {
        assert!(addresses.origin(host).is_err(), "{host}");
    }
    assert!(addresses.url("https://127.0.0.1:8788/").is_err());
    assert!(addresses.url("http://social.example/").is_err());
}

/// Addresses made of what makes them ambiguous.
fn any_address() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(vec![
            "https://", "HTTPS://", "http://", "//", "social", ".", "example", "local", "localhost",
            "127", "0", "1", "0x7f", "2130706433", "[::1]", "::1", "@", ":", "443", ":443", "8080",
            "/", "\\", "?", "#", "%2e", "%40", "%00", "xn--", "xn--bcher-kva", "bücher", "ß", "。",
            "．", "１", "＠", "／", "\u{ad}", "\u{200d}", "\u{202e}", "\t", "\n", " ", "_", "-", "..",
            "arpa", "|", "{", "テスト", "\u{2488}", "K", "ａ",
        ]).prop_map(ToOwned::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z0-9.-]{1,8}",
    ];
    let pieces = vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    prop_oneof![
        pieces.clone(),
        (Just("https://"), pieces.clone(), Just(".example/a"))
            .prop_map(|(start, middle, end)| format!("{start}{middle}{end}")),
        pieces.prop_map(|host| format!("https://{host}")),
    ]
}

/// That a URL parser finds the same host in an address, and nothing else before its path.
fn check(taken: &str, authority: &str) {
    let parsed = Url::parse(taken).unwrap();
    let is_name = matches!(parsed.host(), Some(url::Host::Domain(_)));
    assert!(is_name, "{taken}");
    assert_eq!(parsed.host_str(), Some(authority), "{taken}");
    assert_eq!(parsed.scheme(), "https");
    assert_eq!(parsed.port(), None);
    assert_eq!(parsed.username(), "");
    assert_eq!(parsed.password(), None);
    assert!(taken.bytes().all(|byte| byte.is_ascii_graphic()));
    taken.parse::<http::Uri>().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_url_parser_finds_the_same_host_in_what_is_taken(text in any_address()) {
        let service = public();
        let addresses = PublicAddresses::for_visitors_of(&service);
        if let Ok(url) = addresses.url(&text) {
            check(&url.to_string(), url.origin.authority());
            // In what came in, too.
            check(Url::parse(&text).unwrap().as_str(), url.origin.authority());
        }
        if let Ok(origin) = addresses.origin(&text) {
            check(&origin.to_string(), origin.authority());
            let again = addresses.origin(origin.authority());
            prop_assert_eq!(again, Ok(origin));
        }
    }

    #[test]
    fn on_this_machine_nothing_else_by_number_is_taken(text in any_address()) {
        let service = local();
        let addresses = PublicAddresses::for_visitors_of(&service);
        if let Ok(url) = addresses.url(&text) {
            let parsed = Url::parse(&url.to_string()).unwrap();
            let host = parsed.host_str().unwrap();
            let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
            prop_assert_eq!(parsed.scheme() == "http", is_here, "{}", text);
            prop_assert!(is_here || matches!(parsed.host(), Some(url::Host::Domain(_))));
        }
    }
}
