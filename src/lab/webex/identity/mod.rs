//! The identity part of Webex: Common Identity, the IdP proxy and the federation list, on one
//! listener.

mod accept;
mod answer;
pub(super) mod body;
mod common_identity;
mod counts;
pub(super) mod credentials;
mod faults;
mod federation;
mod fetch;
pub(super) mod form;
mod idp_proxy;
mod lab_only;
mod route;
pub(super) mod tls;
mod tokens;

#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

use crate::lab::broadworks::BroadWorks;
use crate::lab::webex::Setup;
use crate::lab::webex::WebexError;
use crate::lab::webex::identity::fetch::Provider;
use crate::lab::webex::identity::tokens::Tokens;

pub(super) use accept::serve;
pub use counts::Counts;
pub use counts::Endpoint;
pub use faults::Fault;
pub use faults::Faults;
pub use faults::Script;
pub use faults::UnknownFault;

/// What the listener serves from.
#[derive(Debug)]
pub(super) struct Identity {
    broadworks: Directory,
    pub(super) issuer: String,
    tokens: Tokens,
    provider: Provider,
    pub(super) faults: Faults,
    pub(super) counts: Counts,
    tls: Arc<rustls::ServerConfig>,
}

impl Identity {
    pub(super) fn open(broadworks: Arc<BroadWorks>, setup: &Setup) -> Result<Self, WebexError> {
        Ok(Self {
            broadworks: Directory(broadworks),
            issuer: format!("https://localhost:{}/idb", setup.port),
            tokens: Tokens::new()?,
            provider: Provider::new(setup)?,
            faults: Faults::default(),
            counts: Counts::default(),
            tls: tls::server(&setup.server)?,
        })
    }
}

/// Which BroadWorks user a Webex user is: the provisioning that the lab leaves out.
struct Directory(Arc<BroadWorks>);

impl Directory {
    /// The BroadWorks user id of an e-mail address, user id or alternate id.
    fn user_id(&self, name: &str) -> Option<String> {
        let directory = self.0.directory();
        let by_email = || {
            directory.users.values().find(|user| {
                let email = user.email.as_deref();
                email.is_some_and(|email| email.eq_ignore_ascii_case(name))
            })
        };
        let user = directory.user(name).or_else(by_email)?;
        Some(user.id.clone())
    }
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Directory(…)")
    }
}
