//! The markers in the reference: comments that say what a stub leaves out.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};

use crate::Error;
use crate::week::{TaskId, line_at};

/// What a marker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `// exercise: week3.2`: the next function's body is the reader's.
    Exercise(TaskId),
    /// `// solution-only`: what follows is not in the stub.
    SolutionOnly,
    /// `// solution-only: begin`.
    Begin,
    /// `// solution-only: end`.
    End,
    /// `// stub: code`: the stub has this line instead.
    Stub(String),
}

/// A marker and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// What it says.
    pub kind: Kind,
    /// Its whole line, with the line's end.
    pub range: Range<usize>,
    /// The number of that line, from 1.
    pub line: usize,
}

/// The markers of a Rust file, in order. Only comments on a line of their own count; strings and doc comments do not.
///
/// # Errors
/// If the file is not Rust, or a comment begins as a marker does and is none.
pub fn markers(path: &str, text: &str) -> Result<Vec<Marker>, Error> {
    let mut markers = Vec::new();
    for range in comments(path, text)? {
        let line = line_at(text, range.start);
        let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let alone = text[start..range.start].trim().is_empty();
        if !alone {
            continue;
        }
        let kind = parse(text[range.clone()].trim()).map_err(|why| Error::at(path, line, why))?;
        if let Some(kind) = kind {
            let end = text[range.end..].find('\n');
            let end = end.map_or(text.len(), |at| range.end + at + 1);
            markers.push(Marker { kind, range: start..end, line });
        }
    }
    Ok(markers)
}

fn parse(comment: &str) -> Result<Option<Kind>, String> {
    let Some(said) = comment.strip_prefix("// ") else {
        return Ok(None);
    };
    if let Some(task) = said.strip_prefix("exercise:") {
        let task = task.trim();
        return match task.strip_prefix("week").and_then(TaskId::parse) {
            Some(id) => Ok(Some(Kind::Exercise(id))),
            None => Err(format!("expected `// exercise: week3.2`, found the task {task:?}")),
        };
    }
    if let Some(code) = said.strip_prefix("stub: ") {
        return Ok(Some(Kind::Stub(code.trim().to_owned())));
    }
    match said {
        "solution-only" => Ok(Some(Kind::SolutionOnly)),
        "solution-only: begin" => Ok(Some(Kind::Begin)),
        "solution-only: end" => Ok(Some(Kind::End)),
        _ if said.starts_with("solution-only") => Err(format!(
            "expected `// solution-only`, `// solution-only: begin` or `// solution-only: end`, found `{comment}`"
        )),
        _ => Ok(None),
    }
}

/// The `//` comments of a Rust file: what lies between its tokens, and is not white space or a block comment.
fn comments(path: &str, text: &str) -> Result<Vec<Range<usize>>, Error> {
    let mut comments = Vec::new();
    let mut from = 0;
    for token in token_ranges(path, text)? {
        // A doc comment is several tokens with one range.
        if token.start >= from {
            scan_gap(text, from..token.start, &mut comments);
        }
        from = from.max(token.end);
    }
    scan_gap(text, from..text.len(), &mut comments);
    Ok(comments)
}

fn scan_gap(text: &str, gap: Range<usize>, found: &mut Vec<Range<usize>>) {
    let mut at = gap.start;
    while at < gap.end {
        let rest = &text[at..gap.end];
        let length = if rest.starts_with("//") {
            let length = rest.find('\n').unwrap_or(rest.len());
            found.push(at..at + length);
            length
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        at += length;
    }
}

/// The length of the block comment at the start of a text; block comments nest.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The ranges of a Rust file's tokens, in order; the delimiters of a group count as tokens.
pub(crate) fn token_ranges(path: &str, text: &str) -> Result<Vec<Range<usize>>, Error> {
    let stream = text.parse::<TokenStream>().map_err(|error| {
        Error::at(path, error.span().start().line, format!("this is not Rust: {error}"))
    })?;
    let mut ranges = Vec::new();
    collect_ranges(stream, &mut ranges);
    Ok(ranges)
}

fn collect_ranges(stream: TokenStream, ranges: &mut Vec<Range<usize>>) {
    for token in stream {
        match token {
            TokenTree::Group(group) => {
                ranges.push(group.span_open().byte_range());
                collect_ranges(group.stream(), ranges);
                ranges.push(group.span_close().byte_range());
            }
            other => ranges.push(other.span().byte_range()),
        }
    }
}
