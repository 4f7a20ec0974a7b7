//! What stands behind `not`.
//!
//! OPA computes the arguments of a negated call before it negates: where one is undefined, so is the whole body, and
//! `not startswith(input.absent, "x")` holds for nobody. The evaluator negates the call as a whole, which then holds
//! for everybody. So what OPA computes before is moved to statements before, by the rules of its compiler.

use regorus::unstable::{BoolOp, Expr};

/// The parts of a negated expression that are computed before it. `is_global` knows the names of rules and imports.
pub(super) fn computed_before<'e>(negated: &'e Expr, is_global: &dyn Fn(&str) -> bool) -> Vec<&'e Expr> {
    let mut parts = Parts { found: Vec::new(), is_global };
    match negated {
        Expr::BoolExpr { op: BoolOp::Eq, lhs, rhs, .. } | Expr::AssignExpr { lhs, rhs, .. } => {
            parts.compared(lhs);
            parts.compared(rhs);
        }
        Expr::BoolExpr { lhs, rhs, .. } | Expr::BinExpr { lhs, rhs, .. } | Expr::ArithExpr { lhs, rhs, .. } => {
            parts.argument(lhs);
            parts.argument(rhs);
        }
        Expr::Membership { key, value, collection, .. } => {
            key.iter().chain([value, collection]).for_each(|part| parts.argument(part));
        }
        Expr::Call { params, .. } => params.iter().for_each(|param| parts.argument(param)),
        _ => parts.compared(negated),
    }
    parts.found
}

struct Parts<'e, 'g> {
    found: Vec<&'e Expr>,
    is_global: &'g dyn Fn(&str) -> bool,
}

impl<'e> Parts<'e, '_> {
    /// A reference stays where it is, but for what stands in its brackets.
    fn compared(&mut self, expr: &'e Expr) {
        match expr {
            Expr::RefDot { refr, .. } => self.compared(refr),
            Expr::RefBrack { refr, index, .. } => {
                self.compared(refr);
                self.argument(index);
            }
            Expr::Var { .. } => {}
            _ => self.argument(expr),
        }
    }

    fn argument(&mut self, expr: &'e Expr) {
        match expr {
            Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| self.argument(item)),
            Expr::Object { fields, .. } => {
                fields.iter().flat_map(|(_, name, value)| [name, value]).for_each(|part| self.argument(part));
            }
            Expr::Var { span, .. } if !(self.is_global)(span.text()) => {}
            Expr::Var { .. }
            | Expr::RefDot { .. }
            | Expr::RefBrack { .. }
            | Expr::Call { .. }
            | Expr::BinExpr { .. }
            | Expr::BoolExpr { .. }
            | Expr::ArithExpr { .. }
            | Expr::Membership { .. } => self.found.push(expr),
            _ => {}
        }
    }
}
