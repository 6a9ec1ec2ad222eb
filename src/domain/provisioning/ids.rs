//! Names of things that must not be mixed up. Names given by Webex are opaque text. A clone shares
//! the text: a hundred thousand waiting jobs name the same few clusters, templates and customers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Longest allowed, in bytes.
            pub const MOST: usize = $max;

            /// As it was given; white space around it is no part of it.
            ///
            /// # Errors
            /// It is empty, too long, or holds control characters.
            pub fn parse(text: &str) -> Result<Self, NotAName> {
                let text = text.trim();
                let what = stringify!($name);
                if text.is_empty() {
                    return Err(NotAName { what, wrong: Wrong::Empty });
                }
                if text.len() > Self::MOST {
                    return Err(NotAName { what, wrong: Wrong::Long(Self::MOST) });
                }
                if text.chars().any(char::is_control) {
                    return Err(NotAName { what, wrong: Wrong::Control });
                }
                Ok(Self(text.into()))
            }

            /// As it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAName;

            fn try_from(text: String) -> Result<Self, NotAName> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

names! {
    /// A BroadWorks cluster, as the configuration calls it.
    ClusterName, 64;
    /// A customer template, as the configuration calls it.
    TemplateKey, 64;
    /// A Webex partner account, as the configuration calls it.
    PartnerName, 64;
    /// A BroadWorks user id (UserId of the OCI schema: 1 to 161 characters).
    BwUserId, 644;
    /// A BroadWorks service provider or enterprise id (1 to 30 bytes).
    SpId, 30;
    /// A BroadWorks group id (1 to 30 characters), unique within its service provider only.
    GroupId, 120;
    /// What Webex calls the enterprise of a subscriber (`spEnterpriseId`).
    SpEnterpriseId, 256;
    /// Webex's name of a subscriber: opaque.
    SubscriberId, 512;
    /// Webex's name of a person: opaque.
    PersonId, 512;
    /// Webex's name of an organisation: opaque.
    OrgId, 512;
    /// Webex's name of an enterprise: opaque, not to be mixed up with [`SpEnterpriseId`].
    WebexEnterpriseId, 512;
    /// Webex's name of a workspace: opaque.
    WorkspaceId, 512;
    /// Which template of Partner Hub a subscriber is provisioned with: opaque.
    ProvisioningId, 512;
    /// The name of one call in Webex's or our own logs.
    TrackingId, 256;
    /// Our name of one request and the job that it began: a UUID of version 7.
    RequestId, 36;
}

/// Text that cannot be such a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: {wrong}")]
pub struct NotAName {
    /// Which name.
    pub what: &'static str,
    /// Why.
    pub wrong: Wrong,
}

/// Why text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It holds a control character.
    #[error("it holds a control character")]
    Control,
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// It has more bytes than that.
    #[error("it is longer than {0} bytes")]
    Long(usize),
}

/// Whether a character is not seen, or changes the direction of what is: two texts that look the
/// same differ in it. Names of people may have some of them, user ids none.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || turns(c)
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}'
                | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Whether a character changes the direction of the text around it (Unicode's `Bidi_Control`).
#[must_use]
pub const fn turns(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// Who a desired state is about. BroadWorks compares user ids without case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UserKey {
    /// User ids are unique within it.
    pub cluster: ClusterName,
    user: Folded,
}

impl UserKey {
    /// Of a user of a cluster.
    #[must_use]
    pub fn new(cluster: ClusterName, user: &BwUserId) -> Self {
        let user = Folded::of(user.as_str());
        Self { cluster, user }
    }

    /// The user id in lower case.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user.0
    }
}

/// One enterprise of a cluster. Compared without case, sent as it was first formed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EnterpriseKey {
    /// Enterprises are unique within it.
    pub cluster: ClusterName,
    enterprise: Folded,
}

impl EnterpriseKey {
    /// Of an enterprise of a cluster.
    #[must_use]
    pub fn new(cluster: ClusterName, enterprise: &SpEnterpriseId) -> Self {
        let enterprise = Folded::of(enterprise.as_str());
        Self {
            cluster,
            enterprise,
        }
    }

    /// The `spEnterpriseId` in lower case.
    #[must_use]
    pub fn enterprise(&self) -> &str {
        &self.enterprise.0
    }
}

/// Text in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
struct Folded(Arc<str>);

impl Folded {
    fn of(text: &str) -> Self {
        Self(text.to_lowercase().into())
    }
}

impl From<String> for Folded {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl From<Folded> for String {
    fn from(text: Folded) -> Self {
        text.0.as_ref().to_owned()
    }
}

/// A date as it is stored: milliseconds since 1970, UTC.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct Moment(pub u64);

impl Moment {
    /// Of a wall clock; a clock before 1970 counts as 1970.
    #[must_use]
    pub fn of(wall: SystemTime) -> Self {
        let since = wall.duration_since(SystemTime::UNIX_EPOCH);
        let millis = since.unwrap_or_default().as_millis();
        Self(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// As a wall clock; beyond what the system can tell, 1970.
    #[must_use]
    pub fn wall(self) -> SystemTime {
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_millis(self.0))
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// How long after `earlier`; nothing when the clock went back.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_enterprises_are_compared_without_case() {
        let cluster = ClusterName::parse("as-east").unwrap();
        let user = |text| UserKey::new(cluster.clone(), &BwUserId::parse(text).unwrap());
        assert_eq!(user("Anna@SP.example"), user(" anna@sp.example"));
        let enterprise =
            |text| EnterpriseKey::new(cluster.clone(), &SpEnterpriseId::parse(text).unwrap());
        assert_eq!(enterprise("SP1+Acme"), enterprise("sp1+acme"));
    }

    #[test]
    fn what_is_no_name_says_why() {
        let refused = SpId::parse(&"x".repeat(31)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "not a SpId: it is longer than 30 bytes"
        );
        assert_eq!(BwUserId::parse("  ").unwrap_err().wrong, Wrong::Empty);
        assert_eq!(
            BwUserId::parse("a\u{7}b").unwrap_err().wrong,
            Wrong::Control
        );
    }

    #[test]
    fn a_moment_is_told_in_milliseconds() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        assert_eq!(Moment::of(wall), Moment(1_700_000_000_123));
        assert_eq!(Moment(1_700_000_000_123).wall(), wall);
        assert_eq!(Moment(5).since(Moment(9)), Duration::ZERO);
    }
}
