//! Documents of OCI-R as an Application Server writes them, and some that it should not.

use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::INSTANCE;

const DECLARATION: &str = r#"<?xml version="1.0" encoding="ISO-8859-1"?>"#;

/// Largest document that clients take.
const LARGEST: usize = 4 * 1024 * 1024;

/// A document that no Application Server should send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Odd {
    /// With a document type declaration.
    Doctype,
    /// With the end tag of the document as text of a request.
    EndTag,
    /// With entities that refer to each other.
    Entities,
    /// No XML at all.
    Garbage,
    /// As large as clients take.
    Large,
    /// A byte larger.
    TooLarge,
    /// With a request that is not well-formed.
    Unreadable,
}

impl Odd {
    /// By its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "doctype" => Self::Doctype,
            "end-tag" => Self::EndTag,
            "entities" => Self::Entities,
            "garbage" => Self::Garbage,
            "large" => Self::Large,
            "too-large" => Self::TooLarge,
            "unreadable" => Self::Unreadable,
            _ => return None,
        })
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Doctype => format!(
                "{DECLARATION}<!DOCTYPE a [<!ENTITY b \"c\">]>{}",
                body(PING).replace(DECLARATION, "")
            )
            .into_bytes(),
            Self::EndTag => {
                let text = "</BroadsoftOCIReportingDocument>";
                body(&report("odd1", "admin", &request(&title(text)))).into_bytes()
            }
            Self::Entities => {
                let bomb = "<!DOCTYPE a [<!ENTITY b \"x\"><!ENTITY c \"&b;&b;\">]>";
                let inner = format!("{bomb}{}", request("&c;"));
                body(&report("odd2", "admin", &inner)).into_bytes()
            }
            Self::Garbage => b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            Self::Large => filled(LARGEST),
            Self::TooLarge => filled(LARGEST + 1),
            Self::Unreadable => body(&report("odd3", "admin", "<a>")).into_bytes(),
        }
    }
}

fn title(text: &str) -> String {
    format!("<!-- {text} -->")
}

/// A document of so many bytes, all of which are well-formed.
fn filled(bytes: usize) -> Vec<u8> {
    let empty = body(&report("odd4", "admin", &request(&title(""))));
    let filler = "x".repeat(bytes.saturating_sub(empty.len()));
    body(&report("odd4", "admin", &request(&title(&filler)))).into_bytes()
}

/// Of nothing that matters.
fn request(inside: &str) -> String {
    format!(
        "<BroadsoftDocument protocol=\"OCI\" xmlns=\"C\" xmlns:xsi=\"{INSTANCE}\">{inside}<command \
         xsi:type=\"SystemSoftwareVersionGetRequest\" xmlns=\"\"></command></BroadsoftDocument>"
    )
}

/// The command of a keep-alive.
pub(super) const PING: &str = r#"<command xsi:type="OCIReportingServerStatusNotification"/>"#;

/// A document around commands.
pub(super) fn body(commands: &str) -> String {
    format!(
        "{DECLARATION}\n<BroadsoftOCIReportingDocument protocol=\"OCIReporting\" \
         xmlns:xsi=\"{INSTANCE}\">{commands}</BroadsoftOCIReportingDocument>"
    )
}

/// The command of a report around a request.
pub(super) fn report(id: &str, by: &str, request: &str) -> String {
    // CDATA cannot hold its own end; the requests written here never do.
    let request = request.replace("]]>", "]]&gt;");
    format!(
        "<command xsi:type=\"OCIReportingReportNotification\"><id>{id}</id><userId>{}</userId>\
         <loginType>System</loginType><request><![CDATA[{request}]]></request></command>",
        characters(by)
    )
}

/// A request as it was carried out, but for passwords.
pub(super) fn carried_out(by: &str, name: &str, body: &Element) -> String {
    let mut out = format!(
        "{DECLARATION}<BroadsoftDocument protocol=\"OCI\" xmlns=\"C\" xmlns:xsi=\"{INSTANCE}\">\
         <userId xmlns=\"\">{}</userId><command xsi:type=\"{}\" xmlns=\"\">",
        characters(by),
        characters(name)
    );
    for child in body.children() {
        element(&mut out, child);
    }
    out + "</command></BroadsoftDocument>"
}

fn element(out: &mut String, element_of: &Element) {
    let name = element_of.local();
    if element_of.is_nil() {
        out.push_str(&format!("<{name} xsi:nil=\"true\"/>"));
        return;
    }
    out.push_str(&format!("<{name}>"));
    // alterPasswords.
    if name.to_ascii_lowercase().contains("password") {
        out.push_str("******");
    } else {
        out.push_str(&characters(element_of.text()));
        for child in element_of.children() {
            element(out, child);
        }
    }
    out.push_str(&format!("</{name}>"));
}

/// Text; what ISO-8859-1 has not goes as a reference.
fn characters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ if u32::from(c) > 0xff => out.push_str(&format!("&#{};", u32::from(c))),
            _ => out.push(c),
        }
    }
    out
}

/// As ISO-8859-1.
pub(super) fn latin1(text: &str) -> Vec<u8> {
    let bytes = text.chars().map(|c| u8::try_from(u32::from(c)));
    bytes.map(|byte| byte.unwrap_or(b'?')).collect()
}
