//! Questions to the evaluator's syntax tree.

use regorus::unstable::{Expr, Literal, Query, Rule, RuleHead, Span};

/// The name of what a rule defines; of `p[x]` it is `p`.
pub(super) fn head_name(rule: &Rule) -> String {
    let (Rule::Default { refr, .. }
    | Rule::Spec {
        head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. },
        ..
    }) = rule;
    let mut name = &**refr;
    loop {
        match (path(name), name) {
            (Some(path), _) => return path,
            (None, Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. }) => name = refr,
            (None, _) => return String::new(),
        }
    }
}

/// The name and the number of arguments of a function that a rule defines.
pub(super) fn defined_function(rule: &Rule) -> Option<(String, usize)> {
    match rule {
        Rule::Spec { head: RuleHead::Func { refr, args, .. }, .. } => Some((path(refr)?, args.len())),
        Rule::Default { refr, args, .. } if !args.is_empty() => Some((path(refr)?, args.len())),
        _ => None,
    }
}

/// A name with dots, however it is written.
pub(super) fn path(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Var { span, .. } => Some(span.text().to_owned()),
        Expr::RefDot { refr, field, .. } => Some(format!("{}.{}", path(refr)?, field.0.text())),
        Expr::RefBrack { refr, index, .. } => match &**index {
            Expr::String { value, .. } => Some(format!("{}.{}", path(refr)?, value.as_string().ok()?)),
            _ => None,
        },
        _ => None,
    }
}

/// The line and the column where an expression begins; the tree has those of the last of its dots or brackets.
pub(super) fn place(expr: &Expr) -> (u32, u32) {
    match expr {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => place(refr),
        Expr::Call { fcn, .. } => place(fcn),
        _ => (expr.span().line, expr.span().col),
    }
}

/// Whether it is one of JSON's plain values.
pub(super) fn is_scalar(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::String { .. } | Expr::RawString { .. } | Expr::Number { .. } | Expr::Bool { .. } | Expr::Null { .. }
    )
}

/// Whether nothing but plain values is in it.
pub(super) fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().all(|item| is_constant(item)),
        Expr::Object { fields, .. } => fields.iter().all(|(_, name, value)| is_constant(name) && is_constant(value)),
        _ => is_scalar(expr),
    }
}

/// The names of values that stand in an expression, without those in comprehensions, which have bodies of their own.
pub(super) fn names<'e>(expr: &'e Expr, found: &mut Vec<&'e Span>) {
    match expr {
        Expr::Var { span, .. } => found.push(span),
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| names(item, found)),
        Expr::Object { fields, .. } => {
            fields.iter().flat_map(|(_, name, value)| [name, value]).for_each(|part| names(part, found));
        }
        Expr::Call { params, .. } => params.iter().for_each(|param| names(param, found)),
        Expr::UnaryExpr { expr, .. } => names(expr, found),
        Expr::RefDot { refr, .. } => names(refr, found),
        Expr::RefBrack { refr, index, .. } => [refr, index].iter().for_each(|part| names(part, found)),
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => [lhs, rhs].iter().for_each(|side| names(side, found)),
        Expr::Membership { key, value, collection, .. } => {
            key.iter().chain([value, collection]).for_each(|part| names(part, found));
        }
        _ => {}
    }
}

/// The names that a body's statements can give values to, those that are negated not counted.
pub(super) fn bound_names(query: &Query) -> Vec<&Span> {
    let mut found = Vec::new();
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeIn { key, value, .. } => key.iter().chain([value]).for_each(|name| names(name, &mut found)),
            Literal::Expr { expr, .. } => names(expr, &mut found),
            Literal::Every { key, value, .. } => found.extend(key.iter().chain([value])),
            Literal::SomeVars { .. } | Literal::NotExpr { .. } => {}
        }
    }
    found
}
