//! What the grammar has and this evaluator refuses: combinations whose outcome depends on the order in which CUE
//! evaluates them, so that nobody could say what a policy with them demands.

use crate::builtin::Function;
use crate::error::Problem;
use crate::scan::At;
use crate::syntax::{Clause, Comprehension, Declaration, Element, Expr, Kind, Label, Name, Piece, Struct, Target};

/// Refuses what a resolved policy must not contain.
pub(crate) fn refuse(body: &Struct) -> Result<(), At> {
    structure(body, false)
}

fn structure(body: &Struct, alternative: bool) -> Result<(), At> {
    for clause in &body.lets {
        if alternative {
            return Err((Problem::Unsupported("`let` inside an alternative".to_owned()), clause.place));
        }
        expr(&clause.value, alternative)?;
    }
    for declaration in &body.declarations {
        match declaration {
            Declaration::Field(field) => expr(&field.value, alternative)?,
            Declaration::Pattern { label, value, .. } | Declaration::Dynamic { label, value, .. } => {
                expr(label, alternative)?;
                expr(value, alternative)?;
            }
            Declaration::Embedded(value) => {
                refuse_scalar(value)?;
                expr(value, alternative)?;
            }
            Declaration::Comprehension(inner) => {
                refuse_circle(inner)?;
                comprehension(inner, alternative, false)?;
            }
        }
    }
    Ok(())
}

/// A condition on a field that it declares itself has no order.
fn refuse_circle(inner: &Comprehension) -> Result<(), At> {
    let Kind::Struct(body) = &inner.body.kind else { return Ok(()) };
    let (mut up, mut conditions) = (0, Vec::new());
    for clause in &inner.clauses {
        match clause {
            Clause::If(value) => conditions.push((up, value)),
            Clause::For { source: value, .. } | Clause::Let { value, .. } => {
                conditions.push((up, value));
                up += 1;
            }
        }
    }
    for declaration in &body.declarations {
        let Declaration::Field(field) = declaration else { continue };
        if conditions.iter().any(|(up, value)| mentions(value, *up, &field.label)) {
            let refused = "a condition on the field that it declares".to_owned();
            return Err((Problem::Unsupported(refused), field.place));
        }
    }
    Ok(())
}

/// Whether an expression is computed from the field, itself rather than one in it.
fn mentions(value: &Expr, up: usize, label: &Label) -> bool {
    match &value.kind {
        Kind::Name(Name { up: found, target: Target::Field(name) }) => *found == up && name == label,
        Kind::Unary(_, value) => mentions(value, up, label),
        Kind::Binary(_, left, right) | Kind::Index(left, right) => {
            mentions(left, up, label) || mentions(right, up, label)
        }
        Kind::Call(_, arguments) => arguments.iter().any(|argument| mentions(argument, up, label)),
        _ => false,
    }
}

/// A struct is what has fields: a scalar in braces is one only at times.
fn refuse_scalar(value: &Expr) -> Result<(), At> {
    let refused = match &value.kind {
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Bytes(_) | Kind::Interpolation(..) => {
            true
        }
        Kind::Type(_) | Kind::Bound(..) | Kind::List(_) | Kind::Unary(..) | Kind::Binary(..) | Kind::Slice(..) => true,
        Kind::Or(alternatives) => return alternatives.iter().try_for_each(|(_, value)| refuse_scalar(value)),
        Kind::And(left, right) => {
            refuse_scalar(left)?;
            return refuse_scalar(right);
        }
        _ => false,
    };
    if refused {
        return Err((Problem::Unsupported("a value in braces that is no struct".to_owned()), value.place));
    }
    Ok(())
}

fn comprehension(inner: &Comprehension, alternative: bool, in_list: bool) -> Result<(), At> {
    if alternative {
        let place = inner.body.place;
        return Err((Problem::Unsupported("a comprehension inside an alternative".to_owned()), place));
    }
    for clause in &inner.clauses {
        match clause {
            Clause::For { source: value, .. } | Clause::If(value) | Clause::Let { value, .. } => {
                expr(value, alternative)?
            }
        }
    }
    match (&inner.body.kind, in_list) {
        // `[for x in list {x}]` is how elements are written
        (Kind::Struct(Struct { declarations, lets, open: false }), true) if lets.is_empty() => {
            match declarations.as_slice() {
                [Declaration::Embedded(value)] => expr(value, alternative),
                _ => expr(&inner.body, alternative),
            }
        }
        _ => expr(&inner.body, alternative),
    }
}

fn expr(value: &Expr, alternative: bool) -> Result<(), At> {
    match &value.kind {
        Kind::Interpolation(pieces, _) => pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(_) => Ok(()),
            Piece::Value(value) => expr(value, alternative),
        }),
        Kind::Struct(body) => structure(body, alternative),
        Kind::List(list) => {
            for element in &list.elements {
                match element {
                    Element::Value(value) => expr(value, alternative)?,
                    Element::Comprehension(inner) => comprehension(inner, alternative, true)?,
                }
            }
            list.rest.iter().flatten().try_for_each(|rest| expr(rest, alternative))
        }
        Kind::Select(base, _) | Kind::Unary(_, base) | Kind::Bound(_, base) | Kind::Aliased(_, base) => {
            expr(base, alternative)
        }
        Kind::Index(left, right) | Kind::Binary(_, left, right) | Kind::And(left, right) => {
            expr(left, alternative)?;
            expr(right, alternative)
        }
        Kind::Slice(base, low, high) => {
            expr(base, alternative)?;
            low.iter().chain(high).try_for_each(|end| expr(end, alternative))
        }
        Kind::Call(Function::Close, _) if alternative => {
            Err((Problem::Unsupported("`close` inside an alternative".to_owned()), value.place))
        }
        Kind::Call(Function::Or, arguments) => arguments.iter().try_for_each(|argument| match &argument.kind {
            // the list of alternatives may be computed
            Kind::List(list) => list.elements.iter().try_for_each(|element| match element {
                Element::Value(value) => expr(value, true),
                Element::Comprehension(inner) => comprehension(inner, alternative, true),
            }),
            _ => expr(argument, true),
        }),
        Kind::Call(_, arguments) => arguments.iter().try_for_each(|argument| expr(argument, alternative)),
        Kind::Or(alternatives) => alternatives.iter().try_for_each(|(_, value)| expr(value, true)),
        _ => Ok(()),
    }
}
