//! Follows the framing of HTTP/1 requests on one connection and refuses what two servers could
//! read in two ways (RFC 9112, sections 2.2, 5.2, 6.3 and 11.2).
//!
//! hyper parses the request; this scanner only sees to it that there is one way to read it. It
//! also knows whether a request head is under way, which decides about timeouts.

use std::mem;

/// Why a connection's bytes are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadFault {
    /// A line end without carriage return.
    BareLineFeed,
    /// A chunk size that is not plain hexadecimal.
    ChunkSize,
    /// Content-Length together with Transfer-Encoding.
    LengthAndEncoding,
    /// Content-Length more than once, or not a plain number.
    Length,
    /// A header continued on the next line.
    Folding,
    /// Host more than once.
    SecondHost,
    /// More header fields than allowed.
    TooManyFields,
    /// A head (or trailer) larger than allowed.
    TooLarge,
    /// A Transfer-Encoding other than a single `chunked`.
    TransferEncoding,
}

impl HeadFault {
    /// A sentence for the peer.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::BareLineFeed => "A line ends without a carriage return.",
            Self::ChunkSize => "A chunk size is not a plain hexadecimal number.",
            Self::LengthAndEncoding => "Content-Length and Transfer-Encoding exclude each other.",
            Self::Length => "Content-Length must be one plain number.",
            Self::Folding => "A header must not continue on the next line.",
            Self::SecondHost => "Host must occur once.",
            Self::TooManyFields => "Too many header fields.",
            Self::TooLarge => "The request head is too large.",
            Self::TransferEncoding => "Transfer-Encoding must be chunked.",
        }
    }

    /// Whether the fault is one of size, answered 431 instead of 400.
    #[must_use]
    pub const fn is_size(self) -> bool {
        matches!(self, Self::TooLarge | Self::TooManyFields)
    }
}

/// Limits of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of a head, request line included.
    pub bytes: usize,
    /// Header fields.
    pub fields: usize,
}

/// Longest chunk-size line with its extension; nobody in the field sends extensions at all.
const CHUNK_LINE: usize = 256;

/// The scanner of one connection.
#[derive(Debug)]
pub struct HeadScanner {
    limits: HeadLimits,
    phase: Phase,
    line: Vec<u8>,
    head: Head,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Between requests.
    Idle,
    /// Request line or header lines.
    Head,
    /// A body of known length.
    Body(u64),
    ChunkSize,
    ChunkData(u64),
    /// The line end after chunk data.
    ChunkEnd,
    Trailer,
}

#[derive(Debug, Default)]
struct Head {
    bytes: usize,
    lines: usize,
    host: bool,
    length: Option<u64>,
    chunked: bool,
}

impl HeadScanner {
    /// A scanner at the start of a connection.
    #[must_use]
    pub fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            phase: Phase::Idle,
            line: Vec::new(),
            head: Head::default(),
        }
    }

    /// Whether a head has begun and is not complete.
    #[must_use]
    pub fn in_head(&self) -> bool {
        self.phase == Phase::Head
    }

    /// Takes the next bytes of the connection.
    ///
    /// # Errors
    /// The first fault; the connection must not be read any further.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), HeadFault> {
        while !bytes.is_empty() {
            bytes = match self.phase {
                Phase::Idle => {
                    self.head = Head::default();
                    self.phase = Phase::Head;
                    bytes
                }
                Phase::Body(left) => self.skip(bytes, left, Phase::Body, Phase::Idle),
                Phase::ChunkData(left) => self.skip(bytes, left, Phase::ChunkData, Phase::ChunkEnd),
                Phase::Head | Phase::ChunkSize | Phase::ChunkEnd | Phase::Trailer => {
                    self.feed_line(bytes)?
                }
            };
        }
        Ok(())
    }

    fn skip<'a>(
        &mut self,
        bytes: &'a [u8],
        left: u64,
        stay: fn(u64) -> Phase,
        next: Phase,
    ) -> &'a [u8] {
        let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let left = left - here as u64;
        self.phase = if left == 0 { next } else { stay(left) };
        bytes.get(here..).unwrap_or_default()
    }

    fn feed_line<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], HeadFault> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.grow(bytes.len())?;
            self.line.extend_from_slice(bytes);
            return Ok(&[]);
        };
        let (here, rest) = bytes.split_at(end);
        self.grow(here.len() + 1)?;
        if self.line.is_empty() {
            self.take_line(here)?;
        } else {
            let mut line = mem::take(&mut self.line);
            line.extend_from_slice(here);
            self.take_line(&line)?;
            line.clear();
            self.line = line;
        }
        Ok(rest.get(1..).unwrap_or_default())
    }

    fn grow(&mut self, by: usize) -> Result<(), HeadFault> {
        self.head.bytes += by;
        let limit = match self.phase {
            Phase::ChunkSize | Phase::ChunkEnd => CHUNK_LINE,
            Phase::Idle | Phase::Head | Phase::Body(_) | Phase::ChunkData(_) | Phase::Trailer => {
                self.limits.bytes
            }
        };
        if self.head.bytes > limit {
            return Err(match self.phase {
                Phase::ChunkSize | Phase::ChunkEnd => HeadFault::ChunkSize,
                Phase::Idle
                | Phase::Head
                | Phase::Body(_)
                | Phase::ChunkData(_)
                | Phase::Trailer => HeadFault::TooLarge,
            });
        }
        Ok(())
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), HeadFault> {
        let Some((b'\r', line)) = line.split_last() else {
            return Err(HeadFault::BareLineFeed);
        };
        match self.phase {
            Phase::Head => self.head_line(line),
            Phase::ChunkSize => self.chunk_size(line),
            Phase::ChunkEnd if line.is_empty() => {
                self.next_chunk();
                Ok(())
            }
            Phase::ChunkEnd => Err(HeadFault::ChunkSize),
            Phase::Trailer => {
                if line.is_empty() {
                    self.phase = Phase::Idle;
                } else if line.first().is_some_and(|byte| b" \t".contains(byte)) {
                    return Err(HeadFault::Folding);
                }
                Ok(())
            }
            // These take no lines; feed() never sends one here.
            Phase::Idle | Phase::Body(_) | Phase::ChunkData(_) => Ok(()),
        }
    }

    fn head_line(&mut self, line: &[u8]) -> Result<(), HeadFault> {
        if line.is_empty() {
            if self.head.lines == 0 {
                // Empty lines before a request are skipped (RFC 9112, section 2.2).
                self.phase = Phase::Idle;
                return Ok(());
            }
            self.head_ends();
            return Ok(());
        }
        self.head.lines += 1;
        if self.head.lines == 1 {
            return Ok(());
        }
        if self.head.lines - 1 > self.limits.fields {
            return Err(HeadFault::TooManyFields);
        }
        if line.first().is_some_and(|byte| b" \t".contains(byte)) {
            return Err(HeadFault::Folding);
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            return Ok(());
        };
        let (name, value) = line.split_at(colon);
        // A name followed by white space is refused by hyper; here it must not hide the header.
        self.field(
            name.trim_ascii_end(),
            value.get(1..).unwrap_or_default().trim_ascii(),
        )
    }

    fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), HeadFault> {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") && mem::replace(&mut self.head.host, true) => {
                return Err(HeadFault::SecondHost);
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = plain_number(value).ok_or(HeadFault::Length)?;
                if self.head.length.replace(length).is_some() {
                    return Err(HeadFault::Length);
                }
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.head.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(HeadFault::TransferEncoding);
                }
                self.head.chunked = true;
            }
            _ => {}
        }
        if self.head.chunked && self.head.length.is_some() {
            return Err(HeadFault::LengthAndEncoding);
        }
        Ok(())
    }

    fn head_ends(&mut self) {
        self.phase = match (self.head.chunked, self.head.length) {
            (true, _) => Phase::ChunkSize,
            (false, None | Some(0)) => Phase::Idle,
            (false, Some(length)) => Phase::Body(length),
        };
        self.head.bytes = 0;
    }

    fn next_chunk(&mut self) {
        self.phase = Phase::ChunkSize;
        self.head.bytes = 0;
    }

    fn chunk_size(&mut self, line: &[u8]) -> Result<(), HeadFault> {
        let digits = memchr::memchr(b';', line).map_or(line, |at| line.get(..at).unwrap_or(line));
        let digits = digits.trim_ascii_end();
        if digits.is_empty() || digits.len() > 16 {
            return Err(HeadFault::ChunkSize);
        }
        let size = digits.iter().try_fold(0_u64, |size, digit| {
            let digit = char::from(*digit).to_digit(16)?;
            size.checked_mul(16)?.checked_add(u64::from(digit))
        });
        self.head.bytes = 0;
        self.phase = match size.ok_or(HeadFault::ChunkSize)? {
            0 => Phase::Trailer,
            size => Phase::ChunkData(size),
        };
        Ok(())
    }
}

fn plain_number(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |number, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: HeadLimits = HeadLimits {
        bytes: 512,
        fields: 8,
    };

    fn scan(bytes: &[u8]) -> Result<HeadScanner, HeadFault> {
        let mut scanner = HeadScanner::new(LIMITS);
        scanner.feed(bytes).map(|()| scanner)
    }

    #[test]
    fn every_ambiguous_head_has_its_fault() {
        let cases: [(&str, HeadFault); 16] = [
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", HeadFault::BareLineFeed),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", HeadFault::BareLineFeed),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", HeadFault::BareLineFeed),
            (
                "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
                HeadFault::Folding,
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n",
                HeadFault::SecondHost,
            ),
            (
                "PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
                HeadFault::Length,
            ),
            (
                "PUT / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
                HeadFault::Length,
            ),
            (
                "PUT / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
                HeadFault::Length,
            ),
            (
                "PUT / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                HeadFault::Length,
            ),
            (
                "PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                HeadFault::LengthAndEncoding,
            ),
            (
                "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length : 1\r\n\r\n",
                HeadFault::LengthAndEncoding,
            ),
            (
                "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                HeadFault::TransferEncoding,
            ),
            (
                "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                HeadFault::TransferEncoding,
            ),
            (
                "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n",
                HeadFault::ChunkSize,
            ),
            (
                "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
                HeadFault::ChunkSize,
            ),
            (
                "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nab\r\n",
                HeadFault::BareLineFeed,
            ),
        ];
        for (bytes, fault) in cases {
            assert_eq!(scan(bytes.as_bytes()).err(), Some(fault), "{bytes:?}");
        }
    }

    #[test]
    fn size_limits_hold_however_the_head_is_cut() {
        let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(600));
        assert_eq!(scan(long.as_bytes()).err(), Some(HeadFault::TooLarge));
        let mut scanner = HeadScanner::new(LIMITS);
        let fault = long.bytes().find_map(|byte| scanner.feed(&[byte]).err());
        assert_eq!(fault, Some(HeadFault::TooLarge));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(9));
        assert_eq!(scan(many.as_bytes()).err(), Some(HeadFault::TooManyFields));
    }

    #[test]
    fn pipelined_requests_with_bodies_are_followed_to_their_borders() {
        let stream = "\r\nPUT /a HTTP/1.1\r\nContent-Length: 4\r\n\r\n\n\n\n\nDELETE /b HTTP/1.1\r\n\
             Transfer-Encoding: Chunked\r\n\r\n3;x=y\r\n\n\nz\r\n0\r\nT: v\r\n\r\nGET /c HTTP/1.1\r\n";
        let mut scanner = HeadScanner::new(LIMITS);
        for byte in stream.bytes() {
            scanner.feed(&[byte]).unwrap();
        }
        assert!(scanner.in_head());
        scanner.feed(b"\r\n").unwrap();
        assert!(!scanner.in_head());
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_alike_whole_or_in_pieces(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), Just(b'0'), any::<u8>()], 0..300),
            cut in 1_usize..16,
        ) {
            let whole = scan(&bytes).map(|scanner| scanner.phase).err();
            let mut scanner = HeadScanner::new(LIMITS);
            let pieces = bytes.chunks(cut).find_map(|piece| scanner.feed(piece).err());
            prop_assert_eq!(whole, pieces);
        }
    }
}
