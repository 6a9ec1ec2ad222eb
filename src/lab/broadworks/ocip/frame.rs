//! Messages out of a byte stream: OCI-P has no length and no delimiter, a message ends where its
//! closing tag ends.

use memchr::memmem;

/// Largest message. The longest request that the lab knows has some kilobytes.
pub(super) const LIMIT: usize = 1024 * 1024;

/// The element that ends a message.
const ROOT: &[u8] = b"BroadsoftDocument";

/// Longest prefix of the closing tag that is looked at.
const PREFIX: usize = 64;

/// A message longer than [`LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message is longer than {LIMIT} bytes")]
pub(super) struct TooLarge;

/// What has come in and is no message yet.
#[derive(Debug, Default)]
pub(super) struct Framer {
    held: Vec<u8>,
    /// No closing tag starts before this place.
    searched: usize,
}

impl Framer {
    /// Takes bytes as they come.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        if self.searched == 0 {
            self.skip_space();
        }
    }

    /// The next whole message.
    ///
    /// # Errors
    /// It is, or is going to be, longer than [`LIMIT`]; the stream cannot go on.
    pub(super) fn message(&mut self) -> Result<Option<Vec<u8>>, TooLarge> {
        match search(&self.held, self.searched) {
            Search::End(end) if end > LIMIT => Err(TooLarge),
            Search::End(end) => {
                let message = self.held.drain(..end).collect();
                self.searched = 0;
                self.skip_space();
                Ok(Some(message))
            }
            Search::Resume(_) if self.held.len() > LIMIT => Err(TooLarge),
            Search::Resume(at) => {
                self.searched = at;
                Ok(None)
            }
        }
    }

    /// Whether nothing of a message has come.
    pub(super) const fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// White space between messages belongs to none: clients end their messages with a line end.
    fn skip_space(&mut self) {
        let space = self.held.iter().take_while(|byte| is_space(**byte)).count();
        self.held.drain(..space);
    }
}

enum Search {
    /// The first byte behind the message.
    End(usize),
    /// No end yet; where to go on when more has come.
    Resume(usize),
}

fn search(bytes: &[u8], from: usize) -> Search {
    let mut from = from;
    while let Some(at) = bytes
        .get(from..)
        .and_then(|rest| memmem::find(rest, ROOT))
        .map(|found| from + found)
    {
        let behind = at + ROOT.len();
        let rest = bytes.get(behind..).unwrap_or_default();
        if closes(bytes.get(..at).unwrap_or_default()) {
            match rest.iter().position(|byte| !is_space(*byte)) {
                Some(end) if rest.get(end) == Some(&b'>') => return Search::End(behind + end + 1),
                Some(_) => {}
                None => return Search::Resume(at),
            }
        }
        from = behind;
    }
    Search::Resume(bytes.len().saturating_sub(ROOT.len() - 1).max(from))
}

/// Whether the bytes end in `</` or `</prefix:`.
fn closes(before: &[u8]) -> bool {
    let Some(before) = before.strip_suffix(b":") else {
        return before.ends_with(b"</");
    };
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let prefix = before.iter().rev().take(PREFIX + 1);
    let length = prefix.take_while(|byte| name(**byte)).count();
    (1..=PREFIX).contains(&length)
        && before
            .get(..before.len() - length)
            .is_some_and(|before| before.ends_with(b"</"))
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut framer = Framer::default();
        let mut found = Vec::new();
        for piece in pieces {
            framer.push(piece);
            while let Some(message) = framer.message().unwrap() {
                found.push(message);
            }
        }
        found
    }

    #[test]
    fn a_message_ends_at_its_closing_tag() {
        let first = b"<?xml version=\"1.0\"?>\n<BroadsoftDocument>x</BroadsoftDocument>";
        let second = b"<c:BroadsoftDocument a='BroadsoftDocument>'></c:BroadsoftDocument \r\n>";
        let stream = [&b" \n"[..], first, b"\n\n", second, b"\n<BroadsoftDocument"].concat();
        assert_eq!(all(&[&stream]), [first.to_vec(), second.to_vec()]);
        for wrong in [
            "</BroadsoftDocumentX>",
            "<BroadsoftDocument>",
            "</:BroadsoftDocument>",
            "< /BroadsoftDocument>",
            "</BroadsoftDocument",
        ] {
            assert!(all(&[wrong.as_bytes()]).is_empty(), "{wrong}");
        }
    }

    #[test]
    fn a_message_without_end_is_refused_at_the_limit() {
        let mut framer = Framer::default();
        framer.push(&vec![b'x'; LIMIT]);
        assert_eq!(framer.message(), Ok(None));
        framer.push(b"x");
        assert_eq!(framer.message(), Err(TooLarge));
        let mut whole = Framer::default();
        whole.push(&vec![b'x'; LIMIT]);
        whole.push(b"</BroadsoftDocument>");
        assert_eq!(whole.message(), Err(TooLarge));
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            Just(b"</BroadsoftDocument>".to_vec()),
            Just(b"</c:BroadsoftDocument  >".to_vec()),
            Just(b"<BroadsoftDocument>".to_vec()),
            Just(b"BroadsoftDocument".to_vec()),
            Just(b"</".to_vec()),
            Just(b"Broadsoft".to_vec()),
            Just(b"\r\n ".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..12),
        ]
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_messages(
            pieces in proptest::collection::vec(piece(), 0..12),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let stream = pieces.concat();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let split: Vec<_> = cuts.windows(2).map(|two| &stream[two[0]..two[1]]).collect();
            prop_assert_eq!(all(&split), all(&[&stream]));
        }
    }
}
