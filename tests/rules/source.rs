//! The source tree as the rules see it: code with comments, literals and test modules blanked.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// One Rust file.
pub(crate) struct Source {
    /// Path below the repository, with `/`.
    pub(crate) path: String,
    /// As written.
    pub(crate) text: String,
    /// Comments, literals and test modules replaced by spaces; line numbers hold.
    pub(crate) code: String,
}

impl Source {
    /// From a path and its text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = without_test_modules(&without_comments_and_literals(text));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
        }
    }

    /// Line number (from 1) of a byte offset.
    pub(crate) fn line(&self, offset: usize) -> usize {
        1 + self.code[..offset].matches('\n').count()
    }

    /// Path below `src` without `.rs` and `mod.rs`, as module names: `src/tls/live.rs` is
    /// `["tls", "live"]`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let inner = self.path.trim_start_matches("src/");
        let inner = inner.trim_end_matches(".rs").trim_end_matches("/mod");
        inner.split('/').collect()
    }
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, without those that exist for tests only.
pub(crate) fn below(folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root().join(folder), &mut paths);
    paths.sort();
    let sources: Vec<_> = paths.iter().map(|path| read(path)).collect();
    let test_only: BTreeSet<String> = sources.iter().flat_map(test_files).collect();
    sources
        .into_iter()
        .filter(|source| !test_only.contains(&source.path))
        .collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            // The fuzz package has its own target folder.
            if path.file_name().is_none_or(|name| name != "target") {
                collect(&path, into);
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(path);
        }
    }
}

fn read(path: &Path) -> Source {
    let text = fs::read_to_string(path).expect("a UTF-8 source file");
    let inner = path.strip_prefix(root()).expect("inside the repository");
    Source::new(&inner.to_string_lossy(), &text)
}

/// Files that a `#[cfg(test)] mod name;` names.
fn test_files(source: &Source) -> Vec<String> {
    let code = without_comments_and_literals(&source.text);
    let folder = match source.path.strip_suffix("/mod.rs") {
        Some(folder) => folder.to_owned(),
        None if matches!(source.path.as_str(), "src/lib.rs" | "src/main.rs") => "src".to_owned(),
        None => source.path.trim_end_matches(".rs").to_owned(),
    };
    test_modules(&code)
        .filter_map(|(start, end)| {
            let item = code[start..end].strip_suffix(';')?;
            let name = item.split_whitespace().last()?;
            Some(format!("{folder}/{name}.rs"))
        })
        .collect()
}

fn without_test_modules(code: &str) -> String {
    let mut blanked = code.to_owned();
    for (start, end) in test_modules(code) {
        let spaces = blank(&code[start..end]);
        blanked.replace_range(start..end, &spaces);
    }
    blanked
}

/// Borders of every module behind `#[cfg(test)]`, from the attribute to the closing brace or
/// semicolon.
fn test_modules(code: &str) -> impl Iterator<Item = (usize, usize)> {
    const MARK: &str = "#[cfg(test)]";
    code.match_indices(MARK).filter_map(|(start, _)| {
        let mut rest = code[start + MARK.len()..].trim_start();
        while let Some(after) = rest.strip_prefix("#[") {
            rest = after[after.find(']')? + 1..].trim_start();
        }
        let item = rest.strip_prefix("pub(crate) ").unwrap_or(rest);
        item.starts_with("mod ").then_some(())?;
        let at = code.len() - rest.len();
        let end = at + rest.find(['{', ';'])?;
        if code[end..].starts_with(';') {
            Some((start, end + 1))
        } else {
            Some((start, closing_brace(code, end)))
        }
    })
}

/// Offset behind the brace that closes the one at `open`.
fn closing_brace(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Replaces comments, strings and characters by spaces, byte for byte, keeping line ends.
pub(crate) fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest, 0),
            'r' | 'b' | 'c' if !inside_word => prefixed_literal(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.push_str(&blank(&rest[..length]));
            rest = &rest[length..];
        }
    }
    code
}

fn blank(text: &str) -> String {
    let space = |byte| if byte == b'\n' { '\n' } else { ' ' };
    text.bytes().map(space).collect()
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let here = &text.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Length of a `"…"` literal whose quote stands at `open`.
fn string(text: &str, open: usize) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(open + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `b'…'`, `c"…"`; 0 when it is a plain word.
fn prefixed_literal(text: &str) -> usize {
    let letters = text.bytes().take_while(|b| b"rbc".contains(b)).count();
    let raw = text[..letters].contains('r');
    let after = &text[letters..];
    let hashes = after.bytes().take_while(|b| *b == b'#').count();
    let quoted = after[hashes..].starts_with('"');
    if letters > 2 || (!raw && hashes > 0) {
        0
    } else if quoted && raw {
        let close = format!("\"{}", "#".repeat(hashes));
        let body = letters + hashes + 1;
        text[body..]
            .find(&close)
            .map_or(text.len(), |at| body + at + close.len())
    } else if quoted {
        string(text, letters)
    } else if text.starts_with("b'") {
        1 + character(&text[1..])
    } else {
        0
    }
}

/// Length of a `'c'` literal; 0 when it is a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            // Whatever is escaped first cannot close the literal.
            chars.next();
            chars
                .find(|(_, c)| *c == '\'')
                .map_or(text.len(), |(at, _)| at + 1)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

#[test]
fn comments_literals_and_test_modules_are_blanked_and_lines_hold() {
    let text = "use a; // b \"c\n/* d /* e */ f */ let g = \"h \\\" i\";\nlet j = r#\"k\"l\"#; let m = '\"'; \
                let n: &'o str; let p = b'\\''; let q = br\"r\";\n#[cfg(test)]\n#[x]\nmod tests {\n  { t }\n}\nfn u() {}\n";
    let source = Source::new("src/tls/live.rs", text);
    let words: Vec<_> = source
        .code
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    assert_eq!(
        words,
        [
            "use", "a", "let", "g", "let", "j", "let", "m", "let", "n", "o", "str", "let", "p",
            "let", "q", "fn", "u"
        ]
    );
    assert_eq!(source.line(source.code.find("fn u").unwrap()), 9);
    assert_eq!(source.module(), ["tls", "live"]);
}

#[test]
fn files_of_test_modules_are_left_out() {
    let source = Source::new("src/tls/mod.rs", "#[cfg(test)]\nmod trials;\nmod live;\n");
    assert_eq!(test_files(&source), ["src/tls/trials.rs"]);
}
