//! Webex behind a proxy and under a CA of one's own.
#![expect(
    clippy::disallowed_methods,
    reason = "tasks of a fake end with its runtime"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use xspd::lab::webex::api::Template;

use crate::e2e::provisioning::theatre::FAST;
use crate::e2e::provisioning::theatre::Theatre;
use crate::e2e::provisioning::theatre::WEBEX;
use crate::support::pki::Authority;
use crate::support::pki::write_private;

const ANNA: &str = "anna@initech.test";

/// Opens the way to one address for whoever shows the password, and keeps what it was asked and the
/// first bytes that went through.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    passed: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    async fn start(leads_to: SocketAddr, consent: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, passed) = (Arc::default(), Arc::default());
        let (keeps_asked, keeps_passed) = (Arc::clone(&asked), Arc::clone(&passed));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (asked, passed) = (Arc::clone(&keeps_asked), Arc::clone(&keeps_passed));
                tokio::spawn(async move {
                    // Whoever is cut off is no matter of the proxy's.
                    drop(lead(stream, leads_to, consent, &asked, &passed).await);
                });
            }
        });
        Self {
            address,
            asked,
            passed,
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn lead(
    mut near: TcpStream,
    leads_to: SocketAddr,
    consent: &str,
    asked: &Mutex<Vec<String>>,
    passed: &Mutex<Vec<u8>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(near.read_u8().await?);
    }
    asked
        .lock()
        .unwrap()
        .push(String::from_utf8(head).map_err(std::io::Error::other)?);
    near.write_all(format!("HTTP/1.1 {consent}\r\n\r\n").as_bytes())
        .await?;
    if !consent.starts_with("200") {
        return near.shutdown().await;
    }
    let mut far = TcpStream::connect(leads_to).await?;
    let mut piece = [0; 1024];
    let read = near.read(&mut piece).await?;
    passed.lock().unwrap().extend_from_slice(&piece[..read]);
    far.write_all(&piece[..read]).await?;
    tokio::io::copy_bidirectional(&mut near, &mut far).await?;
    Ok(())
}

/// The daemon reaches Webex by its name alone, which only the proxy can find.
fn through(theatre: &mut Theatre, proxy: &Proxy) {
    let port = theatre.address.port();
    theatre.replace(
        &format!("https://localhost:{port}/"),
        &format!("https://{WEBEX}/"),
    );
    let credentials = theatre.scene.path().join("proxy-credentials");
    write_private(&credentials, "me:p@ss\n");
    theatre.replace(
        "proxy = \"none\"",
        &format!(
            "proxy = \"http://{}\"\nproxy-credentials = \"file:{}\"",
            proxy.address,
            credentials.display()
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_proxy_users_come_to_webex_and_the_proxy_sees_where_to_and_nothing_else() {
    let mut theatre = Theatre::open(FAST).await;
    let proxy = Proxy::start(theatre.address, "200 Connection established").await;
    through(&mut theatre, &proxy);
    let daemon = theatre.daemon().await;
    theatre.assign(&Template::trusted(), ANNA).await;
    theatre.reaches(&daemon, ANNA, "provisioned").await;
    let asked = proxy.asked();
    assert!(!asked.is_empty());
    for head in &asked {
        // me:p@ss
        let expected = format!(
            "CONNECT {WEBEX}:443 HTTP/1.1\r\nHost: {WEBEX}:443\r\n\
             Proxy-Authorization: Basic bWU6cEBzcw==\r\n\r\n"
        );
        assert_eq!(*head, expected);
    }
    let passed = proxy.passed.lock().unwrap().clone();
    assert_eq!(
        passed.first(),
        Some(&0x16),
        "a TLS handshake, and no request"
    );
    assert!(!passed.windows(6).any(|six| six == b"Bearer"));
    assert!(daemon.stop().await.success());
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webex_under_another_ca_is_told_nothing_and_the_job_waits_until_it_can_be_trusted() {
    let mut theatre = Theatre::open(FAST).await;
    let proxy = Proxy::start(theatre.address, "200 Connection established").await;
    through(&mut theatre, &proxy);
    let right = theatre.scene.path().join("ca.pem");
    let wrong = theatre.scene.path().join("other-ca.pem");
    std::fs::write(&wrong, Authority::new("Other").root_pem()).unwrap();
    let (right, wrong) = (right.display().to_string(), wrong.display().to_string());
    theatre.replace(&format!("ca = \"{right}\""), &format!("ca = \"{wrong}\""));
    let daemon = theatre.daemon().await;
    theatre.assign(&Template::trusted(), ANNA).await;
    let line = daemon.logged(&["UnknownIssuer"]).await;
    assert!(!line.contains("p@ss") && !line.contains("bWU6"), "{line}");
    assert!(!proxy.asked().is_empty());
    assert_eq!(
        theatre.webex.calls().len(),
        0,
        "not even a token was asked for"
    );
    let row = theatre.row(ANNA).await;
    assert!(
        !matches!(row["state"].as_str(), Some("provisioned" | "attention")),
        "{row}"
    );
    assert!(daemon.stop().await.success());

    theatre.replace(&format!("ca = \"{wrong}\""), &format!("ca = \"{right}\""));
    let daemon = theatre.daemon().await;
    theatre.reaches(&daemon, ANNA, "provisioned").await;
    assert!(daemon.stop().await.success());
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_does_not_consent_is_named_and_nothing_goes_round_it() {
    let mut theatre = Theatre::open(FAST).await;
    let proxy = Proxy::start(theatre.address, "407 Proxy Authentication Required").await;
    through(&mut theatre, &proxy);
    let daemon = theatre.daemon().await;
    theatre.assign(&Template::trusted(), ANNA).await;
    let place = proxy.address.to_string();
    daemon.logged(&["407", &place]).await;
    assert_eq!(theatre.webex.calls().len(), 0);
    assert!(daemon.stop().await.success());
    theatre.close().await;
}
