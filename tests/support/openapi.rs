//! Cisco's published description of the Webex APIs (OpenAPI 3.0), as judge over what our client
//! sends and what the lab answers.
//!
//! The file is not ours and not in the repository: `WEBEX_OPENAPI` names the directory that holds
//! it, else it is looked for in `../shared/webex-openapi` beside the repository. Where it is
//! absent, [`OpenApi::load`] prints why and tests return.
//!
//! Unknown members are refused everywhere, so a misspelt name is found. Four places in which the
//! published examples contradict their own schema are judged by both, see [`mend`].

use std::path::PathBuf;

use jsonschema::Draft;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// The variable with the directory of the files.
const DIRECTORY: &str = "WEBEX_OPENAPI";

/// The file with the BroadWorks APIs.
pub(crate) const BROADWORKS: &str = "webex-broadworks.json";

/// Deepest nesting of references; the file has four.
const DEPTH: usize = 32;

/// The description.
pub(crate) struct OpenApi {
    document: Value,
    path: PathBuf,
}

impl OpenApi {
    /// The description in the file of this name; `None`, with the reason on stderr, when it is
    /// not here.
    pub(crate) fn load(name: &str) -> Option<Self> {
        let path = directory().join(name);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                eprintln!(
                    "skipped: no OpenAPI description at {} ({error}); set {DIRECTORY} to its \
                     directory",
                    path.display()
                );
                return None;
            }
        };
        let document = serde_json::from_str(&text).expect("the description is JSON");
        Some(Self { document, path })
    }

    /// Where it was read from.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Whether there is such an operation. `path` is below the base of the API, without a query,
    /// such as `/broadworks/subscribers/Y2lz`.
    pub(crate) fn knows(&self, method: &str, path: &str) -> bool {
        self.operation(method, path).is_ok()
    }

    /// Judges a request. `target` is a path below the base of the API, with its query.
    pub(crate) fn request(
        &self,
        method: &str,
        target: &str,
        body: Option<&Value>,
    ) -> Result<(), String> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let operation = self.operation(method, path)?;
        self.query(operation, query)
            .map_err(|fault| format!("{method} {target}: {fault}"))?;
        let written = operation.pointer("/requestBody/content/application~1json/schema");
        match (written, body) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(format!("{method} {path} takes no body")),
            (Some(_), None) => Err(format!("{method} {path} wants a body")),
            (Some(schema), Some(body)) => {
                let schema = closed(self.resolved(schema, 0));
                judge(&schema, body).map_err(|fault| format!("{method} {path}: {fault}"))
            }
        }
    }

    /// Judges an answer; `None` is an empty body.
    pub(crate) fn answer(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: Option<&Value>,
    ) -> Result<(), String> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let operation = self.operation(method, path)?;
        let place = format!("{method} {path} {status}");
        let Some(answer) = operation["responses"].get(status.to_string()) else {
            return Err(format!("{place}: no such status"));
        };
        if status >= 400 {
            // The file has no schema of errors.
            return Ok(());
        }
        match (answer.pointer("/content/application~1json/schema"), body) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(format!("{place}: has no body")),
            (Some(_), None) => Err(format!("{place}: has a body")),
            (Some(schema), Some(body)) => {
                let listed = method == "GET" && path == "/broadworks/enterprises";
                let schema = mend(closed(self.resolved(schema, 0)), listed);
                judge(&schema, body).map_err(|fault| format!("{place}: {fault}"))
            }
        }
    }

    /// The operation whose path template fits; one with more fixed segments comes first.
    fn operation(&self, method: &str, path: &str) -> Result<&Value, String> {
        let paths = self.document["paths"].as_object().expect("paths");
        let fitting = paths
            .iter()
            .filter(|(template, _)| fits(template, path))
            .filter_map(|(template, item)| {
                let operation = item.get(method.to_ascii_lowercase())?;
                Some((template.matches('{').count(), operation))
            });
        fitting
            .min_by_key(|(variables, _)| *variables)
            .map(|(_, operation)| operation)
            .ok_or_else(|| format!("{method} {path} is not in the description"))
    }

    fn query(&self, operation: &Value, query: &str) -> Result<(), String> {
        let none = Vec::new();
        let known = operation["parameters"].as_array().unwrap_or(&none);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or("a parameter without a value")?;
            let parameter = known
                .iter()
                .find(|held| held["in"] == "query" && held["name"] == name)
                .ok_or_else(|| format!("no query parameter {name:?}"))?;
            let schema = self.resolved(&parameter["schema"], 0);
            // "This Parameter supports multiple comma separated values."
            let values: Vec<_> = match name {
                "status" => value.split(',').collect(),
                _ => vec![value],
            };
            for value in values {
                let value = match schema["type"].as_str() {
                    Some("integer" | "number" | "boolean") => serde_json::from_str(value)
                        .map_err(|_| format!("{name}={value} is not a number or a truth"))?,
                    _ => Value::from(value),
                };
                judge(&schema, &value).map_err(|fault| format!("{name}: {fault}"))?;
            }
        }
        Ok(())
    }

    /// The schema with every reference replaced by what it names.
    fn resolved(&self, schema: &Value, depth: usize) -> Value {
        assert!(depth < DEPTH, "references without an end");
        match schema {
            Value::Object(members) => match members.get("$ref").and_then(Value::as_str) {
                Some(reference) => {
                    let pointer = reference.strip_prefix('#').expect("a reference inside");
                    let target = self.document.pointer(pointer).expect("what it names");
                    self.resolved(target, depth + 1)
                }
                None => members
                    .iter()
                    .map(|(name, held)| (name.clone(), self.resolved(held, depth + 1)))
                    .collect::<Map<_, _>>()
                    .into(),
            },
            Value::Array(held) => held
                .iter()
                .map(|held| self.resolved(held, depth + 1))
                .collect::<Vec<_>>()
                .into(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
        }
    }
}

fn directory() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
    let named = std::env::var_os(DIRECTORY);
    named.map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/webex-openapi"),
        PathBuf::from,
    )
}

fn fits(template: &str, path: &str) -> bool {
    let (mut held, mut asked) = (template.split('/'), path.split('/'));
    loop {
        match (held.next(), asked.next()) {
            (None, None) => return true,
            (Some(held), Some(asked)) => {
                let variable = held.starts_with('{') && held.ends_with('}') && !asked.is_empty();
                if held != asked && !variable {
                    return false;
                }
            }
            (None, Some(_)) | (Some(_), None) => return false,
        }
    }
}

/// Every object that lists its members takes no others.
fn closed(mut schema: Value) -> Value {
    close(&mut schema);
    schema
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let lists = members.get("properties").is_some_and(Value::is_object);
            if lists && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            // Examples are no schemas, and some of them hold `properties`.
            for (name, held) in members.iter_mut() {
                if name != "example" && name != "additionalProperties" {
                    close(held);
                }
            }
        }
        Value::Array(held) => held.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Takes both sides where the file contradicts itself: `selfActivated` is a boolean by the
/// schema and text in the examples; `info` of a precheck is an object or an array of them; the
/// list of enterprises is one enterprise by the schema and `items` in the example, which is the
/// form of every other list.
fn mend(mut schema: Value, list_of_enterprises: bool) -> Value {
    mend_members(&mut schema);
    if list_of_enterprises {
        let items = json!({ "type": "array", "items": schema });
        let form = json!({ "items": items });
        return json!({
            "type": "object",
            "required": ["items"],
            "properties": form,
            "additionalProperties": false,
        });
    }
    schema
}

fn mend_members(schema: &mut Value) {
    if let Some(members) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, held) in members.iter_mut() {
            mend_members(held);
            match name.as_str() {
                "selfActivated" => *held = json!({ "enum": [true, false, "true", "false"] }),
                "info" => {
                    let many = json!({ "type": "array", "items": held.clone() });
                    *held = json!({ "anyOf": [held.clone(), many] });
                }
                _ => {}
            }
        }
    }
    if let Some(items) = schema.get_mut("items") {
        mend_members(items);
    }
}

fn judge(schema: &Value, instance: &Value) -> Result<(), String> {
    // OpenAPI 3.0 is JSON Schema draft 4, near enough.
    let validator = jsonschema::options()
        .with_draft(Draft::Draft4)
        .build(schema)
        .map_err(|error| format!("the schema cannot be used: {error}"))?;
    let faults: Vec<_> = validator
        .iter_errors(instance)
        .map(|fault| format!("{} at {:?}", fault, fault.instance_path().to_string()))
        .collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join("; ")),
    }
}

#[test]
fn the_published_description_refuses_what_it_does_not_know() {
    let Some(api) = OpenApi::load(BROADWORKS) else {
        return;
    };
    assert!(api.path().ends_with(BROADWORKS));
    let subscribers = "/broadworks/subscribers";
    let mut new = json!({
        "provisioningId": "p", "userId": "u@x", "spEnterpriseId": "SP1+Acme", "firstName": "A",
        "lastName": "B", "package": "standard",
    });
    assert_eq!(api.request("POST", subscribers, Some(&new)), Ok(()));
    assert!(api.request("POST", subscribers, None).is_err());
    new["package"] = "platinum".into();
    assert!(api.request("POST", subscribers, Some(&new)).is_err());
    new["package"] = "basic".into();
    new["mobile"] = "+1".into();
    let refused = api.request("POST", subscribers, Some(&new)).unwrap_err();
    assert!(refused.contains("mobile"), "{refused}");
    let list = "/broadworks/subscribers?max=100&status=error,updating";
    assert_eq!(api.request("GET", list, None), Ok(()));
    for bad in ["max=many", "status=error,ended", "limit=1", "max"] {
        let target = format!("{subscribers}?{bad}");
        assert!(api.request("GET", &target, None).is_err(), "{bad}");
    }
    assert!(api.knows("DELETE", "/broadworks/subscribers/Y2lz"));
    assert!(!api.knows("DELETE", "/broadworks/subscribers"));
    assert!(!api.knows("GET", "/broadworks/subscribers/Y2lz/x"));
    let gone = api.answer("DELETE", "/broadworks/subscribers/Y2lz", 204, None);
    assert_eq!(gone, Ok(()));
}

#[test]
fn the_published_description_is_read_both_ways_where_it_contradicts_itself() {
    let Some(api) = OpenApi::load(BROADWORKS) else {
        return;
    };
    let get = |path: &str, body: &Value| api.answer("GET", path, 200, Some(body));
    for truth in [json!(true), json!("false")] {
        let one = json!({ "id": "x", "selfActivated": truth });
        let listed = json!({ "items": [one] });
        assert_eq!(get("/broadworks/subscribers/x", &one), Ok(()));
        assert_eq!(get("/broadworks/subscribers", &listed), Ok(()));
    }
    let one = json!({ "id": "x", "selfActivated": "maybe" });
    assert!(get("/broadworks/subscribers/x", &one).is_err());
    let enterprises = json!({ "items": [{ "id": "x", "orgId": "y" }] });
    assert_eq!(get("/broadworks/enterprises", &enterprises), Ok(()));
    let named = json!({ "items": [{ "id": "x", "name": "y" }] });
    assert!(get("/broadworks/enterprises", &named).is_err());
    let remark = json!({ "infoCode": 100, "description": "fine" });
    for info in [remark.clone(), json!([remark])] {
        let body = json!({ "message": "success", "info": info });
        let path = "/broadworks/subscribers/validate";
        assert_eq!(api.answer("POST", path, 200, Some(&body)), Ok(()));
    }
}
