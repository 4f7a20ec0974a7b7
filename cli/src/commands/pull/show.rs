//! Progress as `docker pull` shows it: each status once in a pipe, bars on a terminal, nothing when quiet.

use std::collections::BTreeMap;

use host::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output;

pub(crate) struct Progress {
    quiet: bool,
    bars: Option<(MultiProgress, BTreeMap<String, ProgressBar>)>,
}

impl Progress {
    pub(crate) fn new(quiet: bool, terminal: bool) -> Self {
        let bars = (terminal && !quiet).then(|| (MultiProgress::new(), BTreeMap::new()));
        Self { quiet, bars }
    }

    pub(crate) fn event(&mut self, event: Event) {
        if self.quiet {
            return;
        }
        match (event, &mut self.bars) {
            (Event::Line(line), None) => output::line(line),
            (Event::Line(line), Some((all, _))) => all.suspend(|| output::line(line)),
            (Event::Progress { .. }, None) => {}
            (Event::Progress { id, status, current, total }, Some((all, bars))) => {
                let bar = bars.entry(id.clone()).or_insert_with(|| all.add(bar(&id)));
                bar.set_length(total);
                bar.set_position(current);
                bar.set_message(status);
            }
        }
    }

    pub(crate) fn end(&mut self) {
        if let Some((_, bars)) = &self.bars {
            bars.values().for_each(ProgressBar::finish_and_clear);
        }
    }
}

fn bar(id: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix}: {msg} {bytes}/{total_bytes} {bar:30}");
    let bar = ProgressBar::new(0).with_prefix(id.to_owned());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
