//! The client against a service, and through a proxy, that do what their scripts say.

pub(crate) mod service;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::StatusCode;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::config::Environment;
use crate::outbound::tests::fake::Fake;
use crate::outbound::tests::fake::OK;
use crate::outbound::tests::fake::Script;
use crate::outbound::tests::setup::nobody;
use crate::outbound::web::Limits;
use crate::outbound::web::WebAnswer;
use crate::outbound::web::WebClient;
use crate::outbound::web::WebFailure;
use crate::outbound::web::WebRequest;
use crate::outbound::web::WebUrl;
use crate::platform::tasks::Tasks;
use service::Answer;
use service::NAME;
use service::Service;
use service::json;

/// Long enough for what must happen.
const PATIENT: Limits = Limits {
    connect: Duration::from_secs(20),
    total: Duration::from_secs(20),
};

/// Short enough for what must not.
const HASTY: Limits = Limits {
    connect: PATIENT.connect,
    total: Duration::from_millis(300),
};

fn client(service: &Service, limits: Limits, variables: &[(&str, &str)]) -> WebClient {
    let environment = variables.iter().copied().collect();
    WebClient::new(Some(&service.ca()), &environment, limits).unwrap()
}

async fn post(client: &WebClient, url: &str) -> Result<WebAnswer, WebFailure> {
    let mut headers = HeaderMap::new();
    headers.insert("x-mark", "1".parse().unwrap());
    client
        .call(WebRequest {
            method: Method::POST,
            url: &WebUrl::parse(url).unwrap(),
            headers,
            body: Bytes::from_static(b"question"),
            answer_bytes: 16,
        })
        .await
}

fn word(outcome: Result<WebAnswer, WebFailure>) -> &'static str {
    outcome.map_or_else(|failure| failure.as_str(), |_| "answered")
}

#[tokio::test]
async fn a_request_goes_out_and_its_answer_comes_back() {
    let service = Service::start().await;
    service.on("/a?b=c", [json("201 Created", "answer")]);
    let client = client(&service, PATIENT, &[]);
    for _ in 0..2 {
        let answer = post(&client, &service.url("/a?b=c")).await.unwrap();
        assert_eq!(answer.status, StatusCode::CREATED);
        assert_eq!(answer.body, "answer");
    }
    let heard = service.heard("/a?b=c");
    assert_eq!(heard.len(), 2);
    assert!(
        heard[0].starts_with("POST /a?b=c HTTP/1.1\r\n"),
        "{heard:?}"
    );
    assert!(heard[0].ends_with("\r\n\r\nquestion"), "{heard:?}");
    for header in [
        format!("\r\nhost: {}\r\n", service.address),
        "\r\nx-mark: 1\r\n".to_owned(),
        "\r\nconnection: close\r\n".to_owned(),
    ] {
        assert!(heard[0].contains(&header), "{heard:?}");
    }
}

#[tokio::test]
async fn an_answer_without_a_length_ends_with_the_connection() {
    let service = Service::start().await;
    service.on(
        "/",
        [Answer::Say(b"HTTP/1.1 200 OK\r\n\r\nanswer".to_vec())],
    );
    let answer = post(&client(&service, PATIENT, &[]), &service.url("/")).await;
    assert_eq!(answer.unwrap().body, "answer");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let service = Service::start().await;
    let elsewhere = service.url("/b");
    let moved = format!("HTTP/1.1 307 x\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
    service.on("/a", [Answer::Say(moved.into_bytes())]);
    let answer = post(&client(&service, PATIENT, &[]), &service.url("/a")).await;
    assert_eq!(answer.unwrap().status, StatusCode::TEMPORARY_REDIRECT);
    assert!(service.heard("/b").is_empty());
}

#[tokio::test]
async fn an_answer_beyond_the_cap_is_a_failure_told_or_not() {
    let service = Service::start().await;
    let body = "12345678901234567";
    service.on("/told", [json("200 OK", body)]);
    let untold = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n11\r\n{body}\r\n");
    service.on("/untold", [Answer::SayAndHold(untold.into_bytes())]);
    service.on("/fits", [json("200 OK", &body[1..])]);
    let client = client(&service, PATIENT, &[]);
    for (path, expected) in [
        ("/told", "response-too-large"),
        ("/untold", "response-too-large"),
        ("/fits", "answered"),
    ] {
        assert_eq!(word(post(&client, &service.url(path)).await), expected);
    }
}

#[tokio::test]
async fn silence_at_any_point_ends_in_time() {
    let service = Service::start().await;
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec();
    service.on("/silent", [Answer::Hold]);
    service.on("/begun", [Answer::SayAndHold(begun)]);
    let client = client(&service, HASTY, &[]);
    for path in ["/silent", "/begun"] {
        assert_eq!(word(post(&client, &service.url(path)).await), "timeout");
    }
    let mute = Fake::start([Script::new().hold()]).await;
    let url = format!("https://{}/", mute.address);
    assert_eq!(word(post(&client, &url).await), "timeout");
}

#[tokio::test]
async fn what_is_no_answer_is_told_apart() {
    let service = Service::start().await;
    service.on(
        "/garbage",
        [Answer::Say(b"220 smtp ready\r\n\r\n".to_vec())],
    );
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec();
    service.on("/cut", [Answer::Say(cut)]);
    service.on("/closed", [Answer::Say(Vec::new())]);
    let client = client(&service, PATIENT, &[]);
    for path in ["/garbage", "/cut", "/closed"] {
        let outcome = post(&client, &service.url(path)).await;
        assert_eq!(word(outcome), "broken", "{path}");
    }
    let url = format!("https://{}/", nobody());
    assert_eq!(word(post(&client, &url).await), "connect-failed");
}

#[tokio::test]
async fn a_service_that_cannot_prove_itself_gets_no_request() {
    let service = Service::start().await;
    let url = format!("https://localhost:{}/", service.address.port());
    let outcome = post(&client(&service, PATIENT, &[]), &url).await;
    assert_eq!(word(outcome), "tls-failed", "another name");
    let publicly = WebClient::new(None, &Environment::default(), PATIENT).unwrap();
    let outcome = post(&publicly, &service.url("/")).await;
    assert_eq!(word(outcome), "tls-failed", "another CA");
    let plain = Fake::start([Script::new().say(OK).hold()]).await;
    let outcome = post(&publicly, &format!("https://{}/", plain.address)).await;
    assert_eq!(word(outcome), "tls-failed", "no TLS");
    assert!(service.heard("/").is_empty());
}

/// A proxy that leads every CONNECT to one address; tells what it was asked.
async fn proxy(tasks: &Tasks, leads_to: SocketAddr) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("http://me:pass@{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&asked);
    tasks.connection(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        *told.lock().unwrap() = String::from_utf8(head).unwrap();
        let mut service = TcpStream::connect(leads_to).await.unwrap();
        let consent = b"HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\n";
        client.write_all(consent).await.unwrap();
        drop(tokio::io::copy_bidirectional(&mut client, &mut service).await);
    });
    (place, asked)
}

#[tokio::test]
async fn a_proxy_leads_to_the_service_and_sees_nothing_of_the_request() {
    let service = Service::start().await;
    service.on("/a", [json("200 OK", "answer")]);
    let tasks = Tasks::new();
    let (place, asked) = proxy(&tasks, service.address).await;
    let client = client(&service, PATIENT, &[("HTTPS_PROXY", &place)]);
    let answer = post(&client, &format!("https://{NAME}/a")).await.unwrap();
    assert_eq!(answer.body, "answer");
    assert_eq!(
        *asked.lock().unwrap(),
        format!(
            "CONNECT {NAME}:443 HTTP/1.1\r\nHost: {NAME}:443\r\n\
             Proxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n"
        )
    );
}

#[tokio::test]
async fn a_proxy_that_does_not_consent_is_told_apart() {
    let service = Service::start().await;
    for (answer, detail) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"),
        ("HTTP/1.1 2\r\n\r\n", "HTTP"),
        ("SSH-2.0-x\r\n\r\n", "HTTP"),
        ("", "end of file"),
    ] {
        let refusing = Fake::start([Script::new().hear_head().say(answer)]).await;
        let place = refusing.address.to_string();
        let client = client(&service, PATIENT, &[("https_proxy", &place)]);
        let failure = post(&client, &format!("https://{NAME}/"))
            .await
            .unwrap_err();
        assert_eq!(failure.as_str(), "proxy-refused");
        assert!(failure.to_string().contains(detail), "{failure}");
    }
    let endless = Fake::start([Script::new().hear_head().say("x".repeat(9000)).hold()]).await;
    let place = endless.address.to_string();
    let client = client(&service, PATIENT, &[("https_proxy", &place)]);
    let failure = post(&client, &format!("https://{NAME}/"))
        .await
        .unwrap_err();
    assert!(failure.to_string().contains("too long"), "{failure}");
}
