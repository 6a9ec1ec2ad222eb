//! xspd stands between Webex and a Cisco BroadWorks XSP farm: it ends TLS and mutual TLS with the
//! Webex trust chain, relays the Xsi interfaces and AuthService, provisions users at
//! Webex, and takes in new certificates, trust and configuration while it runs.
//!
//! # The rooms
//!
//! | room | what happens there |
//! |---|---|
//! | [`app`] | wiring: build, run, reload, drain; the only room that knows all rooms |
//! | [`cli`] | one file per verb |
//! | [`config`] | from what was written to a proven [`config::Config`] |
//! | [`domain`] | decides, pure: no sockets, files, clock, async or logging |
//! | [`inbound`] | who calls us: listeners, connections, HTTP routing, refusals, the admin pages |
//! | [`jose`] | signed tokens, tokens encrypted to a client, keys: the computation only |
//! | [`lab`] | a stand-in for the outside world, over real sockets |
//! | [`outbound`] | whom we call: the pools of XSPs |
//! | [`platform`] | clock, tasks, files |
//! | [`store`] | what must survive a restart: wishes, jobs, customers, alarms, histories |
//! | [`telemetry`] | metrics, and the log lines that go with them |
//! | [`tls`] | all of rustls |
//! | [`workers`] | what goes on by itself: health checks, the watch over files |
//!
//! # Order
//!
//! A room may use what stands to its right; `tests/rules/layering.rs` holds it:
//! main > cli > {app, lab} > inbound > workers > {outbound, store} > {tls, jose} > telemetry >
//! config > domain; platform is under all but domain and config. The lab uses no jose, and the
//! store nothing but config, domain and platform.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod inbound;
pub mod jose;
pub mod lab;
pub mod outbound;
pub mod platform;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod workers;
