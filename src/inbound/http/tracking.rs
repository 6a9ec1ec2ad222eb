//! Tracking ids: Webex sends one with each request and support asks for it; a request without
//! one gets ours, so that our log, the XSP's log and the client's answer can be matched.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

/// The Webex header.
pub(in crate::inbound) const TRACKING_ID: HeaderName = HeaderName::from_static("trackingid");

/// Longest id believed; Webex's own have some 60 characters.
const LONGEST: usize = 128;

const PREFIX: &[u8] = b"XSPD_";
const DIGITS: usize = 32;

/// Makes ids that strangers cannot foresee, without a system call.
#[derive(Default)]
pub struct TrackingIds {
    high: RandomState,
    low: RandomState,
    next: AtomicU64,
}

impl TrackingIds {
    /// The id of a request: its own if it is harmless, else a new one, set in `headers`.
    pub(super) fn settle(&self, headers: &mut HeaderMap) -> HeaderValue {
        let mut sent = headers.get_all(&TRACKING_ID).iter();
        if let (Some(only), None) = (sent.next(), sent.next())
            && is_harmless(only.as_bytes())
        {
            return only.clone();
        }
        let id = self.fresh();
        headers.insert(TRACKING_ID, id.clone());
        id
    }

    /// An id that nobody had before.
    pub(in crate::inbound) fn fresh(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let halves = [self.high.hash_one(number), self.low.hash_one(number)];
        let mut text = [0_u8; PREFIX.len() + DIGITS];
        let nibbles = halves
            .iter()
            .flat_map(|half| half.to_be_bytes())
            .flat_map(|byte| [byte >> 4, byte & 15]);
        let letters = nibbles.map(|nibble| match nibble {
            0..=9 => b'0' + nibble,
            _ => b'a' + nibble - 10,
        });
        for (place, letter) in text.iter_mut().zip(PREFIX.iter().copied().chain(letters)) {
            *place = letter;
        }
        HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("XSPD_"))
    }
}

fn is_harmless(id: &[u8]) -> bool {
    !id.is_empty() && id.len() <= LONGEST && id.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(sent: &[&str]) -> (HeaderValue, HeaderMap) {
        let mut headers = HeaderMap::new();
        for id in sent {
            headers.append(TRACKING_ID, HeaderValue::from_bytes(id.as_bytes()).unwrap());
        }
        let id = TrackingIds::default().settle(&mut headers);
        (id, headers)
    }

    #[test]
    fn a_harmless_id_is_kept_and_any_other_replaced() {
        let longest = "a".repeat(LONGEST);
        for kept in [
            "NA_11111111-2222-3333-4444-555555555555",
            "x",
            longest.as_str(),
        ] {
            let (id, headers) = settle(&[kept]);
            assert_eq!(id, kept);
            assert_eq!(headers[TRACKING_ID], kept);
        }
        let too_long = "a".repeat(LONGEST + 1);
        let replaced: [&[&str]; 6] = [
            &[],
            &[""],
            &["a b"],
            &["a", "b"],
            &["é"],
            &[too_long.as_str()],
        ];
        for sent in replaced {
            let (id, headers) = settle(sent);
            let text = id.to_str().unwrap();
            assert!(text.starts_with("XSPD_") && text.len() == 37, "{text}");
            assert_eq!(
                headers.get_all(TRACKING_ID).iter().collect::<Vec<_>>(),
                [text]
            );
        }
    }

    #[test]
    fn no_two_ids_are_alike() {
        let ids = TrackingIds::default();
        let made: std::collections::HashSet<_> = (0..1000).map(|_| ids.fresh()).collect();
        assert_eq!(made.len(), 1000);
    }
}
