//! Bodies that are read, and those that are not.

use proptest::prelude::*;

use super::*;
use crate::domain::xsi::codec::Fault;

fn body(content_type: &str, bytes: &[u8]) -> Body {
    let call = Call::new("POST", "/", "").unwrap();
    let call = call.with_headers(Some(("content-type", content_type)).filter(|h| !h.1.is_empty()));
    let call = call.unwrap().with_body(bytes).unwrap();
    read(&call, &BodyLimits::default())
}

fn text(body: &Body) -> Option<&str> {
    match body {
        Body::Xml(document) => Some(document.root().text()),
        Body::Empty | Body::Json(_) | Body::Other | Body::Unreadable(_) => None,
    }
}

#[test]
fn both_encodings_are_read_by_declaration_and_content_type() {
    let declared = |label: &str| format!("<?xml version='1.0' encoding='{label}'?>");
    let latin = [declared("ISO-8859-1").as_bytes(), b"<a>M\xfcller</a>"].concat();
    assert_eq!(text(&body("", &latin)), Some("Müller"));
    assert_eq!(text(&body("text/xml", &latin)), Some("Müller"));
    assert_eq!(
        text(&body(
            "text/xml; charset=\"iso-8859-1\"",
            b"<a>M\xfcller</a>"
        )),
        Some("Müller")
    );
    let utf = "\u{feff}<a>Müller</a>";
    assert_eq!(
        text(&body("application/xml", utf.as_bytes())),
        Some("Müller")
    );
    assert_eq!(
        text(&body("application/octet-stream", b" <a>x</a>")),
        Some("x")
    );
}

#[test]
fn encodings_that_contradict_each_other_are_refused() {
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>";
    let marked = [&b"\xef\xbb\xbf"[..], latin].concat();
    let hidden = format!(
        "<?xml version='1.0'{}encoding='ISO-8859-1'?><a/>",
        " ".repeat(300)
    );
    for (content_type, bytes, fault) in [
        (
            "text/xml; charset=utf-8",
            &latin[..],
            BodyFault::CharsetConflict,
        ),
        ("text/xml", &marked, BodyFault::CharsetConflict),
        (
            "text/xml; charset=iso-8859-1",
            b"\xef\xbb\xbf<a/>",
            BodyFault::CharsetConflict,
        ),
        (
            "text/xml; charset=utf-8; charset=iso-8859-1",
            b"<a/>",
            BodyFault::CharsetConflict,
        ),
        (
            "text/xml; charset=utf-16",
            b"<a/>",
            BodyFault::CharsetUnknown,
        ),
        (
            "text/xml; charset=windows-1252",
            b"<a/>",
            BodyFault::CharsetUnknown,
        ),
        (
            "",
            b"<?xml version='1.0' encoding='EBCDIC'?><a/>",
            BodyFault::CharsetUnknown,
        ),
        ("", hidden.as_bytes(), BodyFault::CharsetUnknown),
    ] {
        assert_eq!(
            body(content_type, bytes),
            Body::Unreadable(fault),
            "{content_type}"
        );
    }
    let utf_16 = body("", b"\xff\xfe<\0a\0/\0>\0");
    assert!(matches!(utf_16, Body::Unreadable(_)), "{utf_16:?}");
}

#[test]
fn what_a_judge_must_not_take_is_refused_by_name() {
    let deep = |levels: usize| "<a>".repeat(levels) + &"</a>".repeat(levels);
    let wide = |elements: usize| format!("<a>{}</a>", "<b/>".repeat(elements - 1));
    let attributes = |count: usize| {
        let all: String = (0..count).map(|n| format!(" x{n}=''")).collect();
        format!("<a{all}/>")
    };
    let fault = |text: &str| match body("application/xml", text.as_bytes()) {
        Body::Unreadable(BodyFault::Xml(error)) => Some(error.fault),
        Body::Empty | Body::Json(_) | Body::Other | Body::Unreadable(_) | Body::Xml(_) => None,
    };
    for (text, expected) in [
        (deep(32), None),
        (deep(33), Some(Fault::Depth)),
        (wide(2_000), None),
        (wide(2_001), Some(Fault::ElementCount)),
        (attributes(64), None),
        (attributes(65), Some(Fault::AttributeCount)),
        ("<!DOCTYPE a><a/>".to_owned(), Some(Fault::Doctype)),
        ("<?php x?><a/>".to_owned(), Some(Fault::Instruction)),
        ("<a><?x y?></a>".to_owned(), Some(Fault::Instruction)),
        ("<a/><?x?>".to_owned(), Some(Fault::Instruction)),
        ("<?xml version='1.0'?><a/>".to_owned(), None),
        ("<a>&e;</a>".to_owned(), Some(Fault::Entity)),
        ("<a>&#1;</a>".to_owned(), Some(Fault::Character)),
        ("<a/><a/>".to_owned(), Some(Fault::SeveralRoots)),
        ("<a/>x".to_owned(), Some(Fault::ContentOutsideRoot)),
        (format!("<{}/>", "n".repeat(257)), Some(Fault::NameLength)),
        ("   ".to_owned(), Some(Fault::NoRoot)),
    ] {
        assert_eq!(
            fault(&text),
            expected,
            "{}",
            text.get(..60).unwrap_or(&text)
        );
    }
}

#[test]
fn other_bodies_are_told_apart() {
    assert_eq!(body("application/xml", b""), Body::Empty);
    assert_eq!(body("text/plain", b"hello"), Body::Other);
    assert_eq!(body("", b"[1]"), Body::Other);
    assert!(matches!(body("", b" {\"a\":1}"), Body::Json(_)));
    for json in [
        &b"[1]"[..],
        b"{\"a\":1,\"a\":2}",
        b"{\"a\":[[[[[[[[1]]]]]]]]}",
        b"{} x",
    ] {
        let read = body("application/json", json);
        assert!(
            matches!(read, Body::Unreadable(BodyFault::Json(_))),
            "{read:?}"
        );
    }
    let with = |headers: &[(&str, &str)]| {
        let call = Call::new("POST", "/", "").unwrap();
        let call = call.with_headers(headers.iter().copied()).unwrap();
        read(&call.with_body("<a/>").unwrap(), &BodyLimits::default())
    };
    let gzip = with(&[("Content-Encoding", "gzip")]);
    assert_eq!(gzip, Body::Unreadable(BodyFault::Coded));
    let two = with(&[("Content-Type", "text/xml"), ("Content-Type", "text/json")]);
    assert_eq!(two, Body::Unreadable(BodyFault::ContentTypes));
}

proptest! {
    #[test]
    fn foreign_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        content_type in "(text/xml|application/json|)(; ?charset=[a-z0-9-]{0,12})?",
    ) {
        std::hint::black_box(body(&content_type, &bytes));
    }

    #[test]
    fn what_looks_like_xml_never_panics(text in "[<>/!?='\" :a-z\\[\\]&;#-]{0,80}") {
        std::hint::black_box(body("text/xml", format!("<a>{text}</a>").as_bytes()));
    }
}
