//! Finds the route of a path: longest prefix on a segment border, letter case ignored.

/// Prefixes in the order in which they are tried.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Without a trailing slash; empty matches everything.
    prefix: Box<[u8]>,
    index: usize,
}

impl RouteTable {
    /// Builds the table; the number of a route is its place in `prefixes`.
    pub fn new<'a>(prefixes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut entries: Vec<Entry> = prefixes
            .into_iter()
            .enumerate()
            .map(|(index, prefix)| Entry {
                prefix: prefix.trim_end_matches('/').as_bytes().into(),
                index,
            })
            .collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.prefix.len()));
        Self { entries }
    }

    /// The route of a canonical path and what follows its prefix.
    #[must_use]
    pub fn find<'p>(&self, path: &'p [u8]) -> Option<(usize, &'p [u8])> {
        self.entries.iter().find_map(|entry| {
            let (head, rest) = path.split_at_checked(entry.prefix.len())?;
            let on_border = rest.is_empty() || rest.first() == Some(&b'/');
            (on_border && head.eq_ignore_ascii_case(&entry.prefix)).then_some((entry.index, rest))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_on_a_border_wins_in_any_case() {
        let table = RouteTable::new([
            "/com.broadsoft.xsi-actions",
            "/com.broadsoft.async/com.broadsoft.xsi-events",
            "/com.broadsoft.async",
            "/authService/",
        ]);
        let cases: [(&str, Option<(usize, &str)>); 9] = [
            (
                "/com.broadsoft.xsi-actions/v2.0/user",
                Some((0, "/v2.0/user")),
            ),
            ("/COM.BroadSoft.Xsi-Actions/v2.0", Some((0, "/v2.0"))),
            ("/com.broadsoft.xsi-actions", Some((0, ""))),
            ("/com.broadsoft.xsi-actions2/v2.0", None),
            ("/com.broadsoft.xsi-action", None),
            (
                "/com.broadsoft.async/com.broadsoft.xsi-events/v2.0",
                Some((1, "/v2.0")),
            ),
            ("/com.broadsoft.async/other", Some((2, "/other"))),
            ("/authservice/token/a", Some((3, "/token/a"))),
            ("/", None),
        ];
        for (path, expected) in cases {
            let expected = expected.map(|(index, rest)| (index, rest.as_bytes()));
            assert_eq!(table.find(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn a_route_at_the_root_takes_what_no_other_takes() {
        let table = RouteTable::new(["/", "/a"]);
        assert_eq!(table.find(b"/a/b"), Some((1, b"/b".as_slice())));
        assert_eq!(table.find(b"/c"), Some((0, b"/c".as_slice())));
        assert_eq!(table.find(b"/"), Some((0, b"/".as_slice())));
    }
}
