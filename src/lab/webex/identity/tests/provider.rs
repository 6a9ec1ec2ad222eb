//! A provider's AuthenticationService that does as it is told, with CI token validation on one
//! port and client certificates on the other.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use ::aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::lab::webex::identity::fetch::sealing::seal;
use crate::lab::webex::identity::tests::pki::QuickPki;
use crate::platform::tasks::Tasks;

/// What it answers to a request for a token.
#[derive(Debug, Clone)]
pub(super) enum Behaviour {
    /// This token, sealed to the caller's key, as JSON.
    Json(String),
    /// This token, sealed to the caller's key, alone.
    Raw(String),
    /// This status and body.
    Say(u16, String),
    /// The end of the connection.
    HangUp,
}

/// What it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) authorization: String,
    pub(super) with_certificate: bool,
}

pub(super) struct FakeProvider {
    pub(super) ci: String,
    pub(super) mtls: String,
    state: Arc<State>,
}

struct State {
    behaviour: Mutex<Behaviour>,
    asked: Mutex<Vec<Asked>>,
}

impl FakeProvider {
    pub(super) async fn start(pki: &QuickPki, tasks: &Tasks) -> Self {
        let state = Arc::new(State {
            behaviour: Mutex::new(Behaviour::HangUp),
            asked: Mutex::default(),
        });
        Self {
            ci: serve(pki, false, &state, tasks).await,
            mtls: serve(pki, true, &state, tasks).await,
            state,
        }
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        *self.state.behaviour.lock().unwrap() = behaviour;
    }

    /// What it was asked since the last time.
    pub(super) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.state.asked.lock().unwrap())
    }
}

async fn serve(pki: &QuickPki, mtls: bool, state: &Arc<State>, tasks: &Tasks) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(server_config(pki, mtls));
    let (state, own) = (Arc::clone(state), tasks.clone());
    tasks.worker("provider", async move {
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted.unwrap().0,
                () = own.stop().cancelled_owned() => return,
            };
            let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
            own.connection(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let with_certificate = stream.get_ref().1.peer_certificates().is_some();
                let service = service_fn(move |request| {
                    let answer = answer(&state, &request, with_certificate);
                    async move { answer.ok_or_else(|| std::io::Error::other("told to hang up")) }
                });
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await
                    .ok();
            });
        }
    });
    format!("https://localhost:{port}")
}

fn server_config(pki: &QuickPki, mtls: bool) -> Arc<ServerConfig> {
    let chain = |path: &Path| {
        CertificateDer::pem_file_iter(path)
            .unwrap()
            .collect::<Result<Vec<_>, _>>()
            .unwrap()
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let pair = &pki.server;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if mtls {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(chain(&pki.ca));
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
    Arc::new(builder.with_single_cert(chain(&pair.cert), key).unwrap())
}

fn answer(
    state: &State,
    request: &Request<Incoming>,
    with_certificate: bool,
) -> Option<Response<Full<Bytes>>> {
    let authorization = request.headers().get("authorization");
    state.asked.lock().unwrap().push(Asked {
        path: request.uri().path().to_owned(),
        authorization: authorization
            .map_or(String::new(), |value| value.to_str().unwrap().to_owned()),
        with_certificate,
    });
    let key = request.uri().query().unwrap().strip_prefix("key=").unwrap();
    let sealed = |token: &str| {
        let header = json!({ "alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT" });
        seal(key, &header, &OAEP_SHA256_MGF1SHA256, token)
    };
    let behaviour = state.behaviour.lock().unwrap().clone();
    let (status, body) = match behaviour {
        Behaviour::Json(token) => (200, json!({ "token": sealed(&token) }).to_string()),
        Behaviour::Raw(token) => (200, sealed(&token)),
        Behaviour::Say(status, body) => (status, body),
        Behaviour::HangUp => return None,
    };
    let response = Response::builder().status(status);
    Some(response.body(Full::new(Bytes::from(body))).unwrap())
}
