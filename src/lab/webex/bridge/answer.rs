//! What the bridge answers, in the XML namespace of its product line.

use http::HeaderValue;
use http::StatusCode;
use http::header;

use crate::domain::xsi::codec::Document;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::Encoding;
use crate::domain::xsi::codec::write_xml;
use crate::lab::webex::api::answer;
use crate::lab::webex::api::answer::Wire;

/// The namespace of all documents.
const NAMESPACE: &str = "http://broadsoft.com/schemas/BroadCloudOSS";

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Done, or there was nothing to do.
    Done,
    /// A guest was made.
    Guest,
    /// It is not done, for this reason.
    Refused(StatusCode, String),
    /// Begun, for this user.
    Started(String),
    /// Name or password is not the template's.
    Unauthorized,
}

impl Outcome {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Done | Self::Guest | Self::Started(_) => StatusCode::OK,
            Self::Refused(status, _) => *status,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
        }
    }

    pub(super) fn wire(&self) -> Wire {
        let status = self.status();
        let element = match self {
            Self::Done => Element::new("subscriberProfileResponse").with_leaf("status", "done"),
            Self::Guest => Element::new("impGuestSubscriberProfile")
                .with_leaf("impId", "guest1@guests.example.net")
                .with_leaf("impMucName", "room1")
                .with_leaf("impOwnerId", "alice@example.net")
                .with_leaf("domain", "guests.example.net"),
            Self::Refused(_, why) => Element::new("error").with_leaf("message", why),
            Self::Started(user) => Element::new("subscriberProfileResponse")
                .with_leaf("status", "started")
                .with_leaf("bwUserId", user),
            Self::Unauthorized => Element::new("error")
                .with_leaf("message", "the account is not that of the template"),
        };
        let document = Document::new(element.declare(None, NAMESPACE));
        let text = String::from_utf8_lossy(&write_xml(&document, Encoding::Utf8)).into_owned();
        let mut wire = answer::text(status, "application/xml; charset=UTF-8", text);
        if *self == Self::Unauthorized {
            let challenge = HeaderValue::from_static("Basic realm=\"provisioning\"");
            wire.headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        wire
    }
}
