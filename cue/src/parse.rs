//! Tokens to a tree: the file, and the declarations of structs. Expressions are in `parse/expression.rs`.

mod declaration;
mod expression;

use std::collections::BTreeMap;

use crate::error::Problem;
use crate::limits::{MAX_HEIGHT, MAX_NESTING};
use crate::scan::{At, Token, TokenKind, unexpected};
use crate::syntax::{Place, Struct};

/// A file as it was written: its imports, by the names they have here, and its declarations.
pub(crate) struct File {
    pub(crate) imports: BTreeMap<String, Import>,
    pub(crate) body: Struct,
}

/// An imported package.
pub(crate) struct Import {
    pub(crate) package: String,
    pub(crate) place: Place,
}

/// Parses a whole file.
pub(crate) fn file(tokens: Vec<Token>) -> Result<File, At> {
    let mut parser = Parser::new(tokens, 0);
    parser.refuse_as_label("package")?;
    if parser.is_word("package") {
        parser.next();
        let (name, place) = parser.identifier()?;
        if name.starts_with(['_', '#']) {
            return Err((Problem::Unsupported(format!("the package name `{name}`")), place));
        }
        parser.end_of_declaration()?;
    }
    let imports = parser.imports()?;
    let body = parser.declarations()?;
    parser.expect_end()?;
    Ok(File { imports, body })
}

/// Walks over tokens.
struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// How deep the tree of the expression at hand is so far.
    reached: usize,
}

impl Parser {
    fn new(mut tokens: Vec<Token>, depth: usize) -> Self {
        if tokens.is_empty() {
            tokens.push(Token { place: Place::default(), kind: TokenKind::End });
        }
        Self { tokens, at: 0, depth, reached: depth }
    }

    fn imports(&mut self) -> Result<BTreeMap<String, Import>, At> {
        let mut imports = BTreeMap::new();
        while self.is_word("import") {
            self.refuse_as_label("import")?;
            self.next();
            if self.take("(") {
                while !self.is(")") {
                    self.import(&mut imports)?;
                }
                self.expect(")")?;
                self.end_of_declaration()?;
            } else {
                self.import(&mut imports)?;
            }
        }
        Ok(imports)
    }

    /// What stands where a clause of that name could stand is one, to CUE.
    fn refuse_as_label(&self, word: &str) -> Result<(), At> {
        if self.is_word(word) && self.is_label_ahead() {
            return Err((Problem::Unsupported(format!("a field named `{word}` at the beginning")), self.place()));
        }
        Ok(())
    }

    fn import(&mut self, imports: &mut BTreeMap<String, Import>) -> Result<(), At> {
        let place = self.place();
        let alias = match self.kind() {
            TokenKind::Identifier(name) => Some(name.clone()),
            _ => None,
        };
        if alias.is_some() {
            self.next();
        }
        let TokenKind::Text(path, false) = self.kind().clone() else {
            return Err((unexpected(&self.described(), "an import path"), self.place()));
        };
        self.next();
        let package = String::from_utf8_lossy(&path).into_owned();
        if !crate::builtin::is_package(&package) {
            return Err((Problem::Unsupported(format!("the package `{}`", package.escape_debug())), place));
        }
        let name = alias.unwrap_or_else(|| package.clone());
        if name.starts_with(['_', '#']) {
            return Err((Problem::Unsupported(format!("the import name `{name}`")), place));
        }
        if imports.insert(name.clone(), Import { package, place }).is_some() {
            return Err((Problem::Redeclared(name), place));
        }
        if self.is(")") {
            return Ok(());
        }
        self.end_of_declaration()
    }

    /// Runs a parser one level further in.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, At>) -> Result<T, At> {
        if self.depth >= MAX_NESTING {
            return Err((Problem::TooLarge { what: "levels", limit: MAX_NESTING }, self.place()));
        }
        self.depth += 1;
        let outside = std::mem::replace(&mut self.reached, self.depth);
        let parsed = parse(self);
        self.reached = self.reached.max(outside);
        self.depth -= 1;
        parsed
    }

    /// Counts what was parsed in this expression as one level further down, since it became an operand.
    fn lower(&mut self) -> Result<(), At> {
        self.reached += 1;
        if self.reached > MAX_HEIGHT {
            return Err((Problem::TooLarge { what: "operators on one another", limit: MAX_HEIGHT }, self.place()));
        }
        Ok(())
    }

    fn kind(&self) -> &TokenKind {
        &self.tokens[self.at].kind
    }

    fn ahead(&self, by: usize) -> &TokenKind {
        self.tokens.get(self.at + by).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn place(&self) -> Place {
        self.tokens[self.at].place
    }

    fn next(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.kind(), TokenKind::Sign(found) if *found == sign)
    }

    fn is_ahead(&self, by: usize, sign: &str) -> bool {
        matches!(self.ahead(by), TokenKind::Sign(found) if *found == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.kind(), TokenKind::Identifier(found) if found == word)
    }

    /// Whether the word here is a label: `if: 1` is a field named `if`.
    fn is_label_ahead(&self) -> bool {
        self.is_ahead(1, ":") || ((self.is_ahead(1, "?") || self.is_ahead(1, "!")) && self.is_ahead(2, ":"))
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), At> {
        if self.take(sign) {
            return Ok(());
        }
        if matches!(self.kind(), TokenKind::Comma(false)) {
            return Err((Problem::Unsupported(format!("a new line before `{sign}`")), self.place()));
        }
        Err((unexpected(&self.described(), &format!("`{sign}`")), self.place()))
    }

    fn expect_end(&mut self) -> Result<(), At> {
        match self.kind() {
            TokenKind::End => Ok(()),
            _ => Err((unexpected(&self.described(), "the end"), self.place())),
        }
    }

    fn identifier(&mut self) -> Result<(String, Place), At> {
        let place = self.place();
        let TokenKind::Identifier(name) = self.kind().clone() else {
            return Err((unexpected(&self.described(), "a name"), place));
        };
        if WORDS.contains(&name.as_str()) {
            return Err((Problem::Unsupported(format!("the name `{name}`")), place));
        }
        self.next();
        Ok((name, place))
    }

    /// A comma, or the bracket or end that makes one needless.
    fn end_of_declaration(&mut self) -> Result<(), At> {
        match self.kind() {
            TokenKind::Comma(_) => {
                self.next();
                Ok(())
            }
            TokenKind::End => Ok(()),
            TokenKind::Sign("}") => Ok(()),
            TokenKind::Sign("=") => Err((Problem::Unsupported("an alias here".to_owned()), self.place())),
            _ => Err((unexpected(&self.described(), "a comma or a new line"), self.place())),
        }
    }

    /// Skips the comma that a newline stands for.
    fn skip_newline(&mut self) {
        if matches!(self.kind(), TokenKind::Comma(false)) {
            self.next();
        }
    }

    fn follows_newline(&self) -> bool {
        self.at > 0 && matches!(self.tokens[self.at - 1].kind, TokenKind::Comma(false))
    }

    fn described(&self) -> String {
        match self.kind() {
            TokenKind::Identifier(name) => format!("`{name}`"),
            TokenKind::Number(text) => format!("`{text}`"),
            TokenKind::Text(..) | TokenKind::Interpolation(..) => "a text".to_owned(),
            TokenKind::Sign(sign) => format!("`{sign}`"),
            TokenKind::Comma(true) => "`,`".to_owned(),
            TokenKind::Comma(false) => "a new line".to_owned(),
            TokenKind::Attribute => "an attribute".to_owned(),
            TokenKind::End => "the end".to_owned(),
        }
    }
}

/// Words that name nothing.
const WORDS: &[&str] = &["true", "false", "null", "for", "in", "if", "let", "package", "import"];
