//! How the lab's Application Server reports, as JSON: what is given changes, what is left out stays.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

/// The longest time that can be set: a day, as `connectionPingIntervalSeconds`.
const LONGEST: u64 = 24 * 3600 * 1000;

/// How it reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Who may connect: the OCI reporting access list.
    pub access: Vec<IpAddr>,
    /// `connectionPingIntervalSeconds`, in milliseconds.
    pub ping_ms: u64,
    /// Write each byte on its own.
    pub split: bool,
    /// Neither ping nor report; connections stay.
    pub silent: bool,
    /// How many of the last reports are sent once more when a host comes back.
    pub replay: usize,
    /// Reports that wait for a host while it is away; older ones are dropped.
    pub backlog: usize,
    /// Commands that go into one document when more than one waits.
    pub together: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            ping_ms: 15_000,
            split: false,
            silent: false,
            replay: 0,
            backlog: 1000,
            together: 1,
        }
    }
}

impl Settings {
    /// These, changed by a JSON object.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn over(&self, body: &[u8]) -> Result<Self, String> {
        let mut held = serde_json::to_value(self).map_err(|error| error.to_string())?;
        let given: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let (Value::Object(fields), Value::Object(given)) = (&mut held, given) else {
            return Err("expected an object".to_owned());
        };
        fields.extend(given);
        let settings: Self = serde_json::from_value(held).map_err(|error| error.to_string())?;
        if !(1..=LONGEST).contains(&settings.ping_ms) {
            return Err(format!("ping-ms is 1 to {LONGEST}"));
        }
        if !(1..=15).contains(&settings.together) {
            return Err("together is 1 to 15".to_owned());
        }
        if settings.backlog > 100_000 || settings.replay > 1000 || settings.access.len() > 100 {
            return Err("backlog is at most 100000, replay 1000, access 100".to_owned());
        }
        Ok(settings)
    }

    pub(super) fn lets_in(&self, address: IpAddr) -> bool {
        self.access.contains(&address.to_canonical())
    }

    pub(super) const fn ping(&self) -> Duration {
        Duration::from_millis(self.ping_ms)
    }
}
