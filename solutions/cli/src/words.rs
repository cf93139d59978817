//! Words: how keys and values, which may be any bytes, are typed and printed.
//!
//! A line is split at white space into words. A word is one of these:
//!
//! | typed as | means |
//! |---|---|
//! | `plain` | its bytes, up to the next white space |
//! | `"quoted"` | its bytes, up to the next quotation mark |
//! | `'raw'` | its bytes, up to the next apostrophe; nothing in it is an escape |
//!
//! In the first two a backslash begins an escape: `\n`, `\r`, `\t`, `\xHH` for any byte, and a backslash
//! before a backslash, a quotation mark, an apostrophe, a space or a `#` for just that. A quotation mark
//! or an apostrophe within a plain word is a byte like any other. A `#` where a word could begin starts
//! a comment.
//!
//! [`Shown`] prints bytes as a word that [`split`] reads back as the same bytes. Crates that split a line
//! as a Unix shell does work on text, and keys need not be text.

use std::fmt;

/// One word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it means.
    pub bytes: Vec<u8>,
    /// Whether it may name an option: it was typed with `--` in front, without quotes.
    pub is_option: bool,
}

/// What is wrong with how a word is typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// The line ends within quotes.
    #[error("a word that begins with {0} has no {0} at its end")]
    Unclosed(char),
    /// Something follows the closing quotes.
    #[error("behind the closing {0} of a word there must be a space")]
    Glued(char),
    /// A backslash with something behind it that means nothing.
    #[error(
        r#"\{} is no escape; there are \n \r \t \xHH, and \ before one of \ " ' # and a space"#,
        .0.escape_debug()
    )]
    UnknownEscape(char),
    /// A backslash with nothing behind it.
    #[error(r"nothing follows the last \; a backslash is typed \\")]
    EndsInBackslash,
    /// `\x` without two digits.
    #[error(r"\x needs two hexadecimal digits, such as \x00 or \xff")]
    NoHex,
}

/// Splits a line into words, without its comment.
pub fn split(line: &[u8]) -> Result<Vec<Word>, WordError> {
    let mut input = Input { rest: line };
    let mut words = Vec::new();
    loop {
        input.rest = input.rest.trim_ascii_start();
        match input.rest.first() {
            None | Some(b'#') => return Ok(words),
            Some(_) => words.push(input.word(Spaces::End)?),
        }
    }
}

/// Reads an argument of the program as one word. It is typed as in a line, but for spaces, which
/// end no word: the caller's shell has found the words.
pub fn from_argument(argument: &[u8]) -> Result<Word, WordError> {
    let mut input = Input { rest: argument };
    input.word(Spaces::Belong)
}

/// Whether white space ends a plain word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spaces {
    End,
    Belong,
}

struct Input<'a> {
    rest: &'a [u8],
}

impl Input<'_> {
    fn word(&mut self, spaces: Spaces) -> Result<Word, WordError> {
        match self.rest.first() {
            Some(b'"') => self.quoted('"', spaces),
            Some(b'\'') => self.quoted('\'', spaces),
            _ => self.plain(spaces),
        }
    }

    fn plain(&mut self, spaces: Spaces) -> Result<Word, WordError> {
        let is_option = self.rest.starts_with(b"--");
        let mut bytes = Vec::new();
        while let Some((&byte, rest)) = self.rest.split_first() {
            if spaces == Spaces::End && byte.is_ascii_whitespace() {
                break;
            }
            self.rest = rest;
            bytes.push(if byte == b'\\' { self.escape()? } else { byte });
        }
        Ok(Word { bytes, is_option })
    }

    fn quoted(&mut self, quote: char, spaces: Spaces) -> Result<Word, WordError> {
        self.rest = &self.rest[1..];
        let mut bytes = Vec::new();
        loop {
            let (&byte, rest) = self.rest.split_first().ok_or(WordError::Unclosed(quote))?;
            self.rest = rest;
            match byte {
                _ if byte == quote as u8 => break,
                b'\\' if quote == '"' => bytes.push(self.escape()?),
                _ => bytes.push(byte),
            }
        }
        match self.rest.first() {
            Some(byte) if spaces == Spaces::Belong || !byte.is_ascii_whitespace() => {
                Err(WordError::Glued(quote))
            }
            _ => Ok(Word { bytes, is_option: false }),
        }
    }

    /// The byte that is meant by what follows a backslash.
    fn escape(&mut self) -> Result<u8, WordError> {
        let (&byte, rest) = self.rest.split_first().ok_or(WordError::EndsInBackslash)?;
        self.rest = rest;
        match byte {
            b'n' => Ok(b'\n'),
            b'r' => Ok(b'\r'),
            b't' => Ok(b'\t'),
            b'x' => self.hex(),
            b'\\' | b'"' | b'\'' | b'#' | b' ' => Ok(byte),
            _ => Err(WordError::UnknownEscape(self.char_from(byte))),
        }
    }

    fn hex(&mut self) -> Result<u8, WordError> {
        let digit = |&byte: &u8| char::from(byte).to_digit(16);
        let (Some(high), Some(low)) =
            (self.rest.first().and_then(digit), self.rest.get(1).and_then(digit))
        else {
            return Err(WordError::NoHex);
        };
        self.rest = &self.rest[2..];
        // Exact: both are less than 16.
        Ok((high * 16 + low) as u8)
    }

    /// The character that begins with `byte`, which was taken already; a stand-in if there is none.
    fn char_from(&self, byte: u8) -> char {
        let bytes: Vec<u8> = [byte].iter().chain(self.rest.iter().take(3)).copied().collect();
        let text = bytes.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
        text.unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

/// Bytes, printed as a word that can be typed: plain where possible, otherwise in quotes.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.as_plain() {
            return out.write_str(text);
        }
        out.write_str("\"")?;
        for chunk in self.0.utf8_chunks() {
            for char in chunk.valid().chars() {
                write_char(char, out)?;
            }
            write_hex(chunk.invalid(), out)?;
        }
        out.write_str("\"")
    }
}

impl<'a> Shown<'a> {
    /// The bytes as a plain word, if they can be one. Whatever could be taken for an option can't.
    fn as_plain(&self) -> Option<&'a str> {
        let text = std::str::from_utf8(self.0).ok()?;
        let special =
            text.is_empty() || text.starts_with(['"', '\'', '#']) || text.starts_with("--");
        let plain = |char: char| char != '\\' && char != ' ' && is_printable(char);
        (!special && text.chars().all(plain)).then_some(text)
    }
}

fn write_char(char: char, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match char {
        '"' | '\\' => write!(out, "\\{char}"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        _ if is_printable(char) => write!(out, "{char}"),
        _ => write_hex(char.encode_utf8(&mut [0; 4]).as_bytes(), out),
    }
}

fn write_hex(bytes: &[u8], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "\\x{byte:02x}"))
}

/// Whether a character can be seen on a terminal and told from others: no control character, no white
/// space but the space, nothing that changes the direction of the text.
fn is_printable(char: char) -> bool {
    // Apart from these, `escape_debug` escapes exactly what can't be seen.
    matches!(char, '"' | '\'' | '\\') || char.escape_debug().count() == 1
}

/// [`Shown`], but of bytes that are more than `limit` only the first, and how many there are.
#[derive(Debug, Clone, Copy)]
pub struct Shortened<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// How many of them are printed at most.
    pub limit: usize,
}

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bytes.get(..self.limit) {
            Some(start) if self.bytes.len() > self.limit => {
                write!(out, "{}… ({} bytes)", Shown(start), self.bytes.len())
            }
            _ => Shown(self.bytes).fmt(out),
        }
    }
}
