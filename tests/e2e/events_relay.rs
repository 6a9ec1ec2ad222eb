//! Event channels through the daemon: streams byte for byte, and everything that belongs to a
//! stream at the XSP that holds it.

mod bytes;
mod limits;
mod nodes;
mod routing;

use std::io;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
use crate::support::client::Answer;
use crate::support::client::Client;
use crate::support::client::bounded;
use crate::support::daemon::Daemon;
use crate::support::event_xsp::EventXsp;
use crate::support::wire;

const EVENTS: &str = "/com.broadsoft.xsi-events/v2.0";
const CHANNEL: &str = "/com.broadsoft.async/com.broadsoft.xsi-events/v2.0/channel";

/// A daemon before these XSPs.
struct Scene {
    stage: Stage,
    daemon: Daemon,
}

impl Scene {
    /// `events` are lines of the section `[events]`.
    async fn new(xsps: &[&EventXsp], events: &str) -> Self {
        let stage = Stage::new().await;
        let daemon = stage.start(&config(&stage, xsps, events)).await;
        Self { stage, daemon }
    }

    fn client(&self) -> Client {
        self.stage.client()
    }

    async fn open(&self, set: &str) -> Channel {
        Channel::open(&self.client(), &asking("alice", set, "app")).await
    }

    /// Waits until a series has a value that will do.
    async fn metric(&self, series: &str, good: impl Fn(f64) -> bool) {
        let done = bounded(async {
            loop {
                if self.daemon.metric(series).await.is_some_and(&good) {
                    return Ok(());
                }
                tokio::task::yield_now().await;
            }
        });
        if done.await.is_err() {
            panic!("{series} is {:?}", self.daemon.metric(series).await);
        }
    }
}

fn config(stage: &Stage, xsps: &[&EventXsp], events: &str) -> String {
    let upstream = format!(
        "[[pool.upstream]]\nname = \"one\"\nurl = \"http://{}\"\n",
        stage.upstream.address()
    );
    let xsps: String = xsps.iter().map(|xsp| xsp.upstream()).collect();
    let text = stage.config("", "routes = [\"xsi-events\", \"async\", \"xsi-actions\"]");
    assert!(text.contains(&upstream));
    text.replace(&upstream, &format!("{xsps}[events]\n{events}\n"))
}

/// A request for a channel.
fn asking(user: &str, set: &str, application: &str) -> Vec<u8> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Channel xmlns=\"http://schema.broadsoft.com/xsi\"><channelSetId>{set}</channelSetId><expires>3600</expires><applicationId>{application}</applicationId></Channel>"
    );
    request("POST", CHANNEL, user, &body)
}

fn request(method: &str, path: &str, user: &str, body: &str) -> Vec<u8> {
    use base64::Engine as _;
    let password = base64::engine::general_purpose::STANDARD.encode(format!("{user}:secret"));
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Basic {password}\r\nAccept-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A heartbeat over a connection of its own.
async fn beat(client: &Client, id: &str) -> Answer {
    let path = format!("{EVENTS}/channel/{id}/heartbeat");
    let beat = request("PUT", &path, "alice", "");
    client.exchange(&beat).await.unwrap()
}

/// An acknowledgement over a connection of its own.
async fn acknowledge(client: &Client, event: &str) -> Answer {
    let body = format!(
        "<EventResponse xmlns=\"http://schema.broadsoft.com/xsi\"><eventID>{event}</eventID><statusCode>200</statusCode><reason>OK</reason></EventResponse>"
    );
    let path = format!("{EVENTS}/channel/EventResponse");
    let answer = request("POST", &path, "alice", &body);
    client.exchange(&answer).await.unwrap()
}

/// A stream as a client sees it.
struct Channel {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
    head: String,
}

impl Channel {
    async fn open(client: &Client, request: &[u8]) -> Self {
        let mut stream = client.connect().await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut channel = Self {
            stream,
            buffer: Vec::new(),
            head: String::new(),
        };
        channel.head = bounded(async {
            loop {
                if let Some(at) = wire::find(&channel.buffer, b"\r\n\r\n") {
                    let rest = channel.buffer.split_off(at + 4);
                    let head = std::mem::replace(&mut channel.buffer, rest);
                    return Ok(String::from_utf8_lossy(&head).into_owned());
                }
                channel.more().await?;
            }
        })
        .await
        .unwrap();
        channel
    }

    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The next chunk; empty at the stream's orderly end, an error when it breaks off.
    async fn chunk(&mut self) -> io::Result<Vec<u8>> {
        bounded(async {
            loop {
                if let Some(at) = wire::find(&self.buffer, b"\r\n") {
                    let size = String::from_utf8_lossy(&self.buffer[..at]).into_owned();
                    let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
                    let end = at + 2 + size + 2;
                    if self.buffer.len() >= end {
                        let rest = self.buffer.split_off(end);
                        let whole = std::mem::replace(&mut self.buffer, rest);
                        return Ok(whole[at + 2..end - 2].to_vec());
                    }
                }
                self.more().await?;
            }
        })
        .await
    }

    async fn text(&mut self) -> String {
        String::from_utf8(self.chunk().await.unwrap()).unwrap()
    }

    /// The bytes of the stream, without its framing, until there are so many.
    async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < count {
            let chunk = self.chunk().await.unwrap();
            assert!(!chunk.is_empty(), "the stream ended");
            bytes.extend_from_slice(&chunk);
        }
        bytes
    }

    /// Reads the document of the channel and gives its id.
    async fn id(&mut self) -> String {
        let text = self.text().await;
        let (_, rest) = text.split_once("<channelId>").unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    }
}
