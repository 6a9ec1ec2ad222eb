//! The XSP of the comparison: answers every request with the same kilobyte, as fast as it can.
#![expect(
    clippy::disallowed_methods,
    reason = "a process of its own that ends with its parent"
)]

use std::io::Write as _;
use std::net::Ipv4Addr;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::Failure;

/// Size of the answer's body in bytes.
pub(crate) const BODY: usize = 1_024;

/// Runs until standard input closes. One thread: it never is the bottleneck.
pub(crate) fn run() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        writeln!(std::io::stdout(), "listening {}", listener.local_addr()?)?;
        std::thread::spawn(crate::servers::end_with_parent);
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                // A broken connection is the other side's loss.
                drop(serve(stream).await);
            });
        }
    })
}

async fn serve(mut stream: TcpStream) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/xml;charset=UTF-8\r\n\
         Content-Length: {BODY}\r\n\r\n{}",
        "x".repeat(BODY)
    );
    let mut buffer = Vec::with_capacity(4_096);
    while stream.read_buf(&mut buffer).await? > 0 {
        // Requests have no bodies here.
        while let Some(end) = memchr::memmem::find(&buffer, b"\r\n\r\n") {
            buffer.drain(..end + 4);
            stream.write_all(answer.as_bytes()).await?;
        }
    }
    Ok(())
}
