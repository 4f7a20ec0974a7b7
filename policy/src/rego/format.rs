//! `sprintf` as OPA has it, which is Go's: a format that does not fit its values is written as such and is no error.
//!
//! The evaluator's own is undefined then, and a rule that denies with a message would not deny.

use regorus::Value;

/// The text, or `None` if it would be longer than that.
pub(super) fn sprintf(format: &str, values: &[Value], most: usize) -> Option<String> {
    let mut writer = Writer { text: String::new(), values, next: 0, most };
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        writer.text.push_str(&rest[..at]);
        rest = writer.verb(&rest[at + 1..])?;
    }
    writer.text.push_str(rest);
    writer.extra();
    (writer.text.len() <= most).then_some(writer.text)
}

struct Writer<'a> {
    text: String,
    values: &'a [Value],
    next: usize,
    most: usize,
}

#[derive(Default, Clone, Copy)]
struct Layout {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

impl Writer<'_> {
    /// Writes the value that a verb asks for, and gives back what follows the verb.
    fn verb<'f>(&mut self, mut rest: &'f str) -> Option<&'f str> {
        let mut layout = Layout::default();
        while let Some(flag) = rest.chars().next().filter(|c| "+-# 0".contains(*c)) {
            match flag {
                '+' => layout.plus = true,
                '-' => layout.minus = true,
                '#' => layout.sharp = true,
                ' ' => layout.space = true,
                _ => layout.zero = true,
            }
            rest = &rest[1..];
        }
        (layout.width, rest) = self.number(rest);
        if let Some(behind) = rest.strip_prefix('.') {
            let precision;
            (precision, rest) = self.number(behind);
            layout.precision = Some(precision.unwrap_or(0));
        }
        if layout.width.max(layout.precision).is_some_and(|number| number > self.most) || self.text.len() > self.most {
            return None;
        }
        let Some(verb) = rest.chars().next() else {
            self.text.push_str("%!(NOVERB)");
            return Some(rest);
        };
        match (verb, self.values.get(self.next)) {
            ('%', _) => self.text.push('%'),
            (_, None) => self.text.push_str(&format!("%!{verb}(MISSING)")),
            (_, Some(value)) => {
                self.next += 1;
                self.text.push_str(&written(verb, layout, value));
            }
        }
        Some(&rest[verb.len_utf8()..])
    }

    /// Digits, or a star for a value that is a number.
    fn number<'f>(&mut self, rest: &'f str) -> (Option<usize>, &'f str) {
        if let Some(behind) = rest.strip_prefix('*') {
            let value = self.values.get(self.next).and_then(|value| value.as_u32().ok());
            self.next += 1;
            return (value.map(|value| value as usize), behind);
        }
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = if end == 0 { None } else { Some(rest[..end].parse().unwrap_or(usize::MAX)) };
        (number, &rest[end..])
    }

    /// Says what no verb asked for.
    fn extra(&mut self) {
        if self.next >= self.values.len() {
            return;
        }
        let plain = Layout::default();
        let extra: Vec<_> = self.values[self.next..]
            .iter()
            .map(|value| format!("{}={}", kind(value), written('v', plain, value)))
            .collect();
        self.text.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
}

fn written(verb: char, layout: Layout, value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_integer() => integer(verb, layout, &plain(value)),
        Value::Number(_) => float(verb, layout, value.as_f64().unwrap_or(0.0)),
        Value::String(text) => string(verb, layout, text),
        other => string(verb, layout, &plain(other)),
    }
    .unwrap_or_else(|| wrong(verb, layout, value))
}

/// A value that the verb is not for.
fn wrong(verb: char, layout: Layout, value: &Value) -> String {
    format!("%!{verb}({}={})", kind(value), written('v', layout, value))
}

/// What Go calls the kind of value that OPA gives it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Number(number) if number.is_integer() && number.as_i64().is_some() => "int",
        Value::Number(number) if number.is_integer() => "big.Int",
        Value::Number(_) => "float64",
        _ => "string",
    }
}

fn string(verb: char, layout: Layout, text: &str) -> Option<String> {
    let cut = |text: &str| layout.precision.map_or(text.to_owned(), |most| text.chars().take(most).collect::<String>());
    let text = match verb {
        's' | 'v' => cut(text),
        'q' => quoted(&cut(text)),
        'x' => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        'X' => text.bytes().map(|byte| format!("{byte:02X}")).collect(),
        _ => return None,
    };
    Some(padded(layout, "", &text))
}

fn integer(verb: char, layout: Layout, digits: &str) -> Option<String> {
    let (negative, digits) = digits.strip_prefix('-').map_or((false, digits), |digits| (true, digits));
    let small = digits.parse::<u128>().ok();
    let (prefix, digits) = match verb {
        'd' | 'v' => ("", digits.to_owned()),
        'b' => (if layout.sharp { "0b" } else { "" }, format!("{:b}", small?)),
        'o' => (if layout.sharp { "0" } else { "" }, format!("{:o}", small?)),
        'O' => ("0o", format!("{:o}", small?)),
        'x' => (if layout.sharp { "0x" } else { "" }, format!("{:x}", small?)),
        'X' => (if layout.sharp { "0X" } else { "" }, format!("{:X}", small?)),
        _ => return None,
    };
    let digits = layout.precision.map_or(digits.clone(), |least| format!("{digits:0>least$}"));
    let layout = Layout { zero: layout.zero && layout.precision.is_none(), ..layout };
    Some(padded(layout, &format!("{}{prefix}", sign(layout, negative)), &digits))
}

fn float(verb: char, layout: Layout, number: f64) -> Option<String> {
    let size = number.abs();
    let digits = match verb {
        'f' | 'F' => format!("{size:.*}", layout.precision.unwrap_or(6)),
        'e' | 'E' => {
            let text = format!("{size:.*e}", layout.precision.unwrap_or(6));
            let (mantissa, exponent) = text.split_once('e')?;
            let exponent: i32 = exponent.parse().ok()?;
            let text = format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
            if verb == 'E' { text.to_uppercase() } else { text }
        }
        'v' | 'g' | 'G' => shortest(size),
        _ => return None,
    };
    Some(padded(layout, sign(layout, number < 0.0), &digits))
}

/// Go's `%g`: an exponent where the number is long without one.
fn shortest(size: f64) -> String {
    let text = format!("{size:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent @ -4..21) if exponent < 21 => format!("{size}"),
        Ok(exponent) => format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
        Err(_) => text,
    }
}

fn sign(layout: Layout, negative: bool) -> &'static str {
    match layout {
        _ if negative => "-",
        Layout { plus: true, .. } => "+",
        Layout { space: true, .. } => " ",
        _ => "",
    }
}

/// Zeros go between a sign and what follows it, blanks before or after both.
fn padded(layout: Layout, before: &str, text: &str) -> String {
    let missing = layout.width.unwrap_or(0).saturating_sub(before.chars().count() + text.chars().count());
    let (blanks, zeros) = (" ".repeat(missing), "0".repeat(missing));
    match layout {
        Layout { minus: true, .. } => format!("{before}{text}{blanks}"),
        Layout { zero: true, .. } => format!("{before}{zeros}{text}"),
        _ => format!("{blanks}{before}{text}"),
    }
}

/// A value as OPA writes it where it is no text of its own.
fn plain(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        Value::Number(number) => number.format_decimal(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", list(items.iter().map(plain).collect())),
        Value::Set(items) if items.is_empty() => "set()".to_owned(),
        Value::Set(items) => format!("{{{}}}", list(items.iter_sorted().map(plain).collect())),
        Value::Object(fields) => {
            let fields = fields.iter_sorted().map(|(name, value)| format!("{}: {}", plain(name), plain(value)));
            format!("{{{}}}", list(fields.collect()))
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' => "\\\"".to_owned(),
        '\\' => r"\\".to_owned(),
        '\n' => r"\n".to_owned(),
        '\r' => r"\r".to_owned(),
        '\t' => r"\t".to_owned(),
        '\u{7}' => r"\a".to_owned(),
        '\u{8}' => r"\b".to_owned(),
        '\u{c}' => r"\f".to_owned(),
        '\u{b}' => r"\v".to_owned(),
        c if c.is_ascii_control() => format!(r"\x{:02x}", u32::from(c)),
        c if c.is_control() => format!(r"\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
