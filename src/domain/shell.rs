//! Words for a prompt: somebody will paste them into a shell.

use serde::Deserialize;
use serde::Serialize;

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

/// What a line that is pasted on this node ends with, so that the verb reads the configuration that
/// the daemon reads. Nothing where that lies where verbs look for it by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ending(String);

impl Ending {
    /// Of a node whose configuration lies elsewhere.
    #[must_use]
    pub fn config(path: &str) -> Self {
        Self(format!(" --config {}", quoted(path)))
    }

    /// The line as it is pasted.
    #[must_use]
    pub fn line(&self, command: &str) -> String {
        format!("{command}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_with_a_configuration_of_its_own_says_where_it_lies() {
        let show = "xspd certs show a";
        assert_eq!(Ending::default().line(show), show);
        assert_eq!(
            Ending::config("/srv/xspd.toml").line(show),
            "xspd certs show a --config /srv/xspd.toml"
        );
        assert_eq!(
            Ending::config("/srv/my farm/xspd.toml").line(show),
            "xspd certs show a --config '/srv/my farm/xspd.toml'"
        );
    }

    #[test]
    fn what_a_shell_would_take_for_something_else_is_quoted() {
        assert_eq!(quoted("public/xsp1.example.net"), "public/xsp1.example.net");
        assert_eq!(quoted("xsi/*#2"), "'xsi/*#2'");
        assert_eq!(quoted("a'; reboot; '"), r"'a'\''; reboot; '\'''");
        assert_eq!(quoted(""), "''");
    }
}
