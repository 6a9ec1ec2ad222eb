//! Whole documents out of a stream of bytes: [`Watch`] for those who relay it and look on,
//! [`Framer`] for those who read it.

use bytes::Bytes;
use bytes::BytesMut;

use crate::domain::events::scanner::Mark;
use crate::domain::events::scanner::PROLOG;
use crate::domain::events::scanner::Scanner;

pub use crate::domain::events::scanner::Flaw;

/// What a watch sees in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight<'a> {
    /// A whole document, from its prolog to the end of its root.
    Document(&'a [u8]),
    /// A stretch that is not looked into.
    Flawed(Flaw),
    /// A document larger than the window; it is not looked into.
    TooLarge,
}

/// Looks on while a stream passes. It holds nothing back and changes nothing, and keeps a copy
/// only of a document that comes in more than one piece, up to its window.
#[derive(Debug)]
pub struct Watch {
    scanner: Scanner,
    window: usize,
    /// What came of the present document in earlier pieces.
    kept: Vec<u8>,
    inside: Inside,
}

/// Where in a document the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// In none.
    Nothing,
    /// In one that is looked into.
    Document,
    /// In one that has outgrown the window.
    TooLarge,
}

impl Watch {
    /// Looks into documents of up to `window` bytes.
    #[must_use]
    pub const fn new(window: usize) -> Self {
        Self {
            scanner: Scanner::new(),
            window,
            kept: Vec::new(),
            inside: Inside::Nothing,
        }
    }

    /// Looks at the next piece of the stream.
    pub fn look(&mut self, piece: &[u8], mut see: impl FnMut(Sight<'_>)) {
        let mut at = 0;
        // Where in this piece the present document goes on.
        let mut from = 0;
        while let Some((taken, mark)) = self.scanner.scan(piece.get(at..).unwrap_or_default()) {
            at += taken;
            match mark {
                Mark::Begin => {
                    self.inside = Inside::Document;
                    from = at.saturating_sub(1);
                }
                Mark::End => {
                    let end = piece.get(from..at).unwrap_or_default();
                    self.end(end, &mut see);
                    from = at;
                }
                Mark::Restart { lost } => {
                    if lost && self.inside == Inside::Document {
                        see(Sight::Flawed(Flaw::Malformed));
                    }
                    self.kept = PROLOG.to_vec();
                    self.inside = Inside::Document;
                    from = at;
                }
                Mark::Broken(flaw) => {
                    self.forget();
                    see(Sight::Flawed(flaw));
                    from = at;
                }
            }
        }
        if self.inside == Inside::Document {
            let rest = piece.get(from..).unwrap_or_default();
            if self.kept.len() + rest.len() > self.window {
                self.kept = Vec::new();
                self.inside = Inside::TooLarge;
                see(Sight::TooLarge);
            } else {
                self.kept.extend_from_slice(rest);
            }
        }
    }

    fn end(&mut self, end: &[u8], see: &mut impl FnMut(Sight<'_>)) {
        match self.inside {
            Inside::Nothing | Inside::TooLarge => {}
            Inside::Document if self.kept.len() + end.len() > self.window => see(Sight::TooLarge),
            Inside::Document if self.kept.is_empty() => see(Sight::Document(end)),
            Inside::Document => {
                self.kept.extend_from_slice(end);
                see(Sight::Document(&self.kept));
            }
        }
        self.forget();
    }

    /// An idle stream holds no memory.
    fn forget(&mut self) {
        self.kept = Vec::new();
        self.inside = Inside::Nothing;
    }
}

/// Why the next document cannot be had. The stream goes on after it: the next call looks for the
/// next document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FramingFault {
    /// It declares a document type.
    #[error("the stream declares a document type")]
    Declared,
    /// What comes is not XML.
    #[error("the stream is not XML")]
    Malformed,
    /// A document is larger than allowed.
    #[error("a document of the stream is larger than {0} bytes")]
    TooLarge(usize),
}

impl From<Flaw> for FramingFault {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Declared => Self::Declared,
            Flaw::Malformed => Self::Malformed,
        }
    }
}

/// Gathers a stream and gives whole documents.
///
/// Take documents until there is none before the next [`Framer::push`]: then it never holds more
/// than one document of the largest size and one piece.
#[derive(Debug)]
pub struct Framer {
    scanner: Scanner,
    most: usize,
    buffer: BytesMut,
    /// How much of the buffer is scanned.
    scanned: usize,
    inside: Inside,
}

impl Framer {
    /// Gives documents of up to `most` bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            scanner: Scanner::new(),
            most,
            buffer: BytesMut::new(),
            scanned: 0,
            inside: Inside::Nothing,
        }
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// Bytes held now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole document; `None` until more has come.
    ///
    /// # Errors
    /// [`FramingFault`]; the next call goes on behind it.
    pub fn document(&mut self) -> Result<Option<Bytes>, FramingFault> {
        loop {
            let unseen = self.buffer.get(self.scanned..).unwrap_or_default();
            let Some((taken, mark)) = self.scanner.scan(unseen) else {
                self.scanned = self.buffer.len();
                return self.wait();
            };
            self.scanned += taken;
            match mark {
                Mark::Begin => {
                    self.drop_scanned_but(1);
                    self.inside = Inside::Document;
                }
                Mark::End => {
                    let document = self.take_scanned();
                    let whole = std::mem::replace(&mut self.inside, Inside::Nothing);
                    match whole {
                        Inside::Document if document.len() > self.most => {
                            return Err(FramingFault::TooLarge(self.most));
                        }
                        Inside::Document => return Ok(Some(document.freeze())),
                        Inside::Nothing | Inside::TooLarge => {}
                    }
                }
                Mark::Restart { lost } => {
                    self.drop_scanned_but(PROLOG.len());
                    let before = std::mem::replace(&mut self.inside, Inside::Document);
                    if lost && before == Inside::Document {
                        return Err(FramingFault::Malformed);
                    }
                }
                Mark::Broken(flaw) => {
                    self.drop_scanned_but(0);
                    self.inside = Inside::Nothing;
                    return Err(flaw.into());
                }
            }
        }
    }

    /// Everything is scanned, and no document is whole.
    fn wait(&mut self) -> Result<Option<Bytes>, FramingFault> {
        match self.inside {
            Inside::Document if self.buffer.len() > self.most => {
                self.inside = Inside::TooLarge;
                self.drop_scanned_but(PROLOG.len());
                Err(FramingFault::TooLarge(self.most))
            }
            Inside::Document => Ok(None),
            // A prolog may have begun.
            Inside::Nothing | Inside::TooLarge => {
                self.drop_scanned_but(PROLOG.len());
                Ok(None)
            }
        }
    }

    fn drop_scanned_but(&mut self, kept: usize) {
        let gone = self.scanned.saturating_sub(kept);
        bytes::Buf::advance(&mut self.buffer, gone);
        self.scanned -= gone;
    }

    fn take_scanned(&mut self) -> BytesMut {
        let document = self.buffer.split_to(self.scanned);
        self.scanned = 0;
        document
    }
}

#[cfg(test)]
mod tests;
