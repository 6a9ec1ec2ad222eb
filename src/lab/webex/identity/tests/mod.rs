//! The identity part of Webex over TLS, as the daemon, an app and a person at a shell call it.

mod common_identity;
mod fetch;
mod idp_proxy;
mod lab_only;
pub(in crate::lab::webex) mod pki;
mod provider;

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::StatusCode;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::lab::broadworks::BroadWorks;
use crate::lab::webex::CLIENT_ID;
use crate::lab::webex::CLIENT_SECRET;
use crate::lab::webex::REFRESH_TOKEN;
use crate::lab::webex::Setup;
use crate::lab::webex::Webex;
use crate::lab::webex::identity::tests::pki::QuickPki;
use crate::lab::webex::identity::tests::provider::FakeProvider;
use crate::lab::webex::identity::tls;
use crate::platform::tasks::Tasks;

const ACCESS_TOKEN: &str = "/idb/oauth2/v1/access_token";
const AUTHENTICATE: &str = "/broadworks-idp-proxy/api/v1/idp/authenticate";
const FETCH: &str = "/broadworks-idp-proxy/api/v1/idp/bwtoken/fetch";
const PING: &str = "/broadworks-idp-proxy/api/v1/ping";

/// A Webex that serves, and the provider that it knows.
struct World {
    webex: Arc<Webex>,
    address: SocketAddr,
    provider: FakeProvider,
    tls: Arc<rustls::ClientConfig>,
    tasks: Tasks,
    pki: QuickPki,
    _state: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        let pki = QuickPki::mint(state.path());
        let broadworks = BroadWorks::open(state.path(), false).unwrap();
        let tasks = Tasks::new();
        let provider = FakeProvider::start(&pki, &tasks).await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let setup = setup(&pki, address.port(), &provider);
        let webex = Webex::open(broadworks, &setup).unwrap();
        let (served, own) = (Arc::clone(&webex), tasks.clone());
        tasks.worker("webex", async move {
            served.serve_identity(listener, own.stop(), &own).await;
        });
        Self {
            webex,
            address,
            provider,
            tls: tls::client(&pki.ca, None).unwrap(),
            tasks,
            pki,
            _state: state,
        }
    }

    /// Ends everything that was started.
    async fn end(self) {
        self.tasks.stop().cancel();
        self.tasks.join().await;
        assert_eq!(self.tasks.connection_panics(), 0);
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Reply {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(name, stream).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        self.tasks.connection(async move {
            connection.await.ok();
        });
        let response = sender.send_request(request).await.unwrap();
        let (head, mut body) = response.into_parts();
        let mut text = Vec::new();
        while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
            text.extend_from_slice(&frame.unwrap().into_data().unwrap_or_default());
        }
        Reply {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(text).unwrap(),
        }
    }

    async fn get(&self, path: &str, authorization: &str) -> Reply {
        self.ask(request("GET", path, authorization, "")).await
    }

    async fn post(&self, path: &str, authorization: &str, body: &str) -> Reply {
        self.ask(request("POST", path, authorization, body)).await
    }

    /// An access token of the provider's AuthenticationService.
    async fn service_token(&self) -> String {
        let reply = self
            .post(ACCESS_TOKEN, &basic(CLIENT_ID, CLIENT_SECRET), &refresh())
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A CI token of a user, by e-mail address or BroadWorks user id.
    async fn user_token(&self, user: &str) -> String {
        let path = format!("/lab/user-token?user={user}");
        let reply = self.post(&path, "", "").await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    async fn set_fault(&self, json: &str) {
        let reply = self.ask(request("PUT", "/lab/faults", "", json)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
}

fn setup(pki: &QuickPki, port: u16, provider: &FakeProvider) -> Setup {
    Setup {
        port,
        ca: pki.ca.clone(),
        server: pki.server.clone(),
        client: pki.client.clone(),
        provider_ci: provider.ci.clone(),
        provider_mtls: provider.mtls.clone(),
    }
}

#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The status and the word of an error.
    fn error(&self) -> (u16, String) {
        let word = self.json()["error"].as_str().unwrap().to_owned();
        (self.status.as_u16(), word)
    }
}

fn request(method: &str, path: &str, authorization: &str, body: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("Host", "localhost");
    if !authorization.is_empty() {
        request = request.header("Authorization", authorization);
    }
    request
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn refresh() -> String {
    format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}")
}
