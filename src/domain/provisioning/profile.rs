//! What BroadWorks says of a user, after the mapping of a template.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::SpId;

/// A user as the AS describes it. Limits are those of the OCI schema's data types; whoever makes
/// one from foreign bytes has held them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Profile {
    /// The user.
    pub user: BwUserId,
    /// Its service provider or enterprise.
    pub sp: SpId,
    /// Its group; may be absent where the enterprise alone counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// First name, 1 to 30 characters.
    pub first_name: String,
    /// Last name, 1 to 30 characters.
    pub last_name: String,
    /// E-mail address, up to 80 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Primary number, E.164 with `+`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Mobile number, E.164 with `+`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// Extension, 2 to 20 digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// ISO 639-1, or with `_` and an ISO 3166 country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Olson name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// A shared device's user, which is a workspace in Webex.
    #[serde(default)]
    pub is_place: bool,
}

/// What a subscriber may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Package {
    /// Basic.
    Basic,
    /// Premium.
    Premium,
    /// Softphone.
    Softphone,
    /// Standard.
    Standard,
}

impl Package {
    /// All, in the order of their names.
    pub const ALL: [Self; 4] = [Self::Basic, Self::Premium, Self::Softphone, Self::Standard];

    /// As Webex writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Premium => "premium",
            Self::Softphone => "softphone",
            Self::Standard => "standard",
        }
    }

    /// From Webex's word, without case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|package| package.as_str().eq_ignore_ascii_case(text.trim()))
    }
}
