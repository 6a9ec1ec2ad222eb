//! The one integration binary: rules about the source, and what the end-to-end tests stand on.

// `cfg(test)` tells clippy that helpers, too, are test code.
#[cfg(test)]
mod rules;
#[cfg(test)]
mod support;
