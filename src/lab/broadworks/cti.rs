//! The CTI interface of the lab's XSP (8012 on a real one): TLS with a client certificate of the
//! provider's internal CA, whose name the Application Server knows as a ClientIdentity.
//!
//! What a real CTI interface and its clients say to each other is unpublished; only that events on
//! it have the schema of Xsi is known. So this one is the lab's own: it writes Xsi event documents,
//! each on a line, whatever the client says, and a heartbeat now and then. It answers nothing.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::domain::certs::CertificateFacts;
use crate::domain::certs::identity::identity;
use crate::lab::accept::Door;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::LabError;
use crate::lab::pki::Pair;
use crate::platform::clock;
use crate::platform::tasks::Tasks;

/// Connections at once; further ones wait in the kernel's queue. Webex has a handful.
const CONNECTIONS: usize = 64;

/// Longest TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Longest time for a client to take a document.
const WRITE: Duration = Duration::from_secs(30);

/// Between two heartbeats: as often as clients of Xsi-Events send theirs.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What stands in for whatever keeps a real CTI connection alive.
const HEARTBEAT_DOCUMENT: &[u8] = br#"<?xml version="1.0" encoding="UTF-8"?><ChannelHeartBeat xmlns="http://schema.broadsoft.com/xsi"/>"#;

/// Why there is no CTI interface.
#[derive(Debug, thiserror::Error)]
pub enum CtiError {
    /// A certificate or key cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls_pki_types::pem::Error,
    },
    /// The TLS library refuses what was read.
    #[error("TLS of the CTI interface: {0}")]
    Tls(#[from] rustls::Error),
    /// The TLS library refuses the CA.
    #[error("the internal CA: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// The TLS of a CTI interface that takes clients of one CA.
///
/// # Errors
/// When a file cannot be read or used.
pub fn tls(server: &Pair, ca: &Path) -> Result<Arc<ServerConfig>, CtiError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut anchors = RootCertStore::empty();
    for anchor in chain(ca)? {
        anchors.add(anchor)?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), Arc::clone(&provider))
            .build()?;
    let key = PrivateKeyDer::from_pem_file(&server.key)
        .map_err(|source| unreadable(&server.key, source))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain(&server.cert)?, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CtiError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: rustls_pki_types::pem::Error) -> CtiError {
    CtiError::File {
        path: path.to_owned(),
        source,
    }
}

impl BroadWorks {
    /// Makes a client known to the Application Server, as `System/ClientIdentity> add` does.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub fn know_client(&self, name: &str) -> Result<(), LabError> {
        self.store.update(|directory| {
            let held = &mut directory.provisioning.client_identities;
            held.insert(name.to_owned());
            Ok(())
        })
    }

    /// Serves the CTI interface on a listener until `stop` fires. Connections are tasks of their
    /// own and end with the stop.
    pub async fn serve_cti(
        self: Arc<Self>,
        listener: TcpListener,
        tls: Arc<ServerConfig>,
        stop: CancellationToken,
        tasks: &Tasks,
    ) {
        let tls = TlsAcceptor::from(tls);
        let door = Door {
            listener: &listener,
            slots: Arc::new(Semaphore::new(CONNECTIONS)),
            stop: &stop,
            tasks,
            whose: "CTI",
        };
        door.serve(|stream, peer| {
            let (lab, tls, stop) = (Arc::clone(&self), tls.clone(), stop.clone());
            Some(async move { serve(&lab, stream, peer, &tls, &stop).await })
        })
        .await;
    }
}

async fn serve(
    lab: &Arc<BroadWorks>,
    stream: TcpStream,
    peer: SocketAddr,
    tls: &TlsAcceptor,
    stop: &CancellationToken,
) {
    let served = async {
        stream.set_nodelay(true)?;
        let stream = timeout(HANDSHAKE, tls.accept(stream)).await??;
        stream_events(lab, stream).await
    };
    let outcome = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        outcome = served => outcome,
    };
    if let Err(error) = outcome {
        debug!(%error, %peer, "A CTI connection to the lab ended early.");
    }
}

/// Documents out until the client closes; what it says is passed over.
async fn stream_events(lab: &Arc<BroadWorks>, stream: TlsStream<TcpStream>) -> io::Result<()> {
    let name = client_name(&stream).unwrap_or_default();
    let (mut read, mut write) = tokio::io::split(stream);
    let known = lab
        .directory()
        .provisioning
        .client_identities
        .contains(&name);
    let feed = known.then(|| lab.event_feed(&name)).flatten();
    let Some(mut feed) = feed else {
        return write.shutdown().await;
    };
    let mut scrap = [0; 4096];
    send(&mut write, HEARTBEAT_DOCUMENT).await?;
    let mut next_heartbeat = Instant::from_std(clock::mono()) + HEARTBEAT;
    loop {
        // Each branch may be dropped halfway without losing anything.
        let document = tokio::select! {
            read = read.read(&mut scrap) => match read? {
                0 => break,
                _ => continue,
            },
            document = feed.next() => match document {
                Some(document) => document,
                None => break,
            },
            () = sleep_until(next_heartbeat) => {
                next_heartbeat += HEARTBEAT;
                HEARTBEAT_DOCUMENT.into()
            }
        };
        send(&mut write, &document).await?;
    }
    write.shutdown().await
}

/// The name in the client's certificate.
fn client_name(stream: &TlsStream<TcpStream>) -> Option<String> {
    let leaf = stream.get_ref().1.peer_certificates()?.first()?;
    identity(&CertificateFacts::parse(leaf).ok()?).ok()
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), document: &[u8]) -> io::Result<()> {
    timeout(WRITE, async {
        stream.write_all(document).await?;
        stream.write_all(b"\n").await?;
        stream.flush().await
    })
    .await?
}
