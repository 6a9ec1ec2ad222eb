//! Takes a wish in: a call of the AS, a report of OCI-R, an operator's word. [`decide`] is asked
//! with what the store holds, in one transaction; its verdict is written in the same one, and only
//! then answered.
//!
//! Nothing in a request of the AS tells when it was meant, so the order of arrival is the order:
//! the latest wish wins. A repeated request while its job is open is that request.

mod check;
mod digest;
mod refusal;
mod wish;

use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::policy::EarlyValidation;
use crate::domain::provisioning::policy::Mode;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::policy::RemoveUnknown;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Word;

pub use refusal::Code;
pub use refusal::Refusal;
pub use wish::Wanted;
pub use wish::Wish;

/// What the store holds, read in the transaction that writes the verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// What the user was to be.
    pub desired: Option<Desired>,
    /// How far that has come.
    pub job: Option<JobRecord>,
    /// The customer that [`enterprise_of`] names.
    pub enterprise: Option<EnterpriseRecord>,
    /// Another user of the cluster that is to be present with the e-mail address that
    /// [`email_of`] names, if there is one.
    pub email_holder: Option<UserKey>,
}

/// What becomes of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is written down: both or nothing.
    Accept {
        /// The new revision.
        desired: Box<Desired>,
        /// The customer, when it is written, too.
        enterprise: Option<EnterpriseRecord>,
    },
    /// There is nothing to remove; nothing is written.
    NotPresent,
    /// It is not taken.
    Refuse(Refusal),
    /// It is under way already; nothing is written.
    Same {
        /// The request that began it.
        request: RequestId,
    },
}

/// Which customer [`decide`] has to know.
#[must_use]
pub fn enterprise_of(
    desired: Option<&Desired>,
    wish: &Wish,
    settings: &Settings,
) -> Option<EnterpriseKey> {
    let enterprise =
        wanted_enterprise(desired, wish, policy_of(desired, wish, settings)?).ok()??;
    Some(EnterpriseKey::new(wish.key.cluster.clone(), &enterprise))
}

/// Which e-mail address no other user may have, in lower case.
#[must_use]
pub fn email_of(desired: Option<&Desired>, wish: &Wish, settings: &Settings) -> Option<String> {
    let policy = policy_of(desired, wish, settings)?;
    if policy.mode != Mode::Api {
        return None;
    }
    let profile = match &wish.wanted {
        Wanted::Absent { .. } => return None,
        Wanted::AsHeld => None,
        // Where BroadWorks' addresses are not trusted, they are not sent.
        Wanted::Present { profile } => Some(&**profile).filter(|_| policy.trusted_email),
    };
    let email = wish.email.as_ref();
    let email = email.or_else(|| profile.and_then(|profile| profile.email.as_ref()));
    email.map(|email| email.to_lowercase())
}

/// What becomes of a wish.
#[must_use]
pub fn decide(held: &Held, wish: Wish, settings: &Settings) -> Verdict {
    let Some(policy) = policy_of(held.desired.as_ref(), &wish, settings) else {
        let unknown = held.desired.is_none() && wish.template.is_none();
        if unknown && matches!(wish.wanted, Wanted::Absent { .. }) {
            return Verdict::NotPresent;
        }
        return Verdict::Refuse(refusal::no_template(held.desired.is_some()));
    };
    if wish.key.cluster != policy.cluster {
        return Verdict::Refuse(Refusal::new(Code::TemplateUnknown));
    }
    if let Some(refusal) = removed_by_nobody(&wish, policy, settings) {
        return Verdict::Refuse(refusal);
    }
    if let Err(refusal) = check::words(held, &wish) {
        return Verdict::Refuse(refusal);
    }
    let Some(wanted) = presence(held.desired.as_ref(), &wish) else {
        return Verdict::Refuse(Refusal::new(Code::UserUnknown));
    };
    if matches!(wanted, Presence::Absent { .. }) && nothing_to_remove(held, &wish, policy) {
        return Verdict::NotPresent;
    }
    let enterprise = match wanted_enterprise(held.desired.as_ref(), &wish, policy) {
        Ok(enterprise) => enterprise,
        Err(refusal) => return Verdict::Refuse(refusal),
    };
    let desired = revision(held, &wish, wanted, policy, enterprise);
    if let Err(refusal) =
        check::address(&wish, held).and_then(|()| check::profile(&desired, held, policy))
    {
        return Verdict::Refuse(refusal);
    }
    if let Some(request) = under_way(held, &desired) {
        return Verdict::Same { request };
    }
    let enterprise = match bind(held, &desired, policy) {
        Ok(enterprise) => enterprise,
        Err(refusal) => return Verdict::Refuse(refusal),
    };
    let desired = Box::new(desired);
    Verdict::Accept {
        desired,
        enterprise,
    }
}

/// Whose rules a wish goes by. A removal goes by the template that the user is held by; where that
/// one only looks on, by the named one if it can remove the user at the same partner.
#[must_use]
pub fn policy_of<'a>(
    desired: Option<&Desired>,
    wish: &Wish,
    settings: &'a Settings,
) -> Option<&'a Policy> {
    let named = wish.template.as_ref();
    let held = desired.map(|desired| &desired.template);
    let of = |template| settings.templates.get(template).map(|policy| &**policy);
    match &wish.wanted {
        // A user is removed where it is: at the partner of another template nobody would be found,
        // and the subscriber would live on behind a removal that says it is done.
        Wanted::Absent { .. } => {
            let named = named.and_then(of);
            let Some(held) = held else {
                return named;
            };
            let held = of(held)?;
            let better = named.filter(|named| {
                held.mode != Mode::Api && named.mode == Mode::Api && named.partner == held.partner
            });
            Some(better.unwrap_or(held))
        }
        Wanted::AsHeld | Wanted::Present { .. } => of(named.or(held)?),
    }
}

/// A removal that nobody would carry out: the user's template only looks on, and the named one,
/// which does not, belongs to another partner.
fn removed_by_nobody(wish: &Wish, policy: &Policy, settings: &Settings) -> Option<Refusal> {
    let named = settings.templates.get(wish.template.as_ref()?)?;
    let lost = matches!(wish.wanted, Wanted::Absent { .. })
        && policy.mode != Mode::Api
        && named.mode == Mode::Api;
    lost.then(|| refusal::provisioned_elsewhere(&policy.template))
}

fn presence(desired: Option<&Desired>, wish: &Wish) -> Option<Presence> {
    match &wish.wanted {
        Wanted::Absent { user, person } => Some(Presence::Absent {
            user: user.clone(),
            person: *person,
        }),
        Wanted::AsHeld => desired.map(|desired| desired.presence.clone()),
        Wanted::Present { profile } => Some(Presence::Present {
            profile: profile.clone(),
        }),
    }
}

/// Whether a removal has nothing to do: it was done, or the user was never ours.
fn nothing_to_remove(held: &Held, wish: &Wish, policy: &Policy) -> bool {
    let Some(desired) = &held.desired else {
        return policy.remove_unknown == RemoveUnknown::Ignore;
    };
    let absent = matches!(desired.presence, Presence::Absent { .. });
    absent
        && held.job.as_ref().is_some_and(|job| {
            let person = matches!(
                wish.wanted,
                Wanted::Absent {
                    person: Some(true),
                    ..
                }
            );
            // The subscription is gone, and now the person is to go, too.
            let more = person && job.actual.person.is_some();
            let gone = matches!(job.state, JobState::Removed | JobState::PersonDeleted);
            gone && !more && job.revision == desired.revision
        })
}

/// The customer that the user will belong to. A removal belongs to the one that is known.
fn wanted_enterprise(
    desired: Option<&Desired>,
    wish: &Wish,
    policy: &Policy,
) -> Result<Option<SpEnterpriseId>, Refusal> {
    let held = || desired.and_then(|desired| desired.enterprise.clone());
    match &wish.wanted {
        Wanted::Absent { .. } | Wanted::AsHeld => Ok(held()),
        Wanted::Present { profile } => match policy.mode {
            // The bridge forms the name; it is learned from Webex.
            Mode::Observe | Mode::Relay => Ok(held()),
            Mode::Api => {
                let formed = policy.enterprise.of(profile);
                formed.map(Some).map_err(refusal::no_enterprise)
            }
        },
    }
}

fn revision(
    held: &Held,
    wish: &Wish,
    presence: Presence,
    policy: &Policy,
    enterprise: Option<SpEnterpriseId>,
) -> Desired {
    let before = held.desired.as_ref();
    // What an operator chose goes with the subscriber: unassigned and assigned again, a user gets
    // what the template says.
    let kept = before.filter(|before| matches!(before.presence, Presence::Present { .. }));
    let package = wish.package.or_else(|| kept.and_then(|kept| kept.package));
    let email = wish.email.clone().or_else(|| {
        kept.filter(|kept| same_email(&kept.presence, &presence))
            .and_then(|kept| kept.email.clone())
    });
    let formerly = wish.formerly.clone().or_else(|| {
        // Whoever is to go may still be about to get the new user id.
        let whose = match presence {
            Presence::Absent { .. } => before,
            Presence::Present { .. } => kept,
        };
        whose
            .filter(|before| !settled(held, before))
            .and_then(|before| before.formerly.clone())
    });
    let (package, email) = match presence {
        Presence::Absent { .. } => (None, None),
        Presence::Present { .. } => (package, email),
    };
    let was_in = match presence {
        Presence::Absent { .. } => before.and_then(Desired::home).map(Box::new),
        Presence::Present { .. } => None,
    };
    let digest = digest::digest_of(&presence, &policy.template, package, email.as_deref());
    Desired {
        key: wish.key.clone(),
        revision: before.map_or(1, |before| before.revision.saturating_add(1)),
        request: wish.request.clone(),
        presence,
        template: policy.template.clone(),
        enterprise,
        package,
        email,
        formerly,
        was_in,
        word: wish.word,
        // A word is about what somebody else wants; it is not the operator's wish by that.
        source: match (&wish.wanted, before) {
            (Wanted::AsHeld, Some(before)) => before.source,
            (Wanted::AsHeld, None) | (Wanted::Absent { .. } | Wanted::Present { .. }, _) => {
                wish.source
            }
        },
        digest,
        at: wish.at,
    }
}

/// Whether the user has come to where a revision wanted it: whom it was before does not matter any
/// more, and another user may bear that id by now.
fn settled(held: &Held, desired: &Desired) -> bool {
    held.job.as_ref().is_some_and(|job| {
        let reached = matches!(
            job.state,
            JobState::Provisioned
                | JobState::NoChange
                | JobState::Removed
                | JobState::PersonDeleted
        );
        reached && job.revision == desired.revision
    })
}

fn same_email(before: &Presence, now: &Presence) -> bool {
    match (before, now) {
        (Presence::Present { profile: before }, Presence::Present { profile: now }) => {
            before.email == now.email
        }
        (Presence::Absent { .. } | Presence::Present { .. }, _) => false,
    }
}

/// The request that the same wish began, while its job is open and goes on by itself. One that
/// stands still, because somebody has to look at it, is begun anew: whoever assigns again means it.
fn under_way(held: &Held, desired: &Desired) -> Option<RequestId> {
    let before = held.desired.as_ref()?;
    let said_before = before.word == Some(Word::Cancel);
    if desired.word.is_some() || said_before || before.digest != desired.digest {
        return None;
    }
    let open = held.job.as_ref().is_none_or(|job| {
        let stands = job.state.is_final() || job.state == JobState::Attention;
        job.revision < before.revision || !stands
    });
    open.then(|| before.request.clone())
}

/// The customer as it is to be written, if that changes: one customer, one template.
fn bind(
    held: &Held,
    desired: &Desired,
    policy: &Policy,
) -> Result<Option<EnterpriseRecord>, Refusal> {
    let Some(sent_as) = &desired.enterprise else {
        return Ok(None);
    };
    if policy.mode != Mode::Api || matches!(desired.presence, Presence::Absent { .. }) {
        return Ok(None);
    }
    let fresh = EnterpriseRecord {
        key: EnterpriseKey::new(desired.key.cluster.clone(), sent_as),
        sent_as: sent_as.clone(),
        template: desired.template.clone(),
        state: EnterpriseState::New,
        since: desired.at,
        first_user: None,
        knocked: None,
        webex: None,
        org: None,
    };
    match &held.enterprise {
        None => Ok(Some(fresh)),
        Some(bound) if bound.template == desired.template => Ok(None),
        // A first call to the wrong URL must not bind a customer for ever: until Webex has been
        // asked for it, the latest wish says which template it is.
        Some(bound) if bound.state == EnterpriseState::New && bound.webex.is_none() => {
            Ok(Some(fresh))
        }
        Some(bound) => match policy.early_validation {
            EarlyValidation::Business => Err(refusal::bound(&bound.template)),
            // The job will say so.
            EarlyValidation::Off | EarlyValidation::Syntax => Ok(None),
        },
    }
}

#[cfg(test)]
mod tests;
