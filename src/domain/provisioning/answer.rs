//! What the adapter answers, by templates: nobody knows which parts of an answer the Application
//! Server looks at, so all of it can be written by the operator.
//!
//! Answers are ASCII whatever is put in, so that no encoding can be misread.

use crate::domain::provisioning::refusal::RefusalReason;
use crate::domain::xsi::codec::names;

/// Longest body of an answer as written, in bytes.
pub const WRITTEN: usize = 16 * 1024;

/// What Content-Type says of the built-in answers in XML.
pub const XML: &str = "application/xml; charset=UTF-8";

/// What Content-Type says of the built-in answers in JSON.
pub const JSON: &str = "application/json; charset=UTF-8";

/// The built-in answer to what is taken in, in XML.
pub const ACCEPTED_XML: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    r#"<b:subscriberProfileResponse xmlns:b="http://broadsoft.com/schemas/BroadCloudOSS">"#,
    "<b:status>accepted</b:status><b:bwUserId>{user_id:xml}</b:bwUserId>",
    "<b:requestId>{request_id}</b:requestId></b:subscriberProfileResponse>",
);

/// The built-in refusal, in XML.
pub const ERROR_XML: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    r#"<b:error xmlns:b="http://broadsoft.com/schemas/BroadCloudOSS">"#,
    "<b:code>{code}</b:code><b:message>{message:xml}</b:message>",
    "<b:requestId>{request_id}</b:requestId></b:error>",
);

/// The built-in answer to what is taken in, in JSON.
pub const ACCEPTED_JSON: &str =
    r#"{"status":"accepted","bwUserId":"{user_id:json}","requestId":"{request_id}"}"#;

/// The built-in refusal, in JSON.
pub const ERROR_JSON: &str =
    r#"{"code":"{code}","message":"{message:json}","requestId":"{request_id}"}"#;

/// The text of an answer with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerTemplate {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Code,
    Message(Escape),
    RequestId,
    Text(String),
    UserId(Escape),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    Json,
    Xml,
}

/// What goes into the places. What is not known is left empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnswerValues<'a> {
    /// The user as the request wrote it.
    pub user_id: Option<&'a str>,
    /// Why it is refused; the code goes into `{code}`.
    pub reason: Option<RefusalReason>,
    /// The sentence of a refusal.
    pub message: Option<&'a str>,
    /// Our name of the request.
    pub request_id: &'a str,
}

/// Why a text is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// It is too long.
    #[error("more than {WRITTEN} bytes")]
    Long,
    /// A place for a value of the peer that does not say how it is escaped.
    #[error("{{{0}}} has to say where it stands: write {{{0}:xml}} or {{{0}:json}}")]
    Unescaped(String),
    /// A place for what there is not.
    #[error(
        "{{{0}}} is no place for a value; there are {{code}}, {{message:xml}}, {{message:json}}, \
         {{request_id}}, {{user_id:xml}} and {{user_id:json}}"
    )]
    Unknown(String),
}

impl AnswerTemplate {
    /// From its written form. `{word}` and `{word:word}` are places; every other brace stands for
    /// itself, so that JSON can be written as it is.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Self, AnswerFault> {
        if text.len() > WRITTEN {
            return Err(AnswerFault::Long);
        }
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            let inner = from.get(1..).unwrap_or_default();
            match inner.split_once('}') {
                Some((word, behind)) if is_place(word) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::parse(word)?);
                    rest = behind;
                }
                Some(_) | None => {
                    plain.push('{');
                    rest = inner;
                }
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { pieces })
    }

    /// The answer.
    #[must_use]
    pub fn render(&self, values: &AnswerValues<'_>) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Code => out.push_str(values.reason.map_or("", RefusalReason::code)),
                Piece::Message(escape) => escape.push(&mut out, values.message.unwrap_or_default()),
                // A UUID needs no escape, and what is none is not put in.
                Piece::RequestId => out.extend(
                    values
                        .request_id
                        .chars()
                        .filter(|c| c.is_ascii_alphanumeric() || *c == '-'),
                ),
                Piece::Text(text) => out.push_str(text),
                Piece::UserId(escape) => escape.push(&mut out, values.user_id.unwrap_or_default()),
            }
        }
        out
    }
}

/// `code`, `user_id:xml`: what can be meant as a place.
fn is_place(word: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"_:-".contains(&b);
    word.len() <= 64
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.bytes().all(good)
}

impl Piece {
    fn parse(word: &str) -> Result<Self, AnswerFault> {
        match word {
            "code" => Ok(Self::Code),
            "message:json" => Ok(Self::Message(Escape::Json)),
            "message:xml" => Ok(Self::Message(Escape::Xml)),
            "request_id" => Ok(Self::RequestId),
            "user_id:json" => Ok(Self::UserId(Escape::Json)),
            "user_id:xml" => Ok(Self::UserId(Escape::Xml)),
            "message" | "user_id" => Err(AnswerFault::Unescaped(word.to_owned())),
            _ => Err(AnswerFault::Unknown(word.to_owned())),
        }
    }
}

impl Escape {
    fn push(self, out: &mut String, text: &str) {
        for c in text.chars() {
            match self {
                Self::Json => json(out, c),
                Self::Xml => xml(out, c),
            }
        }
    }
}

fn xml(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&apos;"),
        ' '..='~' => out.push(c),
        _ if names::is_char(c) => out.push_str(&format!("&#{};", u32::from(c))),
        _ => out.push_str("&#65533;"),
    }
}

fn json(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        ' '..='~' => out.push(c),
        _ => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::xsi::codec::parse_xml;

    macro_rules! wire {
        ($file:literal) => {
            concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/fixtures/wire/provisioning/",
                $file
            )
        };
    }

    const ID: &str = "0190f3c2-5a53-7d3e-9b55-2b1f7b0c9d10";

    fn render(template: &str, user: &str, message: &str) -> String {
        let values = AnswerValues {
            user_id: Some(user),
            reason: Some(RefusalReason::NumberMissing),
            message: Some(message),
            request_id: ID,
        };
        AnswerTemplate::parse(template).unwrap().render(&values)
    }

    #[test]
    fn the_built_in_answers_are_those_of_the_samples() {
        for (sample, template, message) in [
            (
                include_str!(wire!("a19-proposed-adapter-v1-accepted.http")),
                ACCEPTED_XML,
                "",
            ),
            (
                include_str!(wire!("a20-proposed-adapter-v1-error-400.http")),
                ERROR_XML,
                "no primary phone number or extension for 95547321@sp.example",
            ),
        ] {
            let (_, body) = sample.split_once("\n\n").unwrap();
            let answer = render(template, "95547321@sp.example", message);
            let one_line = body.trim().replace("?>\n", "?>");
            assert_eq!(answer, one_line.replace("9d11", "9d10"));
        }
    }

    #[test]
    fn an_unknown_or_unescaped_place_is_a_problem_and_other_braces_are_not() {
        let parse = |text: &str| AnswerTemplate::parse(text).map(|_| ());
        assert_eq!(
            parse("{colour}"),
            Err(AnswerFault::Unknown("colour".to_owned()))
        );
        assert_eq!(
            parse("{code:xml}"),
            Err(AnswerFault::Unknown("code:xml".to_owned()))
        );
        assert_eq!(
            parse("{user_id}"),
            Err(AnswerFault::Unescaped("user_id".to_owned()))
        );
        assert_eq!(
            render("{\"a\":{}, \"b\":{ x }} {", "", ""),
            "{\"a\":{}, \"b\":{ x }} {"
        );
        let long = "x".repeat(WRITTEN + 1);
        assert_eq!(parse(&long), Err(AnswerFault::Long));
    }

    #[test]
    fn a_name_of_a_request_that_is_none_puts_no_markup_in() {
        let values = AnswerValues {
            request_id: "<x/>",
            ..AnswerValues::default()
        };
        let template = AnswerTemplate::parse("<a>{request_id}{code}</a>").unwrap();
        assert_eq!(template.render(&values), "<a>x</a>");
    }

    proptest! {
        #[test]
        fn whatever_is_put_in_comes_out_of_xml_and_json_again(
            user in "[ -\u{d7ff}\u{10000}-\u{10ffff}]{0,20}",
            message in "\\PC{0,20}",
        ) {
            let answer = render(ERROR_XML, &user, &message);
            prop_assert!(answer.is_ascii());
            let document = parse_xml(answer.as_bytes(), 1 << 20, None).unwrap();
            let text = document.root().child("message").unwrap().text().to_owned();
            prop_assert_eq!(text, message.clone());

            let answer = render(ACCEPTED_XML, &user, "");
            let document = parse_xml(answer.as_bytes(), 1 << 20, None).unwrap();
            prop_assert_eq!(document.root().child("bwUserId").unwrap().text(), &user);

            for (template, member, text) in [
                (ERROR_JSON, "message", &message),
                (ACCEPTED_JSON, "bwUserId", &user),
            ] {
                let answer = render(template, &user, &message);
                prop_assert!(answer.is_ascii());
                let value: serde_json::Value = serde_json::from_str(&answer).unwrap();
                prop_assert_eq!(value[member].as_str(), Some(text.as_str()));
            }
        }
    }
}
