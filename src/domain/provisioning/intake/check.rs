//! What is refused at the door, because it could never succeed.

use crate::domain::provisioning::intake::Code;
use crate::domain::provisioning::intake::Held;
use crate::domain::provisioning::intake::Refusal;
use crate::domain::provisioning::intake::Wanted;
use crate::domain::provisioning::intake::Wish;
use crate::domain::provisioning::intake::refusal::email_held;
use crate::domain::provisioning::policy::EarlyValidation;
use crate::domain::provisioning::policy::Mode;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Word;

/// Longest e-mail address (EmailAddress of the OCI schema), in characters.
const MOST_EMAIL: usize = 80;
/// Longest first or last name (FirstName, LastName of the OCI schema), in characters.
const MOST_NAME: usize = 30;

/// Whether an operator's word fits what the job is at.
pub(super) fn words(held: &Held, wish: &Wish) -> Result<(), Refusal> {
    let unfit = |sentence: &str| Err(Refusal::saying(Code::WordUnfit, sentence.to_owned()));
    let plain = wish.word.is_none() && wish.package.is_none() && wish.email.is_none();
    match &wish.wanted {
        Wanted::Absent { .. } | Wanted::Present { .. } => {
            return if wish.word.is_some() {
                unfit("A word is said about what is wanted already, not with a new wish.")
            } else {
                Ok(())
            };
        }
        Wanted::AsHeld if plain => return unfit("Nothing is said of what is to change."),
        Wanted::AsHeld => {}
    }
    let Some(desired) = &held.desired else {
        return Err(Refusal::new(Code::UserUnknown));
    };
    if wish
        .about
        .as_ref()
        .is_some_and(|about| *about != desired.request)
    {
        return Err(Refusal::new(Code::JobChanged));
    }
    let absent = matches!(desired.presence, Presence::Absent { .. });
    if absent && (wish.package.is_some() || wish.email.is_some()) {
        return unfit("The user is being removed or gone; it has no package and no address.");
    }
    let current = held.job.as_ref();
    let current = current.filter(|job| job.revision == desired.revision);
    match wish.word {
        None | Some(Word::Retry) => Ok(()),
        Some(Word::Cancel) => match current {
            Some(job) if job.state.is_final() => {
                unfit("The job has come to its end; there is nothing to cancel.")
            }
            Some(_) | None => Ok(()),
        },
        Some(Word::Confirm) => match current {
            Some(job) if job.state == JobState::Attention => Ok(()),
            Some(_) | None => unfit("The job asks for nothing; there is nothing to confirm."),
        },
    }
}

/// Whether an address that somebody gives by hand can be the user's: it is sent whether the
/// template trusts those of BroadWorks or not, and in place of a subscriber that is there.
pub(super) fn address(wish: &Wish, held: &Held) -> Result<(), Refusal> {
    match (&wish.email, &held.email_holder) {
        (Some(email), _) if !is_address(email) => Err(Refusal::new(Code::EmailMalformed)),
        (Some(_), Some(other)) if *other != wish.key => Err(email_held(other)),
        (None | Some(_), _) => Ok(()),
    }
}

/// Whether Webex could ever take the user.
pub(super) fn profile(desired: &Desired, held: &Held, policy: &Policy) -> Result<(), Refusal> {
    let Presence::Present { profile } = &desired.presence else {
        return Ok(());
    };
    // Cisco's bridge judges what it gets by itself.
    if policy.mode != Mode::Api || desired.word == Some(Word::Cancel) {
        return Ok(());
    }
    match policy.early_validation {
        EarlyValidation::Off => Ok(()),
        EarlyValidation::Syntax => syntax(desired, profile),
        EarlyValidation::Business => {
            syntax(desired, profile)?;
            business(desired, profile, held, policy)
        }
    }
}

fn syntax(desired: &Desired, profile: &Profile) -> Result<(), Refusal> {
    for (name, what) in [
        (&profile.first_name, "first name"),
        (&profile.last_name, "last name"),
    ] {
        let wrong = if name.trim().is_empty() {
            format!("The user has no {what}; complete the user, then assign again.")
        } else if name.chars().count() > MOST_NAME {
            format!("The user's {what} is longer than {MOST_NAME} characters; shorten it.")
        } else {
            continue;
        };
        return Err(Refusal::saying(Code::FieldMissing, wrong));
    }
    let email = desired.email.as_ref().or(profile.email.as_ref());
    if email.is_some_and(|email| !is_address(email)) {
        return Err(Refusal::new(Code::EmailMalformed));
    }
    Ok(())
}

fn business(
    desired: &Desired,
    profile: &Profile,
    held: &Held,
    policy: &Policy,
) -> Result<(), Refusal> {
    if profile.phone.is_none() && profile.extension.is_none() {
        return Err(Refusal::new(Code::NumberMissing));
    }
    if profile.is_place || !policy.trusted_email {
        return Ok(());
    }
    if desired.email.is_none() && profile.email.is_none() {
        return Err(Refusal::new(Code::EmailMissing));
    }
    match &held.email_holder {
        Some(other) if *other != desired.key => Err(email_held(other)),
        Some(_) | None => Ok(()),
    }
}

/// Whether text has the form of an address: what Webex thinks of it is Webex's to say.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '@';
    !local.is_empty()
        && !domain.is_empty()
        && !text.chars().any(|letter| letter != '@' && odd(letter))
        && !local.contains('@')
        && text.chars().count() <= MOST_EMAIL
}
