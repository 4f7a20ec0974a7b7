//! What is wrong with a vertex and all below it. Hidden fields and definitions are no part of the data: what they
//! lack is no fault.

use std::rc::Rc;

use super::copy::{is_conflict, is_unknown};
use super::{Evaluator, Judged, stop};
use crate::error::{Conflict, ConflictKind};
use crate::graph::{Id, Outcome, Stage};
use crate::syntax::Presence;

impl Evaluator<'_> {
    /// All faults, of which there are none where the value is as it must be.
    pub(super) fn finish(&mut self, at: Id) -> Judged<Rc<Vec<Conflict>>> {
        if let Some(known) = &self.vertices[at].all_faults {
            return Ok(Rc::clone(known));
        }
        self.settle(at)?;
        if self.vertices[at].finishing || self.vertices[at].stage != Stage::Done {
            return Err(stop("a value that depends on itself".to_owned(), "an order"));
        }
        self.vertices[at].finishing = true;
        let faults = self.deeper(|evaluator| evaluator.faults_of(at))?;
        let faults = Rc::new(faults);
        self.vertices[at].all_faults = Some(Rc::clone(&faults));
        Ok(faults)
    }

    fn faults_of(&mut self, at: Id) -> Judged<Vec<Conflict>> {
        let vertex = &self.vertices[at];
        if vertex.holds_hidden_alone && (vertex.scalar.is_some() || !vertex.lists.is_empty()) {
            let what = "an embedded struct of nothing but hidden fields in what is no struct";
            return Err(stop(what.to_owned(), "one or the other"));
        }
        let mut faults = self.vertices[at].faults.clone();
        // what is not known may hide what contradicts itself
        if faults.iter().any(|fault| is_unknown(fault.kind)) {
            faults
                .iter_mut()
                .filter(|fault| is_conflict(fault.kind))
                .for_each(|fault| fault.kind = ConflictKind::Undecided);
        }
        match self.vertices[at].outcome {
            Outcome::Chosen(chosen) => {
                // what an alternative lacks is a fault to CUE only where no other is left, or all others are the same
                let found = self.finish(chosen)?;
                faults.extend(found.iter().cloned().map(|fault| match fault.kind {
                    ConflictKind::Missing => Conflict { kind: ConflictKind::Undecided, ..fault },
                    _ => fault,
                }));
            }
            Outcome::Ambiguous => faults.extend(self.fault_of_all(at)?),
            Outcome::Plain => self.faults_below(at, &mut faults)?,
        }
        if self.vertices[at].faults.iter().any(|fault| is_unknown(fault.kind)) {
            // to CUE, what is not known lacks nothing yet
            let missing = faults.iter_mut().filter(|fault| fault.kind == ConflictKind::Missing);
            missing.for_each(|fault| fault.kind = ConflictKind::Undecided);
        }
        // fields may have been added to what this used only now
        let mut used = 0;
        while let Some(other) = self.vertices[at].uses.get(used).copied() {
            used += 1;
            if !self.vertices[other].finishing && self.finish(other)?.iter().any(|fault| is_conflict(fault.kind)) {
                return Err(stop("a value used that contradicts itself".to_owned(), "one that does not"));
            }
        }
        Ok(faults)
    }

    /// What is not known in one of several alternatives, where each has a fault.
    fn fault_of_all(&mut self, at: Id) -> Judged<Option<Conflict>> {
        let mut unknown = None;
        for (candidate, _) in self.vertices[at].candidates.clone() {
            let found = self.finish(candidate)?;
            if found.is_empty() {
                return Ok(None);
            }
            let undecided = found.iter().find(|fault| fault.kind == ConflictKind::Undecided).cloned();
            unknown = undecided.or(unknown);
            unknown = unknown.or_else(|| found.iter().find(|fault| fault.kind != ConflictKind::Missing).cloned());
        }
        match unknown {
            Some(fault) => Ok(Some(fault)),
            None => Err(stop("alternatives that all lack a field".to_owned(), "one that does not")),
        }
    }

    fn faults_below(&mut self, at: Id, faults: &mut Vec<Conflict>) -> Judged<()> {
        for field in self.vertices[at].fields.clone() {
            let is_data = self.vertices[field].label.as_ref().is_some_and(crate::syntax::Label::is_regular);
            match self.vertices[field].presence {
                Presence::Optional => {}
                Presence::Required => {
                    let found = self.finish(field)?;
                    if found.iter().any(|fault| fault.kind == ConflictKind::Undefined) {
                        return Err(stop("a required field that refers to what is not there".to_owned(), "a field"));
                    }
                    faults.extend(found.iter().filter(|fault| is_conflict(fault.kind)).cloned());
                    let wanted = "the field".to_owned();
                    faults.push(self.conflict(field, ConflictKind::Missing, "nothing".to_owned(), wanted, 0));
                }
                Presence::Member => {
                    let found = self.finish(field)?;
                    if found.iter().any(|fault| is_unknown(fault.kind)) {
                        let path = self.path(field);
                        let not_allowed =
                            |fault: &&mut Conflict| fault.kind == ConflictKind::NotAllowed && fault.path == path;
                        faults.iter_mut().filter(not_allowed).for_each(|fault| fault.kind = ConflictKind::Undecided);
                    }
                    // what is not known may hide what contradicts itself
                    let hidden = !is_data && found.iter().any(|fault| fault.kind == ConflictKind::Incomplete);
                    if !is_data && found.iter().any(|fault| fault.kind == ConflictKind::Undefined) {
                        return Err(stop(
                            "a hidden field or a definition that refers to what is not there".to_owned(),
                            "a field",
                        ));
                    }
                    let counted = found.iter().filter(|fault| is_data || is_part_of_all(fault.kind)).cloned();
                    faults.extend(counted.map(|fault| match hidden {
                        true => Conflict { kind: ConflictKind::Undecided, ..fault },
                        false => fault,
                    }));
                }
            }
        }
        let elements = self.vertices[at].elements.as_ref().map(|(elements, _)| elements.clone()).unwrap_or_default();
        for element in elements {
            faults.extend(self.finish(element)?.iter().cloned());
        }
        Ok(())
    }
}

/// Whether a fault counts in what is no part of the data, too.
fn is_part_of_all(kind: ConflictKind) -> bool {
    !matches!(kind, ConflictKind::Incomplete | ConflictKind::Missing)
}
