//! Which calls came, and what became of them.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::Value;
use serde_json::json;

use crate::lab::webex::api::operation::Operation;
use crate::lab::webex::api::world::At;

/// Calls that are kept; the oldest go first.
const MOST: usize = 2000;

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Which; `None` for what is no operation.
    pub operation: Option<Operation>,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its query, as it came.
    pub query: String,
    /// Its body, where that is JSON and holds no secret.
    pub body: Option<Value>,
    /// Its name in the logs of both sides.
    pub tracking: String,
    /// The status of the answer; `None` when the connection was cut instead.
    pub status: Option<u16>,
    pub(super) at: At,
}

impl Call {
    fn document(&self) -> Value {
        json!({
            "operation": self.operation.map(Operation::as_str),
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "body": self.body,
            "tracking-id": self.tracking,
            "status": self.status,
            "at": self.at.iso(),
        })
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Record(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    calls: VecDeque<Call>,
    /// By operation and status; status 0 is a cut connection.
    counts: BTreeMap<(Operation, u16), u64>,
}

impl Record {
    pub(super) fn keep(&self, call: Call) {
        let mut inner = self.inner();
        if let Some(operation) = call.operation {
            let status = call.status.unwrap_or_default();
            *inner.counts.entry((operation, status)).or_default() += 1;
        }
        if inner.calls.len() >= MOST {
            inner.calls.pop_front();
        }
        inner.calls.push_back(call);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.inner().calls.iter().cloned().collect()
    }

    pub(super) fn count(&self, operation: Operation) -> u64 {
        let inner = self.inner();
        let own = inner
            .counts
            .iter()
            .filter(|((held, _), _)| *held == operation);
        own.map(|(_, count)| *count).sum()
    }

    /// The counts, by operation and status.
    pub(super) fn counts(&self) -> Value {
        let inner = self.inner();
        let mut document = serde_json::Map::new();
        for operation in Operation::ALL {
            let own = inner
                .counts
                .iter()
                .filter(|((held, _), _)| *held == operation);
            let mut entry = serde_json::Map::new();
            let mut total = 0;
            for ((_, status), count) in own {
                total += count;
                let name = match status {
                    0 => "cut".to_owned(),
                    status => status.to_string(),
                };
                entry.insert(name, json!(count));
            }
            entry.insert("total".to_owned(), json!(total));
            document.insert(operation.as_str().to_owned(), Value::Object(entry));
        }
        Value::Object(document)
    }

    /// The calls as JSON, oldest first.
    pub(super) fn document(&self) -> Value {
        self.inner().calls.iter().map(Call::document).collect()
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        *self.inner() = Inner::default();
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
