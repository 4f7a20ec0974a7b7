//! Declarations: fields with all their kinds of label, `let`, embedded values, comprehensions.

use std::rc::Rc;

use super::Parser;
use crate::error::Problem;
use crate::limits::MAX_CLAUSES;
use crate::scan::{At, TokenKind, unexpected};
use crate::syntax::{Clause, Comprehension, Declaration, Expr, Field, Kind, Label, Let, Place, Presence, Struct};

impl Parser {
    /// Declarations up to a closing brace or the end.
    pub(super) fn declarations(&mut self) -> Result<Struct, At> {
        let mut found = Struct::default();
        while !self.is("}") && *self.kind() != TokenKind::End {
            if self.skip_attributes() {
                self.end_of_declaration()?;
            } else {
                self.declaration(&mut found)?;
            }
        }
        Ok(found)
    }

    fn declaration(&mut self, found: &mut Struct) -> Result<(), At> {
        if self.is("...") {
            self.next();
            if !matches!(self.kind(), TokenKind::Comma(_) | TokenKind::End | TokenKind::Sign("}")) {
                return Err((Problem::Unsupported("`...` with a type in a struct".to_owned()), self.place()));
            }
            found.open = true;
            return self.end_of_declaration();
        }
        if self.is_word("let") && matches!(self.ahead(1), TokenKind::Identifier(_)) && self.is_ahead(2, "=") {
            let clause = self.let_clause()?;
            found.lets.push(clause);
            return self.end_of_declaration();
        }
        let declaration = match self.comprehension()? {
            Some(comprehension) => Declaration::Comprehension(comprehension),
            None => self.field_or_embedded()?,
        };
        if matches!(declaration, Declaration::Field(_) | Declaration::Dynamic { .. } | Declaration::Pattern { .. }) {
            self.skip_attributes();
        }
        found.declarations.push(declaration);
        self.end_of_declaration()
    }

    fn skip_attributes(&mut self) -> bool {
        let start = self.at;
        while *self.kind() == TokenKind::Attribute {
            self.next();
        }
        self.at > start
    }

    fn let_clause(&mut self) -> Result<Let, At> {
        self.next();
        let (name, place) = self.identifier()?;
        self.expect("=")?;
        let value = self.expression()?;
        Ok(Let { name, place, value })
    }

    /// A comprehension, if one begins here.
    pub(super) fn comprehension(&mut self) -> Result<Option<Comprehension>, At> {
        let begins = (self.is_word("for") || self.is_word("if")) && !self.is_label_ahead();
        if !begins {
            return Ok(None);
        }
        self.nested(|parser| {
            let mut clauses = Vec::new();
            while !parser.is("{") {
                if clauses.len() == MAX_CLAUSES {
                    return Err((Problem::TooLarge { what: "clauses", limit: MAX_CLAUSES }, parser.place()));
                }
                clauses.push(parser.clause()?);
                // a comma may stand between clauses, but not before the body
                if matches!(parser.kind(), TokenKind::Comma(true)) {
                    return Err((Problem::Unsupported("a comma between clauses".to_owned()), parser.place()));
                }
                parser.skip_newline_before_clause();
            }
            let body = parser.structure()?;
            Ok(Some(Comprehension { clauses, body }))
        })
    }

    fn skip_newline_before_clause(&mut self) {
        let clause_follows =
            matches!(self.ahead(1), TokenKind::Identifier(word) if matches!(word.as_str(), "for" | "if" | "let"));
        if clause_follows {
            self.skip_newline();
        }
    }

    fn clause(&mut self) -> Result<Clause, At> {
        if self.is_word("if") {
            self.next();
            return Ok(Clause::If(self.expression()?));
        }
        if self.is_word("let") {
            let Let { name, place, value } = self.let_clause()?;
            return Ok(Clause::Let { place, name, value });
        }
        if matches!(self.kind(), TokenKind::Comma(false)) {
            return Err((Problem::Unsupported("a new line inside a comprehension".to_owned()), self.place()));
        }
        if !self.is_word("for") {
            return Err((unexpected(&self.described(), "`for`, `if`, `let` or `{`"), self.place()));
        }
        self.next();
        let (first, place) = self.identifier()?;
        let (key, value) = if matches!(self.kind(), TokenKind::Comma(true)) {
            self.next();
            (Some(first), self.identifier()?.0)
        } else {
            (None, first)
        };
        if !self.is_word("in") {
            return Err((unexpected(&self.described(), "`in`"), self.place()));
        }
        self.next();
        Ok(Clause::For { place, key, value, source: self.expression()? })
    }

    fn field_or_embedded(&mut self) -> Result<Declaration, At> {
        match self.field()? {
            Some(field) => Ok(field),
            None => Ok(Declaration::Embedded(self.expression()?)),
        }
    }

    /// A field, if one begins here: whether it does shows only at its colon.
    fn field(&mut self) -> Result<Option<Declaration>, At> {
        let (start, place) = (self.at, self.place());
        let Some(label) = self.label()? else { return Ok(None) };
        let presence = match self.kind() {
            TokenKind::Sign("?") => Presence::Optional,
            TokenKind::Sign("!") => Presence::Required,
            _ => Presence::Member,
        };
        if presence != Presence::Member {
            self.next();
        }
        if self.is("~") {
            return Err((Problem::Unsupported("an alias after a label".to_owned()), self.place()));
        }
        if !self.take(":") {
            self.at = start;
            return Ok(None);
        }
        let value = self.nested(Self::field_value)?;
        Ok(Some(label.declare(place, presence, value)?))
    }

    /// What stands after the colon: a value, or another field as a struct of one.
    fn field_value(&mut self) -> Result<Expr, At> {
        let place = self.place();
        if let Some(field) = self.field()? {
            let body = Struct { declarations: vec![field], ..Struct::default() };
            return Ok(Expr { place, kind: Kind::Struct(body) });
        }
        if matches!(self.kind(), TokenKind::Identifier(_)) && self.is_ahead(1, "=") {
            let (name, place) = self.identifier()?;
            self.next();
            let value = self.expression()?;
            return Ok(Expr { place, kind: Kind::Aliased(name, Box::new(value)) });
        }
        self.expression()
    }

    /// What may be a label; `None` where it surely is none.
    fn label(&mut self) -> Result<Option<WrittenLabel>, At> {
        let start = self.at;
        let mut alias = None;
        if matches!(self.kind(), TokenKind::Identifier(_)) && self.is_ahead(1, "=") {
            alias = Some(self.identifier()?.0);
            self.next();
        }
        let form = match self.kind().clone() {
            TokenKind::Identifier(name) => {
                self.next();
                Form::Plain(named_label(&name), true)
            }
            TokenKind::Text(text, false) => {
                self.next();
                let text = String::from_utf8(text).expect("a text was checked to be UTF-8");
                Form::Plain(Some(Label::Text(Rc::from(text))), false)
            }
            TokenKind::Interpolation(_, false) if self.is_label_ahead() => Form::Dynamic(self.operand()?),
            TokenKind::Sign("(") if self.bracket_is_label() => Form::Dynamic(self.operand()?),
            TokenKind::Sign("[") if self.bracket_is_label() => {
                self.next();
                self.skip_newline();
                let inner = matches!(self.kind(), TokenKind::Identifier(_)) && self.is_ahead(1, "=");
                let alias = if inner { Some(self.identifier()?.0) } else { None };
                if inner {
                    self.next();
                }
                let pattern = self.expression()?;
                self.expect("]")?;
                Form::Pattern(pattern, alias)
            }
            _ => {
                self.at = start;
                return Ok(None);
            }
        };
        Ok(Some(WrittenLabel { alias, form }))
    }

    /// Whether the bracket here closes right before a colon.
    fn bracket_is_label(&self) -> bool {
        let mut depth = 0_usize;
        for (offset, token) in self.tokens[self.at..].iter().enumerate() {
            match token.kind {
                TokenKind::Sign("(" | "[" | "{") => depth += 1,
                TokenKind::Sign(")" | "]" | "}") => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                let after = self.at + offset + 1;
                let sign = |at: usize, sign: &str| matches!(self.tokens.get(at).map(|t| &t.kind), Some(TokenKind::Sign(found)) if *found == sign);
                return sign(after, ":") || ((sign(after, "?") || sign(after, "!")) && sign(after + 1, ":"));
            }
        }
        false
    }
}

struct WrittenLabel {
    alias: Option<String>,
    form: Form,
}

enum Form {
    /// `None` for the label `_`, which no field can have; and whether it is a name.
    Plain(Option<Label>, bool),
    Dynamic(Expr),
    Pattern(Expr, Option<String>),
}

impl WrittenLabel {
    fn declare(self, place: Place, presence: Presence, value: Expr) -> Result<Declaration, At> {
        let refuse = |what: &str| Err((Problem::Unsupported(what.to_owned()), place));
        match self.form {
            Form::Plain(None, _) => refuse("`_` as a label"),
            Form::Plain(Some(label), named) => {
                let alias = self.alias;
                Ok(Declaration::Field(Field { place, label, named, alias, presence, value }))
            }
            Form::Dynamic(_) if self.alias.is_some() => refuse("an alias of a computed label"),
            Form::Dynamic(label) => Ok(Declaration::Dynamic { presence, label, value }),
            Form::Pattern(..) if self.alias.is_some() => refuse("an alias of a pattern"),
            Form::Pattern(..) if presence != Presence::Member => refuse("a pattern that is optional or required"),
            Form::Pattern(label, alias) => Ok(Declaration::Pattern { place, alias, label, value }),
        }
    }
}

/// The label that an identifier is.
pub(super) fn named_label(name: &str) -> Option<Label> {
    let text: Rc<str> = Rc::from(name);
    match name {
        "_" => None,
        _ if name.starts_with("_#") => Some(Label::HiddenDefinition(text)),
        _ if name.starts_with('#') => Some(Label::Definition(text)),
        _ if name.starts_with('_') => Some(Label::Hidden(text)),
        _ => Some(Label::Text(text)),
    }
}
