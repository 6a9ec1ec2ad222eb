//! From the URL of a call to its template.
//!
//! A path is compared as it was written, byte by byte: what follows it goes to Webex's bridge
//! untouched, so there must be no doubt where it begins.

use crate::config::ADAPTER_PATH;
use crate::config::Template;
use crate::config::TemplateMatch;
use crate::config::TemplateMode;
use crate::domain::edge::authority::Authority;
use crate::domain::edge::authority::same_host;

/// Which template a path means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'p> {
    /// This one, by its place in the configuration; and what follows its path, with its slash.
    At { index: usize, below: &'p str },
    /// There is one, but not at this host.
    ElsewhereOnly,
    /// None.
    Nothing,
}

/// Finds the template of a call; the longest of its paths counts. `path` is without the query.
pub(super) fn find<'p>(templates: &[Template], host: &Authority<'_>, path: &'p str) -> Found<'p> {
    let mut found = Found::Nothing;
    let mut longest = 0;
    for (index, template) in templates.iter().enumerate() {
        if template.mode == TemplateMode::Observe {
            continue;
        }
        for (below, here) in candidates(template, host, path) {
            let length = path.len() - below.len() + 1;
            let better = match &found {
                Found::At { .. } => here && length > longest,
                Found::ElsewhereOnly => here,
                Found::Nothing => true,
            };
            if better {
                longest = length;
                found = if here {
                    Found::At { index, below }
                } else {
                    Found::ElsewhereOnly
                };
            }
        }
    }
    found
}

/// What follows each path of a template that fits, and whether it is at this host.
fn candidates<'p>(
    template: &Template,
    host: &Authority<'_>,
    path: &'p str,
) -> impl Iterator<Item = (&'p str, bool)> {
    let named = path.strip_prefix(ADAPTER_PATH);
    let named = named.and_then(|rest| behind(rest, &template.name));
    let anywhere = template.matches.is_empty();
    let here = anywhere || template.matches.iter().any(|found| is_at(found, host));
    let matched: Vec<_> = template
        .matches
        .iter()
        .filter_map(|found| Some((behind(path, &found.prefix)?, is_at(found, host))))
        // A whole host that is somebody's says nothing about paths at other hosts.
        .filter(|(below, here)| *here || below.len() < path.len())
        .collect();
    named.map(|below| (below, here)).into_iter().chain(matched)
}

/// What follows a prefix that ends on the border of a segment.
fn behind<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn is_at(found: &TemplateMatch, host: &Authority<'_>) -> bool {
    let port = found.port.is_none_or(|port| host.port == Some(port));
    same_host(&found.host, host.host) && port
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn templates() -> Vec<Template> {
        let text = r#"
            [[listener]]
            name = "provisioning"
            kind = "provisioning"
            addresses = ["127.0.0.1:0"]
            host = [{ names = ["*"] }]
            [[template]]
            name = "plain"
            bridge-url = "https://bridge.example"
            account = "a"
            password = "env:P"
            [[template]]
            name = "bound"
            bridge-url = "https://bridge.example"
            account = "a"
            password = "env:P"
            match = ["https://adapter.example/old", "https://adapter.example/old/deep", "https://other.example:8443"]
            [[template]]
            name = "observed"
            mode = "observe"
            partner = "acme"
            [[webex-partner]]
            name = "acme"
            client-id = "C1"
            client-secret = "env:S"
            refresh-token = "env:R"
        "#;
        let loaded = config::from_text(text).unwrap();
        loaded.templates
    }

    #[test]
    fn a_call_is_of_the_template_whose_path_it_has() {
        let templates = templates();
        let at = |index, below| Found::At { index, below };
        for (host, path, expected) in [
            ("any.example", "/adapter/v1/t/plain", at(0, "")),
            ("any.example", "/adapter/v1/t/plain/", at(0, "/")),
            ("any.example", "/adapter/v1/t/plain/a/b", at(0, "/a/b")),
            ("any.example", "/adapter/v1/t/plainer", Found::Nothing),
            ("any.example", "/adapter/v1/t/Plain", Found::Nothing),
            ("any.example", "/adapter/v1/t/%70lain", Found::Nothing),
            ("any.example", "/adapter/v1/t/observed", Found::Nothing),
            ("any.example", "/", Found::Nothing),
            ("ADAPTER.example", "/adapter/v1/t/bound/x", at(1, "/x")),
            ("adapter.example:8450", "/old/x", at(1, "/x")),
            ("adapter.example", "/old/deep/x", at(1, "/x")),
            ("adapter.example", "/older", Found::Nothing),
            ("any.example", "/adapter/v1/t/bound", Found::ElsewhereOnly),
            ("any.example", "/old", Found::ElsewhereOnly),
            ("other.example:8443", "/userservice", at(1, "/userservice")),
            ("other.example", "/adapter/v1/t/bound", Found::ElsewhereOnly),
        ] {
            let host = Authority::parse(host).unwrap();
            assert_eq!(find(&templates, &host, path), expected, "{host:?} {path}");
        }
    }
}
