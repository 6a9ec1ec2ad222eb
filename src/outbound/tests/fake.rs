//! An upstream that does exactly what its script says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use rustls::ServerConfig;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::platform::tasks::Tasks;

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[derive(Clone)]
enum Step {
    Hear,
    HearHead,
    Say(Vec<u8>),
    Await(Arc<Semaphore>),
    Release(Arc<Semaphore>),
    Hold,
    Again,
}

/// What happens on one connection; it is closed at the end.
#[derive(Clone, Default)]
pub(crate) struct Script(Vec<Step>);

impl Script {
    /// Closes at once.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Answers every request with [`OK`].
    pub(crate) fn ok() -> Self {
        Self::new().hear().say(OK).again()
    }

    /// Answers every request with the same bytes.
    pub(crate) fn always(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new().hear().say(bytes).again()
    }

    /// Reads one request, body included, and notes it.
    pub(crate) fn hear(self) -> Self {
        self.then(Step::Hear)
    }

    /// Reads the head of one request and notes it.
    pub(crate) fn hear_head(self) -> Self {
        self.then(Step::HearHead)
    }

    /// Writes bytes.
    pub(crate) fn say(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Say(bytes.into()))
    }

    /// Goes on when the test adds a permit.
    pub(crate) fn wait_for(self, gate: &Arc<Semaphore>) -> Self {
        self.then(Step::Await(Arc::clone(gate)))
    }

    /// Adds a permit, for the test to see how far it came.
    pub(crate) fn release(self, mark: &Arc<Semaphore>) -> Self {
        self.then(Step::Release(Arc::clone(mark)))
    }

    /// Stays silent until the other side closes.
    pub(crate) fn hold(self) -> Self {
        self.then(Step::Hold)
    }

    /// Starts over.
    pub(crate) fn again(self) -> Self {
        self.then(Step::Again)
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }
}

/// A running fake.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    tasks: Tasks,
}

struct Shared {
    scripts: Vec<Script>,
    heard: Mutex<Vec<String>>,
    accepted: AtomicUsize,
    ended: watch::Sender<usize>,
    tls: Option<TlsAcceptor>,
    client_certificates: AtomicUsize,
}

impl Fake {
    /// The n-th connection follows the n-th script, later ones the last.
    pub(crate) async fn start(scripts: impl Into<Vec<Script>>) -> Self {
        Self::launch(scripts.into(), None).await
    }

    pub(crate) async fn start_tls(scripts: impl Into<Vec<Script>>, config: ServerConfig) -> Self {
        Self::launch(scripts.into(), Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn launch(scripts: Vec<Script>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            scripts,
            heard: Mutex::default(),
            accepted: AtomicUsize::new(0),
            ended: watch::Sender::new(0),
            tls,
            client_certificates: AtomicUsize::new(0),
        });
        let tasks = Tasks::new();
        let stop = tasks.stop();
        let (work, served) = (tasks.clone(), Arc::clone(&shared));
        tasks.connection(async move {
            loop {
                let stream = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted.unwrap().0,
                };
                let place = served.accepted.fetch_add(1, Ordering::SeqCst);
                let (shared, stop) = (Arc::clone(&served), stop.clone());
                work.connection(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = shared.serve(stream, place) => {}
                    }
                    shared.ended.send_modify(|ended| *ended += 1);
                });
            }
        });
        Self {
            address,
            shared,
            tasks,
        }
    }

    /// The requests heard so far, bodies included.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.shared.heard.lock().unwrap().clone()
    }

    /// Connections accepted so far.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Connections on which a client certificate was shown.
    pub(crate) fn client_certificates(&self) -> usize {
        self.shared.client_certificates.load(Ordering::SeqCst)
    }

    /// Waits until `count` connections have ended.
    pub(crate) async fn ended(&self, count: usize) {
        let mut ended = self.shared.ended.subscribe();
        ended.wait_for(|ended| *ended >= count).await.unwrap();
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

impl Shared {
    async fn serve(&self, stream: tokio::net::TcpStream, place: usize) {
        let script = &self.scripts[place.min(self.scripts.len() - 1)];
        match &self.tls {
            None => self.follow(script, stream).await,
            Some(acceptor) => {
                // A client that refuses our certificate is part of some tests.
                if let Ok(stream) = acceptor.accept(stream).await {
                    if stream.get_ref().1.peer_certificates().is_some() {
                        self.client_certificates.fetch_add(1, Ordering::SeqCst);
                    }
                    self.follow(script, stream).await;
                }
            }
        }
    }

    async fn follow(&self, script: &Script, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut at = 0;
        while let Some(step) = script.0.get(at) {
            at += 1;
            match step {
                Step::Hear => match hear(&mut stream, Extent::Whole).await {
                    Some(request) => self.heard.lock().unwrap().push(request),
                    None => return,
                },
                Step::HearHead => match hear(&mut stream, Extent::Head).await {
                    Some(head) => self.heard.lock().unwrap().push(head),
                    None => return,
                },
                Step::Say(bytes) => {
                    if stream.write_all(bytes).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                }
                Step::Await(gate) => gate.acquire().await.unwrap().forget(),
                Step::Release(mark) => mark.add_permits(1),
                Step::Hold => {
                    let mut rest = [0; 4096];
                    while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {}
                }
                Step::Again => at = 0,
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Head,
    Whole,
}

/// One request, its body by `content-length` or up to the last chunk; `None` at the end.
async fn hear(stream: &mut (impl AsyncRead + Unpin), extent: Extent) -> Option<String> {
    let mut text = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read(&mut byte).await.ok()? == 0 {
            return None;
        }
        text.push(byte[0]);
        if text.ends_with(b"\r\n\r\n") {
            let seen = String::from_utf8_lossy(&text).into_owned();
            if extent == Extent::Head {
                return Some(seen);
            }
            let (head, body) = seen.split_once("\r\n\r\n").unwrap();
            let chunked = head.contains("transfer-encoding: chunked");
            if chunked && !body.ends_with("0\r\n\r\n") {
                continue;
            }
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            let mut rest = vec![0; length];
            stream.read_exact(&mut rest).await.ok()?;
            return Some(seen + &String::from_utf8_lossy(&rest));
        }
    }
}
