//! Expressions for identities that let in more than they seem to.

use regex_syntax::{
    ast::{Ast, parse::Parser},
    hir::Look,
};

use super::{
    Desk,
    objects::Kind,
    rules::{ANYBODY, UNANCHORED, UNESCAPED_DOT},
};
use crate::{
    object::{Object, Text},
    problem::excerpt,
};

/// Looks at one entry of `identities`.
pub(super) fn look(desk: Desk<'_>, identity: &Object<'_>, kind: Kind) {
    for (name, whose) in [("issuerRegExp", "issuer"), ("subjectRegExp", "subject")] {
        if let Some(text) = identity.text(name) {
            expression(desk, &text, whose, kind);
        }
    }
}

fn expression(desk: Desk<'_>, text: &Text<'_>, whose: &str, kind: Kind) {
    let shown = excerpt(text.value);
    if matches_everything(text.value) {
        let message = format!("`{shown}` matches every {whose}");
        desk.note(&ANYBODY, text.at, message, format_args!("write the {whose} that is expected"));
        return;
    }
    // Those of an ImagePolicy match from end to end.
    if kind != Kind::ImagePolicy && !is_anchored(text.value) {
        let message = format!("`{shown}` matches every {whose} that it is found in");
        desk.note(&UNANCHORED, text.at, message, "write ^ in front and $ behind, or the whole text without RegExp");
    }
    if let Some(part) = loose_dot(text.value) {
        let message = format!("the dot in `{}` stands for any character", excerpt(&part));
        desk.note(&UNESCAPED_DOT, text.at, message, format_args!("write `{}`", excerpt(&part.replace('.', r"\."))));
    }
}

fn matches_everything(expression: &str) -> bool {
    let inner = expression.trim_start_matches('^').trim_end_matches('$');
    matches!(inner, "" | ".*" | ".+" | ".*?" | ".+?" | "(.*)" | "(.+)")
}

/// Whether every match starts where the text starts and ends where it ends.
fn is_anchored(expression: &str) -> bool {
    regex_syntax::parse(expression).is_ok_and(|expression| {
        let properties = expression.properties();
        properties.look_set_prefix().contains(Look::Start) && properties.look_set_suffix().contains(Look::End)
    })
}

/// A bare dot between two letters or digits, with the words around it, as in a host's name.
fn loose_dot(expression: &str) -> Option<String> {
    let ast = Parser::new().parse(expression).ok()?;
    let mut groups = vec![&ast];
    while let Some(ast) = groups.pop() {
        match ast {
            Ast::Concat(concat) => {
                let at = concat.asts.windows(3).position(|three| match three {
                    [before, Ast::Dot(_), after] => is_word(before) && is_word(after),
                    _ => false,
                });
                if let Some(at) = at {
                    return Some(words_around(&concat.asts, at + 1));
                }
                groups.extend(&concat.asts);
            }
            Ast::Alternation(either) => groups.extend(&either.asts),
            Ast::Group(group) => groups.push(&group.ast),
            Ast::Repetition(repeated) => groups.push(&repeated.ast),
            _ => {}
        }
    }
    None
}

fn is_word(ast: &Ast) -> bool {
    matches!(ast, Ast::Literal(literal) if literal.c.is_alphanumeric())
}

fn words_around(asts: &[Ast], dot: usize) -> String {
    let letter = |ast: &Ast| match ast {
        Ast::Literal(literal) if literal.c.is_alphanumeric() || literal.c == '-' => Some(literal.c),
        _ => None,
    };
    let before: Vec<char> = asts[..dot].iter().rev().map_while(letter).collect();
    let after = asts[dot + 1..].iter().map_while(letter);
    before.into_iter().rev().chain(['.']).chain(after).collect()
}
