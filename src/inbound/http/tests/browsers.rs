//! Browsers, when we answer them and when the XSP does.

use super::setup::Edge;
use super::setup::PROFILE;
use super::setup::config;
use super::setup::request;
use crate::config::Cors;
use crate::domain::edge::reason::Reason;
use crate::outbound::tests::fake::Fake;
use crate::outbound::tests::fake::Script;

const ORIGIN: &str = "https://client.example.net";
const ANSWER: &str = "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\n\
                      Access-Control-Max-Age: 1\r\nContent-Length: 2\r\n\r\nok";

async fn edge(cors: Cors) -> (Edge, Fake) {
    let fake = Fake::start([Script::always(ANSWER)]).await;
    let edge = Edge::new(config(&[fake.address], |config| config.cors = cors));
    (edge, fake)
}

fn answering() -> Cors {
    Cors::Answer {
        origins: vec![ORIGIN.to_owned()],
    }
}

#[tokio::test]
async fn a_preflight_of_a_listed_origin_is_answered_here() {
    let (edge, fake) = edge(answering()).await;
    let preflight = |origin| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "authorization"),
        ];
        request("OPTIONS", PROFILE, &headers)
    };
    let answer = edge.ask(preflight(ORIGIN)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text, "");
    let headers = &answer.headers;
    assert_eq!(headers["access-control-allow-origin"], ORIGIN);
    assert_eq!(
        headers["access-control-allow-methods"],
        "GET, PUT, POST, DELETE, OPTIONS"
    );
    assert_eq!(headers["access-control-allow-credentials"], "true");
    assert_eq!(headers["vary"], "Origin");
    assert_eq!(headers["server"], "xspd");
    edge.ask(preflight("https://evil.example"))
        .await
        .assert_is(Reason::OriginDenied, "evil");
    assert!(fake.heard().is_empty());
    let plain = edge
        .ask(request("OPTIONS", PROFILE, &[("origin", ORIGIN)]))
        .await;
    assert_eq!((plain.status.as_u16(), fake.heard().len()), (200, 1));
}

#[tokio::test]
async fn answers_and_refusals_carry_our_marks_only() {
    let (edge, _fake) = edge(answering()).await;
    for (origin, expected) in [
        (ORIGIN, Some(ORIGIN)),
        ("https://evil.example", None),
        ("", None),
    ] {
        for target in [PROFILE, "/com.broadsoft.xsi-actions/v1.0/user/a"] {
            let answer = edge
                .ask(request("GET", target, &[("origin", origin)]))
                .await;
            let marks = answer.headers.get_all("access-control-allow-origin");
            let marks: Vec<_> = marks.iter().map(|mark| mark.to_str().unwrap()).collect();
            assert_eq!(
                marks,
                expected.into_iter().collect::<Vec<_>>(),
                "{origin} {target}"
            );
            assert!(!answer.headers.contains_key("access-control-max-age"));
            assert_eq!(answer.headers["vary"], "Origin");
        }
    }
}

#[tokio::test]
async fn the_xsp_answers_browsers_when_we_pass() {
    let (edge, fake) = edge(Cors::Pass).await;
    let headers = [("origin", ORIGIN), ("access-control-request-method", "PUT")];
    let answer = edge.ask(request("OPTIONS", PROFILE, &headers)).await;
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert!(!answer.headers.contains_key("vary"));
    assert_eq!(fake.heard().len(), 1);
}
