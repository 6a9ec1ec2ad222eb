//! Where documents begin and end in a stream of bytes, in whatever pieces it comes.
//!
//! Depth is counted with a scanner that knows just enough XML to not be fooled: quotes, comments,
//! CDATA, processing instructions, self-closed tags. Nothing is kept but a few bytes of state, so
//! each byte is looked at once, and most of them by `memchr`. Names of end tags are not compared:
//! who reads a document finds that out, and a border found late is found again at the next
//! prolog.

use memchr::memchr;
use memchr::memchr2;
use memchr::memchr3;

/// What every document on a channel begins with (field page, section 1.3), and what the scanner
/// looks for once it has lost its place. A blank follows.
pub(super) const PROLOG: &[u8; 5] = b"<?xml";

/// What stands between `<![` and the text of a CDATA section.
const CDATA: &[u8; 6] = b"CDATA[";

/// A place in the stream. Every mark says how many of the bytes given were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A document begins with the last byte taken.
    Begin,
    /// A document ends with the last byte taken.
    End,
    /// A document begins with the [`PROLOG`] that was just taken, whatever came before it. `lost`
    /// when an unfinished one had begun.
    Restart {
        /// Whether a document broke off here.
        lost: bool,
    },
    /// What comes here is no document; the next mark is a restart.
    Broken(Flaw),
}

/// Why a stretch of a stream is not looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It declares a document type, the door to entities; no BroadWorks document does.
    Declared,
    /// It is not XML.
    Malformed,
}

/// The scanner.
#[derive(Debug)]
pub(super) struct Scanner {
    place: Place,
    /// Open elements.
    depth: u32,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between documents.
    Between,
    /// `<!`
    Bang,
    /// `<!-`
    BangDash,
    /// `<![` and this many bytes of [`CDATA`].
    BangCdata(u8),
    /// In a CDATA section, after this many `]`, up to two.
    Cdata(u8),
    /// In a comment, after this many `-`, up to two.
    Comment(u8),
    /// In an end tag.
    EndTag,
    /// Looking for the next prolog; this many bytes of it have been seen.
    Lost(u8),
    /// `<`; `first` when the document begins with it.
    Open { first: bool },
    /// In a processing instruction; `mark` after a `?`.
    Instruction { mark: bool },
    /// `<?` and this many bytes of `xml`.
    Target { seen: u8, first: bool },
    /// In the value of an attribute, up to this quote.
    Quoted(u8),
    /// In a start tag; `slash` after a `/`.
    StartTag { slash: bool },
    /// In the content of the root, or before it.
    Text,
}

impl Scanner {
    /// At the start of a stream.
    pub(super) const fn new() -> Self {
        Self {
            place: Place::Between,
            depth: 0,
        }
    }

    /// Goes on to the next mark. `None`: all bytes are taken.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each place; taken apart, the places could not be read side by side"
    )]
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Option<(usize, Mark)> {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..)?;
            let first = *rest.first()?;
            // Each arm says how many bytes it takes, and where the scanner is then.
            let (taken, place) = match self.place {
                Place::Between => match first {
                    b'<' => {
                        self.place = Place::Open { first: true };
                        return Some((at + 1, Mark::Begin));
                    }
                    _ if is_gap(first) => (1, Place::Between),
                    _ => return Some(self.lose(at, Flaw::Malformed)),
                },
                Place::Open { first: begins } => match first {
                    b'/' if self.depth > 0 => (1, Place::EndTag),
                    b'!' => (1, Place::Bang),
                    b'?' => {
                        let target = Place::Target {
                            seen: 0,
                            first: begins,
                        };
                        (1, target)
                    }
                    _ if is_name_start(first) => (1, Place::StartTag { slash: false }),
                    _ => return Some(self.lose(at, Flaw::Malformed)),
                },
                Place::StartTag { slash } => match memchr3(b'>', b'"', b'\'', rest) {
                    None => (rest.len(), slash_at_end(rest)),
                    Some(found) if rest.get(found) != Some(&b'>') => {
                        let quote = rest.get(found).copied().unwrap_or(b'"');
                        (found + 1, Place::Quoted(quote))
                    }
                    Some(found) => {
                        let closed = match found.checked_sub(1) {
                            Some(before) => rest.get(before) == Some(&b'/'),
                            None => slash,
                        };
                        if closed && self.depth == 0 {
                            self.place = Place::Between;
                            return Some((at + found + 1, Mark::End));
                        }
                        if !closed {
                            self.depth = self.depth.saturating_add(1);
                        }
                        (found + 1, Place::Text)
                    }
                },
                Place::Quoted(quote) => match memchr2(quote, b'<', rest) {
                    None => (rest.len(), self.place),
                    Some(found) if rest.get(found) == Some(&quote) => {
                        (found + 1, Place::StartTag { slash: false })
                    }
                    Some(found) => return Some(self.lose(at + found, Flaw::Malformed)),
                },
                Place::Text if self.depth == 0 => match first {
                    b'<' => (1, Place::Open { first: false }),
                    _ if is_gap(first) => (1, Place::Text),
                    _ => return Some(self.lose(at, Flaw::Malformed)),
                },
                Place::Text => match memchr(b'<', rest) {
                    None => (rest.len(), Place::Text),
                    Some(found) => (found + 1, Place::Open { first: false }),
                },
                Place::EndTag => match memchr2(b'>', b'<', rest) {
                    None => (rest.len(), Place::EndTag),
                    Some(found) if rest.get(found) == Some(&b'<') => {
                        return Some(self.lose(at + found, Flaw::Malformed));
                    }
                    Some(found) => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            self.place = Place::Between;
                            return Some((at + found + 1, Mark::End));
                        }
                        (found + 1, Place::Text)
                    }
                },
                Place::Target {
                    seen,
                    first: begins,
                } => {
                    let name = PROLOG.get(2 + usize::from(seen));
                    if Some(&first) == name {
                        let target = Place::Target {
                            seen: seen + 1,
                            first: begins,
                        };
                        (1, target)
                    } else if name.is_none() && first.is_ascii_whitespace() && !begins {
                        // `xml` is a document's first word and nothing else's.
                        return Some(self.restart(at));
                    } else {
                        (0, Place::Instruction { mark: false })
                    }
                }
                Place::Instruction { mark } => match first {
                    b'>' if mark => (1, Place::Text),
                    b'?' => (1, Place::Instruction { mark: true }),
                    _ => match memchr(b'?', rest) {
                        None => (rest.len(), Place::Instruction { mark: false }),
                        Some(found) => (found + 1, Place::Instruction { mark: true }),
                    },
                },
                Place::Bang => match first {
                    b'-' => (1, Place::BangDash),
                    b'[' if self.depth > 0 => (1, Place::BangCdata(0)),
                    _ if self.depth == 0 => return Some(self.lose(at, Flaw::Declared)),
                    _ => return Some(self.lose(at, Flaw::Malformed)),
                },
                Place::BangDash => match first {
                    b'-' => (1, Place::Comment(0)),
                    _ => return Some(self.lose(at, Flaw::Malformed)),
                },
                Place::BangCdata(seen) => match CDATA.get(usize::from(seen)) {
                    Some(expected) if *expected == first => {
                        let whole = usize::from(seen) + 1 == CDATA.len();
                        let inside = Place::Cdata(0);
                        (
                            1,
                            if whole {
                                inside
                            } else {
                                Place::BangCdata(seen + 1)
                            },
                        )
                    }
                    Some(_) | None => return Some(self.lose(at, Flaw::Malformed)),
                },
                Place::Comment(seen) => {
                    let (taken, seen) = closing(rest, first, b'-', seen);
                    (taken, seen.map_or(Place::Text, Place::Comment))
                }
                Place::Cdata(seen) => {
                    let (taken, seen) = closing(rest, first, b']', seen);
                    (taken, seen.map_or(Place::Text, Place::Cdata))
                }
                Place::Lost(seen) => {
                    let expected = PROLOG.get(usize::from(seen)).copied();
                    if expected.is_none() && first.is_ascii_whitespace() {
                        return Some(self.restart(at));
                    }
                    if expected == Some(first) {
                        (1, Place::Lost(seen + 1))
                    } else {
                        match memchr(b'<', rest) {
                            None => (rest.len(), Place::Lost(0)),
                            Some(found) => (found + 1, Place::Lost(1)),
                        }
                    }
                }
            };
            at += taken;
            self.place = place;
        }
    }

    /// What comes is no document. The byte at `at` is not taken: it may begin the next one.
    const fn lose(&mut self, at: usize, flaw: Flaw) -> (usize, Mark) {
        self.place = Place::Lost(0);
        self.depth = 0;
        (at, Mark::Broken(flaw))
    }

    /// A prolog has been taken, up to the blank after its `xml`.
    fn restart(&mut self, at: usize) -> (usize, Mark) {
        let lost = !matches!(self.place, Place::Lost(_)) && self.depth > 0;
        self.place = Place::Instruction { mark: false };
        self.depth = 0;
        (at, Mark::Restart { lost })
    }
}

/// What ends with two of `byte` and a `>`: how many bytes are taken, and how many of them have
/// been seen then; `None` at its end.
fn closing(rest: &[u8], first: u8, byte: u8, seen: u8) -> (usize, Option<u8>) {
    if first == byte {
        return (1, Some((seen + 1).min(2)));
    }
    if seen == 2 && first == b'>' {
        return (1, None);
    }
    let taken = memchr(byte, rest).unwrap_or(rest.len());
    (taken, Some(0))
}

fn slash_at_end(rest: &[u8]) -> Place {
    Place::StartTag {
        slash: rest.last() == Some(&b'/'),
    }
}

/// White space and the bytes of a byte order mark.
const fn is_gap(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, 0xef | 0xbb | 0xbf)
}

const fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || byte >= 0x80
}
