//! A vertex's own value: which of its alternatives are left, whether its bounds leave anything, whether its scalar
//! meets them. Each alternative is tried as a vertex of its own; those with a conflict anywhere inside fall away.

use super::copy::{is_conflict, is_unknown};
use super::{Evaluator, Judged, stop};
use crate::bounds;
use crate::error::{Conflict, ConflictKind};
use crate::graph::{Check, Id, Mode, Outcome, Stage, Value, Vertex};

impl<'p> Evaluator<'p> {
    /// Finds the vertex's own value, unless that was done or is being done.
    pub(super) fn settle(&mut self, at: Id) -> Judged<()> {
        self.expand(at)?;
        if self.vertices[at].stage != Stage::Expanded {
            return Ok(());
        }
        self.vertices[at].stage = Stage::Deciding;
        self.deeper(|evaluator| {
            if evaluator.vertices[at].open_choices.is_empty() {
                evaluator.check_value(at)?;
                evaluator.check_closed(at)?;
            } else {
                evaluator.choose(at)?;
            }
            evaluator.vertices[at].stage = Stage::Done;
            Ok(())
        })
    }

    fn choose(&mut self, at: Id) -> Judged<()> {
        let choice = self.vertices[at].open_choices[0].clone();
        let mut left = Vec::new();
        let (mut faults, mut unknown) = (Vec::new(), false);
        for (number, (mode, _)) in choice.alternatives.iter().enumerate() {
            let taken = self.take(at, number)?;
            let inner = self.candidates_of(taken)?;
            if inner.is_empty() {
                let found = self.finish(taken)?;
                unknown |= found.iter().any(|fault| is_unknown(fault.kind));
                faults.extend(found.iter().find(|fault| is_conflict(fault.kind)).cloned());
            }
            left.extend(inner.into_iter().map(|(id, inner)| (id, mode.and(inner))));
        }
        let mut distinct: Vec<(Id, Mode)> = Vec::new();
        for (id, mode) in left {
            let mut same = None;
            for (position, (other, _)) in distinct.iter().enumerate() {
                if self.is_equal(id, *other)? == Some(true) {
                    same = Some(position);
                    break;
                }
            }
            match same {
                // a value that is both a default and not is a default
                Some(position) if mode == Mode::Default => distinct[position].1 = Mode::Default,
                Some(_) => {}
                None => distinct.push((id, mode)),
            }
        }
        let before = self.vertices[at].faults.len();
        self.decide(at, distinct, faults, choice.line)?;
        if unknown && self.vertices[at].candidates.is_empty() {
            // what is not known may hide what contradicts itself
            for fault in &mut self.vertices[at].faults[before..] {
                fault.kind = ConflictKind::Undecided;
            }
        }
        Ok(())
    }

    fn decide(&mut self, at: Id, left: Vec<(Id, Mode)>, faults: Vec<Conflict>, line: u32) -> Judged<()> {
        let with = |wanted: Mode| left.iter().filter(move |(_, mode)| *mode == wanted).map(|(id, _)| *id);
        let defaults: Vec<Id> = with(Mode::Default).collect();
        if !defaults.is_empty() && with(Mode::Unmarked).next().is_some() {
            return Err(stop("defaults among alternatives without any".to_owned(), "all marked or none"));
        }
        let outcome = match (left.as_slice(), defaults.as_slice()) {
            ([], _) => Outcome::Plain,
            ([(only, _)], _) => Outcome::Chosen(*only),
            (_, [default]) => Outcome::Chosen(*default),
            _ => Outcome::Ambiguous,
        };
        if left.is_empty() {
            let wanted = faults.iter().map(|fault| format!("{} or {}", fault.found, fault.wanted));
            let wanted = wanted.collect::<Vec<_>>().join("; ");
            match faults.len() {
                0 | 1 => self.vertices[at].faults.extend(faults),
                count => {
                    let found = format!("{count} errors in empty disjunction");
                    let fault = self.conflict(at, ConflictKind::Conflicting, found, wanted, line);
                    self.vertices[at].faults.push(fault);
                }
            }
        }
        if let Outcome::Chosen(chosen) = outcome {
            self.vertices[chosen].by_default = left.len() > 1;
        }
        self.vertices[at].candidates = left;
        self.vertices[at].outcome = outcome;
        Ok(())
    }

    /// The vertex with one more alternative taken.
    fn take(&mut self, at: Id, number: usize) -> Judged<Id> {
        let original = &self.vertices[at];
        let mut vertex = Vertex::new(original.parent, original.label.clone(), original.conjuncts.clone());
        vertex.choices = original.choices.clone();
        vertex.choices.push(number);
        self.step(vertex.conjuncts.len())?;
        self.vertex(vertex)
    }

    /// What is left of a vertex: itself, or some of its alternatives, or nothing.
    fn candidates_of(&mut self, at: Id) -> Judged<Vec<(Id, Mode)>> {
        self.settle(at)?;
        if !self.vertices[at].open_choices.is_empty() {
            return Ok(self.vertices[at].candidates.clone());
        }
        let excluded = self.finish(at)?.iter().any(|fault| is_conflict(fault.kind));
        Ok(if excluded { Vec::new() } else { vec![(at, Mode::Unmarked)] })
    }

    fn check_value(&mut self, at: Id) -> Judged<()> {
        let vertex = &self.vertices[at];
        let subject = match &vertex.scalar {
            Some(known) => Value::Scalar(known.value.clone()),
            None if vertex.is_struct || vertex.elements.is_some() => Value::Composite(at),
            None => {
                self.check_bounds(at);
                return Ok(());
            }
        };
        if !vertex.faults.is_empty() {
            return Ok(());
        }
        for check in vertex.checks.clone() {
            self.step(1)?;
            match (&check, &subject) {
                (Check::Bound { relation, limit, line }, Value::Scalar(value)) => {
                    if !self.compare(*relation, value, limit)? {
                        let wanted = format!("out of bound {relation}{limit}");
                        let fault = self.conflict(at, ConflictKind::Invalid, value.to_string(), wanted, *line);
                        self.vertices[at].faults.push(fault);
                    }
                }
                // `!=null` is all that a struct or list can be bound by
                (Check::Bound { .. }, _) => {}
                (Check::Validator { function, arguments, line }, subject) => {
                    let met = self.meets(at, *function, subject, arguments)?;
                    let found = self.shown(subject);
                    self.check_met(at, &met, found, *function, *line);
                }
            }
        }
        Ok(())
    }

    /// Bounds that leave no value are a fault before there is one.
    fn check_bounds(&mut self, at: Id) {
        let checks = self.vertices[at].checks.clone();
        let bounds = checks.iter().filter_map(|check| match check {
            Check::Bound { relation, limit, line } => Some((*relation, limit, *line)),
            Check::Validator { .. } => None,
        });
        let bounds: Vec<_> = bounds.collect();
        if let Some((left, right)) = bounds::contradiction(self.vertices[at].kinds, &bounds) {
            let (found, wanted) = (format!("{}{}", left.0, left.1), format!("{}{}", right.0, right.1));
            self.fault(at, &found, &wanted, left.2.max(right.2));
        }
    }
}
