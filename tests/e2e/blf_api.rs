//! Busy lamps as watchers and operators see them: the real daemon in front of the lab's BroadWorks,
//! calls placed over Xsi-Actions, streams read over real sockets.

mod scene;
mod sse;
mod webhook;

use serde_json::Value;
use serde_json::json;

use crate::support::BOUND;
use crate::support::client::Answer;
use scene::Scene;
use scene::User;
use sse::Stream;

/// A watcher with a list of his own, a line on it, and somebody who calls there; each test has
/// other people.
struct Cast {
    watcher: User,
    line: User,
    other: User,
    caller: User,
}

const HQ: Cast = Cast {
    watcher: User("bob@as.example.net", "0102"),
    line: User("alice@as.example.net", "0101"),
    other: User("carol@as.example.net", "0103"),
    caller: User("dan@as.example.net", "0104"),
};

const BRANCH: Cast = Cast {
    watcher: User("tom@as.example.net", "0202"),
    line: User("uma@as.example.net", "0203"),
    other: User("zoe@as.example.net", "0201"),
    caller: User("zoe@as.example.net", "0201"),
};

const CUSTOMER: Cast = Cast {
    watcher: User("ivy@customer.example.net", "301"),
    line: User("jack@customer.example.net", "302"),
    other: User("jack@customer.example.net", "302"),
    caller: User("noël@customer.example.net", "303"),
};

fn lamp(line: &User) -> impl Fn(&sse::Event) -> Option<String> {
    let user = line.0.to_owned();
    move |event| {
        let of = |line: &Value| {
            (line["user"] == user.as_str()).then(|| line["full"].as_str().unwrap().to_owned())
        };
        match event.name.as_str() {
            "state" => of(&event.data),
            "snapshot" => event.data["lines"].as_array()?.iter().find_map(of),
            _ => None,
        }
    }
}

async fn until_lamp(stream: &mut Stream, line: &User, wanted: &str) {
    let lamp = lamp(line);
    stream
        .until(|event| (lamp(event)? == wanted).then_some(()))
        .await;
}

async fn offer(stream: &mut Stream, line: &User) -> u64 {
    stream
        .until(|event| {
            let mine = event.name == "offer" && event.data["user"] == line.0;
            mine.then(|| event.data["offer"].as_u64().unwrap())
        })
        .await
}

async fn withdrawn(stream: &mut Stream, offer: u64) -> String {
    stream
        .until(|event| {
            let mine = event.name == "withdraw" && event.data["offer"] == offer;
            mine.then(|| event.data["reason"].as_str().unwrap().to_owned())
        })
        .await
}

#[tokio::test]
async fn a_watcher_sees_a_call_ring_be_answered_held_transferred_and_parked() {
    let packages = "[blf]\npackages = [\"standard-call\", \"call-park\"]\n";
    let scene = Scene::start_with(|config| config.replacen("[blf]\n", packages, 1)).await;
    let Cast {
        watcher,
        line,
        other,
        caller,
    } = HQ;
    scene.watches(&watcher, &[&line, &other]).await;
    let mut stream = scene.stream(&watcher, "").await;
    until_lamp(&mut stream, &line, "idle").await;

    let call = scene.call(&caller, &line).await;
    let lit = offer(&mut stream, &line).await;
    let ringing = scene.ringing(&line).await;
    scene.command(&line, &ringing, "Talk").await;
    assert_eq!(withdrawn(&mut stream, lit).await, "answered-by-line");
    until_lamp(&mut stream, &line, "on-call").await;
    scene.command(&line, &ringing, "Hold").await;
    until_lamp(&mut stream, &line, "held").await;
    scene.command(&line, &ringing, "Talk").await;
    until_lamp(&mut stream, &line, "on-call").await;

    let transfer = format!("BlindTransfer?address={}", other.1);
    scene.command(&line, &ringing, &transfer).await;
    let second = offer(&mut stream, &other).await;
    until_lamp(&mut stream, &line, "idle").await;
    let ringing = scene.ringing(&other).await;
    scene.command(&other, &ringing, "Talk").await;
    assert_eq!(withdrawn(&mut stream, second).await, "answered-by-line");
    until_lamp(&mut stream, &other, "on-call").await;

    let park = format!("Park?address={}", line.1);
    scene.command(&other, &ringing, &park).await;
    stream
        .until(|event| {
            let mine = event.name == "state" && event.data["user"] == line.0;
            (mine && event.data["parked"].is_object()).then_some(())
        })
        .await;
    scene.hang_up(&caller, &call).await;
    scene.end().await;
}

#[tokio::test]
async fn a_call_is_picked_up_through_the_api_and_is_really_at_the_watcher() {
    let scene = Scene::start("").await;
    let Cast {
        watcher,
        line,
        caller,
        ..
    } = HQ;
    scene.watches(&watcher, &[&line]).await;
    let mut stream = scene.stream(&watcher, "").await;
    until_lamp(&mut stream, &line, "idle").await;
    let call = scene.call(&caller, &line).await;
    let lit = offer(&mut stream, &line).await;
    let picked = scene.pickup(&watcher, &json!({ "offer": lit })).await;
    assert_eq!(picked.status, 200, "{}", picked.text());
    let picked: Value = serde_json::from_slice(&picked.body).unwrap();
    assert_eq!(picked["picked-up"], true, "{picked}");
    // Which of the two it is, the events of the line alone need not tell.
    let reason = withdrawn(&mut stream, lit).await;
    assert!(
        ["picked-up", "released"].contains(&reason.as_str()),
        "{reason}"
    );
    let own = scene.calls(&watcher).await;
    assert!(
        own.contains("<callId>"),
        "the call is at the watcher: {own}"
    );

    let again = scene.pickup(&watcher, &json!({ "offer": lit })).await;
    refused(&again, 409, "pickup-over");
    let idle = scene.pickup(&watcher, &json!({ "line": line.0 })).await;
    refused(&idle, 409, "pickup-over");
    let foreign = scene
        .pickup(&watcher, &json!({ "line": "zoe@as.example.net" }))
        .await;
    refused(&foreign, 403, "pickup-not-on-list");
    let malformed = scene.pickup(&watcher, &json!({ "lin": 1 })).await;
    refused(&malformed, 400, "blf-malformed");
    scene.hang_up(&caller, &call).await;
    scene.end().await;
}

fn refused(answer: &Answer, status: u16, reason: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{text}");
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    assert_eq!(document["reason"], reason, "{document}");
    assert!(document["error"].is_string() && document["trackingId"].is_string());
}

#[tokio::test]
async fn a_long_poll_brings_what_followed_and_an_old_id_the_full_state() {
    let scene = Scene::start("").await;
    let Cast {
        watcher,
        line,
        caller,
        ..
    } = BRANCH;
    scene.watches(&watcher, &[&line]).await;
    // The list is read, and the line known, before the polls begin.
    let mut stream = scene.stream(&watcher, "").await;
    until_lamp(&mut stream, &line, "idle").await;
    drop(stream);

    let first = scene.poll(&watcher, "poll=0").await;
    assert_eq!(first["events"][0]["event"], "snapshot", "{first}");
    let mut after = first["last-event-id"].as_u64().unwrap();
    let empty = scene.poll(&watcher, &format!("poll=0&after={after}")).await;
    assert_eq!(empty["events"], json!([]), "{empty}");
    assert_eq!(empty["last-event-id"], after);

    let call = scene.call(&caller, &line).await;
    let mut seen = Vec::new();
    while !seen.contains(&"offer".to_owned()) {
        let polled = scene
            .poll(&watcher, &format!("poll=20&after={after}"))
            .await;
        let events = polled["events"].as_array().unwrap();
        assert!(!events.is_empty(), "nothing came within the poll: {seen:?}");
        seen.extend(
            events
                .iter()
                .map(|one| one["event"].as_str().unwrap().to_owned()),
        );
        after = polled["last-event-id"].as_u64().unwrap();
    }
    assert!(
        !seen.contains(&"snapshot".to_owned()),
        "nothing is told twice: {seen:?}"
    );
    let old = scene.poll(&watcher, "poll=0&after=1").await;
    assert_eq!(old["events"][0]["event"], "snapshot", "{old}");
    let lamp = &old["events"][0]["data"]["lines"][0]["full"];
    assert_eq!(lamp, "ringing", "{old}");
    scene.hang_up(&caller, &call).await;
    scene.end().await;
}

#[tokio::test]
async fn a_stream_that_resumes_begins_with_the_full_state_in_the_view_it_wants() {
    let scene = Scene::start("").await;
    let Cast {
        watcher,
        line,
        caller,
        ..
    } = CUSTOMER;
    scene.watches(&watcher, &[&line]).await;
    let mut stream = scene.stream(&watcher, "").await;
    until_lamp(&mut stream, &line, "idle").await;
    let call = scene.call(&caller, &line).await;
    until_lamp(&mut stream, &line, "ringing").await;
    let last = stream.last_id.clone();
    drop(stream);
    let resume = format!("Last-Event-ID: {last}\r\n");
    let mut stream = scene.stream_with(&watcher, "", &resume).await;
    let first = stream.next().await;
    assert_eq!(first.name, "snapshot");
    assert!(first.retry.is_some(), "a hint when to come back");
    assert_eq!(lamp(&line)(&first).as_deref(), Some("ringing"));
    offer(&mut stream, &line).await;

    let mut webex = scene.stream(&watcher, "?view=webex-compatible").await;
    let first = webex.next().await;
    let shown = &first.data["lines"][0];
    assert!(
        shown.get("full").is_none() && shown.get("calls").is_none(),
        "{shown}"
    );
    assert_eq!(
        shown["webex-compatible"], "unknown",
        "it began before the watcher came"
    );
    let bad = scene.get(&watcher, "/stream?view=none").await;
    refused(&bad, 400, "blf-malformed");

    // The same list as one document.
    let present = scene.get(&watcher, "").await;
    assert_eq!(present.status, 200);
    let present: Value = serde_json::from_slice(&present.body).unwrap();
    assert_eq!(present["lines"][0]["full"], "ringing", "{present}");
    scene.hang_up(&caller, &call).await;
    scene.end().await;
}

#[tokio::test]
async fn only_the_watcher_gets_in_and_guessing_is_locked_out() {
    let scene = Scene::start("").await;
    let watcher = BRANCH.watcher;
    let path = format!("/blf/v1/watchers/{}/stream?poll=0", watcher.0);
    let nobody = scene.request("GET", &path, "", "").await;
    refused(&nobody, 401, "credentials-missing");
    assert!(nobody.field("www-authenticate").is_some());
    assert_eq!(nobody.field("cache-control"), Some("no-store"));
    let other = scene.request("GET", &path, &HQ.caller.basic(), "").await;
    assert!(matches!(other.status, 403 | 404), "{}", other.text());
    let odd = scene
        .request("GET", &path, "Authorization: Negotiate x\r\n", "")
        .await;
    refused(&odd, 401, "credentials-refused");
    let lines = scene
        .request("GET", "/blf/v1/lines", &watcher.basic(), "")
        .await;
    refused(&lines, 403, "operators-only");
    let nothing = scene
        .request("GET", "/blf/v1/else", &watcher.basic(), "")
        .await;
    refused(&nothing, 404, "route-unknown");
    let posted = scene.request("POST", &path, &watcher.basic(), "").await;
    refused(&posted, 405, "method-not-allowed");
    assert_eq!(
        scene
            .metric("xspd_blf_proofs_total{outcome=\"good\"}")
            .await,
        Some(0.0)
    );

    let wrong = User::credentials(watcher.0, "wrong");
    let mut last = scene.request("GET", &path, &wrong, "").await;
    refused(&last, 401, "credentials-refused");
    for _ in 0..scene::FAILURES {
        last = scene.request("GET", &path, &wrong, "").await;
    }
    refused(&last, 429, "guessing-lockout");
    assert!(last.field("retry-after").is_some());
    scene.end().await;
}

#[tokio::test]
async fn operators_see_everything_on_the_admin_listener_and_nobody_else_does() {
    let scene = Scene::start("").await;
    let Cast { watcher, line, .. } = BRANCH;
    scene.watches(&watcher, &[&line]).await;
    let mut stream = scene.stream(&watcher, "").await;
    until_lamp(&mut stream, &line, "idle").await;

    for header in ["", "Authorization: Bearer wrong\r\n"] {
        let stranger = scene.admin("/blf/v1/lines", header).await;
        refused(&stranger, 401, "operator-token-wrong");
        for other in ["/events/streams", "/cti/sessions"] {
            let stranger = scene.admin(other, header).await;
            assert_eq!(stranger.status, 401, "{other}: {}", stranger.text());
        }
    }
    let streams = scene.operator("/events/streams").await;
    assert!(streams["open"].is_number(), "{streams}");
    let listed = scene.operator("/blf/v1/lines").await;
    let lines = listed["lines"].as_array().unwrap();
    let held = lines.iter().find(|held| held["user"] == line.0);
    let held = held.unwrap_or_else(|| panic!("{listed}"));
    assert_eq!(held["watchers"], json!([watcher.0]), "{held}");
    let sources = scene.operator("/blf/v1/sources").await;
    assert_eq!(sources[0]["state"], "up", "{sources}");
    let board = scene.operator("/blf/v1/board").await;
    assert!(board["counts"]["lines"].as_u64().unwrap() >= 1, "{board}");
    let watchers = scene.operator("/blf/v1/watchers").await;
    assert_eq!(watchers["watchers"][0]["user"], watcher.0, "{watchers}");
    let path = format!("/blf/v1/watchers/{}/stream?poll=0", watcher.0);
    let polled = scene.operator(&path).await;
    assert_eq!(polled["events"][0]["event"], "snapshot");
    scene.end().await;
}

#[tokio::test]
async fn without_busy_lamps_or_an_operator_token_the_answer_names_the_remedy() {
    let scene = Scene::start_with(|config| {
        let (before, _) = config.split_once("[blf]").unwrap();
        before.to_owned()
    })
    .await;
    let off = scene.admin("/blf/v1/lines", "").await;
    refused(&off, 404, "blf-off");
    let off = scene
        .request("GET", "/blf/v1/watchers/a/stream", "", "")
        .await;
    refused(&off, 404, "blf-off");
    scene.end().await;
    let scene = Scene::start_with(|config| {
        let lines = config
            .lines()
            .filter(|line| !line.starts_with("operator-token"));
        lines.collect::<Vec<_>>().join("\n")
    })
    .await;
    let unset = scene
        .admin("/blf/v1/lines", "Authorization: Bearer x\r\n")
        .await;
    refused(&unset, 403, "operator-token-unset");
    assert!(unset.text().contains("operator-token"), "{}", unset.text());
    scene.end().await;
}

#[tokio::test]
async fn a_thousand_streams_hear_of_one_call() {
    const STREAMS: usize = 1_000;
    let scene = Scene::start("streams-per-watcher = 2000\nstreams-per-address = 2000\n").await;
    let Cast {
        watcher,
        line,
        caller,
        ..
    } = CUSTOMER;
    scene.watches(&watcher, &[&line]).await;
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        streams.push(scene.stream(&watcher, "").await);
    }
    for stream in &mut streams {
        until_lamp(stream, &line, "idle").await;
    }
    assert_eq!(scene.metric("xspd_blf_streams").await, Some(STREAMS as f64));
    let call = scene.call(&caller, &line).await;
    let mut offers = std::collections::BTreeSet::new();
    for stream in &mut streams {
        offers.insert(offer(stream, &line).await);
    }
    assert!(!offers.is_empty());
    scene.hang_up(&caller, &call).await;
    for stream in &mut streams {
        until_lamp(stream, &line, "idle").await;
    }
    drop(streams);
    scene.settles("xspd_blf_streams", 0.0).await;
    scene.end().await;
}

#[tokio::test]
async fn streams_have_limits_and_places_come_back() {
    let scene = Scene::start("streams = 2\nstreams-per-watcher = 1\n").await;
    let (one, two) = (BRANCH.watcher, BRANCH.line);
    let stream = scene.stream(&one, "").await;
    let again = scene.get(&one, "/stream").await;
    refused(&again, 429, "blf-watcher-streams");
    let other = scene.stream(&two, "").await;
    let third = scene.get(&HQ.watcher, "/stream").await;
    refused(&third, 503, "blf-streams");
    drop((stream, other));
    scene.settles("xspd_blf_streams", 0.0).await;
    drop(scene.stream(&one, "").await);
    scene.end().await;
}

#[tokio::test]
async fn a_revoked_token_ends_its_stream() {
    let lab = scene::lab().await;
    let token = scene::token_of(lab, "carol@as.example.net").await;
    let mut stream = scene::lab_stream(lab, "carol@as.example.net", &token).await;
    stream
        .until(|event| (event.name == "snapshot").then_some(()))
        .await;
    let strange = scene::lab_poll(lab, "dan@as.example.net", &token).await;
    refused(&strange, 403, "token-of-other-user");
    scene::revoke(lab, "carol@as.example.net").await;
    let reason = stream
        .until(|event| {
            (event.name == "end").then(|| event.data["reason"].as_str().unwrap().to_owned())
        })
        .await;
    assert_eq!(reason, "token-revoked");
    stream.ends().await;
    let refused_now = scene::lab_poll(lab, "carol@as.example.net", &token).await;
    refused(&refused_now, 401, "token-revoked");
}

#[tokio::test]
async fn a_drain_ends_streams_with_a_hint_and_a_reload_keeps_them() {
    let scene = Scene::start("").await;
    let Cast {
        watcher,
        line,
        caller,
        ..
    } = BRANCH;
    scene.watches(&watcher, &[&line]).await;
    let mut stream = scene.stream(&watcher, "").await;
    until_lamp(&mut stream, &line, "idle").await;
    scene.reload().await;
    let call = scene.call(&caller, &line).await;
    offer(&mut stream, &line).await;
    scene.hang_up(&caller, &call).await;
    until_lamp(&mut stream, &line, "idle").await;
    scene.ask_to_end();
    let last = stream
        .until(|event| (event.name == "end").then(|| event.clone()))
        .await;
    assert_eq!(last.data["reason"], "draining");
    assert!(
        last.retry
            .is_some_and(|retry| (1_000..5_000).contains(&retry))
    );
    stream.ends().await;
    scene.ended().await;
}

#[tokio::test]
async fn a_quiet_stream_shows_that_it_lives() {
    let scene = Scene::start("keep-alive = \"100ms\"\n").await;
    let mut stream = scene.stream(&BRANCH.line, "").await;
    let alive = tokio::time::timeout(BOUND, stream.comment()).await;
    assert_eq!(alive.unwrap(), ": keep-alive");
    scene.end().await;
}

#[tokio::test]
async fn the_command_line_shows_board_lines_and_what_a_watcher_is_told() {
    let scene = Scene::start("").await;
    let Cast {
        watcher,
        line,
        caller,
        ..
    } = BRANCH;
    scene.watches(&watcher, &[&line]).await;
    let mut stream = scene.stream(&watcher, "").await;
    until_lamp(&mut stream, &line, "idle").await;
    let call = scene.call(&caller, &line).await;
    offer(&mut stream, &line).await;

    let board = scene.xspd(&["blf", "board", "--once"]).await.well();
    assert!(
        board.contains(line.0) && board.contains("ringing"),
        "{board}"
    );
    let lines = scene.xspd(&["blf", "lines", "--json"]).await.document();
    assert_eq!(lines["sources"][0]["state"], "up", "{lines}");
    let watch = ["blf", "watch", watcher.0, "--count", "2"];
    let told = scene.xspd(&watch).await.well();
    assert!(told.contains("offer") && told.contains(line.0), "{told}");
    let check = ["blf", "check", watcher.0, "--release", "24"];
    let check = scene.xspd(&check).await.well();
    assert!(check.contains("AP.as.24.0.944.ap383520"), "{check}");
    assert!(!check.contains("AP.as.22"), "{check}");
    scene.hang_up(&caller, &call).await;

    // Nobody was given a list.
    let check = ["blf", "check", "inigo@as.example.net", "--json"];
    let report = scene.xspd(&check).await;
    assert_eq!(report.code, 1, "{report:?}");
    let report = report.document();
    let checks = report["checks"].as_array().unwrap();
    let uri = checks
        .iter()
        .find(|check| check["id"] == "list-uri")
        .unwrap();
    assert_eq!(uri["verdict"], "failed", "{uri}");
    let nobody = scene.xspd(&["blf", "check", "nobody@as.example.net"]).await;
    assert_eq!(nobody.code, 1);
    scene.end().await;
}
