//! Bounds that exclude each other: `>5 & <3` has no value, whatever the data.

use std::cmp::Ordering;

use crate::number::Number;
use crate::syntax::Relation;
use crate::value::{Kinds, Scalar};

/// A bound and its line.
pub(crate) type Bound<'b> = (Relation, &'b Scalar, u32);

/// Two bounds that leave nothing between them, if there are any.
pub(crate) fn contradiction<'b>(kinds: Kinds, bounds: &[Bound<'b>]) -> Option<(Bound<'b>, Bound<'b>)> {
    let lower = bounds.iter().filter(|bound| matches!(bound.0, Relation::Greater | Relation::GreaterOrEqual));
    for low in lower {
        let upper = bounds.iter().filter(|bound| matches!(bound.0, Relation::Less | Relation::LessOrEqual));
        for high in upper {
            if excludes(kinds, *low, *high) {
                return Some((*high, *low));
            }
        }
    }
    None
}

fn excludes(kinds: Kinds, low: Bound<'_>, high: Bound<'_>) -> bool {
    if let (Scalar::Number(from), Scalar::Number(to)) = (low.1, high.1)
        && kinds.and(Kinds::FLOAT).is_empty()
    {
        return no_integer_between(low.0, *from, high.0, *to);
    }
    match low.1.order(high.1) {
        Some(Ordering::Less) | None => false,
        Some(Ordering::Equal) => low.0 == Relation::Greater || high.0 == Relation::Less,
        Some(Ordering::Greater) => true,
    }
}

fn no_integer_between(low: Relation, from: Number, high: Relation, to: Number) -> bool {
    let strictly_above = low == Relation::Greater && from.into_integer().is_some();
    let first = if low == Relation::Greater && strictly_above { step(from, 1) } else { from.ceil() };
    let strictly_below = high == Relation::Less && to.into_integer().is_some();
    let last = if strictly_below { step(to, -1) } else { to.floor() };
    match (first, last) {
        (Some(first), Some(last)) => first.compare(last) == Ordering::Greater,
        _ => false,
    }
}

fn step(from: Number, by: i64) -> Option<Number> {
    from.floor()?.add(Number::integer(by)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excluded(kinds: Kinds, low: (Relation, &str), high: (Relation, &str)) -> bool {
        let scalar = |text: &str| Scalar::Number(Number::parse(text).unwrap());
        let (from, to) = (scalar(low.1), scalar(high.1));
        contradiction(kinds, &[(low.0, &from, 1), (high.0, &to, 1)]).is_some()
    }

    #[test]
    fn nothing_is_above_five_and_below_three() {
        assert!(excluded(Kinds::NUMBER, (Relation::Greater, "5"), (Relation::Less, "3")));
        assert!(excluded(Kinds::NUMBER, (Relation::Greater, "5"), (Relation::LessOrEqual, "5")));
        assert!(!excluded(Kinds::NUMBER, (Relation::GreaterOrEqual, "5"), (Relation::LessOrEqual, "5")));
    }

    #[test]
    fn no_integer_is_between_one_and_two() {
        assert!(excluded(Kinds::INT, (Relation::Greater, "1"), (Relation::Less, "2")));
        assert!(!excluded(Kinds::NUMBER, (Relation::Greater, "1"), (Relation::Less, "2")));
        assert!(!excluded(Kinds::INT, (Relation::Greater, "1.5"), (Relation::LessOrEqual, "2")));
        assert!(excluded(Kinds::INT, (Relation::GreaterOrEqual, "1.5"), (Relation::Less, "2")));
    }
}
