//! Gives every name its meaning: a field, a `let` or an alias of an enclosing scope, a package's function, a type.
//! What nothing declares, what nothing uses and what is declared twice are errors, as they are in CUE.

use std::collections::{BTreeMap, BTreeSet};

use crate::builtin::{self, Member};
use crate::error::Problem;
use crate::limits::MAX_LETS;
use crate::parse::{File, Import};
use crate::scan::At;
use crate::syntax::{
    Binary, Clause, Comprehension, Declaration, Element, Expr, Kind, Label, List, Name, Piece, Place, Struct, Target,
    Type,
};

/// Resolves a whole file.
pub(crate) fn resolve(file: File) -> Result<Struct, At> {
    let File { imports, mut body } = file;
    let mut resolver = Resolver { imports, used_imports: BTreeSet::new(), scopes: Vec::new(), lets: Lets::default() };
    resolver.structure(&mut body)?;
    for (name, import) in &resolver.imports {
        if !resolver.used_imports.contains(name) {
            return Err((Problem::Unused(name.clone()), import.place));
        }
    }
    resolver.lets.refuse_cycles()?;
    Ok(body)
}

struct Resolver {
    imports: BTreeMap<String, Import>,
    used_imports: BTreeSet<String>,
    scopes: Vec<Scope>,
    lets: Lets,
}

#[derive(Default)]
struct Scope {
    names: BTreeMap<String, Declared>,
}

struct Declared {
    meaning: Meaning,
    /// Whether CUE counts it among aliases, which must be used and unique.
    alias: bool,
    used: bool,
    must_be_used: bool,
    place: Place,
}

#[derive(Clone)]
enum Meaning {
    Field(Label),
    /// Its position in the struct and its number in the whole policy.
    Let(usize, usize),
    LoopKey,
    LoopValue,
    Whole,
    Label,
}

impl Resolver {
    fn structure(&mut self, body: &mut Struct) -> Result<(), At> {
        self.scopes.push(Scope::default());
        self.declare_all(body)?;
        for (position, clause) in body.lets.iter_mut().enumerate() {
            let number = self.number_of_let(&clause.name, position);
            self.lets.open.push(number);
            self.expr(&mut clause.value)?;
            self.lets.open.pop();
        }
        for declaration in &mut body.declarations {
            self.declaration(declaration)?;
        }
        self.close_scope()
    }

    fn declare_all(&mut self, body: &Struct) -> Result<(), At> {
        for declaration in &body.declarations {
            let Declaration::Field(field) = declaration else { continue };
            if let Some(alias) = &field.alias {
                self.declare(alias, Meaning::Field(field.label.clone()), true, true, field.place)?;
            }
            if let (true, Some(name)) = (field.named, written(&field.label)) {
                self.declare(name, Meaning::Field(field.label.clone()), false, false, field.place)?;
            }
        }
        for (position, clause) in body.lets.iter().enumerate() {
            let number = self.lets.new_let(clause.place)?;
            self.declare(&clause.name, Meaning::Let(position, number), true, true, clause.place)?;
        }
        Ok(())
    }

    fn number_of_let(&self, name: &str, position: usize) -> usize {
        match self.scopes.last().and_then(|scope| scope.names.get(name)).map(|declared| &declared.meaning) {
            Some(Meaning::Let(_, number)) => *number,
            _ => position,
        }
    }

    fn declare(&mut self, name: &str, meaning: Meaning, alias: bool, must: bool, place: Place) -> Result<(), At> {
        let last = self.scopes.len() - 1;
        if name == "_" && alias {
            return Err((Problem::Unsupported("`_` as an alias".to_owned()), place));
        }
        if alias && name.starts_with('#') {
            return Err((Problem::Unsupported(format!("the alias `{name}`")), place));
        }
        if name == "_" {
            return Ok(());
        }
        if self.imports.contains_key(name) {
            return Err((Problem::Redeclared(name.to_owned()), place));
        }
        let existing = self.scopes.iter().enumerate().rev().find_map(|(at, scope)| Some((at, scope.names.get(name)?)));
        if let Some((at, existing)) = existing
            && (existing.alias != alias || (alias && at == last))
        {
            return Err((Problem::Redeclared(name.to_owned()), place));
        }
        let declared = Declared { meaning, alias, used: false, must_be_used: must, place };
        self.scopes[last].names.insert(name.to_owned(), declared);
        Ok(())
    }

    fn close_scope(&mut self) -> Result<(), At> {
        let scope = self.scopes.pop().unwrap_or_default();
        for (name, declared) in scope.names {
            if declared.must_be_used && !declared.used {
                return Err((Problem::Unused(name), declared.place));
            }
        }
        Ok(())
    }

    fn declaration(&mut self, declaration: &mut Declaration) -> Result<(), At> {
        match declaration {
            Declaration::Field(field) => self.expr(&mut field.value),
            Declaration::Dynamic { label, value, .. } => {
                self.expr(label)?;
                self.expr(value)
            }
            Declaration::Pattern { place, alias, label, value } => {
                let Some(alias) = alias else {
                    self.expr(label)?;
                    return self.expr(value);
                };
                self.expr(label)?;
                self.within(alias, Meaning::Label, true, false, *place, |resolver| resolver.expr(value))
            }
            Declaration::Embedded(value) => self.expr(value),
            Declaration::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    /// Resolves what lies in a scope of one name.
    fn within(
        &mut self,
        name: &str,
        meaning: Meaning,
        alias: bool,
        must: bool,
        place: Place,
        inner: impl FnOnce(&mut Self) -> Result<(), At>,
    ) -> Result<(), At> {
        self.scopes.push(Scope::default());
        self.declare(name, meaning, alias, must, place)?;
        inner(self)?;
        self.close_scope()
    }

    fn comprehension(&mut self, comprehension: &mut Comprehension) -> Result<(), At> {
        let mut opened = 0;
        if let Some(Clause::Let { place, .. }) = comprehension.clauses.first() {
            return Err((Problem::Unsupported("a comprehension that begins with `let`".to_owned()), *place));
        }
        for clause in &mut comprehension.clauses {
            match clause {
                Clause::If(condition) => self.expr(condition)?,
                Clause::For { place, key, value, source } => {
                    self.expr(source)?;
                    self.scopes.push(Scope::default());
                    opened += 1;
                    if let Some(key) = key {
                        self.declare(key, Meaning::LoopKey, false, false, *place)?;
                    }
                    if key.as_ref() == Some(value) && value != "_" {
                        return Err((Problem::Redeclared(value.clone()), *place));
                    }
                    self.declare(value, Meaning::LoopValue, false, false, *place)?;
                }
                Clause::Let { place, name, value } => {
                    self.expr(value)?;
                    self.scopes.push(Scope::default());
                    opened += 1;
                    self.declare(name, Meaning::Whole, true, false, *place)?;
                }
            }
        }
        self.expr(&mut comprehension.body)?;
        for _ in 0..opened {
            self.close_scope()?;
        }
        Ok(())
    }

    fn expr(&mut self, expr: &mut Expr) -> Result<(), At> {
        let place = expr.place;
        match &mut expr.kind {
            Kind::Unresolved(name) => {
                let name = std::mem::take(name);
                expr.kind = self.name(&name, place)?;
                Ok(())
            }
            Kind::UnresolvedCall(..) => self.call(expr),
            Kind::Select(base, label) => {
                if let Some(member) = self.member_of_package(base, label)? {
                    expr.kind = constant(member, place)?;
                    return Ok(());
                }
                self.expr(base)
            }
            Kind::Interpolation(pieces, _) => pieces.iter_mut().try_for_each(|piece| match piece {
                Piece::Text(_) => Ok(()),
                Piece::Value(value) => self.expr(value),
            }),
            Kind::Struct(body) => self.structure(body),
            Kind::List(list) => self.list(list),
            Kind::Index(base, index) => {
                self.expr(base)?;
                self.expr(index)
            }
            Kind::Slice(base, low, high) => {
                self.expr(base)?;
                low.iter_mut().chain(high).try_for_each(|bound| self.expr(bound))
            }
            Kind::Unary(_, value) => {
                self.expr(value)?;
                require_value(value)
            }
            Kind::Bound(_, value) => {
                self.expr(value)?;
                require_value(value)
            }
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right),
            Kind::And(left, right) => {
                self.expr(left)?;
                self.expr(right)
            }
            Kind::Or(alternatives) => alternatives.iter_mut().try_for_each(|(_, value)| self.expr(value)),
            Kind::Aliased(name, value) => {
                let name = name.clone();
                self.within(&name, Meaning::Whole, true, true, place, |resolver| resolver.expr(value))
            }
            Kind::Call(_, arguments) => arguments.iter_mut().try_for_each(|argument| self.expr(argument)),
            Kind::Bottom | Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Bytes(_) => Ok(()),
            Kind::Type(_) | Kind::Name(_) => Ok(()),
        }
    }

    fn binary(&mut self, operator: Binary, left: &mut Expr, right: &mut Expr) -> Result<(), At> {
        self.expr(left)?;
        self.expr(right)?;
        let both_bottom = matches!(left.kind, Kind::Bottom) && matches!(right.kind, Kind::Bottom);
        if both_bottom || (matches!(left.kind, Kind::Bottom) && !matches!(operator, Binary::Compare(_))) {
            return Err((Problem::Unsupported("computing with `_|_`".to_owned()), left.place));
        }
        require_value(left)?;
        require_value(right)
    }

    fn list(&mut self, list: &mut List) -> Result<(), At> {
        for element in &mut list.elements {
            match element {
                Element::Value(value) => self.expr(value)?,
                Element::Comprehension(comprehension) => self.comprehension(comprehension)?,
            }
        }
        match &mut list.rest {
            Some(Some(rest)) => self.expr(rest),
            _ => Ok(()),
        }
    }

    fn call(&mut self, expr: &mut Expr) -> Result<(), At> {
        let place = expr.place;
        let Kind::UnresolvedCall(callee, arguments) = &mut expr.kind else { return Ok(()) };
        let arguments = std::mem::take(arguments);
        let member = match &mut callee.kind {
            Kind::Unresolved(name) if self.find(name).is_none() => builtin::global(name),
            Kind::Select(base, label) => {
                let (base, label) = (base.as_mut(), label.clone());
                self.member_of_package(base, &label)?
            }
            _ => None,
        };
        let function = match member {
            Some(Member::Function(function)) => function,
            _ => return Err((Problem::Unsupported("calling what is no known function".to_owned()), callee.place)),
        };
        if !function.takes(arguments.len()) {
            return Err((Problem::Unsupported(format!("`{function}` with {} arguments", arguments.len())), place));
        }
        expr.kind = Kind::Call(function, arguments);
        self.expr(expr)
    }

    /// What `package.label` is, where the base names an imported package.
    fn member_of_package(&mut self, base: &mut Expr, label: &Label) -> Result<Option<Member>, At> {
        let Kind::Unresolved(name) = &base.kind else { return Ok(None) };
        if self.find(name).is_some() {
            return Ok(None);
        }
        let Some(import) = self.imports.get(name) else { return Ok(None) };
        self.used_imports.insert(name.clone());
        let label = match label {
            Label::Text(label) => label.as_ref(),
            _ => "_",
        };
        let known = builtin::member(&import.package, label);
        known.map(Some).ok_or_else(|| (Problem::Unsupported(format!("`{}.{label}`", import.package)), base.place))
    }

    fn name(&mut self, name: &str, place: Place) -> Result<Kind, At> {
        if name == "_" {
            return Ok(Kind::Type(Type::Top));
        }
        if let Some((up, at)) = self.find(name) {
            let declared = self.scopes[at].names.get_mut(name).expect("the name was found in this scope");
            declared.used = true;
            let target = match declared.meaning.clone() {
                Meaning::Field(label) => Target::Field(label),
                Meaning::Let(position, number) => {
                    self.lets.refer_to(number);
                    Target::Let(position)
                }
                Meaning::LoopKey => Target::LoopKey,
                Meaning::LoopValue => Target::LoopValue,
                Meaning::Whole => Target::Whole,
                Meaning::Label => Target::Label,
            };
            return Ok(Kind::Name(Name { up, target }));
        }
        if self.imports.contains_key(name) {
            return Err((Problem::Unsupported(format!("the package `{name}` as a value")), place));
        }
        if let Some(named) = builtin::named_type(name) {
            return Ok(Kind::Type(named));
        }
        if builtin::global(name).is_some() || matches!(name, "matchN" | "matchIf" | "error") {
            return Err((Problem::Unsupported(format!("`{name}` without a call")), place));
        }
        Err((Problem::Unresolved(name.to_owned()), place))
    }

    /// How many scopes out the name is declared, and that scope's position.
    fn find(&self, name: &str) -> Option<(usize, usize)> {
        let at = self.scopes.iter().rposition(|scope| scope.names.contains_key(name))?;
        Some((self.scopes.len() - 1 - at, at))
    }
}

/// Which `let` needs which.
#[derive(Default)]
struct Lets {
    places: Vec<Place>,
    needs: Vec<BTreeSet<usize>>,
    open: Vec<usize>,
}

impl Lets {
    fn new_let(&mut self, place: Place) -> Result<usize, At> {
        if self.places.len() == MAX_LETS {
            return Err((Problem::TooLarge { what: "`let` clauses", limit: MAX_LETS }, place));
        }
        self.places.push(place);
        self.needs.push(BTreeSet::new());
        Ok(self.places.len() - 1)
    }

    fn refer_to(&mut self, number: usize) {
        for open in &self.open {
            self.needs[*open].insert(number);
        }
    }

    fn refuse_cycles(&self) -> Result<(), At> {
        for start in 0..self.places.len() {
            let mut reached = BTreeSet::new();
            let mut waiting: Vec<usize> = self.needs[start].iter().copied().collect();
            while let Some(next) = waiting.pop() {
                if next == start {
                    return Err((Problem::Unsupported("a `let` that needs itself".to_owned()), self.places[start]));
                }
                if reached.insert(next) {
                    waiting.extend(self.needs[next].iter().copied());
                }
            }
        }
        Ok(())
    }
}

fn constant(member: Member, place: Place) -> Result<Kind, At> {
    match member {
        Member::Text(text) => Ok(Kind::String(text.into())),
        Member::Function(function) if function.takes(0) => Ok(Kind::Call(function, Vec::new())),
        Member::Function(function) => Err((Problem::Unsupported(format!("`{function}` without a call")), place)),
    }
}

/// A type has no value to compute with; CUE refuses it before it looks at data.
fn require_value(operand: &Expr) -> Result<(), At> {
    match operand.kind {
        Kind::Type(_) => Err((Problem::Unsupported("computing with a type".to_owned()), operand.place)),
        _ => Ok(()),
    }
}

fn written(label: &Label) -> Option<&str> {
    match label {
        Label::Text(name) | Label::Hidden(name) | Label::Definition(name) | Label::HiddenDefinition(name) => Some(name),
        Label::Position(_) => None,
    }
}
