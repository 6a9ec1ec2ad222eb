//! Credentials, forms, directories, limits: how the lab behaves beside the recorded exchanges.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::wire::ALICE;
use super::wire::Served;
use crate::domain::xsi::codec::Element;

const USER: &str = "user/alice@as.example.net";

#[tokio::test]
async fn every_documented_form_of_a_name_logs_in_and_no_other() {
    let served = Served::start().await;
    let path = format!("{USER}/profile");
    for (who, status) in [
        ("alice@as.example.net:Passw0rd!", 200),
        ("ALICE@AS.example.net:Passw0rd!", 200),
        ("alice:Passw0rd!", 200),
        ("renée.example@alias.example.net:Passw0rd!", 200),
        ("2405550101:471147", 200),
        ("+12405550101:471147", 200),
        ("+1-2405550101:471147", 200),
        ("admin@as.example.net:Adm1n-Passw0rd!", 200),
        ("admin:Adm1n-Passw0rd!", 200),
        ("2405550101:Passw0rd!", 401),
        ("alice:471147", 401),
        ("alice:passw0rd!", 401),
        ("alice:", 401),
        ("nobody:Passw0rd!", 401),
        (":", 401),
        ("bob:Passw0rd!", 403),
    ] {
        assert_eq!(
            served.ask(who, "GET", &path, "").await.status,
            status,
            "{who}"
        );
    }
    let admin = served.lab.administrator();
    let who = format!("{}:{}", admin.id, admin.password);
    let own = format!("user/{}/profile", admin.id);
    assert_eq!(served.ask(&who, "GET", &own, "").await.status, 404);
    for user in served.lab.users() {
        let who = format!("{}:{}", user.user_id, user.password.unwrap());
        let path = format!("user/{}/profile", user.user_id.replace('ë', "%C3%AB"));
        assert_eq!(
            served.ask(&who, "GET", &path, "").await.status,
            200,
            "{who}"
        );
    }
    assert!(served.lab.users().len() >= 12);
}

#[tokio::test]
async fn a_login_token_stands_for_the_password() {
    let served = Served::start().await;
    let reply = served
        .ask(ALICE, "POST", &format!("{USER}/profile/LoginToken"), "")
        .await;
    let token = reply.document().child_text("token").unwrap().to_owned();
    let path = "/com.broadsoft.xsi-actions/v2.0/user/alice@as.example.net/services/";
    for (token, status) in [(token.as_str(), 200), ("AAAA", 401)] {
        let header = format!("Authorization: BroadWorksSSO {token}\r\n");
        assert_eq!(served.raw("GET", path, &header, "").await.status, status);
    }
}

#[tokio::test]
async fn a_changed_password_counts_at_once_and_after_a_restart() {
    let served = Served::start().await;
    let path = format!("{USER}/profile/Password/Portal");
    let body = |old: &str, new: &str| {
        format!("<Portal><oldPassword>{old}</oldPassword><newPassword>{new}</newPassword></Portal>")
    };
    for (body, status) in [
        (body("wrong", "N3w-Passw0rd"), 400),
        (body("Passw0rd!", "short"), 400),
        (
            "<Portal><newPassword>N3w-Passw0rd</newPassword></Portal>".to_owned(),
            400,
        ),
        (body("Passw0rd!", "N3w-Passw0rd"), 200),
    ] {
        assert_eq!(
            served.ask(ALICE, "PUT", &path, &body).await.status,
            status,
            "{body}"
        );
    }
    let served = served.restart().await;
    assert_eq!(served.ask(ALICE, "GET", USER, "").await.status, 401);
    assert_eq!(
        served
            .ask("alice:N3w-Passw0rd", "GET", &path, "")
            .await
            .status,
        405
    );
    let alice = served
        .lab
        .users()
        .into_iter()
        .find(|user| user.extension.as_deref() == Some("0101"));
    assert_eq!(alice.unwrap().password, None);
}

#[tokio::test]
async fn answers_come_in_the_form_and_charset_asked_for() {
    let served = Served::start().await;
    let authorization = format!("Authorization: Basic {}\r\n", STANDARD.encode(ALICE));
    for (path, header, expected) in [
        ("profile", "", "application/xml;charset=ISO-8859-1"),
        (
            "Profile/",
            "Accept: text/xml\r\n",
            "application/xml;charset=ISO-8859-1",
        ),
        ("profile?format=JSON", "", "application/json;charset=UTF-8"),
        (
            "profile",
            "Accept: application/json, text/plain, */*\r\n",
            "application/json;charset=UTF-8",
        ),
        ("SERVICES?", "", "application/xml;charset=ISO-8859-1"),
        ("calls", "", "application/xml;charset=UTF-8"),
        (
            "VoiceMessagingMessages",
            "",
            "application/xml;charset=UTF-8",
        ),
        (
            "directories/calllogs/placed",
            "",
            "text/xml;charset=ISO-8859-1",
        ),
    ] {
        let path = format!("/com.broadsoft.xsi-actions/v2.0/{USER}/{path}");
        let reply = served
            .raw("GET", &path, &format!("{authorization}{header}"), "")
            .await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some(expected)),
            "{path}"
        );
        assert!(!reply.text().contains('\n'), "compact");
    }
    let reply = served
        .ask(ALICE, "GET", &format!("{USER}/profile"), "")
        .await;
    assert!(reply.body.windows(5).any(|five| five == b"Ren\xe9e"));
}

#[tokio::test]
async fn wrong_methods_paths_and_bodies_have_their_statuses() {
    let served = Served::start().await;
    let dnd = format!("{USER}/services/donotdisturb");
    for (method, path, body, status, code) in [
        ("POST", format!("{USER}/profile"), "", 405, "100008"),
        ("PATCH", dnd.clone(), "", 405, "100008"),
        ("GET", "nothing".to_owned(), "", 404, "100007"),
        ("GET", format!("{USER}/services/nothing"), "", 404, "100007"),
        (
            "GET",
            format!("{USER}/services/donotdisturb/x"),
            "",
            404,
            "100007",
        ),
        (
            "GET",
            format!("{USER}/VoiceMessagingMessages/x"),
            "",
            404,
            "100007",
        ),
        ("PUT", dnd.clone(), "", 400, "100001"),
        (
            "PUT",
            dnd.clone(),
            "<!DOCTYPE a><DoNotDisturb/>",
            400,
            "100001",
        ),
        ("PUT", dnd.clone(), "<CallWaiting/>", 400, "100002"),
        (
            "PUT",
            dnd.clone(),
            "<DoNotDisturb xmlns='urn:x'/>",
            400,
            "100002",
        ),
        ("GET", format!("{USER}/calls/callhalf-1:0"), "", 404, "5604"),
        (
            "PUT",
            format!("{USER}/calls/callhalf-1:0/Hold"),
            "",
            404,
            "5604",
        ),
    ] {
        let reply = served.ask(ALICE, method, &path, body).await;
        assert_eq!(reply.status, status, "{method} {path} {body}");
        assert_eq!(
            reply.document().child_text("errorCode"),
            Some(code),
            "{method} {path}"
        );
        assert_eq!(reply.header("allow").is_some(), status == 405);
    }
    let other = served.raw("GET", "/authService/token/alice", "", "").await;
    assert_eq!(other.status, 404);
}

#[tokio::test]
async fn a_body_beyond_the_cap_is_refused_before_it_is_read() {
    let served = Served::start().await;
    let authorization = STANDARD.encode(ALICE);
    let head = format!(
        "PUT /com.broadsoft.xsi-actions/v2.0/{USER}/services/donotdisturb HTTP/1.1\r\nHost: x\r\n\
         Authorization: Basic {authorization}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        (32 << 20) + 1
    );
    assert_eq!(served.send(head.as_bytes()).await.status, 413);
}

async fn names(served: &Served, path: &str) -> Vec<String> {
    let document = served.get(&format!("{USER}/directories/{path}")).await;
    let list = document
        .children()
        .iter()
        .find(|child| child.local().ends_with("Directory"));
    let entries = list.unwrap().children();
    entries
        .iter()
        .map(|entry| entry.child_text("lastName").unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn directories_search_sort_and_page() {
    let served = Served::start().await;
    for (query, expected) in [
        ("Enterprise?results=3", "Boss Clerk Desk"),
        ("Enterprise?start=3&results=2&results=9", "Desk Example"),
        ("Enterprise?start=99", ""),
        ("Enterprise?lastName=b*/i", "Boss"),
        ("Enterprise?lastName=M%C3%9CLLER/i", "Müller"),
        ("Enterprise?lastName=m%FCller/i", "Müller"),
        ("Enterprise?lastName=Boss&firstName=Carol", ""),
        (
            "Enterprise?lastName=Boss&firstName=Carol&searchCriteriaModeOr=True",
            "Boss Clerk",
        ),
        ("Enterprise?groupId=branch", "Quist Ringer Sørensen"),
        ("Enterprise?number=*0203", "Sørensen"),
        ("Enterprise?Extension=0103", "Clerk"),
        ("Enterprise?mpName=bo&mpName=ss", "Boss"),
        (
            "Enterprise?department=Support&sortColumn=firstName/I/desc",
            "Quist Sørensen Ringer",
        ),
        ("Group?department=Sales", "Müller Núñez"),
        ("Group?groupId=branch", ""),
    ] {
        assert_eq!(names(&served, query).await.join(" "), expected, "{query}");
    }
    for query in [
        "results=0",
        "start=0",
        "start=x",
        "results=-1",
        "sortColumn=shoeSize",
    ] {
        let path = format!("{USER}/directories/Enterprise?{query}");
        assert_eq!(
            served.ask(ALICE, "GET", &path, "").await.status,
            400,
            "{query}"
        );
    }
    let whole = served
        .get(&format!("{USER}/directories/Enterprise?results=5000"))
        .await;
    assert_eq!(
        whole.child_text("numberOfRecords"),
        whole.child_text("totalAvailableRecords")
    );
    let ivy = served
        .ask(
            "ivy@customer.example.net:Passw0rd!",
            "GET",
            "user/ivy@customer.example.net/directories/Enterprise",
            "",
        )
        .await;
    assert_eq!(
        ivy.document().child_text("totalAvailableRecords"),
        Some("3")
    );
}

#[tokio::test]
async fn phone_lists_are_found_added_to_and_shortened() {
    let served = Served::start().await;
    let entries = |document: &Element| -> Vec<String> {
        let named = document
            .children()
            .iter()
            .filter_map(|entry| entry.child_text("name"));
        named.map(str::to_owned).collect()
    };
    let list = |path: &str| format!("{USER}/directories/{path}");
    let common = served
        .get(&list("EnterpriseCommon?sortColumn=name/desc"))
        .await;
    assert_eq!(
        entries(&common),
        ["Réception", "Helpdesk", "Emergency Desk"]
    );
    let common = served.get(&list("groupcommon?number=*111")).await;
    assert_eq!(entries(&common), ["Gate"]);
    let add = "<Personal><entry><name>Ärztin Dr. A</name><number>0170</number></entry></Personal>";
    assert_eq!(
        served
            .ask(ALICE, "POST", &list("Personal"), add)
            .await
            .status,
        201
    );
    assert_eq!(
        served
            .ask(ALICE, "POST", &list("Personal"), add)
            .await
            .status,
        400
    );
    assert_eq!(
        served
            .ask(ALICE, "POST", &list("Personal"), "<Personal/>")
            .await
            .status,
        400
    );
    let one = list("Personal/%C3%84rztin%20Dr.%20A");
    assert_eq!(served.ask(ALICE, "DELETE", &one, "").await.status, 200);
    assert_eq!(served.ask(ALICE, "DELETE", &one, "").await.status, 404);
    assert_eq!(
        entries(&served.get(&list("Personal")).await),
        ["Dentist", "Garage"]
    );
}

#[tokio::test]
async fn call_logs_go_one_by_one_or_all_at_once() {
    let served = Served::start().await;
    let list = |path: &str| format!("{USER}/directories/{path}");
    for (path, status) in [
        ("CallLogs/Placed/101", 200),
        ("CallLogs/Placed/101", 404),
        ("CallLogs/Dropped", 404),
        ("CallLogs/Missed", 200),
    ] {
        assert_eq!(
            served.ask(ALICE, "DELETE", &list(path), "").await.status,
            status,
            "{path}"
        );
    }
    let held = served.get(&list("CallLogs")).await;
    let lists: Vec<&str> = held.children().iter().map(Element::local).collect();
    assert_eq!(lists, ["placed", "received"]);
    for (query, found) in [
        ("", "1"),
        ("?startTime=2026-02-01T00:00:00Z", "0"),
        ("?dialedNumber=01*", "1"),
    ] {
        let held = served
            .get(&list(&format!("EnhancedCallLogs/Placed{query}")))
            .await;
        assert_eq!(held.child_text("numberOfRecords"), Some(found), "{query}");
    }
    assert_eq!(
        served
            .ask(ALICE, "GET", &list("EnhancedCallLogs?endTime=now"), "")
            .await
            .status,
        400
    );
    assert_eq!(
        served
            .ask(ALICE, "DELETE", &list("EnhancedCallLogs"), "")
            .await
            .status,
        200
    );
    assert!(
        served
            .get(&list("EnhancedCallLogs"))
            .await
            .child("placed")
            .is_none()
    );
}

#[tokio::test]
async fn marking_messages_moves_the_summary() {
    let served = Served::start().await;
    let counts = async |served: &Served| {
        let held = served.get(&format!("{USER}/calls/MessageSummary")).await;
        let summary = held.child("summary").unwrap();
        (
            summary.child_text("newMessages").unwrap().to_owned(),
            summary.child_text("oldMessages").unwrap().to_owned(),
        )
    };
    for (action, new, old) in [("markAllAsRead", "0", "2"), ("MarkAllAsUnread", "2", "0")] {
        let path = format!("{USER}/VoiceMessagingMessages/{action}");
        assert_eq!(served.ask(ALICE, "PUT", &path, "").await.status, 200);
        assert_eq!(counts(&served).await, (new.to_owned(), old.to_owned()));
    }
}

#[tokio::test]
async fn xsi_events_tells_its_versions_and_has_no_profiles() {
    let served = Served::start().await;
    let header = format!("Authorization: Basic {}\r\n", STANDARD.encode(ALICE));
    let base = "/com.broadsoft.xsi-events/v2.0";
    let reply = served
        .raw("GET", &format!("{base}/versions"), &header, "")
        .await;
    assert_eq!(reply.status, 200);
    assert!(reply.document().child("eventPackages").is_some());
    assert_eq!(
        served
            .raw("GET", &format!("{base}/{USER}/profile"), &header, "")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_four_seconds() {
    let served = Served::start().await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let request = "OPTIONS /com.broadsoft.xsi-actions/v2.0/versions HTTP/1.1\r\nHost: x\r\n\r\n";
    let start = crate::platform::clock::mono();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    while !reply.ends_with(b"\r\n\r\n") {
        stream.read_buf(&mut reply).await.unwrap();
    }
    // Only now: what is on its way over a socket does not hold the clock.
    tokio::time::pause();
    stream.read_to_end(&mut reply).await.unwrap();
    let idle = crate::platform::clock::mono() - start;
    assert!(reply.starts_with(b"HTTP/1.1 200"));
    assert!((4..30).contains(&idle.as_secs()), "{idle:?}");
}
