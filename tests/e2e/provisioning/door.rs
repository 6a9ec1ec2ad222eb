//! One token opens what operators of provisioning and of alarms may do; whoever guesses it at one
//! door is locked out at the other.

use tokio::net::TcpStream;

use crate::e2e::provisioning::adapter_scene::Scene;
use crate::support::client::exchange;
use crate::support::pki::write_private;

async fn asked(scene: &Scene, target: &str, token: &str) -> u16 {
    let mut stream = TcpStream::connect(scene.admin).await.unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\n\r\n"
    );
    exchange(&mut stream, request.as_bytes())
        .await
        .unwrap()
        .status
}

#[tokio::test]
async fn guesses_at_one_lock_the_other() {
    let scene = Scene::new();
    let token = scene.path().join("operator-token");
    write_private(&token, "operators-only-4711");
    let config = format!(
        "{}\n[policy.guessing]\nfailures = 2\nwindow = \"1h\"\nlockout = \"1h\"\n\
         [provisioning.operations]\noperator-token = \"file:{}\"\n",
        scene.config("", ""),
        token.display()
    );
    let (users, alarms) = ("/ops/v1/jobs", "/alarms/v1/alarms");
    for (guessed, other) in [(users, alarms), (alarms, users)] {
        let daemon = scene.start(&config).await;
        for target in [guessed, other] {
            assert_eq!(asked(&scene, target, "operators-only-4711").await, 200);
        }
        for _ in 0..2 {
            assert_eq!(asked(&scene, guessed, "guessed").await, 401);
        }
        for target in [guessed, other] {
            let status = asked(&scene, target, "operators-only-4711").await;
            assert_eq!(status, 429, "{target} after guesses at {guessed}");
        }
        daemon.logged(&["locked"]).await;
        assert!(daemon.stop().await.success());
    }
}
