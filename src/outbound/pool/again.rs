//! What a request needs that may go out more than once.

use http::HeaderValue;
use http::Request;
use http::header::HOST;

use crate::outbound::request::RequestBody;
use crate::outbound::request::repeatable_copy;

/// Whether the request may be repeated after bytes of it were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spare {
    Allowed,
    Used,
}

impl Spare {
    pub(super) fn copy(self, request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
        match self {
            Self::Allowed => repeatable_copy(request),
            Self::Used => None,
        }
    }
}

/// The client's `Host`, kept while an upstream wants another one, so that the next upstream gets
/// its due.
#[derive(Default)]
pub(super) struct ClientHost(Option<HeaderValue>);

impl ClientHost {
    pub(super) fn set(&mut self, request: &mut Request<RequestBody>, wanted: Option<&HeaderValue>) {
        if let Some(wanted) = wanted {
            let replaced = request.headers_mut().insert(HOST, wanted.clone());
            self.0 = self.0.take().or(replaced);
        } else if let Some(original) = self.0.take() {
            request.headers_mut().insert(HOST, original);
        }
    }
}
