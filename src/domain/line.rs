//! Text of somebody else in one line: in a log, a header, a terminal or a trap nothing in it begins
//! a line of its own.

/// The same with a blank for every control character.
#[must_use]
pub fn plain(text: &str) -> String {
    blanked(text).collect()
}

/// The same without space around it, cut at so many characters.
#[must_use]
pub fn line(text: &str, most: usize) -> String {
    blanked(text.trim()).take(most).collect()
}

fn blanked(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|c| if c.is_control() { ' ' } else { c })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_begins_a_line_of_its_own() {
        assert_eq!(plain(" a\r\nb\u{1b}c"), " a  b c");
        assert_eq!(line("\n a\nbcd ", 3), "a b");
    }
}
