//! What changes something: orders about alarms, silences, tests.

use std::time::Duration;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::json;

use crate::domain::alarms::board::Order;
use crate::domain::alarms::silence;
use crate::inbound::endpoints::alarms::AlarmApi;
use crate::inbound::endpoints::alarms::Answer;
use crate::inbound::endpoints::alarms::Ask;
use crate::inbound::endpoints::alarms::Doing;
use crate::inbound::endpoints::alarms::documents;
use crate::inbound::endpoints::alarms::words::refused;
use crate::inbound::endpoints::operations::operator_name;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::platform::clock;

/// An order about one alarm.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct About {
    pub(super) name: String,
    pub(super) object: Option<String>,
    pub(super) comment: String,
    pub(super) seconds: Option<u64>,
}

/// An order to be silent.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Silent {
    pub(super) name: String,
    pub(super) object: String,
    pub(super) comment: String,
    pub(super) seconds: u64,
}

/// An order to be silent no longer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Unsilent {
    pub(super) id: u64,
}

impl AlarmApi<'_> {
    /// An order about one alarm.
    pub(super) async fn word(
        &self,
        word: &str,
        ask: &Ask<'_>,
        about: About,
        doing: &mut Doing,
    ) -> Answer {
        let shown = self.find(&about.name, about.object.as_deref()).await?;
        let key = shown.alarm.key;
        let who = operator_name(ask.headers);
        let comment = about.comment;
        let until = about.seconds.map(from_now).transpose()?;
        let (action, order) = match word {
            "ack" => (
                "alarm-ack",
                Order::Acknowledge {
                    key: key.clone(),
                    who,
                    until,
                    comment,
                },
            ),
            "clear" => (
                "alarm-clear",
                Order::Clear {
                    key: key.clone(),
                    who,
                    comment,
                },
            ),
            _ => ("alarm-unack", Order::Unacknowledge { key: key.clone() }),
        };
        *doing = Doing {
            action,
            about: key.to_string(),
        };
        self.desk.order(order).await.map_err(refused)?;
        Ok(json!({"done": true, "name": key.name.word(), "object": key.object.as_str()}))
    }

    pub(super) async fn silence(&self, ask: &Ask<'_>, silent: Silent, doing: &mut Doing) -> Answer {
        *doing = Doing {
            action: "alarm-silence",
            about: format!("{}/{}", silent.name, silent.object),
        };
        let until = from_now(silent.seconds)?;
        let order = Order::Silence {
            name: silent.name,
            object: silent.object,
            who: operator_name(ask.headers),
            until,
            comment: silent.comment,
        };
        self.desk.order(order).await.map_err(refused)?;
        let all = self.desk.silences().await.map_err(refused)?;
        let made = all.last();
        let alarms = self.desk.list().await.map_err(refused)?;
        let held = alarms.iter().filter(|shown| {
            let is_it = made.is_some_and(|made| made.is_about(&shown.alarm.key));
            // One whose own end has passed is held back by nothing.
            is_it && shown.silence.is_some()
        });
        Ok(json!({
            "done": true,
            "silence": made.map(documents::silence),
            "holds": held.count(),
        }))
    }

    pub(super) async fn test(&self, ask: &Ask<'_>, sink: &str, doing: &mut Doing) -> Answer {
        *doing = Doing {
            action: "alarm-test",
            about: sink.chars().take(silence::TEXT).collect(),
        };
        let who = operator_name(ask.headers);
        let tried = self.desk.test(sink, &who).await.map_err(refused)?;
        let took = u64::try_from(tried.took.as_millis()).unwrap_or(u64::MAX);
        Ok(json!({
            "done": true,
            "sink": sink,
            "identifier": tried.identifier,
            "milliseconds": took,
            "confirmed": tried.confirmed,
        }))
    }
}

fn from_now(seconds: u64) -> Result<SystemTime, Refused> {
    let until = clock::wall().checked_add(Duration::from_secs(seconds));
    until.ok_or_else(|| Refused::malformed("that is longer than time can tell"))
}
