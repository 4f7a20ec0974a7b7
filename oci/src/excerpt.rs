//! Foreign text as messages show it.
//!
//! Whoever writes a manifest or a bundle chooses its keys and names, and their length. What messages repeat of them is
//! short, and moves no cursor.

/// The beginning of a text, at most so many bytes of it as it is shown: everything that a terminal would not print as
/// one visible character is escaped. No escape is cut in half.
#[must_use]
pub fn excerpt(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        let piece = c.escape_debug().to_string();
        if shown.len() + piece.len() > most {
            break;
        }
        shown.push_str(&piece);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_visible_is_escaped() {
        assert_eq!(excerpt("a\u{1b}[2J\r\n\u{202e}\u{200b}ü", 200), "a\\u{1b}[2J\\r\\n\\u{202e}\\u{200b}ü");
    }

    #[test]
    fn no_character_and_no_escape_is_cut_in_half() {
        assert_eq!(excerpt("üü", 3), "ü");
        assert_eq!(excerpt("a\u{202e}", 8), "a");
        assert_eq!(excerpt("a\u{202e}", 9), "a\\u{202e}");
        assert_eq!(excerpt("abc", 0), "");
    }
}
