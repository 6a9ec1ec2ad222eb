//! Limits of every document that we judge; real ones stay far below.

/// Deepest nesting of elements. The deepest documented answer has nine levels.
pub const DEPTH: usize = 64;

/// Attributes and namespace declarations of one tag together. quick-xml needed seconds for
/// thousands of them before 0.41 (RUSTSEC-2026-0194).
pub const ATTRIBUTES: usize = 64;

/// Bytes of one name with its prefix.
pub const NAME: usize = 256;

/// Deepest nesting, number and kinds of markup that one judge admits. Whoever judges documents of
/// which less is to be expected says so with rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XmlRules {
    /// Deepest nesting of elements.
    pub depth: usize,
    /// Elements of the whole document.
    pub elements: usize,
    /// Attributes and namespace declarations of one tag together.
    pub attributes: usize,
    /// Whether processing instructions may stand there; the declaration always may.
    pub instructions: bool,
}

impl XmlRules {
    /// Of Xsi and OCI documents: their number of elements is bounded by their bytes.
    pub const XSI: Self = Self {
        depth: DEPTH,
        elements: usize::MAX,
        attributes: ATTRIBUTES,
        instructions: true,
    };
}
