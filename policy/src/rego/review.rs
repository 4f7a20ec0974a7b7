//! A policy's syntax tree, read once: which functions are called, and where values could grow.
//!
//! Wherever the evaluator puts a value together, or compares two that may be large, it takes as long as they are
//! large and counts one step. There the text gets a call of our own function, which counts their weight.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, Expr, Import, Literal, LiteralStmt, Module, Query, Rule, RuleBody, RuleHead, Span};

use super::edits::{Edits, Range};
use super::error::RegoError;
use super::functions::{self, SEEN, WEIGHED};
use super::negation::computed_before;
use super::shape::Shape;
use super::tree::{bound_names, defined_function, head_name, is_constant, is_scalar, names, path, place};

/// What was found in a module.
pub(super) struct Review<'a> {
    module: &'a Module,
    shape: &'a Shape,
    package: String,
    /// The names of rules and imports.
    globals: BTreeSet<String>,
    /// The functions that the module defines, with their number of arguments, and what each of them calls.
    defined: BTreeMap<String, usize>,
    calls: BTreeMap<String, BTreeSet<String>>,
    current: String,
    /// The names with values in the bodies around the place that is being read.
    bound: Vec<BTreeSet<String>>,
    /// The names that an `every` around it gives their values.
    iterated: Vec<String>,
    edits: Edits,
}

impl<'a> Review<'a> {
    /// Reads all of a module.
    pub(super) fn of(module: &'a Module, shape: &'a Shape) -> Result<Review<'a>, RegoError> {
        let package = format!("data.{}", path(&module.package.refr).unwrap_or_default());
        let defined = module.policy.iter().filter_map(|rule| defined_function(rule)).collect();
        let mut review = Review {
            module,
            shape,
            package,
            globals: globals(module),
            defined,
            calls: BTreeMap::new(),
            current: String::new(),
            bound: Vec::new(),
            iterated: Vec::new(),
            edits: Edits::default(),
        };
        for rule in &module.policy {
            review.rule(rule)?;
        }
        review.no_recursion()?;
        Ok(review)
    }

    /// The module's text with counters, if it defines the rule that is asked for.
    pub(super) fn counted(self, wanted: &'static str) -> Result<String, RegoError> {
        let is_wanted = |rule| format!("{}.{}", self.package, head_name(rule)) == wanted;
        if !self.module.policy.iter().any(|rule| is_wanted(rule)) {
            return Err(RegoError::NoRule { wanted });
        }
        Ok(self.edits.apply(&self.shape.text))
    }

    fn rule(&mut self, rule: &Rule) -> Result<(), RegoError> {
        self.current = head_name(rule);
        match rule {
            Rule::Default { value, .. } => self.pattern(value),
            Rule::Spec { head, bodies, .. } => {
                self.keywords(rule, head, bodies)?;
                self.bound = vec![argument_names(head)];
                self.head(head)?;
                bodies.iter().try_for_each(|body| self.body(body))
            }
        }
    }

    fn head(&mut self, head: &RuleHead) -> Result<(), RegoError> {
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                self.pattern(refr)?;
                assign.iter().try_for_each(|assign| self.weighed(&assign.value))
            }
            RuleHead::Set { key, .. } => key.iter().try_for_each(|key| self.weighed(key)),
            RuleHead::Func { args, assign, .. } => {
                args.iter().try_for_each(|arg| self.pattern(arg))?;
                assign.iter().try_for_each(|assign| self.weighed(&assign.value))
            }
        }
    }

    fn body(&mut self, body: &RuleBody) -> Result<(), RegoError> {
        body.assign.iter().try_for_each(|assign| self.weighed(&assign.value))?;
        self.query(&body.query)
    }

    fn query(&mut self, query: &Query) -> Result<(), RegoError> {
        if query.stmts.len() > MOST_STATEMENTS {
            let what = "statements in one body";
            let Span { line, col: column, .. } = query.span;
            return Err(RegoError::TooMuch { line, column, what, most: MOST_STATEMENTS });
        }
        self.bound.push(bound_names(query).into_iter().map(|name| name.text().to_owned()).collect());
        let before = self.edits.statements();
        query.stmts.iter().try_for_each(|statement| self.statement(statement))?;
        self.bound.pop();
        if let [only] = query.stmts.as_slice()
            && only.span.start == query.span.start
            && self.edits.statements() > before
        {
            self.edits.brace(self.shape.range(&only.span));
        }
        Ok(())
    }

    fn statement(&mut self, statement: &LiteralStmt) -> Result<(), RegoError> {
        for modifier in &statement.with_mods {
            self.not_impure(&modifier.refr)?;
            self.not_impure(&modifier.r#as)?;
            self.value(&modifier.r#as)?;
        }
        match &statement.literal {
            Literal::SomeVars { .. } => Ok(()),
            Literal::SomeIn { key, value, collection, .. } => {
                let outside = std::mem::take(&mut self.iterated);
                key.iter().chain([value]).try_for_each(|bound| self.pattern(bound))?;
                self.iterated = outside;
                self.weighed(collection)
            }
            Literal::Expr { expr, .. } => self.expression(expr, statement),
            Literal::NotExpr { expr, .. } => {
                self.expression(expr, statement)?;
                self.negated(expr, statement)
            }
            Literal::Every { key, value, domain, query, .. } => {
                self.weighed(domain)?;
                let outside = self.iterated.len();
                self.iterated.extend(key.iter().chain([value]).map(|name| name.text().to_owned()));
                self.query(query)?;
                self.iterated.truncate(outside);
                Ok(())
            }
        }
    }

    fn expression(&mut self, expr: &Expr, statement: &LiteralStmt) -> Result<(), RegoError> {
        match expr {
            // What is declared on the left is another name, even if an `every` around it has one like it.
            Expr::AssignExpr { op: AssignOp::ColEq, rhs, .. } => self.value(rhs),
            Expr::AssignExpr { lhs, rhs, .. } => self.unified(lhs, rhs, statement),
            _ => self.value(expr),
        }
    }

    fn negated(&mut self, expr: &Expr, statement: &LiteralStmt) -> Result<(), RegoError> {
        let mut found = Vec::new();
        names(expr, &mut found);
        let is_bound = |name: &str| self.globals.contains(name) || self.bound.iter().any(|names| names.contains(name));
        if let Some(unsafe_name) = found.into_iter().find(|name| !is_bound(name.text()) || name.text() == "_") {
            let Span { line, col: column, .. } = *unsafe_name;
            return Err(RegoError::Unsafe { line, column, name: unsafe_name.text().to_owned() });
        }
        let modifiers = statement
            .with_mods
            .first()
            .map_or("", |first| &self.shape.text[first.span.start as usize..self.shape.range(&statement.span).1]);
        for part in computed_before(expr, &|name| self.globals.contains(name) && name != "input" && name != "data") {
            let before = self.shape.range(&statement.span).0;
            self.edits.move_before(self.extent(part), before, modifiers);
        }
        Ok(())
    }

    /// Either side may be what gives the other one its value, so that a container is left alone: what is built is
    /// weighed once its name is known.
    fn unified(&mut self, left: &Expr, right: &Expr, statement: &LiteralStmt) -> Result<(), RegoError> {
        let is_open = |side: &Expr| {
            matches!(side, Expr::Var { .. } | Expr::Array { .. } | Expr::Object { .. } | Expr::Set { .. })
        };
        for side in [left, right] {
            if is_open(side) { self.pattern(side)? } else { self.weighed(side)? }
        }
        if is_open(left) && is_open(right) {
            self.weigh_later([left, right], statement);
        }
        Ok(())
    }

    fn weigh_later(&mut self, sides: [&Expr; 2], statement: &LiteralStmt) {
        let negated = matches!(statement.literal, Literal::NotExpr { .. });
        for side in sides {
            let Expr::Var { span, .. } = side else { continue };
            let is_rule = self.globals.contains(span.text());
            if negated || (is_rule && !statement.with_mods.is_empty()) {
                // A name that has its value already.
                self.edits.call(self.shape.range(span), WEIGHED);
            } else if span.text() != "_" {
                self.edits.statement_after(self.shape.range(&statement.span).1, &format!("{SEEN}({})", span.text()));
            }
        }
    }

    /// A value whose size matters to what is done with it.
    fn weighed(&mut self, expr: &Expr) -> Result<(), RegoError> {
        self.value(expr)?;
        if matches!(expr, Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } | Expr::Call { .. }) {
            self.edits.call(self.extent(expr), WEIGHED);
        }
        Ok(())
    }

    /// An expression that has its value from elsewhere; where it is put together of parts, it is weighed.
    fn value(&mut self, expr: &Expr) -> Result<(), RegoError> {
        match expr {
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                items.iter().try_for_each(|item| self.value(item))?;
                self.built(expr);
            }
            Expr::Object { fields, .. } => {
                fields.iter().flat_map(|(_, name, value)| [name, value]).try_for_each(|part| self.value(part))?;
                self.built(expr);
            }
            Expr::ArithExpr { lhs, rhs, .. } | Expr::BinExpr { lhs, rhs, .. } => {
                self.value(lhs)?;
                self.value(rhs)?;
                self.edits.call(self.extent(expr), WEIGHED);
            }
            Expr::BoolExpr { lhs, rhs, .. } => self.compared(lhs, rhs)?,
            Expr::Membership { key, value, collection, .. } => {
                key.iter().chain([value]).try_for_each(|part| self.pattern(part))?;
                self.weighed(collection)?;
                self.undefined_with(expr, collection);
            }
            Expr::UnaryExpr { expr, .. } => self.value(expr)?,
            _ => self.reference(expr)?,
        }
        Ok(())
    }

    /// Nothing is in a collection that is undefined: not even that nothing is in it.
    fn undefined_with(&mut self, membership: &Expr, collection: &Expr) {
        if matches!(collection, Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. }) {
            let (start, end) = self.shape.range(collection.span());
            let again = format!("), {}][0]", &self.shape.text[start..end]);
            self.edits.enclose(self.extent(membership), "[(".to_owned(), again);
        }
    }

    fn compared(&mut self, left: &Expr, right: &Expr) -> Result<(), RegoError> {
        if is_scalar(right) {
            self.value(left)?
        } else {
            self.weighed(left)?
        }
        self.value(right)
    }

    fn reference(&mut self, expr: &Expr) -> Result<(), RegoError> {
        match expr {
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.comprehension(expr, &[term], query)
            }
            Expr::ObjectCompr { key, value, query, .. } => self.comprehension(expr, &[key, value], query),
            Expr::Call { fcn, params, .. } => {
                let wanted = self.call(fcn, params.len())?;
                let (params, given_back) = params.split_at(wanted);
                params.iter().try_for_each(|param| self.value(param))?;
                given_back.iter().try_for_each(|param| self.pattern(param))
            }
            Expr::RefDot { refr, .. } => self.value(refr),
            Expr::RefBrack { refr, index, .. } => {
                self.value(refr)?;
                self.pattern(index)
            }
            _ => Ok(()),
        }
    }

    fn comprehension(&mut self, expr: &Expr, terms: &[&Expr], query: &Query) -> Result<(), RegoError> {
        terms.iter().try_for_each(|term| self.weighed(term))?;
        self.query(query)?;
        self.edits.call(self.extent(expr), WEIGHED);
        Ok(())
    }

    /// An expression that may give names their values.
    fn pattern(&mut self, expr: &Expr) -> Result<(), RegoError> {
        match expr {
            Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().try_for_each(|item| self.pattern(item)),
            Expr::Object { fields, .. } => {
                fields.iter().flat_map(|(_, name, value)| [name, value]).try_for_each(|part| self.pattern(part))
            }
            Expr::Var { span, .. } => {
                self.iterated_name(span);
                Ok(())
            }
            _ => self.value(expr),
        }
    }

    /// Within `every`, its names have their values. The evaluator would give them others where they may get some.
    fn iterated_name(&mut self, name: &Span) {
        if self.iterated.iter().any(|iterated| iterated == name.text()) {
            self.edits.call(self.shape.range(name), WEIGHED);
        }
    }

    /// A table of constants has the size of its text.
    fn built(&mut self, expr: &Expr) {
        if !is_constant(expr) {
            self.edits.call(self.extent(expr), WEIGHED);
        }
    }

    /// Where an expression is. Of an object the tree knows for sure only where it ends.
    fn extent(&self, expr: &Expr) -> Range {
        let (start, end) = self.shape.range(expr.span());
        match expr {
            Expr::Object { .. } => (self.shape.brackets.get(&(end - 1)).copied().unwrap_or(start), end),
            _ => (start, end),
        }
    }

    /// The number of arguments of a function that may be called.
    fn call(&mut self, function: &Expr, found: usize) -> Result<usize, RegoError> {
        let (line, column) = place(function);
        let name = path(function).unwrap_or_default();
        let own = name.strip_prefix(&self.package).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&name).to_owned();
        let (wanted, most) = if let Some(arguments) = self.defined.get(&own) {
            self.calls.entry(self.current.clone()).or_default().insert(own.clone());
            (*arguments, arguments + 1)
        } else {
            self.not_impure(function)?;
            functions::arguments(&name).ok_or(RegoError::Unknown { line, column, function: name.clone() })?
        };
        if !(wanted..=most).contains(&found) {
            return Err(RegoError::Arguments { line, column, function: name, wanted, found });
        }
        Ok(wanted)
    }

    fn not_impure(&self, function: &Expr) -> Result<(), RegoError> {
        match path(function).filter(|name| functions::is_impure(name)) {
            None => Ok(()),
            Some(function_name) => {
                let (line, column) = place(function);
                Err(RegoError::Impure { line, column, function: function_name })
            }
        }
    }

    /// The words of the newer version are words of the older one where they are imported.
    fn keywords(&self, rule: &Rule, head: &RuleHead, bodies: &[RuleBody]) -> Result<(), RegoError> {
        let mut from = rule.span().start as usize;
        for body in bodies {
            let to = body.query.span.start as usize;
            self.keyword_between("if", from, to)?;
            from = body.query.span.end as usize;
        }
        match head {
            RuleHead::Set { refr, key: Some(key), .. } => {
                self.keyword_between("contains", refr.span().end as usize, key.span().start as usize)
            }
            _ => Ok(()),
        }
    }

    fn keyword_between(&self, keyword: &'static str, from: usize, to: usize) -> Result<(), RegoError> {
        let all = ["rego.v1".to_owned(), "future.keywords".to_owned(), format!("future.keywords.{keyword}")];
        let imports = |import: &Import| path(&import.refr).is_some_and(|path| all.contains(&path));
        let found = self.shape.keywords.iter().find(|word| word.0 == keyword && (from..to).contains(&word.1));
        match found {
            Some((_, at)) if !self.module.imports.iter().any(imports) => {
                let (line, column) = self.shape.place(*at);
                Err(RegoError::Keyword { line, column, keyword })
            }
            _ => Ok(()),
        }
    }

    fn no_recursion(&self) -> Result<(), RegoError> {
        let empty = BTreeSet::new();
        for rule in self.module.policy.iter().filter(|rule| defined_function(rule).is_some()) {
            let name = head_name(rule);
            let mut reached = BTreeSet::new();
            let mut open = vec![&name];
            while let Some(caller) = open.pop() {
                open.extend(self.calls.get(caller).unwrap_or(&empty).iter().filter(|callee| reached.insert(*callee)));
            }
            if reached.contains(&name) {
                let Span { line, col: column, .. } = *rule.span();
                return Err(RegoError::Recursion { line, column, function: name });
            }
        }
        Ok(())
    }
}

fn globals(module: &Module) -> BTreeSet<String> {
    let first = |path: String| path.split('.').next().unwrap_or_default().to_owned();
    let rules = module.policy.iter().map(|rule| first(head_name(rule)));
    let imports = module.imports.iter().filter_map(|import| match &import.r#as {
        Some(name) => Some(name.text().to_owned()),
        None => path(&import.refr)?.rsplit('.').next().map(str::to_owned),
    });
    rules.chain(imports).chain(["input", "data"].map(str::to_owned)).collect()
}

fn argument_names(head: &RuleHead) -> BTreeSet<String> {
    let mut found = Vec::new();
    if let RuleHead::Func { args, .. } = head {
        args.iter().for_each(|arg| names(arg, &mut found));
    }
    found.into_iter().map(|name| name.text().to_owned()).collect()
}

const MOST_STATEMENTS: usize = 256;
