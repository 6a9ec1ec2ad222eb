//! Settings: what PUT changes, refuses and keeps.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::wire::ALICE;
use super::wire::Served;
use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::xsi::services::row::Put;
use crate::lab::broadworks::xsi::services::table;

const SERVICES: &str = "user/alice@as.example.net/services";

fn xml(root: &str, inner: &str) -> String {
    format!(
        r#"<{root} xmlns="http://schema.broadsoft.com/xsi" xmlns:xs="http://www.w3.org/2001/XMLSchema-instance">{inner}</{root}>"#
    )
}

async fn put(served: &Served, path: &str, root: &str, inner: &str) -> u16 {
    let path = format!("{SERVICES}/{path}");
    let reply = served.ask(ALICE, "PUT", &path, &xml(root, inner)).await;
    if reply.status == 400 {
        assert_eq!(reply.document().local(), "ErrorInfo");
    }
    reply.status
}

async fn value(served: &Served, path: &str, element: &str) -> Option<String> {
    let document = served.get(&format!("{SERVICES}/{path}")).await;
    document.child_text(element).map(str::to_owned)
}

#[tokio::test]
async fn every_service_answers_and_takes_back_what_it_answers() {
    let served = Served::start().await;
    for service in table::SERVICES.iter().chain(table::PARTS) {
        let Some(path) = service.path else {
            continue;
        };
        let path = format!("{SERVICES}/{path}");
        let reply = served.ask(ALICE, "GET", &path, "").await;
        assert_eq!(
            (reply.status, reply.document().local()),
            (200, service.root),
            "{path}"
        );
        let body = reply.text();
        let expected = if service.put == Put::Never { 405 } else { 200 };
        assert_eq!(
            served.ask(ALICE, "PUT", &path, &body).await.status,
            expected,
            "{path}"
        );
        assert_eq!(
            served.ask(ALICE, "GET", &path, "").await.body,
            reply.body,
            "{path}"
        );
        assert_eq!(
            served.ask(ALICE, "DELETE", &path, "").await.status,
            405,
            "{path}"
        );
    }
}

#[tokio::test]
async fn left_out_stays_nil_clears_and_nonsense_changes_nothing() {
    let served = Served::start().await;
    let (path, root) = ("CallForwardingAlways", "CallForwardingAlways");
    for (inner, status, active, number) in [
        ("<active>true</active>", 200, "true", Some("tel:2405550199")),
        (
            "<forwardToPhoneNumber>0102</forwardToPhoneNumber>",
            200,
            "true",
            Some("0102"),
        ),
        ("<active>maybe</active>", 400, "true", Some("0102")),
        (
            "<active>false</active><forwardToPhoneNumber>x</forwardToPhoneNumber>",
            400,
            "true",
            Some("0102"),
        ),
        (
            "<forwardToPhoneNumber xs:nil='true'/>",
            400,
            "true",
            Some("0102"),
        ),
        (
            "<active>false</active><forwardToPhoneNumber xs:nil='true'/>",
            200,
            "false",
            None,
        ),
        ("<active>true</active>", 400, "false", None),
        ("<active xs:nil='true'/>", 400, "false", None),
        ("<unknown>1</unknown>", 200, "false", None),
    ] {
        assert_eq!(put(&served, path, root, inner).await, status, "{inner}");
        assert_eq!(
            value(&served, path, "active").await.as_deref(),
            Some(active),
            "{inner}"
        );
        let held = value(&served, path, "forwardToPhoneNumber").await;
        assert_eq!(held.as_deref(), number, "{inner}");
    }
    assert_eq!(
        put(
            &served,
            path,
            "CallForwardingBusy",
            "<active>false</active>"
        )
        .await,
        400
    );
}

#[tokio::test]
async fn settings_survive_a_restart() {
    let served = Served::start().await;
    let inner = "<active>true</active><simRingLocations><simRingLocation><address>tel:0102</address>\
        <answerConfirmationRequired>true</answerConfirmationRequired></simRingLocation></simRingLocations>";
    let path = "SimultaneousRingPersonal";
    assert_eq!(put(&served, path, path, inner).await, 200);
    let sequential =
        "<location2><address>tel:0103</address><numberOfRings>5</numberOfRings></location2>";
    assert_eq!(
        put(&served, "SequentialRing", "SequentialRing", sequential).await,
        200
    );
    let dial = "<speedDial8Entry><speedCode>3</speedCode><phoneNumber>0104</phoneNumber></speedDial8Entry>";
    assert_eq!(put(&served, "SpeedDial8", "SpeedDial8", dial).await, 200);
    let before = documents(&served).await;
    let served = served.restart().await;
    assert_eq!(documents(&served).await, before);
    let [ring, sequence, dials] = before;
    let location = ring
        .child("simRingLocations")
        .and_then(|list| list.child("simRingLocation"));
    assert_eq!(location.unwrap().child_text("address"), Some("tel:0102"));
    assert_eq!(
        sequence
            .child("location2")
            .unwrap()
            .child_text("numberOfRings"),
        Some("5")
    );
    assert_eq!(
        dials
            .child("speedDial8Entry")
            .unwrap()
            .child_text("phoneNumber"),
        Some("0104")
    );
}

async fn documents(served: &Served) -> [Element; 3] {
    [
        served
            .get(&format!("{SERVICES}/simultaneousringpersonal"))
            .await,
        served.get(&format!("{SERVICES}/sequentialring")).await,
        served.get(&format!("{SERVICES}/speeddial8")).await,
    ]
}

#[tokio::test]
async fn speed_dials_change_by_code_and_go_without_a_number() {
    let served = Served::start().await;
    let entry = |code: &str, rest: &str| {
        format!("<speedDial8Entry><speedCode>{code}</speedCode>{rest}</speedDial8Entry>")
    };
    let two = entry("2", "<phoneNumber>0102</phoneNumber>");
    let three = entry("3", "<phoneNumber>0103</phoneNumber>");
    assert_eq!(
        put(&served, "speeddial8", "SpeedDial8", &(two + &three)).await,
        200
    );
    let cleared = entry("2", "<phoneNumber xs:nil='true'/>");
    assert_eq!(
        put(&served, "speeddial8", "SpeedDial8", &cleared).await,
        200
    );
    assert_eq!(
        put(&served, "speeddial8", "SpeedDial8", &entry("1", "")).await,
        400
    );
    let held = served.get(&format!("{SERVICES}/speeddial8")).await;
    let codes: Vec<_> = held
        .children()
        .iter()
        .map(|entry| entry.child_text("speedCode"))
        .collect();
    assert_eq!(codes, [Some("3")]);
}

#[tokio::test]
async fn the_busy_lamp_field_is_replaced_and_its_list_has_two_names() {
    let served = Served::start().await;
    let user = |id: &str| {
        format!("<userDetails><userId>{id}</userId><firstName>x</firstName></userDetails>")
    };
    let list = format!(
        "<monitoredUserList>{}{}</monitoredUserList>",
        user("dan@as.example.net"),
        user("BOB")
    );
    assert_eq!(
        put(&served, "busylampfield", "BusyLampField", &list).await,
        200
    );
    assert_eq!(value(&served, "BusyLampField", "listURI").await, None);
    for spelling in ["MonitoredUserList", "monitoredusers"] {
        let held = served
            .get(&format!("{SERVICES}/BusyLampField/{spelling}"))
            .await;
        assert_eq!(
            (held.local(), held.namespace()),
            ("monitoredUserList", None)
        );
        let ids: Vec<_> = held
            .children()
            .iter()
            .map(|user| user.child_text("userId"))
            .collect();
        assert_eq!(
            ids,
            [Some("dan@as.example.net"), Some("bob@as.example.net")]
        );
    }
    for (inner, status) in [
        (user("nobody"), 400),
        (user("bob") + &user("bob"), 400),
        (user("carol"), 200),
        (String::new(), 200),
    ] {
        let path = format!("{SERVICES}/BusyLampField/MonitoredUsers");
        let body = format!("<monitoredUserList>{inner}</monitoredUserList>");
        assert_eq!(
            served.ask(ALICE, "PUT", &path, &body).await.status,
            status,
            "{inner}"
        );
    }
}

#[tokio::test]
async fn locations_of_broadworks_anywhere_come_change_and_go() {
    let served = Served::start().await;
    let path = format!("{SERVICES}/BroadWorksAnywhere/Location");
    let body = xml(
        "BroadWorksAnywhereLocation",
        "<phoneNumber>2405550911</phoneNumber>",
    );
    let added = served.ask(ALICE, "POST", &path, &body).await;
    assert_eq!(added.status, 201);
    assert_eq!(
        added.header("location"),
        Some(
            "http://xsp1.example.net/com.broadsoft.xsi-actions/v2.0/user/alice@as.example.net/services/BroadWorksAnywhere/Location/+12405550911"
        )
    );
    assert_eq!(
        served
            .ask(ALICE, "POST", &path, &body)
            .await
            .document()
            .child_text("errorCode"),
        Some("8251")
    );
    let one = format!("{path}/%2B12405550911");
    let change = xml(
        "BroadWorksAnywhereLocation",
        "<description>Home</description><active>false</active>",
    );
    assert_eq!(served.ask(ALICE, "PUT", &one, &change).await.status, 200);
    let held = served.get(&format!("{path}/+12405550911")).await;
    assert_eq!(held.child_text("description"), Some("Home"));
    assert_eq!(held.child_text("active"), Some("false"));
    let taken = xml(
        "BroadWorksAnywhereLocation",
        "<phoneNumber>+12405550901</phoneNumber>",
    );
    assert_eq!(served.ask(ALICE, "PUT", &one, &taken).await.status, 400);
    assert_eq!(served.ask(ALICE, "DELETE", &one, &body).await.status, 200);
    assert_eq!(served.ask(ALICE, "DELETE", &one, "").await.status, 404);
}

#[tokio::test]
async fn concurrent_changes_are_all_kept() {
    let served = Served::start().await;
    let on = "<active>true</active>";
    let (one, two, three, four) = tokio::join!(
        put(&served, "donotdisturb", "DoNotDisturb", on),
        put(
            &served,
            "anonymouscallrejection",
            "AnonymousCallRejection",
            on
        ),
        put(&served, "silentalerting", "SilentAlerting", on),
        put(&served, "automaticcallback", "AutomaticCallback", on),
    );
    assert_eq!([one, two, three, four], [200; 4]);
    let served = served.restart().await;
    for path in [
        "donotdisturb",
        "anonymouscallrejection",
        "silentalerting",
        "automaticcallback",
    ] {
        assert_eq!(
            value(&served, path, "active").await.as_deref(),
            Some("true"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_kept_is_refused_and_reading_goes_on() {
    let served = Served::start().await;
    served.lose_state();
    assert_eq!(
        put(
            &served,
            "donotdisturb",
            "DoNotDisturb",
            "<active>true</active>"
        )
        .await,
        503
    );
    assert_eq!(
        value(&served, "donotdisturb", "active").await.as_deref(),
        Some("false")
    );
}

#[tokio::test]
async fn bodies_are_read_in_the_form_that_their_type_names() {
    let served = Served::start().await;
    let path = format!("/com.broadsoft.xsi-actions/v2.0/{SERVICES}/callforwardingalways");
    let authorization = format!("Authorization: Basic {}\r\n", STANDARD.encode(ALICE));
    let nil = r#"{"CallForwardingAlways":{"ringSplash":{"$":"true"},"forwardToPhoneNumber":{"@xmlns":{"xs":"http://www.w3.org/2001/XMLSchema-instance"},"@xs:nil":"true"}}}"#;
    for (query, content_type, body, status) in [
        (
            "",
            "application/json",
            r#"{"CallForwardingAlways":{"active":{"$":"true"}}}"#,
            200,
        ),
        (
            "",
            "application/json; charset=UTF-8",
            r#"{"CallForwardingAlways":{"active":"true"}}"#,
            400,
        ),
        ("", "application/xml", r#"{"CallForwardingAlways":{}}"#, 400),
        (
            "?format=json",
            "application/xml",
            r#"{"CallForwardingAlways":{"active":{"$":"false"}}}"#,
            200,
        ),
        (
            "",
            "text/xml;charset=\"iso-8859-1\"",
            "<CallForwardingAlways><active>true</active></CallForwardingAlways>",
            200,
        ),
        (
            "",
            "",
            "<CallForwardingAlways><active>false</active></CallForwardingAlways>",
            200,
        ),
        ("", "application/json", nil, 200),
        ("", "application/json", "", 400),
    ] {
        let headers = format!("{authorization}Content-Type: {content_type}\r\n");
        let reply = served
            .raw("PUT", &format!("{path}{query}"), &headers, body)
            .await;
        assert_eq!(
            reply.status,
            status,
            "{content_type} {body}: {}",
            reply.text()
        );
    }
    assert_eq!(
        value(&served, "callforwardingalways", "forwardToPhoneNumber").await,
        None
    );
    assert_eq!(
        value(&served, "callforwardingalways", "ringSplash")
            .await
            .as_deref(),
        Some("true")
    );
    // A POST and a GET with the type of a body that is not there.
    let headers = format!("{authorization}Content-Type: application/json\r\n");
    let token = path.replace("services/callforwardingalways", "profile/LoginToken");
    assert_eq!(served.raw("POST", &token, &headers, "").await.status, 201);
    let head = served.raw("HEAD", &path, &headers, "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}
