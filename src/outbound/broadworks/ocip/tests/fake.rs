//! A fake Application Server: every request is answered by the test's script.

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
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::domain::ocip::framing::Framer;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::Encoding;
use crate::domain::xsi::codec::parse_xml;
use crate::platform::tasks::Tasks;

/// What the fake was asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Which connection, from 1.
    pub(super) connection: usize,
    pub(super) name: String,
    pub(super) session: String,
    pub(super) command: Element,
}

impl Asked {
    pub(super) fn text(&self, name: &str) -> &str {
        self.command.child(name).map_or("", Element::text)
    }
}

/// What the fake does about it.
pub(super) enum Reply {
    /// A command of this type and content.
    Answer(&'static str, String),
    /// An `ErrorResponse` with this summary.
    Error(String),
    /// These bytes.
    Raw(Vec<u8>),
    /// These bytes, then the end.
    RawThenClose(Vec<u8>),
    /// The end.
    Close,
    /// Nothing, and it hears no more.
    Silence,
    /// What it does when nobody says otherwise: logins succeed.
    Usual,
}

type Script = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

pub(super) struct Fake {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<AtomicUsize>,
    cut: Arc<Mutex<CancellationToken>>,
    tasks: Tasks,
}

impl Fake {
    pub(super) async fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(None, script).await
    }

    pub(super) async fn start_with(
        tls: Option<ServerConfig>,
        script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self::serve(listener, tls, script)
    }

    pub(super) fn serve(
        listener: TcpListener,
        tls: Option<ServerConfig>,
        script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let fake = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            connections: Arc::default(),
            cut: Arc::default(),
            tasks: Tasks::new(),
        };
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let script: Script = Arc::new(script);
        let tasks = fake.tasks.clone();
        let (asked, connections) = (Arc::clone(&fake.asked), Arc::clone(&fake.connections));
        let cut = Arc::clone(&fake.cut);
        let stop = tasks.stop();
        fake.tasks.connection(async move {
            loop {
                let accepted = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let (stream, _) = accepted.unwrap();
                let peer = Peer {
                    connection: connections.fetch_add(1, Ordering::SeqCst) + 1,
                    script: Arc::clone(&script),
                    asked: Arc::clone(&asked),
                };
                let (tls, stop) = (tls.clone(), stop.clone());
                let cut = cut.lock().unwrap().clone();
                tasks.connection(async move {
                    let talk = async {
                        match tls {
                            None => peer.talk(stream).await,
                            Some(acceptor) => {
                                if let Ok(stream) = acceptor.accept(stream).await {
                                    peer.talk(stream).await;
                                }
                            }
                        }
                    };
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = cut.cancelled() => {}
                        () = talk => {}
                    }
                });
            }
        });
        fake
    }

    /// Names of all requests so far.
    pub(super) fn names(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|asked| asked.name.clone()).collect()
    }

    /// The requests of one name.
    pub(super) fn all(&self, name: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|asked| asked.name == name)
            .cloned()
            .collect()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Closes every connection that is open.
    pub(super) fn cut(&self) {
        let held = std::mem::take(&mut *self.cut.lock().unwrap());
        held.cancel();
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

struct Peer {
    connection: usize,
    script: Script,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Peer {
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S) {
        let mut framer = Framer::default();
        let mut buffer = [0; 4096];
        loop {
            while let Some(message) = framer.message().unwrap() {
                let asked = self.read(&message);
                let reply = match (self.script)(&asked) {
                    Reply::Usual => usual(&asked),
                    other => other,
                };
                let session = asked.session.clone();
                self.asked.lock().unwrap().push(asked);
                let bytes = match reply {
                    Reply::Answer(name, content) => {
                        let command = format!(
                            "<command echo=\"\" xsi:type=\"{name}\" xmlns=\"\">{content}</command>"
                        );
                        document(&session, &command).into_bytes()
                    }
                    Reply::Error(summary) => error(&session, &summary).into_bytes(),
                    Reply::Raw(bytes) => bytes,
                    Reply::RawThenClose(bytes) => {
                        stream.write_all(&bytes).await.ok();
                        stream.shutdown().await.ok();
                        return;
                    }
                    Reply::Close => return,
                    Reply::Silence => std::future::pending().await,
                    Reply::Usual => panic!("the usual is an answer"),
                };
                stream.write_all(&bytes).await.ok();
                stream.flush().await.ok();
            }
            match stream.read(&mut buffer).await {
                Ok(read) if read > 0 => framer.push(&buffer[..read]),
                Ok(_) | Err(_) => return,
            }
        }
    }

    fn read(&self, message: &[u8]) -> Asked {
        let document = parse_xml(message, message.len(), Some(Encoding::Latin1)).unwrap();
        let root = document.into_root();
        let command = root.child("command").unwrap().clone();
        Asked {
            connection: self.connection,
            name: command.instance("type").unwrap().to_owned(),
            session: root.child_text("sessionId").unwrap().to_owned(),
            command,
        }
    }
}

pub(super) const NONCE: &str = "1616017564343";

fn usual(asked: &Asked) -> Reply {
    match asked.name.as_str() {
        "AuthenticationRequest" => Reply::Answer(
            "AuthenticationResponse",
            format!("<nonce>{NONCE}</nonce><passwordAlgorithm>MD5</passwordAlgorithm>"),
        ),
        "LoginRequest14sp4" => login_answer("LoginResponse14sp4"),
        "LoginRequest22V5" => login_answer("LoginResponse22V5"),
        "LogoutRequest" => Reply::Answer("SuccessResponse", String::new()),
        other => Reply::Error(format!("Unknown request: {other}")),
    }
}

fn login_answer(name: &'static str) -> Reply {
    let content = "<loginType>System</loginType><locale>en_US</locale>";
    Reply::Answer(name, content.to_owned())
}

pub(super) fn document(session: &str, command: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<BroadsoftDocument protocol=\"OCI\" \
         xmlns=\"C\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><sessionId \
         xmlns=\"\">{session}</sessionId>{command}</BroadsoftDocument>\n"
    )
}

pub(super) fn error(session: &str, summary: &str) -> String {
    document(
        session,
        &format!(
            "<command type=\"Error\" echo=\"\" xsi:type=\"c:ErrorResponse\" xmlns:c=\"C\" \
             xmlns=\"\"><summary>{summary}</summary><summaryEnglish>{summary}</summaryEnglish>\
             </command>"
        ),
    )
}

/// The answer about alice's login.
pub(super) fn login_info(revoked: &str) -> Reply {
    Reply::Answer(
        "UserGetLoginInfoResponseRI",
        format!(
            "<loginType>User</loginType><locale>en_US</locale><encoding>ISO-8859-1</encoding>\
             <groupId>sales</groupId><serviceProviderId>acme</serviceProviderId>\
             <isEnterprise>true</isEnterprise><userId>alice@as.example.net</userId>\
             <tokenRevocationTime>{revoked}</tokenRevocationTime>"
        ),
    )
}
