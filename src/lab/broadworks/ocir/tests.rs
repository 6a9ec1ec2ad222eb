//! The OCI-R interface over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::domain::ocip::framing::Framer;
use crate::domain::ocir::Notification;
use crate::domain::ocir::read;
use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::ocir::Odd;
use crate::lab::broadworks::ocir::Settings;
use crate::platform::tasks::Tasks;

struct Served {
    lab: Arc<BroadWorks>,
    address: SocketAddr,
    tasks: Tasks,
    _state: tempfile::TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

async fn start(settings: Settings) -> Served {
    let state = tempfile::tempdir().unwrap();
    let lab = BroadWorks::open(state.path(), false).unwrap();
    lab.report_as(settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = Tasks::new();
    let (served, stop, inner) = (Arc::clone(&lab), tasks.stop(), tasks.clone());
    tasks.worker("lab", async move {
        served.serve_ocir(listener, None, stop, &inner).await;
    });
    Served {
        lab,
        address,
        tasks,
        _state: state,
    }
}

struct Client {
    stream: TcpStream,
    framer: Framer,
}

impl Client {
    async fn connect(served: &Served) -> Self {
        Self {
            stream: TcpStream::connect(served.address).await.unwrap(),
            framer: Framer::ocir(),
        }
    }

    /// The next document; `None` when the connection ends.
    async fn document(&mut self) -> Option<Vec<u8>> {
        let mut piece = [0; 4096];
        loop {
            if let Some(document) = self.framer.message().unwrap() {
                return Some(document);
            }
            match self.stream.read(&mut piece).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.framer.push(&piece[..read]),
            }
        }
    }

    /// Ids of the reports of the next document that is no ping.
    async fn reports(&mut self) -> Vec<String> {
        loop {
            let document = self.document().await.unwrap();
            let told = read(&document).unwrap().into_iter();
            let ids: Vec<_> = told
                .filter_map(|told| match told {
                    Notification::Write(write) => Some(write.id),
                    Notification::KeepAlive
                    | Notification::Other(_)
                    | Notification::PublicIdentity
                    | Notification::Unreadable { .. } => None,
                })
                .collect();
            if !ids.is_empty() {
                return ids;
            }
        }
    }
}

fn report(served: &Served, user: &str) {
    let body = Element::new("command")
        .with_leaf("userId", user)
        .with_leaf("newPassword", "s3cret");
    served
        .lab
        .ocir
        .report("admin", "UserModifyRequest22", &body);
}

#[tokio::test]
async fn reports_and_pings_come_in_one_stream_with_passwords_altered() {
    let settings = Settings {
        ping_ms: 20,
        split: true,
        ..Settings::default()
    };
    let served = start(settings).await;
    let mut client = Client::connect(&served).await;
    let ping = client.document().await.unwrap();
    assert_eq!(read(&ping).unwrap(), [Notification::KeepAlive]);
    report(&served, "no\u{eb}l€@x");
    loop {
        let document = client.document().await.unwrap();
        let [told] = &read(&document).unwrap()[..] else {
            panic!("one command")
        };
        let Notification::Write(write) = told else {
            continue;
        };
        assert_eq!((write.id.as_str(), write.by.as_str()), ("write1", "admin"));
        let body = &write.commands[0].body;
        assert_eq!(body.child_text("userId"), Some("no\u{eb}l€@x"));
        assert_eq!(body.child_text("newPassword"), Some("******"));
        assert!(
            document.windows(4).any(|four| four == b"no\xebl"),
            "ISO-8859-1"
        );
        break;
    }
}

#[tokio::test]
async fn what_happens_meanwhile_waits_and_the_last_may_come_again() {
    let settings = Settings {
        replay: 1,
        together: 2,
        backlog: 3,
        ..Settings::default()
    };
    let served = start(settings).await;
    let mut client = Client::connect(&served).await;
    // Nobody keeps anything for a host that was never there.
    client.document().await.unwrap();
    report(&served, "a@x");
    assert_eq!(client.reports().await, ["write1"]);
    drop(client);
    served.lab.cut_reports();
    for user in ["b@x", "c@x", "d@x", "e@x"] {
        report(&served, user);
    }
    let mut client = Client::connect(&served).await;
    let mut ids = Vec::new();
    while ids.len() < 4 {
        ids.extend(client.reports().await);
    }
    assert_eq!(ids, ["write1", "write3", "write4", "write5"]);
}

#[tokio::test]
async fn a_host_that_is_not_in_the_list_is_sent_away() {
    let settings = Settings {
        access: vec!["192.0.2.1".parse().unwrap()],
        ..Settings::default()
    };
    let served = start(settings).await;
    assert_eq!(Client::connect(&served).await.document().await, None);
}

#[tokio::test]
async fn odd_documents_are_as_odd_as_they_say() {
    let served = start(Settings::default()).await;
    let mut client = Client::connect(&served).await;
    client.document().await.unwrap();
    served.lab.send_odd_report(Odd::EndTag);
    assert_eq!(client.reports().await, ["odd1"]);
    served.lab.send_odd_report(Odd::Large);
    let large = client.document().await.unwrap();
    assert_eq!(large.len(), crate::domain::ocip::framing::MESSAGE);
    assert!(read(&large).is_ok());
    served.lab.send_odd_report(Odd::Doctype);
    let doctype = client.document().await.unwrap();
    assert!(read(&doctype).is_err());
    served.lab.send_odd_report(Odd::Entities);
    let told = read(&client.document().await.unwrap()).unwrap();
    assert!(
        matches!(told[..], [Notification::Unreadable { .. }]),
        "{told:?}"
    );
}

#[tokio::test]
async fn silence_and_its_end_are_heard() {
    let served = start(Settings {
        silent: true,
        ping_ms: 10,
        ..Settings::default()
    })
    .await;
    let mut client = Client::connect(&served).await;
    let waited = tokio::time::timeout(Duration::from_millis(50), client.document()).await;
    assert!(waited.is_err(), "nothing comes");
    served.lab.report_as(Settings::default());
    assert!(client.document().await.is_some());
}
