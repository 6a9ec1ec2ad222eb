//! Accounts at CAs: shown here, and told by whoever asked the CA.

use std::sync::Arc;

use super::DAY;
use super::Stage;
use super::entry;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Severity;
use crate::domain::certs::automatic::Account;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::inventory::Kind;
use crate::domain::certs::inventory::ObjectId;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::mint;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::watchlist::Absence;
use crate::domain::certs::watchlist::Round;
use crate::domain::certs::watchlist::Seen;
use crate::domain::certs::watchlist::Sighting;
use crate::domain::certs::watchlist::Standing;

const OBJECT: &str = "acme account public";

fn account(refused: Option<&str>) -> Account {
    Account {
        name: "public".to_owned(),
        url: "https://ca.example/account/1".to_owned(),
        directory: "https://ca.example/dir".to_owned(),
        since: Some(mint::now() - DAY),
        refused: refused.map(str::to_owned),
    }
}

impl Stage {
    fn see_account(&mut self, seen: Result<Account, SourceFault>) {
        let id = ObjectId::new(OBJECT, "");
        let watched = Watched::new(id, &entry(), Kind::AcmeAccount, Duty::AcmeAccount);
        let sighting = Sighting {
            watched: Arc::new(watched),
            place: Place::new(PlaceKind::State, "/var/lib/xspd/acme/public/account.json"),
            seen: seen.map(|account| Seen::Account(Arc::new(account))),
        };
        self.scan(Round::Files, Absence::Gone, vec![sighting]);
    }

    fn account(&self) -> &Standing {
        self.board.find(OBJECT).unwrap()
    }

    /// Whether anything at all was said of the alarm that is not ours.
    fn spoke_of_refusals(&self) -> bool {
        let key = (AlarmName::CertificateRenewalFailed, OBJECT.to_owned());
        self.told.contains_key(&key)
    }
}

#[test]
fn a_refused_account_is_never_shown_as_well_and_its_alarm_is_left_to_who_asked() {
    let mut stage = Stage::new();
    for refused in [None, Some("it refused (403, unauthorized): closed"), None] {
        for _ in 0..3 {
            stage.see_account(Ok(account(refused)));
        }
        let shown = stage.account();
        assert_eq!(shown.severity(), refused.map(|_| Severity::Medium));
        let texts = shown.problems.iter().map(|problem| &problem.text);
        let said = texts.cloned().collect::<String>();
        assert!(said.contains(refused.unwrap_or_default()), "{said}");
        assert_eq!(shown.not_before, Some(mint::now() - DAY));
        assert_eq!((shown.not_after, shown.next_step), (None, None));
        assert!(shown.notes[0].contains("https://ca.example/account/1"));
        assert!(!stage.spoke_of_refusals(), "{:?}", stage.told);
    }
    // The alarm, by whoever tells it, says the same.
    let Condition::Present(told) = account(Some("closed")).observation().condition else {
        panic!("a refused account is no alarm");
    };
    assert!(told.text.contains("closed"), "{}", told.text);
    assert!(account(None).observation().condition == Condition::Absent);
}

#[test]
fn an_account_that_cannot_be_read_is_lost_and_one_that_is_none_any_more_is_gone() {
    let mut stage = Stage::new();
    stage.see_account(Ok(account(Some("closed"))));
    for _ in 0..3 {
        stage.see_account(Err(SourceFault::Unreadable));
    }
    assert_eq!(stage.present(), ["certificateSourceLost"]);
    // What the CA said last still counts.
    assert_eq!(stage.account().problems.len(), 2);
    stage.see_account(Ok(account(None)));
    assert_eq!(stage.present(), [""; 0]);
    stage.scan(Round::Files, Absence::Gone, Vec::new());
    assert!(stage.board.find(OBJECT).is_none());
    assert!(!stage.spoke_of_refusals());
}
