//! The text of a mapping to proven rules; every problem of it is told at once.

mod rule;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::domain::provisioning::document::BodyLimits;
use crate::domain::provisioning::mapping::FORMAT;
use crate::domain::provisioning::mapping::Mapping;
use crate::domain::provisioning::mapping::Problem;
use crate::domain::provisioning::mapping::Table;
use crate::domain::xsi::codec::Encoding;

/// Largest mapping in bytes; the built-in one has some thousand.
const BYTES: usize = 256 * 1024;

/// Most problems told of one text: after so many it is something else.
const PROBLEMS: usize = 100;

/// Most sources or steps of one field, conditions of one kind, methods and roots.
const LIST: usize = 32;

/// Most tables, and entries of one.
const TABLES: usize = 32;
const ENTRIES: usize = 2_000;

pub(super) fn read(text: &str) -> Result<Mapping, Vec<Problem>> {
    let mut reader = Reader::new(text);
    if text.len() > BYTES {
        reader.tell(0, "", format!("more than {BYTES} bytes"));
        return Err(reader.problems);
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.tell(at, "", error.message().to_owned());
    }
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    let mapping = reader.document(document.get_ref());
    if reader.problems.is_empty() {
        Ok(mapping)
    } else {
        reader.problems.sort_by_key(|problem| problem.line);
        Err(reader.problems)
    }
}

type Value<'a> = Spanned<DeValue<'a>>;

struct Reader {
    /// Where each line starts.
    lines: Vec<usize>,
    tables: BTreeMap<String, Table>,
    problems: Vec<Problem>,
}

impl Reader {
    fn new(text: &str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            lines: std::iter::once(0).chain(ends).collect(),
            tables: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    fn tell(&mut self, at: usize, path: &str, what: impl Into<String>) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(Problem {
                line: self.lines.partition_point(|start| *start <= at),
                path: path.to_owned(),
                what: what.into(),
            });
        }
    }

    fn document(&mut self, table: &DeTable<'_>) -> Mapping {
        let mut mapping = Mapping {
            limits: BodyLimits::default(),
            rules: Vec::new(),
        };
        let mut said = false;
        // Steps name tables, so that these come first.
        if let Some((_, tables)) = entry(table, "table") {
            self.tables(tables);
        }
        for (key, value) in table.iter() {
            let at = key.span().start;
            match key.get_ref().as_ref() {
                "format" => {
                    said = true;
                    match text_of(value) {
                        Some(FORMAT) => {}
                        Some(other) => {
                            let what = format!("{other:?} is not spoken here; it is {FORMAT:?}");
                            self.tell(at, "format", what);
                        }
                        None => self.tell(at, "format", "no text"),
                    }
                }
                "limits" => self.limits(value, &mut mapping.limits),
                "rule" => mapping.rules = self.rules(value),
                "table" => {}
                "template" => self.tell(
                    at,
                    "template",
                    "templates stand as [[template]] in the configuration of the daemon, not here",
                ),
                other => {
                    let what = "no such entry; there are format, limits, rule and table";
                    self.tell(at, other, what);
                }
            }
        }
        if !said {
            self.tell(0, "format", format!("missing; write format = {FORMAT:?}"));
        }
        if entry(table, "rule").is_none() {
            self.tell(0, "rule", "there are no rules");
        }
        mapping
    }

    fn limits(&mut self, value: &Value<'_>, limits: &mut BodyLimits) {
        let Some(table) = self.table(value, "limits") else {
            return;
        };
        for (key, value) in table.iter() {
            let path = format!("limits.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "body_bytes" => self.number(value, &path, &mut limits.bytes),
                "xml_depth" => self.number(value, &path, &mut limits.depth),
                "xml_elements" => self.number(value, &path, &mut limits.elements),
                "charsets" => {
                    let mut charsets = Vec::new();
                    for (at, text) in self.texts(value, &path) {
                        match Encoding::parse(&text) {
                            Some(encoding @ (Encoding::Utf8 | Encoding::Latin1)) => {
                                charsets.push(encoding);
                            }
                            Some(Encoding::Ascii | Encoding::Windows1252) | None => {
                                self.tell(at, &path, "there are utf-8 and iso-8859-1");
                            }
                        }
                    }
                    limits.charsets = charsets;
                }
                _ => self.tell(
                    key.span().start,
                    &path,
                    "no such limit; there are body_bytes, charsets, xml_depth and xml_elements",
                ),
            }
        }
    }

    /// A limit can be lowered only.
    fn number(&mut self, value: &Value<'_>, path: &str, into: &mut usize) {
        match integer_of(value).filter(|number| (1..=*into).contains(number)) {
            Some(number) => *into = number,
            None => {
                let what = format!("no number from 1 to {into}");
                self.tell(value.span().start, path, what);
            }
        }
    }

    fn tables(&mut self, value: &Value<'_>) {
        let Some(tables) = self.table(value, "table") else {
            return;
        };
        if tables.len() > TABLES {
            self.tell(
                value.span().start,
                "table",
                format!("more than {TABLES} tables"),
            );
        }
        for (name, value) in tables.iter().take(TABLES) {
            let path = format!("table.{}", name.get_ref());
            let Some(entries) = self.table(value, &path) else {
                continue;
            };
            if entries.len() > ENTRIES {
                let what = format!("more than {ENTRIES} entries");
                self.tell(value.span().start, &path, what);
            }
            let mut table = BTreeMap::new();
            for (key, value) in entries.iter().take(ENTRIES) {
                let at = key.span().start;
                match text_of(value) {
                    None => self.tell(at, &path, format!("{} has no text", key.get_ref())),
                    Some(text) => {
                        if table
                            .insert(key.get_ref().to_lowercase(), text.to_owned())
                            .is_some()
                        {
                            let what =
                                format!("{} stands there twice, but for case", key.get_ref());
                            self.tell(at, &path, what);
                        }
                    }
                }
            }
            self.tables
                .insert(name.get_ref().clone().into_owned(), Arc::new(table));
        }
    }

    fn table<'a>(&mut self, value: &'a Value<'_>, path: &str) -> Option<&'a DeTable<'a>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        self.tell(value.span().start, path, "no table");
        None
    }

    /// The texts of a list, with their places.
    fn texts(&mut self, value: &Value<'_>, path: &str) -> Vec<(usize, String)> {
        let at = value.span().start;
        let DeValue::Array(elements) = value.get_ref() else {
            self.tell(at, path, "no list of texts");
            return Vec::new();
        };
        if elements.is_empty() || elements.len() > LIST {
            self.tell(at, path, format!("a list has 1 to {LIST} elements"));
        }
        let mut texts = Vec::new();
        for element in elements.iter().take(LIST) {
            let at = element.span().start;
            match text_of(element) {
                Some(text) => texts.push((at, text.trim_start().to_owned())),
                None => self.tell(at, path, "no text"),
            }
        }
        texts
    }
}

fn entry<'a>(
    table: &'a DeTable<'a>,
    name: &str,
) -> Option<(&'a Spanned<Cow<'a, str>>, &'a Value<'a>)> {
    let mut entries = table.iter();
    entries.find(|(key, _)| key.get_ref().as_ref() == name)
}

fn text_of<'a>(value: &'a Value<'_>) -> Option<&'a str> {
    if let DeValue::String(text) = value.get_ref() {
        Some(text)
    } else {
        None
    }
}

fn integer_of(value: &Value<'_>) -> Option<usize> {
    if let DeValue::Integer(number) = value.get_ref() {
        usize::from_str_radix(number.as_str(), number.radix()).ok()
    } else {
        None
    }
}
