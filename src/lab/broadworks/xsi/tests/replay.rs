//! The recorded requests, and how far the lab's answers equal the recorded ones.

use std::collections::BTreeSet;

use super::wire::ALICE;
use super::wire::Sample;
use super::wire::Served;
use crate::domain::xsi::codec::Element;

/// How far an answer equals the sample's.
enum Match {
    /// The same document.
    Same,
    /// The same elements; the seed has other or more values.
    Shape,
    /// At least the elements of the sample.
    AtLeast,
    /// No body.
    Empty,
    /// The same elements but this one, which the lab does not have.
    Without(&'static str),
}

use Match::AtLeast;
use Match::Empty;
use Match::Same;
use Match::Shape;
use Match::Without;

#[rustfmt::skip]
const REPLAYED: &[(&str, Match)] = &[
    ("01-versions.http", Same),
    ("02-no-credentials-401.http", Empty),
    ("03-no-auth-challenge-401.http", Empty),
    ("04-profile-basic-xml-latin1.http", Same),
    ("05-profile-bearer-json.http", Shape),
    ("06-profile-wrong-user-404.http", Same),
    ("07-scope-403.http", Same),
    ("08-sip-credentials-auth.http", Same),
    ("10-login-token-201.http", Shape),
    ("11-login-token-use.http", Shape),
    ("12-logout.http", Empty),
    ("14-cors-preflight.http", Empty),
    ("16-services-list-xml.http", Shape),
    ("17-services-list-json.http", Shape),
    ("18-dnd-get-json-csw.http", Same),
    ("19-dnd-put-xml-csw.http", Empty),
    ("20-cfa-get.http", Same),
    ("21-cfa-put-nil.http", Empty),
    ("22-cfna-put-json.http", Empty),
    ("23-callwaiting-get-webex.http", Same),
    ("24-blf-get-xml.http", Same),
    ("25-blf-get-json.http", Same),
    ("26-blf-put.http", Empty),
    ("27-blf-put-clear.http", Empty),
    ("28-blf-monitored-list.http", Same),
    ("29-blf-available-users.http", Same),
    ("30-blf-not-assigned-404.http", Same),
    ("31-bwanywhere-get.http", Same),
    ("32-bwanywhere-add-201.http", Empty),
    ("33-bwanywhere-add-error.http", Same),
    ("34-bwanywhere-delete-with-body.http", Empty),
    ("35-vm-greeting-put-base64.http", Empty),
    ("36-callcenter-put.http", Empty),
    ("37-group-unavailable-codes.http", Same),
    ("38-registrations-json.http", Same),
    ("39-fac-json.http", Shape),
    ("40-device-list.http", Shape),
    ("42-vm-list-json-webex.http", Same),
    ("43-vm-list-empty-json.http", Same),
    ("44-vm-message-xml-webex.http", Same),
    ("45-vm-mark-read.http", Empty),
    ("46-vm-delete.http", Empty),
    ("47-vm-summary.http", Shape),
    ("48-enterprise-page1-json.http", Shape),
    ("49-enterprise-page2-json.http", AtLeast),
    ("50-enterprise-search-xml.http", Same),
    ("51-group-directory-json.http", Same),
    ("52-personal-get-json.http", Same),
    ("53-personal-add.http", Empty),
    ("54-calllogs.http", Shape),
    ("55-calllogs-placed-bare-root.http", Same),
    ("56-enhancedcalllogs.http", Shape),
    ("57-calllog-delete.http", Empty),
    ("58-calls-list-json.http", Shape),
    ("59-calls-list-empty.http", Same),
    ("60-call-new-201.http", Shape),
    ("61-call-detail-json.http", Without("diversionInhibited")),
    ("62-call-detail-xml.http", Without("diversionInhibited")),
    ("63-call-hold.http", Empty),
    ("64-call-blindtransfer.http", Empty),
    ("65-call-consulttransfer.http", Empty),
    ("66-call-dtmf.http", Empty),
    ("67-call-park-content-location.http", Empty),
    ("68-call-decline.http", Empty),
    ("69-call-not-found-404.http", Same),
    ("70-conference-start.http", Empty),
    ("72-callmenow-unauthenticated.http", Same),
];

/// Exchanges of what the lab's Xsi-Actions does not do, and why.
#[rustfmt::skip]
const NOT_REPLAYED: &[(&str, &str)] = &[
    ("09-authservice-token.http", "another context"),
    ("13-redirect-302-other-xsp.http", "the lab redirects channels only, on request"),
    ("15-overload-503.http", "the lab knows no overload"),
    ("41-push-registration-new.http", "no push registrations"),
    ("71-callcenter-blindtransfer.http", "no call center queues"),
    ("73-chunked-response.http", "the request of sample 44 again, in another framing"),
];

#[tokio::test]
async fn recorded_requests_get_the_recorded_answers() {
    for (file, expected) in REPLAYED {
        let who = if file.starts_with("30-") {
            "dan@as.example.net:Passw0rd!"
        } else {
            ALICE
        };
        let mut sample = Sample::load(file, who);
        let served = Served::start().await;
        prepare(&served, file).await;
        address_calls(&served, &mut sample);
        let reply = served.send(&sample.request).await;
        assert_eq!(
            reply.status,
            sample.reply.status,
            "{file}: {}",
            reply.text()
        );
        match expected {
            Empty => assert_eq!(reply.text(), "", "{file}"),
            Same => assert_eq!(reply.document(), sample.reply.document(), "{file}"),
            Shape => assert_eq!(
                shape(&reply.document()),
                shape(&sample.reply.document()),
                "{file}"
            ),
            Without(name) => {
                let mut theirs = shape(&sample.reply.document());
                theirs.retain(|path| !path.ends_with(name));
                assert_eq!(shape(&reply.document()), theirs, "{file}");
            }
            AtLeast => {
                let (ours, theirs) = (shape(&reply.document()), shape(&sample.reply.document()));
                assert!(ours.is_superset(&theirs), "{file}: {theirs:?} in {ours:?}");
            }
        }
        for name in [
            "WWW-Authenticate",
            "Access-Control-Allow-Origin",
            "Access-Control-Allow-Methods",
            "Cache-Control",
            "Pragma",
            "Expires",
        ] {
            if let Some(value) = sample.reply.header(name) {
                assert_eq!(reply.header(name), Some(value), "{file}");
            }
        }
        assert_eq!(
            reply
                .header("set-cookie")
                .is_some_and(|held| held.contains("JSESSIONID")),
            reply.status < 400
                && !file.starts_with("14-")
                && !file.starts_with("72-")
                && !file.starts_with("12-"),
            "{file}"
        );
    }
}

#[test]
fn no_recorded_exchange_is_forgotten() {
    let known: BTreeSet<&str> = REPLAYED
        .iter()
        .map(|(file, _)| *file)
        .chain(NOT_REPLAYED.iter().map(|(file, _)| *file))
        .collect();
    let files = std::fs::read_dir(Sample::folder()).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = files.filter(|file| file.ends_with(".http")).collect();
    assert!(files.iter().map(String::as_str).eq(known), "{files:?}");
}

/// What the sample takes for granted.
async fn prepare(served: &Served, file: &str) {
    let alice = "user/alice@as.example.net";
    prepare_calls(served, file).await;
    if file.starts_with("33-") || file.starts_with("34-") {
        let add = Sample::load("32-bwanywhere-add-201.http", ALICE);
        assert_eq!(served.send(&add.request).await.status, 201);
    }
    if file.starts_with("43-") {
        for message in [
            "6f1c2b7e-0c1d-4d57-9d0e-1a2b3c4d5e6f",
            "b2d0a7c4-7a55-4f6a-8d11-90aa12bb34cc",
        ] {
            let path = format!("{alice}/VoiceMessagingMessages/{message}");
            assert_eq!(served.ask(ALICE, "DELETE", &path, "").await.status, 200);
        }
    }
}

/// Two calls of Alice, the first one answered, where the sample has some.
async fn prepare_calls(served: &Served, file: &str) {
    let calls = match file.get(..2) {
        Some("58" | "61" | "62" | "63" | "64" | "66" | "67" | "68") => 1,
        Some("65" | "70") => 2,
        _ => 0,
    };
    for (extension, name) in [("0102", "bob"), ("0103", "carol")].into_iter().take(calls) {
        let place = format!("user/alice@as.example.net/calls/new?address={extension}");
        assert_eq!(served.ask(ALICE, "POST", &place, "").await.status, 201);
        let user = format!("{name}@as.example.net");
        let ringing = served.lab.calls.read(|calls| calls.of(&user, false))[0].id;
        let who = format!("{user}:Passw0rd!");
        let answer = format!("user/{user}/calls/{ringing}/Talk");
        assert_eq!(served.ask(&who, "PUT", &answer, "").await.status, 200);
    }
}

/// Puts the ids of Alice's calls in place of those of the sample, which are as long, and a
/// colleague in place of its parking place.
fn address_calls(served: &Served, sample: &mut Sample) {
    let calls = served
        .lab
        .calls
        .read(|calls| calls.of("alice@as.example.net", false));
    let mut pairs = vec![("address=5001".to_owned(), "address=0104".to_owned())];
    for (old, leg) in ["callhalf-722:0", "callhalf-726:0"].iter().zip(calls) {
        pairs.push(((*old).to_owned(), leg.id.to_string()));
    }
    if let Ok(text) = String::from_utf8(sample.request.clone()) {
        let text = pairs
            .iter()
            .fold(text, |text, (old, new)| text.replace(old, new));
        sample.request = text.into_bytes();
    }
}

/// Every element and attribute by its path.
fn shape(element: &Element) -> BTreeSet<String> {
    fn walk(element: &Element, above: &str, paths: &mut BTreeSet<String>) {
        let path = format!("{above}/{}", element.name().written());
        paths.extend(
            element
                .attributes()
                .iter()
                .map(|held| format!("{path}@{}", held.name.written())),
        );
        for child in element.children() {
            walk(child, &path, paths);
        }
        paths.insert(path);
    }
    let mut paths = BTreeSet::new();
    walk(element, "", &mut paths);
    paths
}
