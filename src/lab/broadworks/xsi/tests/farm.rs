//! Both XSPs of a lab with its control endpoint, and a client that reads a stream chunk by chunk.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use super::wire::Reply;
use super::wire::Served;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::parse_xml;

/// Longer than anything takes here.
const BOUND: Duration = Duration::from_secs(20);

pub(super) const EVENTS: &str = "/com.broadsoft.xsi-events/v2.0";

pub(super) const ADMIN: &str = "admin@as.example.net:Adm1n-Passw0rd!";

pub(super) struct Farm {
    pub(super) served: Served,
    pub(super) first: SocketAddr,
    pub(super) second: SocketAddr,
    control: SocketAddr,
}

impl Farm {
    pub(super) async fn start() -> Self {
        let served = Served::start().await;
        let bind = || async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            (listener, address)
        };
        let (xsi, second) = bind().await;
        let (lab, own) = (Arc::clone(&served.lab), served.tasks.clone());
        served.tasks.worker("second", async move {
            lab.serve_second_xsi(xsi, own.stop(), &own).await;
        });
        let (listener, control) = bind().await;
        let (lab, own) = (Arc::clone(&served.lab), served.tasks.clone());
        served.tasks.worker("control", async move {
            lab.serve_control(listener, own.stop(), &own).await;
        });
        Self {
            first: served.address,
            second,
            control,
            served,
        }
    }

    /// A request to Xsi-Events of one XSP.
    pub(super) async fn ask(
        &self,
        at: SocketAddr,
        who: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> Reply {
        exchange(at, method, &format!("{EVENTS}/{path}"), Some(who), body).await
    }

    /// A request that must succeed.
    pub(super) async fn done(&self, who: &str, method: &str, path: &str, body: &str) -> Reply {
        let reply = self.ask(self.first, who, method, path, body).await;
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text());
        reply
    }

    /// A request about calls that must succeed.
    pub(super) async fn actions(&self, who: &str, method: &str, path: &str) -> Reply {
        let reply = self.served.ask(who, method, path, "").await;
        assert!(reply.status < 300, "{method} {path}: {}", reply.text());
        reply
    }

    pub(super) async fn open(&self, at: SocketAddr, who: &str, set: &str) -> Stream {
        Stream::open(at, who, &channel(set, 1)).await
    }

    /// Subscribes, and gives the id.
    pub(super) async fn subscribe(
        &self,
        who: &str,
        target: &str,
        package: &str,
        set: &str,
    ) -> String {
        let body = subscription(package, set);
        let reply = self.done(who, "POST", target, &body).await;
        let document = reply.document();
        assert!(document.child_text("expires").is_some());
        document.child_text("subscriptionId").unwrap().to_owned()
    }

    pub(super) async fn respond(&self, at: SocketAddr, who: &str, event: &str, status: u32) -> u16 {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><EventResponse \
             xmlns=\"http://schema.broadsoft.com/xsi\"><eventID>{event}</eventID>\
             <statusCode>{status}</statusCode><reason>x</reason></EventResponse>"
        );
        let path = "channel/eventresponse";
        self.ask(at, who, "POST", path, &body).await.status
    }

    pub(super) async fn control(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let reply = exchange(self.control, method, &format!("/lab/{path}"), None, body).await;
        let value = serde_json::from_slice(&reply.body);
        (
            reply.status,
            value.unwrap_or_else(|_| panic!("{}", reply.text())),
        )
    }

    /// An order that must be carried out.
    pub(super) async fn order(&self, method: &str, path: &str, body: &str) -> Value {
        let (status, value) = self.control(method, path, body).await;
        assert_eq!(status, 200, "{method} {path}: {value}");
        value
    }
}

pub(super) async fn exchange(
    at: SocketAddr,
    method: &str,
    path: &str,
    who: Option<&str>,
    body: &str,
) -> Reply {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = request(method, path, who, body, "Connection: close\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    let read = stream.read_to_end(&mut reply);
    tokio::time::timeout(BOUND, read).await.unwrap().unwrap();
    Reply::parse(&reply)
}

fn request(method: &str, path: &str, who: Option<&str>, body: &str, more: &str) -> String {
    let credentials = who.map_or_else(String::new, |who| {
        format!("Authorization: Basic {}\r\n", STANDARD.encode(who))
    });
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: xsp1.example.net\r\nContent-Length: {length}\r\n\
         {more}{credentials}\r\n{body}"
    )
}

pub(super) fn channel(set: &str, priority: u32) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Channel \
         xmlns=\"http://schema.broadsoft.com/xsi\"><channelSetId>{set}</channelSetId>\
         <priority>{priority}</priority><weight>50</weight><expires>86400</expires></Channel>"
    )
}

pub(super) fn subscription(package: &str, set: &str) -> String {
    format!(
        "<Subscription xmlns=\"http://schema.broadsoft.com/xsi\"><event>{package}</event>\
         <expires>86400</expires><channelSetId>{set}</channelSetId>\
         <applicationId>app</applicationId></Subscription>"
    )
}

/// The stream of a channel.
pub(super) struct Stream {
    socket: TcpStream,
    read: Vec<u8>,
    pub(super) head: Reply,
    pub(super) id: String,
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Broken off, with so many bytes of a chunk.
    Cut(String),
    /// With its terminating chunk.
    InOrder,
}

impl Stream {
    /// Opens a channel and reads its first document.
    pub(super) async fn open(at: SocketAddr, who: &str, body: &str) -> Self {
        let mut stream = Self::ask(at, who, body).await;
        assert_eq!(stream.head.status, 200);
        let first = stream.next().await.unwrap();
        let root = parse_xml(first.as_bytes(), usize::MAX, None)
            .unwrap()
            .into_root();
        stream.id = root.child_text("channelId").unwrap().to_owned();
        stream
    }

    /// Asks for a channel and reads the head of the answer.
    pub(super) async fn ask(at: SocketAddr, who: &str, body: &str) -> Self {
        let mut socket = TcpStream::connect(at).await.unwrap();
        let path = format!("/com.broadsoft.async{EVENTS}/channel");
        let request = request("POST", &path, Some(who), body, "");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(more(&mut socket, &mut read).await, "no head");
        };
        let head = Reply::parse(&read[..end]);
        read.drain(..end);
        Self {
            socket,
            read,
            head,
            id: String::new(),
        }
    }

    /// The next chunk.
    pub(super) async fn next(&mut self) -> Result<String, End> {
        loop {
            if let Some(chunk) = self.chunk() {
                return chunk;
            }
            if !more(&mut self.socket, &mut self.read).await {
                let rest = String::from_utf8_lossy(&self.read).into_owned();
                return Err(End::Cut(rest));
            }
        }
    }

    fn chunk(&mut self) -> Option<Result<String, End>> {
        let line = self.read.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&self.read[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let end = line + 2 + size;
        if self.read.len() < end + 2 {
            return None;
        }
        let chunk = String::from_utf8(self.read[line + 2..end].to_vec()).unwrap();
        self.read.drain(..end + 2);
        Some(if size == 0 {
            Err(End::InOrder)
        } else {
            Ok(chunk)
        })
    }

    /// The next event, as the text and as elements.
    pub(super) async fn event(&mut self) -> Event {
        let text = self.next().await.unwrap();
        Event::of(text)
    }

    /// The types of the next events.
    pub(super) async fn kinds(&mut self, count: usize) -> Vec<String> {
        let mut kinds = Vec::new();
        for _ in 0..count {
            kinds.push(self.event().await.kind);
        }
        kinds
    }
}

async fn more(socket: &mut TcpStream, read: &mut Vec<u8>) -> bool {
    match tokio::time::timeout(BOUND, socket.read_buf(read)).await {
        Ok(Ok(0) | Err(_)) => false,
        Ok(Ok(_)) => true,
        Err(_) => panic!("nothing came: {}", String::from_utf8_lossy(read)),
    }
}

/// An event.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) text: String,
    pub(super) id: String,
    pub(super) number: u32,
    pub(super) kind: String,
    pub(super) root: Element,
}

impl Event {
    fn of(text: String) -> Self {
        let document = parse_xml(text.as_bytes(), usize::MAX, None);
        let root = document
            .unwrap_or_else(|error| panic!("{error}: {text}"))
            .into_root();
        let leaf = |name: &str| root.child_text(name).unwrap_or_default().to_owned();
        let data = root.child("eventData");
        let kind = data
            .and_then(|data| data.attribute("type"))
            .unwrap_or_default();
        Self {
            id: leaf("eventID"),
            number: leaf("sequenceNumber").parse().unwrap_or_default(),
            kind: kind.trim_start_matches("xsi:").to_owned(),
            root,
            text,
        }
    }
}
