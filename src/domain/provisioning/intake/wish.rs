//! What somebody wants of a user.

use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::Source;
use crate::domain::provisioning::record::Word;

/// What somebody wants of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Whom it is about.
    pub key: UserKey,
    /// What the user is to be.
    pub wanted: Wanted,
    /// Which template it goes by; `None`: the one that it went by before.
    pub template: Option<TemplateKey>,
    /// Who wants it.
    pub source: Source,
    /// An operator's word.
    pub word: Option<Word>,
    /// The job that the operator looked at: a word about another one is refused.
    pub about: Option<RequestId>,
    /// The package in place of the template's; kept until the user is removed.
    pub package: Option<Package>,
    /// The e-mail address in place of the profile's; kept until BroadWorks tells another.
    pub email: Option<String>,
    /// Who the user was before its BroadWorks user id changed. The removal of that one is wished
    /// for after this, never before.
    pub formerly: Option<BwUserId>,
    /// The name of the request, and of its job.
    pub request: RequestId,
    /// When it came.
    pub at: Moment,
}

impl Wish {
    /// Of the AS: the user is to be a subscriber that looks like this.
    #[must_use]
    pub fn present(
        key: UserKey,
        template: TemplateKey,
        profile: Profile,
        request: RequestId,
        at: Moment,
    ) -> Self {
        let profile = Box::new(profile);
        let wanted = Wanted::Present { profile };
        Self {
            template: Some(template),
            source: Source::As,
            ..Self::of(key, wanted, request, at)
        }
    }

    /// Of the AS: the user is not to be a subscriber.
    #[must_use]
    pub fn absent(
        key: UserKey,
        template: Option<TemplateKey>,
        user: BwUserId,
        request: RequestId,
        at: Moment,
    ) -> Self {
        let wanted = Wanted::Absent { user, person: None };
        Self {
            template,
            source: Source::As,
            ..Self::of(key, wanted, request, at)
        }
    }

    /// Of an operator: a word about what is wanted already.
    #[must_use]
    pub fn word(key: UserKey, word: Word, request: RequestId, at: Moment) -> Self {
        Self {
            word: Some(word),
            ..Self::of(key, Wanted::AsHeld, request, at)
        }
    }

    /// Of an operator, without anything beyond.
    #[must_use]
    pub const fn of(key: UserKey, wanted: Wanted, request: RequestId, at: Moment) -> Self {
        Self {
            key,
            wanted,
            template: None,
            source: Source::Operator,
            word: None,
            about: None,
            package: None,
            email: None,
            formerly: None,
            request,
            at,
        }
    }
}

/// What a user is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// No subscriber.
    Absent {
        /// As the request wrote it.
        user: BwUserId,
        /// Whether the person goes, too; `None`: as the template says.
        person: Option<bool>,
    },
    /// What it is to be already.
    AsHeld,
    /// A subscriber that looks like this.
    Present {
        /// The user's data.
        profile: Box<Profile>,
    },
}
