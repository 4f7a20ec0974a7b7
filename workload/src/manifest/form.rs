//! Which form a file has, by its name or by what stands in it.

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Kubernetes objects as YAML or JSON, also what Helm renders.
    Kubernetes,
    /// A compose file.
    Compose,
    /// A Dockerfile or Containerfile.
    Dockerfile,
}

impl Form {
    /// The form that a file of this name has, where its name alone says it.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let builds =
            |word: &str| name == word || name.starts_with(&format!("{word}.")) || name.ends_with(&format!(".{word}"));
        let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        if yaml && ["compose.", "docker-compose."].iter().any(|start| name.starts_with(start)) {
            return Some(Self::Compose);
        }
        (!yaml && (builds("dockerfile") || builds("containerfile"))).then_some(Self::Dockerfile)
    }

    /// The form of what a file holds; none where it could be anything. A text without content is a manifest without
    /// objects, which is what Helm renders of an empty chart.
    ///
    /// Whatever this says, a text that has another form is a problem when it is read, never one without images.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let lines = || text.trim_start_matches('\u{feff}').lines().map(str::trim_end);
        let mut content = lines().filter(|line| !line.is_empty() && !line.starts_with('#') && *line != "---");
        let Some(first) = content.next() else { return Some(Self::Kubernetes) };
        let json = first.trim_start().starts_with(['{', '[']);
        let key = |key: &str| match json {
            true => text.contains(&format!("\"{key}\"")),
            false => lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))),
        };
        let word = first.split_whitespace().next().unwrap_or_default().to_lowercase();
        if key("apiVersion") {
            Some(Self::Kubernetes)
        } else if key("services") {
            Some(Self::Compose)
        } else {
            ["from", "arg"].contains(&word.as_str()).then_some(Self::Dockerfile)
        }
    }
}
