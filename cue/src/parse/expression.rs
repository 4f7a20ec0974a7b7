//! Expressions by precedence: `|`, `&`, `||`, `&&`, comparisons, sums, products, prefixes, operands and what follows them.

use std::rc::Rc;

use super::Parser;
use super::declaration::named_label;
use crate::error::Problem;
use crate::scan::{self, At, TextPart, TokenKind, unexpected};
use crate::syntax::{Binary, Element, Expr, Kind, Label, List, Piece, Place, Relation, Unary};

impl Parser {
    /// An expression, with alternatives and defaults.
    pub(super) fn expression(&mut self) -> Result<Expr, At> {
        self.nested(Self::alternatives)
    }

    fn alternatives(&mut self) -> Result<Expr, At> {
        let place = self.place();
        let mut found = vec![self.alternative()?];
        while self.take("|") {
            found.push(self.alternative()?);
        }
        if found.len() == 1 {
            let (marked, only) = found.remove(0);
            if marked {
                return Err((unexpected("a default mark", "more than one alternative"), place));
            }
            return Ok(only);
        }
        Ok(Expr { place, kind: Kind::Or(found) })
    }

    fn alternative(&mut self) -> Result<(bool, Expr), At> {
        if !self.take("*") {
            return Ok((false, self.binary(0)?));
        }
        // the mark binds as tightly as a sign: `*1 + 2` would mark the 1 alone
        let value = self.prefixed()?;
        if (0..LEVELS.len()).any(|level| self.operator(level).is_some()) {
            return Err((unexpected(&self.described(), "brackets around what a default mark marks"), self.place()));
        }
        Ok((true, value))
    }

    /// Operators that bind at least as tightly as the level.
    fn binary(&mut self, level: usize) -> Result<Expr, At> {
        if level == LEVELS.len() {
            return self.prefixed();
        }
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.operator(level) {
            let place = left.place;
            self.next();
            let right = self.binary(level + 1)?;
            left = Expr { place, kind: combine(operator, left, right)? };
            self.lower()?;
        }
        Ok(left)
    }

    fn operator(&self, level: usize) -> Option<&'static str> {
        let found = match self.kind() {
            TokenKind::Sign(sign) => sign,
            TokenKind::Identifier(word) if !self.is_label_ahead() => word.as_str(),
            _ => return None,
        };
        LEVELS[level].iter().find(|operator| **operator == found).copied()
    }

    fn prefixed(&mut self) -> Result<Expr, At> {
        let place = self.place();
        let TokenKind::Sign(sign) = *self.kind() else { return self.primary() };
        if let Some((_, unary)) = UNARY.iter().find(|(written, _)| *written == sign) {
            self.next();
            let value = self.nested(Self::prefixed)?;
            require_concrete(&value)?;
            return Ok(Expr { place, kind: Kind::Unary(*unary, Box::new(value)) });
        }
        if let Some((_, relation)) = BOUNDS.iter().find(|(written, _)| *written == sign) {
            self.next();
            let value = self.nested(Self::prefixed)?;
            return Ok(Expr { place, kind: Kind::Bound(*relation, Box::new(value)) });
        }
        if matches!(sign, "==" | "*") {
            return Err((Problem::Unsupported(format!("`{sign}` before a value here")), place));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Expr, At> {
        let mut value = self.operand()?;
        loop {
            let place = value.place;
            let kind = if self.take(".") {
                Kind::Select(Box::new(value), self.selector()?)
            } else if self.is("[") {
                self.index(value)?
            } else if self.is("(") {
                Kind::UnresolvedCall(Box::new(value), self.arguments()?)
            } else if self.is("?") && !self.is_ahead(1, ":") {
                return Err((Problem::Unsupported("`?` after a value".to_owned()), self.place()));
            } else if self.is("!") && !self.is_ahead(1, ":") {
                return Err((Problem::Unsupported("`!` after a value".to_owned()), self.place()));
            } else if self.is("...") {
                return Err((Problem::Unsupported("`...` after a value".to_owned()), self.place()));
            } else {
                return Ok(value);
            };
            value = Expr { place, kind };
            self.lower()?;
        }
    }

    fn selector(&mut self) -> Result<Label, At> {
        let place = self.place();
        if self.is_word("_") {
            return Err((Problem::Unsupported("the field `_`".to_owned()), place));
        }
        let label = match self.kind().clone() {
            TokenKind::Identifier(name) => named_label(&name),
            TokenKind::Text(text, false) => Some(Label::Text(Rc::from(String::from_utf8_lossy(&text)))),
            _ => None,
        };
        self.next();
        label.ok_or_else(|| (unexpected("no name", "a field's name"), place))
    }

    fn index(&mut self, value: Expr) -> Result<Kind, At> {
        self.expect("[")?;
        let low = if self.is(":") { None } else { Some(Box::new(self.expression()?)) };
        if self.take(":") {
            let high = if self.is("]") { None } else { Some(Box::new(self.expression()?)) };
            self.expect("]")?;
            return Ok(Kind::Slice(Box::new(value), low, high));
        }
        self.expect("]")?;
        let low = low.ok_or_else(|| (unexpected("`]`", "an index"), self.place()))?;
        Ok(Kind::Index(Box::new(value), low))
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, At> {
        self.expect("(")?;
        let mut found = Vec::new();
        while !self.is(")") {
            found.push(self.expression()?);
            if matches!(self.kind(), TokenKind::Comma(_)) {
                self.comma_between()?;
            } else if !self.is(")") {
                return Err((unexpected(&self.described(), "`,` or `)`"), self.place()));
            }
        }
        self.expect(")")?;
        Ok(found)
    }

    /// A comma; one that a newline stands for can only be the last.
    fn comma_between(&mut self) -> Result<(), At> {
        let place = self.place();
        let written = matches!(self.kind(), TokenKind::Comma(true));
        self.next();
        if written || matches!(self.kind(), TokenKind::Sign(")" | "]")) {
            return Ok(());
        }
        Err((Problem::Unsupported("a new line between values, without a comma".to_owned()), place))
    }

    /// A value that needs no operator.
    pub(super) fn operand(&mut self) -> Result<Expr, At> {
        let place = self.place();
        let kind = match self.kind().clone() {
            TokenKind::Identifier(name) => match name.as_str() {
                "true" => Kind::Bool(true),
                "false" => Kind::Bool(false),
                "null" => Kind::Null,
                // where an operand must stand these words begin nothing
                "func" | "__soft" => return Err((Problem::Unsupported(format!("`{name}`")), place)),
                _ => Kind::Unresolved(name),
            },
            TokenKind::Number(text) => Kind::Number(scan::number(&text)),
            TokenKind::Text(text, true) => Kind::Bytes(Rc::from(text)),
            TokenKind::Text(text, false) => {
                Kind::String(Rc::from(String::from_utf8(text).expect("a text was checked to be UTF-8")))
            }
            TokenKind::Interpolation(parts, bytes) => Kind::Interpolation(self.pieces(parts)?, bytes),
            TokenKind::Sign("_|_") => Kind::Bottom,
            TokenKind::Sign("{") => return self.structure(),
            TokenKind::Sign("[") => return self.list(),
            TokenKind::Sign("(") => {
                self.next();
                let value = self.expression()?;
                self.expect(")")?;
                return Ok(Expr { place, kind: value.kind });
            }
            TokenKind::Sign(":") | TokenKind::Comma(true) if self.follows_newline() => {
                return Err((Problem::Unsupported(format!("a new line before {}", self.described())), place));
            }
            TokenKind::Comma(false) => {
                return Err((Problem::Unsupported("a new line before a value".to_owned()), place));
            }
            _ => return Err((unexpected(&self.described(), "a value"), place)),
        };
        self.next();
        Ok(Expr { place, kind })
    }

    fn pieces(&mut self, parts: Vec<TextPart>) -> Result<Vec<Piece>, At> {
        let depth = self.depth;
        let mut pieces = Vec::with_capacity(parts.len());
        for part in parts {
            pieces.push(match part {
                TextPart::Text(text) => Piece::Text(text),
                TextPart::Tokens(tokens) => {
                    let mut inner = Parser::new(tokens, depth);
                    let value = inner.expression()?;
                    inner.expect_end()?;
                    self.reached = self.reached.max(inner.reached);
                    Piece::Value(value)
                }
            });
        }
        Ok(pieces)
    }

    /// A struct in braces.
    pub(super) fn structure(&mut self) -> Result<Expr, At> {
        let place = self.place();
        self.expect("{")?;
        let body = self.nested(Self::declarations)?;
        self.expect("}")?;
        Ok(Expr { place, kind: Kind::Struct(body) })
    }

    fn list(&mut self) -> Result<Expr, At> {
        let place = self.place();
        self.expect("[")?;
        let mut list = List { elements: Vec::new(), rest: None };
        while !self.is("]") {
            if self.take("...") {
                let bare = matches!(self.kind(), TokenKind::Comma(_) | TokenKind::Sign("]"));
                list.rest = Some(if bare { None } else { Some(Box::new(self.expression()?)) });
                if matches!(self.kind(), TokenKind::Comma(_)) {
                    self.next();
                }
                break;
            }
            if matches!(self.kind(), TokenKind::Identifier(_)) && self.is_ahead(1, "=") {
                return Err((Problem::Unsupported("an alias in a list".to_owned()), self.place()));
            }
            let element = match self.comprehension()? {
                Some(comprehension) => Element::Comprehension(comprehension),
                None => Element::Value(self.expression()?),
            };
            list.elements.push(element);
            if matches!(self.kind(), TokenKind::Comma(_)) {
                self.comma_between()?;
            } else if !self.is("]") {
                return Err((unexpected(&self.described(), "`,` or `]`"), self.place()));
            }
        }
        self.expect("]")?;
        Ok(Expr { place, kind: Kind::List(list) })
    }
}

fn combine(operator: &str, left: Expr, right: Expr) -> Result<Kind, At> {
    let place = left.place;
    let (left, right) = (Box::new(left), Box::new(right));
    let binary = match operator {
        "&" => return Ok(Kind::And(left, right)),
        "+" => Binary::Add,
        "-" => Binary::Subtract,
        "*" => Binary::Multiply,
        "/" => Binary::Divide,
        "quo" => Binary::IntegerQuotient,
        "rem" => Binary::IntegerRemainder,
        "div" => Binary::IntegerDiv,
        "mod" => Binary::IntegerMod,
        "&&" => Binary::And,
        "||" => Binary::Or,
        _ => Binary::Compare(relation(operator, place)?),
    };
    require_concrete(&left)?;
    require_concrete(&right)?;
    Ok(Kind::Binary(binary, left, right))
}

fn relation(operator: &str, place: Place) -> Result<Relation, At> {
    let found = RELATIONS.iter().find(|(written, _)| *written == operator);
    found.map(|(_, relation)| *relation).ok_or_else(|| (unexpected(&format!("`{operator}`"), "an operator"), place))
}

/// An operand that can never have a value is refused where it stands, as CUE does.
fn require_concrete(operand: &Expr) -> Result<(), At> {
    match &operand.kind {
        Kind::Bound(..) => Err((Problem::Unsupported("computing with a bound".to_owned()), operand.place)),
        _ => Ok(()),
    }
}

/// Operators by how tightly they bind, loosest first.
const LEVELS: &[&[&str]] = &[
    &["&"],
    &["||"],
    &["&&"],
    &["==", "!=", "<", "<=", ">", ">=", "=~", "!~"],
    &["+", "-"],
    &["*", "/", "quo", "rem", "div", "mod"],
];

const UNARY: &[(&str, Unary)] = &[("!", Unary::Not), ("+", Unary::Plus), ("-", Unary::Minus)];

const RELATIONS: &[(&str, Relation)] = &[
    ("==", Relation::Equal),
    ("!=", Relation::NotEqual),
    ("<", Relation::Less),
    ("<=", Relation::LessOrEqual),
    (">", Relation::Greater),
    (">=", Relation::GreaterOrEqual),
    ("=~", Relation::Matches),
    ("!~", Relation::MatchesNot),
];

/// All but equality: a value alone says that.
const BOUNDS: &[(&str, Relation)] = RELATIONS.split_at(1).1;
