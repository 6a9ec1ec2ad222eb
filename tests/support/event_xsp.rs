//! An XSP that speaks as much of Xsi-Events as the relay can see: streams, heartbeats with their
//! echoes, acknowledgements. What is on a stream is the test's to say, byte for byte.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::sync::watch;

use crate::support::BOUND;
use crate::support::accepting::Accepting;
use crate::support::wire;

/// The heartbeat's echo, as an XSP writes it.
pub(crate) const ECHO: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ChannelHeartBeat xmlns=\"http://schema.broadsoft.com/xsi\"/>";

/// A fake with streams; it ends when dropped.
pub(crate) struct EventXsp {
    name: &'static str,
    shared: Arc<Shared>,
    accepting: Accepting,
}

struct Shared {
    name: &'static str,
    /// First lines of requests, but those of health checks.
    requests: Mutex<Vec<String>>,
    heads: Mutex<Vec<String>>,
    streams: Mutex<BTreeMap<String, mpsc::UnboundedSender<Vec<u8>>>>,
    /// Streams ever: an id is never given out again.
    opened: AtomicUsize,
    closed: watch::Sender<usize>,
    echoes: AtomicBool,
    redirect: Mutex<Option<String>>,
}

/// The document that a channel begins with.
pub(crate) fn channel(id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Channel xmlns=\"http://schema.broadsoft.com/xsi\"><channelId>{id}</channelId><expires>3600</expires></Channel>"
    )
}

/// An event of a call.
pub(crate) fn event(id: &str) -> String {
    event_of(id, "CallReceivedEvent", "4930123")
}

/// An event of this type that holds this text.
pub(crate) fn event_of(id: &str, kind: &str, text: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><xsi:Event xmlns:xsi=\"http://schema.broadsoft.com/xsi\" xmlns:xsi1=\"http://www.w3.org/2001/XMLSchema-instance\" xsi1:type=\"xsi:SubscriptionEvent\"><xsi:eventID>{id}</xsi:eventID><xsi:sequenceNumber>1</xsi:sequenceNumber><xsi:channelId>c</xsi:channelId><xsi:eventData xsi1:type=\"xsi:{kind}\"><xsi:call><xsi:number>{text}</xsi:number></xsi:call></xsi:eventData></xsi:Event>"
    )
}

/// Bytes as one chunk.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

impl EventXsp {
    /// Listens on a free port of loopback.
    pub(crate) async fn start(name: &'static str) -> Self {
        let shared = Arc::new(Shared {
            name,
            requests: Mutex::default(),
            heads: Mutex::default(),
            streams: Mutex::default(),
            opened: AtomicUsize::new(0),
            closed: watch::Sender::new(0),
            echoes: AtomicBool::new(true),
            redirect: Mutex::default(),
        });
        let held = Arc::clone(&shared);
        let accepting = Accepting::start(move |tcp| {
            let shared = Arc::clone(&held);
            async move {
                // How a peer ends a connection is the test's business, not ours.
                drop(serve(tcp, &shared).await);
            }
        })
        .await;
        Self {
            name,
            shared,
            accepting,
        }
    }

    /// Its part of a pool.
    pub(crate) fn upstream(&self) -> String {
        let (name, address) = (self.name, self.address());
        format!("[[pool.upstream]]\nname = \"{name}\"\nurl = \"http://{address}\"\n")
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.accepting.address()
    }

    /// Writes to a stream, as it stands.
    pub(crate) fn write(&self, id: &str, bytes: impl Into<Vec<u8>>) {
        let streams = self.shared.streams.lock().expect("no holder panics");
        let stream = streams.get(id).expect("an open stream");
        stream.send(bytes.into()).expect("a stream that is served");
    }

    /// Writes a document in a chunk of its own.
    pub(crate) fn send(&self, id: &str, document: &str) {
        self.write(id, chunk(document.as_bytes()));
    }

    /// First lines of requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        let requests = self.shared.requests.lock().expect("no holder panics");
        requests.clone()
    }

    /// Heads of requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().expect("no holder panics").clone()
    }

    /// Whether it writes the echoes of heartbeats.
    pub(crate) fn echoes(&self, echoes: bool) {
        self.shared.echoes.store(echoes, Ordering::Relaxed);
    }

    /// Sends every request for a channel, a subscription or an acknowledgement elsewhere.
    pub(crate) fn redirects_to(&self, url: &str) {
        *self.shared.redirect.lock().expect("no holder panics") = Some(url.to_owned());
    }

    /// Waits until so many streams have been closed from the other side.
    pub(crate) async fn closed(&self, count: usize) {
        let mut closed = self.shared.closed.subscribe();
        let done = tokio::time::timeout(BOUND, closed.wait_for(|so_far| *so_far >= count)).await;
        assert!(done.is_ok(), "the stream was not closed");
    }

    /// Ends every connection and takes no more.
    pub(crate) fn kill(&self) {
        self.accepting.stop();
    }
}

async fn serve(mut stream: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let head = loop {
            if let Some(at) = wire::find(&buffer, b"\r\n\r\n") {
                let rest = buffer.split_off(at + 4);
                break String::from_utf8_lossy(&std::mem::replace(&mut buffer, rest)).into_owned();
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let first = head.lines().next().unwrap_or_default().to_owned();
        let line = first.to_ascii_lowercase();
        let health = line.contains("/versions ");
        if !health {
            let mut requests = shared.requests.lock().expect("no holder panics");
            requests.push(first);
            shared
                .heads
                .lock()
                .expect("no holder panics")
                .push(head.clone());
        }
        if line.starts_with("post ") && line.contains("/channel ") && redirect(shared).is_none() {
            return serve_stream(stream, &head, buffer, shared).await;
        }
        let body = read_body(&mut stream, &head, &mut buffer).await?;
        let answer = answer(&line, &String::from_utf8_lossy(&body), shared);
        stream.write_all(answer.as_bytes()).await?;
    }
}

fn redirect(shared: &Shared) -> Option<String> {
    shared.redirect.lock().expect("no holder panics").clone()
}

fn answer(line: &str, body: &str, shared: &Shared) -> String {
    let status = |status: u16| format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
    let target = line.split(' ').nth(1).unwrap_or_default();
    let may_move = line.starts_with("post ");
    if let Some(to) = redirect(shared).filter(|_| may_move) {
        return format!("HTTP/1.1 302 X\r\nLocation: {to}{target}\r\nContent-Length: 0\r\n\r\n");
    }
    let segments: Vec<_> = target.split('/').collect();
    match segments.as_slice() {
        [.., "channel", id, "heartbeat"] => {
            let streams = shared.streams.lock().expect("no holder panics");
            let Some(stream) = streams.get(*id) else {
                return status(404);
            };
            if shared.echoes.load(Ordering::Relaxed) {
                drop(stream.send(chunk(ECHO.as_bytes())));
            }
            status(200)
        }
        [.., "channel", "eventresponse"] => {
            // An XSP knows the events that it sent; ours begin with its name.
            let ours = body.contains(&format!("<eventID>{}-", shared.name));
            status(if ours { 200 } else { 404 })
        }
        [.., "channel", id] => {
            let streams = shared.streams.lock().expect("no holder panics");
            status(if streams.contains_key(*id) { 200 } else { 404 })
        }
        _ => status(200),
    }
}

async fn read_body(
    stream: &mut TcpStream,
    head: &str,
    buffer: &mut Vec<u8>,
) -> io::Result<Vec<u8>> {
    let length = wire::field(head, "content-length").map_or(0, |n| n.parse().unwrap_or(0));
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let rest = buffer.split_off(length);
    Ok(std::mem::replace(buffer, rest))
}

async fn serve_stream(
    mut stream: TcpStream,
    head: &str,
    mut buffer: Vec<u8>,
    shared: &Arc<Shared>,
) -> io::Result<()> {
    let open_ended = wire::field(head, "transfer-encoding").is_some();
    if !open_ended {
        read_body(&mut stream, head, &mut buffer).await?;
    }
    let (sender, mut documents) = mpsc::unbounded_channel::<Vec<u8>>();
    let id = {
        let mut streams = shared.streams.lock().expect("no holder panics");
        let id = format!(
            "{}-{}",
            shared.name,
            1 + shared.opened.fetch_add(1, Ordering::Relaxed)
        );
        streams.insert(id.clone(), sender);
        id
    };
    let begin = format!(
        "HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=S-{id}; Path=/com.broadsoft.xsi-events\r\nContent-Type: text/xml;charset=UTF-8\r\nTransfer-Encoding: chunked\r\nKeep-Alive: timeout=4\r\nConnection: keep-alive\r\n\r\n"
    );
    stream.write_all(begin.as_bytes()).await?;
    stream.write_all(&chunk(channel(&id).as_bytes())).await?;
    let _closed = Closed { shared, id: &id };
    let (mut reader, mut writer) = stream.into_split();
    let mut received = buffer;
    loop {
        tokio::select! {
            document = documents.recv() => match document {
                Some(bytes) => writer.write_all(&bytes).await?,
                None => return Ok(()),
            },
            read = reader.read_buf(&mut received) => {
                if read.unwrap_or(0) == 0 {
                    return Ok(());
                }
                // The client's half of a full-duplex channel: every heartbeat has its echo.
                if wire::find(&received, b"<ChannelHeartBeat").is_some() {
                    received.clear();
                    writer.write_all(&chunk(ECHO.as_bytes())).await?;
                }
            }
        }
    }
}

/// Forgets a stream when its connection has ended, however that came.
struct Closed<'a> {
    shared: &'a Shared,
    id: &'a str,
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        if let Ok(mut streams) = self.shared.streams.lock() {
            streams.remove(self.id);
        }
        self.shared.closed.send_modify(|count| *count += 1);
    }
}
