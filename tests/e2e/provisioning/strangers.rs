//! Whoever is in no list of those who may call is cut off before the handshake, takes nobody's
//! place, and is counted.

use std::net::SocketAddr;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;

use crate::e2e::provisioning::adapter_scene::API;
use crate::e2e::provisioning::adapter_scene::PASSWORD;
use crate::e2e::provisioning::adapter_scene::Scene;
use crate::e2e::provisioning::adapter_scene::basic;
use crate::e2e::provisioning::adapter_scene::element;
use crate::e2e::provisioning::adapter_scene::profile;
use crate::e2e::provisioning::adapter_scene::request;
use crate::support::client::bounded;

const CUT_OFF: &str =
    "xspd_connection_endings_total{listener=\"provisioning\",reason=\"address-unlisted\"}";

/// A connection of a stranger, who says nothing.
async fn stranger(scene: &Scene) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).unwrap();
    socket.connect(scene.address).await.unwrap()
}

#[tokio::test]
async fn idle_strangers_do_not_keep_the_application_server_out() {
    let scene = Scene::new();
    let places = "limits = { connections = 4, connections-per-address = 4 }";
    let config = |allow: &str| scene.config(&format!("allow = [{allow:?}]\n{places}"), "");
    let daemon = scene.start(&config("127.0.0.1")).await;
    let mut strangers = Vec::new();
    for _ in 0..8 {
        strangers.push(stranger(&scene).await);
    }
    let ping = scene.client().get(&format!("{API}/ping")).await.unwrap();
    assert_eq!((ping.status, ping.text().as_str()), (200, "ok\n"));
    for stranger in &mut strangers {
        let read = bounded(stranger.read(&mut [0; 64])).await;
        let late = std::io::ErrorKind::TimedOut;
        let gone = read
            .as_ref()
            .map_or_else(|error| error.kind() != late, |n| *n == 0);
        assert!(gone, "a stranger is cut off without a word: {read:?}");
    }
    assert_eq!(daemon.metric(CUT_OFF).await, Some(8.0));
    let line = daemon.logged(&["Client cut off", "address-unlisted"]).await;
    assert!(line.contains("127.0.0.2"), "{line}");

    // A reload of the list counts from the next connection on.
    std::fs::write(scene.path().join("xspd.toml"), config("192.0.2.11")).unwrap();
    daemon.signal("HUP");
    daemon.logged(&["Reload done"]).await;
    let ping = scene.client().get(&format!("{API}/ping")).await;
    assert!(ping.is_err(), "{:?}", ping.map(|answer| answer.status));
    assert_eq!(daemon.metric(CUT_OFF).await, Some(9.0));
}

#[tokio::test]
async fn a_stranger_behind_a_trusted_proxy_is_told_so_without_a_look_at_its_password() {
    let scene = Scene::new();
    let config = scene.config("allow = [\"192.0.2.11\"]", "");
    let trusted = "[forwarding]\ntrusted-proxies = [\"127.0.0.1\"]";
    let _daemon = scene.start(&format!("{config}\n{trusted}")).await;
    for (behind, status) in [("192.0.2.11", 200), ("192.0.2.12", 403)] {
        let lines = format!("{}X-Forwarded-For: {behind}\r\n", basic(PASSWORD));
        let call = request("POST", API, &lines, profile("anna@sp.test").as_bytes());
        let answer = scene.send(&call).await;
        assert_eq!(answer.status, status, "{behind}: {}", answer.text());
        if status == 403 {
            assert_eq!(element(&answer, "code"), "A1011");
        }
    }
}
