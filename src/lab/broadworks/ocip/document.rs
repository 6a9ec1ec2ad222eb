//! `BroadsoftDocument`s: requests read with the codec that judges, answers written as an AS does.

use crate::domain::xsi::codec;
use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::ocip::frame::LIMIT;
use crate::lab::broadworks::ocip::refusal::Refusal;

/// The namespace of the envelope.
const CORE: &str = "C";

/// Commands of one document (an AS takes up to 15).
const COMMANDS: usize = 15;

/// Longest session id and echo that are given back.
const ECHOED: usize = 256;

/// A document of requests.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) session: String,
    pub(super) commands: Vec<Command>,
    pub(super) charset: Charset,
}

/// One request.
#[derive(Debug)]
pub(super) struct Command {
    /// The `xsi:type`.
    pub(super) name: String,
    /// The `echo` attribute, given back as it came.
    pub(super) echo: String,
    pub(super) body: Element,
}

/// The encoding of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// ISO-8859-1, the usual one.
    Latin1,
    /// UTF-8, when the request came in it.
    Utf8,
}

/// A document that cannot be answered command by command.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// As far as it was found.
    pub(super) session: String,
    pub(super) refusal: Refusal,
}

/// Reads a message.
pub(super) fn read(message: &[u8]) -> Result<Document, Unreadable> {
    let unreadable = |session: &str, why: String| Unreadable {
        session: session.to_owned(),
        refusal: Refusal::Validation(why),
    };
    let root = codec::parse_xml(message, LIMIT, None)
        .map_err(|error| unreadable("", error.to_string()))?
        .into_root();
    let session = match root.child_text("sessionId") {
        Some(session) if session.chars().count() <= ECHOED => session,
        Some(_) => {
            return Err(unreadable(
                "",
                "Element 'sessionId' is too long.".to_owned(),
            ));
        }
        None => return Err(unreadable("", "Element 'sessionId' is missing.".to_owned())),
    };
    let refuse = |why: String| unreadable(session, why);
    if root.local() != "BroadsoftDocument" || root.namespace() != Some(CORE) {
        let text = "The root is not 'BroadsoftDocument' of namespace 'C'.";
        return Err(refuse(text.to_owned()));
    }
    if root.attribute("protocol") != Some("OCI") {
        return Err(refuse("Attribute 'protocol' is not 'OCI'.".to_owned()));
    }
    let mut commands = Vec::new();
    for child in root.children() {
        if child.namespace().is_some_and(|uri| !uri.is_empty()) {
            let name = child.local();
            return Err(refuse(format!("Element '{name}' has a namespace.")));
        }
        match child.local() {
            "sessionId" => {}
            "command" => commands.push(command(&root, child).map_err(refuse)?),
            name => return Err(refuse(format!("Element '{name}' is not expected."))),
        }
    }
    if !(1..=COMMANDS).contains(&commands.len()) {
        let count = commands.len();
        return Err(refuse(format!(
            "{count} commands; 1 to {COMMANDS} are allowed."
        )));
    }
    Ok(Document {
        session: session.to_owned(),
        commands,
        charset: charset(message),
    })
}

fn command(root: &Element, command: &Element) -> Result<Command, String> {
    let name = instance_type(root, command).ok_or("A command has no 'xsi:type'.")?;
    let echo = command
        .attributes()
        .iter()
        .find(|held| held.name.written() == "echo");
    let echo = echo.map_or("", |held| held.value.as_str());
    if echo.chars().count() > ECHOED {
        return Err("Attribute 'echo' is too long.".to_owned());
    }
    Ok(Command {
        name: name.to_owned(),
        echo: echo.to_owned(),
        body: command.clone(),
    })
}

/// The `type` attribute of the instance namespace; a plain `type` is something else.
fn instance_type<'a>(root: &'a Element, command: &'a Element) -> Option<&'a str> {
    command.attributes().iter().find_map(|attribute| {
        let prefix = attribute.name.prefix()?;
        let mut declared = command.declarations().iter().chain(root.declarations());
        let uri = declared.find(|held| held.prefix.as_deref() == Some(prefix))?;
        let ours = attribute.name.local() == "type" && *uri.uri == *codec::INSTANCE;
        ours.then_some(attribute.value.trim())
    })
}

/// The encoding in which the message declares itself; the codec has proven it.
fn charset(message: &[u8]) -> Charset {
    let end = message.iter().position(|byte| *byte == b'>').unwrap_or(0);
    let declaration = message.get(..end).unwrap_or_default().to_ascii_lowercase();
    let declares = |label: &[u8]| memchr::memmem::find(&declaration, label).is_some();
    if declaration.starts_with(b"<?xml") && (declares(b"utf-8") || declares(b"utf8")) {
        Charset::Utf8
    } else {
        Charset::Latin1
    }
}

/// A successful answer.
#[derive(Debug)]
pub(super) struct Answer {
    name: &'static str,
    body: Vec<Element>,
}

impl Answer {
    /// With data.
    pub(super) const fn data(name: &'static str, body: Vec<Element>) -> Self {
        Self { name, body }
    }

    /// Without data.
    pub(super) const fn done() -> Self {
        Self::data("c:SuccessResponse", Vec::new())
    }
}

/// How answers are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) charset: Charset,
    /// Whether errors have an `errorCode` beside the number in their summary. The schema allows
    /// it; real servers were seen without it.
    pub(super) error_codes: bool,
    /// Write UTF-8 and declare ISO-8859-1, as broken servers do.
    pub(super) misencode: bool,
}

/// Writes the answers to the commands of one document, each with the `echo` of its command.
pub(super) fn write(
    session: &str,
    answers: &[(String, Result<Answer, Refusal>)],
    form: Form,
) -> Vec<u8> {
    let label = match form.charset {
        Charset::Latin1 => "ISO-8859-1",
        Charset::Utf8 => "UTF-8",
    };
    let mut out = Out {
        text: format!(
            "<?xml version=\"1.0\" encoding=\"{label}\"?>\n<BroadsoftDocument protocol=\"OCI\" \
             xmlns=\"{CORE}\" xmlns:xsi=\"{}\"><sessionId xmlns=\"\">",
            codec::INSTANCE
        ),
        charset: form.charset,
    };
    if form.misencode {
        out.charset = Charset::Utf8;
    }
    out.characters(session);
    out.text.push_str("</sessionId>");
    for (echo, answer) in answers {
        match answer {
            Ok(answer) => out.answer(echo, answer),
            Err(refusal) => out.refusal(echo, refusal, form.error_codes),
        }
    }
    out.text.push_str("</BroadsoftDocument>");
    out.bytes()
}

struct Out {
    text: String,
    charset: Charset,
}

impl Out {
    fn answer(&mut self, echo: &str, answer: &Answer) {
        self.text.push_str("<command echo=\"");
        self.characters(echo);
        self.text.push_str("\" xsi:type=\"");
        self.text.push_str(answer.name);
        let core = if answer.name.starts_with("c:") {
            " xmlns:c=\"C\""
        } else {
            ""
        };
        self.text.push_str(&format!("\"{core} xmlns=\"\">"));
        for element in &answer.body {
            self.element(element);
        }
        self.text.push_str("</command>");
    }

    fn refusal(&mut self, echo: &str, refusal: &Refusal, error_codes: bool) {
        self.text.push_str("<command type=\"Error\" echo=\"");
        self.characters(echo);
        let tail = "\" xsi:type=\"c:ErrorResponse\" xmlns:c=\"C\" xmlns=\"\">";
        self.text.push_str(tail);
        if error_codes {
            self.element(&Element::leaf("errorCode", refusal.code().to_string()));
        }
        let summary = refusal.summary();
        self.element(&Element::leaf("summary", summary.clone()));
        self.element(&Element::leaf("summaryEnglish", summary));
        if let Some(detail) = refusal.detail() {
            self.element(&Element::leaf("detail", detail));
        }
        self.text.push_str("</command>");
    }

    fn element(&mut self, element: &Element) {
        let name = element.name().written();
        self.text.push('<');
        self.text.push_str(&name);
        for attribute in element.attributes() {
            // Only those of the schema instance stand inside answers.
            self.text
                .push_str(&format!(" xsi:{}=\"", attribute.name.local()));
            self.characters(&attribute.value);
            self.text.push('"');
        }
        if element.text().is_empty() && element.children().is_empty() {
            self.text.push_str("/>");
            return;
        }
        self.text.push('>');
        self.characters(element.text());
        for child in element.children() {
            self.element(child);
        }
        self.text.push_str(&format!("</{name}>"));
    }

    /// Text, inside elements and attributes alike.
    fn characters(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                _ if !codec::names::is_char(c) => self.text.push('?'),
                _ if c < ' ' || self.charset == Charset::Latin1 && u32::from(c) > 0xff => {
                    self.text.push_str(&format!("&#{};", u32::from(c)));
                }
                _ => self.text.push(c),
            }
        }
    }

    fn bytes(self) -> Vec<u8> {
        match self.charset {
            Charset::Utf8 => self.text.into_bytes(),
            Charset::Latin1 => self
                .text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(inner: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<BroadsoftDocument protocol=\"OCI\" \
             xmlns=\"C\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{inner}\
             </BroadsoftDocument>"
        )
    }

    fn detail(message: &str) -> String {
        let unreadable = read(message.as_bytes()).unwrap_err();
        unreadable.refusal.detail().unwrap().to_owned()
    }

    #[test]
    fn a_request_is_read_with_its_session_type_and_echo() {
        let message = text(
            "<sessionId xmlns=\"\">a-1</sessionId><command echo=\"e\" type=\"other\" \
             xsi:type=\"UserGetRequest22\" xmlns=\"\"><userId>zo\u{eb}</userId></command>",
        );
        let latin: Vec<u8> = message.chars().map(|c| c as u8).collect();
        let utf8 = message.replace("ISO-8859-1", "utf-8");
        for (bytes, charset) in [(latin, Charset::Latin1), (utf8.into_bytes(), Charset::Utf8)] {
            let document = read(&bytes).unwrap();
            assert_eq!(
                (document.session.as_str(), document.charset),
                ("a-1", charset)
            );
            let [command] = &document.commands[..] else {
                panic!("{document:?}")
            };
            assert_eq!(
                (command.name.as_str(), command.echo.as_str()),
                ("UserGetRequest22", "e")
            );
            assert_eq!(command.body.child_text("userId"), Some("zo\u{eb}"));
        }
    }

    #[test]
    fn what_is_no_request_document_is_refused_with_its_reason() {
        let session = "<sessionId xmlns=\"\">a</sessionId>";
        let command = "<command xsi:type=\"X\" xmlns=\"\"/>";
        for (message, expected) in [
            (
                text(&format!("{session}<command xmlns=\"\"/>")),
                "no 'xsi:type'",
            ),
            (text(session), "0 commands"),
            (
                text(&format!("{session}{}", command.repeat(16))),
                "16 commands",
            ),
            (text(command), "'sessionId' is missing"),
            (
                text(&format!("{session}<command xsi:type=\"X\"/>")),
                "has a namespace",
            ),
            (
                text(&format!("{session}<order xmlns=\"\"/>")),
                "'order' is not expected",
            ),
            (
                text(&format!("{session}{command}")).replace("\"OCI\"", "\"OCX\""),
                "'protocol'",
            ),
            (
                text(&format!("{session}{command}")).replace("xmlns=\"C\"", "xmlns=\"D\""),
                "The root",
            ),
            (
                text(&format!("{session}{command}"))
                    .replace("\n<Broad", "<!DOCTYPE BroadsoftDocument><Broad"),
                "document type declaration",
            ),
            (
                text(&format!("{session}{command}")).replace("ISO-8859-1", "UTF-16"),
                "encoding",
            ),
            (
                text(&format!(
                    "<sessionId xmlns=\"\">{}</sessionId>",
                    "x".repeat(257)
                )),
                "too long",
            ),
        ] {
            let found = detail(&message);
            assert!(found.contains(expected), "{message}: {found}");
        }
    }

    #[test]
    fn answers_are_written_as_an_application_server_does() {
        let form = Form {
            charset: Charset::Latin1,
            error_codes: false,
            misencode: false,
        };
        let refusal = Refusal::UserNotFound("zo\u{eb}@x\u{20ac}".to_owned());
        let bytes = write("a&b", &[("e".to_owned(), Err(refusal))], form);
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<BroadsoftDocument protocol=\"OCI\" \
             xmlns=\"C\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><sessionId \
             xmlns=\"\">a&amp;b</sessionId><command type=\"Error\" echo=\"e\" \
             xsi:type=\"c:ErrorResponse\" xmlns:c=\"C\" xmlns=\"\"><summary>[Error 4008] User not \
             found: zo\u{eb}@x&#8364;</summary><summaryEnglish>[Error 4008] User not found: \
             zo\u{eb}@x&#8364;</summaryEnglish></command></BroadsoftDocument>"
        );
        let bytes = write("s", &[(String::new(), Ok(Answer::done()))], form);
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.ends_with(
                "<command echo=\"\" xsi:type=\"c:SuccessResponse\" xmlns:c=\"C\" xmlns=\"\">\
                 </command></BroadsoftDocument>"
            ),
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(read(&bytes));
        }

        #[test]
        fn what_is_written_can_be_read(echo in "\\PC{0,20}", value in "\\PC{0,40}", utf8: bool) {
            let charset = if utf8 { Charset::Utf8 } else { Charset::Latin1 };
            let form = Form { charset, error_codes: true, misencode: false };
            let answer = Answer::data("X", vec![Element::leaf("value", value.clone())]);
            let bytes = write("s", &[(echo.clone(), Ok(answer))], form);
            let document = read(&bytes).unwrap();
            prop_assert_eq!(&document.commands[0].echo, &echo);
            prop_assert_eq!(document.commands[0].body.child("value").unwrap().text(), value);
            prop_assert_eq!(document.charset, charset);
        }
    }
}
