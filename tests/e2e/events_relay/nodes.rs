//! Clients that spread their connections over two nodes.

use crate::e2e::events_relay::Channel;
use crate::e2e::events_relay::EVENTS;
use crate::e2e::events_relay::acknowledge;
use crate::e2e::events_relay::asking;
use crate::e2e::events_relay::beat;
use crate::e2e::events_relay::config;
use crate::e2e::events_relay::request;
use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
use crate::support::client::Client;
use crate::support::client::bounded;
use crate::support::daemon::Daemon;
use crate::support::event_xsp::ECHO;
use crate::support::event_xsp::EventXsp;
use crate::support::event_xsp::event;
use crate::support::pki::Client as Kind;
use crate::support::pki::WEBEX_NAME;

/// Two nodes of one farm that may ask each other over mutual TLS.
struct Farm {
    /// Whose authorities the certificates of both are from.
    stage: Stage,
    other: Stage,
    /// Of `stage`, then of `other`; `None` once it is gone.
    daemons: [Option<Daemon>; 2],
}

impl Farm {
    async fn new(xsps: &[&EventXsp]) -> Self {
        let (stage, other) = (Stage::new().await, Stage::new().await);
        let node = stage.webex.client(Kind::Good);
        node.write(stage.path(), "node");
        let root = stage.path().join("root.pem");
        std::fs::write(root, stage.public.root_pem()).unwrap();
        let first = node_config(&stage, &stage, &other, xsps);
        let second = node_config(&stage, &other, &stage, xsps);
        let daemons = [
            Some(stage.start(&first).await),
            Some(other.start(&second).await),
        ];
        Self {
            stage,
            other,
            daemons,
        }
    }

    fn client(&self) -> Client {
        self.stage.client()
    }

    /// A client of the second node.
    fn other_client(&self) -> Client {
        let client = Client::new(self.other.address).name(HOST);
        client.trusting(self.stage.public.root())
    }
}

/// The configuration of `node`, whose neighbour is `other`.
fn node_config(stage: &Stage, node: &Stage, other: &Stage, xsps: &[&EventXsp]) -> String {
    let events = format!(
        "peers = \"nodes\"\nfarm-identities = [\"{WEBEX_NAME}\"]\nheartbeat-interval = \"0s\"\n\
         peer-timeout = \"10s\""
    );
    let folder = stage.path().display();
    let pool = format!(
        "[[pool]]\nname = \"nodes\"\n[[pool.upstream]]\nname = \"other\"\nurl = \"https://{}\"\n\
         server-name = \"{HOST}\"\nhost-header = \"{HOST}\"\nca = \"{folder}/root.pem\"\n\
         client-certificate = {{ chain = \"{folder}/node.pem\", key = \"file:{folder}/node.key\" }}\n\
         [events]\n",
        other.address,
    );
    let clients = "name = \"edge\"\nclient-certificates = \"optional\"\ntrust = \"webex\"\n";
    let own = node.path().display();
    config(node, xsps, &events)
        .replace("[events]\n", &pool)
        .replace("name = \"edge\"\n", clients)
        .replace(&format!("{own}/"), &format!("{folder}/"))
        .replace(&format!("{folder}/state"), &format!("{own}/state"))
}

#[tokio::test]
async fn heartbeats_and_acknowledgements_at_another_node_reach_the_xsp_of_the_stream() {
    let (one, two) = (EventXsp::start("one").await, EventXsp::start("two").await);
    let farm = Farm::new(&[&one, &two]).await;
    let mut channels = Vec::new();
    for set in ["a", "a"] {
        let mut channel = Channel::open(&farm.client(), &asking("alice", set, "x")).await;
        let id = channel.id().await;
        channels.push((id, channel));
    }
    for (id, channel) in &mut channels {
        // Twice: the second time the node knows by itself.
        for _ in 0..2 {
            assert_eq!(beat(&farm.other_client(), id).await.status, 200, "{id}");
            assert_eq!(channel.text().await, ECHO);
        }
        let holder = if id.starts_with("one") { &one } else { &two };
        let event_id = format!("{id}-event");
        holder.send(id, &event(&event_id));
        assert_eq!(channel.text().await, event(&event_id));
        let answer = acknowledge(&farm.other_client(), &event_id).await;
        assert_eq!(answer.status, 200, "{id}");
    }
    let daemon = farm.daemons[1].as_ref().unwrap();
    let series = "xspd_event_routing_total{hint=\"peer-node\"}";
    assert_eq!(daemon.metric(series).await, Some(4.0));
    let series = "xspd_event_routing_total{hint=\"channel-id\"}";
    assert_eq!(daemon.metric(series).await, Some(2.0));

    // What nobody knows costs a question, and gets the XSP's answer.
    assert_eq!(beat(&farm.other_client(), "nobody").await.status, 404);
}

#[tokio::test]
async fn a_node_that_is_gone_delays_nobody_for_long() {
    let (one, two) = (EventXsp::start("one").await, EventXsp::start("two").await);
    let mut farm = Farm::new(&[&one, &two]).await;
    drop(farm.daemons[0].take());
    let beat = bounded(async { Ok(beat(&farm.other_client(), "unknown").await) });
    assert_eq!(beat.await.unwrap().status, 404);
}

#[tokio::test]
async fn strangers_learn_nothing_not_even_that_there_is_a_question() {
    let one = EventXsp::start("one").await;
    let farm = Farm::new(&[&one]).await;
    let mut channel = Channel::open(&farm.client(), &asking("alice", "a", "x")).await;
    let id = channel.id().await;
    let path = format!("/xspd/events/v1/whereabouts?channel={id}");
    let question = request("GET", &path, "alice", "");
    let node = farm.stage.webex_client();
    assert_eq!(node.exchange(&question).await.unwrap().text(), "one");
    let stranger = farm.stage.webex.client(Kind::WrongName);
    let stranger = farm.client().showing(stranger);
    for client in [farm.client(), stranger] {
        let answer = client.exchange(&question).await.unwrap();
        assert_eq!(answer.status, 404);
        assert!(!answer.text().contains("one"));
    }
    let path = format!("{EVENTS}/../xspd/events/v1/whereabouts?channel={id}");
    let dotted = request("GET", &path, "alice", "");
    assert_eq!(node.exchange(&dotted).await.unwrap().status, 400);
}
