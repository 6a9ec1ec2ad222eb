//! The last words to a peer that never gets as far as the HTTP layer: a small plain-text answer
//! written by hand, bounded in time.

use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

/// A peer that does not take a few hundred bytes in this time does not want them.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes read from a peer that is being sent away; more is no accident.
const MOST_LEFT_OVERS: usize = 256 * 1024;

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

/// The bytes of an answer.
#[must_use]
pub fn text(status: LastStatus, sentence: &str) -> String {
    format!(
        "HTTP/1.1 {}\r\nServer: xspd\r\nContent-Type: text/plain;charset=UTF-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{sentence}\n",
        status.line(),
        sentence.len() + 1,
    )
}

/// Writes the last bytes, if any, closes the sending side and then reads what is still coming.
///
/// A socket that is closed with unread bytes makes the kernel send a reset, which takes the last
/// words away from the peer before it has read them (RFC 9112, section 9.6). Failures do not
/// matter: the peer is being sent away.
pub async fn last_bytes<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) {
    let words = async {
        if stream.write_all(bytes).await.is_ok() && stream.shutdown().await.is_ok() {
            let mut left = MOST_LEFT_OVERS;
            let mut scrap = [0; 2048];
            while let Ok(read @ 1..) = stream.read(&mut scrap).await {
                left = left.saturating_sub(read);
                if left == 0 {
                    return;
                }
            }
        }
    };
    timeout(PATIENCE, Box::pin(words)).await.ok();
}
