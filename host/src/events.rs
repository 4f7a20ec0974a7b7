//! What a pull tells its user, in Docker's words.

use std::collections::BTreeMap;

/// One thing that happened while the daemon pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A line to print: the status of a layer changed, or a message about the whole.
    Line(String),
    /// How far a layer is, for people who watch: its short id, what is being done, bytes done and in all.
    Progress {
        /// The layer.
        id: String,
        /// `Downloading` or `Extracting`.
        status: String,
        /// Bytes done.
        current: u64,
        /// Bytes in all.
        total: u64,
    },
}

/// Turns the daemon's messages into what `docker pull` prints where no terminal is: each status once.
///
/// The daemon was asked for a digest; its words are put back to the tag that the user asked for, if to one.
#[derive(Debug, Default)]
pub struct Transcript {
    asked: String,
    pinned: String,
    tag: Option<String>,
    last: BTreeMap<String, String>,
}

impl Transcript {
    /// A transcript for what was asked, what it was pinned to and the tag, all in Docker's familiar form.
    #[must_use]
    pub fn new(asked: &str, pinned: &str, tag: Option<&str>) -> Self {
        let tag = tag.map(str::to_owned);
        Self { asked: asked.to_owned(), pinned: pinned.to_owned(), tag, last: BTreeMap::new() }
    }

    /// What to show of one message, if anything.
    pub fn event(&mut self, id: Option<&str>, status: &str, progress: Option<(u64, u64)>) -> Option<Event> {
        if let (Some(id), Some((current, total)), "Downloading" | "Extracting") = (id, progress, status) {
            return Some(Event::Progress { id: printable(id), status: status.to_owned(), current, total });
        }
        let key = id.unwrap_or_default();
        if matches!(status, "Downloading" | "Extracting") || self.last.get(key).is_some_and(|last| last == status) {
            return None;
        }
        self.last.insert(key.to_owned(), status.to_owned());
        Some(Event::Line(match (id, self.tag.as_deref()) {
            (None, _) => printable(&status.replace(&self.pinned, &self.asked)),
            (Some(_), Some(tag)) if status.starts_with("Pulling from ") => format!("{tag}: {}", printable(status)),
            (Some(id), _) => format!("{}: {}", printable(id), printable(status)),
        }))
    }
}

/// The daemon's words, of which some are a registry's: at most 500 characters, on one line, without any that move a
/// cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().take(500).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Option<Event> {
        Some(Event::Line(text.to_owned()))
    }

    #[test]
    fn words_about_the_digest_are_put_back_to_the_tag() {
        let mut transcript = Transcript::new("u/x:1", "u/x@sha256:aa", Some("1"));
        assert_eq!(transcript.event(Some("sha256:aa"), "Pulling from u/x", None), line("1: Pulling from u/x"));
        let status = "Status: Downloaded newer image for u/x@sha256:aa";
        assert_eq!(transcript.event(None, status, None), line("Status: Downloaded newer image for u/x:1"));
    }

    #[test]
    fn without_a_tag_the_daemons_words_stand() {
        let mut transcript = Transcript::new("u/x@sha256:aa", "u/x@sha256:aa", None);
        let (id, said) = ("u/x@sha256:aa", "u/x@sha256:aa: Pulling from u/x");
        assert_eq!(transcript.event(Some(id), "Pulling from u/x", None), line(said));
    }

    #[test]
    fn status_of_a_layer_is_said_once() {
        let mut transcript = Transcript::default();
        assert_eq!(transcript.event(Some("ab"), "Waiting", None), line("ab: Waiting"));
        assert_eq!(transcript.event(Some("ab"), "Waiting", None), None);
        assert_eq!(transcript.event(Some("ab"), "Downloading", None), None);
        let progress = transcript.event(Some("ab"), "Downloading", Some((1, 2)));
        assert!(matches!(progress, Some(Event::Progress { current: 1, total: 2, .. })));
    }

    #[test]
    fn message_about_the_whole_is_said_once() {
        let mut transcript = Transcript::default();
        assert_eq!(transcript.event(None, "Digest: a", None), line("Digest: a"));
        assert_eq!(transcript.event(None, "Digest: a", None), None);
        assert_eq!(transcript.event(None, "Status: b", None), line("Status: b"));
    }

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        let mut transcript = Transcript::default();
        assert_eq!(transcript.event(None, "\u{1b}[2Jx", None), line(" [2Jx"));
    }
}
