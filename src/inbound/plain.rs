//! The last words to a peer that never gets as far as the HTTP layer: a small plain-text answer
//! written by hand, bounded in time.

use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

/// A peer that does not take a few hundred bytes in this time does not want them.
const PATIENCE: Duration = Duration::from_secs(1);

/// Status and reason phrase of a hand-written answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastStatus {
    /// 400.
    BadRequest,
    /// 408.
    RequestTimeout,
    /// 431.
    HeadTooLarge,
}

impl LastStatus {
    const fn line(self) -> &'static str {
        match self {
            Self::BadRequest => "400 Bad Request",
            Self::RequestTimeout => "408 Request Timeout",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
        }
    }
}

/// Writes the answer and closes the sending side. Failures do not matter: the peer is being
/// sent away.
pub async fn answer<S: AsyncWrite + Unpin>(stream: &mut S, status: LastStatus, sentence: &str) {
    let text = format!(
        "HTTP/1.1 {}\r\nServer: xspd\r\nContent-Type: text/plain;charset=UTF-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{sentence}\n",
        status.line(),
        sentence.len() + 1,
    );
    let words = async {
        if stream.write_all(text.as_bytes()).await.is_ok() {
            drop(stream.shutdown().await);
        }
    };
    drop(timeout(PATIENCE, words).await);
}
