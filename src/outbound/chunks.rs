//! Takes the chunked coding of an answer off (RFC 9112, section 7.1), piece by piece as it comes.
//!
//! No bytes are copied, and none are kept: the state of a stream that rests is two words.

use bytes::Buf as _;
use bytes::Bytes;

/// Bytes of chunk extensions, and of trailers, that an answer may have in all; as in hyper. No XSP
/// sends either.
const SIDE_BYTES: u16 = 16 * 1024;

/// Digits of a chunk's size that fit.
const DIGITS: u8 = 16;

/// The decoder.
#[derive(Debug)]
pub(super) struct Chunks {
    state: State,
    /// Bytes of extensions and trailers that are left.
    side: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the size, so many digits of it read.
    Size { size: u64, digits: u8 },
    /// Behind the size, before the end of its line.
    Extension { size: u64 },
    /// Before the line feed behind the size.
    SizeEnd { size: u64 },
    /// In the data.
    Data { left: u64 },
    /// Before the carriage return behind the data.
    DataReturn,
    /// Before the line feed behind the data.
    DataEnd,
    /// At the start of a line of the trailer section.
    TrailerStart,
    /// Within one.
    Trailer,
    /// Before the last line feed.
    LastEnd,
    /// Behind it.
    End,
}

/// What the bytes at hand amount to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The next piece of content.
    Data(Bytes),
    /// There is no more content.
    End,
    /// They are used up.
    More,
}

/// The coding is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the chunked coding is malformed")]
pub(super) struct Malformed;

impl Chunks {
    /// At the start of an answer's body.
    pub(super) const fn new() -> Self {
        Self {
            state: State::Size { size: 0, digits: 0 },
            side: SIDE_BYTES,
        }
    }

    /// Takes the next piece of content from what has come.
    pub(super) fn step(&mut self, bytes: &mut Bytes) -> Result<Step, Malformed> {
        loop {
            match self.state {
                State::End => return Ok(Step::End),
                State::Data { left } if bytes.has_remaining() => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let data = bytes.split_to(here);
                    self.state = match left - here as u64 {
                        0 => State::DataReturn,
                        left => State::Data { left },
                    };
                    return Ok(Step::Data(data));
                }
                _ => match bytes.first().copied() {
                    None => return Ok(Step::More),
                    Some(byte) => {
                        bytes.advance(1);
                        self.state = self.after(byte)?;
                    }
                },
            }
        }
    }

    fn after(&mut self, byte: u8) -> Result<State, Malformed> {
        Ok(match (self.state, byte) {
            (State::Size { size, digits }, _) => match char::from(byte).to_digit(16) {
                Some(digit) if digits < DIGITS => State::Size {
                    size: size << 4 | u64::from(digit),
                    digits: digits + 1,
                },
                Some(_) => return Err(Malformed),
                None if digits == 0 => return Err(Malformed),
                None => self.behind_size(size, byte)?,
            },
            (State::Extension { size }, _) => self.behind_size(size, byte)?,
            (State::SizeEnd { size: 0 }, b'\n') => State::TrailerStart,
            (State::SizeEnd { size }, b'\n') => State::Data { left: size },
            (State::DataReturn, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => State::Size { size: 0, digits: 0 },
            (State::TrailerStart, b'\r') => State::LastEnd,
            (State::Trailer, b'\n') => State::TrailerStart,
            (State::TrailerStart | State::Trailer, _) => {
                self.count()?;
                State::Trailer
            }
            (State::LastEnd, b'\n') => State::End,
            (
                State::SizeEnd { .. }
                | State::DataReturn
                | State::DataEnd
                | State::LastEnd
                | State::Data { .. }
                | State::End,
                _,
            ) => return Err(Malformed),
        })
    }

    fn behind_size(&mut self, size: u64, byte: u8) -> Result<State, Malformed> {
        match (self.state, byte) {
            (_, b'\r') => Ok(State::SizeEnd { size }),
            (_, b'\n') => Err(Malformed),
            (State::Size { .. }, b';' | b' ' | b'\t') | (State::Extension { .. }, _) => {
                self.count()?;
                Ok(State::Extension { size })
            }
            (_, _) => Err(Malformed),
        }
    }

    fn count(&mut self) -> Result<(), Malformed> {
        self.side = self.side.checked_sub(1).ok_or(Malformed)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds pieces and gives what came out, and whether the end was among it.
    fn decode<'a>(
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(Vec<u8>, bool), Malformed> {
        let mut chunks = Chunks::new();
        let mut content = Vec::new();
        for piece in pieces {
            let mut bytes = Bytes::copy_from_slice(piece);
            loop {
                match chunks.step(&mut bytes)? {
                    Step::Data(data) => content.extend_from_slice(&data),
                    Step::End => return Ok((content, true)),
                    Step::More => break,
                }
            }
        }
        Ok((content, false))
    }

    #[test]
    fn one_chunk_in_is_one_piece_out_however_many_come_at_once() {
        let mut bytes = Bytes::from_static(b"3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0 \r\nA: b\r\n\r\n");
        let mut chunks = Chunks::new();
        for data in ["abc", "de"] {
            assert_eq!(chunks.step(&mut bytes), Ok(Step::Data(data.into())));
        }
        assert_eq!(chunks.step(&mut bytes), Ok(Step::End));
        assert_eq!(chunks.step(&mut bytes), Ok(Step::End));
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let large = format!("5;{}\r\n", "x".repeat(20_000));
        for broken in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "+5\r\nhello\r\n",
            "0x5\r\nhello\r\n",
            " 5\r\nhello\r\n",
            "5\nhello\r\n",
            "5\r\nhello\n",
            "5\r\nhelloX\r\n",
            "5\r\nhello\r\r\n",
            "5\rX",
            "11111111111111111\r\n",
            "0\r\n\rX",
            large.as_str(),
        ] {
            assert_eq!(decode([broken.as_bytes()]), Err(Malformed), "{broken:.20}");
        }
        let largest = b"ffffffffffffffff\r\nabc";
        assert_eq!(decode([largest.as_slice()]), Ok((b"abc".to_vec(), false)));
    }

    proptest! {
        #[test]
        fn any_content_comes_out_as_it_went_in_wherever_it_is_split(
            content in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
            size in 1_usize..20,
        ) {
            let mut wire = Vec::new();
            for chunk in &content {
                wire.extend(format!("{:X}\r\n", chunk.len()).into_bytes());
                wire.extend(chunk);
                wire.extend(b"\r\n");
            }
            wire.extend(b"0\r\n\r\n");
            prop_assert_eq!(decode(wire.chunks(size)), Ok((content.concat(), true)));
        }

        #[test]
        fn no_bytes_make_it_panic(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..30), 0..8),
        ) {
            decode(pieces.iter().map(Vec::as_slice)).ok();
        }
    }
}
