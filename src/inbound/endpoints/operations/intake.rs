//! From an operator's word to a wish, and what became of it in a sentence.

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::intake::Code;
use crate::domain::provisioning::intake::Refusal;
use crate::domain::provisioning::intake::Verdict;
use crate::domain::provisioning::intake::Wanted;
use crate::domain::provisioning::intake::Wish;
use crate::domain::provisioning::intake::policy_of;
use crate::domain::provisioning::policy::Mode;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Word;
use crate::inbound::endpoints::operations::Answer;
use crate::inbound::endpoints::operations::Ask;
use crate::inbound::endpoints::operations::Doing;
use crate::inbound::endpoints::operations::Operations;
use crate::inbound::endpoints::operations::documents;
use crate::inbound::endpoints::operations::now;
use crate::inbound::endpoints::operations::query::Query;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::inbound::endpoints::operations::resource::UserWord;
use crate::inbound::endpoints::operations::store_failed;
use crate::inbound::endpoints::operations::users::user_id;
use crate::store::query::UserRecord;

/// What may stand in an order about a user; each word takes its own part of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Order {
    /// The code of what is asked, as it was shown; with confirm.
    code: Option<String>,
    /// Another e-mail address; with retry.
    email: Option<String>,
    /// With move-package.
    package: Option<String>,
    /// Whether the person goes, too; with remove.
    person: Option<bool>,
    /// The request that the operator has looked at: a word about a later one is refused.
    request: Option<String>,
}

impl Operations {
    /// Takes an operator's word about a user.
    pub(super) async fn word(
        &self,
        id: &str,
        word: UserWord,
        ask: &Ask<'_>,
        order: Order,
        doing: &mut Doing,
    ) -> Answer {
        doing.action = word.as_str();
        doing.about = user_id(id)?.as_str().to_owned();
        let query = Query::read(ask.query, &["cluster"])?;
        let record = self.find(id, query.cluster()?).await?;
        doing.about = format!("{} in {}", record.key().user(), record.key().cluster);
        if word == UserWord::Confirm {
            bound(&record, &order)?;
        }
        let wish = wish(&record, word, order)?;
        let taken = self.take(wish).await?;
        doing.request = taken.request.as_ref().map(|id| id.as_str().to_owned());
        let user = documents::user_id(&record.desired.presence);
        let says = match taken.what {
            What::Accepted => format!("Taken: {user} {}.", promise(word, &record.desired.presence)),
            What::Same => format!("That is under way already for {user}."),
            What::NotPresent => format!("There is nothing to remove of {user}."),
        };
        let document = json!({
            "says": says,
            "outcome": taken.what.as_str(),
            "request": taken.request.as_ref().map(|id| id.as_str()),
        });
        Ok((StatusCode::ACCEPTED, document))
    }
}

impl Operations {
    /// Takes a wish in; when it is accepted, it is durable.
    pub(super) async fn take(&self, wish: Wish) -> Result<Taken, Refused> {
        if change(&wish).is_some() {
            let held = self.provisioner.store().user(&wish.key).await;
            let held = held.map_err(|error| store_failed(&error))?;
            let desired = held.map(|record| record.desired);
            can_change(desired.as_ref(), &wish, &self.provisioner.settings())?;
        }
        let verdict = self.provisioner.submit(wish).await;
        taken(verdict.map_err(|error| Refused::unavailable(error.to_string()))?)
    }
}

/// Refuses what would change something at Webex for users whom others provision.
pub(super) fn can_change(
    desired: Option<&Desired>,
    wish: &Wish,
    settings: &Settings,
) -> Result<(), Refused> {
    let Some(remedy) = change(wish) else {
        return Ok(());
    };
    let policy = policy_of(desired, wish, settings);
    policy.map_or(Ok(()), |policy| drives(policy, remedy))
}

/// What a verdict is to whoever asked.
pub(super) fn taken(verdict: Verdict) -> Result<Taken, Refused> {
    let (what, request) = match verdict {
        Verdict::Accept { desired, .. } => (What::Accepted, Some(desired.request)),
        Verdict::NotPresent => (What::NotPresent, None),
        Verdict::Same { request } => (What::Same, Some(request)),
        Verdict::Refuse(refusal) => return Err(refused(&refusal)),
    };
    Ok(Taken { what, request })
}

/// What a refused wish is to whoever asked.
pub(super) fn refused(refusal: &Refusal) -> Refused {
    let status = StatusCode::from_u16(refusal.status);
    let status = status.unwrap_or(StatusCode::CONFLICT);
    let mut text = format!("{}: {}", refusal.code.as_str(), refusal.sentence);
    if let Some(holder) = &refusal.holder {
        let (user, cluster) = (holder.user(), &holder.cluster);
        text += &format!(" It is that of {user} in {cluster}.");
    }
    Refused::new(status, refusal.code.as_str(), text)
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) what: What,
    pub(super) request: Option<RequestId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Accepted,
    NotPresent,
    Same,
}

impl What {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotPresent => "not-present",
            Self::Same => "same",
        }
    }
}

/// A name for a new request.
pub(super) fn fresh() -> Result<RequestId, Refused> {
    RequestId::parse(&Uuid::now_v7().to_string())
        .map_err(|wrong| Refused::unavailable(wrong.to_string()))
}

/// What a wish would change at Webex, as the remedy of where only BroadWorks or Webex itself can.
const fn change(wish: &Wish) -> Option<&'static str> {
    match &wish.wanted {
        Wanted::Absent { .. } => Some("unassign Integrated IM&P in BroadWorks"),
        Wanted::Present { .. } => Some("assign Integrated IM&P in BroadWorks"),
        Wanted::AsHeld if wish.package.is_some() => Some("change the package in Partner Hub"),
        Wanted::AsHeld if wish.email.is_some() => {
            Some("enter the address in Partner Hub, on the list of users of the template")
        }
        Wanted::AsHeld => None,
    }
}

/// Whether xspd provisions the users of a template.
fn drives(policy: &Policy, remedy: &str) -> Result<(), Refused> {
    let who = match policy.mode {
        Mode::Api => return Ok(()),
        Mode::Observe => "Webex's bridge, which BroadWorks calls (mode observe)",
        Mode::Relay => "Webex's bridge, behind this adapter (mode relay)",
    };
    let (code, template) = (Code::WordUnfit, &policy.template);
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::CONFLICT);
    let text = format!(
        "{}: users of the template {template} are provisioned by {who}, and xspd only looks on: \
         {remedy} instead.",
        code.as_str()
    );
    Err(Refused::new(status, code.as_str(), text))
}

/// A confirmation is of what was shown, and of nothing else.
fn bound(record: &UserRecord, order: &Order) -> Result<(), Refused> {
    let (Some(_), Some(code)) = (&order.request, &order.code) else {
        return Err(Refused::malformed(
            "confirm needs `request` and `code` of what was shown: they stand in the user as \
             `request` and `error.code`",
        ));
    };
    let fault = documents::current(record).and_then(|job| job.fault.as_ref());
    // That nothing is asked is for the machine to say.
    match fault {
        Some(fault) if fault.code != *code => {
            let changed = Code::JobChanged;
            let status = StatusCode::from_u16(changed.status()).unwrap_or(StatusCode::CONFLICT);
            let text = format!("{}: {}", changed.as_str(), changed.sentence());
            Err(Refused::new(status, changed.as_str(), text))
        }
        Some(_) | None => Ok(()),
    }
}

fn wish(record: &UserRecord, word: UserWord, order: Order) -> Result<Wish, Refused> {
    let Order {
        code,
        email,
        package,
        person,
        request,
    } = order;
    let alone = |what: &str, is: bool, of: UserWord| {
        if is && word != of {
            let word = word.as_str();
            return Err(Refused::malformed(format!("{what} is not for {word}")));
        }
        Ok(())
    };
    alone("code", code.is_some(), UserWord::Confirm)?;
    alone("email", email.is_some(), UserWord::Retry)?;
    alone("package", package.is_some(), UserWord::MovePackage)?;
    alone("person", person.is_some(), UserWord::Remove)?;
    let (key, id, at) = (record.key().clone(), fresh()?, now());
    let mut wish = match word {
        UserWord::Cancel => Wish::word(key, Word::Cancel, id, at),
        UserWord::Confirm => Wish::word(key, Word::Confirm, id, at),
        UserWord::MovePackage => {
            let package = package.as_deref().and_then(Package::parse);
            let package = package.ok_or_else(|| {
                let all = Package::ALL.map(Package::as_str).join(", ");
                Refused::malformed(format!("package is one of {all}"))
            })?;
            Wish {
                package: Some(package),
                ..Wish::of(key, Wanted::AsHeld, id, at)
            }
        }
        UserWord::Remove => {
            let user = user_id(documents::user_id(&record.desired.presence))?;
            Wish::of(key, Wanted::Absent { user, person }, id, at)
        }
        UserWord::Retry => Wish {
            email: email.map(|email| email.trim().to_owned()),
            ..Wish::word(key, Word::Retry, id, at)
        },
    };
    if let Some(request) = request {
        let request = RequestId::parse(&request);
        let request = request.map_err(|wrong| Refused::malformed(format!("request: {wrong}")))?;
        wish.about = Some(request);
    }
    Ok(wish)
}

const fn promise(word: UserWord, wanted: &Presence) -> &'static str {
    match word {
        UserWord::Cancel => "is left as it is until the next wish",
        UserWord::Confirm => "goes on with what was asked about",
        UserWord::MovePackage => {
            "gets the package; new meeting settings take Webex two to three hours"
        }
        UserWord::Remove => "will be removed",
        UserWord::Retry => match wanted {
            Presence::Absent { .. } => "is tried again: its removal is what is wanted",
            Presence::Present { .. } => "is tried again",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provisioning::ids::Moment;
    use crate::domain::provisioning::record::Fault;
    use crate::inbound::endpoints::operations::tests::record;
    use crate::inbound::endpoints::operations::tests::settings;

    fn order(text: &str) -> Order {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn each_word_becomes_its_wish() {
        let record = record("Anna@x");
        let retried = wish(&record, UserWord::Retry, order(r#"{"email": " b@x "}"#)).unwrap();
        assert_eq!(retried.word, Some(Word::Retry));
        assert_eq!(retried.email.as_deref(), Some("b@x"));
        assert_eq!(retried.wanted, Wanted::AsHeld);
        let moved = wish(
            &record,
            UserWord::MovePackage,
            order(r#"{"package": "Basic"}"#),
        );
        assert_eq!(moved.unwrap().package, Some(Package::Basic));
        let removed = wish(&record, UserWord::Remove, order(r#"{"person": true}"#)).unwrap();
        let Wanted::Absent { user, person } = removed.wanted else {
            panic!("it is to be absent")
        };
        assert_eq!((user.as_str(), person), ("Anna@x", Some(true)));
        let request = r#"{"request": "0197e4a0-0000-7000-8000-000000000001"}"#;
        let confirmed = wish(&record, UserWord::Confirm, order(request)).unwrap();
        assert!(confirmed.about.is_some());
        assert_eq!(confirmed.word, Some(Word::Confirm));
    }

    #[test]
    fn a_confirmation_is_of_what_was_shown() {
        let mut record = record("anna@x");
        record.job.as_mut().unwrap().fault = Some(Fault {
            code: "A2006".to_owned(),
            text: "the last administrator".to_owned(),
            action: String::new(),
            at: Moment(0),
        });
        let of = |text: &str| bound(&record, &order(text));
        assert_eq!(of(r#"{"request": "r1", "code": "A2006"}"#), Ok(()));
        let other = of(r#"{"request": "r1", "code": "A1103"}"#).unwrap_err();
        assert_eq!(
            (other.status, other.reason),
            (StatusCode::CONFLICT, "A1106")
        );
        for unsaid in ["{}", r#"{"request": "r1"}"#, r#"{"code": "A2006"}"#] {
            let refused = of(unsaid).unwrap_err();
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{unsaid}");
        }
    }

    #[test]
    fn users_whom_others_provision_are_only_looked_at() {
        let record = record("anna@x");
        let remedy = |word, text: &str| change(&wish(&record, word, order(text)).unwrap());
        let shown = r#"{"request": "r1", "code": "A2006"}"#;
        for (word, text) in [
            (UserWord::Cancel, "{}"),
            (UserWord::Confirm, shown),
            (UserWord::Retry, "{}"),
        ] {
            assert_eq!(remedy(word, text), None, "{text}");
        }
        let settings = settings();
        let mut policy = Policy::clone(settings.templates.values().next().unwrap());
        for (mode, text) in [(Mode::Relay, "mode relay"), (Mode::Observe, "mode observe")] {
            for (word, order, what) in [
                (
                    UserWord::MovePackage,
                    r#"{"package": "basic"}"#,
                    "Partner Hub",
                ),
                (UserWord::Remove, "{}", "unassign Integrated IM&P"),
                (UserWord::Retry, r#"{"email": "b@x"}"#, "Partner Hub"),
            ] {
                policy.mode = mode;
                let refused = drives(&policy, remedy(word, order).unwrap()).unwrap_err();
                assert_eq!(
                    (refused.status, refused.reason),
                    (StatusCode::CONFLICT, "A1105")
                );
                let said = refused.text;
                assert!(said.contains(what) && said.contains(text), "{said}");
            }
        }
        policy.mode = Mode::Api;
        assert_eq!(drives(&policy, "-"), Ok(()));
    }

    #[test]
    fn what_belongs_to_another_word_is_refused() {
        let record = record("anna@x");
        for (word, text) in [
            (UserWord::Cancel, r#"{"email": "b@x"}"#),
            (UserWord::Retry, r#"{"code": "A2006"}"#),
            (UserWord::Retry, r#"{"person": true}"#),
            (UserWord::Remove, r#"{"package": "basic"}"#),
            (UserWord::MovePackage, "{}"),
            (UserWord::MovePackage, r#"{"package": "gold"}"#),
        ] {
            let refused = wish(&record, word, order(text)).unwrap_err();
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{text}");
        }
        assert!(serde_json::from_str::<Order>(r#"{"emial": "b@x"}"#).is_err());
    }
}
