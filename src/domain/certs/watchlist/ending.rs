//! Of one object: start, end and renewal, and which alarm they mean now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Severity;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::date;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::inventory::Kind;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::schedule::Point;
use crate::domain::certs::schedule::Renewal;
use crate::domain::certs::schedule::Span;
use crate::domain::certs::watchlist::Seen;
use crate::domain::certs::watchlist::Standing;
use crate::domain::certs::watchlist::evaluate::Counting;
use crate::domain::certs::watchlist::phrases::called;
use crate::domain::certs::watchlist::phrases::told;
use crate::domain::machine::Now;

/// Start, end and renewal.
pub(super) fn dates(
    standing: &mut Standing,
    counting: &Counting<'_>,
    present: &mut BTreeMap<AlarmName, Present>,
    now: Now,
) {
    let watched = Arc::clone(&standing.watched);
    let (start, end, ending) = match counting.seen {
        Seen::Account(account) => (account.since, None, None),
        Seen::Chain(chain) => {
            let first = chain.first_to_end();
            (
                first.map(|facts| facts.not_before),
                first.map(|facts| facts.not_after),
                first,
            )
        }
        Seen::Crl(crl) => {
            standing.crl = Some(Arc::clone(crl));
            (Some(crl.this_update), crl.next_update, None)
        }
        Seen::Dates { start, end } => (*start, *end, None),
    };
    (standing.not_before, standing.not_after) = (start, end);
    if let Some(early) = counting.chain.and_then(|chain| chain.not_begun(now.wall)) {
        let begins = early.not_before;
        standing.next_step = Some(begins);
        let text = format!(
            "{} is in use before its time: it starts on {}. Check the clocks of this machine and \
             of the issuer.",
            called(&watched, Some(early)),
            date::text(begins)
        );
        let found = told(
            standing,
            Severity::High,
            "not-yet-valid",
            text,
            "its start",
            end,
        );
        present.insert(AlarmName::CertificateNotYetValid, found);
    }
    let Some(end) = end else {
        return;
    };
    let span = Span::new(start, end);
    let renewal = watched.renewal.and_then(|renewing| {
        let due = renewing.due.or_else(|| span.renewal())?;
        Some(Renewal { due })
    });
    standing.renewal_due = renewal.map(|renewal| renewal.due);
    let point = watched
        .bands
        .judge(&watched.bands_key, span, renewal, now.wall);
    standing.next_step = standing.next_step.into_iter().chain(point.next).min();
    if let Some((name, found)) = ending_alarm(standing, ending, &point, end) {
        present.insert(name, found);
    }
}

fn ending_alarm(
    standing: &Standing,
    ending: Option<&CertificateFacts>,
    point: &Point,
    end: SystemTime,
) -> Option<(AlarmName, Present)> {
    let watched = &standing.watched;
    let severity = point.severity?;
    let what = called(watched, ending);
    let when = date::text(end);
    let (name, text) =
        if watched.kind.is_presented() || matches!(watched.kind, Kind::Ca | Kind::Declared) {
            ending_certificate(standing, &what, point, &when)
        } else {
            ending_other(watched, &what, point.over, &when)?
        };
    let severity = if watched.superseded {
        severity.min(Severity::Informational)
    } else {
        severity
    };
    let found = told(
        standing,
        severity,
        &point.step,
        text,
        &point.rule,
        Some(end),
    );
    Some((name, found))
}

fn ending_certificate(
    standing: &Standing,
    what: &str,
    point: &Point,
    when: &str,
) -> (AlarmName, String) {
    if point.over {
        (
            AlarmName::CertificateExpired,
            format!("{what} ended on {when}. Replace it now."),
        )
    } else if point.step == "overdue" {
        let due = standing.renewal_due.map(date::text).unwrap_or_default();
        (
            AlarmName::CertificateExpiring,
            format!("{what} should have renewed itself since {due}; it ends on {when}."),
        )
    } else {
        (
            AlarmName::CertificateExpiring,
            format!("{what} ends on {when}. Renew it before."),
        )
    }
}

/// Of what is no certificate that somebody presents.
fn ending_other(
    watched: &Watched,
    what: &str,
    over: bool,
    when: &str,
) -> Option<(AlarmName, String)> {
    Some(match (watched.kind, over) {
        (
            Kind::AcmeAccount
            | Kind::Ca
            | Kind::Client
            | Kind::Declared
            | Kind::ManagedLeaf
            | Kind::ManualLeaf,
            _,
        ) => return None,
        (Kind::Crl, false) => (
            AlarmName::CrlStale,
            format!("{what} counts until {when}. Fetch its successor."),
        ),
        (Kind::Crl, true) => (
            AlarmName::CrlStale,
            format!("{what} counted until {when}; who was revoked since is not known."),
        ),
        (Kind::KeyAge, _) => (
            AlarmName::KeyAging,
            format!("{what} should not be used any longer than {when}; rotate it."),
        ),
        (Kind::OauthToken, false) => (
            AlarmName::OauthTokenExpiring,
            format!("{what} lapses on {when} unless it is used before."),
        ),
        (Kind::OauthToken, true) => (
            AlarmName::OauthTokenExpiring,
            format!("{what} lapsed on {when}, since nobody used it; authorise again."),
        ),
        (Kind::TrustAnchor, _) if watched.superseded => (
            if over {
                AlarmName::TrustAnchorExpired
            } else {
                AlarmName::TrustAnchorExpiring
            },
            format!(
                "{what} {} on {when}; its successor is there already. Keep the old one until \
                 trustGenerationUnused names its file: Webex may still show certificates below it.",
                if over { "ended" } else { "ends" }
            ),
        ),
        (Kind::TrustAnchor, false) => (
            AlarmName::TrustAnchorExpiring,
            format!("{what} ends on {when}. Fetch its successor and import it before."),
        ),
        (Kind::TrustAnchor, true) => (
            AlarmName::TrustAnchorExpired,
            format!("{what} ended on {when}. Peers below it are refused; import its successor."),
        ),
    })
}
