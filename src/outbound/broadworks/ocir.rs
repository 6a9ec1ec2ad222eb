//! The way to an Application Server that reports: a connection on which it speaks and we listen.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::config::OcirServer;
use crate::domain::ocip::framing::Framer;
use crate::domain::ocir::Loss;
use crate::outbound::Causes;
use crate::outbound::OutboundError;
use crate::outbound::broadworks::ocip::tls_to;
use crate::outbound::connect::Target;
use crate::outbound::stream::Stream;
use crate::tls::said::said;

/// Bytes read at once.
const READ: usize = 16 * 1024;

/// One Application Server.
pub struct OcirSource {
    target: Target,
}

/// Its reports, while they come.
pub struct OcirStream {
    stream: Stream,
    framer: Framer,
}

/// A loss, with what is known of it.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Lost {
    /// What kind it is.
    pub loss: Loss,
    /// In words.
    pub detail: String,
}

impl OcirSource {
    /// Reads the CA file, blocking.
    ///
    /// # Errors
    /// It, or the server's name, cannot be used.
    pub fn try_new(server: &OcirServer, limit: Duration) -> Result<Self, OutboundError> {
        let tls = server.tls.as_ref().map(|tls| tls_to(tls, &server.host));
        let tls = tls.transpose().map_err(|fault| OutboundError::Ocir {
            server: server.name.clone(),
            fault: Box::new(fault),
        })?;
        let target = Target::new(&server.host, server.port, tls, limit);
        Ok(Self { target })
    }

    /// Connects.
    ///
    /// # Errors
    /// No address could be connected, or TLS failed.
    pub async fn connect(&self) -> Result<OcirStream, Lost> {
        let stream = self.target.connect().await.map_err(|error| Lost {
            loss: Loss::Connect,
            detail: Causes(&error).to_string(),
        })?;
        Ok(OcirStream {
            stream,
            framer: Framer::ocir(),
        })
    }
}

impl OcirStream {
    /// The next whole document. The time in which the caller deals with one does not count as
    /// silence. Cancel-safe only in that the stream must be dropped with it.
    ///
    /// # Errors
    /// [`Lost`]; the stream is of no more use.
    pub async fn next(&mut self, silence: Duration) -> Result<Vec<u8>, Lost> {
        // Bytes that come one by one and never make a document are silence all the same.
        let next = self.whole();
        timeout(silence, next).await.map_err(|_elapsed| Lost {
            loss: Loss::Silence,
            detail: format!("no document within {silence:?}"),
        })?
    }

    async fn whole(&mut self) -> Result<Vec<u8>, Lost> {
        let mut buffer = vec![0; READ];
        loop {
            let document = self.framer.message().map_err(|fault| Lost {
                loss: Loss::Framing,
                detail: fault.to_string(),
            })?;
            if let Some(document) = document {
                return Ok(document);
            }
            let closed = |detail: String| Lost {
                loss: Loss::Closed,
                detail,
            };
            let read = self.stream.read(&mut buffer).await;
            match read.map_err(|error| closed(said(&error)))? {
                0 => return Err(closed("closed by the Application Server".to_owned())),
                read => self.framer.push(buffer.get(..read).unwrap_or_default()),
            }
        }
    }
}
