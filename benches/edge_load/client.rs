//! The client's side of every load: mutual TLS to a listener, and how work is divided by the
//! server's CPU time.
#![expect(
    clippy::disallowed_methods,
    reason = "a load generator has its own tasks and its own clock"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Failure;
use crate::figures::Subject;
use crate::pki::Key;
use crate::pki::SERVER_NAME;
use crate::servers::Servers;

/// Connections that work at once; more than servers have threads.
pub(crate) const LANES: usize = 16;

/// Time for a server to finish what clients have left behind, before its CPU time is read.
pub(crate) const SETTLE: Duration = Duration::from_millis(200);

/// A connection to a proxy.
pub(crate) type Tls = TlsStream<TcpStream>;

/// How to reach one listener.
#[derive(Clone)]
pub(crate) struct Lane {
    address: SocketAddr,
    connector: TlsConnector,
}

impl Lane {
    pub(crate) fn new(servers: &Servers, subject: Subject, key: Key) -> Result<Self, Failure> {
        Ok(Self {
            address: servers.address(subject, key)?,
            connector: TlsConnector::from(Arc::new(client_config(servers.folder.path(), key)?)),
        })
    }

    pub(crate) async fn connect(&self) -> Result<Tls, Failure> {
        let tcp = tcp(self.address).await?;
        let name = ServerName::try_from(SERVER_NAME)?;
        Ok(self.connector.connect(name, tcp).await?)
    }
}

fn client_config(folder: &Path, key: Key) -> Result<ClientConfig, Failure> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256];
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("trust.txt"))?)?;
    let stem = format!("client-{}", key.as_str());
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(folder.join(format!("{stem}.pem")))?.collect();
    let private = PrivateKeyDer::from_pem_file(folder.join(format!("{stem}.key")))?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain?, private)?;
    config.resumption = Resumption::disabled();
    Ok(config)
}

pub(crate) async fn tcp(address: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Runs the work and divides what it did by the server's CPU time meanwhile.
pub(crate) async fn per_cpu_second(
    servers: &Servers,
    subject: Subject,
    work: impl Future<Output = Result<usize, Failure>>,
) -> Result<f64, Failure> {
    tokio::time::sleep(SETTLE).await;
    let before = servers.cpu_seconds(subject)?;
    let done = work.await?;
    tokio::time::sleep(SETTLE).await;
    let spent = servers.cpu_seconds(subject)? - before;
    if spent <= 0.0 {
        return Err(format!("{} did {done} without using CPU", subject.as_str()).into());
    }
    Ok(as_f64(done) / spent)
}

/// Repeats a step on every lane until all lanes together have done `most`, or time is up.
/// Returns how often it was done.
pub(crate) async fn share<L: Send + 'static, F>(
    lanes: Vec<L>,
    most: usize,
    longest: Duration,
    step: impl Fn(L) -> F + Copy + Send + Sync + 'static,
) -> Result<usize, Failure>
where
    F: Future<Output = Result<L, Failure>> + Send,
{
    let begun = Arc::new(AtomicUsize::new(0));
    let end = Instant::now() + longest;
    let mut running = JoinSet::new();
    for mut lane in lanes {
        let begun = Arc::clone(&begun);
        running.spawn(async move {
            let mut done = 0_usize;
            while begun.fetch_add(1, Ordering::Relaxed) < most && Instant::now() < end {
                lane = step(lane).await?;
                done += 1;
            }
            Ok::<_, Failure>(done)
        });
    }
    let counts: Result<Vec<usize>, Failure> = running.join_all().await.into_iter().collect();
    Ok(counts?.iter().sum())
}

pub(crate) fn as_f64(count: usize) -> f64 {
    // Counts here are far below 2^32.
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
