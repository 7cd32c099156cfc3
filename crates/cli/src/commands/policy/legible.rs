//! Text of a bundle that somebody else wrote, so that a terminal shows all of it: nothing in it moves
//! the cursor, turns the direction of writing around, or is invisible.

use std::fmt::Write as _;

/// One line.
pub(super) fn line(text: &str) -> String {
    escaped(text, |c| c == '\n' || c == '\t')
}

/// Text of several lines.
pub(super) fn lines(text: &str) -> String {
    escaped(text, |_| false)
}

fn escaped(text: &str, also: impl Fn(char) -> bool) -> String {
    let mut legible = String::with_capacity(text.len());
    for c in text.chars() {
        let is_plain = !is_hidden(c) && (!c.is_control() || c == '\n' || c == '\t');
        if is_plain && !also(c) {
            legible.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(legible, "{}", c.escape_unicode());
        }
    }
    legible
}

/// Formatting that cannot be seen: the general category Cf as far as terminals act on it, with the
/// tags and the separators of lines and paragraphs.
const fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_bundle_acts_on_the_terminal() {
        assert_eq!(lines("a\u{1b}[2Kb\nç"), "a\\u{1b}[2Kb\nç");
        assert_eq!(lines("\u{202e}evil\u{200b}"), "\\u{202e}evil\\u{200b}");
        assert_eq!(line("one\nok   two"), "one\\u{a}ok   two");
    }
}
