//! Users' tokens of Cisco's Common Identity (CI): what can be judged without asking, and how the
//! answers of those who are asked are read.
//!
//! * [`clusters`]: whom to ask where.
//! * [`presented`]: a token as it comes, before anybody is asked.
//! * [`answer`]: what the token-info service says of it.
//! * [`grant`]: the service token that we ask with.
//! * [`federation`]: whose tokens are taken.
//! * [`session`]: when the service token and the federation list are renewed, by its [`rules`].
//! * [`cache`]: what was said a moment ago.

pub mod answer;
pub mod cache;
pub mod clusters;
pub mod federation;
pub mod grant;
pub mod presented;
pub mod refusal;
pub mod rules;
pub mod session;

/// A user whom Cisco has vouched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiUser {
    /// The user's BroadWorks id, as Cisco writes it.
    pub broadworks_user: String,
    /// The user's Webex organisation, when it was named.
    pub org: Option<String>,
}
