//! Character classes of XML 1.0, fifth edition.

/// Whether XML allows the character at all (production 2).
#[must_use]
pub const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// White space of XML (production 3).
#[must_use]
pub const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Whether a character may start a part of a qualified name (production 4 without the colon).
#[must_use]
pub const fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

/// Whether a character may go on in a part of a qualified name (production 4a without the colon).
#[must_use]
pub const fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// Whether the text is a name without a colon.
#[must_use]
pub fn is_plain_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_xml_10_fifth_edition() {
        for (text, good) in [
            ("userId", true),
            ("_x.1-2", true),
            ("ñame", true),
            ("", false),
            ("1st", false),
            ("-x", false),
            ("a b", false),
            ("a:b", false),
            ("×", false),
        ] {
            assert_eq!(is_plain_name(text), good, "{text:?}");
        }
        assert!(!is_char('\0') && !is_char('\u{b}') && !is_char('\u{fffe}') && is_char('\u{85}'));
    }
}
