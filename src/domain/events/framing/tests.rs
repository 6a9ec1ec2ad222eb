use proptest::prelude::*;

use super::*;

const WINDOW: usize = 4096;

/// What comes out of a stream, by either reader.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Out {
    Document(Vec<u8>),
    Fault(FramingFault),
}

fn watched(stream: &[u8], piece: usize) -> Vec<Out> {
    let mut watch = Watch::new(WINDOW);
    let mut out = Vec::new();
    for piece in stream.chunks(piece.max(1)) {
        watch.look(piece, |sight| {
            out.push(match sight {
                Sight::Document(document) => Out::Document(document.to_vec()),
                Sight::Flawed(flaw) => Out::Fault(flaw.into()),
                Sight::TooLarge => Out::Fault(FramingFault::TooLarge(WINDOW)),
            });
        });
        assert!(watch.kept.len() <= WINDOW);
    }
    out
}

fn framed(stream: &[u8], piece: usize) -> Vec<Out> {
    let mut framer = Framer::new(WINDOW);
    let mut out = Vec::new();
    for piece in stream.chunks(piece.max(1)) {
        framer.push(piece);
        loop {
            match framer.document() {
                Ok(Some(document)) => out.push(Out::Document(document.to_vec())),
                Ok(None) => break,
                Err(fault) => out.push(Out::Fault(fault)),
            }
        }
        assert!(framer.held() <= WINDOW);
    }
    out
}

/// Both readers agree, and the size of the pieces changes nothing.
fn out(stream: &[u8]) -> Vec<Out> {
    let whole = watched(stream, usize::MAX);
    for piece in (1..64).chain([stream.len()]) {
        assert_eq!(watched(stream, piece), whole, "watch, pieces of {piece}");
        assert_eq!(framed(stream, piece), whole, "framer, pieces of {piece}");
    }
    whole
}

fn document(text: &str) -> Out {
    Out::Document(text.as_bytes().to_vec())
}

const MALFORMED: Out = Out::Fault(FramingFault::Malformed);

const CHANNEL: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Channel xmlns=\"http://schema.broadsoft.com/xsi\"><channelId>1</channelId></Channel>";
const BEAT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ChannelHeartBeat xmlns=\"http://schema.broadsoft.com/xsi\"/>";
const EVENT: &str =
    "<?xml version='1.0'?><xsi:Event xmlns:xsi='n'><xsi:a><xsi:b/>x</xsi:a></xsi:Event>";

#[test]
fn documents_back_to_back_are_told_apart_in_pieces_of_any_size() {
    let stream = [CHANNEL, BEAT, BEAT, EVENT].concat();
    let expected = [CHANNEL, BEAT, BEAT, EVENT].map(document);
    assert_eq!(out(stream.as_bytes()), expected);
}

#[test]
fn white_space_and_byte_order_marks_between_documents_belong_to_none() {
    let stream = format!("\u{feff}{CHANNEL}\r\n\n\u{feff}{BEAT} \t{EVENT}\n");
    assert_eq!(out(stream.as_bytes()), [CHANNEL, BEAT, EVENT].map(document));
}

#[test]
fn markup_that_only_looks_like_a_border_is_none() {
    for text in [
        "<a b='/>' c=\"/a>\"><d e='>'/></a>",
        "<a><!-- </a> -- > <?xml ?> - --></a>",
        "<a><![CDATA[</a>]] ></a>]>]]]></a>",
        "<a><?pi </a> ? > ?></a>",
        "<a><?xml-stylesheet href='x'?></a>",
        "<?pi ??><!-- first --><a/>",
        "<a/>",
        "<a b='x'/>",
        "<a\n/>",
        "<a><b></b\n></a\t>",
        "<a>ä\u{10ffff}</a>",
        "<ä:ö xmlns:ä='x'></ä:ö>",
        "<a>< /a>",
    ] {
        let expected: &[Out] = if text.contains("< /") {
            &[MALFORMED]
        } else {
            &[document(text)]
        };
        assert_eq!(out(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn after_garbage_the_next_prolog_is_found() {
    for garbage in [
        "garbage",
        "<>",
        "<a b='<'>",
        "<a></a x<",
        "</a>",
        "<!-x",
        "<a><![CDATE[",
        "<a><!x></a>",
        "{\"json\": \"<?xml-not\"}",
        "<<?xm",
    ] {
        let stream = format!("{BEAT}{garbage}{EVENT}{BEAT}");
        let expected = [document(BEAT), MALFORMED, document(EVENT), document(BEAT)];
        assert_eq!(out(stream.as_bytes()), expected, "{garbage}");
    }
}

#[test]
fn a_document_that_breaks_off_ends_where_the_next_begins() {
    let stream = format!("<?xml version='1.0'?><a><b>{EVENT}{BEAT}");
    let expected = [MALFORMED, document(EVENT), document(BEAT)];
    assert_eq!(out(stream.as_bytes()), expected);
}

#[test]
fn of_two_prologs_the_second_counts() {
    let stream = format!("<?xml version='1.0'?>\n{BEAT}");
    assert_eq!(out(stream.as_bytes()), [document(BEAT)]);
}

#[test]
fn a_document_type_is_not_looked_into() {
    let bomb = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
    let stream = format!("{bomb}{BEAT}");
    assert_eq!(
        out(stream.as_bytes()),
        [Out::Fault(FramingFault::Declared), document(BEAT)]
    );
}

#[test]
fn a_document_of_the_window_passes_and_one_byte_more_does_not() {
    for (over, fits) in [(0, true), (1, false), (100_000, false)] {
        let text = "x".repeat(WINDOW - "<a></a>".len() + over);
        let large = format!("<a>{text}</a>");
        let stream = format!("{large}{BEAT}");
        let expected = if fits {
            document(&large)
        } else {
            Out::Fault(FramingFault::TooLarge(WINDOW))
        };
        assert_eq!(out(stream.as_bytes()), [expected, document(BEAT)]);
    }
}

#[test]
fn a_document_that_never_ends_is_told_once_and_not_kept() {
    let stream = format!("<a>{}", "<b>".repeat(20_000));
    let expected = [Out::Fault(FramingFault::TooLarge(WINDOW))];
    assert_eq!(out(stream.as_bytes()), expected);
    let quoted = format!("<a b='{}", "x".repeat(20_000));
    assert_eq!(out(quoted.as_bytes()), expected);
}

proptest! {
    #[test]
    fn any_split_of_any_documents_gives_the_documents(
        texts in proptest::collection::vec("[a-z>'\"/ä?\\]-]{0,20}", 1..6),
        gaps in proptest::collection::vec("[ \r\n]{0,3}", 6),
        cuts in proptest::collection::vec(1_usize..40, 1..40),
    ) {
        let documents: Vec<String> = texts
            .iter()
            .map(|text| format!("<?xml version='1.0'?>\n<a:b c=\"{}\"><d>{text}</d></a:b>", text.replace('"', "")))
            .collect();
        let stream: String = documents
            .iter()
            .zip(&gaps)
            .flat_map(|(document, gap)| [gap.as_str(), document.as_str()])
            .collect();
        let mut watch = Watch::new(WINDOW);
        let mut found = Vec::new();
        let mut rest = stream.as_bytes();
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            watch.look(piece, |sight| {
                if let Sight::Document(document) = sight {
                    found.push(String::from_utf8_lossy(document).into_owned());
                }
            });
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(found, documents);
    }

    #[test]
    fn garbage_never_panics_and_its_pieces_change_nothing(
        garbage in "[<>/!?xml\\[\\]CDAT'\" a-]{0,80}",
        piece in 1_usize..20,
    ) {
        let whole = watched(garbage.as_bytes(), usize::MAX);
        prop_assert_eq!(&watched(garbage.as_bytes(), piece), &whole);
        prop_assert_eq!(&framed(garbage.as_bytes(), piece), &whole);
    }

    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), piece in 1_usize..20) {
        let whole = watched(&bytes, usize::MAX);
        prop_assert_eq!(&framed(&bytes, piece), &whole);
    }
}
