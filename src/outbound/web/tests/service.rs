//! An HTTPS service that answers each path as its script says.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::IsCa;
use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::platform::tasks::Tasks;

/// The name besides `127.0.0.1` in its certificate.
pub(crate) const NAME: &str = "service.example.com";

/// What one request gets.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Nothing, until the client goes.
    Hold,
    /// These bytes.
    Say(Vec<u8>),
    /// These bytes, when the test adds a permit.
    SayAfter(Arc<Semaphore>, Vec<u8>),
    /// These bytes, and then nothing.
    SayAndHold(Vec<u8>),
}

/// A JSON answer.
pub(crate) fn json(status: &str, body: &str) -> Answer {
    Answer::Say(json_bytes(status, body))
}

pub(crate) fn json_bytes(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) directory: TempDir,
    shared: Arc<Shared>,
    tasks: Tasks,
}

struct Shared {
    tls: TlsAcceptor,
    scripts: Mutex<HashMap<String, Vec<Answer>>>,
    heard: Mutex<Vec<String>>,
}

impl Service {
    /// Starts it; a path without a script gets 404.
    pub(crate) async fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            tls: TlsAcceptor::from(Arc::new(tls(&directory))),
            scripts: Mutex::default(),
            heard: Mutex::default(),
        });
        let tasks = Tasks::new();
        let (work, served, stop) = (tasks.clone(), Arc::clone(&shared), tasks.stop());
        tasks.connection(async move {
            loop {
                let stream = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted.unwrap().0,
                };
                let (shared, stop) = (Arc::clone(&served), stop.clone());
                work.connection(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        // A client that goes away is part of some tests.
                        _ended = shared.serve(stream) => {}
                    }
                });
            }
        });
        Self {
            address,
            directory,
            shared,
            tasks,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// The file with its CA.
    pub(crate) fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// From now on requests for `path` get these answers in turn, and the last one again and
    /// again.
    pub(crate) fn on(&self, path: &str, answers: impl Into<Vec<Answer>>) {
        let mut answers = answers.into();
        answers.reverse();
        self.shared
            .scripts
            .lock()
            .unwrap()
            .insert(path.to_owned(), answers);
    }

    /// The requests for `path` so far, with their bodies.
    pub(crate) fn heard(&self, path: &str) -> Vec<String> {
        let heard = self.shared.heard.lock().unwrap();
        let asks = |request: &&String| request.split(' ').nth(1) == Some(path);
        heard.iter().filter(asks).cloned().collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

impl Shared {
    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = self.tls.accept(stream).await.ok()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let request = head + &String::from_utf8(body).unwrap();
        self.heard.lock().unwrap().push(request);
        let (bytes, hold) = match self.next(&path) {
            Answer::Hold => (Vec::new(), true),
            Answer::Say(bytes) => (bytes, false),
            Answer::SayAfter(gate, bytes) => {
                gate.acquire().await.unwrap().forget();
                (bytes, false)
            }
            Answer::SayAndHold(bytes) => (bytes, true),
        };
        stream.write_all(&bytes).await.ok()?;
        stream.flush().await.ok()?;
        if hold {
            drop(stream.read_u8().await);
        }
        stream.shutdown().await.ok()
    }

    fn next(&self, path: &str) -> Answer {
        let mut scripts = self.scripts.lock().unwrap();
        match scripts.get_mut(path) {
            None => json("404 Not Found", "{}"),
            Some(answers) if answers.len() > 1 => answers.pop().unwrap(),
            Some(answers) => answers[0].clone(),
        }
    }
}

fn tls(directory: &TempDir) -> ServerConfig {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(directory.path().join("ca.pem"), ca.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = ["127.0.0.1".to_owned(), NAME.to_owned()];
    let params = CertificateParams::new(names).unwrap();
    let certificate = params.signed_by(&key, &ca).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}
