//! A request to an API of operators: what it asks, and our name of it in the answer.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderValue;
use http::request::Parts;

use crate::inbound::admin::Admin;
use crate::inbound::endpoints::operations::Ask;
use crate::inbound::http::TRACKING_ID;

/// What is held of a request while it is answered.
pub(super) struct Asked {
    parts: Parts,
    address: IpAddr,
    tracking_id: HeaderValue,
}

impl Asked {
    /// Names a request and takes its body off.
    pub(super) fn new(admin: &Admin, address: IpAddr, request: Request) -> (Self, Body) {
        let (parts, body) = request.into_parts();
        let tracking_id = admin.tracking.fresh();
        let asked = Self {
            parts,
            address,
            tracking_id,
        };
        (asked, body)
    }

    pub(super) fn ask(&self) -> Ask<'_> {
        Ask {
            method: &self.parts.method,
            path: self.parts.uri.path(),
            query: self.parts.uri.query(),
            headers: &self.parts.headers,
            address: self.address,
            tracking_id: self.tracking_id.to_str().unwrap_or_default(),
        }
    }

    /// Writes our name of the request into its answer.
    pub(super) fn named(self, mut response: Response<Body>) -> Response<Body> {
        response.headers_mut().insert(TRACKING_ID, self.tracking_id);
        response
    }
}
