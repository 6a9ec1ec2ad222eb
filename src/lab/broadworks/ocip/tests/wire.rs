//! A lab on free ports and a client that shows every document.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::parse_xml;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::ocip::credentials::sha1;
use crate::lab::broadworks::ocip::credentials::signed;
use crate::platform::tasks::Tasks;

pub(super) const ALICE: &str = "alice@as.example.net";

/// A served lab with a state directory of its own.
pub(super) struct Served {
    pub(super) lab: Arc<BroadWorks>,
    pub(super) address: SocketAddr,
    pub(super) tasks: Tasks,
    state: Arc<tempfile::TempDir>,
}

impl Served {
    /// A lab as seeded, over plain TCP.
    pub(super) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// A lab as seeded.
    pub(super) async fn start_with(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("broadworks.json"), seeded()).unwrap();
        Self::over(Arc::new(state), tls).await
    }

    async fn over(state: Arc<tempfile::TempDir>, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let lab = BroadWorks::open(state.path(), false).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = Tasks::new();
        let (served, stop, inner) = (Arc::clone(&lab), tasks.stop(), tasks.clone());
        tasks.worker("lab", async move {
            served.serve_ocip(listener, tls, stop, &inner).await;
        });
        Self {
            lab,
            address,
            tasks,
            state,
        }
    }

    /// Ends the lab and starts it again over the same state.
    pub(super) async fn restart(self) -> Self {
        self.tasks.stop().cancel();
        self.tasks.join().await;
        Self::over(Arc::clone(&self.state), None).await
    }

    /// Takes the state directory away, as a broken disk would.
    pub(super) fn lose_state(&self) {
        std::fs::remove_dir_all(self.state.path()).unwrap();
    }

    /// A connection that has not logged in.
    pub(super) async fn connect(&self) -> Client<TcpStream> {
        Client::over(TcpStream::connect(self.address).await.unwrap())
    }

    /// A connection of the provisioning administrator.
    pub(super) async fn administrator(&self) -> Client<TcpStream> {
        let mut client = self.connect().await;
        let account = self.lab.provisioning_administrator();
        let answer = client.digest_login(&account.id, &account.password).await;
        assert_eq!(answer.name(), "LoginResponse14sp4");
        client
    }

    /// A connection of a user.
    pub(super) async fn user(&self, id: &str) -> Client<TcpStream> {
        let mut client = self.connect().await;
        let inner = format!("<userId>{id}</userId><password>Passw0rd!</password>");
        let answer = client.ask("LoginRequest22V5", &inner).await;
        assert_eq!(answer.name(), "LoginResponse22V5");
        client
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// The state file of a fresh lab, hashed once for all tests.
pub(super) fn seeded() -> &'static [u8] {
    static STATE: OnceLock<Vec<u8>> = OnceLock::new();
    STATE.get_or_init(|| {
        let state = tempfile::tempdir().unwrap();
        BroadWorks::open(state.path(), true).unwrap();
        std::fs::read(state.path().join("broadworks.json")).unwrap()
    })
}

/// One connection.
pub(super) struct Client<S> {
    pub(super) stream: S,
    held: Vec<u8>,
    pub(super) session: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(super) fn over(stream: S) -> Self {
        Self {
            stream,
            held: Vec::new(),
            session: "lab-1".to_owned(),
        }
    }

    /// One command and its answer.
    pub(super) async fn ask(&mut self, name: &str, inner: &str) -> Answer {
        let document = document(&self.session, &command(name, inner));
        self.send(document.as_bytes()).await;
        let mut answers = self.receive().await.unwrap();
        assert_eq!(answers.session, self.session);
        answers.commands.remove(0)
    }

    /// `ask` about a user.
    pub(super) async fn about(&mut self, name: &str, user: &str) -> Answer {
        self.ask(name, &format!("<userId>{user}</userId>")).await
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next document; `None` when the connection ends without one.
    pub(super) async fn receive(&mut self) -> Option<Answers> {
        self.receive_raw().await.map(|bytes| Answers::parse(&bytes))
    }

    /// The same as it came.
    pub(super) async fn receive_raw(&mut self) -> Option<Vec<u8>> {
        let tag = b"</BroadsoftDocument>";
        loop {
            let end = self.held.windows(tag.len()).position(|held| held == tag);
            if let Some(end) = end {
                return Some(self.held.drain(..end + tag.len()).collect());
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.held.extend_from_slice(&piece[..read]),
            }
        }
    }

    /// What came before the connection ended.
    pub(super) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.held);
        // A reset ends a connection, too.
        drop(self.stream.read_to_end(&mut rest).await);
        rest
    }

    pub(super) async fn digest_login(&mut self, user: &str, password: &str) -> Answer {
        let answer = self.about("AuthenticationRequest", user).await;
        assert_eq!(answer.text("userId"), user);
        assert_eq!(answer.text("passwordAlgorithm"), "MD5");
        self.sign(user, &answer.text("nonce"), password).await
    }

    pub(super) async fn sign(&mut self, user: &str, nonce: &str, password: &str) -> Answer {
        let signature = signed(nonce, &sha1(password));
        let inner = format!("<userId>{user}</userId><signedPassword>{signature}</signedPassword>");
        self.ask("LoginRequest14sp4", &inner).await
    }
}

/// A command as clients write it.
pub(super) fn command(name: &str, inner: &str) -> String {
    format!("<command xsi:type=\"{name}\" xmlns=\"\">{inner}</command>")
}

/// A document as clients write it.
pub(super) fn document(session: &str, commands: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BroadsoftDocument protocol=\"OCI\" \
         xmlns=\"C\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><sessionId \
         xmlns=\"\">{session}</sessionId>{commands}</BroadsoftDocument>\n"
    )
}

/// A document of answers.
pub(super) struct Answers {
    pub(super) session: String,
    pub(super) commands: Vec<Answer>,
}

impl Answers {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let root = parse_xml(bytes, usize::MAX, None).unwrap().into_root();
        assert_eq!(root.namespace(), Some("C"));
        let commands = root.children_named("command").cloned();
        Self {
            session: root.child_text("sessionId").unwrap().to_owned(),
            commands: commands.map(Answer).collect(),
        }
    }
}

/// One answer.
#[derive(Debug)]
pub(super) struct Answer(pub(super) Element);

impl Answer {
    /// The `xsi:type`.
    pub(super) fn name(&self) -> &str {
        let mut attributes = self.0.attributes().iter();
        let found = attributes.find(|held| held.name.written() == "xsi:type");
        &found.unwrap().value
    }

    pub(super) fn text(&self, name: &str) -> String {
        let text = self.0.child_text(name);
        text.unwrap_or_else(|| panic!("no {name} in {self:?}"))
            .to_owned()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.child(name).is_some()
    }

    /// The names of the elements in order.
    pub(super) fn names(&self) -> Vec<&str> {
        self.0.children().iter().map(Element::local).collect()
    }

    /// A refusal's summary.
    pub(super) fn summary(&self) -> String {
        assert_eq!(self.name(), "c:ErrorResponse", "{self:?}");
        assert_eq!(self.0.attributes()[0].name.written(), "type");
        assert_eq!(self.0.attributes()[0].value, "Error");
        let summary = self.text("summary");
        assert_eq!(self.text("summaryEnglish"), summary);
        summary
    }

    /// That it went well.
    pub(super) fn expect_success(&self) {
        assert_eq!(self.name(), "c:SuccessResponse", "{self:?}");
    }

    /// Headings and rows of a table.
    pub(super) fn table(&self, name: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let table = self.0.child(name).unwrap();
        let headings = table.children_named("colHeading");
        let rows = table.children_named("row");
        (
            headings.map(|held| held.text().to_owned()).collect(),
            rows.map(|row| {
                let cells = row.children_named("col");
                cells.map(|cell| cell.text().to_owned()).collect()
            })
            .collect(),
        )
    }
}

pub(super) const NOT_AUTHORIZED: &str = "[Error 5404] Unauthorized transaction.";
pub(super) const BAD_PASSWORD: &str = "[Error 4962] Invalid password";
pub(super) const LOCKED: &str = "[Error 5202] Account is disabled.";
pub(super) const INVALID: &str = "[Error 6004] OCI XML Request validation error";
