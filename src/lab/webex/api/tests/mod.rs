//! The provisioning APIs over TLS, as the daemon and a person at a shell call them.

mod bridge;
mod control;
mod faults;
mod subscribers;
mod tokens;

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::StatusCode;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::lab::webex::api::Api;
use crate::lab::webex::api::Setup;
use crate::lab::webex::api::Template;
use crate::lab::webex::identity::tests::pki::QuickPki;
use crate::lab::webex::identity::tls;
use crate::platform::tasks::Tasks;

const SUBSCRIBERS: &str = "/v1/broadworks/subscribers";

/// So fast that whoever asks twice finds everything settled.
const AT_ONCE: u32 = 1_000_000;

/// A Webex that serves.
pub(in crate::lab::webex) struct World {
    pub(in crate::lab::webex) api: Arc<Api>,
    pub(in crate::lab::webex) address: SocketAddr,
    tls: Arc<rustls::ClientConfig>,
    tasks: Tasks,
    token: String,
    _folder: tempfile::TempDir,
}

impl World {
    pub(in crate::lab::webex) async fn start(speed: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki = QuickPki::mint(folder.path());
        let api = Api::open(Setup {
            speed,
            ..Setup::new(pki.server.clone())
        })
        .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = Tasks::new();
        let (served, own) = (Arc::clone(&api), tasks.clone());
        tasks.worker("webex-api", async move {
            served.serve(listener, own.stop(), &own).await;
        });
        Self {
            token: api.access_token().unwrap(),
            api,
            address,
            tls: tls::client(&pki.ca, None).unwrap(),
            tasks,
            _folder: folder,
        }
    }

    /// Ends everything that was started.
    pub(in crate::lab::webex) async fn end(self) {
        self.tasks.stop().cancel();
        self.tasks.join().await;
        assert_eq!(self.tasks.connection_panics(), 0);
    }

    /// An answer; an error when there is none, or none that is whole.
    pub(in crate::lab::webex) async fn try_ask(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Reply, hyper::Error> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(name, stream).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        self.tasks.connection(async move {
            connection.await.ok();
        });
        let response = sender.send_request(request).await?;
        let (head, mut body) = response.into_parts();
        let mut text = Vec::new();
        while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
            text.extend_from_slice(&frame?.into_data().unwrap_or_default());
        }
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(text).unwrap(),
        })
    }

    pub(in crate::lab::webex) async fn ask(&self, request: Request<Full<Bytes>>) -> Reply {
        self.try_ask(request).await.unwrap()
    }

    /// A call of the API with a good token; no body for `null`.
    async fn call(&self, method: &str, target: &str, body: &Value) -> Reply {
        self.ask(self.request(method, target, body)).await
    }

    fn request(&self, method: &str, target: &str, body: &Value) -> Request<Full<Bytes>> {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("Host", "localhost")
            .header("Authorization", format!("Bearer {}", self.token));
        match body {
            Value::Null => request.body(Full::default()),
            body => request
                .header("Content-Type", "application/json;charset=utf-8")
                .body(Full::new(Bytes::from(body.to_string()))),
        }
        .unwrap()
    }

    /// The same, of which the document is wanted.
    async fn good(&self, method: &str, target: &str, body: &Value) -> Value {
        let reply = self.call(method, target, body).await;
        assert!(reply.status.is_success(), "{method} {target}: {reply:?}");
        if reply.text.is_empty() {
            return Value::Null;
        }
        reply.json()
    }

    /// A control, which must be carried out.
    pub(in crate::lab::webex) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, value) = self.api.control(method, &format!("/lab/{path}"), body);
        assert_eq!(status, 200, "{method} {path}: {value}");
        value
    }

    /// Asks for a subscriber until it has a status.
    pub(in crate::lab::webex) async fn until(&self, user: &str, status: &str) -> Value {
        for _ in 0..2000 {
            let all = self.control("GET", "subscribers", &Value::Null);
            let mut all = all.as_array().unwrap().iter();
            let found = all.find(|held| held["userId"] == user);
            if let Some(found) = found.filter(|held| held["status"] == status) {
                return found.clone();
            }
            tokio::task::yield_now().await;
        }
        panic!("{user} is not {status}");
    }
}

#[derive(Debug)]
pub(in crate::lab::webex) struct Reply {
    pub(in crate::lab::webex) status: StatusCode,
    pub(in crate::lab::webex) headers: HeaderMap,
    pub(in crate::lab::webex) text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The status of an error, its code and its text; the form is that of Webex.
    fn error(&self) -> (u16, Option<u64>, String) {
        let body = self.json();
        let text = body["message"].as_str().unwrap().to_owned();
        assert_eq!(body["errors"][0]["description"], text.as_str());
        assert_eq!(body["trackingId"].as_str(), self.header("trackingid"));
        (
            self.status.as_u16(),
            body["errors"][0]["errorCode"].as_u64(),
            text,
        )
    }
}

/// A user of an enterprise, as a client sends it.
fn new(name: &str, enterprise: &str) -> Value {
    json!({
        "provisioningId": Template::trusted().provisioning_id,
        "userId": format!("{name}@as.example.net"),
        "spEnterpriseId": enterprise,
        "firstName": name,
        "lastName": "Example",
        "package": "standard",
        "primaryPhoneNumber": "+12405550101",
        "extension": "0101",
        "email": format!("{name}@example.net"),
        "language": "en_US",
        "timezone": "America/New_York",
    })
}
