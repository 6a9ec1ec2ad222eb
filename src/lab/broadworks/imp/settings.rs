//! How the lab's Application Server writes its calls, as JSON: what is given changes, what is left
//! out stays.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

/// The longest time limit that can be set.
const LONGEST: u64 = 10 * 60 * 1000;

/// How calls are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Paths and body.
    pub form: Form,
    /// How a removal is asked for.
    pub removal: Removal,
    /// Encoding of bodies.
    pub charset: Charset,
    /// Version of HTTP.
    pub http: Version,
    /// Whether bodies come in chunks instead of with their length; HTTP/1.1 only.
    pub chunked: bool,
    /// When credentials are sent.
    pub authorization: Authorization,
    /// Time limit of a call in milliseconds. What a real server waits for is not known.
    pub timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            form: Form::BwaAdapter1,
            removal: Removal::Query,
            charset: Charset::Utf8,
            http: Version::Http11,
            chunked: false,
            authorization: Authorization::AtOnce,
            timeout_ms: 30_000,
        }
    }
}

/// Paths and body of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `bwa-adapter/1`: the provisioning URL itself, and a `subscriberProfile`.
    #[serde(rename = "bwa-adapter/1")]
    BwaAdapter1,
    /// As the client for guests is known to call: paths below `userservice`, and an
    /// `impSubscriberProfile`.
    Userservice,
}

/// How a removal is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// `POST` of a profile whose service is not active.
    Flag,
    /// `DELETE …/userservice/subscriber/<user id>`.
    Path,
    /// `DELETE …?bwUserId=<user id>`.
    Query,
}

/// Encoding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Charset {
    /// ISO-8859-1, declared.
    #[serde(rename = "iso-8859-1")]
    Latin1,
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
}

/// Version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// HTTP/1.0.
    #[serde(rename = "1.0")]
    Http10,
    /// HTTP/1.1.
    #[serde(rename = "1.1")]
    Http11,
}

/// When credentials are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authorization {
    /// Once the messaging server has asked for them with 401.
    #[serde(rename = "after-401")]
    After401,
    /// With the first request.
    AtOnce,
    /// Not at all.
    Never,
}

impl Settings {
    /// These, changed by a JSON object.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn over(&self, body: &[u8]) -> Result<Self, String> {
        let mut held = serde_json::to_value(self).map_err(|error| error.to_string())?;
        let given: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let (Value::Object(held_fields), Value::Object(given)) = (&mut held, given) else {
            return Err("expected an object".to_owned());
        };
        held_fields.extend(given);
        let settings: Self = serde_json::from_value(held).map_err(|error| error.to_string())?;
        if !(1..=LONGEST).contains(&settings.timeout_ms) {
            return Err(format!("timeout-ms is 1 to {LONGEST}"));
        }
        if settings.chunked && settings.http == Version::Http10 {
            return Err("HTTP/1.0 has no chunks".to_owned());
        }
        Ok(settings)
    }
}
