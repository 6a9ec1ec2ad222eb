//! When two wishes are the same.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use serde::Serialize;

use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::record::Presence;

/// SHA-256 of what counts when wishes are compared, in hex. Words, sources and times do not.
pub(super) fn digest_of(
    presence: &Presence,
    template: &TemplateKey,
    package: Option<Package>,
    email: Option<&str>,
) -> String {
    #[derive(Serialize)]
    struct Counts<'a> {
        presence: &'a Presence,
        template: &'a TemplateKey,
        package: Option<Package>,
        email: Option<&'a str>,
    }
    let counts = Counts {
        presence,
        template,
        package,
        email,
    };
    // Structures of texts and truth values always can be written.
    let text = serde_json::to_vec(&counts).unwrap_or_default();
    let digest = digest::digest(&digest::SHA256, &text);
    let mut hex = String::with_capacity(64);
    for byte in digest.as_ref() {
        // Writing to a string cannot fail.
        write!(hex, "{byte:02x}").ok();
    }
    hex
}
