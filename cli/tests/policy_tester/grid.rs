//! Every cell of the grid, and what the two programs differ in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    case::{Case, FEW},
    differences::{DIFFERENCES, Difference},
    judges::{Answer, Files, Judges, Verdict},
    policies,
    shelf::{Image, Shelf},
};

#[test]
fn policy_tester_and_sealgate_agree_but_where_it_is_intended() {
    let Some(shelf) = Shelf::set_up() else { return };
    let cases = policies::all(&shelf);
    assert!(cases.len() >= 60 && shelf.images.len() >= 12);
    let cells = judge_all(&shelf, &cases);
    let mut report = String::new();
    for cell in &cells {
        report.push_str(&cell.complaint().unwrap_or_default());
    }
    unlike_announced(&cases, &cells, &mut report);
    stale(&cells, &mut report);
    assert!(report.is_empty(), "{} policies, {} cells:\n{report}", cases.len(), cells.len());
}

/// An image under a policy, with what was said of it.
struct Cell<'a> {
    case: &'a Case,
    image: &'a Image,
    tester: Answer,
    sealgate: Answer,
}

impl Cell<'_> {
    fn intended(&self) -> impl Iterator<Item = &'static Difference> {
        DIFFERENCES.iter().filter(|one| one.covers(self.case.name, &self.image.name))
    }

    fn verdicts(&self) -> (Verdict, Verdict) {
        (self.tester.verdict, self.sealgate.verdict)
    }

    /// Unless both say the same, or what is intended of them.
    fn complaint(&self) -> Option<String> {
        let wanted = self.intended().any(|one| (one.tester, one.sealgate) == self.verdicts());
        let alike = self.tester.verdict == self.sealgate.verdict && self.tester.verdict != Verdict::Undecided;
        (!wanted && !alike).then(|| {
            let (tester, sealgate) = (indented(&self.tester), indented(&self.sealgate));
            format!("{} × {}\n  policy-tester: {tester}\n  sealgate: {sealgate}\n", self.case.name, self.image.name)
        })
    }
}

fn indented(answer: &Answer) -> String {
    let reasons = answer.reasons.trim().replace('\n', "\n    ");
    format!("{:?}\n    {reasons}", answer.verdict)
}

/// All cells, in order, judged by a few workers.
fn judge_all<'a>(shelf: &'a Shelf, cases: &'a [Case]) -> Vec<Cell<'a>> {
    let judges = Judges::new();
    let files: Vec<Files> = cases.iter().map(|case| judges.files(case, shelf)).collect();
    let mut questions: Vec<(&'a Case, &Files, &'a Image)> = Vec::new();
    for (case, files) in cases.iter().zip(&files) {
        let images = shelf.images.iter().filter(|image| !case.few || FEW.contains(&image.name.as_str()));
        questions.extend(images.map(|image| (case, files, image)));
    }
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((case, files, image)) = questions.get(at) else { return };
            let tester = judges.tester(files, &image.reference);
            let sealgate = judges.sealgate(files, &image.reference);
            let cell = Cell { case, image, tester, sealgate };
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(at, cell);
        }
    };
    thread::scope(|scope| (0..WORKERS).for_each(|_| drop(scope.spawn(work))));
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

/// Complains of each policy that is met by all images, or by none, without saying so.
fn unlike_announced(cases: &[Case], cells: &[Cell<'_>], report: &mut String) {
    for case in cases {
        let own = || cells.iter().filter(|cell| cell.case.name == case.name).map(|cell| cell.tester.verdict);
        let first = own().next().expect("each case has images");
        if own().all(|verdict| verdict == first) != case.alike {
            let which = if case.alike { "not all alike" } else { "all alike" };
            let _ = writeln!(report, "{}: policy-tester's verdicts are {which}", case.name);
            let reasons = cells.iter().filter(|cell| cell.case.name == case.name).map(|cell| &cell.tester.reasons);
            let distinct: BTreeSet<_> = reasons.map(|text| text.rsplit(": ").find(|part| part.len() > 3)).collect();
            let _ = writeln!(report, "  {distinct:?}");
        }
    }
}

/// Complains of each intended difference that is none.
fn stale(cells: &[Cell<'_>], report: &mut String) {
    for one in DIFFERENCES {
        let real = |cell: &&Cell<'_>| {
            one.covers(cell.case.name, &cell.image.name) && (one.tester, one.sealgate) == cell.verdicts()
        };
        if cells.iter().find(real).is_none() {
            let _ = writeln!(report, "{one:?}: no cell differs so");
        }
    }
}

const WORKERS: usize = 3;
