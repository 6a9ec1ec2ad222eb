//! Another node asks which XSP holds a channel or sent an event.

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;
use http::request::Parts;

use crate::domain::events::whereabouts::Wanted;
use crate::inbound::http::AnswerBody;
use crate::inbound::http::Front;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::rescue;
use crate::platform::clock;
use crate::workers::event_hub::asked;

impl Front {
    /// Answers from what is known here; no further node is asked.
    pub(in crate::inbound::http) fn answer_neighbour(
        &self,
        parts: &Parts,
        mut ledger: Ledger,
    ) -> Response<AnswerBody> {
        let question = parts.uri.query().and_then(asked);
        let (status, text) = match question {
            _ if parts.method != Method::GET => (StatusCode::METHOD_NOT_ALLOWED, Bytes::new()),
            None => (StatusCode::BAD_REQUEST, Bytes::new()),
            Some((is_channel, id)) => {
                let wanted = if is_channel {
                    Wanted::Channel(&id)
                } else {
                    Wanted::Event(&id)
                };
                match self.hub.find(wanted, clock::mono()) {
                    Some(upstream) => (StatusCode::OK, upstream.as_bytes().to_vec().into()),
                    None => (StatusCode::NOT_FOUND, Bytes::new()),
                }
            }
        };
        ledger.status = Some(status);
        let mut response = Response::new(AnswerBody::own(text, ledger));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let plain = HeaderValue::from_static("text/plain;charset=UTF-8");
        headers.insert(header::CONTENT_TYPE, plain);
        headers.insert(header::SERVER, rescue::SERVER);
        response
    }
}
