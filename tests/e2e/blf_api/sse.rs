//! A reader of server-sent events that takes HTTP/1.1 apart by itself.

use serde_json::Value;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::BOUND;
use crate::support::wire;

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
    pub(crate) retry: Option<u64>,
}

/// An open stream.
pub(crate) struct Stream<S = TcpStream> {
    stream: S,
    raw: Vec<u8>,
    text: String,
    ended: bool,
    pub(crate) last_id: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    /// Asks for a stream, which must be given.
    pub(crate) async fn open(mut stream: S, host: &str, target: &str, headers: &str) -> Self {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut raw = Vec::new();
        let head = loop {
            if let Some(at) = wire::find(&raw, b"\r\n\r\n") {
                let rest = raw.split_off(at + 4);
                break String::from_utf8(std::mem::replace(&mut raw, rest)).unwrap();
            }
            let read = timeout(BOUND, stream.read_buf(&mut raw)).await;
            assert!(read.unwrap().unwrap() > 0, "the connection ended");
        };
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(
            wire::field(&head, "content-type"),
            Some("text/event-stream")
        );
        assert_eq!(wire::field(&head, "cache-control"), Some("no-store"));
        assert_eq!(wire::field(&head, "x-accel-buffering"), Some("no"));
        assert_eq!(wire::field(&head, "transfer-encoding"), Some("chunked"));
        Self {
            stream,
            raw,
            text: String::new(),
            ended: false,
            last_id: String::new(),
        }
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            let block = self.block().await;
            if let Some(event) = self.parse(&block) {
                return event;
            }
        }
    }

    /// The next comment.
    pub(crate) async fn comment(&mut self) -> String {
        loop {
            let block = self.block().await;
            if block.starts_with(':') {
                return block;
            }
        }
    }

    /// Reads events until one is what is wanted.
    pub(crate) async fn until<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let mut seen = Vec::new();
        let found = timeout(BOUND, async {
            loop {
                let event = self.next().await;
                if let Some(found) = wanted(&event) {
                    return found;
                }
                seen.push(event);
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("it never came; {seen:#?}"))
    }

    /// The stream ends in good order.
    pub(crate) async fn ends(&mut self) {
        while !self.ended {
            let more = timeout(BOUND, self.read()).await;
            assert!(more.unwrap(), "the stream was cut");
        }
    }

    async fn block(&mut self) -> String {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return block;
            }
            assert!(!self.ended, "the stream ended: {}", self.text);
            assert!(self.read().await, "the stream was cut: {}", self.text);
        }
    }

    /// Reads some more; says whether there was anything.
    async fn read(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.raw).await;
        if !read.is_ok_and(|read| read > 0) {
            return false;
        }
        while let Some(line) = wire::find(&self.raw, b"\r\n") {
            let size = std::str::from_utf8(&self.raw[..line]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            let end = line + 2 + size + 2;
            if self.raw.len() < end {
                break;
            }
            let chunk = &self.raw[line + 2..line + 2 + size];
            self.text += std::str::from_utf8(chunk).unwrap();
            self.raw.drain(..end);
            self.ended |= size == 0;
        }
        true
    }

    fn parse(&mut self, block: &str) -> Option<Event> {
        let field = |name: &str| {
            let mut lines = block.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let data = field("data")?;
        assert_eq!(
            block.matches("data:").count(),
            1,
            "one line of data: {block}"
        );
        let event = Event {
            name: field("event").unwrap().to_owned(),
            id: field("id").map(str::to_owned),
            data: serde_json::from_str(data).unwrap(),
            retry: field("retry").map(|retry| retry.parse().unwrap()),
        };
        if let Some(id) = &event.id {
            self.last_id.clone_from(id);
        }
        Some(event)
    }
}
