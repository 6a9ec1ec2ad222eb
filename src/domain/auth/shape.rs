//! The shape of what is said to and by an AuthService, without what is said: names, types and
//! lengths, never a value. BroadWorks' own formats are unpublished; this is how a partner can show
//! them without showing a password, a token or a user (AuthService field page, section 1.3).
//!
//! What is kept of the original text: names that look like names ([`name`]), words of HTTP and of
//! JOSE from fixed lists, and path segments that are plain words. All else becomes a kind and a
//! length, so two messages that differ only in values of the same kind and length look the same.

mod body;
mod head;
mod text;

pub use body::body;
pub use head::header;
pub use head::method;
pub use head::path;
pub use head::query;
pub use text::name;
pub use text::text;

/// Most nodes of one shape: the rest is cut, so that a record stays far below the body's size.
const NODES: usize = 2_000;

#[cfg(test)]
mod tests;
