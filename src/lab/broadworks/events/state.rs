//! What the desk keeps: the machine, and where its documents go.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::lab::broadworks::events::Events;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::command::Piece;
use crate::lab::broadworks::events::envelope;
use crate::lab::broadworks::events::faults::Fault;
use crate::lab::broadworks::events::faults::Faults;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::stream::Part;
use crate::lab::broadworks::events::teller::Teller;
use crate::lab::broadworks::xsp::Xsp;

/// The event service with its streams and the fault in force.
pub(super) struct State {
    pub(super) events: Events,
    pub(super) teller: Teller,
    pub(super) streams: HashMap<ChannelId, Stream>,
    pub(super) faults: Faults,
    /// Set when the lab ends: a stream that began then would never end.
    pub(super) closed: bool,
}

/// The stream of a channel.
pub(super) struct Stream {
    pub(super) at: Xsp,
    pub(super) parts: mpsc::Sender<Part>,
}

impl State {
    /// A stream begins, with its first document where it has one.
    pub(super) fn begin(&mut self, channel: ChannelId, expires: u32, stream: Stream, begins: bool) {
        if begins {
            // The queue is empty.
            let opening = Part::Document(envelope::opening(channel, expires));
            drop(stream.parts.try_send(opening));
        }
        self.streams.insert(channel, stream);
    }

    /// Writes a document, or does with it what a fault says. A client that is too slow loses its
    /// channel.
    pub(super) fn write(
        &mut self,
        channel: ChannelId,
        what: Piece,
        document: Bytes,
    ) -> Option<Input> {
        let stream = self.streams.get(&channel)?;
        let at = stream.at;
        let mut parts = vec![document];
        let mut cut = false;
        match what {
            Piece::Echo => {
                if self.faults.strikes(Fault::WithholdEchoes, at) {
                    return None;
                }
            }
            Piece::Event(_) => {
                if self.faults.strikes(Fault::WithholdEvents, at) {
                    return None;
                }
                if self.faults.strikes(Fault::CutMidEvent, at) {
                    cut = true;
                    parts = parts
                        .into_iter()
                        .map(|document| document.slice(..document.len() / 2))
                        .collect();
                } else if self.faults.strikes(Fault::DuplicateEvents, at) {
                    parts.extend(parts.first().cloned());
                }
            }
            Piece::Terminated(_) => {}
        }
        for part in parts {
            cut |= stream.parts.try_send(Part::Document(part)).is_err();
        }
        if cut {
            self.streams.remove(&channel);
            return Some(Input::Lost(channel));
        }
        None
    }
}
