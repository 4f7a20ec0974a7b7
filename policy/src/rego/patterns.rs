//! Go's regular expressions, written so that the evaluator's library reads in them what Go does.

/// The expression in the other dialect, or `None` where Go has no such expression.
pub(super) fn translated(expression: &str) -> Option<String> {
    let mut writer = Writer { rest: expression, text: String::new(), class: None };
    while !writer.rest.is_empty() {
        writer.step()?;
    }
    Some(writer.text)
}

struct Writer<'a> {
    rest: &'a str,
    text: String,
    /// How long the class is that is open, so that a bracket that comes first is known to stand for itself.
    class: Option<usize>,
}

impl Writer<'_> {
    fn step(&mut self) -> Option<()> {
        let c = self.rest.chars().next()?;
        match (c, self.class) {
            ('\\', _) => return self.escaped(),
            ('[', None) => {
                self.take(1);
                let negated = self.rest.starts_with('^');
                self.text.push_str(if negated { "[^" } else { "[" });
                self.take(usize::from(negated));
                self.class = Some(0);
                return Some(());
            }
            ('(', None) if self.rest.starts_with("(?") => self.flags()?,
            ('{', None) => return self.brace(),
            (']', Some(1..)) => {
                self.class = None;
                self.text.push(']');
                self.take(1);
                return Some(());
            }
            ('[', Some(_)) if self.rest.starts_with("[:") => {
                let name = &self.rest[..self.rest.find(":]")? + 2];
                self.text.push_str(name);
                self.take(name.len());
                self.class = Some(1);
                return Some(());
            }
            // Of these, classes of the other dialect are made.
            ('[' | ']' | '&' | '~', Some(_)) => self.text.push('\\'),
            _ => {}
        }
        self.class = self.class.map(|length| length + 1);
        self.text.push(c);
        self.take(c.len_utf8());
        Some(())
    }

    fn escaped(&mut self) -> Option<()> {
        let c = self.rest[1..].chars().next()?;
        self.take(1 + c.len_utf8());
        self.class = self.class.map(|length| length + 1);
        if let Some((_, class)) = CLASSES.iter().find(|(name, _)| *name == c) {
            self.text.push_str(class);
            return Some(());
        }
        match c {
            'Q' => {
                let (literal, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
                self.text.push_str(&regex_syntax::escape(literal));
                self.rest = rest;
            }
            'b' | 'B' if self.class.is_none() => {
                self.text.push_str(if c == 'b' { r"(?-u:\b)" } else { r"(?-u:\B)" });
            }
            '<' | '>' => self.text.push(c),
            _ => self.text.extend(['\\', c]),
        }
        Some(())
    }

    /// A brace that does not count stands for itself.
    fn brace(&mut self) -> Option<()> {
        let count = self.rest.find('}').map_or("", |end| &self.rest[1..end]);
        let (least, most) = count.split_once(',').unwrap_or((count, ""));
        let is_number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        if least.is_empty() || !is_number(least) || !is_number(most) {
            self.text.push_str(r"\{");
            self.take(1);
            return Some(());
        }
        let is_small = |text: &str| text.is_empty() || text.parse().is_ok_and(|count: u32| count <= MOST_TIMES);
        let counts = is_small(least) && is_small(most);
        self.text.push_str(&self.rest[..count.len() + 2]);
        self.take(count.len() + 2);
        counts.then_some(())
    }

    /// Go knows fewer flags.
    fn flags(&self) -> Option<()> {
        let flags = &self.rest[2..];
        let flags = &flags[..flags.find(|c: char| !c.is_ascii_alphabetic() && c != '-').unwrap_or(flags.len())];
        let is_name = self.rest.starts_with("(?P<") || self.rest.starts_with("(?<");
        (is_name || flags.chars().all(|flag| "imsU-".contains(flag))).then_some(())
    }

    fn take(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }
}

const MOST_TIMES: u32 = 1000;

/// Go's tables, which are about ASCII alone.
const CLASSES: [(char, &str); 6] = [
    ('d', "[0-9]"),
    ('D', "[^0-9]"),
    ('s', r"[\t\n\f\r ]"),
    ('S', r"[^\t\n\f\r ]"),
    ('w', "[0-9A-Za-z_]"),
    ('W', "[^0-9A-Za-z_]"),
];
