//! Limits of every document that we judge; real ones stay far below.

/// Deepest nesting of elements. The deepest documented answer has nine levels.
pub const DEPTH: usize = 64;

/// Attributes and namespace declarations of one tag together. quick-xml needed seconds for
/// thousands of them before 0.41 (RUSTSEC-2026-0194).
pub const ATTRIBUTES: usize = 64;

/// Bytes of one name with its prefix.
pub const NAME: usize = 256;
