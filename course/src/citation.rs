//! What a text names of SlateDB: files and items in code font, in Markdown or in the comments of Rust.
//!
//! A file is a path that begins with `src/`. The items named with it stand before it or after it:
//!
//! | form | items |
//! |---|---|
//! | A and B in FILE, A of FILE | before |
//! | A in the same file | before; the file is the last one named |
//! | A (FILE) | before |
//! | FILE: A, B | after |
//! | a table's cell with items, then one with FILE, or the other way around | in the cell |
//!
//! Before FILE may stand its crate, as in "A in CRATE, FILE". Other names count in a passage about SlateDB only: in a box
//! of class `slatedb`, or in a paragraph, list or table that says SlateDB or names one of its files.

use crate::prose::{Block, Token, blocks, tokens};

/// The crate that a file belongs to when no crate is named.
pub const MAIN_CRATE: &str = "slatedb";

/// Something that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The line, from 1.
    pub line: usize,
    /// What is named there.
    pub what: Cited,
}

/// What can be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cited {
    /// A file, or a folder if it ends in `/`.
    File(Place),
    /// An item of a file.
    Item(Place, String),
    /// The name of an item whose file is not said.
    LooseItem(String),
    /// The name of a file that begins with no `src/`, in a passage about SlateDB.
    LooseFile(String),
    /// A box's "All places are in … version".
    Version(String),
    /// Something that cannot be understood, and how it can.
    Unclear(String),
}

/// A file of a crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The crate.
    pub of: String,
    /// Its path in the crate.
    pub path: String,
}

/// What a page names.
pub fn in_page(text: &str) -> Vec<Citation> {
    in_lines(text.lines().map(str::to_owned))
}

/// What the comments of a Rust file name.
pub fn in_comments(text: &str) -> Vec<Citation> {
    let comment = |line: &str| match line.trim_start().strip_prefix("//") {
        Some(rest) => rest.trim_start_matches(['/', '!']).to_owned(),
        None => String::new(),
    };
    in_lines(text.lines().map(comment))
}

fn in_lines(lines: impl Iterator<Item = String>) -> Vec<Citation> {
    let mut reader = Reader::default();
    for block in blocks(lines) {
        reader.read(&block);
    }
    reader.citations.sort_by_key(|citation| citation.line);
    reader.citations
}

#[derive(Default)]
struct Reader {
    /// The file that was named last.
    last: Option<Place>,
    citations: Vec<Citation>,
}

impl Reader {
    fn read(&mut self, block: &Block) {
        let tokens = tokens(block);
        let mut taken = vec![false; tokens.len()];
        let mut about = block.in_box;
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Code(code, line) => {
                    if let Some(place) = place_named(code) {
                        about = true;
                        self.read_file(&tokens, at, *line, place, &mut taken);
                    } else if begins_a_place(code) {
                        self.unclear(*line, format!(
                            "`{code}`: expected a file or a folder, such as `src/db.rs`, without a line number"
                        ));
                        taken[at] = true;
                    }
                }
                Token::Word(word) => {
                    about |= word.trim_end_matches("'s") == "slatedb";
                    if is_same_file(&tokens[..=at]) {
                        self.read_same_file(&tokens, at, &mut taken);
                    }
                }
                Token::Mark(_) => {}
            }
        }
        if block.in_box {
            self.read_version(block);
        }
        if about {
            self.read_loose(&tokens, &taken);
        }
    }

    fn read_file(
        &mut self,
        tokens: &[Token],
        at: usize,
        line: usize,
        place: Place,
        taken: &mut [bool],
    ) {
        taken[at] = true;
        let (place, link) = Self::with_crate(tokens, at, place, taken);
        self.cite(line, Cited::File(place.clone()));
        let before = match tokens[..link].last() {
            Some(Token::Word(word)) if word == "in" || word == "of" => {
                items_before(tokens, link - 1)
            }
            Some(Token::Mark('(' | '|')) => items_before(tokens, link - 1),
            Some(Token::Mark(',')) => {
                self.refuse_comma(tokens, link - 1, &place);
                Vec::new()
            }
            _ => Vec::new(),
        };
        let opens_cell = link == 0 || matches!(tokens[link - 1], Token::Mark('|'));
        let after = match tokens.get(at + 1) {
            Some(Token::Mark(':')) => items_after(tokens, at + 2),
            Some(Token::Mark('|')) if opens_cell && before.is_empty() => {
                items_after(tokens, at + 2)
            }
            _ => Vec::new(),
        };
        self.read_items(tokens, before.into_iter().chain(after), &place, taken);
        self.last = Some(place);
    }

    /// The place with the crate that stands before it, and where the words begin that stand before both.
    fn with_crate(tokens: &[Token], at: usize, place: Place, taken: &mut [bool]) -> (Place, usize) {
        let [.., Token::Code(of, _), Token::Mark(',' | '(')] = &tokens[..at] else {
            return (place, at);
        };
        if !is_crate(of) {
            return (place, at);
        }
        taken[at - 2] = true;
        let link = match &tokens[..at - 2] {
            [.., Token::Word(the), Token::Word(krate)] if the == "the" && krate == "crate" => {
                at - 4
            }
            _ => at - 2,
        };
        (Place { of: of.clone(), ..place }, link)
    }

    /// "`Item` in `Type`, `src/file.rs`" does not say what is in the file.
    fn refuse_comma(&mut self, tokens: &[Token], comma: usize, place: &Place) {
        if let Some(Token::Code(code, line)) = tokens[..comma].last()
            && item_name(code).is_some()
            && place_named(code).is_none()
        {
            let path = &place.path;
            self.unclear(*line, format!(
                "`{code}`, `{path}`: write `{code}` in `{path}`, and a field or a method of it as `{code}::name`"
            ));
        }
    }

    fn read_same_file(&mut self, tokens: &[Token], at: usize, taken: &mut [bool]) {
        let items = items_before(tokens, at - 3);
        match self.last.clone() {
            Some(place) => self.read_items(tokens, items.into_iter(), &place, taken),
            None => {
                if let Some(Token::Code(code, line)) = items.first().map(|item| &tokens[*item]) {
                    self.unclear(
                        *line,
                        format!("`{code}` in the same file: no file is named above"),
                    );
                }
            }
        }
    }

    fn read_items(
        &mut self,
        tokens: &[Token],
        items: impl Iterator<Item = usize>,
        place: &Place,
        taken: &mut [bool],
    ) {
        for at in items {
            let Token::Code(code, line) = &tokens[at] else { continue };
            if std::mem::replace(&mut taken[at], true) {
                continue;
            }
            match item_name(code) {
                Some(item) => self.cite(*line, Cited::Item(place.clone(), item)),
                None => self.unclear(
                    *line,
                    format!(
                        "`{code}` stands as an item of `{}`: expected a name, such as `Db::put`",
                        place.path
                    ),
                ),
            }
        }
    }

    fn read_loose(&mut self, tokens: &[Token], taken: &[bool]) {
        for (token, taken) in tokens.iter().zip(taken) {
            let (Token::Code(code, line), false) = (token, taken) else { continue };
            if is_file_name(code) {
                self.cite(*line, Cited::LooseFile(code.clone()));
            } else if let Some(item) = item_name(code).filter(|item| is_telling(item)) {
                self.cite(*line, Cited::LooseItem(item));
            }
        }
    }

    fn read_version(&mut self, block: &Block) {
        let Some(at) = block.text.find("All places are in") else { return };
        let words: Vec<&str> = block.text[at..].split_whitespace().collect();
        let version = words.iter().skip_while(|word| **word != "version").nth(1);
        let line = block.line + block.text[..at].matches('\n').count();
        let version = version.map(|version| version.trim_end_matches('.').to_owned());
        match version {
            Some(version) => self.cite(line, Cited::Version(version)),
            None => self
                .unclear(line, "expected \"All places are in the crate …, version …\"".to_owned()),
        }
    }

    fn cite(&mut self, line: usize, what: Cited) {
        self.citations.push(Citation { line, what });
    }

    fn unclear(&mut self, line: usize, how: String) {
        self.cite(line, Cited::Unclear(how));
    }
}

/// The place that a code names, if it names one.
fn place_named(code: &str) -> Option<Place> {
    let (of, path) = split_crate(code);
    let whole = path.len() > "src/".len();
    let letters =
        path.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./".contains(letter));
    (begins_a_place(code) && whole && letters)
        .then(|| Place { of: of.to_owned(), path: path.to_owned() })
}

fn begins_a_place(code: &str) -> bool {
    split_crate(code).1.starts_with("src/")
}

/// `slatedb-txn-obj/src/lib.rs` as a crate and a path in it.
fn split_crate(code: &str) -> (&str, &str) {
    match code.split_once('/') {
        Some((of, path)) if is_crate(of) => (of, path),
        _ => (MAIN_CRATE, code),
    }
}

fn is_crate(code: &str) -> bool {
    code.strip_prefix(MAIN_CRATE).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Whether these tokens end in "in the same file".
fn is_same_file(tokens: &[Token]) -> bool {
    let is = |token: &Token, expected: &str| matches!(token, Token::Word(word) if word == expected);
    let Some(last) = tokens.last_chunk::<4>() else { return false };
    last.iter().zip(["in", "the", "same", "file"]).all(|(token, word)| is(token, word))
}

/// The items of "`A`, `B` and `C`" that end before `end`.
fn items_before(tokens: &[Token], end: usize) -> Vec<usize> {
    let mut items = Vec::new();
    let mut end = end;
    while let Some(Token::Code(code, _)) = tokens[..end].last() {
        let unfit = place_named(code).is_some() || is_crate(code);
        if unfit || (!items.is_empty() && item_name(code).is_none()) {
            break;
        }
        items.push(end - 1);
        let rest = &tokens[..end - 1];
        match rest.len() - separators(rest.iter().rev()) {
            same if same == rest.len() => break,
            next => end = next,
        }
    }
    items
}

/// The items of "`A`, `B` and `C`" from `start` on.
fn items_after(tokens: &[Token], start: usize) -> Vec<usize> {
    let mut items = Vec::new();
    let mut at = start;
    while let Some(Token::Code(code, _)) = tokens.get(at) {
        let fits = place_named(code).is_none() && !is_file_name(code) && item_name(code).is_some();
        if !fits {
            break;
        }
        items.push(at);
        match separators(tokens[at + 1..].iter()) {
            0 => break,
            length => at += 1 + length,
        }
    }
    items
}

/// How many tokens separate two items of a list: a comma, a word, or both.
fn separators<'a>(tokens: impl Iterator<Item = &'a Token>) -> usize {
    let separates = |token: &&Token| match token {
        Token::Mark(mark) => *mark == ',',
        Token::Word(word) => word == "and" || word == "or",
        Token::Code(..) => false,
    };
    tokens.take(2).take_while(separates).count()
}

/// The item that a code names: `Db::put` for `Db::put(key)`, `Db.put` and `Db::put`; nothing if it is not a name.
fn item_name(code: &str) -> Option<String> {
    let head = code.split_once(['(', '<', '!']).map_or(code, |(head, _)| head);
    let whole = head.len() == code.len() || code.ends_with([')', '>', '!']);
    let name = head.replace('.', "::");
    let is_name = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    (whole && name.split("::").all(is_name)).then_some(name)
}

/// Whether a name is one that only code has: `Db`, `last_seq` or `a::b`, and not `put`.
fn is_telling(name: &str) -> bool {
    name.contains(|letter: char| letter.is_ascii_uppercase() || letter == '_' || letter == ':')
}

fn is_file_name(code: &str) -> bool {
    let endings = [".rs", ".toml", ".fbs", ".md"];
    endings.iter().any(|ending| code.len() > ending.len() && code.ends_with(ending))
        && code.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./".contains(letter))
}
