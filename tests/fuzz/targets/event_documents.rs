//! Documents found in a stream in pieces, by both readers, and what is seen in them.
#![no_main]

use libfuzzer_sys::fuzz_target;

use xspd::domain::events::framing::Framer;
use xspd::domain::events::framing::FramingFault;
use xspd::domain::events::framing::Sight;
use xspd::domain::events::framing::Watch;
use xspd::domain::events::peek;

/// Small, so that documents outgrow it.
const WINDOW: usize = 512;

type Found = Vec<Result<Vec<u8>, FramingFault>>;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says how large the pieces are.
    let Some((piece, stream)) = bytes.split_first() else {
        return;
    };
    let whole = watched(stream, stream.len());
    assert_eq!(whole, watched(stream, usize::from(*piece)));
    assert_eq!(whole, framed(stream, usize::from(*piece)));
    for document in whole.iter().flatten() {
        let _ = peek::document(document);
        let _ = peek::channel_asked(document);
        let _ = peek::event_answered(document);
        let _ = peek::packages(document).count();
    }
    let _ = peek::document(stream);
});

fn watched(stream: &[u8], piece: usize) -> Found {
    let mut watch = Watch::new(WINDOW);
    let mut found = Vec::new();
    for piece in stream.chunks(piece.max(1)) {
        watch.look(piece, |sight| {
            found.push(match sight {
                Sight::Document(document) => Ok(document.to_vec()),
                Sight::Flawed(flaw) => Err(flaw.into()),
                Sight::TooLarge => Err(FramingFault::TooLarge(WINDOW)),
            });
        });
    }
    found
}

fn framed(stream: &[u8], piece: usize) -> Found {
    let mut framer = Framer::new(WINDOW);
    let mut found = Vec::new();
    for piece in stream.chunks(piece.max(1)) {
        framer.push(piece);
        loop {
            match framer.document() {
                Ok(Some(document)) => found.push(Ok(document.to_vec())),
                Ok(None) => break,
                Err(fault) => found.push(Err(fault)),
            }
        }
    }
    found
}
