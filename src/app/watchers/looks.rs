//! One look at each kind of thing.

use std::time::Duration;
use std::time::SystemTime;

use crate::app::reload::Reloader;
use crate::config::Alarms;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Severity;
use crate::domain::alarms::catalogue;
use crate::domain::alarms::observation::Present;
use crate::domain::alarms::whose;
use crate::domain::auth::ci::session::Alarm;
use crate::domain::certs::date;
use crate::domain::machine::Now;
use crate::domain::ocip::breaker::Standing;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Owner;
use crate::domain::provisioning::unmapped::Unknown;
use crate::inbound::edge::Edge;
use crate::inbound::sessions::Sessions;
use crate::outbound::Pools;
use crate::store::query::StateCount;
use crate::workers::blf_tracker::view::Counts;
use crate::workers::blf_tracker::view::SourceView;
use crate::workers::webex_partners::WebexPartner;

pub(super) fn cti(sessions: &Sessions, patience: Duration) -> Observation {
    let listener = sessions.listener();
    let text = (*sessions.count().borrow() == 0).then(|| {
        format!(
            "No CTI session of Webex has been open on the listener {listener} for {} s or more.",
            patience.as_secs()
        )
    });
    look(AlarmName::CtiSessionsMissing, listener, text)
}

/// A look at something that is as bad as the catalogue says, or well.
pub(super) fn look(name: AlarmName, object: &str, text: Option<String>) -> Observation {
    match text {
        None => Observation::absent(name, object),
        Some(text) => Observation::present(name, object, text),
    }
}

/// The same where the watcher knows how bad it is, and which step.
pub(super) fn look_closely(
    name: AlarmName,
    object: &str,
    wrong: Option<(Severity, String, String)>,
) -> Observation {
    let Some((severity, step, text)) = wrong else {
        return Observation::absent(name, object);
    };
    let present = Present {
        step,
        ..Present::new(severity, text)
    };
    Observation {
        key: AlarmKey::new(name, object),
        condition: Condition::Present(present),
    }
}

/// One alarm for each pool: redundancy lost, or nobody left.
pub(super) fn xsps(names: &[&String], pools: &Pools) -> Vec<Observation> {
    let looks = names.iter().filter_map(|name| {
        let pool = pools.get(name)?;
        let all = pool.upstreams().len();
        let down: Vec<String> = pool
            .upstreams()
            .iter()
            .filter(|upstream| !upstream.is_fit())
            .map(|upstream| out(upstream.name(), upstream.last_failure()))
            .collect();
        Some(pool_look(name, &down, all))
    });
    looks.collect()
}

/// An XSP that is out, and why.
pub(super) fn out(name: &str, failure: Option<String>) -> String {
    match failure {
        Some(failure) => format!("{name} ({failure})"),
        None => name.to_owned(),
    }
}

pub(super) fn pool_look(pool: &str, down: &[String], all: usize) -> Observation {
    let severity = if down.len() < all {
        Severity::Medium
    } else {
        Severity::Critical
    };
    let wrong = (!down.is_empty()).then(|| {
        let rest = match all - down.len() {
            0 => "nobody is left to serve its users".to_owned(),
            left => format!("{left} of {all} still serve"),
        };
        let text = format!(
            "Of the pool {pool} {} does not answer; {rest}.",
            down.join(", ")
        );
        (severity, format!("{} of {all}", down.len()), text)
    });
    look_closely(AlarmName::XspUnreachable, &format!("pool {pool}"), wrong)
}

pub(super) fn application_server(reloader: &Reloader, now: Now) -> Option<Observation> {
    let server = reloader.application_server.current().any()?;
    let text = match server.standing() {
        Standing::Up => None,
        Standing::Down { since } => {
            let for_long = now.mono.saturating_duration_since(since).as_secs();
            let at = now.wall.checked_sub(Duration::from_secs(for_long));
            Some(format!(
                "The Application Server does not answer OCI-P, or refuses our login, since {}.",
                date::text(at.unwrap_or(SystemTime::UNIX_EPOCH))
            ))
        }
    };
    Some(look(AlarmName::AsUnreachable, "application-server", text))
}

pub(super) fn service_token(edge: &Edge) -> Option<Observation> {
    let provider = edge.desk.as_ref()?.readiness().identity_provider?;
    let text = (!provider).then(|| {
        "Common Identity gives us no service token: nobody can sign in with a token of Webex."
            .to_owned()
    });
    Some(look(AlarmName::ServiceTokenFailing, "cisco-ci", text))
}

pub(super) fn webex(partner: &WebexPartner) -> [Observation; 2] {
    let (name, standing) = (partner.name(), partner.standing());
    let object = format!("partner {name}");
    let failing = match (&standing.failure, standing.access_token) {
        (Some(failure), false) => Some(format!(
            "There is no access token for the Webex partner {name}, so that nobody is provisioned \
             through it: {failure}"
        )),
        (_, _) => None,
    };
    // That a token comes to its end is told by the watch over all that ends.
    let refused = standing.alarms.iter().find_map(|alarm| match alarm {
        Alarm::RefreshTokenEnding { .. } => None,
        Alarm::Refused(fault) => Some(format!(
            "Webex refuses the tokens of the partner {name}: {}.",
            fault.as_str()
        )),
    });
    [
        look(AlarmName::WebexApiUnreachable, &object, failing),
        look(AlarmName::OauthTokenExpiring, &object, refused),
    ]
}

pub(super) fn channel(source: &SourceView) -> Observation {
    let text = (source.state != "up").then(|| {
        let why = source.last_loss.map_or_else(String::new, |why| format!(" ({why})"));
        format!(
            "The event channel of our own at the XSP {} is {}{why}; its busy lamps are not current.",
            source.upstream, source.state
        )
    });
    look(
        AlarmName::EventChannelLost,
        &format!("xsp {}", source.upstream),
        text,
    )
}

pub(super) fn lamps(counts: &Counts) -> Observation {
    let missing = counts
        .subscriptions_wanted
        .saturating_sub(counts.subscriptions_up);
    let text = (missing > 0).then(|| {
        format!(
            "Of {} subscriptions to busy lamps {missing} are missing.",
            counts.subscriptions_wanted
        )
    });
    look(AlarmName::BlfSubscriptionLost, "busy-lamps", text)
}

/// Users who wait for us alone: too many, or one for too long.
pub(super) fn backlog(counts: &[StateCount], bounds: &Alarms, now: SystemTime) -> Observation {
    let ours = counts
        .iter()
        .filter(|count| count.state.owner() == Owner::Us && count.users > 0);
    let (mut users, mut first) = (0_u64, None::<u64>);
    for count in ours {
        users = users.saturating_add(count.users);
        first = Some(first.map_or(count.oldest.0, |first| first.min(count.oldest.0)));
    }
    let first = first.and_then(|at| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(at)));
    let first = first.unwrap_or(now);
    let (most, age) = (u64::from(bounds.backlog_users), bounds.backlog_age);
    let step = if users > most {
        Some("users")
    } else {
        let waits = now.duration_since(first).unwrap_or_default();
        (waits > age).then_some("age")
    };
    let severity = catalogue::entry(AlarmName::ProvisioningBacklog).severity;
    let wrong = step.map(|step| {
        let text = format!(
            "{users} users wait for xspd to provision them, the first since {}.",
            date::text(first)
        );
        (severity, step.to_owned(), text)
    });
    look_closely(AlarmName::ProvisioningBacklog, "users", wrong)
}

pub(super) fn waiting(
    name: AlarmName,
    counts: &[StateCount],
    state: JobState,
    what: &str,
) -> Observation {
    let found = counts.iter().find(|count| count.state == state);
    let text = found.filter(|count| count.users > 0).map(|count| {
        let since = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(count.oldest.0));
        format!(
            "{} users {what}, the first since {}.",
            count.users,
            date::text(since.unwrap_or(SystemTime::UNIX_EPOCH))
        )
    });
    look(name, "users", text)
}

/// Calls that the mapping of a template does not know.
pub(super) fn unmapped((template, held): &(TemplateKey, Unknown)) -> Observation {
    let (severity, fate) = if held.last.refused {
        let usual = catalogue::entry(AlarmName::AdapterCallsUnmapped).severity;
        (usual, "they are refused (A1008)")
    } else {
        let fate = "Webex's bridge is given them, and their users are not tracked here";
        (Severity::Low, fate)
    };
    let (first, last) = (held.first.wall(), held.last.at.wall());
    let came = match held.calls {
        1 => format!("1 call, at {}", date::text(last)),
        calls => format!(
            "{calls} calls since {}, the last at {}",
            date::text(first),
            date::text(last)
        ),
    };
    let kept = if held.last.captured {
        ""
    } else {
        " No capture is kept: set `capture` of the template to \"errors\"."
    };
    let text = format!(
        "No rule of the mapping of the template {template} knows what the Application Server wants \
         ({came}): {fate}.{kept}"
    );
    let command = format!("xspd provision captures {}", held.last.request);
    let details = held
        .last
        .captured
        .then(|| (whose::COMMAND.to_owned(), command));
    let present = Present {
        details: details.into_iter().collect(),
        ..Present::new(severity, text)
    };
    Observation {
        key: AlarmKey::new(
            AlarmName::AdapterCallsUnmapped,
            &format!("template {template}"),
        ),
        condition: Condition::Present(present),
    }
}
