//! Lines for a POSIX shell.

/// A command line being put together, each word quoted where the shell would take it apart.
#[derive(Debug, Clone)]
pub(super) struct Line(String);

impl Line {
    /// Quiet but for errors, with the status line shown, past any proxy that is set.
    pub(super) fn curl() -> Self {
        Self(format!("curl -sSi {LOCAL}"))
    }

    /// The same without the status line: what is taken apart.
    pub(super) fn body() -> Self {
        Self(format!("curl -sS {LOCAL}"))
    }

    /// A TLS client that shows what the other side says. It gives up by itself: the other side
    /// goes on for as long as it is let.
    pub(super) fn openssl() -> Self {
        Self("timeout 5 openssl s_client -quiet -verify_return_error".to_owned())
    }

    /// Ends with the first line of what comes.
    pub(super) fn first_line(self) -> String {
        format!("{} 2>/dev/null | head -n 1", self.0)
    }

    /// This very program.
    pub(super) fn xspd() -> Self {
        let program = std::env::current_exe();
        let program = program.map_or_else(|_| "xspd".to_owned(), |path| path.display().to_string());
        Self(word(&program))
    }

    /// One more word.
    pub(super) fn word(mut self, text: &str) -> Self {
        self.0 = format!("{} {}", self.0, word(text));
        self
    }

    /// The line as it is.
    pub(super) fn done(self) -> String {
        self.0
    }

    pub(super) fn option(mut self, name: &str, value: &str) -> Self {
        self.0 = format!("{} {name} {}", self.0, word(value));
        self
    }

    /// An option whose value has variables of the shell in it.
    pub(super) fn filled(mut self, name: &str, value: &str) -> Self {
        self.0 = format!("{} {name} {}", self.0, filled(value));
        self
    }

    pub(super) fn end(self, url: &str) -> String {
        format!("{} {}", self.0, word(url))
    }

    /// Ends with a URL that has variables of the shell in it.
    pub(super) fn end_filled(self, url: &str) -> String {
        format!("{} {}", self.0, filled(url))
    }
}

const LOCAL: &str = "--noproxy localhost,127.0.0.1";

/// Puts what lies between two texts of a command's answer into a variable. An answer without
/// them, such as an error, goes into it whole, so that `echo` shows it.
pub(super) fn variable(name: &str, command: &str, before: &str, end: char) -> String {
    format!("{name}=$({command} | sed 's/.*{before}\\([^{end}]*\\).*/\\1/')")
}

/// A word for a POSIX shell.
pub(super) fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"%+,-./:=@_".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A word for a POSIX shell in which `$NAME` is filled in and nothing else.
fn filled(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let variable = rest.peek().is_some_and(char::is_ascii_uppercase);
        if matches!(character, '"' | '\\' | '`') || character == '$' && !variable {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_quoted_only_where_a_shell_would_take_them_apart() {
        for (text, expected) in [
            ("plain/path.pem", "plain/path.pem"),
            ("https://localhost:1/a?b=c", "'https://localhost:1/a?b=c'"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("alice@lab:Pass!", "'alice@lab:Pass!'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), expected);
        }
    }

    #[test]
    fn variables_are_filled_in_and_nothing_else_is() {
        for (text, expected) in [
            ("a$CALL/b", "a7/b"),
            ("a $CALL", "a 7"),
            ("$call $1 $(x) `x` \"q\" \\", "$call $1 $(x) `x` \"q\" \\"),
        ] {
            let line = format!("CALL=7; printf %s {}", filled(text));
            assert_eq!(shell(&line), expected);
        }
    }

    #[test]
    fn a_variable_takes_its_part_of_an_answer_or_all_of_an_error() {
        for (answer, expected) in [
            (r#"{"token":{"bearer":"a.b_c-d"}}"#, "a.b_c-d"),
            (r#"{"error":"x"}"#, r#"{"error":"x"}"#),
        ] {
            let command = format!("printf %s {}", word(answer));
            let line = variable("T", &command, "\"bearer\":\"", '"');
            assert_eq!(shell(&format!("{line}; printf %s \"$T\"")), expected);
        }
    }

    fn shell(line: &str) -> String {
        let output = std::process::Command::new("/bin/sh")
            .arg("-c")
            .arg(line)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_shell_gives_back_the_very_word(text in "[^\0]{0,40}") {
            prop_assert_eq!(shell(&format!("printf %s {}", word(&text))), text);
        }
    }
}
