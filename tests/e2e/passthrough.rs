//! SNI routing without termination: the client's TLS ends on the upstream, not on us.

use crate::e2e::stage::PROFILE;
use crate::e2e::stage::Stage;
use crate::e2e::stage::presented;
use crate::support::client::Client;
use crate::support::daemon::free_address;
use crate::support::pki::Client as Kind;
use crate::support::pki::Key;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

#[tokio::test]
async fn the_client_meets_the_upstreams_own_certificate_and_mutual_tls_works_end_to_end() {
    let stage = Stage::new().await;
    let identity = stage.public.server(&["cti.test"], Key::P256);
    let inner = Upstream::start_tls(&identity, Some(stage.webex.root()), |_| {
        Reply::text(200, "from the upstream")
    })
    .await;
    let pass = free_address();
    let config = format!(
        "{}\n[[listener]]\nname = \"pass\"\nkind = \"passthrough\"\naddresses = [\"{pass}\"]\n\
         [[listener.passthrough]]\nnames = [\"cti.test\"]\nupstreams = [\"{}\"]\n\
         [[listener.passthrough]]\nnames = [\"down.test\"]\nupstreams = [\"{}\"]\n",
        stage.config("", ""),
        inner.address(),
        free_address(),
    );
    let daemon = stage.start(&config).await;
    let client = Client::new(pass)
        .name("cti.test")
        .trusting(stage.public.root())
        .showing(stage.webex.client(Kind::Good));
    assert_eq!(Some(&presented(&client).await), identity.chain.first());
    let answer = client.get(PROFILE).await.unwrap();
    assert_eq!(answer.text(), "from the upstream");

    assert!(client.clone().name("other.test").connect().await.is_err());
    assert!(client.clone().name("down.test").connect().await.is_err());
    let unknown = "xspd_handshake_failures_total{listener=\"pass\",reason=\"unknown-server-name\"}";
    assert_eq!(daemon.metric(unknown).await, Some(1.0));
    let down = "xspd_connection_endings_total{listener=\"pass\",reason=\"upstream-unreachable\"}";
    assert_eq!(daemon.metric(down).await, Some(1.0));
}
