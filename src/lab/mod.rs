//! A stand-in for the outside world, over real sockets: a BroadWorks, the parts of Webex where its
//! users sign in and are provisioned, and certificates as Webex and public CAs issue them.
//!
//! Nothing outside `lab` and `cli` may use it; the daemon cannot know that it is there.

mod accept;
pub mod broadworks;
pub mod pki;
pub mod scenario;
pub mod webex;
