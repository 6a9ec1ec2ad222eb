//! What an alarm about something that is watched tells whoever acts: whose it is, and a line that
//! can be pasted as it stands.

use std::collections::BTreeMap;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::observation::DETAIL;
use crate::domain::alarms::observation::Present;
use crate::domain::alarms::whose::COMMAND;
use crate::domain::alarms::whose::WHOSE;
use crate::domain::alarms::whose::Whose;
use crate::domain::certs::inventory::Watched;
use crate::domain::shell::quoted;

/// The line for an alarm about an object of the watch list.
#[must_use]
pub fn command(name: AlarmName, whose: Option<Whose>, object: &str) -> String {
    use AlarmName as A;
    let about = quoted(object);
    let anew = matches!(
        name,
        A::CertificateExpiring
            | A::CertificateExpired
            | A::CertificateUnsuitable
            | A::CertificateEkuChanged
            | A::CertificateRevoked
    );
    match whose {
        Some(Whose::Ours) if anew => format!("xspd certs csr --for {about}"),
        Some(Whose::Ours) if name == A::CertificateNotYetValid => {
            format!("xspd certs rollback {about}")
        }
        Some(Whose::Automatic) if anew || name == A::CertificateRenewalFailed => {
            format!("xspd certs renew {about}")
        }
        Some(Whose::InternalCa) if anew => "xspd certs rotate-internal-ca status".to_owned(),
        Some(
            Whose::Automatic
            | Whose::Elsewhere
            | Whose::File
            | Whose::InternalCa
            | Whose::OtherCa
            | Whose::Ours
            | Whose::Webex,
        )
        | None => format!("xspd certs show {about}"),
    }
}

/// Adds both to what is told of an object.
pub(super) fn tell(watched: &Watched, present: &mut BTreeMap<AlarmName, Present>) {
    for (name, present) in present {
        if let Some(whose) = watched.whose {
            let detail = (WHOSE.to_owned(), whose.word().to_owned());
            present.details.push(detail);
        }
        paste(present, command(*name, watched.whose, watched.id.as_str()));
    }
}

/// Adds a line to paste. One that is cut would be another command, and is left out.
pub(super) fn paste(present: &mut Present, command: String) {
    if command.chars().count() <= DETAIL {
        present.details.push((COMMAND.to_owned(), command));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;
    use std::time::SystemTime;

    use super::*;
    use crate::domain::alarms::Condition;
    use crate::domain::certs::inventory::Duty;
    use crate::domain::certs::inventory::Kind;
    use crate::domain::certs::inventory::ObjectId;
    use crate::domain::certs::source::Place;
    use crate::domain::certs::source::PlaceKind;
    use crate::domain::certs::watchlist::Absence;
    use crate::domain::certs::watchlist::Action;
    use crate::domain::certs::watchlist::Input;
    use crate::domain::certs::watchlist::Round;
    use crate::domain::certs::watchlist::Rules;
    use crate::domain::certs::watchlist::Scan;
    use crate::domain::certs::watchlist::Seen;
    use crate::domain::certs::watchlist::Sighting;
    use crate::domain::certs::watchlist::Watchlist;
    use crate::domain::machine::Machine as _;
    use crate::domain::machine::Now;

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant cannot be made from nothing, and it is only counted from"
    )]
    fn start() -> std::time::Instant {
        std::time::Instant::now()
    }

    /// What is told of an object that has ended, as the watch list tells it.
    fn told(whose: Option<Whose>, name: &str) -> Vec<(String, String)> {
        let entry: Arc<str> = "entry".into();
        let id = ObjectId::new("listener a", name);
        let mut watched = Watched::new(id, &entry, Kind::ManualLeaf, Duty::Server);
        watched.whose = whose;
        let now = Now {
            mono: start(),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_331_200),
        };
        let mut watchlist = Watchlist::new(Rules::default(), now);
        let sighting = Sighting {
            watched: Arc::new(watched),
            place: Place::new(PlaceKind::Declared, "a"),
            seen: Ok(Seen::Dates {
                start: None,
                end: Some(now.wall - Duration::from_secs(86_400)),
            }),
        };
        let scan = Scan {
            round: Round::Files,
            entries: BTreeMap::from([(entry, Absence::Lost)]),
            sightings: vec![sighting],
        };
        watchlist.handle(Input::Scanned(scan), now);
        let mut details = Vec::new();
        while let Some(action) = watchlist.poll_action() {
            if let Action::Observe(seen) = action
                && let Condition::Present(present) = seen.condition
            {
                details.extend(present.details);
            }
        }
        details
    }

    fn detail<'a>(details: &'a [(String, String)], key: &str) -> Option<&'a str> {
        let found = details.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    #[test]
    fn an_alarm_about_a_certificate_says_whose_it_is_and_what_to_paste() {
        for (whose, command) in [
            (
                Some(Whose::Ours),
                "xspd certs csr --for 'listener a xsp.example.com'",
            ),
            (
                Some(Whose::Automatic),
                "xspd certs renew 'listener a xsp.example.com'",
            ),
            (
                Some(Whose::Elsewhere),
                "xspd certs show 'listener a xsp.example.com'",
            ),
            (None, "xspd certs show 'listener a xsp.example.com'"),
        ] {
            let details = told(whose, "xsp.example.com");
            assert_eq!(detail(&details, COMMAND), Some(command), "{whose:?}");
            assert_eq!(detail(&details, WHOSE), whose.map(Whose::word));
        }
    }

    #[test]
    fn a_line_that_would_be_cut_is_left_out() {
        let details = told(Some(Whose::Ours), &"'".repeat(180));
        assert_eq!(detail(&details, COMMAND), None);
        assert_eq!(detail(&details, WHOSE), Some("ours"));
    }

    #[test]
    fn what_begins_too_early_goes_back() {
        let command = command(
            AlarmName::CertificateNotYetValid,
            Some(Whose::Ours),
            "bridge client of cti",
        );
        assert_eq!(command, "xspd certs rollback 'bridge client of cti'");
    }
}
