//! Bodies, read up to a cap.

use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::body::Body;

/// Largest body of a request to Webex, and of an answer of the provider: an encrypted token is
/// about 2 KiB.
pub(in crate::lab::webex) const CAP: usize = 64 * 1024;

/// Longest pause between two pieces of a body.
const PAUSE: Duration = Duration::from_secs(10);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::webex) enum BodyFault {
    /// It broke off, or nothing came for too long.
    Broken,
    /// It is larger than [`CAP`].
    TooLarge,
}

/// Reads all of a body.
pub(in crate::lab::webex) async fn read<B>(mut body: B) -> Result<Bytes, BodyFault>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut bytes = BytesMut::new();
    loop {
        match tokio::time::timeout(PAUSE, body.frame()).await {
            Ok(None) => return Ok(bytes.freeze()),
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                if bytes.len() + data.len() > CAP {
                    return Err(BodyFault::TooLarge);
                }
                bytes.extend_from_slice(&data);
            }
            Ok(Some(Err(_))) | Err(_) => return Err(BodyFault::Broken),
        }
    }
}
