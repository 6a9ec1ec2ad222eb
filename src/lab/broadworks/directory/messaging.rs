//! Integrated IM&P: who has it, and where who has it is provisioned.

use serde::Deserialize;
use serde::Serialize;

use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::Setting;
use crate::lab::broadworks::directory::User;

/// The service that has users provisioned in Webex.
pub const INTEGRATED_IMP: &str = "Integrated IMP";

/// A messaging server: where who has Integrated IM&P is provisioned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Messaging {
    /// Whether this level has one of its own; otherwise that of the level above counts.
    pub own: bool,
    /// `provisioningUrl`.
    pub url: Option<String>,
    /// `provisioningUserId`.
    pub account: Option<String>,
    /// `provisioningPassword`: in clear, because it is sent as it is. The lab's are public.
    pub password: Option<String>,
}

/// A reseller: what its service providers and enterprises have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reseller {
    /// The messaging server of its own, if it has one.
    pub messaging: Messaging,
}

impl Directory {
    /// The id of a user's reseller, if it has one.
    #[must_use]
    pub fn reseller_of(&self, user: &User) -> Option<&str> {
        let provider = self.providers.get(&user.service_provider)?;
        provider.reseller.as_deref()
    }

    /// The messaging server of a user: that of the group, else of the service provider, else of its
    /// reseller, else of the system. `None` when none has a URL.
    #[must_use]
    pub fn messaging_of(&self, user: &User) -> Option<&Messaging> {
        let provider = self.providers.get(&user.service_provider);
        let group = provider.and_then(|provider| provider.groups.get(&user.group));
        let reseller = provider.and_then(|provider| provider.reseller.as_ref());
        let reseller = reseller.and_then(|id| self.resellers.get(id));
        let levels = [
            group.map(|group| &group.messaging),
            provider.map(|provider| &provider.messaging),
            reseller.map(|reseller| &reseller.messaging),
        ];
        let mut own = levels.into_iter().flatten().filter(|level| level.own);
        let server = own.next().unwrap_or(&self.provisioning.messaging);
        server.url.is_some().then_some(server)
    }
}

impl User {
    /// Whether the Integrated IM&P service is assigned and on.
    #[must_use]
    pub fn has_imp(&self) -> bool {
        let setting = |name| self.settings.get("integratedimp")?.get(name);
        let off = |setting: &Setting| *setting == Setting::Text("false".to_owned());
        self.has_service(INTEGRATED_IMP) && !setting("active").is_some_and(off)
    }
}
