//! `-a`: one `name=value`, or several as one line of CSV (RFC 4180), as cosign takes them: `-a '"note=a, b",env=prod'`.

/// What one `-a` says, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Annotations(pub(crate) Vec<(String, String)>);

pub(crate) fn parse(text: &str) -> Result<Annotations, String> {
    fields(text)?.iter().map(|field| pair(field)).collect::<Result<_, _>>().map(Annotations)
}

/// `name=value`; the value may hold further `=`.
fn pair(field: &str) -> Result<(String, String), String> {
    match field.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{field}` found, wanted name=value")),
    }
}

fn fields(text: &str) -> Result<Vec<String>, String> {
    let (mut fields, mut rest) = (Vec::new(), text);
    loop {
        let (field, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => plain_field(rest)?,
        };
        fields.push(field);
        match behind.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Ok(fields),
        }
    }
}

fn plain_field(text: &str) -> Result<(String, &str), String> {
    let (field, behind) = text.split_at(text.find(',').unwrap_or(text.len()));
    match field.contains('"') {
        true => Err(format!("`{field}` found, wanted quotes around the whole of it, and those within doubled")),
        false => Ok((field.to_owned(), behind)),
    }
}

/// Up to the quote that ends it; a doubled one stands for itself.
fn quoted_field(text: &str) -> Result<(String, &str), String> {
    let (mut field, mut rest) = (String::new(), text);
    while let Some((part, behind)) = rest.split_once('"') {
        field.push_str(part);
        match behind.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None if behind.is_empty() || behind.starts_with(',') => return Ok((field, behind)),
            None => return Err(format!("`{behind}` found behind a closing quote, wanted a comma")),
        }
    }
    Err(format!("`\"{text}` found, wanted a closing quote"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().0
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn commas_part_unless_they_are_quoted() {
        assert_eq!(pairs("a=1,b=2=3"), [pair("a", "1"), pair("b", "2=3")]);
        assert_eq!(pairs("\"a=1,b\",c="), [pair("a", "1,b"), pair("c", "")]);
    }

    #[test]
    fn a_doubled_quote_stands_for_one() {
        assert_eq!(pairs("\"a=say \"\"no\"\"\""), [pair("a", "say \"no\"")]);
    }

    #[test]
    fn what_cosign_cannot_read_is_refused() {
        for text in ["", "a", "=1", "a=1,", "a=\"1\"", "\"a=1", "\"a=1\"2", "a=1,\"b=2\"\""] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
