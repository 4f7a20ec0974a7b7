//! From the tree of a document back to lines, in order and evenly indented.

use super::{
    order::Order,
    tree::{Block, Body, Entry, Head, Line},
};

/// The whole text, document by document; the lines between them stay as they are.
pub(super) fn text(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut lines = Vec::new();
    for raw in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
        if is_marker(raw) {
            document(&lines, &mut out)?;
            lines.clear();
            out += raw.trim_end();
            out.push('\n');
        } else {
            lines.push(Line::of(raw)?);
        }
    }
    document(&lines, &mut out)?;
    Ok(out)
}

/// A line that begins or ends a document; what stands behind a beginning is a comment.
fn is_marker(raw: &str) -> bool {
    raw.strip_prefix("---")
        .or_else(|| raw.strip_prefix("..."))
        .is_some_and(|rest| rest.trim().is_empty() || (rest.starts_with(' ') && rest.trim_start().starts_with('#')))
}

fn document(lines: &[Line<'_>], out: &mut String) -> Result<(), String> {
    if let Some(line) = lines.iter().find(|line| line.raw.starts_with("---") || line.raw.starts_with('%')) {
        return Err(format!("`{}` is of a kind that is not laid out", oci::excerpt(line.text, 80)));
    }
    let (head, lines) = lines.split_at(head_length(lines));
    asides(head, 0, out);
    let block = Block::read(lines)?;
    let kind = block.entries.iter().find_map(|entry| match entry.head {
        Head::Field("kind", value) => value.split(" #").next(),
        _ => None,
    });
    let order = kind.map_or(Order::AS_IT_IS, |kind| Order::of(kind.trim().trim_matches(['"', '\''])));
    write_block(block, 0, order, out);
    let end = out.trim_end_matches('\n').len();
    out.truncate(end);
    if !out.is_empty() {
        out.push('\n');
    }
    Ok(())
}

/// The comments at the top that belong to no field: what stands before the last blank line above the first field.
fn head_length(lines: &[Line<'_>]) -> usize {
    let above = lines.iter().take_while(|line| line.is_blank() || line.text.starts_with('#')).count();
    lines[..above].iter().rposition(Line::is_blank).map_or(0, |blank| blank + 1)
}

fn write_block(block: Block<'_>, indent: usize, order: Order, out: &mut String) {
    let Block { mut entries, behind } = block;
    entries.sort_by_key(|entry| match entry.head {
        Head::Field(name, _) => order.rank(name.trim_matches(['"', '\''])),
        Head::Item | Head::Text(_) => usize::MAX,
    });
    for (index, entry) in entries.into_iter().enumerate() {
        let blanks = if index == 0 { entry.above.iter().take_while(|line| line.is_blank()).count() } else { 0 };
        asides(&entry.above[blanks..], indent, out);
        write_entry(entry, indent, order, out);
    }
    asides(&behind, indent, out);
}

fn write_entry(entry: Entry<'_>, indent: usize, order: Order, out: &mut String) {
    let Entry { head, body, .. } = entry;
    match head {
        Head::Field(name, value) => {
            let below = order.below(name.trim_matches(['"', '\'']));
            let line = format!("{name}: {value}");
            push(out, indent, line.trim_end());
            write_body(body, indent, below, out);
        }
        Head::Text(text) => {
            push(out, indent, text);
            write_body(body, indent, Order::AS_IT_IS, out);
        }
        Head::Item => {
            let Body::Block(block) = body else { unreachable!("an item's body is a block") };
            write_item(block, indent, order.within(), out);
        }
    }
}

/// A dash in front of what is written two further in; comments that would come between stand above it, without blank lines.
fn write_item(block: Block<'_>, indent: usize, order: Order, out: &mut String) {
    let mut inner = String::new();
    write_block(block, indent + 2, order, &mut inner);
    let mut rest = inner.as_str();
    while let Some(line) =
        rest.lines().next().filter(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    {
        if !line.is_empty() {
            push(out, indent, line.trim_start());
        }
        rest = &rest[line.len() + 1..];
    }
    out.push_str(&" ".repeat(indent));
    out.push_str("- ");
    out.push_str(&rest[indent + 2..]);
}

fn write_body(body: Body<'_>, indent: usize, order: Order, out: &mut String) {
    match body {
        Body::Nothing => {}
        Body::Block(block) => {
            let list = block.entries.first().is_some_and(|entry| matches!(entry.head, Head::Item));
            write_block(block, if list { indent } else { indent + 2 }, order, out);
        }
        Body::Lines(lines, exact) => write_lines(&lines, indent + 2, exact, out),
    }
}

/// Lines moved as a whole: the one that stands furthest out comes to stand at `indent`.
fn write_lines(lines: &[Line<'_>], indent: usize, exact: bool, out: &mut String) {
    let least = lines.iter().filter(|line| !line.is_blank()).map(|line| line.indent).min().unwrap_or_default();
    for line in lines {
        let text = if exact { line.raw.trim_start_matches(' ') } else { line.text };
        if line.is_blank() && line.raw.len() <= least {
            out.push('\n');
        } else {
            push(out, indent + line.indent.saturating_sub(least), text);
        }
    }
}

/// Comments at this indentation, and never two blank lines in a row.
fn asides(lines: &[Line<'_>], indent: usize, out: &mut String) {
    for line in lines {
        match line.is_blank() {
            true if out.is_empty() || out.ends_with("\n\n") => {}
            true => out.push('\n'),
            false => push(out, indent, line.text),
        }
    }
}

fn push(out: &mut String, indent: usize, text: &str) {
    out.push_str(&" ".repeat(indent));
    out.push_str(text);
    out.push('\n');
}
