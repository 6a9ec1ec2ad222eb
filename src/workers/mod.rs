//! What goes on by itself.

pub mod absence;
pub mod acme;
pub mod alarm_desk;
pub mod auth_desk;
pub mod blf_gate;
pub mod blf_tracker;
pub mod blf_webhook;
pub mod captures;
pub mod cert_desk;
pub mod cert_watch;
pub mod ci;
pub mod directory_sync;
pub mod drive;
pub mod event_hub;
pub mod file_watch;
pub mod internal_ca;
pub mod kept;
pub mod ocir_observer;
pub mod provisioner;
pub mod reconciler;
mod seed;
pub mod trust_usage;
pub mod upstream_health;
pub mod webex_partners;
