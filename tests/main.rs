//! The one integration binary: rules about the source, simulations, and the real daemon.

// `cfg(test)` tells clippy that helpers, too, are test code.
#[cfg(test)]
mod e2e;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod support;
