//! Patterns: `*` is any text, `?` any one character, and everything else itself.

/// Whether a text is of a pattern. Takes time in proportion to the product of both lengths at most.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == c => {
                p += 1;
                t += 1;
            }
            Some(_) | None => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    (p, t) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_what_they_mean() {
        for (pattern, text, meant) in [
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("xsp*", "xspUnreachable", true),
            ("*Expir*", "certificateExpiring", true),
            ("pool:xsp/?", "pool:xsp/1", true),
            ("pool:xsp/?", "pool:xsp/12", false),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxbxxcd", false),
            ("certificateExpiring", "certificateExpired", false),
            ("ä?", "äö", true),
            ("*.pem", "a.pem", true),
            ("*.pem", ".pem", true),
            ("*.pem", "a.pem.bak", false),
            ("a?c", "ac", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("[a]", "a", false),
            ("**x", "aax", true),
        ] {
            assert_eq!(fits(pattern, text), meant, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_time() {
        let pattern = "*a".repeat(100) + "b";
        assert!(!fits(&pattern, &"a".repeat(200)));
    }
}
