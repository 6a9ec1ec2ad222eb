//! `/alarms/v1/…`: what people see and say of alarms, for the command line and for systems of the
//! provider. On the admin listener only. Who may look is asked for the operator token when there is
//! one; who changes something always is, and leaves a line in the audit log.

mod documents;
mod orders;
mod words;

use std::error::Error;
use std::time::Duration;
use std::time::SystemTime;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::Method;
use http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::config::Config;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Severity;
use crate::domain::alarms::board::Order;
use crate::domain::edge::reason::Reason;
use crate::domain::pattern;
use crate::inbound::endpoints::alarms::orders::Unsilent;
use crate::inbound::endpoints::alarms::words::meant;
use crate::inbound::endpoints::alarms::words::refused;
use crate::inbound::endpoints::alarms::words::where_the_token_stands;
use crate::inbound::endpoints::operations::Ask;
use crate::inbound::endpoints::operations::door::Door;
use crate::inbound::endpoints::operations::operator_name;
use crate::inbound::endpoints::operations::order;
use crate::inbound::endpoints::operations::query::Query;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::inbound::endpoints::operations::refused::answered;
use crate::platform::clock;
use crate::store::alarms::HistoryAsk;
use crate::store::alarms::MOST_HISTORY;
use crate::telemetry::operations::Audit;
use crate::telemetry::operations::OperationsMetrics;
use crate::workers::alarm_desk::AlarmDesk;
use crate::workers::alarm_desk::Shown;
use crate::workers::blf_gate::Operators;

/// Where the API is on the admin listener.
pub const PREFIX: &str = "/alarms";

/// What a request may take: a test waits for the sink for up to a minute.
const DEADLINE: Duration = Duration::from_secs(65);

/// Lines of history when nothing is said.
const USUAL: u32 = 100;

/// Lines of history that are shown with an alarm.
const SHOWN: u32 = 20;

/// The API.
pub struct AlarmApi<'a> {
    /// Alarms.
    pub desk: &'a AlarmDesk,
    /// The configuration.
    pub config: &'a Config,
    /// Who is let in.
    pub door: &'a Door,
    /// Who is an operator; `None` before that was read, and then nobody is.
    pub operators: Option<&'a Operators>,
    /// Counters and the audit log.
    pub metrics: &'a OperationsMetrics,
}

/// What was asked for, for the audit log.
#[derive(Default)]
struct Doing {
    action: &'static str,
    about: String,
}

type Answer = Result<Value, Refused>;

impl AlarmApi<'_> {
    /// Answers a request, always.
    pub async fn answer<B>(&self, ask: &Ask<'_>, body: B) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let began = clock::mono();
        let mut doing = Doing::default();
        let answering = Box::pin(self.dispatch(ask, body, &mut doing));
        let answered_in_time = tokio::time::timeout(DEADLINE, answering).await;
        let answer = answered_in_time.unwrap_or_else(|_| {
            Err(Refused::unavailable(
                "this took too long; look at what came of it before asking again",
            ))
        });
        if !doing.action.is_empty() {
            self.metrics.acted(&Audit {
                action: doing.action,
                about: &doing.about,
                request: None,
                client: ask.address,
                operator: &operator_name(ask.headers),
                refused: answer.as_ref().err().map(|refused| refused.reason),
                took: clock::mono().saturating_duration_since(began),
                tracking_id: ask.tracking_id,
            });
        }
        match answer {
            Ok(document) => answered(StatusCode::OK, &document),
            Err(refused) => refused.into_response(),
        }
    }

    async fn dispatch<B>(&self, ask: &Ask<'_>, body: B, doing: &mut Doing) -> Answer
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let below = ask.path.strip_prefix(PREFIX).unwrap_or_default();
        let below = below.strip_prefix("/v1/").unwrap_or_default();
        let reads = matches!(below, "alarms" | "alarm" | "history" | "silences" | "sinks");
        let orders = matches!(below, "ack" | "unack" | "clear" | "silence" | "unsilence")
            || below.starts_with("test/");
        // Who may not look is not told what there is.
        let judged = || {
            let operators = self.operators.ok_or(Reason::OperatorTokenUnset)?;
            if orders {
                operators.check_alarms(ask.headers)
            } else {
                operators.may_see_alarms(ask.headers)
            }
        };
        let who = (ask.address, ask.headers);
        let opened = self.door.open(self.config, who, judged, self.metrics);
        opened.map_err(where_the_token_stands)?;
        let wanted = match (reads, orders) {
            (true, _) => Method::GET,
            (_, true) => Method::POST,
            (false, false) => return Err(Refused::unknown("there is no such resource")),
        };
        if *ask.method != wanted {
            let text = format!("{} is not for this resource", ask.method);
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return Err(Refused::new(status, "method", text));
        }
        match below {
            "alarms" => self.alarms(ask).await,
            "alarm" => self.alarm(ask).await,
            "history" => self.history(ask).await,
            "silences" => {
                Query::read(ask.query, &[])?;
                let all = self.desk.silences().await.map_err(refused)?;
                let all: Vec<_> = all.iter().map(documents::silence).collect();
                Ok(json!({"silences": all, "at": documents::millis(clock::wall())}))
            }
            "sinks" => {
                Query::read(ask.query, &[])?;
                let all = self.desk.sinks();
                let all: Vec<_> = all.iter().map(documents::sink).collect();
                Ok(json!({"sinks": all, "at": documents::millis(clock::wall())}))
            }
            "silence" => self.silence(ask, order(body).await?, doing).await,
            "unsilence" => {
                let Unsilent { id } = order(body).await?;
                *doing = Doing {
                    action: "alarm-unsilence",
                    about: id.to_string(),
                };
                let done = self.desk.order(Order::Unsilence { id }).await;
                done.map_err(refused)?;
                Ok(json!({"done": true}))
            }
            _ => match below.strip_prefix("test/") {
                Some(sink) => self.test(ask, sink, doing).await,
                None => self.word(below, ask, order(body).await?, doing).await,
            },
        }
    }

    async fn alarms(&self, ask: &Ask<'_>) -> Answer {
        let known = ["severity", "name", "object", "acknowledged"];
        let query = Query::read(ask.query, &known)?;
        let least = match query.get("severity") {
            None => Severity::Informational,
            Some(word) => Severity::from_word(word).ok_or_else(|| {
                Refused::malformed("severity is informational, low, medium, high or critical")
            })?,
        };
        let acknowledged = match query.get("acknowledged") {
            None => None,
            Some(_) => Some(query.flag("acknowledged")?),
        };
        let fits = |shown: &Shown| {
            let alarm = &shown.alarm;
            let named =
                |key: &str, text: &str| query.get(key).is_none_or(|held| pattern::fits(held, text));
            alarm.severity >= least
                && named("name", alarm.key.name.word())
                && named("object", alarm.key.object.as_str())
                && acknowledged.is_none_or(|wanted| alarm.ack.is_some() == wanted)
        };
        let mut all = self.desk.list().await.map_err(refused)?;
        all.retain(fits);
        // The worst first, of those the oldest.
        all.sort_by_key(|shown| (std::cmp::Reverse(shown.alarm.severity), shown.alarm.since));
        let all: Vec<_> = all.iter().map(documents::alarm).collect();
        Ok(json!({
            "alarms": all,
            "durable": self.desk.is_durable(),
            "at": documents::millis(clock::wall()),
        }))
    }

    async fn alarm(&self, ask: &Ask<'_>) -> Answer {
        let query = Query::read(ask.query, &["name", "object"])?;
        let name = query.get("name").unwrap_or_default();
        let shown = self.find(name, query.get("object")).await?;
        let history = self.desk.history(HistoryAsk {
            name: Some(shown.alarm.key.name),
            object: Some(shown.alarm.key.object.as_str().to_owned()),
            since: None,
            before: None,
            limit: SHOWN,
        });
        // An alarm is shown without its history rather than not at all.
        let (history, note) = match history.await {
            Ok(rows) => (rows, None),
            Err(error) => (Vec::new(), Some(refused(error).text)),
        };
        let history: Vec<_> = history.iter().map(documents::history).collect();
        Ok(json!({
            "alarm": documents::alarm(&shown),
            "history": history,
            "history-unreadable": note,
            "at": documents::millis(clock::wall()),
        }))
    }

    async fn history(&self, ask: &Ask<'_>) -> Answer {
        let known = ["name", "object", "since-seconds", "before", "limit"];
        let query = Query::read(ask.query, &known)?;
        let number = |key: &str| {
            let text = query.get(key).map(str::parse::<u64>).transpose();
            text.map_err(|_| Refused::malformed(format!("{key} is a number")))
        };
        let since = number("since-seconds")?.map(|seconds| {
            let ago = Duration::from_secs(seconds);
            let since = clock::wall().checked_sub(ago);
            since.unwrap_or(SystemTime::UNIX_EPOCH)
        });
        let limit = match number("limit")? {
            None => USUAL,
            Some(limit) if (1..=u64::from(MOST_HISTORY)).contains(&limit) => {
                u32::try_from(limit).unwrap_or(USUAL)
            }
            Some(_) => {
                return Err(Refused::malformed(format!(
                    "limit is from 1 to {MOST_HISTORY}"
                )));
            }
        };
        let asked = HistoryAsk {
            name: query.get("name").map(named).transpose()?,
            object: query.get("object").map(str::to_owned),
            since,
            before: number("before")?,
            limit,
        };
        let rows = self.desk.history(asked).await.map_err(refused)?;
        let rows: Vec<_> = rows.iter().map(documents::history).collect();
        Ok(json!({"history": rows, "at": documents::millis(clock::wall())}))
    }

    /// The alarm of a name; its object may be left out where there is only one.
    async fn find(&self, name: &str, object: Option<&str>) -> Result<Shown, Refused> {
        let name = named(name)?;
        let mut all = self.desk.list().await.map_err(refused)?;
        all.retain(|shown| {
            let key = &shown.alarm.key;
            key.name == name && object.is_none_or(|object| key.object.as_str() == object)
        });
        match (all.pop(), all.len()) {
            (Some(one), 0) => Ok(one),
            (Some(one), _) => {
                all.push(one);
                let objects = all.iter().map(|shown| shown.alarm.key.object.as_str());
                let objects: Vec<_> = objects.take(10).collect();
                Err(Refused::conflict(format!(
                    "there are {} alarms {name}: say of which object: {}",
                    all.len(),
                    objects.join(", ")
                )))
            }
            (None, _) => Err(Refused::unknown(format!(
                "no such alarm is on: {name} {}",
                object.unwrap_or_default()
            ))),
        }
    }
}

fn named(word: &str) -> Result<AlarmName, Refused> {
    AlarmName::from_word(word).ok_or_else(|| {
        let shown: String = word.chars().take(40).collect();
        Refused::malformed(format!(
            "{shown:?} is no name of an alarm{}",
            meant(&AlarmName::nearest(&shown))
        ))
    })
}

/// The key in a form for documents.
fn key_of(key: &AlarmKey) -> (&'static str, &str) {
    (key.name.word(), key.object.as_str())
}
