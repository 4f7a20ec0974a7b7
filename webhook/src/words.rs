//! Text from strangers, made fit to be shown: escaped so that it stays one line and cannot move a terminal's cursor,
//! and cut so that it cannot drown what we have to say ourselves.

/// The text on one line, with control characters, line separators and invisible direction marks escaped.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(shown).collect()
}

/// The text on one line, at most `most` characters long; an ellipsis stands for what was cut.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let escaped = line(text);
    if escaped.chars().count() <= most {
        return escaped;
    }
    escaped.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The same, with what is cut taken from the middle: a sentence about an image ends with what is wrong.
pub(crate) fn squeezed(text: &str, most: usize) -> String {
    let escaped: Vec<char> = line(text).chars().collect();
    if escaped.len() <= most {
        return escaped.into_iter().collect();
    }
    let tail = most / 2;
    let head = most.saturating_sub(tail + 1);
    escaped[..head].iter().chain(&['…']).chain(&escaped[escaped.len() - tail..]).collect()
}

fn shown(c: char) -> String {
    match c.is_control() || INVISIBLE.iter().any(|range| range.contains(&c)) {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    }
}

/// Soft hyphen, zero-width and direction marks, line and paragraph separators, byte order mark, tags.
const INVISIBLE: [std::ops::RangeInclusive<char>; 7] = [
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{e0000}'..='\u{e007f}',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newline_and_terminal_sequences_are_escaped() {
        assert_eq!(line("a\nb\u{1b}[31m\r\0"), "a\\nb\\u{1b}[31m\\r\\u{0}");
    }

    #[test]
    fn invisible_marks_are_escaped() {
        for mark in ['\u{202e}', '\u{200b}', '\u{2028}', '\u{feff}', '\u{2066}', '\u{85}'] {
            assert!(line(&mark.to_string()).starts_with("\\u{"), "{mark:?}");
        }
    }

    #[test]
    fn plain_text_is_left_alone() {
        assert_eq!(line("registry.example/größe:1 \"x\""), "registry.example/größe:1 \"x\"");
    }

    #[test]
    fn squeezed_text_keeps_both_ends() {
        assert_eq!(squeezed("abcdef", 6), "abcdef");
        assert_eq!(squeezed("abcdefg", 6), "ab…efg");
        assert_eq!(squeezed(&"ä".repeat(500), 256).chars().count(), 256);
        assert_eq!(squeezed("\n\n\n", 5), "\\n…\\n");
    }

    #[test]
    fn long_text_is_cut_after_escaping() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut(&"\n".repeat(100), 10).chars().count(), 10);
    }
}
