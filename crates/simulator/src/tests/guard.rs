//! Whom the simulator answers: a page of another site that has its own name resolve to this machine
//! (DNS rebinding), or sends a request across sites, gets nothing.

use super::client::{Reply, Running};

/// What must not be had from outside: the page, the record, the control routes and the networks.
const LINES: [&str; 6] = [
    "GET /",
    "GET /simulator/received",
    "PUT /simulator/faults",
    "GET /1.1/account/verify_credentials.json",
    "GET /xrpc/com.atproto.server.getSession",
    "GET /api/v1/accounts/verify_credentials",
];

async fn ask(running: &Running, line: &str, headers: &[&str]) -> Reply {
    let headers = headers.iter().map(|one| format!("{one}\r\n"));
    let headers = headers.collect::<Vec<_>>().concat();
    let request = format!(
        "{line} HTTP/1.1\r\n{headers}User-Agent: test\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    );
    Reply::read(&running.exchange(request.as_bytes()).await.unwrap())
}

#[tokio::test]
async fn it_answers_to_its_own_names_with_its_own_port() {
    let running = Running::start().await;
    let port = running.address.port();
    for name in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"] {
        let host = format!("Host: {name}:{port}");
        for line in LINES {
            let reply = ask(&running, line, &[&host]).await;
            assert_ne!(reply.status, 421, "{line} {host}");
        }
        assert_eq!(ask(&running, "GET /", &[&host]).await.status, 200);
    }
}

#[tokio::test]
async fn another_name_or_port_gets_nothing_and_leaves_no_trace() {
    let running = Running::start().await;
    let port = running.address.port();
    let other = port ^ 1;
    let own = format!("Host: 127.0.0.1:{port}");
    for host in [
        format!("attacker.example:{port}"),
        format!("localhost.attacker.example:{port}"),
        format!("attacker.localhost:{port}"),
        format!("127.0.0.1.attacker.example:{port}"),
        format!("127.0.0.2:{port}"),
        format!("127.0.0.1:{other}"),
        "127.0.0.1".to_owned(),
        "localhost".to_owned(),
        String::new(),
    ] {
        let host = format!("Host: {host}");
        for line in LINES {
            for headers in [vec![host.as_str()], vec![own.as_str(), host.as_str()]] {
                let reply = ask(&running, line, &headers).await;
                assert!(matches!(reply.status, 400 | 421), "{line} {headers:?}");
                assert!(reply.status == 400 || reply.text().starts_with("Refused: "));
            }
        }
        // In the request line too.
        let (_, name) = host.split_at("Host: ".len());
        if !name.is_empty() {
            let line = format!("GET http://{name}/simulator/received");
            assert_eq!(ask(&running, &line, &[&own]).await.status, 421, "{line}");
        }
    }
    assert!(running.received().await.is_empty());
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing() {
    let running = Running::start().await;
    let port = running.address.port();
    let host = format!("Host: 127.0.0.1:{port}");
    for origin in [
        "null".to_owned(),
        "https://attacker.example".to_owned(),
        format!("http://attacker.example:{port}"),
        format!("https://127.0.0.1:{port}"),
        "http://127.0.0.1:1".to_owned(),
        "http://127.0.0.1".to_owned(),
        String::new(),
    ] {
        let origin = format!("Origin: {origin}");
        for line in LINES {
            assert_eq!(
                ask(&running, line, &[&host, &origin]).await.status,
                403,
                "{line} {origin}"
            );
        }
    }
    for (headers, status) in [
        (
            vec!["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"],
            403,
        ),
        (
            vec!["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"],
            403,
        ),
        // A link to the page, and the page itself.
        (
            vec!["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"],
            200,
        ),
        (
            vec!["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"],
            200,
        ),
        (
            vec!["Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"],
            200,
        ),
    ] {
        let headers = [vec![host.as_str()], headers].concat();
        let reply = ask(&running, "GET /simulator/received", &headers).await;
        assert_eq!(reply.status, status, "{headers:?}");
    }
    assert!(running.received().await.is_empty());
    let own = format!("Origin: http://127.0.0.1:{port}");
    assert_eq!(
        ask(&running, "GET /simulator/received", &[&host, &own])
            .await
            .status,
        200
    );
}
