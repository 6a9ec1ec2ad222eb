//! Two XSPs of one farm, in one process. Each holds the streams that were opened at it, and
//! answers 404 to heartbeats and acknowledgements of the other's.
//!
//! On a third port the load generator orders events: four bytes, a channel's number, for each.
#![expect(
    clippy::disallowed_methods,
    reason = "a process of its own that ends with its parent"
)]

use std::collections::HashMap;
use std::io;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;

use crate::Failure;
use crate::events::channel::field;
use crate::events::documents;
use crate::events::documents::ECHO;

/// XSPs of the farm.
const XSPS: usize = 2;

/// Runs until standard input closes. One thread: it never is the bottleneck.
pub(crate) fn run() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let farm = Arc::new(Farm::default());
        let mut line = "listening".to_owned();
        for xsp in 0..XSPS {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            line.push_str(&format!(" {}", listener.local_addr()?));
            tokio::spawn(accept(listener, Arc::clone(&farm), xsp));
        }
        let orders = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        line.push_str(&format!(" {}", orders.local_addr()?));
        writeln!(io::stdout(), "{line}")?;
        std::thread::spawn(crate::servers::end_with_parent);
        loop {
            let (stream, _) = orders.accept().await?;
            let farm = Arc::clone(&farm);
            tokio::spawn(async move {
                if let Err(error) = obey(stream, &farm).await {
                    drop(writeln!(io::stderr(), "the XSPs cannot go on: {error}"));
                    std::process::abort();
                }
            });
        }
    })
}

/// The open streams, by number.
#[derive(Default)]
struct Farm(Mutex<HashMap<u32, Channel>>);

struct Channel {
    xsp: usize,
    sequence: u64,
    stream: Arc<OwnedWriteHalf>,
}

impl Farm {
    fn channels(&self) -> MutexGuard<'_, HashMap<u32, Channel>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the next event on a stream.
    fn event(&self, number: u32) -> io::Result<()> {
        let mut channels = self.channels();
        let channel = channels.get_mut(&number).ok_or(io::ErrorKind::NotFound)?;
        channel.sequence += 1;
        let event = documents::event(number, channel.sequence);
        write(&channel.stream, &chunk(&event))
    }

    /// Echoes a heartbeat, at the XSP that holds the stream only.
    fn heartbeat(&self, number: u32, xsp: usize) -> io::Result<bool> {
        match self.channels().get(&number) {
            Some(channel) if channel.xsp == xsp => {
                write(&channel.stream, &chunk(ECHO))?;
                Ok(true)
            }
            Some(_) | None => Ok(false),
        }
    }

    fn holds(&self, number: u32, xsp: usize) -> bool {
        let channels = self.channels();
        channels.get(&number).is_some_and(|held| held.xsp == xsp)
    }
}

async fn accept(listener: TcpListener, farm: Arc<Farm>, xsp: usize) {
    while let Ok((stream, _)) = listener.accept().await {
        let farm = Arc::clone(&farm);
        tokio::spawn(async move {
            let mut opened = None;
            // A broken connection is the other side's loss.
            drop(serve(stream, &farm, xsp, &mut opened).await);
            if let Some(number) = opened {
                farm.channels().remove(&number);
            }
        });
    }
}

/// Takes orders for events.
async fn obey(mut stream: TcpStream, farm: &Farm) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(4_096);
    while stream.read_buf(&mut buffer).await? > 0 {
        let (orders, rest) = buffer.as_chunks::<4>();
        for order in orders {
            farm.event(u32::from_le_bytes(*order))?;
        }
        buffer = rest.to_vec();
    }
    Ok(())
}

async fn serve(
    stream: TcpStream,
    farm: &Farm,
    xsp: usize,
    opened: &mut Option<u32>,
) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let (mut reading, writing) = stream.into_split();
    let writing = Arc::new(writing);
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut reading, &mut buffer).await? {
        let path = request.path.as_slice();
        if path.ends_with(b"/channel") {
            let number = documents::number_in_request(&request.body).ok_or("no channel set")?;
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml;charset=UTF-8\r\n\
                        Transfer-Encoding: chunked\r\nKeep-Alive: timeout=4\r\n\r\n";
            let first = chunk(&documents::channel_answer(number));
            let channel = Channel {
                xsp,
                sequence: 0,
                stream: Arc::clone(&writing),
            };
            farm.channels().insert(number, channel);
            *opened = Some(number);
            write(&writing, &[head.as_bytes(), &first].concat())?;
            continue;
        }
        let found = if let Some(path) = path.strip_suffix(b"/heartbeat") {
            let id = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            farm.heartbeat(documents::number(id).unwrap_or(u32::MAX), xsp)?
        } else if path.ends_with(b"/eventresponse") {
            let number = documents::number_in_acknowledgement(&request.body);
            farm.holds(number.unwrap_or(u32::MAX), xsp)
        } else {
            // Whoever asks for our health.
            true
        };
        let status = if found { "200 OK" } else { "404 Not Found" };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        write(&writing, answer.as_bytes())?;
    }
    Ok(())
}

struct Request {
    path: Vec<u8>,
    body: Vec<u8>,
}

/// The next request; `None` at the end.
async fn read_request(
    stream: &mut OwnedReadHalf,
    buffer: &mut Vec<u8>,
) -> Result<Option<Request>, Failure> {
    loop {
        if let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(buffer.get(..end).unwrap_or_default()).into_owned();
            let length = match body_length(&head) {
                Some(length) => length,
                None if is_chunked(&head) => return Err("a chunked request".into()),
                None => 0,
            };
            let whole = end + 4 + length;
            if buffer.len() >= whole {
                let mut rest: Vec<u8> = buffer.drain(..whole).collect();
                let body = rest.split_off(end + 4);
                let path = head.split(' ').nth(1).unwrap_or_default();
                return Ok(Some(Request {
                    path: path.as_bytes().to_vec(),
                    body,
                }));
            }
        }
        // An idle stream needs no room for what never comes.
        buffer.reserve(512);
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn body_length(head: &str) -> Option<usize> {
    field(head, "content-length")?.parse().ok()
}

fn is_chunked(head: &str) -> bool {
    field(head, "transfer-encoding").is_some()
}

fn chunk(document: &str) -> Vec<u8> {
    format!("{:x}\r\n{document}\r\n", document.len()).into_bytes()
}

/// Writes at once. Nobody here is ever so far behind that the socket is full.
fn write(stream: &OwnedWriteHalf, bytes: &[u8]) -> io::Result<()> {
    if stream.try_write(bytes)? == bytes.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::StorageFull.into())
    }
}
