//! The rules of a mapping, read and checked.

use std::collections::BTreeSet;

use toml::de::DeTable;
use toml::de::DeValue;

use crate::domain::provisioning::mapping::Field;
use crate::domain::provisioning::mapping::FieldName;
use crate::domain::provisioning::mapping::Op;
use crate::domain::provisioning::mapping::Rule;
use crate::domain::provisioning::mapping::When;
use crate::domain::provisioning::mapping::condition::Condition;
use crate::domain::provisioning::mapping::read::Reader;
use crate::domain::provisioning::mapping::read::Value;
use crate::domain::provisioning::mapping::read::entry;
use crate::domain::provisioning::mapping::read::text_of;
use crate::domain::provisioning::mapping::source::Source;
use crate::domain::provisioning::mapping::transform::Transform;
use crate::domain::provisioning::mapping::transform::pattern_of;

/// Most rules.
const RULES: usize = 100;

impl Reader {
    pub(super) fn rules(&mut self, value: &Value<'_>) -> Vec<Rule> {
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
                "any" => when.any = self.conditions(value, &path),
                "path_regex" => match text_of(value).map(pattern_of) {
                    Some(Ok(pattern)) => when.path = Some(pattern),
                    Some(Err(what)) => self.tell(at, &path, what),
                    None => self.tell(at, &path, "no text"),
                },
                _ => self.tell(
                    at,
                    &path,
                    "no such condition; there are absent, any, method, path_regex, present and root",
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
                "required" => {
                    if let DeValue::Boolean(required) = value.get_ref() {
                        field.required = *required;
                    } else {
                        self.tell(at, &path, "true or false");
                    }
                }
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
}
