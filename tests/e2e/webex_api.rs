//! The lab's provisioning APIs of Webex, judged by Webex's own description of them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use xspd::lab::broadworks::BroadWorks;
use xspd::lab::pki::Pair;
use xspd::lab::webex::api::Api;
use xspd::lab::webex::api::Directory;
use xspd::lab::webex::api::Operation;
use xspd::lab::webex::api::PATH;
use xspd::lab::webex::api::Setup;
use xspd::lab::webex::api::Template;
use xspd::platform::tasks::Tasks;

use crate::support::client::Answer;
use crate::support::client::Client;
use crate::support::openapi::BROADWORKS;
use crate::support::openapi::OpenApi;
use crate::support::pki::Authority;
use crate::support::pki::Key;

const SUBSCRIBERS: &str = "/broadworks/subscribers";
const ENTERPRISES: &str = "/broadworks/enterprises";
const WORKSPACES: &str = "/broadworks/workspaces";

/// So fast that whoever asks twice finds everything settled.
const AT_ONCE: u32 = 1_000_000;

/// The lab's Webex, and its judge.
struct Court {
    api: Arc<Api>,
    client: Client,
    token: String,
    law: OpenApi,
    tasks: Tasks,
    _folder: TempDir,
}

impl Court {
    /// `None` where there is no description to judge by.
    async fn open() -> Option<Self> {
        let law = OpenApi::load(BROADWORKS)?;
        let folder = TempDir::new().unwrap();
        let authority = Authority::new("Public");
        let server = authority.server(&["localhost"], Key::P256);
        let (cert, key) = server.write(folder.path(), "server");
        let broadworks = BroadWorks::open(folder.path(), false).unwrap();
        let api = Api::open(Setup {
            speed: AT_ONCE,
            broadworks: Some(Directory::from(broadworks)),
            ..Setup::new(Pair { cert, key })
        })
        .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = Tasks::new();
        let (served, own) = (Arc::clone(&api), tasks.clone());
        tasks.worker("webex-api", async move {
            served.serve(listener, own.stop(), &own).await;
        });
        Some(Self {
            token: api.access_token().unwrap(),
            client: Client::new(address)
                .name("localhost")
                .trusting(authority.root()),
            api,
            law,
            tasks,
            _folder: folder,
        })
    }

    async fn close(self) {
        self.tasks.stop().cancel();
        self.tasks.join().await;
        assert_eq!(self.tasks.connection_panics(), 0);
    }

    /// One call, which must be answered with this status and in the published form.
    async fn call(&self, method: &str, target: &str, body: &Value, status: u16) -> Value {
        let answer = self.send(method, target, body, &self.token).await;
        self.judge(method, target, &answer, status)
    }

    async fn send(&self, method: &str, target: &str, body: &Value, token: &str) -> Answer {
        let text = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let request = format!(
            "{method} {PATH}{target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{text}",
            text.len()
        );
        self.client.exchange(request.as_bytes()).await.unwrap()
    }

    fn judge(&self, method: &str, target: &str, answer: &Answer, status: u16) -> Value {
        let text = answer.text();
        assert_eq!(answer.status, status, "{method} {target}: {text}");
        let body = match text.as_str() {
            "" => None,
            text => Some(serde_json::from_str::<Value>(text).unwrap()),
        };
        if self.law.knows(method, target.split('?').next().unwrap()) {
            let judged = self.law.answer(method, target, status, body.as_ref());
            judged.unwrap_or_else(|why| panic!("{why}: {text}"));
        }
        let body = body.unwrap_or_default();
        if status >= 400 {
            // The description has no schema of errors; this is how Webex writes them.
            assert!(body["message"].is_string(), "{text}");
            assert!(body["errors"][0]["description"].is_string(), "{text}");
            assert!(answer.field("trackingid").is_some(), "{}", answer.head);
            assert_eq!(body["trackingId"].as_str(), answer.field("trackingid"));
        }
        body
    }

    fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, value) = self.api.control(method, &format!("/lab/{path}"), body);
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// A provisioned user, judged on the way. Returns the subscriber.
    async fn user(&self, name: &str) -> Value {
        let made = self.call("POST", SUBSCRIBERS, &new(name), 200).await;
        let one = format!("{SUBSCRIBERS}/{}", text(&made["id"]));
        loop {
            let found = self.call("GET", &one, &Value::Null, 200).await;
            if found["status"] == "provisioned" {
                return found;
            }
        }
    }
}

fn new(name: &str) -> Value {
    json!({
        "provisioningId": Template::trusted().provisioning_id,
        "userId": format!("{name}@as.example.net"),
        "spEnterpriseId": "ent1",
        "firstName": name,
        "lastName": "Example",
        "package": "standard",
        "primaryPhoneNumber": "+12405550101",
        "mobilePhoneNumber": "+12405550901",
        "extension": "0101",
        "email": format!("{name}@example.net"),
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn every_answer_about_subscribers_has_the_published_form() {
    let Some(court) = Court::open().await else {
        return;
    };
    let none = Value::Null;
    let alice = court.user("alice").await;
    let one = format!("{SUBSCRIBERS}/{}", text(&alice["id"]));
    let premium = json!({ "package": "premium", "mobilePhoneNumber": "" });
    court.call("PUT", &one, &premium, 200).await;
    for status in [
        "pending_email_input",
        "pending_email_validation",
        "pending_user_migration",
        "provisioning",
        "error",
    ] {
        let seed = json!({
            "count": 30, "enterprise": "ent2", "template": "untrusted", "status": status,
            "self-activated": status == "error",
        });
        court.control("POST", "subscribers", &seed);
    }
    let page = court.call("GET", SUBSCRIBERS, &none, 200).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 50);
    let errors = format!("{SUBSCRIBERS}?status=error,pending_user_migration&max=100");
    court.control("PUT", "settings", &json!({ "answers": "examples" }));
    let page = court.call("GET", &errors, &none, 200).await;
    assert_eq!(page["items"][0]["selfActivated"], "false");
    let validate = format!("{SUBSCRIBERS}/validate");
    let email = json!({ "email": "x@example.net" });
    court.call("POST", &validate, &email, 200).await;
    court.control("PUT", "settings", &json!({ "answers": "schema" }));
    court.call("POST", &validate, &email, 200).await;
    let pending = &page["items"][0];
    assert_eq!(pending["status"], "pending_user_migration");
    let mail = format!("/subscribers/{}/emails/consentMove", text(&pending["id"]));
    court.call("POST", &mail, &none, 204).await;
    court.call("DELETE", &one, &none, 204).await;
    for (method, target, body, status) in [
        ("POST", SUBSCRIBERS, json!({ "userId": "x" }), 400),
        ("POST", SUBSCRIBERS, new("x"), 200),
        ("POST", SUBSCRIBERS, new("x"), 409),
        ("POST", validate.as_str(), json!({}), 400),
        ("GET", one.as_str(), none.clone(), 404),
        ("PUT", one.as_str(), json!({}), 404),
        ("DELETE", one.as_str(), none.clone(), 404),
        (
            "POST",
            "/subscribers/x/emails/consentMove",
            none.clone(),
            404,
        ),
        ("PATCH", SUBSCRIBERS, none.clone(), 405),
    ] {
        court.call(method, target, &body, status).await;
    }
    court.close().await;
}

#[tokio::test]
async fn every_answer_about_customers_has_the_published_form() {
    let Some(court) = Court::open().await else {
        return;
    };
    let none = Value::Null;
    let alice = court.user("alice").await;
    let list = court.call("GET", ENTERPRISES, &none, 200).await;
    let enterprise = &list["items"][0];
    let sync = format!(
        "{ENTERPRISES}/{}/broadworksDirectorySync",
        text(&enterprise["id"])
    );
    let now = json!({ "syncStatus": "SYNC_NOW" });
    court.call("POST", &sync, &now, 409).await;
    court
        .call("PUT", &sync, &json!({ "enableDirSync": true }), 200)
        .await;
    court.call("POST", &sync, &now, 200).await;
    let stands = loop {
        let stands = court.call("GET", &sync, &none, 200).await;
        if stands["directorySyncStatus"]["syncStatus"] == "COMPLETE" {
            break stands;
        }
    };
    // Ten users of the enterprise, one of whom is a subscriber.
    assert_eq!(stands["directorySyncStatus"]["totalExternalUsersInCI"], 9);
    let bob = json!({ "userId": "bob@as.example.net" });
    let user = format!("{sync}/externalUser");
    let synced = court.call("POST", &user, &bob, 200).await;
    assert_eq!(synced["status"], "NO_OPERATION");
    let nobody = json!({ "userId": "nobody@as.example.net" });
    court.call("POST", &user, &nobody, 404).await;
    let failure = json!({ "enterprise": "ent1", "code": 600_014, "text": "503" });
    court.control("POST", "sync-failure", &failure);
    court.call("POST", &sync, &now, 200).await;
    loop {
        let stands = court.call("GET", &sync, &none, 200).await;
        if stands["directorySyncStatus"]["syncStatus"] == "FAILED" {
            break;
        }
    }
    court.control("PUT", "settings", &json!({ "speed": 1 }));
    court.call("POST", &sync, &now, 200).await;
    court.call("POST", &sync, &now, 429).await;
    court.call("GET", ENTERPRISES, &none, 200).await;

    let lobby = json!({
        "provisioningId": Template::trusted().provisioning_id, "userId": "lobby@as.example.net",
        "spEnterpriseId": "ent1", "displayName": "Lobby", "extension": "0107",
    });
    let made = court.call("POST", WORKSPACES, &lobby, 200).await;
    court.call("POST", WORKSPACES, &lobby, 409).await;
    let one = format!("{WORKSPACES}/{}", text(&made["id"]));
    court
        .call("PUT", &one, &json!({ "primaryPhoneNumber": "+1" }), 200)
        .await;
    court.call("DELETE", &one, &none, 204).await;
    court.call("DELETE", &one, &none, 404).await;

    let person = format!("/people/{}", text(&alice["personId"]));
    court.call("GET", &person, &none, 200).await;
    court
        .call("GET", "/people?email=alice@example.net", &none, 200)
        .await;
    let organization = format!("/organizations/{}", text(&enterprise["orgId"]));
    court.call("GET", &organization, &none, 200).await;
    court.call("DELETE", &organization, &none, 409).await;
    court.call("DELETE", &person, &none, 204).await;
    court.call("GET", "/organizations", &none, 200).await;
    court.close().await;
}

#[tokio::test]
async fn every_operation_fails_in_the_published_ways() {
    let Some(court) = Court::open().await else {
        return;
    };
    let mut judged = 0;
    for operation in Operation::ALL {
        let method = operation.method();
        let target = operation.path().replace('{', "a").replace('}', "b");
        if court.law.knows(method.as_str(), &target) {
            judged += 1;
        }
        for status in [400, 401, 403, 404, 405, 409, 429, 500, 502, 503, 504] {
            let fault = json!({
                "fault": "status", "at": operation.as_str(), "status": status, "count": 1,
                "retry-after": 1,
            });
            court.control("PUT", "faults", &fault);
            court
                .call(method.as_str(), &target, &json!({}), status)
                .await;
        }
        if operation != Operation::AccessToken {
            let answer = court.send(method.as_str(), &target, &json!({}), "x").await;
            court.judge(method.as_str(), &target, &answer, 401);
        }
    }
    assert_eq!(
        judged, 15,
        "all operations of the description but the reports"
    );
    court.close().await;
}
