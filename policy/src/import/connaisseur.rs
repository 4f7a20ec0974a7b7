//! Connaisseur's Helm values: validators, and patterns of which the most specific one chooses a validator.
//!
//! Its patterns begin and end with a star though nobody wrote it. Here every policy that matches must be met, so that
//! images of several patterns must satisfy all of their validators. The rule for all images that denies is no policy,
//! since it loses against every other rule and an image that no policy names is refused.

use serde_json::Value;

use super::{
    ImportError, Imported,
    draft::{Draft, fail, pass},
    need::Need,
    pattern::{Cover, Pattern, may_overlap},
    sheet::Sheet,
    tree::{At, documents},
    validator,
};

/// Imports the values of Connaisseur's chart, of version 3 or before.
///
/// # Errors
/// Fails on a text that is not YAML, and on values of which a field is not what Connaisseur says.
pub fn connaisseur(name: &str, text: &str) -> Result<Imported, ImportError> {
    let mut sheet = Sheet::default();
    for document in &documents(name, text)? {
        let top = At::top(name, document);
        let application = top.field("application").unwrap_or_else(|| top.clone());
        values(&application, &mut sheet)?;
    }
    Ok(sheet.finish())
}

fn values(at: &At<'_>, sheet: &mut Sheet) -> Result<(), ImportError> {
    let warn = features(at, sheet)?;
    let validators = at.list("validators")?;
    let mut rules = Vec::new();
    for rule in at.list("policy")? {
        let pattern = rule.required("pattern")?;
        let name = rule.text("validator")?.unwrap_or("default");
        let named = |validator: &&At<'_>| validator.text("name").ok().flatten() == Some(name);
        let Some(validator) = validators.iter().find(named) else {
            let (place, found) = (rule.place_of("validator"), format!("`{name}`"));
            return Err(ImportError::Shape { place, found, wanted: "the name of a validator" });
        };
        let fixed = match validator.required("type")? {
            "static" => Some(validator.flag("approve")?.unwrap_or(false)),
            _ => None,
        };
        rules.push(Rule { pattern, at: rule, validator: validator.clone(), fixed });
    }
    for (index, rule) in rules.iter().enumerate() {
        overlaps(&rules, index, sheet);
        let mut others = rules.iter().enumerate().filter(|(at, other)| *at != index && other.fixed != Some(false));
        let alone = !others.any(|(_, other)| may_overlap(&rule.wide(), &other.wide()));
        write(rule, alone, warn, sheet)?;
    }
    Ok(())
}

/// Tells of features that have no counterpart; whether nothing is enforced.
fn features(at: &At<'_>, sheet: &mut Sheet) -> Result<bool, ImportError> {
    let holder = at.field("features").unwrap_or_else(|| at.clone());
    for name in
        ["namespacedValidation", "namespaced_validation", "automaticChildApproval", "automaticUnchangedApproval"]
    {
        let on = |at: &At<'_>| *at.value != Value::Bool(false) && at.value.get("enabled") != Some(&Value::Bool(false));
        if let Some(feature) = holder.field(name).filter(on) {
            let why = "which namespaces and objects are judged is set at the webhook, and the same for all";
            sheet.unsaid(&feature.place, &format!("`{name}`"), why, "see docs/kubernetes.md");
        }
    }
    let detection = ["detectionMode", "detection_mode"].into_iter().find_map(|name| holder.field(name));
    let Some(detection) = detection else { return Ok(false) };
    let warn = detection.value.as_bool().ok_or_else(|| detection.shape("true or false"))?;
    if warn {
        sheet.remark(&detection.place, "has become `mode: warn` of every policy");
    }
    Ok(warn)
}

struct Rule<'a> {
    pattern: &'a str,
    at: At<'a>,
    validator: At<'a>,
    /// Whether it lets in or refuses whatever it is about.
    fixed: Option<bool>,
}

impl Rule<'_> {
    /// The pattern as people mean it: from its beginning.
    fn meant(&self) -> String {
        format!("{}*", self.pattern.trim_end_matches('*'))
    }

    /// The pattern as it is applied.
    fn wide(&self) -> String {
        let before = if self.pattern.starts_with('*') { "" } else { "*" };
        let after = if self.pattern.ends_with('*') { "" } else { "*" };
        format!("{before}{}{after}", self.pattern)
    }

    /// Whether what it asks is asked in vain there of some images, since the other rule wins.
    fn opposes(&self, other: &Self) -> bool {
        let parts = |rule: &Self| rule.pattern.split('/').count();
        let wins = parts(self) > parts(other) || Pattern::parse(other.pattern).is_everything();
        let with = |rule: &Self| rule.at.field("with").map(|at| at.value.clone());
        let alike = self.validator.place == other.validator.place && with(self) == with(other);
        let exact = (self.fixed == Some(false) || other.fixed == Some(true)) && wins;
        let asks = self.fixed != Some(true) && !self.denies_the_rest() && !alike;
        asks && !exact && may_overlap(&self.meant(), &other.meant())
    }

    fn denies_the_rest(&self) -> bool {
        self.fixed == Some(false) && Pattern::parse(self.pattern).is_everything()
    }
}

/// Tells of rules that hold beside this one for images about which one of the two decides there.
fn overlaps(rules: &[Rule<'_>], index: usize, sheet: &mut Sheet) {
    let rule = &rules[index];
    if rule.fixed == Some(false) {
        return;
    }
    let others =
        rules.iter().enumerate().filter(|(at, other)| *at > index || other.fixed.is_some() || rule.fixed.is_some());
    for (_, other) in others.filter(|(at, other)| *at != index && other.opposes(rule)) {
        let what = format!("the choice between `{}` and `{}`", rule.pattern, other.pattern);
        let why = "every policy that matches must be met, so that images of both must satisfy both";
        sheet.unsaid(&rule.at.place, &what, why, "name in the wider one what it is about, without the other");
    }
}

fn write(rule: &Rule<'_>, alone: bool, warn: bool, sheet: &mut Sheet) -> Result<(), ImportError> {
    if rule.denies_the_rest() {
        sheet.remark(&rule.at.place, "denies what no other rule names, as everything here does without a policy");
        return Ok(());
    }
    let wide = rule.wide();
    // Where another rule lets in some of what this one is about, it must hold for all of that, and what it lets in
    // unsigned must not be more; elsewhere what was meant is enough.
    let pattern = if alone || rule.fixed == Some(true) { rule.pattern } else { wide.as_str() };
    let Cover { glob, beyond } = Pattern::parse(pattern).cover();
    if let Some(beyond) = beyond.filter(|_| rule.fixed != Some(false)) {
        let end = if rule.fixed.is_some() { "it lets nothing in" } else { "all of it is refused" };
        let why = format!("globs are over repositories and digests, and would mean {beyond} as well, so that {end}");
        sheet.unsaid(&rule.at.place, &format!("`{}`", rule.pattern), &why, "name the repository without a tag");
        if rule.fixed.is_some() {
            return Ok(());
        }
        sheet.policy(Draft { warn, ..Draft::new(&rule.at.place, rule.pattern, vec![glob], Need::Nobody) });
        return Ok(());
    }
    let need = match rule.fixed {
        Some(true) => {
            sheet.remark(&rule.at.place, "has become `static: pass`: these images need no signature");
            Need::any(vec![pass()])
        }
        Some(false) => Need::any(vec![fail("denied by Connaisseur's policy")]),
        None => validator::need(&rule.at, &rule.validator, sheet)?,
    };
    sheet.policy(Draft { warn, ..Draft::new(&rule.at.place, rule.pattern, vec![glob], need) });
    Ok(())
}
