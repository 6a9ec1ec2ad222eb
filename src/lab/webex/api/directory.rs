//! The users of BroadWorks, as directory sync sees them.

use std::fmt;
use std::sync::Arc;

use crate::lab::broadworks::BroadWorks;

/// The directory that the cluster of the templates has.
#[derive(Clone)]
pub struct Directory(Arc<BroadWorks>);

impl From<Arc<BroadWorks>> for Directory {
    fn from(broadworks: Arc<BroadWorks>) -> Self {
        Self(broadworks)
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Directory(…)")
    }
}

/// A user who may be known in Webex as a contact, without being a user there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) struct External {
    pub(in crate::lab::webex) user: String,
    pub(in crate::lab::webex) provider: String,
    pub(in crate::lab::webex) group: String,
    pub(in crate::lab::webex) reseller: Option<String>,
    pub(in crate::lab::webex) first_name: String,
    pub(in crate::lab::webex) last_name: String,
    pub(in crate::lab::webex) extension: Option<String>,
    pub(in crate::lab::webex) number: Option<String>,
    pub(in crate::lab::webex) mobile: Option<String>,
}

impl Directory {
    /// Everybody who has a number or an extension: sync leaves the others out.
    pub(super) fn external(&self) -> Vec<External> {
        let directory = self.0.directory();
        let users = directory.users.values();
        users
            .filter(|user| user.number.is_some() || user.extension.is_some())
            .map(|user| External {
                user: user.id.clone(),
                provider: user.service_provider.clone(),
                group: user.group.clone(),
                reseller: directory.reseller_of(user).map(str::to_owned),
                first_name: user.first_name.clone(),
                last_name: user.last_name.clone(),
                extension: user.extension.clone(),
                number: user.number.clone(),
                mobile: user.mobile.clone(),
            })
            .collect()
    }
}
