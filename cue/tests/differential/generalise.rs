//! Policies that some data meet, made from the data by chance, so that a yes is as frequent as a no.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::generate::{self, Chance};

/// A policy and data that most often meet it.
pub(crate) fn pair(chance: &mut Chance) -> (String, String) {
    let mut data = Value::Object(object(chance, 3));
    let mut writer = Writer { chance, definitions: Vec::new(), imports: BTreeSet::new() };
    let body = writer.declarations(data.as_object().expect("it was made as an object"), 0);
    let mut policy: String = writer.imports.iter().map(|name| format!("import \"{name}\"\n")).collect();
    for line in writer.definitions.iter().chain([&body]) {
        policy.push_str(line);
        policy.push('\n');
    }
    for _ in 0..writer.chance.below(3) {
        disturb(writer.chance, &mut data);
    }
    (policy, data.to_string())
}

fn object(chance: &mut Chance, depth: usize) -> Map<String, Value> {
    let mut members = Map::new();
    for _ in 0..1 + chance.below(4) {
        members.insert(chance.one_of(&["a", "b", "c", "d", "e"]).to_owned(), value(chance, depth));
    }
    members
}

fn value(chance: &mut Chance, depth: usize) -> Value {
    match chance.below(if depth == 0 { 6 } else { 10 }) {
        0..=5 => scalar(chance),
        6 | 7 => (0..chance.below(4)).map(|_| value(chance, depth - 1)).collect(),
        _ => Value::Object(object(chance, depth - 1)),
    }
}

fn scalar(chance: &mut Chance) -> Value {
    match chance.below(8) {
        0 => json!(true),
        1 => Value::Null,
        2 => json!(1.5),
        3 => json!(1),
        4 => json!(3),
        5 => json!("x"),
        6 => json!("xy"),
        _ => json!("a"),
    }
}

/// Changes one thing somewhere.
fn disturb(chance: &mut Chance, data: &mut Value) {
    match data {
        Value::Object(members) if !members.is_empty() => {
            let at = chance.below(members.len());
            match chance.below(6) {
                0 => {
                    let name = members.keys().nth(at).cloned().expect("it is in range");
                    members.remove(&name);
                }
                1 => {
                    members.insert(chance.one_of(&["a", "b", "c", "d", "e"]).to_owned(), scalar(chance));
                }
                _ => disturb(chance, members.values_mut().nth(at).expect("it is in range")),
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = chance.below(items.len());
            match chance.below(5) {
                0 => drop(items.remove(at)),
                1 => items.push(scalar(chance)),
                _ => disturb(chance, &mut items[at]),
            }
        }
        other => *other = scalar(chance),
    }
}

struct Writer<'c> {
    chance: &'c mut Chance,
    definitions: Vec<String>,
    imports: BTreeSet<&'static str>,
}

impl Writer<'_> {
    /// Declarations that an object meets.
    fn declarations(&mut self, members: &Map<String, Value>, depth: usize) -> String {
        let mut lines = Vec::new();
        for (name, value) in members {
            let expr = self.expr(value, depth);
            let twin = members.iter().find(|(other, same)| *other != name && *same == value).map(|(other, _)| other);
            match (self.chance.below(16), twin) {
                (0..=3, Some(twin)) => lines.push(format!("{name}: {twin}")),
                (0, None) => lines.push(format!("{name}?: {expr}")),
                (1, None) => lines.push(format!("{name}!: {expr}")),
                (4, _) => lines.push(format!("if {} {{{name}: {expr}}}", self.chance.one_of(&["true", "1 < 2"]))),
                (5, _) => {
                    let again = self.expr(value, depth);
                    lines.push(format!("{name}: {expr}\n{name}: {again}"));
                }
                (6, _) => {}
                (7, _) => lines.push(format!("[=~\"^{name}\"]: {expr}")),
                (8, _) => lines.push(format!("(\"{name}\"): {expr}")),
                (9, _) => {
                    let loose = self.chance.one_of(&["_", "{...}", "[...]", "string", "int", "number"]);
                    lines.push(format!("{name}: {loose}\n{name}: {expr}"));
                }
                (10, _) if !matches!(value, Value::Array(_) | Value::Object(_)) => {
                    lines.push(format!("for v in [{value}] {{{name}: v}}"));
                }
                (11, _) => {
                    let number = self.definitions.len();
                    lines.push(format!("let L{number}x{depth}{name} = {expr}\n{name}: L{number}x{depth}{name}"));
                }
                (12, _) => self.conditional(&mut lines, name, value, &expr),
                _ => lines.push(format!("{name}: {expr}")),
            }
        }
        match self.chance.below(12) {
            0 => lines.push("f?: int".to_owned()),
            1 => lines.push("[string]: _".to_owned()),
            2 => lines.push("...".to_owned()),
            3 => lines.push(format!("_h: {}", self.chance.one_of(&["1", "string", "{a: 1}"]))),
            _ => {}
        }
        lines.join("\n")
    }

    /// A field that says something of another.
    fn conditional(&mut self, lines: &mut Vec<String>, name: &str, value: &Value, expr: &str) {
        lines.push(format!("{name}: {expr}"));
        let condition = match value {
            Value::Number(_) => format!("{name} > 0"),
            Value::String(_) => format!("{name} =~ \"^[a-z]\""),
            Value::Array(items) => format!("len({name}) == {}", items.len()),
            Value::Object(members) => format!("len({name}) >= {}", members.len()),
            Value::Bool(_) => name.to_owned(),
            Value::Null => format!("{name} == null"),
        };
        lines.push(format!("if {condition} {{g?: _\nf?: int}}"));
    }

    /// An expression that the value meets, most often.
    fn expr(&mut self, value: &Value, depth: usize) -> String {
        let plain = match value {
            Value::Object(members) => return self.of_object(members, depth),
            Value::Array(items) => return self.of_array(items, depth),
            Value::Null => self.chance.one_of(&["null", "null", "_"]).to_owned(),
            Value::Bool(value) => self.chance.one_of(&["bool", &value.to_string()]).to_owned(),
            Value::Number(number) => {
                let kind = if number.is_f64() { "float" } else { "int" };
                let exact = number.to_string();
                self.chance.one_of(&[kind, "number", ">0", "<10", ">=1 & <=3", "!=7", &exact, &exact]).to_owned()
            }
            Value::String(text) => match self.chance.below(10) {
                0 => self.call("strings", &format!("HasPrefix(\"{}\")", &text[..1])),
                1 => self.call("strings", &format!("MinRunes({})", text.len())),
                2 => self.call("strings", &format!("MaxRunes({})", text.len())),
                3 => format!("=~\"^{text}$\""),
                4 => format!("\"\\(\"{}\"){}\"", &text[..1], &text[1..]),
                5 => format!("\"{}\" + \"{}\"", &text[..1], &text[1..]),
                6 => self.chance.one_of(&["!~\"^z\"", ">=\"a\"", "<\"z\"", "!=\"z\""]).to_owned(),
                7 => "string".to_owned(),
                _ => format!("{text:?}"),
            },
        };
        self.varied(plain, depth)
    }

    fn call(&mut self, package: &'static str, call: &str) -> String {
        self.imports.insert(package);
        format!("{package}.{call}")
    }

    /// The same expression in one of many disguises.
    fn varied(&mut self, plain: String, depth: usize) -> String {
        if generate::is_no_alternative(&plain) {
            return if depth > 0 { plain } else { self.defined(&plain) };
        }
        let other =
            self.chance.one_of(&["1", "2", "\"x\"", "string", "int", "null", "{a: int}", "[...int]", "{b: 1}", "bool"]);
        match self.chance.below(20) {
            0 => format!("({plain} | {other})"),
            1 => format!("({other} | {plain})"),
            2 => format!("(*{other} | ({plain}))"),
            3 => format!("(*({plain}) | {other})"),
            4 => format!("({plain} & _)"),
            5 => format!("and([{plain}, _])"),
            6 => format!("or([{other}, {plain}])"),
            7 if !plain.contains('{') => format!("[{plain}, {other}][0]"),
            9 => self.defined(&plain),
            10 if depth == 0 => {
                let name = format!("_h{}", self.definitions.len());
                self.definitions.push(format!("{name}: {plain}"));
                name
            }
            _ => plain,
        }
    }

    fn defined(&mut self, plain: &str) -> String {
        let name = format!("#D{}", self.definitions.len());
        self.definitions.push(format!("{name}: {plain}"));
        name
    }

    fn of_object(&mut self, members: &Map<String, Value>, depth: usize) -> String {
        let body = self.declarations(members, depth + 1);
        let plain = format!("{{{body}}}");
        match self.chance.below(14) {
            0 => format!("close({plain})"),
            1 | 2 => self.defined(&plain),
            3 => format!("{{{}}}", self.defined(&plain)),
            4 => format!("{{{}\n{body}}}", self.defined("{a?: _\nb?: int}")),
            5 => format!("{} & {plain}", self.defined("{a?: _\nb?: _\nc?: _}")),
            6 => self.call("struct", &format!("MaxFields({})", members.len())),
            7 => format!("{plain} & {}", self.call("struct", &format!("MinFields({})", members.len()))),
            8 if !generate::is_no_alternative(&plain) => format!("({plain} | {{z!: 1}})"),
            10 => {
                let values = members.values().map(|value| self.expr(value, depth + 1));
                let values: Vec<String> =
                    values.filter(|value| !generate::is_no_alternative(value)).chain(["_".to_owned()]).collect();
                format!("{{[string]: {}}}", values.join(" | "))
            }
            _ => self.varied(plain, depth),
        }
    }

    fn of_array(&mut self, items: &[Value], depth: usize) -> String {
        let each: Vec<String> = items.iter().map(|item| self.expr(item, depth + 1)).collect();
        let each: Vec<String> = each
            .into_iter()
            .map(|item| if generate::is_no_alternative(&item) { "_".to_owned() } else { item })
            .collect();
        let any = if each.is_empty() { "_".to_owned() } else { each.join(" | ") };
        match self.chance.below(12) {
            0 => format!("[...({any})]"),
            1 => format!("[...({any})] & {}", self.call("list", &format!("MinItems({})", items.len()))),
            2 => self.call("list", &format!("MaxItems({})", items.len())),
            3 => format!("[{}...]", each.first().map(|first| format!("{first}, ")).unwrap_or_default()),
            4 if !items.is_empty() => self.call("list", &format!("Contains({})", items[0])),
            5 => format!("[for v in {} {{v}}]", json!(items)),
            6 => self.call("list", &format!("Concat([[{}], []])", each.join(", "))),
            7 => self.defined(&format!("[{}]", each.join(", "))),
            _ => {
                let plain = format!("[{}]", each.join(", "));
                self.varied(plain, depth)
            }
        }
    }
}
