//! What a stream's documents tell.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::domain::events::ending::Unseen;
use crate::domain::events::framing::Flaw;
use crate::domain::events::framing::Sight;
use crate::domain::events::framing::Watch;
use crate::domain::events::names;
use crate::domain::events::peek;
use crate::domain::events::peek::Seen;
use crate::workers::event_hub::OpenStream;
use crate::workers::event_hub::Tapped;
use crate::workers::event_hub::inner::memory;

/// What stands before the id of a session where channels are looked for; no channel's id has a
/// blank.
pub(super) const SESSION: &[u8] = b"session ";

/// Looks on while a stream passes.
#[derive(Debug)]
pub struct Looker {
    watch: Watch,
}

impl Looker {
    /// Looks into documents of up to `window` bytes.
    #[must_use]
    pub const fn new(window: usize) -> Self {
        Self {
            watch: Watch::new(window),
        }
    }

    /// The next piece passes.
    pub fn look(&mut self, piece: &Bytes, stream: &OpenStream, now: Instant) {
        self.watch.look(piece, |sight| {
            let unseen = match sight {
                Sight::Document(document) => return learn(document, stream, now),
                Sight::Flawed(Flaw::Declared) => Unseen::Declared,
                Sight::Flawed(Flaw::Malformed) => Unseen::Malformed,
                Sight::TooLarge => Unseen::TooLarge,
            };
            stream.shared().metrics.unseen(unseen);
            tell(None, stream);
        });
    }
}

/// The name under which the session of a cookie is known.
#[must_use]
pub fn session_name(id: &[u8]) -> Vec<u8> {
    [SESSION, id].concat()
}

fn learn(document: &[u8], stream: &OpenStream, now: Instant) {
    let shared = stream.shared();
    match peek::document(document) {
        Seen::Channel { id } => {
            if let Some(id) = id {
                stream.learn(id);
            }
        }
        Seen::HeartBeat => stream.pulse().echoed(now),
        Seen::Event { id, data } => {
            stream.event_passed();
            if let Some(id) = id {
                let mut inner = shared.inner();
                let memory = memory(&inner.rules);
                let (upstream, stream) = (stream.upstream(), stream.id());
                inner
                    .places
                    .event_passed(id, upstream, stream, now, &memory);
            }
            let place = data.and_then(names::place_of);
            if let (Some(name), None) = (data, place) {
                shared.unknown("event type", name);
            }
            shared.metrics.event(place.unwrap_or(names::OTHER_PLACE));
        }
        Seen::ChannelTerminated { reason } => {
            let reason = names::termination(reason);
            shared.metrics.terminated(stream.upstream(), reason);
        }
        Seen::ErrorInfo | Seen::Other => {}
    }
    tell(Some(document), stream);
}

/// Tells those who look on; `None`: something passed that nobody here can read.
fn tell(document: Option<&[u8]>, stream: &OpenStream) {
    let shared = stream.shared();
    if shared.tap.receiver_count() == 0 {
        return;
    }
    let tapped = Tapped {
        upstream: Arc::clone(stream.upstream()),
        channel: stream.channel().map(Arc::from),
        document: document.and_then(|document| shared.waiting.copy(document)),
    };
    // The last receiver may just have gone.
    drop(shared.tap.send(tapped));
}
