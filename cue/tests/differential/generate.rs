//! Policies and data by chance, from a seed: few names and few values, so that they meet.

/// A stream of numbers that a seed determines.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below the bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("what is below a usize is one")
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// A policy that is shaped as CUE's grammar wants it.
pub(crate) fn policy(chance: &mut Chance) -> String {
    let mut writer = Writer { chance, depth: 0, loops: 0, imports: [false; 5] };
    let mut body = String::new();
    for _ in 0..2 + writer.chance.below(4) {
        body.push_str(&writer.declaration());
        body.push('\n');
    }
    let imports: String = PACKAGES
        .iter()
        .zip(writer.imports)
        .filter(|(_, used)| *used)
        .map(|(name, _)| format!("import \"{name}\"\n"))
        .collect();
    imports + &body
}

/// Data of the same names and values.
pub(crate) fn data(chance: &mut Chance) -> String {
    object(chance, 3)
}

fn object(chance: &mut Chance, depth: usize) -> String {
    let members = (0..chance.below(4)).map(|_| {
        let name = chance.one_of(&["a", "b", "c", "d", "e"]);
        let value = json(chance, depth);
        (name, value)
    });
    let mut distinct: Vec<(&str, String)> = Vec::new();
    for (name, value) in members {
        if !distinct.iter().any(|(known, _)| *known == name) {
            distinct.push((name, value));
        }
    }
    let members: Vec<String> = distinct.into_iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn json(chance: &mut Chance, depth: usize) -> String {
    match chance.below(if depth == 0 { 6 } else { 10 }) {
        0..=5 => chance.one_of(JSON_SCALARS).to_owned(),
        6 | 7 => {
            let items: Vec<String> = (0..chance.below(4)).map(|_| json(chance, depth - 1)).collect();
            format!("[{}]", items.join(","))
        }
        _ => object(chance, depth - 1),
    }
}

/// Whether a policy with this among alternatives is refused.
pub(crate) fn is_no_alternative(text: &str) -> bool {
    ["if ", "for ", "let ", "close("].iter().any(|construct| text.contains(construct))
}

struct Writer<'c> {
    chance: &'c mut Chance,
    depth: usize,
    loops: usize,
    imports: [bool; 5],
}

impl Writer<'_> {
    fn declaration(&mut self) -> String {
        match self.chance.below(30) {
            0..=14 => {
                let (label, presence) = (self.chance.one_of(FIELDS), self.chance.one_of(&["", "", "", "?", "!"]));
                // structural cycles through optional fields are found by CUE, and never entered by us
                let value = if presence == "?" && self.depth > 0 { self.simple() } else { self.value() };
                format!("{label}{presence}: {value}")
            }
            15 => format!("{}: {}: {}", self.chance.one_of(FIELDS), self.chance.one_of(FIELDS), self.value()),
            16..=19 => format!("{}: {}", self.chance.one_of(DEFINITIONS), self.value()),
            20 => format!("_h: {}", self.value()),
            21 => format!("[{}]: {}", self.chance.one_of(&["string", "=~\"^[ab]\"", "!=\"c\"", "\"d\""]), self.value()),
            22 => format!("if {} {{{}}}", self.condition(), self.declaration()),
            23 => {
                let source = self.composite_reference();
                self.loops += 1;
                let body = match self.chance.below(3) {
                    0 => "(k): v".to_owned(),
                    1 => "\"\\(k)\": _".to_owned(),
                    _ => format!("c: {}", self.value()),
                };
                self.loops -= 1;
                format!("for k, v in {source} {{{body}}}")
            }
            24 if self.depth > 0 => self.chance.one_of(&["#A", "#B", "_h", "{a: int}", "close({b?: int})"]).to_owned(),
            25 if self.depth > 0 => "...".to_owned(),
            26 => format!("\"{}\": {}", self.chance.one_of(FIELDS), self.value()),
            27 => format!(
                "let L{0} = {1}\n{2}: L{0}",
                self.chance.below(1_000_000),
                self.value(),
                self.chance.one_of(FIELDS)
            ),
            28 => format!("({}): {}", self.chance.one_of(&["\"a\"", "\"b\"", "d", "\"\\(c)\""]), self.value()),
            _ => format!("{}: {}", self.chance.one_of(FIELDS), self.computed()),
        }
    }

    fn value(&mut self) -> String {
        if self.depth >= 3 {
            return self.simple();
        }
        self.depth += 1;
        let value = match self.chance.below(30) {
            0..=8 => self.simple(),
            9..=13 => self.structure(),
            14 | 15 => self.list(),
            16 | 17 => format!("{} & {}", self.value(), self.value()),
            18..=20 => self.alternatives(),
            21 => format!("close({})", self.structure()),
            22..=24 => self.chance.one_of(REFERENCES).to_owned(),
            25 => self.validator(),
            26 => self.bound(),
            27 => format!("and([{}, {}])", self.value(), self.value()),
            28 => format!("or([{}, {}])", self.simple(), self.simple()),
            _ => self.computed(),
        };
        self.depth -= 1;
        value
    }

    fn simple(&mut self) -> String {
        if self.loops > 0 && self.chance.once_in(2) {
            return self.chance.one_of(&["k", "v"]).to_owned();
        }
        match self.chance.below(4) {
            0 | 1 => self.chance.one_of(TYPES).to_owned(),
            _ => self.chance.one_of(SCALARS).to_owned(),
        }
    }

    fn structure(&mut self) -> String {
        let declarations: Vec<String> = (0..self.chance.below(4)).map(|_| self.declaration()).collect();
        format!("{{{}}}", declarations.join("\n"))
    }

    fn list(&mut self) -> String {
        match self.chance.below(6) {
            0 => format!("[...{}]", self.value()),
            1 => format!("[{}, ...]", self.value()),
            2 => format!("[{}, ...{}]", self.value(), self.value()),
            3 => format!("[{}]", self.value()),
            4 => format!("[{}, {}]", self.value(), self.value()),
            _ => {
                let source = self.composite_reference();
                let condition = if self.chance.once_in(2) { "if v != 1 " } else { "" };
                format!("[for k, v in {source} {condition}{{v}}]")
            }
        }
    }

    fn alternatives(&mut self) -> String {
        let count = 2 + self.chance.below(2);
        let marked = self.chance.below(count * 2);
        let alternatives: Vec<String> = (0..count)
            .map(|position| {
                let value =
                    Some(self.value()).filter(|value| !is_no_alternative(value)).unwrap_or_else(|| self.simple());
                if position == marked { format!("*({value})") } else { format!("({value})") }
            })
            .collect();
        format!("({})", alternatives.join(" | "))
    }

    fn bound(&mut self) -> String {
        let operator = self.chance.one_of(&["<", "<=", ">", ">=", "!="]);
        match self.chance.below(6) {
            0 => format!("=~\"{}\"", self.chance.one_of(PATTERNS)),
            1 => format!("!~\"{}\"", self.chance.one_of(PATTERNS)),
            2 => format!("{operator}{}", self.chance.one_of(&["a", "b", "c"])),
            3 => "!=null".to_owned(),
            _ => format!("{operator}{}", self.chance.one_of(&["1", "2", "1.5", "\"x\"", "\"xy\""])),
        }
    }

    fn validator(&mut self) -> String {
        let (package, call) = VALIDATORS[self.chance.below(VALIDATORS.len())];
        self.imports[package] = true;
        call.to_owned()
    }

    fn composite_reference(&mut self) -> &'static str {
        self.chance.one_of(&["a", "b", "c", "[1, 2, \"x\"]", "{a: 1, b: 2}", "#A"])
    }

    fn condition(&mut self) -> String {
        let left = self.chance.one_of(REFERENCES);
        match self.chance.below(7) {
            0 => format!("{left} == {}", self.chance.one_of(SCALARS)),
            1 => format!("{left} != _|_"),
            2 => format!("{left} == _|_"),
            3 => format!("len({left}) < 2"),
            4 => format!("{left} > 1"),
            5 => format!("{left} != {} && {left} != 2", self.chance.one_of(SCALARS)),
            _ => self.chance.one_of(&["true", "false", "a =~ \"x\"", "b"]).to_owned(),
        }
    }

    fn computed(&mut self) -> String {
        let reference = self.chance.one_of(REFERENCES);
        match self.chance.below(9) {
            0 => format!("{reference} + {}", self.chance.one_of(SCALARS)),
            1 => format!("{reference} * 2"),
            2 => format!("{reference} - 1"),
            3 => format!("\"\\({reference})y\""),
            4 => format!("len({reference})"),
            5 => format!("{reference}[{}]", self.chance.one_of(&["0", "1", "\"a\"", "\"b\"", "a"])),
            6 => format!("({})", self.condition()),
            7 => format!("[{reference}, 1][0]"),
            _ => {
                let (package, call) = CALLS[self.chance.below(CALLS.len())];
                self.imports[package] = true;
                call.to_owned()
            }
        }
    }
}

const PACKAGES: [&str; 5] = ["strings", "list", "struct", "regexp", "time"];
const FIELDS: &[&str] = &["a", "b", "c", "d"];
const DEFINITIONS: &[&str] = &["#A", "#B"];
const REFERENCES: &[&str] = &["a", "b", "c", "d", "#A", "#B", "_h", "a.b", "b.a", "#A.a", "c.d"];
const TYPES: &[&str] = &["_", "string", "int", "number", "bool", "null", "float", "uint8", "{...}", "[...]"];
const SCALARS: &[&str] = &["1", "2", "\"x\"", "\"xy\"", "true", "1.5", "null", "\"a\"", "{}", "[1]"];
const JSON_SCALARS: &[&str] = &["1", "2", "\"x\"", "\"xy\"", "true", "1.5", "null", "\"a\"", "3", "1.0"];
const PATTERNS: &[&str] = &["^x", "y$", "^[a-x]+$", "^\\\\w$", "."];
const VALIDATORS: &[(usize, &str)] = &[
    (0, "strings.HasPrefix(\"x\")"),
    (0, "strings.MinRunes(2)"),
    (0, "strings.MaxRunes(1)"),
    (0, "strings.Contains(\"y\")"),
    (1, "list.MinItems(2)"),
    (1, "list.MaxItems(1)"),
    (1, "list.UniqueItems()"),
    (1, "list.Contains(1)"),
    (2, "struct.MinFields(1)"),
    (2, "struct.MaxFields(1)"),
    (4, "time.Time"),
];
const CALLS: &[(usize, &str)] = &[
    (0, "strings.ToUpper(a)"),
    (0, "strings.Split(b, \"y\")"),
    (0, "strings.Join([\"x\", a], \"\")"),
    (0, "strings.HasPrefix(a, \"x\")"),
    (0, "strings.Replace(a, \"x\", \"y\", -1)"),
    (1, "list.Sum(b)"),
    (1, "list.Max(b)"),
    (1, "list.Contains(b, 1)"),
    (1, "list.Concat([a, b])"),
    (1, "list.Range(0, 2, 1)"),
    (3, "regexp.Match(\"^x\", a)"),
    (4, "time.Parse(time.RFC3339, \"2022-04-15T17:10:27Z\")"),
];
