//! The provider over https.

use mock_idp::{Certificate, MockIdp, Options};

fn client(ca: &[u8]) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(ca).expect("a certificate");
    reqwest::Client::builder().tls_certs_only([ca]).build().expect("a client")
}

#[tokio::test]
async fn only_the_honest_certificate_is_good() {
    let idp = MockIdp::start(Options { tls: true, ..Options::default() }).await.expect("it starts");
    let ca = idp.ca_pem().expect("it has an authority");
    let issuer = idp.issuer("corp");
    assert!(issuer.url().starts_with("https://127.0.0.1:"), "{}", issuer.url());
    let jwks = format!("{}/jwks", issuer.url());
    let mut refused = 0;
    for certificate in Certificate::ALL {
        assert_eq!(Certificate::parse(certificate.name()), Some(certificate));
        idp.show(certificate);
        // A client of its own: no connection of before, which may be ending, is in its way.
        let answer = client(ca.as_bytes()).get(&jwks).send().await;
        assert_eq!(answer.is_ok(), certificate == Certificate::Honest, "{certificate:?}: {answer:?}");
        assert_eq!(issuer.received() == 1, answer.is_ok(), "{certificate:?}");
        issuer.forget();
        refused += usize::from(answer.is_err());
        // The client knows before the provider does, which hears of it by an alert.
        for _ in 0..100 {
            if idp.failed_handshakes() == refused {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(idp.failed_handshakes(), refused, "{certificate:?}");
    }
    assert_eq!(refused, 3);
    idp.stop().await;
}

#[tokio::test]
async fn another_certificate_ends_the_connections_that_saw_the_former() {
    let idp = MockIdp::start(Options { tls: true, ..Options::default() }).await.expect("it starts");
    let client = client(idp.ca_pem().expect("it has an authority").as_bytes());
    let jwks = format!("{}/jwks", idp.issuer("corp").url());
    let answer = client.get(&jwks).send().await.expect("it is trusted");
    answer.text().await.expect("a key set");
    idp.show(Certificate::Stranger);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    // Neither the connection of before nor its TLS session is of any use.
    assert!(client.get(&jwks).send().await.is_err());
    idp.show(Certificate::Honest);
    assert!(client.get(&jwks).send().await.is_ok());
    idp.stop().await;
}

#[tokio::test]
async fn a_client_that_never_greets_keeps_nobody_waiting() {
    let idp = MockIdp::start(Options { tls: true, ..Options::default() }).await.expect("it starts");
    let addr = idp.base_url().trim_start_matches("https://").to_owned();
    let silent = tokio::net::TcpStream::connect(&addr).await.expect("it listens");
    let client = client(idp.ca_pem().expect("it has an authority").as_bytes());
    assert!(client.get(idp.base_url()).send().await.is_ok());
    drop(silent);
    idp.stop().await;
    assert!(tokio::net::TcpStream::connect(&addr).await.is_err(), "the port is free again");
}

#[tokio::test]
async fn without_tls_there_is_no_authority() {
    let idp = MockIdp::start(Options::default()).await.expect("it starts");
    assert_eq!(idp.ca_pem(), None);
    idp.show(Certificate::Stranger);
    assert!(idp.base_url().starts_with("http://"));
    idp.stop().await;
}
