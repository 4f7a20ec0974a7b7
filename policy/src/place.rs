//! Where something within a text stands in the file that holds the text.
//!
//! YAML moves the lines of a block to the right, which is taken back here. Where it folds or escapes a text, its lines are
//! not those of the file, and only the text as a whole can be pointed at.

use crate::problem::At;

/// The place in a file of these lines of what stands at `line` and `column` of a text that begins at `at`; nothing
/// where the file does not have that text line by line.
pub(crate) fn within(file: &[&str], at: At, text: &str, (line, column): (u32, u32)) -> Option<At> {
    let wanted: Vec<&str> = text.lines().take(usize::try_from(line).ok()?.max(1)).collect();
    // a block begins below its mark, another text where it stands
    [at.line, at.line + 1].into_iter().find_map(|first| {
        let found = file.get(usize::try_from(first).ok()?.checked_sub(1)?..)?.get(..wanted.len())?;
        let same = wanted.iter().zip(found).all(|(wanted, found)| found.trim() == wanted.trim());
        let (last, shown) = (wanted.last()?, found.last()?);
        if same {
            let moved = indent(shown).checked_sub(indent(last))?;
            let (number, column) = end_of(last, first + wanted.len() as u64 - 1, (line, wanted.len()), column);
            return Some(At { line: number, column: moved + column });
        }
        (first == at.line && wanted.len() == 1).then(|| on_one_line(shown, at, last, column)).flatten()
    })
}

/// What stands behind the last line stands at its end.
fn end_of(last: &str, number: u64, (line, count): (u32, usize), column: u32) -> (u64, u64) {
    match usize::try_from(line).is_ok_and(|line| line > count) {
        true => (number, last.chars().count() as u64 + 1),
        false => (number, column.max(1).into()),
    }
}

/// A text within a line: plain, or in quotes and without anything escaped.
fn on_one_line(shown: &str, at: At, text: &str, column: u32) -> Option<At> {
    let before = usize::try_from(at.column).ok()?.checked_sub(1)?;
    let rest: String = shown.chars().skip(before).collect();
    let start = rest.find(text).filter(|start| *start <= 1)? as u64;
    Some(At { line: at.line, column: at.column + start + u64::from(column.max(1)) - 1 })
}

fn indent(line: &str) -> u64 {
    line.chars().take_while(|c| c.is_whitespace()).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: [&str; 6] = ["data: |", "    a: {", "      b: 1", "", "    c: \"x\"", "other: 'd: 2'"];

    fn at(line: u64, column: u64) -> At {
        At { line, column }
    }

    #[test]
    fn lines_of_a_block_are_found_wherever_it_is_said_to_begin() {
        let text = "a: {\n  b: 1\n\nc: \"x\"\n";
        for begin in [at(1, 7), at(2, 5)] {
            assert_eq!(within(&FILE, begin, text, (1, 4)), Some(at(2, 8)));
            assert_eq!(within(&FILE, begin, text, (2, 6)), Some(at(3, 10)));
            assert_eq!(within(&FILE, begin, text, (4, 4)), Some(at(5, 8)));
        }
    }

    #[test]
    fn what_stands_behind_the_text_stands_at_its_end() {
        assert_eq!(within(&FILE, at(1, 7), "a: {\n  b: 1\n", (3, 1)), Some(at(3, 11)));
        assert_eq!(within(&FILE, at(1, 7), "a: {\n  b: 1\n", (9, 9)), Some(at(3, 11)));
    }

    #[test]
    fn text_on_one_line_is_found_in_its_quotes() {
        assert_eq!(within(&FILE, at(6, 8), "d: 2", (1, 4)), Some(at(6, 12)));
        assert_eq!(within(&FILE, at(6, 9), "d: 2", (1, 4)), Some(at(6, 12)));
    }

    #[test]
    fn text_that_is_not_there_as_it_is_has_no_place() {
        assert_eq!(within(&FILE, at(1, 7), "a: { b: 1", (1, 1)), None, "folded");
        assert_eq!(within(&FILE, at(6, 8), "d: 3", (1, 1)), None, "escaped");
        assert_eq!(within(&FILE, at(9, 1), "a", (1, 1)), None, "behind the file");
        assert_eq!(within(&FILE, at(1, 7), "", (1, 1)), None);
    }
}
