//! Words for a prompt: somebody will paste them into a shell.

/// The text as one word of a POSIX shell: in quotes, unless nothing in it means anything there.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._:".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_for_something_else_is_quoted() {
        assert_eq!(quoted("public/xsp1.example.net"), "public/xsp1.example.net");
        assert_eq!(quoted("xsi/*#2"), "'xsi/*#2'");
        assert_eq!(quoted("a'; reboot; '"), r"'a'\''; reboot; '\'''");
        assert_eq!(quoted(""), "''");
    }
}
