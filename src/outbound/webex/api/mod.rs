//! The public Webex APIs by which subscribers are provisioned (`webex-broadworks.json` of
//! github.com/webex/webex-openapi-specs, and the people and organizations of the same source).
//!
//! * [`Request`]: one call as it goes out. Its body is made of strict types: exact names, absent
//!   fields left out, nothing null.
//! * [`PartnerClient`]: sends one, and reads the answer as far as all have it in common.
//! * `subscribers`, `enterprises`, `workspaces`, `people`, `organizations`: the bodies both ways.
//!   Answers are read liberally in the places where the published examples contradict their own
//!   schema (`liberal`), members that we do not know are passed over, and a status that we do not
//!   know is kept as it is written.
//!
//! When to call, how often, and what to make of a failure is decided elsewhere.

mod client;
pub mod enterprises;
mod failure;
mod liberal;
mod link;
pub mod organizations;
pub mod people;
mod request;
pub mod subscribers;
pub mod workspaces;

pub use client::PartnerClient;
pub use client::Reply;
pub use failure::TEXT_CHARACTERS;
pub use failure::unreadable;
pub use link::Cursor;
pub use request::Request;
