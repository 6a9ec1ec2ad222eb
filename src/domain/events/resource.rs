//! Which resource of Xsi-Events a path names (field page, section 1.1). Letter case does not
//! count; what is not known is [`Resource::Other`] and passes.

use http::Method;

/// Below which the XSP also serves its event context.
const CONTEXT: &[u8] = b"com.broadsoft.xsi-events";

/// A resource, as far as it concerns the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// A channel is asked for: the answer is a stream.
    ChannelAdd,
    /// A channel is changed or deleted.
    Channel(Box<[u8]>),
    /// A sign of life for a channel.
    HeartBeat(Box<[u8]>),
    /// An event is acknowledged; which one stands in the body.
    EventResponse,
    /// A subscription is made or changed; what to stands in the body.
    Subscription,
    /// Anything else.
    Other,
}

impl Resource {
    /// The resource of a request; `below` is its canonical path below the route's prefix.
    #[must_use]
    pub fn of(method: &Method, below: &[u8]) -> Self {
        let mut segments = below.split(|byte| *byte == b'/').skip(1);
        let mut version = segments.next().unwrap_or_default();
        if version.eq_ignore_ascii_case(CONTEXT) {
            version = segments.next().unwrap_or_default();
        }
        if !matches!(version.first(), Some(b'v' | b'V')) {
            return Self::Other;
        }
        let mut next = || segments.next();
        let rest = [next(), next(), next()];
        // A trailing slash says nothing.
        let more = segments.any(|segment| !segment.is_empty());
        if is(rest[0], b"channel") && !more {
            return Self::below_channel(method, rest[1].unwrap_or_default(), rest[2]);
        }
        let last = below.rsplit(|byte| *byte == b'/').find(|s| !s.is_empty());
        let before = below
            .split(|byte| *byte == b'/')
            .rev()
            .filter(|s| !s.is_empty())
            .nth(1);
        let body = matches!(*method, Method::POST | Method::PUT);
        if body && (is(last, b"subscription") || is(before, b"subscription")) {
            return Self::Subscription;
        }
        Self::Other
    }

    fn below_channel(method: &Method, second: &[u8], third: Option<&[u8]>) -> Self {
        let third = third.filter(|segment| !segment.is_empty());
        match (second, third) {
            (b"", None) if method == Method::POST => Self::ChannelAdd,
            (word, None) if word.eq_ignore_ascii_case(b"eventresponse") => {
                if method == Method::POST {
                    Self::EventResponse
                } else {
                    Self::Other
                }
            }
            (b"", None) => Self::Other,
            (id, None) => Self::Channel(id.into()),
            (id, Some(word)) if word.eq_ignore_ascii_case(b"heartbeat") => {
                Self::HeartBeat(id.into())
            }
            (_, Some(_)) => Self::Other,
        }
    }
}

fn is(segment: Option<&[u8]>, word: &[u8]) -> bool {
    segment.is_some_and(|segment| segment.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_resources_in_any_case_and_below_either_prefix() {
        let channel = || Resource::Channel(b"1-2".as_slice().into());
        let beat = || Resource::HeartBeat(b"1-2".as_slice().into());
        let table = [
            (Method::POST, "/v2.0/channel", Resource::ChannelAdd),
            (Method::POST, "/V2.0/Channel/", Resource::ChannelAdd),
            (
                Method::POST,
                "/com.broadsoft.Xsi-Events/v2.0/channel",
                Resource::ChannelAdd,
            ),
            (Method::GET, "/v2.0/channel", Resource::Other),
            (Method::PUT, "/v2.0/channel/1-2", channel()),
            (
                Method::DELETE,
                "/com.broadsoft.xsi-events/v2.0/channel/1-2",
                channel(),
            ),
            (Method::PUT, "/v2.0/channel/1-2/heartbeat", beat()),
            (Method::PUT, "/v2.0/CHANNEL/1-2/HeartBeat/", beat()),
            (Method::DELETE, "/v2.0/channel/1-2/1-2", Resource::Other),
            (Method::PUT, "/v2.0/channel/1/2/heartbeat", Resource::Other),
            (
                Method::POST,
                "/v2.0/channel/EventResponse",
                Resource::EventResponse,
            ),
            (
                Method::POST,
                "/v2.0/channel/eventresponse",
                Resource::EventResponse,
            ),
            (Method::GET, "/v2.0/channelset/x", Resource::Other),
            (
                Method::POST,
                "/v2.0/User/a@b/subscription",
                Resource::Subscription,
            ),
            (
                Method::POST,
                "/v2.0/user/a@b/subscription/Standard%20Call",
                Resource::Subscription,
            ),
            (Method::PUT, "/v2.0/subscription/77", Resource::Subscription),
            (Method::GET, "/v2.0/subscription/77", Resource::Other),
            (Method::GET, "/v2.0/versions", Resource::Other),
            (Method::POST, "/", Resource::Other),
            (Method::POST, "", Resource::Other),
            (Method::POST, "/x/channel", Resource::Other),
        ];
        for (method, path, resource) in table {
            assert_eq!(
                Resource::of(&method, path.as_bytes()),
                resource,
                "{method} {path}"
            );
        }
    }
}
