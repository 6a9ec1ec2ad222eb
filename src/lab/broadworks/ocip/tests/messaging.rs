//! Integrated IM&P: assigned, changed and taken away against a messaging server on loopback.

use std::sync::Arc;
use std::sync::Mutex;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::lab::broadworks::imp::Authorization;
use crate::lab::broadworks::imp::Charset;
use crate::lab::broadworks::imp::Form;
use crate::lab::broadworks::imp::Removal;
use crate::lab::broadworks::imp::Settings;
use crate::lab::broadworks::imp::Version;
use crate::lab::broadworks::ocip::tests::wire::Served;

const USER: &str = "ivy@customer.example.net";

/// A messaging server that keeps every request and answers from a script.
struct Adapter {
    url: String,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Adapter {
    /// Answers with these, the last one for ever.
    async fn start(served: &Served, answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/adapter/v1/t/acme",
            listener.local_addr().unwrap()
        );
        let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = Arc::clone(&seen);
        let answers = answers.to_vec();
        served.tasks.connection(async move {
            let mut count = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                kept.lock().unwrap().push(request);
                let answer = answers[count.min(answers.len() - 1)];
                count += 1;
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        Self { url, seen }
    }

    fn requests(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let texts = seen.iter();
        texts
            .map(|bytes| bytes.iter().map(|byte| char::from(*byte)).collect())
            .collect()
    }
}

/// Up to the end of the body, whichever way it is told.
async fn read_request(stream: &mut tokio::net::TcpStream) -> Vec<u8> {
    let mut held = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&held).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let whole = match length {
                // Bytes beyond ASCII are counted as they came.
                Some(length) => {
                    let start = held
                        .windows(4)
                        .position(|four| four == b"\r\n\r\n")
                        .unwrap()
                        + 4;
                    held.len() - start >= length.parse::<usize>().unwrap()
                }
                None if head.contains("chunked") => body.ends_with("0\r\n\r\n"),
                None => true,
            };
            if whole {
                return held;
            }
        }
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "{text}");
        held.extend_from_slice(&piece[..read]);
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const CHALLENGE: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"provisioning\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<b:error \
    xmlns:b=\"x\"><b:code>A1003</b:code><b:message>no number</b:message></b:error>";

/// A lab whose system messaging server is the adapter, and whose user has no such service yet.
async fn scene(answers: &[&'static str]) -> (Served, Adapter) {
    let served = Served::start().await;
    let adapter = Adapter::start(&served, answers).await;
    let mut client = served.administrator().await;
    let service = "<serviceName>Integrated IMP</serviceName>";
    let user = format!("<userId>{USER}</userId>{service}");
    let answer = client.ask("UserServiceUnassignListRequest", &user).await;
    assert_eq!(answer.name(), "c:SuccessResponse", "nobody is asked yet");
    let system = format!(
        "<provisioningUrl>{}</provisioningUrl><provisioningUserId>webexprov</provisioningUserId>\
         <provisioningPassword>Secret</provisioningPassword>\
         <enableSynchronization>true</enableSynchronization>",
        adapter.url
    );
    let answer = client.ask("SystemBroadCloudModifyRequest", &system).await;
    assert_eq!(answer.name(), "c:SuccessResponse");
    (served, adapter)
}

async fn ask(served: &Served, request: &str, more: &str) -> String {
    let mut client = served.administrator().await;
    let body = format!("<userId>{USER}</userId>{more}");
    let answer = client.ask(request, &body).await;
    if answer.has("summary") {
        answer.summary()
    } else {
        answer.name().to_owned()
    }
}

const SERVICE: &str = "<serviceName>Integrated IMP</serviceName>";
const ASSIGN: &str = "UserServiceAssignListRequest";
const UNASSIGN: &str = "UserServiceUnassignListRequest";
const DONE: &str = "c:SuccessResponse";

async fn is_assigned(served: &Served) -> bool {
    let mut client = served.administrator().await;
    let body = format!("<userId>{USER}</userId>{SERVICE}");
    let answer = client.ask("UserServiceIsAssignedRequest", &body).await;
    answer.text("isAssigned") == "true"
}

#[tokio::test]
async fn assigning_changing_and_unassigning_call_the_messaging_server() {
    let (served, adapter) = scene(&[OK]).await;
    assert_eq!(ask(&served, ASSIGN, SERVICE).await, DONE);
    assert!(is_assigned(&served).await);
    let title = "<title>Boss</title>";
    assert_eq!(ask(&served, "UserModifyRequest22", title).await, DONE);
    let mail = "<emailAddress>ivy@new.example</emailAddress>";
    assert_eq!(ask(&served, "UserModifyRequest22", mail).await, DONE);
    let off = "<isActive>false</isActive>";
    let modify = "UserIntegratedIMPModifyRequest";
    assert_eq!(ask(&served, modify, off).await, DONE);
    let on = "<isActive>true</isActive>";
    assert_eq!(ask(&served, modify, on).await, DONE);
    assert_eq!(ask(&served, UNASSIGN, SERVICE).await, DONE);
    assert_eq!(ask(&served, "UserDeleteRequest", "").await, DONE);
    let requests = adapter.requests();
    let lines: Vec<_> = requests
        .iter()
        .map(|text| text.lines().next().unwrap())
        .collect();
    let removal = "DELETE /adapter/v1/t/acme?bwUserId=ivy%40customer.example.net HTTP/1.1";
    let present = "POST /adapter/v1/t/acme HTTP/1.1";
    assert_eq!(lines, [present, present, removal, present, removal]);
    let first = &requests[0];
    // webexprov:Secret
    assert!(
        first.contains("authorization: Basic d2ViZXhwcm92OlNlY3JldA=="),
        "{first}"
    );
    for part in [
        "<b:bwUserId>ivy@customer.example.net</b:bwUserId>",
        "<b:serviceProvider>sp1</b:serviceProvider><b:group>customer</b:group>",
        "<b:primaryPhoneNumber>+1-3015550301</b:primaryPhoneNumber>",
        "<b:services><b:service name=\"IMP\" active=\"true\"/></b:services>",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    assert!(
        requests[1].contains("ivy@new.example"),
        "a title is nobody's business"
    );
}

#[tokio::test]
async fn a_refusal_is_shown_and_nothing_is_kept() {
    let (served, adapter) = scene(&[REFUSED]).await;
    let error = "[Error 18215] Provisioning error with Messaging server";
    assert_eq!(ask(&served, ASSIGN, SERVICE).await, error);
    assert!(!is_assigned(&served).await);
    let mut client = served.administrator().await;
    let details = "<propagateImpErrorDetails>true</propagateImpErrorDetails>";
    client
        .ask("SystemIntegratedIMPModifyRequest", details)
        .await;
    let shown = ask(&served, ASSIGN, SERVICE).await;
    assert_eq!(shown, format!("{error}: no number"));
    assert_eq!(adapter.requests().len(), 2);
    assert_eq!(
        served.lab.ocir.counts().0,
        3,
        "only what was done is reported"
    );
}

#[tokio::test]
async fn a_messaging_server_that_is_not_there_is_another_error() {
    let (served, _adapter) = scene(&[OK]).await;
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut client = served.administrator().await;
    let group = format!(
        "<serviceProviderId>sp1</serviceProviderId><groupId>customer</groupId>\
         <useServiceProviderMessagingServer>false</useServiceProviderMessagingServer>\
         <provisioningUrl>http://{gone}/</provisioningUrl>"
    );
    let answer = client.ask("GroupIntegratedIMPModifyRequest", &group).await;
    assert_eq!(answer.name(), DONE, "the group goes before the system");
    let error = "[Error 18211] Communication error with Messaging server";
    assert_eq!(ask(&served, ASSIGN, SERVICE).await, error);
    assert!(!is_assigned(&served).await);
}

#[tokio::test]
async fn every_way_of_writing_reaches_the_messaging_server() {
    let (served, adapter) = scene(&[CHALLENGE, OK, OK]).await;
    served.lab.write_imp_calls(Settings {
        authorization: Authorization::After401,
        chunked: true,
        ..Settings::default()
    });
    assert_eq!(ask(&served, ASSIGN, SERVICE).await, DONE);
    served.lab.write_imp_calls(Settings {
        form: Form::Userservice,
        removal: Removal::Path,
        charset: Charset::Latin1,
        http: Version::Http10,
        ..Settings::default()
    });
    let names = "<lastName>M\u{fc}ller</lastName>";
    assert_eq!(ask(&served, "UserModifyRequest22", names).await, DONE);
    assert_eq!(ask(&served, UNASSIGN, SERVICE).await, DONE);
    let requests = adapter.requests();
    let [first, second, modified, removed] = &requests[..] else {
        panic!("{requests:?}")
    };
    assert!(!first.contains("authorization:") && first.contains("transfer-encoding: chunked"));
    assert!(second.contains("authorization: Basic"), "{second}");
    let line = "POST /adapter/v1/t/acme/userservice/subscriber HTTP/1.0\r\n";
    assert!(modified.starts_with(line), "{modified}");
    assert!(modified.contains("M\u{fc}ller</b:lastName>"), "{modified}");
    assert!(modified.contains("charset=ISO-8859-1"), "{modified}");
    let line = "DELETE /adapter/v1/t/acme/userservice/subscriber/ivy%40customer.example.net";
    assert!(removed.starts_with(line), "{removed}");
}

#[tokio::test]
async fn what_is_assigned_and_which_server_counts_can_be_asked() {
    let (served, adapter) = scene(&[OK]).await;
    let mut client = served.administrator().await;
    let answer = client
        .about("UserServiceGetAssignmentListRequest", USER)
        .await;
    assert_eq!(answer.name(), "UserServiceGetAssignmentListResponse");
    assert!(
        answer
            .table("userServicesAssignmentTable")
            .1
            .contains(&vec!["Integrated IMP".to_owned(), "false".to_owned()])
    );
    let answer = client.ask("SystemBroadCloudGetRequest22", "").await;
    assert_eq!(answer.text("provisioningUrl"), adapter.url);
    assert!(!answer.has("provisioningPassword"));
    let group = "<serviceProviderId>sp1</serviceProviderId><groupId>customer</groupId>";
    let answer = client.ask("GroupIntegratedIMPGetRequest23", group).await;
    assert_eq!(answer.text("useServiceProviderMessagingServer"), "true");
    let long = format!(
        "<provisioningPassword>{}</provisioningPassword>",
        "x".repeat(21)
    );
    let answer = client.ask("SystemBroadCloudModifyRequest", &long).await;
    assert!(answer.summary().starts_with("[Error 6004]"));
}

#[tokio::test]
async fn a_resellers_server_goes_before_the_systems_and_behind_the_service_providers() {
    let (served, adapter) = scene(&[OK]).await;
    let mut client = served.administrator().await;
    let level = |path: &str| {
        format!(
            "<useSystemMessagingServer>false</useSystemMessagingServer>\
             <provisioningUrl>{}/{path}</provisioningUrl>\
             <provisioningUserId>webexprov</provisioningUserId>\
             <provisioningPassword>Secret</provisioningPassword>",
            adapter.url
        )
    };
    let reseller = format!("<resellerId>reseller1</resellerId>{}", level("reseller"));
    let request = "ResellerIntegratedIMPModifyRequest";
    let answer = client.ask(request, &reseller).await;
    assert_eq!(answer.name(), DONE);
    let unknown = format!("<resellerId>nobody</resellerId>{}", level("x"));
    let answer = client.ask(request, &unknown).await;
    assert!(
        answer.summary().contains("Reseller not found"),
        "{}",
        answer.summary()
    );
    let told = "<resellerId>reseller1</resellerId>";
    let answer = client.ask("ResellerIntegratedIMPGetRequest22", told).await;
    assert_eq!(answer.name(), "ResellerIntegratedIMPGetResponse22");
    assert_eq!(answer.text("useSystemMessagingServer"), "false");
    assert!(!answer.has("provisioningPassword"));

    let mut calls = Vec::new();
    for user in ["gus@globex.example.net", "amy@acme.example.net"] {
        let body = format!("<userId>{user}</userId>{SERVICE}");
        assert_eq!(client.ask(ASSIGN, &body).await.name(), DONE, "{user}");
        calls.push(adapter.requests().last().unwrap().clone());
    }
    let provider = format!(
        "<serviceProviderId>acme</serviceProviderId>{}",
        level("acme")
    );
    let answer = client
        .ask("ServiceProviderIntegratedIMPModifyRequest", &provider)
        .await;
    assert_eq!(answer.name(), DONE);
    let body = format!("<userId>amy@acme.example.net</userId>{SERVICE}");
    assert_eq!(client.ask(UNASSIGN, &body).await.name(), DONE);
    calls.push(adapter.requests().last().unwrap().clone());
    for (call, line) in calls.iter().zip([
        "POST /adapter/v1/t/acme HTTP/1.1",
        "POST /adapter/v1/t/acme/reseller HTTP/1.1",
        "DELETE /adapter/v1/t/acme/acme?bwUserId=",
    ]) {
        assert!(call.starts_with(line), "{call}");
    }
}
