//! Later files and the environment laid over what was written before.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::check::BUILT_IN;
use crate::config::environment::Environment;
use crate::config::path::join;
use crate::config::problem::Place;
use crate::config::problem::Problem;
use crate::config::shape::Kind;
use crate::config::shape::Scalar;
use crate::config::shape::Shape;
use crate::config::tree::Node;
use crate::config::tree::Value;

/// Prefix of overriding variables.
const PREFIX: &str = "XSPD_";

const FORM: &str = "XSPD_, then the path in capitals with `__` between levels and `_` for `-`, \
                    as in XSPD_ADMIN__ADDRESS or XSPD_POOL__XSP__AFFINITY";

/// Lays `over` on `base`: values replace, tables merge, named tables of a list merge by name,
/// others are added at the end.
pub(super) fn lay(base: &mut Node, over: Node) {
    match (&mut base.value, over.value) {
        (Value::Table(entries), Value::Table(over)) => {
            for (key, node) in over {
                match entries.get_mut(&key) {
                    Some(entry) => lay(entry, node),
                    None => {
                        entries.insert(key, node);
                    }
                }
            }
        }
        (Value::Array(elements), Value::Array(over)) if are_tables(elements, &over) => {
            lay_elements(elements, over);
        }
        (_, value) => {
            *base = Node {
                place: over.place,
                value,
            }
        }
    }
}

fn are_tables(a: &[Node], b: &[Node]) -> bool {
    let mut nodes = a.iter().chain(b);
    nodes.all(|node| matches!(node.value, Value::Table(_)))
}

fn lay_elements(elements: &mut Vec<Node>, over: Vec<Node>) {
    // One name twice in one file stays twice, for `check` to refuse.
    let mut merged = BTreeSet::new();
    let known = elements.len();
    for node in over {
        let name = node.name().map(str::to_owned);
        let fresh = name
            .as_ref()
            .is_some_and(|name| merged.insert(name.clone()));
        let mut before = elements.iter_mut().take(known);
        match before.find(|element| fresh && element.name() == name.as_deref()) {
            Some(element) => lay(element, node),
            None => elements.push(node),
        }
    }
}

/// Lays the `XSPD_` variables over the tree. Variables that an `env:` reference names are left
/// alone.
pub(super) fn override_by(
    root: &mut Node,
    environment: &Environment,
    shape: &Shape,
) -> Vec<Problem> {
    let mut referred = BTreeSet::new();
    references(root, &mut referred);
    let mut problems = Vec::new();
    for (rest, text) in environment.with_prefix(PREFIX) {
        let variable = format!("{PREFIX}{rest}");
        if referred.contains(&variable) {
            continue;
        }
        let setting = Setting { variable, text };
        let steps: Vec<String> = rest.split("__").map(key).collect();
        if let Err(problem) = setting.lay(root, shape, &steps, "") {
            problems.push(problem.at(setting.place()));
        }
    }
    problems
}

fn key(part: &str) -> String {
    part.to_ascii_lowercase().replace('_', "-")
}

fn references(node: &Node, found: &mut BTreeSet<String>) {
    match &node.value {
        Value::Array(elements) => elements.iter().for_each(|e| references(e, found)),
        Value::String(text) => found.extend(text.strip_prefix("env:").map(str::to_owned)),
        Value::Table(entries) => entries.values().for_each(|e| references(e, found)),
        Value::Boolean(_) | Value::Datetime(_) | Value::Float(_) | Value::Integer(_) => {}
    }
}

struct Setting<'a> {
    variable: String,
    text: &'a str,
}

impl Setting<'_> {
    fn place(&self) -> Place {
        Place::Environment {
            variable: self.variable.clone(),
        }
    }

    fn node(&self, value: Value) -> Node {
        Node {
            place: Some(self.place()),
            value,
        }
    }

    /// Walks down by `steps`; nothing is changed unless the whole way exists.
    fn lay(
        &self,
        node: &mut Node,
        shape: &Shape,
        steps: &[String],
        path: &str,
    ) -> Result<(), Box<Problem>> {
        let Some((step, rest)) = steps.split_first() else {
            node.value = self.value(shape, path)?;
            node.place = Some(self.place());
            return Ok(());
        };
        match shape {
            Shape::Scalar(_) => Err(Box::new(Problem::new(path, "has no keys").expected(FORM))),
            Shape::Table(keys) => {
                let below = join(path, step);
                let Some(inner) = keys.get(step) else {
                    let expected = format!("{FORM}; keys here: {}", shape.keys());
                    let problem = Problem::new(below, "unknown key").expected(expected);
                    return Err(Box::new(problem));
                };
                self.within(node, inner, step, rest, &below)
            }
            Shape::List(element) => self.element(node, element, step, rest, path),
        }
    }

    fn within(
        &self,
        node: &mut Node,
        shape: &Shape,
        key: &str,
        rest: &[String],
        path: &str,
    ) -> Result<(), Box<Problem>> {
        let Value::Table(entries) = &mut node.value else {
            // Of the wrong type in a file, which is reported there.
            return Ok(());
        };
        let mut entry = entries.get(key).cloned().unwrap_or_else(|| {
            self.node(match shape {
                Shape::List(_) => Value::Array(Vec::new()),
                Shape::Scalar(_) | Shape::Table(_) => Value::Table([].into()),
            })
        });
        self.lay(&mut entry, shape, rest, path)?;
        entries.insert(key.to_owned(), entry);
        Ok(())
    }

    fn element(
        &self,
        node: &mut Node,
        shape: &Shape,
        step: &str,
        rest: &[String],
        path: &str,
    ) -> Result<(), Box<Problem>> {
        let Value::Array(elements) = &mut node.value else {
            return Ok(());
        };
        let index = step.parse::<usize>().ok();
        let found = elements
            .iter_mut()
            .enumerate()
            .find(|(at, node)| index == Some(*at) || node.name() == Some(step));
        if let Some((at, node)) = found {
            let label = node
                .name()
                .map_or_else(|| format!("[{at}]"), |n| format!(".{n}"));
            return self.lay(node, shape, rest, &format!("{path}{label}"));
        }
        if path == "route" && BUILT_IN.iter().any(|(name, _, _)| *name == step) {
            let name = self.node(Value::String(step.to_owned()));
            let mut node = self.node(Value::Table([("name".to_owned(), name)].into()));
            self.lay(&mut node, shape, rest, &join(path, step))?;
            elements.push(node);
            return Ok(());
        }
        let names: Vec<&str> = elements.iter().filter_map(Node::name).collect();
        let expected = if names.is_empty() {
            "its index, such as 0, of an element in the files".to_owned()
        } else {
            format!("one of {}", names.join(", "))
        };
        let problem = Problem::new(join(path, step), "no such element").expected(expected);
        Err(Box::new(problem))
    }

    /// The text as the type that belongs here. What does not fit stays a text, for `prune`.
    fn value(&self, shape: &Shape, path: &str) -> Result<Value, Box<Problem>> {
        match shape {
            Shape::Scalar(scalar) => Ok(of_kind(scalar, self.text)),
            Shape::List(element) => match &**element {
                Shape::Scalar(scalar) => self.list(scalar, path),
                Shape::List(_) | Shape::Table(_) => Err(self.names_a_table(element, path)),
            },
            Shape::Table(_) => Err(self.names_a_table(shape, path)),
        }
    }

    fn names_a_table(&self, shape: &Shape, path: &str) -> Box<Problem> {
        let expected = format!(
            "`{}__` and one of its keys: {}",
            self.variable,
            shape.keys()
        );
        Box::new(Problem::new(path, "names a table").expected(expected))
    }

    fn list(&self, scalar: &Scalar, path: &str) -> Result<Value, Box<Problem>> {
        let text = self.text.trim();
        let elements: Vec<Value> = if text.starts_with('[') {
            let parsed = Node::parse(Path::new(""), &format!("v = {text}"));
            let list = parsed.ok().and_then(|root| root.get("v").cloned());
            match list.map(|node| node.value) {
                Some(Value::Array(elements)) => elements.into_iter().map(|e| e.value).collect(),
                Some(_) | None => {
                    let expected = "`a,b` or `[\"a\", \"b\"]`";
                    let problem = Problem::new(path, "not a list").expected(expected);
                    return Err(Box::new(problem));
                }
            }
        } else {
            let parts = text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty());
            parts.map(|part| of_kind(scalar, part)).collect()
        };
        Ok(Value::Array(
            elements.into_iter().map(|value| self.node(value)).collect(),
        ))
    }
}

fn of_kind(scalar: &Scalar, text: &str) -> Value {
    let value = scalar.kinds.iter().find_map(|kind| match kind {
        Kind::Boolean => text.parse().ok().map(Value::Boolean),
        Kind::Float => text.parse().ok().map(Value::Float),
        Kind::Integer => text.parse().ok().map(Value::Integer),
        Kind::Text => Some(Value::String(text.to_owned())),
    });
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::shape;

    fn tree(text: &str) -> Node {
        Node::parse(Path::new("f"), text).unwrap()
    }

    fn laid(base: &str, over: &str) -> String {
        let mut base = tree(base);
        lay(&mut base, tree(over));
        base.to_toml().to_string()
    }

    fn overridden(text: &str, variables: &[(&str, &str)]) -> (Node, Vec<String>) {
        let mut root = tree(text);
        let environment = variables.iter().copied().collect();
        let problems = override_by(&mut root, &environment, shape::root());
        (root, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_later_file_replaces_values_and_merges_named_tables() {
        assert_eq!(
            laid(
                "a = 1\nl = [1]\n[[pool]]\nname = 'x'\nb = 1\n[[pool]]\nc = 1",
                "a = 2\nl = [2]\n[[pool]]\nname = 'x'\nd = 4\n[[pool]]\nc = 2\n[[pool]]\nname = 'y'",
            ),
            laid(
                "a = 2\nl = [2]\n[[pool]]\nname = 'x'\nb = 1\nd = 4\n[[pool]]\nc = 1\n[[pool]]\nc = 2\n[[pool]]\nname = 'y'",
                "",
            )
        );
    }

    #[test]
    fn one_name_twice_in_one_file_stays_twice() {
        let two = "[[pool]]\nname = 'x'\n[[pool]]\nname = 'x'\n";
        for base in ["", "[[pool]]\nname = 'x'\n"] {
            let mut base = tree(base);
            lay(&mut base, tree(two));
            assert!(base.find("pool[1]").is_some());
        }
    }

    #[test]
    fn variables_override_by_path_and_by_name() {
        let (root, problems) = overridden(
            "[[pool]]\nname = 'my-pool'\n[[listener]]\nname = 'l'\n[[listener.host]]\nroutes = ['dms']",
            &[
                ("XSPD_ADMIN__ADDRESS", "127.0.0.1:1"),
                ("XSPD_POOL__MY_POOL__HEALTH__RISE", "7"),
                ("XSPD_LISTENER__L__LIMITS__BODY_BYTES", "1MiB"),
                ("XSPD_LISTENER__L__HTTP2", "false"),
                ("XSPD_LISTENER__L__HOST__0__ROUTES", "a, b"),
                ("XSPD_LISTENER__L__ADDRESSES", "['127.0.0.1:0']"),
                ("XSPD_ROUTE__XSI_ACTIONS__POOL", "my-pool"),
                ("PATH", "/bin"),
            ],
        );
        assert_eq!(problems, [""; 0]);
        let value = |path| root.find(path).map(|node| node.value.clone());
        let text = |text: &str| Some(Value::String(text.to_owned()));
        assert_eq!(value("admin.address"), text("127.0.0.1:1"));
        assert_eq!(value("pool.my-pool.health.rise"), Some(Value::Integer(7)));
        assert_eq!(value("listener.l.limits.body-bytes"), text("1MiB"));
        assert_eq!(value("listener.l.http2"), Some(Value::Boolean(false)));
        assert_eq!(value("listener.l.host[0].routes[1]"), text("b"));
        assert_eq!(value("listener.l.addresses[0]"), text("127.0.0.1:0"));
        assert_eq!(value("route.xsi-actions.pool"), text("my-pool"));
        let place = Place::Environment {
            variable: "XSPD_ADMIN__ADDRESS".to_owned(),
        };
        assert_eq!(root.nearest("admin.address"), Some(&place));
    }

    #[test]
    fn a_variable_that_leads_nowhere_is_refused_with_the_form() {
        let text = "[[pool]]\nname = 'xsp'";
        for (variable, part) in [
            ("XSPD_ADMIN__ADRESS", "keys here: address, allow-remote"),
            ("XSPD_ADMIN_ADDRESS", "as in XSPD_ADMIN__ADDRESS"),
            ("XSPD_", "keys here: acme, admin"),
            ("XSPD_ADMIN", "names a table"),
            ("XSPD_POOL", "names a table"),
            ("XSPD_POOL__NONE__AFFINITY", "one of xsp"),
            ("XSPD_LISTENER__0__NAME", "no such element"),
            ("XSPD_ADMIN__ADDRESS__X", "has no keys"),
        ] {
            let (root, problems) = overridden(text, &[(variable, "1")]);
            assert_eq!(root, tree(text), "{variable} changed something");
            assert_eq!(problems.len(), 1, "{variable}: {problems:?}");
            assert!(problems.concat().contains(part), "{variable}: {problems:?}");
            assert!(
                problems.concat().starts_with(&format!("{variable}: ")),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn a_variable_that_holds_a_secret_is_no_override() {
        let (_, problems) = overridden("key = 'env:XSPD_KEY'", &[("XSPD_KEY", "secret")]);
        assert_eq!(problems, [""; 0]);
    }
}
