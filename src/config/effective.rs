//! Every value in force with its origin, for `xspd config show`.

use std::fmt;

use serde::Serialize;
use serde::Serializer;

use crate::config::Loaded;
use crate::config::Place;
use crate::config::path::join;
use crate::config::path::labels;
use crate::config::tree::Node;
use crate::config::write::write;

/// Keys that a host takes over from its listener.
const INHERITED: [&str; 6] = [
    "allowed-identities",
    "client-certificates",
    "identity-mode",
    "require-client-auth-eku",
    "routes",
    "trust",
];

/// One value in force. Secrets appear as references only: the configuration holds no other.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Dotted path.
    pub path: String,
    /// The value in TOML.
    pub value: toml::Value,
    /// Where it was written; `None`: the default.
    pub place: Option<Place>,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}  # ", self.path, self.value)?;
        match &self.place {
            Some(place) => place.fmt(f),
            None => f.write_str("default"),
        }
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            path: &'a str,
            value: &'a toml::Value,
            origin: String,
        }
        let origin = self.place.as_ref();
        let form = Form {
            path: &self.path,
            value: &self.value,
            origin: origin.map_or_else(|| "default".to_owned(), ToString::to_string),
        };
        form.serialize(serializer)
    }
}

/// All values in force, in path order.
#[must_use]
pub fn effective(loaded: &Loaded) -> Vec<Setting> {
    let mut settings = Vec::new();
    // The written form is made of tables, lists and texts, which TOML always can hold.
    if let Ok(value) = toml::Value::try_from(write(&loaded.config)) {
        flatten(&value, "", &loaded.written, &mut settings);
    }
    settings
}

fn flatten(value: &toml::Value, path: &str, written: &Node, settings: &mut Vec<Setting>) {
    match value {
        toml::Value::Table(entries) => {
            for (key, value) in entries {
                flatten(value, &join(path, key), written, settings);
            }
        }
        toml::Value::Array(elements) if elements.iter().any(toml::Value::is_table) => {
            let name = |element: &toml::Value| {
                let name = element.get("name").and_then(toml::Value::as_str);
                name.map(str::to_owned)
            };
            let names: Vec<_> = elements.iter().map(name).collect();
            let labels = labels(names.iter().map(Option::as_deref));
            for (element, label) in elements.iter().zip(labels) {
                flatten(element, &format!("{path}{label}"), written, settings);
            }
        }
        toml::Value::Array(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Float(_)
        | toml::Value::Integer(_)
        | toml::Value::String(_) => settings.push(Setting {
            path: path.to_owned(),
            value: value.clone(),
            place: origin(path, written),
        }),
    }
}

fn origin(path: &str, written: &Node) -> Option<Place> {
    let own = written.find(path);
    let node = own.or_else(|| {
        let (host, key) = path.rsplit_once('.')?;
        let (listener, _) = host.rsplit_once(".host[")?;
        let inherited = INHERITED.contains(&key);
        inherited
            .then(|| written.find(&join(listener, key)))
            .flatten()
    });
    node?.place.clone()
}
