//! Keeps up the session: carries out what its machine asks for, and tells it what came of it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::domain::auth::ci::federation;
use crate::domain::auth::ci::grant::Grant;
use crate::domain::auth::ci::grant::GrantFault;
use crate::domain::auth::ci::session::Action;
use crate::domain::auth::ci::session::Alarm;
use crate::domain::auth::ci::session::Input;
use crate::domain::auth::ci::session::Rules;
use crate::domain::auth::ci::session::Session;
use crate::outbound::Causes;
use crate::outbound::web::WebFailure;
use crate::outbound::webex::ci::CiSecrets;
use crate::platform::clock;
use crate::workers::ci::Desk;
use crate::workers::drive::drive;

pub(super) fn start(
    desk: &Arc<Desk>,
    rules: Rules,
    used: SystemTime,
    inputs: mpsc::Receiver<Input>,
    stop: CancellationToken,
) {
    let seed = RandomState::new().hash_one(());
    let machine = Session::new(rules, used, seed, clock::now());
    let tasks = desk.tasks.clone();
    let act = {
        let (desk, stop) = (Arc::clone(desk), stop.clone());
        move |action| {
            act(&desk, action, &stop);
            std::future::ready(())
        }
    };
    tasks.worker("ci-session", drive(machine, inputs, stop, act));
}

fn act(desk: &Arc<Desk>, action: Action, stop: &CancellationToken) {
    match action {
        Action::Clear(alarm) => {
            desk.facts().alarms.retain(|held| *held != alarm);
            desk.metrics.cleared(alarm);
        }
        Action::Forget => {
            desk.service.send_modify(|service| service.token = None);
            desk.metrics.service_token_ended();
        }
        Action::Raise(alarm) => raise(desk, alarm),
        Action::ReadFederation => {
            let (desk, stop) = (Arc::clone(desk), stop.clone());
            desk.tasks.clone().connection(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = read_federation(&desk) => {}
                }
            });
        }
        Action::Refresh => {
            let (desk, stop) = (Arc::clone(desk), stop.clone());
            desk.tasks.clone().connection(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = refresh(&desk) => {}
                }
            });
        }
    }
}

fn raise(desk: &Desk, alarm: Alarm) {
    desk.facts().alarms.push(alarm);
    desk.metrics.raised(alarm);
}

async fn refresh(desk: &Arc<Desk>) {
    let outcome = attempt(desk).await;
    let used = clock::wall();
    desk.service.send_modify(|service| {
        service.attempts += 1;
        service.tried = Some(clock::mono());
        if let Ok((grant, _)) = &outcome {
            service.token = Some(Arc::new(grant.token.clone()));
        }
    });
    let input = match &outcome {
        Ok((grant, _)) => Input::Granted {
            life: grant.life,
            refresh_token: None,
        },
        Err(fault) => Input::Failed(*fault),
    };
    // At once, before anybody can have found the new token denied. When the machine has ended,
    // nobody needs the result.
    desk.inputs.send(input).await.ok();
    if let Ok((_, secrets)) = outcome {
        desk.facts().refresh_token_used = used;
        desk.metrics.refreshed(used);
        let (keeper, hash) = (Arc::clone(desk), secrets.refresh_token_hash());
        // A panic in there is told where it happens.
        desk.tasks
            .blocking(move || keeper.record.keep(hash, used, &keeper.metrics))
            .await;
    }
}

/// A grant and the secrets that it was given for. Failures are told here.
async fn attempt(desk: &Arc<Desk>) -> Result<(Grant, CiSecrets), GrantFault> {
    let failed = |fault: GrantFault, detail: &dyn std::fmt::Display| {
        desk.metrics.refresh_failed(fault, detail);
        fault
    };
    let reader = Arc::clone(desk);
    let secrets = desk.tasks.blocking(move || reader.client.secrets()).await;
    let secrets = match secrets {
        Some(Ok(secrets)) => secrets,
        Some(Err(error)) => return Err(failed(GrantFault::SecretUnreadable, &error)),
        None => return Err(failed(GrantFault::SecretUnreadable, &"the reader failed")),
    };
    let grant = desk
        .client
        .refresh(&secrets)
        .await
        .map_err(|error| failed(error.fault(), &Causes(&error)))?;
    let old = desk.service.borrow().token.clone();
    if old.is_some_and(|old| **old == *grant.token) {
        let fault = GrantFault::Unchanged;
        return Err(failed(fault, &fault));
    }
    Ok((grant, secrets))
}

async fn read_federation(desk: &Desk) {
    let token = desk.service.borrow().token.clone();
    let input = match token {
        // It has ended just now; the machine knows.
        None => Input::FederationFailed,
        Some(token) => match desk.client.federation(&token).await {
            Ok(body) => read_list(desk, &body),
            Err(failure) => {
                desk.metrics.federation_failed(&Causes(&failure));
                if matches!(failure, WebFailure::Status(StatusCode::UNAUTHORIZED)) {
                    desk.inputs.send(Input::Denied).await.ok();
                }
                Input::FederationFailed
            }
        },
    };
    desk.inputs.send(input).await.ok();
}

fn read_list(desk: &Desk, body: &[u8]) -> Input {
    match federation::issuers(body, &desk.issuer) {
        Ok(issuers) => {
            let now = clock::wall();
            desk.facts().federation_refreshed = Some(now);
            desk.metrics.federation_read(now, issuers.len());
            let issuers = federation::with_configured(issuers, &desk.issuer);
            desk.issuers.store(Arc::new(issuers));
            Input::FederationRead
        }
        Err(fault) => {
            desk.metrics.federation_failed(&fault);
            Input::FederationFailed
        }
    }
}
