//! A client that speaks TLS for real and HTTP by the byte, so that tests can be as rude as peers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::HandshakeKind;
use rustls::RootCertStore;
use rustls::SignatureScheme;
use rustls::SupportedProtocolVersion;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use rustls::version::TLS12;
use rustls::version::TLS13;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::BOUND;
use crate::support::pki::Identity;
use crate::support::wire;

/// Largest answer read. A test that needs more reads by itself.
const MOST: usize = 4 << 20;

/// Which TLS versions the client offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    Both,
    Tls12,
    Tls13,
}

/// How a client connects; connect as often as you like.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    name: Option<String>,
    anchor: Option<CertificateDer<'static>>,
    offer: Offer,
    identity: Option<Arc<Identity>>,
    alpn: Vec<Vec<u8>>,
}

impl Client {
    /// Checks no server certificate, sends no server name and no certificate of its own.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            name: None,
            anchor: None,
            offer: Offer::Both,
            identity: None,
            alpn: Vec::new(),
        }
    }

    /// Sends this server name.
    pub(crate) fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Checks the server's certificate against this root and the name.
    pub(crate) fn trusting(mut self, root: CertificateDer<'static>) -> Self {
        self.anchor = Some(root);
        self
    }

    /// Offers these versions only.
    pub(crate) fn offering(mut self, offer: Offer) -> Self {
        self.offer = offer;
        self
    }

    /// Shows this certificate when asked.
    pub(crate) fn showing(mut self, identity: Identity) -> Self {
        self.identity = Some(Arc::new(identity));
        self
    }

    /// Offers protocols, `h2` or `http/1.1`.
    pub(crate) fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        self
    }

    /// Connects and shakes hands. With TLS 1.3 a server's refusal of our certificate arrives with
    /// the first read, not here.
    pub(crate) async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        bounded(async {
            let tcp = TcpStream::connect(self.address).await?;
            let name = match &self.name {
                Some(name) => ServerName::try_from(name.clone()).map_err(io::Error::other)?,
                None => ServerName::IpAddress(self.address.ip().into()),
            };
            let connector = TlsConnector::from(Arc::new(self.config()));
            connector.connect(name, tcp).await
        })
        .await
    }

    /// Sends raw bytes over a new connection and reads one answer.
    pub(crate) async fn exchange(&self, request: &[u8]) -> io::Result<Answer> {
        let mut stream = self.connect().await?;
        exchange(&mut stream, request).await
    }

    /// Shakes hands `count` times in a row as one client that would resume; tells how each went.
    pub(crate) async fn handshake_kinds(&self, count: usize) -> io::Result<Vec<HandshakeKind>> {
        let connector = TlsConnector::from(Arc::new(self.config()));
        let mut kinds = Vec::new();
        for _ in 0..count {
            let kind = bounded(async {
                let tcp = TcpStream::connect(self.address).await?;
                let name = self.name.clone().unwrap_or_default();
                let name = ServerName::try_from(name).map_err(io::Error::other)?;
                let mut stream = connector.connect(name, tcp).await?;
                // Tickets of TLS 1.3 come with the first answer.
                let host = self.name.as_deref().unwrap_or_default();
                let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
                exchange(&mut stream, request.as_bytes()).await?;
                Ok(stream.get_ref().1.handshake_kind())
            })
            .await?;
            kinds.extend(kind);
        }
        Ok(kinds)
    }

    /// `GET` of a target, with `Host` as the server name says.
    pub(crate) async fn get(&self, target: &str) -> io::Result<Answer> {
        let host = match &self.name {
            Some(name) => name.clone(),
            None => self.address.to_string(),
        };
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        self.exchange(request.as_bytes()).await
    }

    fn config(&self) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions: &[&SupportedProtocolVersion] = match self.offer {
            Offer::Both => &[&TLS13, &TLS12],
            Offer::Tls12 => &[&TLS12],
            Offer::Tls13 => &[&TLS13],
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .expect("versions of the provider");
        let builder = match &self.anchor {
            Some(root) => {
                let mut roots = RootCertStore::empty();
                roots.add(root.clone()).expect("a root");
                builder.with_root_certificates(roots)
            }
            None => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anything(provider))),
        };
        let mut config = match &self.identity {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.private_key())
                .expect("a key that fits"),
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = self.name.is_some();
        config.alpn_protocols.clone_from(&self.alpn);
        config
    }
}

/// Takes any server certificate, for tests that look at what is served.
#[derive(Debug)]
struct Anything(Arc<CryptoProvider>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// One HTTP/1 answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Status line and fields, without the empty line.
    pub(crate) head: String,
    /// Body with its framing removed.
    pub(crate) body: Vec<u8>,
    /// Everything read, byte by byte.
    pub(crate) raw: Vec<u8>,
}

impl Answer {
    /// Value of a header field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        wire::field(&self.head, name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// `GET` over plain HTTP, for the admin listener.
pub(crate) async fn get_plain(address: SocketAddr, target: &str) -> io::Result<Answer> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut stream = bounded(TcpStream::connect(address)).await?;
    exchange(&mut stream, request.as_bytes()).await
}

/// Sends raw bytes over an open connection and reads one answer.
pub(crate) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[u8],
) -> io::Result<Answer> {
    bounded(async {
        stream.write_all(request).await?;
        stream.flush().await
    })
    .await?;
    read_answer(stream, request.starts_with(b"HEAD ")).await
}

/// Reads one answer: by its length, its chunks, or to the end of the connection.
pub(crate) async fn read_answer(
    stream: &mut (impl AsyncRead + Unpin),
    without_body: bool,
) -> io::Result<Answer> {
    bounded(async {
        let mut raw = Vec::new();
        let head_end = loop {
            if let Some(at) = wire::find(&raw, b"\r\n\r\n") {
                break at;
            }
            if !read_some(stream, &mut raw).await? {
                return Err(broken("the connection ended within a head", &raw));
            }
        };
        let head = String::from_utf8_lossy(&raw[..head_end]).into_owned();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse::<u16>().ok())
            .ok_or_else(|| broken("no status line", &raw))?;
        let start = head_end + 4;
        let body = if without_body || status == 204 || status == 304 || status < 200 {
            Vec::new()
        } else if wire::field(&head, "transfer-encoding").is_some() {
            read_chunks(stream, &mut raw, start).await?
        } else if let Some(length) = wire::field(&head, "content-length") {
            let length: usize = length.parse().map_err(io::Error::other)?;
            while raw.len() < start + length {
                if !read_some(stream, &mut raw).await? {
                    return Err(broken("the connection ended within a body", &raw));
                }
            }
            raw[start..start + length].to_vec()
        } else {
            while read_some(stream, &mut raw).await? {}
            raw[start..].to_vec()
        };
        Ok(Answer {
            status,
            head,
            body,
            raw,
        })
    })
    .await
}

async fn read_chunks(
    stream: &mut (impl AsyncRead + Unpin),
    raw: &mut Vec<u8>,
    start: usize,
) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut at = start;
    loop {
        let line = loop {
            match wire::find(&raw[at..], b"\r\n") {
                Some(length) => break &raw[at..at + length],
                None if read_some(stream, raw).await? => {}
                None => return Err(broken("the connection ended within chunks", raw)),
            }
        };
        let size = String::from_utf8_lossy(line);
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        at += line.len() + 2;
        while raw.len() < at + size + 2 {
            if !read_some(stream, raw).await? {
                return Err(broken("the connection ended within a chunk", raw));
            }
        }
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&raw[at..at + size]);
        at += size + 2;
    }
}

/// Whether there was more to read.
async fn read_some(stream: &mut (impl AsyncRead + Unpin), into: &mut Vec<u8>) -> io::Result<bool> {
    if into.len() > MOST {
        return Err(io::Error::other("the answer is too large for a test"));
    }
    Ok(stream.read_buf(into).await? > 0)
}

fn broken(what: &str, raw: &[u8]) -> io::Error {
    let said = String::from_utf8_lossy(raw);
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("{what}: {said:?}"))
}

/// Runs it under the common bound.
pub(crate) async fn bounded<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(BOUND, work).await {
        Ok(result) => result,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use rustls::ProtocolVersion;

    use super::*;
    use crate::support::pki::Authority;
    use crate::support::pki::Client as Kind;
    use crate::support::pki::Key;
    use crate::support::upstream::Reply;
    use crate::support::upstream::Upstream;

    async fn server(webex: &Authority, ours: &Authority, key: Key) -> Upstream {
        let identity = ours.server(&["xsp1.example.net"], key);
        Upstream::start_tls(&identity, Some(webex.root()), |_| Reply::text(200, "hello")).await
    }

    #[tokio::test]
    async fn versions_names_and_certificates_are_what_the_test_says() {
        let (webex, ours) = (Authority::new("Webex"), Authority::new("Provider"));
        for (offer, version, key) in [
            (Offer::Tls12, ProtocolVersion::TLSv1_2, Key::Rsa2048),
            (Offer::Tls13, ProtocolVersion::TLSv1_3, Key::P256),
            (Offer::Both, ProtocolVersion::TLSv1_3, Key::P256),
        ] {
            let server = server(&webex, &ours, key).await;
            let client = Client::new(server.address())
                .name("xsp1.example.net")
                .trusting(ours.root())
                .offering(offer)
                .alpn(&["http/1.1"])
                .showing(webex.client(Kind::Good));
            let stream = client.connect().await.unwrap();
            assert_eq!(stream.get_ref().1.protocol_version(), Some(version));
            let answer = client.get("/a").await.unwrap();
            assert_eq!((answer.status, answer.text()), (200, "hello".to_owned()));
            assert_eq!(answer.field("Content-Length"), Some("5"));
            assert_eq!(
                server.requests(),
                [b"GET /a HTTP/1.1\r\nHost: xsp1.example.net\r\nConnection: close\r\n\r\n"]
            );
        }
    }

    #[tokio::test]
    async fn minted_certificates_are_good_or_bad_as_named() {
        let (webex, ours) = (Authority::new("Webex"), Authority::new("Provider"));
        let server = server(&webex, &ours, Key::P256).await;
        let try_with = async |identity| {
            let client = Client::new(server.address()).showing(identity);
            client.get("/").await.is_ok()
        };
        for kind in Kind::ALL {
            // rustls alone knows neither names of clients nor misses an absent purpose.
            let good = matches!(kind, Kind::Good | Kind::WrongName | Kind::NoPurpose);
            assert_eq!(try_with(webex.client(kind)).await, good, "{kind:?}");
        }
        let evil = Authority::new("Webex").client(Kind::Good);
        assert!(!try_with(evil).await, "same names, other keys");
        let alone = webex.client(Kind::Good).leaf_only();
        assert!(!try_with(alone).await, "no intermediate");
        let itself = Identity::self_signed("bwks.webex.com");
        assert!(!try_with(itself).await, "self-signed");
    }

    #[tokio::test]
    async fn a_server_that_is_not_trusted_is_refused() {
        let (webex, ours) = (Authority::new("Webex"), Authority::new("Provider"));
        let server = server(&webex, &ours, Key::P256).await;
        let client = Client::new(server.address()).name("xsp1.example.net");
        assert!(
            client
                .clone()
                .trusting(webex.root())
                .connect()
                .await
                .is_err()
        );
        let other = client.name("xsp2.example.net").trusting(ours.root());
        assert!(other.connect().await.is_err());
    }
}
