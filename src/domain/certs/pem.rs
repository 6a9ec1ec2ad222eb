//! The blocks of a PEM text, as browsers, editors and `cat` leave them: any line ending, byte-order
//! marks, text between the blocks, a missing last newline, one block glued to the next.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::STANDARD;

/// Base64 as PEM has it: padded, canonical.
const BASE64: GeneralPurpose = STANDARD;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Longest label looked for, in bytes; real ones have fewer than 40.
const LONGEST_LABEL: usize = 64;

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What `BEGIN` says, `CERTIFICATE` for example.
    pub label: String,
    /// The decoded bytes.
    pub content: Result<Vec<u8>, Damage>,
}

/// What is wrong with a block's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The lines are not base64.
    #[error("its lines are not base64; some characters were lost or added")]
    NotBase64,
    /// No `END` line, or the next block begins before it.
    #[error("its END line is missing or names something else; the file was cut or mixed up")]
    NoEnd,
}

/// The blocks of `text` in their order, at most `most` of them.
#[must_use]
pub fn blocks(text: &[u8], most: usize) -> Vec<Block> {
    let mut found = Vec::new();
    let mut rest = text;
    while found.len() < most {
        let Some(begun) = after(rest, BEGIN) else {
            break;
        };
        rest = begun;
        // A BEGIN without a label that ends on its line is text about PEM, not a block.
        let Some((label, body)) = label(begun) else {
            continue;
        };
        let (content, next) = content(&label, body);
        found.push(Block { label, content });
        rest = next;
    }
    found
}

/// Reads to the end of the block. The second value is where the search goes on.
fn content<'a>(label: &str, body: &'a [u8]) -> (Result<Vec<u8>, Damage>, &'a [u8]) {
    let end = memchr::memmem::find(body, END);
    let next_begin = memchr::memmem::find(body, BEGIN);
    let Some(end) = end.filter(|end| next_begin.is_none_or(|begin| *end < begin)) else {
        return (Err(Damage::NoEnd), body);
    };
    let (lines, tail) = body.split_at(end);
    let closing = [END, label.as_bytes(), DASHES].concat();
    let Some(next) = tail.strip_prefix(closing.as_slice()) else {
        return (Err(Damage::NoEnd), tail.get(END.len()..).unwrap_or(&[]));
    };
    let digits: Vec<u8> = lines
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    (BASE64.decode(digits).map_err(|_| Damage::NotBase64), next)
}

fn label(text: &[u8]) -> Option<(String, &[u8])> {
    let window = text.get(..LONGEST_LABEL.min(text.len()))?;
    let end = memchr::memmem::find(window, DASHES)?;
    let label = std::str::from_utf8(text.get(..end)?).ok()?;
    let sound = !label.is_empty()
        && label
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    sound.then(|| {
        (
            label.to_owned(),
            text.get(end + DASHES.len()..).unwrap_or(&[]),
        )
    })
}

fn after<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(text, mark)?;
    text.get(at + mark.len()..)
}

/// A certificate as a PEM block with lines of 64 characters and a last newline.
#[must_use]
pub fn certificate(der: &[u8]) -> String {
    written("CERTIFICATE", der)
}

/// Any bytes as a PEM block of that label.
#[must_use]
pub fn written(label: &str, der: &[u8]) -> String {
    let digits = BASE64.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contents(text: &str) -> Vec<Result<Vec<u8>, Damage>> {
        blocks(text.as_bytes(), 64)
            .into_iter()
            .map(|block| block.content)
            .collect()
    }

    #[test]
    fn blocks_survive_every_common_mishandling() {
        let one = certificate(b"first");
        let two = certificate(b"second");
        let good = vec![Ok(b"first".to_vec()), Ok(b"second".to_vec())];
        let cases = [
            ("plain", format!("{one}{two}")),
            ("CRLF", format!("{one}{two}").replace('\n', "\r\n")),
            ("old Mac", format!("{one}{two}").replace('\n', "\r")),
            ("BOMs", format!("\u{feff}{one}\u{feff}{two}")),
            ("text", format!("# root\n{one}\nissued by: me\n{two}bye")),
            ("no last newline", format!("{one}{}", two.trim_end())),
            ("glued", format!("{}{two}", one.trim_end())),
            ("blank lines", format!("\n\n{one}\n \n{two}\n\n")),
        ];
        for (name, text) in cases {
            assert_eq!(contents(&text), good, "{name}");
        }
    }

    #[test]
    fn damage_is_named_and_the_next_block_is_still_found() {
        let good = certificate(b"good");
        let cases = [
            (
                "bad base64",
                "-----BEGIN CERTIFICATE-----\n***\n-----END CERTIFICATE-----\n",
                Damage::NotBase64,
            ),
            (
                "no end",
                "-----BEGIN CERTIFICATE-----\nAAAA\n",
                Damage::NoEnd,
            ),
            (
                "wrong end",
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END X-----\n",
                Damage::NoEnd,
            ),
        ];
        for (name, bad, damage) in cases {
            let found = contents(&format!("{bad}{good}"));
            assert_eq!(found, [Err(damage), Ok(b"good".to_vec())], "{name}");
        }
    }

    #[test]
    fn text_about_pem_is_no_block() {
        let text = "Look for -----BEGIN and so on, or -----BEGIN lower case-----.";
        assert_eq!(contents(text), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_split_without_panic(
            text in proptest::collection::vec(any::<u8>(), 0..512),
        ) {
            prop_assert!(blocks(&text, 64).len() <= 64);
        }

        #[test]
        fn marks_in_any_order_are_split_without_panic(parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "-----BEGIN ", "-----END ", "-----", "CERTIFICATE", "\r\n", "AAAA", "PRIVATE KEY", "é",
            ]),
            0..24,
        )) {
            prop_assert!(blocks(parts.concat().as_bytes(), 8).len() <= 8);
        }

        #[test]
        fn written_blocks_read_back(der in proptest::collection::vec(any::<u8>(), 1..300)) {
            prop_assert_eq!(contents(&certificate(&der)), [Ok(der)]);
        }
    }
}
