//! `ErrorInfo`, the form in which Xsi clients expect a refusal (Xsi-Actions field page, 4.1).
//!
//! wxcadm fails on an XML document where it asked for JSON, libxsi on a `Content-Type` whose
//! charset is missing or not last.

/// Form of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// BadgerFish: text is `$`, always a string.
    Json,
    /// The default of the interface.
    Xml,
}

impl Format {
    /// The form asked for: JSON when `Accept` contains `application/json` or the query says
    /// `format=json`, else XML (Xsi-Actions field page, section 1.3).
    #[must_use]
    pub fn wanted<'v>(accept: impl IntoIterator<Item = &'v [u8]>, query: Option<&str>) -> Self {
        const JSON: &[u8] = b"application/json";
        let accepted = accept.into_iter().any(|value| {
            value
                .windows(JSON.len())
                .any(|window| window.eq_ignore_ascii_case(JSON))
        });
        let asked = query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("format"))
            .is_some_and(|(_, value)| value.eq_ignore_ascii_case("json"));
        if accepted || asked {
            Self::Json
        } else {
            Self::Xml
        }
    }

    /// The `Content-Type`; the charset stands last and unquoted.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json;charset=UTF-8",
            Self::Xml => "application/xml;charset=UTF-8",
        }
    }
}

/// A refusal's document, on one line as the XSP writes it.
#[must_use]
pub fn error_info(format: Format, summary: &str, code: u16) -> String {
    let mut out = String::with_capacity(320);
    match format {
        Format::Json => {
            out.push_str(r#"{"ErrorInfo":{"@xmlns":{"$":"http://schema.broadsoft.com/xsi"}"#);
            for name in ["summary", "summaryEnglish"] {
                out.push_str(",\"");
                out.push_str(name);
                out.push_str("\":{\"$\":\"");
                escape_json(summary, &mut out);
                out.push_str("\"}");
            }
            out.push_str(",\"errorCode\":{\"$\":\"");
            out.push_str(&code.to_string());
            out.push_str("\"}}}");
        }
        Format::Xml => {
            out.push_str(r#"<?xml version="1.0" encoding="UTF-8"?>"#);
            out.push_str(r#"<ErrorInfo xmlns="http://schema.broadsoft.com/xsi"><summary>"#);
            escape_xml(summary, &mut out);
            out.push_str("</summary><summaryEnglish>");
            escape_xml(summary, &mut out);
            out.push_str("</summaryEnglish><errorCode>");
            out.push_str(&code.to_string());
            out.push_str("</errorCode></ErrorInfo>");
        }
    }
    out
}

fn escape_xml(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // No XML 1.0 document may hold these, not even escaped.
            '\u{0}'..='\u{8}'
            | '\u{b}'
            | '\u{c}'
            | '\u{e}'..='\u{1f}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                out.push('\u{fffd}');
            }
            _ => out.push(letter),
        }
    }
}

fn escape_json(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{0}'..='\u{1f}' => {
                out.push_str("\\u00");
                let code = u32::from(letter);
                out.extend(
                    [code >> 4, code & 15].map(|digit| char::from_digit(digit, 16).unwrap_or('0')),
                );
            }
            _ => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_format_follows_accept_and_query() {
        let table: [(&[&str], Option<&str>, Format); 10] = [
            (&[], None, Format::Xml),
            (&["application/xml"], None, Format::Xml),
            (&["*/*"], None, Format::Xml),
            (&["application/json, text/plain, */*"], None, Format::Json),
            (&["text/xml", "Application/JSON"], None, Format::Json),
            (&[], Some("format=json"), Format::Json),
            (&["text/xml"], Some("a=b&Format=JSON"), Format::Json),
            (&[], Some("format=xml&format=json"), Format::Xml),
            (&[], Some("xformat=json"), Format::Xml),
            (&[], Some(""), Format::Xml),
        ];
        for (accept, query, expected) in table {
            let accept = accept.iter().map(|value| value.as_bytes());
            assert_eq!(Format::wanted(accept, query), expected, "{query:?}");
        }
    }

    #[test]
    fn both_forms_have_the_layout_that_clients_read() {
        assert_eq!(
            error_info(Format::Xml, "a<b & c", 403),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <ErrorInfo xmlns=\"http://schema.broadsoft.com/xsi\"><summary>a&lt;b &amp; c</summary>\
             <summaryEnglish>a&lt;b &amp; c</summaryEnglish><errorCode>403</errorCode></ErrorInfo>"
        );
        let json: serde_json::Value =
            serde_json::from_str(&error_info(Format::Json, "say \"no\"", 429)).unwrap();
        let info = &json["ErrorInfo"];
        assert_eq!(info["summary"]["$"], "say \"no\"");
        assert_eq!(info["summaryEnglish"]["$"], "say \"no\"");
        assert_eq!(info["errorCode"]["$"], "429");
        assert_eq!(info["@xmlns"]["$"], "http://schema.broadsoft.com/xsi");
    }

    proptest! {
        #[test]
        fn any_summary_survives_json_and_leaves_xml_well_formed(summary in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
            let json: serde_json::Value =
                serde_json::from_str(&error_info(Format::Json, &summary, 400)).unwrap();
            prop_assert_eq!(json["ErrorInfo"]["summary"]["$"].as_str(), Some(summary.as_str()));
            let xml = error_info(Format::Xml, &summary, 400);
            let mut reader = quick_xml::Reader::from_str(&xml);
            loop {
                match reader.read_event() {
                    Ok(quick_xml::events::Event::Eof) => break,
                    Ok(_) => {}
                    Err(error) => prop_assert!(false, "{error}: {xml}"),
                }
            }
        }
    }
}
