//! The text of a mapping to proven rules; every problem of it is told at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::domain::provisioning::document::BodyLimits;
use crate::domain::provisioning::mapping::FORMAT;
use crate::domain::provisioning::mapping::Field;
use crate::domain::provisioning::mapping::FieldName;
use crate::domain::provisioning::mapping::Mapping;
use crate::domain::provisioning::mapping::Op;
use crate::domain::provisioning::mapping::Problem;
use crate::domain::provisioning::mapping::Rule;
use crate::domain::provisioning::mapping::Table;
use crate::domain::provisioning::mapping::When;
use crate::domain::provisioning::mapping::condition::Condition;
use crate::domain::provisioning::mapping::source::Source;
use crate::domain::provisioning::mapping::transform::Transform;
use crate::domain::provisioning::mapping::transform::pattern_of;
use crate::domain::xsi::codec::Encoding;

/// Largest mapping in bytes; the built-in one has some thousand.
const BYTES: usize = 256 * 1024;

/// Most problems told of one text: after so many it is something else.
const PROBLEMS: usize = 100;

/// Most rules.
const RULES: usize = 100;

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

    fn rules(&mut self, value: &Value<'_>) -> Vec<Rule> {
        let at = value.span().start;
        let DeValue::Array(rules) = value.get_ref() else {
            self.tell(at, "rule", "no list; each rule begins with [[rule]]");
            return Vec::new();
        };
        if rules.is_empty() {
            self.tell(at, "rule", "there are no rules");
        }
        if rules.len() > RULES {
            self.tell(at, "rule", format!("more than {RULES} rules"));
        }
        let mut names = BTreeSet::new();
        let mut read = Vec::new();
        for (number, value) in rules.iter().enumerate().take(RULES) {
            let at = value.span().start;
            let unnamed = format!("rule[{number}]");
            let Some(table) = self.table(value, &unnamed) else {
                continue;
            };
            let name = entry(table, "name").and_then(|(_, value)| text_of(value));
            let name = name.map(str::trim).filter(|name| !name.is_empty());
            match name {
                None => self.tell(at, &unnamed, "a rule has a name"),
                Some(name) if name.len() > 64 || name.chars().any(char::is_control) => {
                    self.tell(at, &unnamed, "a name has up to 64 bytes, all printable");
                }
                Some(name) if !names.insert(name) => {
                    self.tell(
                        at,
                        &format!("rule.{name}"),
                        "another rule has the same name",
                    );
                }
                Some(_) => {}
            }
            let path = name.map_or(unnamed, |name| format!("rule.{name}"));
            read.extend(self.rule(at, &path, name.unwrap_or_default(), table));
        }
        read
    }

    fn rule(&mut self, at: usize, path: &str, name: &str, table: &DeTable<'_>) -> Option<Rule> {
        let mut op = None;
        let mut when = When::default();
        let mut fields = Vec::new();
        for (key, value) in table.iter() {
            match key.get_ref().as_ref() {
                "name" => {}
                "op" => {
                    op = text_of(value).and_then(Op::parse);
                    if op.is_none() {
                        let words = Op::ALL.map(Op::as_str).join(", ");
                        let what = format!("no operation; there are {words}");
                        self.tell(key.span().start, &format!("{path}.op"), what);
                    }
                }
                "when" => when = self.when(value, &format!("{path}.when")),
                "field" => fields = self.fields(value, &format!("{path}.field")),
                other => self.tell(
                    key.span().start,
                    &format!("{path}.{other}"),
                    "no such entry; there are field, name, op and when",
                ),
            }
        }
        if entry(table, "op").is_none() {
            self.tell(at, &format!("{path}.op"), "missing");
        }
        let rule = Rule {
            name: name.to_owned(),
            when,
            op: op?,
            fields,
        };
        self.fields_fit(at, path, &rule, entry(table, "field").is_some());
        Some(rule)
    }

    /// Whether the fields are those that the operation needs.
    fn fields_fit(&mut self, at: usize, path: &str, rule: &Rule, written: bool) {
        let has = |name: FieldName| rule.fields.iter().any(|field| field.name == name);
        let needed: &[FieldName] = match rule.op {
            Op::Upsert => &FieldName::NEEDED,
            Op::Remove => &[FieldName::UserId],
            Op::CaptureAndRefuse | Op::Ignore | Op::RelayOrRefuse => {
                if written {
                    let what = format!("{} takes no fields", rule.op.as_str());
                    self.tell(at, &format!("{path}.field"), what);
                }
                return;
            }
        };
        for name in needed {
            if !has(*name) {
                let path = format!("{path}.field.{}", name.as_str());
                let what = format!("missing: {} needs it", rule.op.as_str());
                self.tell(at, &path, what);
            }
        }
        if rule.op == Op::Remove {
            for field in &rule.fields {
                if field.name != FieldName::UserId {
                    let path = format!("{path}.field.{}", field.name.as_str());
                    self.tell(at, &path, "remove takes the user_id only");
                }
            }
        }
    }

    fn when(&mut self, value: &Value<'_>, path: &str) -> When {
        let mut when = When::default();
        let Some(table) = self.table(value, path) else {
            return when;
        };
        for (key, value) in table.iter() {
            let at = key.span().start;
            let path = format!("{path}.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "method" => {
                    for (at, text) in self.texts(value, &path) {
                        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphabetic()) {
                            self.tell(at, &path, format!("{text:?} is no method"));
                        }
                        when.methods.push(text.to_ascii_uppercase());
                    }
                }
                "root" => {
                    for (at, text) in self.texts(value, &path) {
                        if text.is_empty() || text.contains(':') {
                            let what = "local names without prefix, or \"$\" for a JSON object";
                            self.tell(at, &path, what);
                        }
                        when.roots.push(text);
                    }
                }
                "present" => when.present = self.conditions(value, &path),
                "absent" => when.absent = self.conditions(value, &path),
                "path_regex" => match text_of(value).map(pattern_of) {
                    Some(Ok(pattern)) => when.path = Some(pattern),
                    Some(Err(what)) => self.tell(at, &path, what),
                    None => self.tell(at, &path, "no text"),
                },
                _ => self.tell(
                    at,
                    &path,
                    "no such condition; there are absent, method, path_regex, present and root",
                ),
            }
        }
        when
    }

    fn conditions(&mut self, value: &Value<'_>, path: &str) -> Vec<Condition> {
        let mut read = Vec::new();
        for (at, text) in self.texts(value, path) {
            match Condition::parse(&text) {
                Ok(condition) => read.push(condition),
                Err(what) => self.tell(at, path, format!("{text:?}: {what}")),
            }
        }
        read
    }

    fn fields(&mut self, value: &Value<'_>, path: &str) -> Vec<Field> {
        let Some(table) = self.table(value, path) else {
            return Vec::new();
        };
        let mut read = Vec::new();
        for (key, value) in table.iter() {
            let at = key.span().start;
            let path = format!("{path}.{}", key.get_ref());
            match FieldName::parse(key.get_ref()) {
                Some(name) => read.extend(self.field(at, &path, name, value)),
                None => {
                    let names = FieldName::ALL.map(FieldName::as_str).join(", ");
                    self.tell(at, &path, format!("no such field; there are {names}"));
                }
            }
        }
        read
    }

    fn field(
        &mut self,
        at: usize,
        path: &str,
        name: FieldName,
        value: &Value<'_>,
    ) -> Option<Field> {
        let table = self.table(value, path)?;
        let mut field = Field {
            name,
            from: Vec::new(),
            transforms: Vec::new(),
            required: false,
            max: name.limit(),
        };
        for (key, value) in table.iter() {
            let at = key.span().start;
            let path = format!("{path}.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "from" => {
                    for (at, text) in self.texts(value, &path) {
                        match Source::parse(&text) {
                            Ok(source) => field.from.push(source),
                            Err(what) => self.tell(at, &path, format!("{text:?}: {what}")),
                        }
                    }
                }
                "transform" => {
                    for (at, text) in self.texts(value, &path) {
                        let tables = &self.tables;
                        match Transform::parse(&text, |name| tables.get(name).cloned()) {
                            Ok(step) => field.transforms.push(step),
                            Err(what) => self.tell(at, &path, what),
                        }
                    }
                }
                "required" => match value.get_ref() {
                    DeValue::Boolean(required) => field.required = *required,
                    _ => self.tell(at, &path, "true or false"),
                },
                "max" => self.number(value, &path, &mut field.max),
                _ => self.tell(
                    at,
                    &path,
                    "no such entry; there are from, max, required and transform",
                ),
            }
        }
        if entry(table, "from").is_none() {
            self.tell(at, &format!("{path}.from"), "missing");
        }
        Some(field)
    }

    fn table<'a>(&mut self, value: &'a Value<'_>, path: &str) -> Option<&'a DeTable<'a>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => {
                self.tell(value.span().start, path, "no table");
                None
            }
        }
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
    match value.get_ref() {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

fn integer_of(value: &Value<'_>) -> Option<usize> {
    match value.get_ref() {
        DeValue::Integer(number) => usize::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    }
}
