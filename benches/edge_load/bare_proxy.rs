//! The other side of the comparison: a proxy of hyper, tokio-rustls and nothing else. It ends
//! mutual TLS and relays; it has no policy, no limits, no timers, no log and no metrics.
#![expect(
    clippy::disallowed_methods,
    reason = "a process of its own that ends with its parent"
)]

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use hyper::Request;
use hyper::Response;
use hyper::body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::NoServerSessionStorage;
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::Failure;
use crate::pki::Key;

/// Runs until standard input closes. `folder` holds what `pki::mint` wrote.
pub(crate) fn run(folder: &str, upstream: &str) -> Result<(), Failure> {
    let pool = Arc::new(Pool {
        upstream: upstream.parse()?,
        free: Mutex::default(),
    });
    // The number of threads comes from TOKIO_WORKER_THREADS, as in xspd.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut line = "listening".to_owned();
        let mut listening = Vec::new();
        for key in Key::ALL {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            line.push_str(&format!(" {}", listener.local_addr()?));
            let acceptor = TlsAcceptor::from(Arc::new(server_config(Path::new(folder), key)?));
            listening.push(tokio::spawn(accept(listener, acceptor, Arc::clone(&pool))));
        }
        writeln!(std::io::stdout(), "{line}")?;
        std::thread::spawn(crate::servers::end_with_parent);
        for each in listening {
            each.await?;
        }
        Ok(())
    })
}

fn server_config(folder: &Path, key: Key) -> Result<ServerConfig, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for anchor in CertificateDer::pem_file_iter(folder.join("trust.txt"))? {
        roots.add(anchor?)?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()?;
    let name = key.as_str();
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(folder.join(format!("server-{name}.pem")))?.collect();
    let private = PrivateKeyDer::from_pem_file(folder.join(format!("server-{name}.key")))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain?, private)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, pool: Arc<Pool>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let (acceptor, pool) = (acceptor.clone(), Arc::clone(&pool));
        tokio::spawn(async move {
            if tcp.set_nodelay(true).is_err() {
                return;
            }
            let Ok(tls) = acceptor.accept(tcp).await else {
                return;
            };
            let relay = service_fn(|request| pool.relay(request));
            let http = hyper::server::conn::http1::Builder::new();
            // How the client leaves does not matter here.
            drop(http.serve_connection(TokioIo::new(tls), relay).await);
        });
    }
}

/// Kept connections to the one upstream.
struct Pool {
    upstream: SocketAddr,
    free: Mutex<Vec<SendRequest<Incoming>>>,
}

impl Pool {
    async fn relay(&self, request: Request<Incoming>) -> Result<Response<Incoming>, Failure> {
        let mut sender = match self.take() {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let response = sender.send_request(request).await?;
        if response.body().size_hint().exact().is_none() {
            // A stream keeps its connection; among the free ones it would only be in the way.
            return Ok(response);
        }
        // It says by itself when it is ready again, which is when the body has been read.
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sender);
        Ok(response)
    }

    fn take(&self) -> Option<SendRequest<Incoming>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let at = free.iter().position(SendRequest::is_ready)?;
        Some(free.swap_remove(at))
    }

    async fn connect(&self) -> Result<SendRequest<Incoming>, Failure> {
        let tcp = TcpStream::connect(self.upstream).await?;
        tcp.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
