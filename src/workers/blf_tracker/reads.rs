//! What is read for the board: the calls of a line, the list of a watcher.

use crate::domain::blf::board::Fetched;
use crate::domain::blf::list::WatchList;
use crate::domain::blf::reading::Outcome;
use crate::domain::events::document::BusyLampField;
use crate::domain::events::document::Call;
use crate::domain::events::document::MonitoredUser;
use crate::domain::events::document::answers;
use crate::domain::events::ids::UserId;
use crate::outbound::broadworks::ocip::Ocip;
use crate::outbound::broadworks::ocip::OcipFailure;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::telemetry::blf::BlfMetrics;
use crate::workers::blf_tracker::report::reading;
use crate::workers::blf_tracker::requests::ANSWER;
use crate::workers::blf_tracker::requests::tell;

/// Calls of one user that are asked about. More than these no phone has.
const CALLS: usize = 50;

/// All calls of a user. Each is asked about by itself, because the list has their ids only.
pub(super) async fn fetched(client: &XsiClient, user: &str) -> Result<Fetched, XsiFailure> {
    let unusable = || XsiFailure::Unusable;
    let body = client.calls(user).await?;
    let ids = answers::parse_calls(&body, ANSWER).map_err(|_| unusable())?;
    let mut calls: Vec<Call> = Vec::new();
    for id in ids.into_iter().take(CALLS) {
        match client.call(user, id.as_str()).await {
            Ok(body) => calls.push(answers::parse_call(&body, ANSWER).map_err(|_| unusable())?),
            // Over since the list was made.
            Err(failure) if failure.status() == Some(404) => {}
            Err(failure) => return Err(failure),
        }
    }
    // Not every phone has one; calls say more.
    let hook = match client.hook_status(user).await {
        Ok(body) => answers::parse_hook(&body, ANSWER).ok(),
        Err(_) => None,
    };
    Ok(Fetched { calls, hook })
}

pub(super) async fn list_by_actions(
    client: &XsiClient,
    metrics: &BlfMetrics,
    watcher: &str,
) -> Result<WatchList, Outcome> {
    let result = client.busy_lamp_field(watcher).await;
    tell(metrics, "list", watcher, &result);
    let body = result.map_err(|failure| reading(&failure))?;
    match BusyLampField::parse(&body, ANSWER) {
        Ok(field) => Ok(WatchList::new(field.monitored)),
        Err(error) => {
            metrics.request_failed("list", "unusable", watcher, &error);
            Err(Outcome::Failed)
        }
    }
}

pub(super) async fn list_by_ocip(
    ocip: &Ocip,
    metrics: &BlfMetrics,
    watcher: &str,
) -> Result<WatchList, Outcome> {
    match ocip.busy_lamp_field(watcher).await {
        Ok(field) => {
            metrics.request_done("list");
            let line = |id: &String| MonitoredUser {
                user: UserId::new(id),
                name: None,
                number: None,
                extension: None,
            };
            Ok(WatchList::new(field.monitored.iter().map(line).collect()))
        }
        Err(failure) => {
            metrics.request_failed("list", "ocip", watcher, &failure);
            Err(match failure {
                OcipFailure::UnknownUser => Outcome::Refused,
                OcipFailure::BadAnswer(_)
                | OcipFailure::BadCredentials
                | OcipFailure::Locked
                | OcipFailure::RateLimited { .. }
                | OcipFailure::Refused { .. }
                | OcipFailure::Timeout
                | OcipFailure::Unreachable(_) => Outcome::Failed,
            })
        }
    }
}
