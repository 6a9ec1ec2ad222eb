//! The real daemon over real sockets.

mod acme;
mod alarms;
mod auth_service;
mod blf_api;
mod blf_tracker;
mod broadworks_ocip;
mod cert_renewal;
mod certificates;
mod cti;
mod drain;
mod events_relay;
mod input;
mod lab;
mod live;
mod mtls;
mod ocip_client;
mod ocir_observer;
mod operator;
mod passthrough;
mod prism;
mod provisioning;
mod recorder;
mod relay;
mod stage;
mod webex_api;
mod webex_client;
