//! Busy lamps in the lab: what the daemon's configuration says of them.

use std::path::Path;

/// The section for `xspd.toml`. `account` is the lab BroadWorks' administrator, whose password lies
/// in `password`.
pub(super) fn configuration(account: &str, password: &Path) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    format!(
        r#"
# Busy lamps, tracked with the lab's administrator. Bob's list is tracked always, others while
# somebody watches with them.
[blf]
watchers = ["bob@as.example.net"]
# More than one, because nobody else uses this account.
packages = ["standard-call", "do-not-disturb", "call-park"]

[blf.account]
user-id = {account}
password = {password}

# Short, so that a revoked token is seen to end its stream.
[blf.api]
re-check = "2s"
"#,
        account = quoted(account),
        password = quoted(&format!("file:{}", password.display())),
    )
}
