//! Reading one object of a policy: its fields by name, each with its path and place, unknown ones reported.
//!
//! As in Kubernetes, a null is an absent field and an empty string an absent value. Every problem is reported and
//! reading goes on as if the field were absent, so a result is worth something only if there was no problem.

use crate::{
    problem::{At, Objection, Problems, Why, excerpt},
    yaml::{Member, Node, Value},
};

/// An object that is being read.
pub(crate) struct Object<'a> {
    path: String,
    at: At,
    members: &'a [Member],
    broken: bool,
    problems: &'a Problems,
}

/// A string that was found.
pub(crate) struct Text<'a> {
    pub(crate) value: &'a str,
    pub(crate) path: String,
    pub(crate) at: At,
    problems: &'a Problems,
}

impl<'a> Object<'a> {
    /// The object at a node that may have no fields but these. Absent fields of an object that is none stay absent.
    pub(crate) fn open(node: &'a Node, path: String, known: &[&str], problems: &'a Problems) -> Self {
        let members = match &node.value {
            Value::Object(members) => Some(members.as_slice()),
            other => {
                problems.add(node.at, wrong_type(&path, other, "an object"));
                None
            }
        };
        let (broken, members) = (members.is_none(), members.unwrap_or_default());
        let object = Self { path, at: node.at, members, broken, problems };
        for member in members.iter().filter(|member| !known.contains(&member.name.as_str())) {
            problems.add(member.at, Objection::UnknownField { path: object.path_of(&excerpt(&member.name)) });
        }
        object
    }

    /// An object whose fields are not known in advance.
    pub(crate) fn open_any(node: &'a Node, path: String, problems: &'a Problems) -> Self {
        match &node.value {
            Value::Object(members) => Self { path, at: node.at, members, broken: false, problems },
            _ => Self::open(node, path, &[], problems),
        }
    }

    /// Where the object stands.
    pub(crate) fn at(&self) -> At {
        self.at
    }

    /// Where a field's value stands, or the object where there is none.
    pub(crate) fn at_field(&self, name: &str) -> At {
        self.field(name).map_or(self.at, |node| node.at)
    }

    /// The full path of a field.
    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The full paths of some fields.
    pub(crate) fn paths_of(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| self.path_of(name)).collect()
    }

    /// Whether a field is there and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// All fields, each of which must be a string.
    pub(crate) fn all_texts(&self) -> Vec<(String, String)> {
        let mut texts = Vec::new();
        for Member { name, node, .. } in self.members {
            match &node.value {
                Value::Text(text) => texts.push((name.clone(), text.clone())),
                other => self.object_to(node.at, wrong_type(&self.path_of(&excerpt(name)), other, "a string")),
            }
        }
        texts
    }

    /// A string; an empty one is absent.
    pub(crate) fn text(&self, name: &str) -> Option<Text<'a>> {
        let node = self.field(name)?;
        match &node.value {
            Value::Text(value) if value.is_empty() => None,
            Value::Text(value) => Some(Text { value, path: self.path_of(name), at: node.at, problems: self.problems }),
            other => {
                self.problems.add(node.at, wrong_type(&self.path_of(name), other, "a string"));
                None
            }
        }
    }

    /// A string that must be there.
    pub(crate) fn required_text(&self, name: &str) -> Option<Text<'a>> {
        let text = self.text(name);
        if text.is_none() && self.field(name).is_none_or(|node| matches!(node.value, Value::Text(_))) {
            self.object_to(self.at, Objection::Missing { paths: vec![self.path_of(name)] });
        }
        text
    }

    /// A boolean; an absent one is false.
    pub(crate) fn flag(&self, name: &str) -> bool {
        match self.field(name).map(|node| (node.at, &node.value)) {
            None => false,
            Some((_, Value::Bool(flag))) => *flag,
            Some((at, other)) => {
                self.problems.add(at, wrong_type(&self.path_of(name), other, "a boolean"));
                false
            }
        }
    }

    /// A whole number that must be there and is not negative.
    pub(crate) fn required_number(&self, name: &str) -> Option<u64> {
        match self.field(name).map(|node| (node.at, &node.value)) {
            None => self.object_to(self.at, Objection::Missing { paths: vec![self.path_of(name)] }),
            Some((_, Value::Number(Some(number)))) => return Some(*number),
            Some((at, other)) => {
                self.problems.add(at, wrong_type(&self.path_of(name), other, "a whole number that is not negative"));
            }
        }
        None
    }

    /// An object that may have no fields but these.
    pub(crate) fn object(&self, name: &str, known: &[&str]) -> Option<Object<'a>> {
        Some(Self::open(self.field(name)?, self.path_of(name), known, self.problems))
    }

    /// An object whose fields are not known in advance.
    pub(crate) fn any_object(&self, name: &str) -> Option<Object<'a>> {
        Some(Self::open_any(self.field(name)?, self.path_of(name), self.problems))
    }

    /// The entries of a list of objects that may have no fields but these; an absent list has none.
    pub(crate) fn objects(&self, name: &str, known: &[&str]) -> Vec<Object<'a>> {
        let entry = |(path, node)| Self::open(node, path, known, self.problems);
        self.items(name).into_iter().map(entry).collect()
    }

    /// The strings of a list; an absent list has none.
    pub(crate) fn texts(&self, name: &str) -> Vec<Text<'a>> {
        let mut texts = Vec::new();
        for (path, node) in self.items(name) {
            match &node.value {
                Value::Text(value) => texts.push(Text { value, path, at: node.at, problems: self.problems }),
                other => self.problems.add(node.at, wrong_type(&path, other, "a string")),
            }
        }
        texts
    }

    /// The entries of a list with their paths; an absent list has none.
    pub(crate) fn items(&self, name: &str) -> Vec<(String, &'a Node)> {
        let path = self.path_of(name);
        match self.field(name).map(|node| (node.at, &node.value)) {
            None => Vec::new(),
            Some((_, Value::List(items))) => (0..).zip(items).map(|(i, node)| (format!("{path}[{i}]"), node)).collect(),
            Some((at, other)) => {
                self.problems.add(at, wrong_type(&path, other, "a list"));
                Vec::new()
            }
        }
    }

    /// Checks that exactly one of these fields is given. `names` are the fields, `shown` how messages spell them.
    pub(crate) fn exactly_one(&self, names: &[&str], shown: &[&str]) {
        let given = names.iter().filter(|name| self.given(name)).count();
        let paths = self.paths_of(shown);
        match given {
            1 => {}
            0 => self.object_to(self.at, Objection::Neither { paths }),
            _ => self.object_to(self.at, Objection::Both { paths }),
        }
    }

    /// Checks that not more than one of these fields is given.
    pub(crate) fn at_most_one(&self, names: &[&str]) {
        if names.iter().filter(|name| self.given(name)).count() > 1 {
            self.object_to(self.at, Objection::Both { paths: self.paths_of(names) });
        }
    }

    /// Objects to a field that is there and says nothing.
    pub(crate) fn refuse_empty(&self, name: &str) {
        if self.has(name) && !self.given(name) {
            self.object_to(self.at_field(name), Objection::Missing { paths: vec![self.path_of(name)] });
        }
    }

    /// Objects to fields without a value, in this object and all below: whoever writes one means something by it.
    pub(crate) fn refuse_nulls(&self) {
        self.members
            .iter()
            .for_each(|member| refuse_nulls(member, &self.path_of(&excerpt(&member.name)), self.problems));
    }

    /// Adds an objection at a place in this object; of what is no object, that alone is said.
    pub(crate) fn object_to(&self, at: At, objection: Objection) {
        if !self.broken {
            self.problems.add(at, objection);
        }
    }

    /// Whether a field is a list, if perhaps an empty one.
    pub(crate) fn is_list(&self, name: &str) -> bool {
        self.field(name).is_some_and(|node| matches!(node.value, Value::List(_)))
    }

    /// Whether a field says anything: null, an empty string and an empty list don't.
    pub(crate) fn given(&self, name: &str) -> bool {
        self.field(name).is_some_and(|node| match &node.value {
            Value::Text(text) => !text.is_empty(),
            Value::List(items) => !items.is_empty(),
            _ => true,
        })
    }

    fn field(&self, name: &str) -> Option<&'a Node> {
        let member = self.members.iter().find(|member| member.name == name)?;
        (!matches!(member.node.value, Value::Null)).then_some(&member.node)
    }
}

impl Text<'_> {
    /// Objects to the value.
    pub(crate) fn refuse(&self, why: Why) {
        self.problems.add(self.at, Objection::invalid(self.value, self.path.clone(), why));
    }

    /// The name of the file that it is in.
    pub(crate) fn file(&self) -> &str {
        self.problems.file()
    }

    /// Where a line and column of it are in its file; nothing where the file does not have it as it is.
    pub(crate) fn within(&self, place: (u32, u32)) -> Option<At> {
        self.problems.within(self.at, self.value, place)
    }

    /// Objects to what stands at a place of its file, in this line of the value.
    pub(crate) fn refuse_at(&self, at: At, line: u32, why: Why) {
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        let shown = self.value.lines().nth(index).or_else(|| self.value.lines().last()).unwrap_or_default();
        self.problems.add(at, Objection::invalid(shown.trim_start(), self.path.clone(), why));
    }

    /// Objects to the value unless it is as wanted.
    pub(crate) fn expect(&self, good: bool, wanted: &'static str) {
        if !good {
            self.refuse(Why::Wanted(wanted));
        }
    }
}

fn refuse_nulls(Member { node, at, .. }: &Member, path: &str, problems: &Problems) {
    match &node.value {
        Value::Null => problems.add(*at, wrong_type(path, &node.value, "a value, or no such field")),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                below(item, &format!("{path}[{index}]"), problems);
            }
        }
        _ => below(node, path, problems),
    }
}

fn below(node: &Node, path: &str, problems: &Problems) {
    let Value::Object(members) = &node.value else { return };
    members.iter().for_each(|one| refuse_nulls(one, &format!("{path}.{}", excerpt(&one.name)), problems));
}

fn wrong_type(path: &str, found: &Value, wanted: &'static str) -> Objection {
    let path = if path.is_empty() { "document" } else { path };
    Objection::WrongType { path: path.to_owned(), found: found.kind(), wanted }
}
