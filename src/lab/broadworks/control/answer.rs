//! The resources of the control endpoint. All answers are JSON.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::body::Incoming;
use serde_json::Value;
use serde_json::json;

use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::LabError;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Decline;
use crate::lab::broadworks::control::provisioning;
use crate::lab::broadworks::control::times::Times;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::faults::Script;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::settings::Settings;
use crate::lab::broadworks::events::view::ChannelView;
use crate::lab::broadworks::xsp::Xsp;
use crate::platform::tasks::Tasks;

/// Largest body: a handful of numbers.
const BODY: usize = 4096;

type Wire = Response<Full<Bytes>>;

/// A request that is not carried out.
pub(super) struct Refused(pub(super) StatusCode, pub(super) String);

/// Answers one request.
pub(super) async fn answer(
    lab: &Arc<BroadWorks>,
    request: Request<Incoming>,
    tasks: &Tasks,
) -> Wire {
    match carry_out(lab, request, tasks).await {
        Ok(value) => written(StatusCode::OK, &value),
        Err(Refused(status, why)) => written(status, &json!({ "error": why })),
    }
}

fn written(status: StatusCode, value: &Value) -> Wire {
    let mut response = Response::new(Full::new(Bytes::from(format!("{value}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

fn cut(lab: &BroadWorks, id: &str) -> Result<Value, Refused> {
    let channel = ChannelId::parse(id).filter(|channel| lab.events.cut(*channel));
    let channel = channel.ok_or_else(|| absent("channel", id))?;
    Ok(json!({ "cut": channel.to_string() }))
}

async fn carry_out(
    lab: &Arc<BroadWorks>,
    request: Request<Incoming>,
    tasks: &Tasks,
) -> Result<Value, Refused> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (&head.method, parts.as_slice()) {
        (&Method::GET, ["lab", "state"]) => Ok(state(lab)),
        (&Method::PUT, ["lab", "faults"]) => {
            let script = Script::parse(&read(body).await?);
            let script = script.map_err(|error| bad(error.to_string()))?;
            lab.events.set_fault(script);
            Ok(fault(script))
        }
        (&Method::PUT, ["lab", "times"]) => {
            let times = Times::parse(&read(body).await?).map_err(bad)?;
            let settings = lab.events.read(|events, _| *events.settings());
            configure(lab, times.over(settings))
        }
        (&Method::DELETE, ["lab", "times"]) => configure(lab, Settings::default()),
        (&Method::POST, ["lab", "xsp", number, order @ ("start" | "stop")]) => {
            let xsp = Xsp::numbered(number);
            let xsp = xsp.ok_or_else(|| absent("XSP", "there are 1 and 2"))?;
            if lab.xsps.of(xsp).turn(*order == "start").await {
                Ok(json!({ "xsp": xsp.number(), "running": *order == "start" }))
            } else {
                let why = format!("XSP {number} did not {order}; is it served?");
                Err(Refused(StatusCode::SERVICE_UNAVAILABLE, why))
            }
        }
        (&Method::POST, ["lab", "channels", id, "cut"]) => cut(lab, id),
        (&Method::DELETE, ["lab", "subscriptions", id]) => {
            let subscription = SubscriptionId::parse(id);
            let held = subscription.filter(|id| {
                lab.events
                    .read(|events, now| events.subscription(*id, now).is_some())
            });
            let id = held.ok_or_else(|| absent("subscription", id))?;
            lab.events.put(Input::Terminate(id));
            Ok(json!({ "terminated": id.to_string() }))
        }
        (method, ["lab", part @ ("imp" | "ocir"), rest @ ..]) => {
            provisioning::answer(lab, method, part, rest, body).await
        }
        (method @ (&Method::DELETE | &Method::POST), ["lab", "users", id, "imp"]) => {
            let (id, given) = (decoded(id), method == Method::POST);
            provisioning::assign(lab, &id, given, tasks).await
        }
        (&Method::POST, ["lab", "users", id, "imp", "again"]) => {
            provisioning::repeat(lab, &decoded(id), tasks).await
        }
        (&Method::POST, ["lab", "users", id, "imp-guest"]) => {
            provisioning::guest(lab, &decoded(id)).await
        }
        (&Method::DELETE, ["lab", "users", id]) => {
            let (lab, id) = (Arc::clone(lab), decoded(id));
            let deleted = tasks.blocking(move || delete_user(&lab, &id)).await;
            deleted.unwrap_or_else(|| {
                let why = "the lab panicked; please report this".to_owned();
                Err(Refused(StatusCode::INTERNAL_SERVER_ERROR, why))
            })
        }
        _ => Err(Refused(
            StatusCode::NOT_FOUND,
            format!("no such control: {} {path}", head.method),
        )),
    }
}

/// A segment of a path as it is meant.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn bad(why: String) -> Refused {
    Refused(StatusCode::BAD_REQUEST, why)
}

pub(super) fn absent(what: &str, id: &str) -> Refused {
    Refused(StatusCode::NOT_FOUND, format!("no such {what}: {id}"))
}

pub(super) async fn read(body: Incoming) -> Result<Bytes, Refused> {
    let body = Limited::new(body, BODY);
    #[expect(
        clippy::disallowed_methods,
        reason = "capped above; the capped read of the daemon is not the lab's to use"
    )]
    let read = body.collect().await;
    read.map(http_body_util::Collected::to_bytes)
        .map_err(|_| bad(format!("a body of at most {BODY} bytes was expected")))
}

fn configure(lab: &BroadWorks, settings: Settings) -> Result<Value, Refused> {
    lab.events.put(Input::Configure(settings));
    Ok(Times::document(&settings))
}

fn fault(script: Option<Script>) -> Value {
    match script {
        Some(script) => json!({
            "fault": script.fault.as_str(),
            "count": script.count,
            "xsp": script.at.map(Xsp::number),
        }),
        None => json!({ "fault": "none" }),
    }
}

fn state(lab: &BroadWorks) -> Value {
    let (channels, subscriptions, outstanding, settings) = lab.events.read(|events, now| {
        (
            events.all_channels(now),
            events.all_subscriptions(now).len(),
            events.outstanding(),
            *events.settings(),
        )
    });
    let xsps = Xsp::ALL.map(|xsp| {
        json!({
            "xsp": xsp.number(),
            "running": lab.xsps.of(xsp).is_open(),
            "channels": channels.iter().filter(|channel| channel.at == xsp).count(),
        })
    });
    let channels: Vec<Value> = channels.iter().map(channel).collect();
    json!({
        "xsps": xsps,
        "channels": channels,
        "subscriptions": subscriptions,
        "unacknowledged-events": outstanding,
        "times": Times::document(&settings),
        "fault": fault(lab.events.fault()),
        "imp": provisioning::imp_state(lab),
        "ocir": provisioning::ocir_state(lab),
    })
}

fn channel(channel: &ChannelView) -> Value {
    json!({
        "channel-id": channel.id.to_string(),
        "channel-set-id": channel.set,
        "owner": channel.owner.id(),
        "xsp": channel.at.number(),
        "priority": channel.priority,
        "weight": channel.weight,
        "expires": channel.expires,
    })
}

/// Ends a user's calls, then takes the user out of the directory. Blocks on the disk.
fn delete_user(lab: &BroadWorks, id: &str) -> Result<Value, Refused> {
    let directory = lab.store.read();
    let user = directory.user(id).ok_or_else(|| absent("user", id))?;
    let legs = lab.calls.read(|calls| calls.of(&user.id, true));
    for leg in legs {
        let over = Command::HangUp(leg.id, Decline::No);
        // Another end may have hung up meanwhile.
        drop(lab.calls.command(&lab.store, &user.id, over));
    }
    let deleted = lab.store.update(|directory| {
        directory.users.remove(&user.id.to_lowercase());
        Ok::<(), LabError>(())
    });
    match deleted {
        Ok(()) => Ok(json!({ "deleted": user.id })),
        Err(error) => Err(Refused(StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
    }
}
