//! Insertions into a policy's text, all found before the first is made.

/// Where something begins and ends in the text.
pub(super) type Range = (usize, usize);

/// What is to be inserted. What is inside is found before what is around it.
#[derive(Default)]
pub(super) struct Edits {
    around: Vec<(Range, String, String)>,
    braces: Vec<Range>,
    after: Vec<(usize, String)>,
    moves: Vec<Move>,
}

/// An expression that gets a name and a statement of its own.
struct Move {
    range: Range,
    name: String,
    /// Where the statement goes, and the modifiers that it has.
    before: usize,
    modifiers: String,
}

impl Edits {
    /// Makes what is there the argument of a function.
    pub(super) fn call(&mut self, range: Range, function: &str) {
        self.enclose(range, format!("{function}("), ")".to_owned());
    }

    /// Puts something before and after it.
    pub(super) fn enclose(&mut self, range: Range, open: String, close: String) {
        self.around.push((range, open, close));
    }

    /// Makes one statement a body that may have several.
    pub(super) fn brace(&mut self, range: Range) {
        self.braces.push(range);
    }

    /// Adds a statement after the one that ends there.
    pub(super) fn statement_after(&mut self, end: usize, text: &str) {
        self.after.push((end, format!("; {text}")));
    }

    /// Computes an expression in a statement before the one that begins there.
    pub(super) fn move_before(&mut self, range: Range, before: usize, modifiers: &str) {
        let name = format!("{}_{}", super::functions::PREFIX, self.moves.len());
        self.moves.push(Move { range, name, before, modifiers: modifiers.to_owned() });
    }

    /// How many insertions there are, to see whether some have been added.
    pub(super) fn statements(&self) -> usize {
        self.after.len() + self.moves.len()
    }

    /// The text with all of them.
    pub(super) fn apply(&self, text: &str) -> String {
        self.render(text, (0, text.len()), None)
    }

    fn render(&self, text: &str, within: Range, of: Option<usize>) -> String {
        let mut events = self.events(text, within, of);
        events.sort();
        let (mut rendered, mut done) = (String::new(), within.0);
        for event in events {
            rendered.push_str(&text[done..event.at]);
            rendered.push_str(&event.text);
            done = event.skip_to.max(event.at);
        }
        rendered.push_str(&text[done..within.1]);
        rendered
    }

    fn events(&self, text: &str, within: Range, of: Option<usize>) -> Vec<Event> {
        let moves = self.outermost_moves(within, of);
        let moved = |range: Range| moves.iter().any(|(_, moved)| contains(moved.range, range));
        let stays = |range: Range| contains(within, range) && !moved(range);
        let mut events = Vec::new();
        let around = self.around.iter().enumerate().filter(|(_, (range, ..))| stays(*range));
        for (found, ((start, end), open, close)) in around {
            events.push(Event::new(*start, Rank::Open, [usize::MAX - end, usize::MAX - found], open.clone()));
            events.push(Event::new(*end, Rank::Close, [usize::MAX - start, found], close.clone()));
        }
        for &(start, end) in self.braces.iter().filter(|range| stays(**range)) {
            events.push(Event::new(start, Rank::OpenBrace, [0; 2], "{ ".to_owned()));
            events.push(Event::new(end, Rank::CloseBrace, [0; 2], " }".to_owned()));
        }
        for (end, text) in self.after.iter().filter(|(end, _)| stays((*end, *end))) {
            events.push(Event::new(*end, Rank::After, [events.len(), 0], text.clone()));
        }
        for (index, Move { range, name, before, modifiers }) in moves {
            let definition = format!("{name} := {} {modifiers}; ", self.render(text, range, Some(index)));
            events.push(Event::new(before, Rank::Before, [index, 0], definition));
            events.push(Event { skip_to: range.1, ..Event::new(range.0, Rank::Moved, [0; 2], name) });
        }
        events
    }

    fn outermost_moves(&self, within: Range, of: Option<usize>) -> Vec<(usize, Move)> {
        let inside = |index: usize, moved: &Move| Some(index) != of && contains(within, moved.range);
        let all: Vec<_> = self.moves.iter().enumerate().filter(|(index, moved)| inside(*index, moved)).collect();
        let hidden = |index: usize, range: Range| {
            all.iter().any(|(other, moved)| *other != index && contains(moved.range, range))
        };
        let seen = all.iter().filter(|(index, moved)| !hidden(*index, moved.range));
        seen.map(|(index, moved)| (*index, moved.copy())).collect()
    }
}

impl Move {
    fn copy(&self) -> Move {
        let Move { range, name, before, modifiers } = self;
        Move { range: *range, name: name.clone(), before: *before, modifiers: modifiers.clone() }
    }
}

fn contains(outer: Range, inner: Range) -> bool {
    outer.0 <= inner.0 && inner.1 <= outer.1
}

/// One insertion at one place. At the same place, what ends comes before what begins, and of two that begin the one
/// that ends later.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: usize,
    rank: Rank,
    order: [usize; 2],
    text: String,
    skip_to: usize,
}

impl Event {
    fn new(at: usize, rank: Rank, order: [usize; 2], text: String) -> Event {
        Event { at, rank, order, text, skip_to: 0 }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Close,
    After,
    CloseBrace,
    OpenBrace,
    Before,
    Open,
    Moved,
}
