//! A fake Webex on a loopback socket, which outlives whoever asks it: one line of JSON asks, one
//! answers. It makes a second subscriber of a user when it is told to, as the real one may.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use xspd::domain::provisioning::ids::OrgId;
use xspd::domain::provisioning::ids::PersonId;
use xspd::domain::provisioning::ids::SubscriberId;
use xspd::domain::provisioning::ids::WebexEnterpriseId;
use xspd::domain::provisioning::webex::CallFailure;
use xspd::domain::provisioning::webex::Enterprise;
use xspd::domain::provisioning::webex::FailureKind;
use xspd::domain::provisioning::webex::Remark;
use xspd::domain::provisioning::webex::Subscriber;
use xspd::domain::provisioning::webex::SubscriberStatus;
use xspd::domain::provisioning::webex::WebexAnswer;
use xspd::domain::provisioning::webex::WebexOp;
use xspd::platform::tasks::Tasks;
use xspd::workers::provisioner::Performed;
use xspd::workers::provisioner::Webex;

/// Looks at a subscriber until it is provisioned.
const LOOKS: u64 = 2;

/// What it holds.
#[derive(Default)]
pub(crate) struct World {
    subscribers: BTreeMap<u64, Held>,
    next: u64,
    /// Users that had two subscribers at once.
    pub(crate) twice: BTreeSet<String>,
    /// Customers whose second user came before there was an organisation.
    pub(crate) raced: BTreeSet<String>,
    organisations: BTreeSet<String>,
}

struct Held {
    user: String,
    enterprise: String,
    looks: u64,
}

impl World {
    /// Who has a subscriber.
    pub(crate) fn users(&self) -> BTreeSet<String> {
        let held = self.subscribers.values();
        held.map(|held| held.user.clone()).collect()
    }

    fn answer(&mut self, asked: &Value) -> Value {
        let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
        let id = asked["id"].as_u64().unwrap_or(u64::MAX);
        match asked["op"].as_str().unwrap_or_default() {
            "find" => {
                let user = text("user");
                self.show(|held| held.user.eq_ignore_ascii_case(&user))
            }
            "list" => self.show(|_| true),
            "enterprise" => {
                let name = text("enterprise");
                json!({ "exists": self.organisations.contains(&name), "name": name })
            }
            "get" => {
                if let Some(held) = self.subscribers.get_mut(&id) {
                    held.looks += 1;
                    if held.looks >= LOOKS {
                        self.organisations.insert(held.enterprise.clone());
                    }
                }
                self.one(id)
            }
            "provision" => {
                let (user, enterprise) = (text("user"), text("enterprise"));
                if self.users().contains(&user) {
                    self.twice.insert(user.clone());
                }
                let mut others = self.subscribers.values();
                if !self.organisations.contains(&enterprise)
                    && others.any(|held| held.enterprise == enterprise)
                {
                    self.raced.insert(enterprise.clone());
                }
                self.next += 1;
                let held = Held {
                    user,
                    enterprise,
                    looks: 0,
                };
                self.subscribers.insert(self.next, held);
                self.one(self.next)
            }
            "update" => self.one(id),
            "delete" => match self.subscribers.remove(&id) {
                Some(_) => json!({}),
                None => json!({ "refused": 404 }),
            },
            other => panic!("nobody should ask for {other}"),
        }
    }

    fn one(&self, id: u64) -> Value {
        match self.subscribers.get(&id) {
            Some(held) => subscriber(id, held),
            None => json!({ "refused": 404 }),
        }
    }

    fn show(&mut self, wanted: impl Fn(&Held) -> bool) -> Value {
        let mut found = Vec::new();
        for (id, held) in &mut self.subscribers {
            if wanted(held) {
                held.looks += 1;
                if held.looks >= LOOKS {
                    self.organisations.insert(held.enterprise.clone());
                }
                found.push(subscriber(*id, held));
            }
        }
        Value::Array(found)
    }
}

fn subscriber(id: u64, held: &Held) -> Value {
    let settled = held.looks >= LOOKS;
    let status = if settled {
        "provisioned"
    } else {
        "provisioning"
    };
    json!({ "id": id, "user": held.user, "enterprise": held.enterprise, "status": status })
}

/// Serves a world until `stop` of `tasks` fires.
pub(crate) async fn serve(tasks: &Tasks) -> (SocketAddr, Arc<Mutex<World>>) {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let world = Arc::new(Mutex::new(World::default()));
    let (served, tasks_inside, stop) = (Arc::clone(&world), tasks.clone(), tasks.stop());
    tasks.worker("fake-webex", async move {
        loop {
            let stream = tokio::select! {
                () = stop.cancelled() => return,
                accepted = socket.accept() => accepted.unwrap().0,
            };
            let world = Arc::clone(&served);
            tasks_inside.connection(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                // Whoever asks may be killed at any moment.
                if stream.read_line(&mut line).await.is_err() || !line.ends_with('\n') {
                    return;
                }
                let asked = serde_json::from_str(&line).unwrap();
                let answer = world.lock().unwrap().answer(&asked);
                drop(stream.write_all(format!("{answer}\n").as_bytes()).await);
            });
        }
    });
    (address, world)
}

/// Asks the one at this address.
pub(crate) fn at(address: SocketAddr) -> Webex {
    Arc::new(move |_partner, op| {
        async move {
            Performed {
                outcome: ask(address, &op).await,
                tracking: Vec::new(),
            }
        }
        .boxed()
    })
}

async fn ask(address: SocketAddr, op: &WebexOp) -> Result<WebexAnswer, CallFailure> {
    let number = |id: &SubscriberId| id.as_str().parse::<u64>().unwrap();
    let question = match op {
        WebexOp::FindSubscriber(user) => json!({ "op": "find", "user": user.as_str() }),
        WebexOp::FindEnterprise(name) => json!({ "op": "enterprise", "enterprise": name.as_str() }),
        WebexOp::GetSubscriber(id) => json!({ "op": "get", "id": number(id) }),
        WebexOp::ListChanged(_) => json!({ "op": "list" }),
        WebexOp::DeleteSubscriber(id) => json!({ "op": "delete", "id": number(id) }),
        WebexOp::UpdateSubscriber(id, _) => json!({ "op": "update", "id": number(id) }),
        WebexOp::Provision(new) => json!({
            "op": "provision",
            "user": new.user.as_str(),
            "enterprise": new.enterprise.as_str(),
        }),
        WebexOp::Precheck(_) | WebexOp::PrecheckEmail(_) => {
            let remark = Remark {
                code: Some(100),
                description: "passed".to_owned(),
            };
            return Ok(WebexAnswer::Prechecked(vec![remark]));
        }
        other => panic!("nobody should ask for {other:?}"),
    };
    let answer = exchange(address, &question)
        .await
        .map_err(|error| CallFailure {
            kind: FailureKind::Unanswered,
            text: error.to_string(),
            code: None,
            ours: None,
            theirs: None,
            retry_after: None,
        })?;
    if let Some(status) = answer["refused"].as_u64() {
        return Err(CallFailure {
            kind: FailureKind::Status(u16::try_from(status).unwrap()),
            text: "no such subscriber".to_owned(),
            code: None,
            ours: None,
            theirs: None,
            retry_after: None,
        });
    }
    Ok(match op {
        WebexOp::DeleteSubscriber(_) => WebexAnswer::Done,
        WebexOp::FindEnterprise(_) => WebexAnswer::Enterprises(enterprises(&answer)),
        WebexOp::FindSubscriber(_) | WebexOp::ListChanged(_) => {
            let all = answer.as_array().unwrap().iter();
            WebexAnswer::Subscribers(all.map(read).collect())
        }
        _ => WebexAnswer::Subscriber(Box::new(read(&answer))),
    })
}

fn enterprises(answer: &Value) -> Vec<Enterprise> {
    let name = answer["name"].as_str().unwrap();
    let enterprise = answer["exists"].as_bool().unwrap().then(|| Enterprise {
        id: WebexEnterpriseId::parse(&format!("enterprise-{name}")).unwrap(),
        org: Some(OrgId::parse(&format!("org-{name}")).unwrap()),
        sp_enterprise_id: Some(name.to_owned()),
        provisioning_id: None,
        sync: None,
    });
    enterprise.into_iter().collect()
}

fn read(value: &Value) -> Subscriber {
    let status = SubscriberStatus::parse(match value["status"].as_str() {
        Some(status) => status,
        None => panic!("no status in {value}"),
    });
    let id = value["id"].as_u64().unwrap();
    let person = (status == SubscriberStatus::Provisioned)
        .then(|| PersonId::parse(&format!("person-{id}")).unwrap());
    let user = value["user"].as_str().unwrap().to_owned();
    Subscriber {
        id: SubscriberId::parse(&id.to_string()).unwrap(),
        person,
        first_name: Some("Anna".to_owned()),
        last_name: Some(user.clone()),
        email: Some(format!("{user}@customer.example.com")),
        user: Some(user),
        enterprise: value["enterprise"].as_str().map(str::to_owned),
        phone: None,
        mobile: None,
        extension: Some("4711".to_owned()),
        package: Some("standard".to_owned()),
        status,
        errors: Vec::new(),
        provisioning_id: None,
        self_activated: None,
        last_status_change: None,
    }
}

async fn exchange(address: SocketAddr, question: &Value) -> std::io::Result<Value> {
    let stream = TcpStream::connect(address).await?;
    let mut stream = BufReader::new(stream);
    stream.write_all(format!("{question}\n").as_bytes()).await?;
    let mut line = String::new();
    let patience = Duration::from_secs(10);
    tokio::time::timeout(patience, stream.read_line(&mut line)).await??;
    serde_json::from_str(&line).map_err(std::io::Error::other)
}
