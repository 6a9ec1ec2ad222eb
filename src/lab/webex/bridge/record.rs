//! Which calls came to the bridges.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;

use http::HeaderName;
use http::header;
use http::request::Parts;
use serde_json::Value;
use serde_json::json;

use crate::lab::webex::api::Faults;

/// Calls that are kept; the oldest go first.
const MOST: usize = 500;

/// Headers that are kept.
const SHOWN: [HeaderName; 3] = [header::HOST, header::CONTENT_TYPE, header::USER_AGENT];

/// One call, without its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeCall {
    /// Its method.
    pub method: String,
    /// Its path, that of the bridge included.
    pub path: String,
    /// Its query, as it came.
    pub query: String,
    /// Some of its headers.
    pub headers: Vec<(String, String)>,
    /// Its body, byte for byte.
    pub body: Vec<u8>,
    /// The status of the answer; `None` when the connection was cut instead.
    pub status: Option<u16>,
}

impl BridgeCall {
    pub(super) fn new(head: &Parts, body: &[u8], status: Option<u16>) -> Self {
        let headers = SHOWN.iter().filter_map(|name| {
            let value = head.headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        });
        Self {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: headers.collect(),
            body: body.to_vec(),
            status,
        }
    }

    fn document(&self) -> Value {
        let headers = self.headers.iter();
        json!({
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": headers.map(|(name, value)| (name.clone(), json!(value))).collect::<Value>(),
            "body": String::from_utf8_lossy(&self.body),
            "status": self.status,
        })
    }
}

/// What the bridges have seen, and what they are to do wrong.
#[derive(Debug, Default)]
pub(in crate::lab::webex) struct Bridge {
    calls: Mutex<VecDeque<BridgeCall>>,
    pub(in crate::lab::webex) faults: Faults,
}

impl Bridge {
    pub(super) fn keep(&self, call: BridgeCall) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() >= MOST {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    /// The calls that came, oldest first.
    pub(in crate::lab::webex) fn calls(&self) -> Vec<BridgeCall> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().cloned().collect()
    }

    /// The same as JSON.
    pub(in crate::lab::webex) fn document(&self) -> Value {
        self.calls().iter().map(BridgeCall::document).collect()
    }
}
