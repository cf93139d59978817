//! A line of a sheet: its comment with an id, and its box.

use std::ops::Range;

/// How a box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Open.
    Open,
    /// Ticked by hand.
    Hand,
    /// Ticked by tests.
    Tests,
}

/// A comment with an id.
pub(super) struct Comment<'a> {
    pub(super) id: &'a str,
    pub(super) by_tests: bool,
    /// Where it is in its line.
    at: Range<usize>,
}

/// The comments with ids in a line, wherever in it: a reader may have written behind them. A backslash in front makes a
/// line the reader's own.
pub(super) fn comments(line: &str) -> impl Iterator<Item = Comment<'_>> {
    let begin = line.trim_start();
    let begin = begin.strip_prefix("- Answer:").map_or(begin, str::trim_start);
    let line = if begin.starts_with('\\') { "" } else { line };
    line.match_indices("<!--").filter_map(move |(at, _)| comment(line, at))
}

fn comment(line: &str, at: usize) -> Option<Comment<'_>> {
    let (inside, _) = line[at + 4..].split_once("-->")?;
    let at = at..at + 4 + inside.len() + 3;
    let mut words = inside.split_whitespace();
    let (id, by, more) = (words.next()?, words.next(), words.next());
    let by_tests = by == Some("tests");
    (more.is_none() && (by_tests || by.is_none())).then_some(Comment { id, by_tests, at })
}

/// Where a line's box is: the byte of its `[`.
fn box_at(line: &str) -> Option<usize> {
    let begin = line.len() - line.trim_start_matches(['\u{feff}', ' ', '\t']).len();
    let rest = line[begin..].strip_prefix(['-', '*', '+'])?.strip_prefix(' ')?;
    let rest = rest.trim_start_matches(' ');
    let is_box = ["[ ]", "[x]", "[X]"].iter().any(|open| rest.starts_with(open));
    is_box.then(|| line.len() - rest.len())
}

/// How a line's box is, if it has one, by one of its comments.
pub(super) fn tick_of(line: &str, comment: &Comment<'_>) -> Option<Tick> {
    let at = box_at(line)?;
    Some(match (&line[at..at + 3], comment.by_tests) {
        ("[ ]", _) => Tick::Open,
        (_, true) => Tick::Tests,
        (_, false) => Tick::Hand,
    })
}

/// A line with its box as it should be. The words around are the reader's to change.
pub(super) fn with_tick(line: &str, id: &str, tick: Tick) -> String {
    let comment = comments(line).find(|comment| comment.id == id);
    let (Some(at), Some(comment)) = (box_at(line), comment) else {
        return line.to_owned();
    };
    let (mark, by) = match tick {
        Tick::Open => ("[ ]", ""),
        Tick::Hand => ("[x]", ""),
        Tick::Tests => ("[x]", " tests"),
    };
    let (words, rest) = (&line[at + 3..comment.at.start], &line[comment.at.end..]);
    format!("{}{mark}{words}<!-- {id}{by} -->{rest}", &line[..at])
}
