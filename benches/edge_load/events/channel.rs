//! A client: its streams, and what it sends beside them.
#![expect(
    clippy::disallowed_methods,
    reason = "a load generator has its own tasks"
)]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::events::documents;
use crate::events::documents::ECHO_NAME;
use crate::events::documents::EVENT_END;
use crate::pki::SERVER_NAME;

const EVENTS: &str = "/com.broadsoft.xsi-events/v2.0";

/// What came on a stream.
pub(super) enum Heard {
    Echo,
    Event {
        number: u32,
        id: String,
        age: Duration,
    },
    Lost(Failure),
}

/// A stream that is being read. It ends when dropped.
pub(super) struct Open(JoinHandle<()>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Opens a stream, waits for its first document, and from then on tells what comes.
pub(super) async fn open<S>(
    mut stream: S,
    number: u32,
    heard: mpsc::Sender<Heard>,
) -> Result<Open, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let body = documents::channel_request(number);
    let path = format!("/com.broadsoft.async{EVENTS}/channel");
    let request = request("POST", &path, number, &body);
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut buffer = Vec::with_capacity(1_024);
    while memchr::memmem::find(&buffer, b"</Channel>").is_none() {
        let refused = buffer.len() >= 13 && !buffer.starts_with(b"HTTP/1.1 200 ");
        if stream.read_buf(&mut buffer).await? == 0 || refused {
            let said = String::from_utf8_lossy(&buffer);
            return Err(format!("no channel: {said}").into());
        }
    }
    buffer.clear();
    Ok(Open(tokio::spawn(async move {
        let Err(error) = listen(stream, number, buffer, &heard).await;
        // Nobody to tell any more is fine.
        drop(heard.send(Heard::Lost(error)).await);
    })))
}

async fn listen<S: AsyncRead + Unpin>(
    mut stream: S,
    number: u32,
    mut buffer: Vec<u8>,
    heard: &mpsc::Sender<Heard>,
) -> Result<std::convert::Infallible, Failure> {
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err("a stream ended".into());
        }
        while let Some((document, what)) = next(&buffer, number)? {
            buffer.drain(..document);
            heard.send(what).await?;
        }
    }
}

/// The first whole document, and where it ends.
fn next(buffer: &[u8], number: u32) -> Result<Option<(usize, Heard)>, Failure> {
    let event = memchr::memmem::find(buffer, EVENT_END).map(|at| at + EVENT_END.len());
    let echo = memchr::memmem::find(buffer, ECHO_NAME).map(|at| at + ECHO_NAME.len());
    Ok(match (event, echo) {
        (None, None) => None,
        (Some(end), echo) if echo.is_none_or(|echo| end < echo) => {
            let (id, age) = documents::read_event(buffer.get(..end).unwrap_or_default())?;
            if documents::number(id.as_bytes()) != Some(number) {
                return Err("an event of another channel".into());
            }
            Some((end, Heard::Event { number, id, age }))
        }
        (_, echo) => echo.map(|end| (end, Heard::Echo)),
    })
}

/// A heartbeat of a channel.
pub(super) fn heartbeat(number: u32) -> String {
    let path = format!(
        "{EVENTS}/channel/{}/heartbeat",
        documents::channel_id(number)
    );
    request("PUT", &path, number, "")
}

/// The acknowledgement of an event on a channel.
pub(super) fn acknowledgement(number: u32, event: &str) -> String {
    let path = format!("{EVENTS}/channel/eventresponse");
    let body = documents::acknowledgement(event);
    request("POST", &path, number, &body)
}

/// Each channel has a user of its own.
fn request(method: &str, path: &str, number: u32, body: &str) -> String {
    let credential = STANDARD.encode(format!("user{number}@as.example.net:secret"));
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {SERVER_NAME}\r\nAuthorization: Basic {credential}\r\n\
         Content-Type: application/xml; charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends a request and reads its whole answer. Gives its status: 200, or 404 from an XSP that does
/// not know what was meant.
pub(super) async fn exchange<S>(
    stream: &mut S,
    request: &str,
    buffer: &mut Vec<u8>,
) -> Result<u16, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server closed within an answer".into());
        }
        let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(buffer.get(..end).unwrap_or_default());
        let status = head.get(9..12).unwrap_or_default();
        let length = field(&head, "content-length").unwrap_or("0");
        if !matches!(status, "200" | "404") {
            return Err(format!("refused: {head}").into());
        }
        if buffer.len() >= end + 4 + length.parse::<usize>()? {
            return Ok(status.parse()?);
        }
    }
}

/// A header field of a head.
pub(super) fn field<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
    Some(value.trim())
}
