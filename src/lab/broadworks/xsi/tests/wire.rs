//! A lab on a free port and a client that shows every byte.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::parse_json;
use crate::domain::xsi::codec::parse_xml;
use crate::lab::broadworks::BroadWorks;
use crate::platform::tasks::Tasks;

pub(super) const ALICE: &str = "alice@as.example.net:Passw0rd!";

/// A served lab with a state directory of its own.
pub(super) struct Served {
    pub(super) lab: Arc<BroadWorks>,
    pub(super) address: SocketAddr,
    pub(super) tasks: Tasks,
    state: Arc<tempfile::TempDir>,
}

impl Served {
    /// A lab as seeded.
    pub(super) async fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("broadworks.json"), seeded()).unwrap();
        Self::over(Arc::new(state)).await
    }

    /// A lab over a state directory.
    async fn over(state: Arc<tempfile::TempDir>) -> Self {
        let lab = BroadWorks::open(state.path(), false).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = Tasks::new();
        let (served, stop, inner) = (Arc::clone(&lab), tasks.stop(), tasks.clone());
        tasks.worker("lab", async move {
            served.serve_xsi(listener, stop, &inner).await
        });
        Self {
            lab,
            address,
            tasks,
            state,
        }
    }

    /// Ends the lab and starts it again over the same state.
    pub(super) async fn restart(self) -> Self {
        self.tasks.stop().cancel();
        self.tasks.join().await;
        Self::over(Arc::clone(&self.state)).await
    }

    /// Takes the state directory away, as a broken disk would.
    pub(super) fn lose_state(&self) {
        std::fs::remove_dir_all(self.state.path()).unwrap();
    }

    /// Sends bytes and reads until the lab closes.
    pub(super) async fn send(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.unwrap();
        Reply::parse(&reply)
    }

    /// A request by somebody (`name:password`), the path below `/v2.0/`.
    pub(super) async fn ask(&self, who: &str, method: &str, path: &str, body: &str) -> Reply {
        let path = format!("/com.broadsoft.xsi-actions/v2.0/{path}");
        let headers = format!("Authorization: Basic {}\r\n", STANDARD.encode(who));
        self.raw(method, &path, &headers, body).await
    }

    /// A request with headers of its own, each ended by CRLF.
    pub(super) async fn raw(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: xsp1.example.net\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        );
        self.send(request.as_bytes()).await
    }

    /// GET by Alice, which must succeed.
    pub(super) async fn get(&self, path: &str) -> Element {
        let reply = self.ask(ALICE, "GET", path, "").await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.document()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// The state file of a fresh lab, hashed once for all tests.
fn seeded() -> &'static [u8] {
    static STATE: OnceLock<Vec<u8>> = OnceLock::new();
    STATE.get_or_init(|| {
        let state = tempfile::tempdir().unwrap();
        BroadWorks::open(state.path(), true).unwrap();
        std::fs::read(state.path().join("broadworks.json")).unwrap()
    })
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    head: String,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("no head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Self {
            status: status.expect("no status"),
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (held, value) = line.split_once(':')?;
            held.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, read as its content type says.
    pub(super) fn document(&self) -> Element {
        let json = self
            .header("content-type")
            .is_some_and(|held| held.starts_with("application/json"));
        let document = if json {
            parse_json(&self.body, usize::MAX)
        } else {
            parse_xml(&self.body, usize::MAX, None)
        };
        document
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
            .into_root()
    }
}

/// A recorded exchange of `tests/fixtures/wire/xsi-actions`.
pub(super) struct Sample {
    pub(super) request: Vec<u8>,
    pub(super) reply: Reply,
}

impl Sample {
    pub(super) fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire/xsi-actions")
    }

    /// Reads a sample; credentials that the lab's Xsi does not take are replaced.
    pub(super) fn load(file: &str, who: &str) -> Self {
        let bytes = std::fs::read(Self::folder().join(file)).unwrap();
        let marker = b"\n###### RESPONSE\n";
        let at = bytes
            .windows(marker.len())
            .position(|held| held == marker)
            .unwrap();
        let (head, body) = part(&bytes[..at]);
        let mut request = String::new();
        for line in head.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(':').next().unwrap_or_default();
            if name.eq_ignore_ascii_case("authorization") {
                request += &format!("Authorization: Basic {}\r\n", STANDARD.encode(who));
            } else {
                request += &format!("{line}\r\n");
            }
        }
        request += "Connection: close\r\n\r\n";
        let mut request = request.into_bytes();
        request.extend_from_slice(&body);
        let (head, body) = part(&bytes[at + marker.len()..]);
        let mut reply = head.replace('\n', "\r\n").into_bytes();
        reply.extend_from_slice(b"\r\n\r\n");
        reply.extend_from_slice(&body);
        Self {
            request,
            reply: Reply::parse(&reply),
        }
    }
}

/// Head and body of one half; the body has as many bytes as its head says.
fn part(bytes: &[u8]) -> (String, Vec<u8>) {
    let end = bytes
        .windows(2)
        .position(|two| two == b"\n\n")
        .unwrap_or(bytes.len());
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().unwrap())
    });
    let body = bytes.get(end + 2..).unwrap_or_default();
    (head, body[..length.unwrap_or_default()].to_vec())
}
