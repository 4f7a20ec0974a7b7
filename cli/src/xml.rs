//! Text within XML, in an element or an attribute.

/// The text, with `mark` for each character that XML has no way to say.
pub(crate) fn escaped(text: &str, mark: char) -> String {
    let one = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&apos;".to_owned(),
        '\n' => "&#10;".to_owned(),
        c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => mark.to_string(),
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_stranger_writes_is_markup() {
        let wanted = "&lt;a b=&apos;&quot;&amp;\u{fffd}\u{fffd}\u{fffd}&#10;";
        assert_eq!(escaped("<a b='\"&\u{0}\u{1b}\u{85}\n", '\u{fffd}'), wanted);
    }

    #[test]
    fn what_xml_cannot_hold_is_escaped_or_gone() {
        assert_eq!(escaped("<a href=\"&\">\u{1b}\nü", ' '), "&lt;a href=&quot;&amp;&quot;&gt; &#10;ü");
    }
}
