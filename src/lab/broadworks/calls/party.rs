//! Who is at the other end of a call, as the end that looks at it may know.

use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::directory::digits;

/// The other party of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Name.
    pub name: Option<String>,
    /// Where it is reached: `tel:0102` inside, `tel:+12405550199` outside.
    pub address: String,
    /// Country code of an outside number that has one.
    pub country_code: Option<&'static str>,
    /// User id of a user of this BroadWorks.
    pub user_id: Option<String>,
    /// Directory number of such a user, as `tel:+12405550102;ext=0102`.
    pub user_dn: Option<String>,
    /// Whether it does not want to be known: nothing but the kind of call is shown then.
    pub private: bool,
    /// How far away it is.
    pub call_type: CallType,
}

/// How far away the other party is (XSI schema, `callType`; those that the lab has).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallType {
    /// Emergency services.
    Emergency,
    /// Another group of the same enterprise.
    Enterprise,
    /// The same group.
    Group,
    /// Anybody else.
    Network,
    /// Not known before the call is placed.
    Unknown,
}

impl CallType {
    /// The word of the schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "Emergency",
            Self::Enterprise => "Enterprise",
            Self::Group => "Group",
            Self::Network => "Network",
            Self::Unknown => "Unknown",
        }
    }
}

impl Party {
    /// A user as another one sees it; `None` looks from outside.
    pub(super) fn user(user: &User, seen_by: Option<&User>, directory: &Directory) -> Self {
        let call_type = match seen_by {
            Some(other) if other.service_provider == user.service_provider => {
                if other.group == user.group {
                    CallType::Group
                } else if directory.is_enterprise(&user.service_provider) {
                    CallType::Enterprise
                } else {
                    CallType::Network
                }
            }
            Some(_) | None => CallType::Network,
        };
        let number = user.number.as_deref().map(digits);
        let extension = user.extension.as_deref();
        let address = match (call_type, &number, extension) {
            (CallType::Group | CallType::Enterprise, _, Some(extension)) => {
                format!("tel:{extension}")
            }
            (_, Some(number), _) => format!("tel:+{number}"),
            (_, None, _) => format!("sip:{}", user.id),
        };
        let user_dn = number.map(|number| match extension {
            Some(extension) => format!("tel:+{number};ext={extension}"),
            None => format!("tel:+{number}"),
        });
        Self {
            name: Some(user.full_name()),
            country_code: country(&address),
            address,
            user_id: Some(user.id.clone()),
            user_dn,
            private: false,
            call_type,
        }
    }

    /// An outside number.
    pub(super) fn outside(number: &str) -> Self {
        let call_type = if matches!(number, "112" | "911") {
            CallType::Emergency
        } else {
            CallType::Network
        };
        // Ten digits are a national number of the lab's country.
        let international = match number.strip_prefix('+') {
            Some(rest) => Some(rest.to_owned()),
            None if number.len() == 10 => Some(format!("1{number}")),
            None if number.len() == 11 && number.starts_with('1') => Some(number.to_owned()),
            None => None,
        };
        let address = match international {
            Some(number) => format!("tel:+{number}"),
            None => format!("tel:{number}"),
        };
        Self {
            name: None,
            country_code: country(&address),
            address,
            user_id: None,
            user_dn: None,
            private: false,
            call_type,
        }
    }

    /// What was dialled, before anything is known about it.
    pub(super) fn dialled(address: &str) -> Self {
        Self {
            name: None,
            address: format!("tel:{address}"),
            country_code: None,
            user_id: None,
            user_dn: None,
            private: false,
            call_type: CallType::Unknown,
        }
    }

    /// The same party, hiding itself.
    pub(super) fn hidden(self, private: bool) -> Self {
        Self { private, ..self }
    }

    /// The number to dial to reach it, without its scheme.
    #[must_use]
    pub fn number(&self) -> &str {
        let address = self.address.as_str();
        address.strip_prefix("tel:").unwrap_or(address)
    }
}

fn country(address: &str) -> Option<&'static str> {
    address.starts_with("tel:+1").then_some("1")
}
