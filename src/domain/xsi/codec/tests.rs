//! Tables and properties of the codec as a whole.

use proptest::prelude::*;

use super::*;

const CAP: usize = 1 << 20;

fn xml(text: &str) -> Result<Document, CodecError> {
    parse_xml(text.as_bytes(), CAP, None)
}

fn fault(text: &str) -> Option<Fault> {
    xml(text).err().map(|error| error.fault)
}

const MALFORMED: &[(&str, Fault)] = &[
    ("<!DOCTYPE a><a/>", Fault::Doctype),
    ("<!doctype a [<!ENTITY e 'x'>]><a>&e;</a>", Fault::Doctype),
    ("<a><!DocType a></a>", Fault::Doctype),
    ("<a>&e;</a>", Fault::Entity),
    ("<a b='&e;'/>", Fault::Entity),
    ("<a>&#0;</a>", Fault::Character),
    ("<a>&#xD800;</a>", Fault::Character),
    ("<a>&#99999999999;</a>", Fault::Character),
    ("<a>\u{1}</a>", Fault::Character),
    ("<a>\0</a>", Fault::Character),
    ("<a>&#;</a>", Fault::Reference),
    ("<a>&#X41;</a>", Fault::Reference),
    ("<a>a & b</a>", Fault::Reference),
    ("<a b='x & y'/>", Fault::Reference),
    ("<a b='x<y'/>", Fault::Attribute),
    ("<a b=x/>", Fault::Attribute),
    ("<a b/>", Fault::Attribute),
    ("<a b='1'c='2'/>", Fault::Attribute),
    ("<a b='1' b='2'/>", Fault::Duplicate),
    ("<a xmlns:p='u' xmlns:p='v'/>", Fault::Duplicate),
    (
        "<a xmlns:p='u' xmlns:q='u' p:x='' q:x=''/>",
        Fault::Duplicate,
    ),
    ("<a>]]></a>", Fault::CdataEnd),
    ("<a/><b/>", Fault::SeveralRoots),
    ("<a/>text", Fault::ContentOutsideRoot),
    ("text<a/>", Fault::ContentOutsideRoot),
    ("<a/>&#32;", Fault::ContentOutsideRoot),
    ("<a/><![CDATA[]]>", Fault::ContentOutsideRoot),
    (" <?xml version='1.0'?><a/>", Fault::LateDeclaration),
    ("<a/><?xml version='1.0'?>", Fault::LateDeclaration),
    ("<?XML version='1.0'?><a/>", Fault::LateDeclaration),
    ("<?xml version='2.0'?><a/>", Fault::Declaration),
    ("<?xml encoding='UTF-8'?><a/>", Fault::Declaration),
    (
        "<?xml version='1.0' standalone='maybe'?><a/>",
        Fault::Declaration,
    ),
    (
        "<?xml version='1.0'encoding='UTF-8'?><a/>",
        Fault::Declaration,
    ),
    (
        "<?xml version='1.0' encoding='UTF-16'?><a/>",
        Fault::UnsupportedEncoding,
    ),
    ("<a></b>", Fault::Mismatched),
    ("<a><b></a></b>", Fault::Mismatched),
    ("<a>", Fault::Mismatched),
    ("</a>", Fault::Mismatched),
    ("<a:b:c/>", Fault::Name),
    ("<1/>", Fault::Name),
    ("<p:a/>", Fault::Prefix),
    ("<a p:b=''/>", Fault::Prefix),
    ("<a xmlns:p=''/>", Fault::Namespace),
    ("<a xmlns:xmlns='u'/>", Fault::Namespace),
    ("<a><!-- -- --></a>", Fault::Comment),
    ("<a><!-- ---></a>", Fault::Comment),
    ("<!ELEMENT a ANY><a/>", Fault::Syntax),
    ("<a", Fault::Syntax),
    ("", Fault::NoRoot),
    ("<!-- nothing -->", Fault::NoRoot),
];

#[test]
fn documents_that_are_not_well_formed_are_refused_by_name() {
    for (text, expected) in MALFORMED {
        assert_eq!(fault(text), Some(*expected), "{text}");
    }
    assert_eq!(xml("<abc d='1' e='<'/>").unwrap_err().at, 11);
}

#[test]
fn documents_beyond_a_limit_are_refused_by_name() {
    let deep = "<a>".repeat(65) + &"</a>".repeat(65);
    let wide = format!(
        "<a {}/>",
        (0..65).map(|n| format!("x{n}='' ")).collect::<String>()
    );
    assert_eq!(fault(&deep), Some(Fault::Depth));
    assert_eq!(fault(&wide), Some(Fault::AttributeCount));
    assert_eq!(
        fault(&format!("<{}/>", "n".repeat(257))),
        Some(Fault::NameLength)
    );
    assert_eq!(
        parse_xml(b"<a/>", 3, None),
        Err(CodecError {
            fault: Fault::Size,
            at: 3
        })
    );
}

#[test]
fn well_formed_oddities_are_read() {
    let text = "\u{feff}<?xml version='1.0' encoding = \"utf-8\" standalone='yes' ?>\n<!-- c -->\
        <?pi x?><a\n b = \"x>&#10;'\ty\" ><![CDATA[<&]]>&lt;\r\nz</a\n>\n<!-- end -->";
    let document = xml(text).unwrap();
    assert_eq!(document.root().attribute("b"), Some("x>\n' y"));
    assert_eq!(document.root().text(), "<&<\nz");
}

#[test]
fn nil_is_found_under_any_prefix_and_only_in_the_instance_namespace() {
    for (text, nil) in [
        (
            r#"<a x:nil="true" xmlns:x="http://www.w3.org/2001/XMLSchema-instance"/>"#,
            true,
        ),
        (
            r#"<a x:nil="1" xmlns:x="http://www.w3.org/2001/XMLSchema-instance"/>"#,
            true,
        ),
        (
            r#"<a x:nil="false" xmlns:x="http://www.w3.org/2001/XMLSchema-instance"/>"#,
            false,
        ),
        (
            r#"<a x:nil="true" xmlns:x="http://schema.broadsoft.com/xsi"/>"#,
            false,
        ),
        (
            r#"<a nil="true" xmlns="http://www.w3.org/2001/XMLSchema-instance"/>"#,
            false,
        ),
    ] {
        assert_eq!(xml(text).unwrap().root().is_nil(), nil, "{text}");
    }
}

#[test]
fn the_xsi_prefix_may_be_bound_to_the_broadsoft_namespace() {
    let text = r#"<?xml version="1.0" encoding="UTF-8"?><Call xmlns="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance"><endpoint xmlns:xsi="http://schema.broadsoft.com/xsi" xsi1:type="xsi:AccessEndpoint"><addressOfRecord>a@b</addressOfRecord></endpoint><diversionInhibited/></Call>"#;
    let document = xml(text).unwrap();
    assert_eq!(document.root().namespace(), Some(XSI));
    assert_eq!(
        document.root().child("endpoint").unwrap().namespace(),
        Some(XSI)
    );
    assert_eq!(write_xml(&document, Encoding::Utf8), text.as_bytes());
    let json = r#"{"Call":{"@xmlns":{"$":"http://schema.broadsoft.com/xsi","xsi1":"http://www.w3.org/2001/XMLSchema-instance"},"endpoint":{"@xmlns":{"xsi":"http://schema.broadsoft.com/xsi"},"@xsi1:type":"xsi:AccessEndpoint","addressOfRecord":{"$":"a@b"}},"diversionInhibited":{}}}"#;
    assert_eq!(String::from_utf8(write_json(&document)).unwrap(), json);
    assert_eq!(parse_json(json.as_bytes(), CAP).unwrap(), document);
}

#[test]
fn what_an_encoding_lacks_becomes_a_reference() {
    let document = Document::new(Element::leaf("n", "Renée Łukasz"));
    let bytes = write_xml(&document, Encoding::Latin1);
    assert_eq!(
        bytes,
        b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><n>Ren\xe9e &#321;ukasz</n>"
    );
    assert_eq!(parse_xml(&bytes, CAP, None).unwrap(), document);
}

#[test]
fn the_charset_of_the_content_type_goes_before_the_declaration() {
    let bytes = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><n>é</n>".as_bytes();
    assert_eq!(
        parse_xml(bytes, CAP, Some(Encoding::Utf8))
            .unwrap()
            .root()
            .text(),
        "é"
    );
    assert_eq!(parse_xml(bytes, CAP, None).unwrap().root().text(), "Ã©");
}

#[test]
fn one_sibling_is_an_object_and_several_are_an_array() {
    let one = Document::new(Element::new("l").with_leaf("e", "1"));
    let two = Document::new(
        Element::new("l")
            .with_leaf("e", "1")
            .with(Element::new("e")),
    );
    assert_eq!(write_json(&one), br#"{"l":{"e":{"$":"1"}}}"#);
    assert_eq!(write_json(&two), br#"{"l":{"e":[{"$":"1"},{}]}}"#);
    assert_eq!(parse_json(&write_json(&two), CAP).unwrap(), two);
}

#[test]
fn json_in_another_form_is_refused_by_name() {
    let deep = r#"{"a":"#.repeat(65) + "{}" + &"}".repeat(65);
    let table: &[(&str, Fault)] = &[
        ("", Fault::Json),
        ("{", Fault::Json),
        (r#"{"a":{}} x"#, Fault::Json),
        ("{}", Fault::NoRoot),
        (r#"{"a":[{},{}]}"#, Fault::SeveralRoots),
        (r#"{"a":{},"b":{}}"#, Fault::SeveralRoots),
        (r#"{"a":"x"}"#, Fault::JsonShape),
        (r#"{"a":null}"#, Fault::JsonShape),
        (r#"{"a":[]}"#, Fault::JsonShape),
        (r#"{"a":{"$":1}}"#, Fault::JsonShape),
        (r#"{"a":{"b":[[{}]]}}"#, Fault::JsonShape),
        (r#"{"a":{"@xmlns":"u"}}"#, Fault::JsonShape),
        (r#"{"a":{"b":{},"b":{}}}"#, Fault::Duplicate),
        (r#"{"a":{"$":"\u0000"}}"#, Fault::Character),
        (r#"{"a b":{}}"#, Fault::Name),
        (r#"{"p:a":{}}"#, Fault::Prefix),
        (r#"{"a":{"@xmlns":{"xml":"u"}}}"#, Fault::Namespace),
        (r#"{"a":{"@xmlns:p":"u"}}"#, Fault::Namespace),
        (&deep, Fault::Depth),
    ];
    for (text, expected) in table {
        let error = parse_json(text.as_bytes(), CAP).unwrap_err();
        assert_eq!(error.fault, *expected, "{text}");
    }
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            Just('<'),
            Just('&'),
            Just('>'),
            Just(']'),
            Just('\r'),
            Just('\n'),
            Just('"'),
            proptest::char::range('!', '\u{24f}'),
            proptest::char::range('\u{1f300}', '\u{1f5ff}'),
        ],
        0..8,
    )
    .prop_map(|chars| {
        chars
            .into_iter()
            .filter(|c| names::is_char(*c))
            .collect::<String>()
    })
}

/// Trees in the order that JSON keeps: equal names side by side.
fn tree() -> impl Strategy<Value = Element> {
    let leaf = ("[a-e]", text(), proptest::option::of(text())).prop_map(|(name, text, value)| {
        let leaf = Element::leaf(&name, text);
        match value {
            Some(value) => leaf.attribute_of("k", value),
            None => leaf,
        }
    });
    leaf.prop_recursive(6, 40, 5, |inner| {
        (
            "[a-e]",
            proptest::collection::vec(inner, 1..5),
            any::<bool>(),
        )
            .prop_map(|(name, mut children, namespaced)| {
                children.sort_by(|one, other| one.local().cmp(other.local()));
                let parent = if namespaced {
                    Element::xsi(&name)
                } else {
                    Element::new(&name)
                };
                parent.with_all(children)
            })
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for read in [parse_xml(&bytes, CAP, None), parse_json(&bytes, CAP)] {
            match read {
                Ok(document) => {
                    prop_assert_eq!(xml(std::str::from_utf8(&write_xml(&document, Encoding::Utf8)).unwrap()), Ok(document));
                }
                Err(error) => prop_assert!(error.at <= 2 * bytes.len()),
            }
        }
    }

    #[test]
    fn what_is_accepted_survives_a_round_trip(
        source in "(<\\?xml version='1.0'\\?>)?(<[ab]( [ab:]='[&;lt<]{0,3}')?/?>|</[ab]>|&lt;|&#65;|[ \\]>x-]|<!--|-->|<!\\[CDATA\\[){0,12}"
    ) {
        if let Ok(document) = xml(&source) {
            prop_assert_eq!(&xml(std::str::from_utf8(&write_xml(&document, Encoding::Utf8)).unwrap()), &Ok(document));
        }
    }

    #[test]
    fn a_written_tree_is_read_back(tree in tree()) {
        let document = Document::new(tree);
        for encoding in [Encoding::Utf8, Encoding::Latin1, Encoding::Ascii, Encoding::Windows1252] {
            prop_assert_eq!(parse_xml(&write_xml(&document, encoding), CAP, None), Ok(document.clone()));
        }
        prop_assert_eq!(parse_json(&write_json(&document), CAP), Ok(document));
    }
}
