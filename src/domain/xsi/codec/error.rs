//! What can be wrong with a document, and where.

/// A document that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {at}")]
pub struct CodecError {
    /// What is wrong.
    pub fault: Fault,
    /// Byte offset in the text after decoding to UTF-8 (for an encoding fault: in the raw bytes).
    pub at: usize,
}

impl CodecError {
    pub(super) const fn new(fault: Fault, at: usize) -> Self {
        Self { fault, at }
    }
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// Attributes without white space between them, without quotes, or with `<` in a value.
    #[error("malformed attribute")]
    Attribute,
    /// More attributes in one tag than [`super::limits::ATTRIBUTES`].
    #[error("too many attributes in one tag")]
    AttributeCount,
    /// A byte sequence that the encoding does not have.
    #[error("bytes that are not in the declared encoding")]
    Bytes,
    /// `]]>` in text.
    #[error("']]>' in text")]
    CdataEnd,
    /// A character outside the XML `Char` class, literal or by reference.
    #[error("character that XML does not allow")]
    Character,
    /// `--` inside a comment, or a comment ending in `--->`.
    #[error("'--' in a comment")]
    Comment,
    /// Text, CDATA or a reference outside the root element.
    #[error("content outside the root element")]
    ContentOutsideRoot,
    /// An XML declaration with wrong content.
    #[error("malformed XML declaration")]
    Declaration,
    /// Nested deeper than [`super::limits::DEPTH`].
    #[error("nested too deeply")]
    Depth,
    /// A document type declaration, wherever and in whatever case.
    #[error("document type declaration")]
    Doctype,
    /// Two attributes, prefixes or JSON members of one name.
    #[error("duplicate name in one element")]
    Duplicate,
    /// More elements than the reader's rules admit.
    #[error("too many elements")]
    ElementCount,
    /// A reference to an entity that XML itself does not define.
    #[error("undefined entity")]
    Entity,
    /// A processing instruction where the reader's rules admit none.
    #[error("processing instruction")]
    Instruction,
    /// JSON that is no JSON.
    #[error("malformed JSON")]
    Json,
    /// JSON that is not in the documented form (XSI Interface Specification 3.3.3.1.1).
    #[error("JSON that does not describe a document")]
    JsonShape,
    /// An XML declaration that is not the first thing in the document.
    #[error("XML declaration that does not come first")]
    LateDeclaration,
    /// An end tag without its start tag, or a start tag without its end tag.
    #[error("mismatched tags")]
    Mismatched,
    /// Something that is no XML name, or has more than one colon.
    #[error("malformed name")]
    Name,
    /// A name longer than [`super::limits::NAME`].
    #[error("name too long")]
    NameLength,
    /// A binding of a reserved prefix or namespace, or an empty one for a prefix.
    #[error("forbidden namespace declaration")]
    Namespace,
    /// No element at all.
    #[error("no root element")]
    NoRoot,
    /// A prefix that nobody declared.
    #[error("undeclared namespace prefix")]
    Prefix,
    /// `&` that starts no reference, or a malformed reference.
    #[error("malformed reference")]
    Reference,
    /// A second root element.
    #[error("more than one root element")]
    SeveralRoots,
    /// More bytes than the caller's cap.
    #[error("document too large")]
    Size,
    /// Markup that is none.
    #[error("malformed markup")]
    Syntax,
    /// An encoding that is not spoken here.
    #[error("unsupported encoding")]
    UnsupportedEncoding,
}
