//! Controls of provisioning: Integrated IM&P of users, how the messaging server is called, and how
//! changes are reported.

use std::sync::Arc;

use http::Method;
use http::StatusCode;
use hyper::body::Incoming;
use serde_json::Value;
use serde_json::json;

use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::control::answer::Refused;
use crate::lab::broadworks::control::answer::absent;
use crate::lab::broadworks::control::answer::bad;
use crate::lab::broadworks::control::answer::read;
use crate::lab::broadworks::ocir::Odd;
use crate::platform::tasks::Tasks;

/// Answers below `/lab/imp` and `/lab/ocir`.
pub(super) async fn answer(
    lab: &Arc<BroadWorks>,
    method: &Method,
    part: &str,
    rest: &[&str],
    body: Incoming,
) -> Result<Value, Refused> {
    match (method, part, rest) {
        (&Method::PUT, "imp", []) => {
            let settings = lab.imp.settings().over(&read(body).await?);
            lab.imp.set(settings.map_err(bad)?);
            Ok(imp_state(lab))
        }
        (&Method::PUT, "ocir", []) => {
            let settings = lab.ocir.settings().over(&read(body).await?);
            lab.ocir.set(settings.map_err(bad)?);
            Ok(ocir_state(lab))
        }
        (&Method::POST, "ocir", ["cut"]) => {
            lab.ocir.cut();
            Ok(json!({ "cut": true }))
        }
        (&Method::POST, "ocir", ["odd", word]) => {
            let odd = Odd::parse(word).ok_or_else(|| absent("odd document", word))?;
            lab.ocir.odd(odd);
            Ok(json!({ "sent": word }))
        }
        _ => Err(absent("control", &rest.join("/"))),
    }
}

/// Gives or takes Integrated IM&P; a refusal of the Application Server is 409 with its words.
pub(super) async fn assign(
    lab: &Arc<BroadWorks>,
    user: &str,
    given: bool,
    tasks: &Tasks,
) -> Result<Value, Refused> {
    // What is so already changes nothing, and then nobody is called.
    let already = lab.has_imp(user) == Some(given);
    let outcome = lab.assign_imp(user, given, tasks).await;
    outcome.map_err(|summary| Refused(StatusCode::CONFLICT, summary))?;
    Ok(json!({ "user": user, "integrated-imp": given, "already": already }))
}

/// Has the Application Server call once more for a user who has Integrated IM&P; others get it.
pub(super) async fn repeat(
    lab: &Arc<BroadWorks>,
    user: &str,
    tasks: &Tasks,
) -> Result<Value, Refused> {
    if lab.has_imp(user) != Some(true) {
        return assign(lab, user, true, tasks).await;
    }
    let told = lab.repeat_imp(user).await;
    let told = told.ok_or_else(|| absent("user with a messaging server", user))?;
    told.map_err(|text| Refused(StatusCode::CONFLICT, text))?;
    Ok(json!({ "user": user, "integrated-imp": true, "already": true, "repeated": true }))
}

/// Asks for a guest at a user's messaging server.
pub(super) async fn guest(lab: &Arc<BroadWorks>, user: &str) -> Result<Value, Refused> {
    let asked = lab.ask_for_guest(user).await;
    let asked = asked.ok_or_else(|| absent("user with a messaging server", user))?;
    asked.map_err(|text| Refused(StatusCode::CONFLICT, text))?;
    Ok(json!({ "user": user, "guest": true }))
}

/// How messaging servers are called, and how often they were.
pub(super) fn imp_state(lab: &BroadWorks) -> Value {
    let counts = lab.imp.counts();
    json!({
        "settings": lab.imp.settings(),
        "calls": {
            "done": counts.done,
            "refused": counts.refused,
            "unreachable": counts.unreachable,
        },
    })
}

/// How changes are reported, and how many were.
pub(super) fn ocir_state(lab: &BroadWorks) -> Value {
    let (reports, connections) = lab.ocir.counts();
    json!({
        "settings": lab.ocir.settings(),
        "reports": reports,
        "connections": connections,
    })
}
