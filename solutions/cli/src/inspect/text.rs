//! Labelled bytes as text.

use std::fmt;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::part::{Field, Sink};

/// How many bytes stand in a line.
const LINE_LEN: usize = 8;
/// How many lines a field has, unless all of it is wanted.
const MOST_LINES: usize = 4;

const BOLD: Style = Style::new().bold();
const RED: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));

/// Prints labelled bytes: offset, bytes, name and meaning.
pub struct Text<'a> {
    offset_width: usize,
    full: bool,
    out: &'a mut dyn Write,
}

impl<'a> Text<'a> {
    /// A printer for a file of `file_len` bytes; long fields in whole only if `full`.
    pub fn new(file_len: usize, full: bool, out: &'a mut dyn Write) -> Self {
        let offset_width = file_len.to_string().len().max(4);
        Self { offset_width, full, out }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Text").field("full", &self.full).finish_non_exhaustive()
    }
}

impl Sink for Text<'_> {
    fn heading(&mut self, level: usize, text: fmt::Arguments<'_>) -> io::Result<()> {
        match level {
            0 => writeln!(self.out, "{BOLD}{text}{BOLD:#}"),
            1 => writeln!(self.out, "\n{BOLD}{text}{BOLD:#}"),
            _ => writeln!(self.out, "  {text}"),
        }
    }

    fn field(&mut self, field: &Field<'_>) -> io::Result<()> {
        let width = self.offset_width;
        let lines = if self.full { usize::MAX } else { MOST_LINES };
        for (number, line) in field.bytes.chunks(LINE_LEN).enumerate().take(lines) {
            let offset = field.offset + number * LINE_LEN;
            write!(self.out, "{offset:>width$}  ")?;
            if number == 0 {
                let style = if field.wrong { RED } else { Style::new() };
                let columns = LINE_LEN * 3 - 1;
                let (name, meaning) = (field.name, field.meaning);
                let hex = Hex(line).to_string();
                writeln!(self.out, "{hex:<columns$}  {style}{name:<18} {meaning}{style:#}")?;
            } else {
                writeln!(self.out, "{}", Hex(line))?;
            }
        }
        let printed = lines.saturating_mul(LINE_LEN);
        match field.bytes.len().checked_sub(printed) {
            None | Some(0) => Ok(()),
            Some(more) => writeln!(self.out, "{:>width$}  and {more} bytes more", "…"),
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, byte) in self.0.iter().enumerate() {
            let space = if number == 0 { "" } else { " " };
            write!(out, "{space}{byte:02x}")?;
        }
        Ok(())
    }
}
