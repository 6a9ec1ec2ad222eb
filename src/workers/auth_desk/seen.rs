//! What the files said that a client of the outside was started with: a reload keeps a running
//! client only while they say the same.

use std::path::Path;

use aws_lc_rs::digest::Context;
use aws_lc_rs::digest::Digest;
use aws_lc_rs::digest::SHA256;

use crate::config::ApplicationServer;
use crate::config::Cisco;

/// Digest over the files' content. One that cannot be read counts as empty: whoever starts the
/// client says what is wrong with it.
#[derive(Clone)]
pub struct Seen(Digest);

impl Seen {
    /// Password and CA of the Application Server. Blocks on the disk.
    #[must_use]
    pub fn of_server(server: &ApplicationServer) -> Self {
        let mut context = Context::new(&SHA256);
        if let Ok(password) = server.password.read() {
            add(&mut context, password.expose());
        }
        if let Some(tls) = &server.tls {
            add_file(&mut context, &tls.ca);
        }
        Self(context.finish())
    }

    /// CA of the identity provider; its secrets are read anew at each use. Blocks on the disk.
    pub(super) fn of_cisco(cisco: &Cisco) -> Self {
        let mut context = Context::new(&SHA256);
        if let Some(ca) = &cisco.ca {
            add_file(&mut context, ca);
        }
        Self(context.finish())
    }
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref() == other.0.as_ref()
    }
}

fn add_file(context: &mut Context, path: &Path) {
    add(context, &std::fs::read(path).unwrap_or_default());
}

/// With its length, so that two contents cannot run into one another.
fn add(context: &mut Context, content: &[u8]) {
    context.update(&(content.len() as u64).to_be_bytes());
    context.update(content);
}
