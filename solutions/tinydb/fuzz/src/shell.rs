//! The shell's lines.
//!
//! Checked: no line makes the parser panic, and what is wrong is said in one line; the words of a line, printed as the shell
//! prints them, are read as the same words; a command that is made of them anew is the same command, or refused with the
//! same message; any bytes, printed, are one word that means them, in a line and as an argument, and can be seen.

use tinydb_cli::command::Command;
use tinydb_cli::words::{Shown, Word, from_argument, split};

/// Input: a line.
pub fn check(line: &[u8]) {
    check_shown(line);
    let words = match split(line) {
        Ok(words) => words,
        Err(error) => {
            assert_one_line(&error.to_string());
            return assert!(Command::from_line(line).is_err(), "words that can't be read");
        }
    };
    let typed: Vec<String> = words.iter().map(typed).collect();
    let typed = typed.join(" ");
    assert_eq!(split(typed.as_bytes()).as_ref(), Ok(&words), "{typed}");
    let command = Command::from_line(line);
    if let Err(error) = &command {
        assert_one_line(&error.to_string());
    }
    assert_eq!(Command::from_line(typed.as_bytes()), command, "{typed}");
    let commented = [typed.as_bytes(), b" # ", line].concat();
    assert_eq!(Command::from_line(&commented), command, "with a comment");
}

/// A word as it can be typed. The name of an option is in no quotes, and so may have to be escaped.
fn typed(word: &Word) -> String {
    if !word.is_option {
        return Shown(&word.bytes).to_string();
    }
    let escaped = word.bytes[2..].iter().map(|byte| format!("\\x{byte:02x}"));
    escaped.fold("--".to_owned(), |typed, byte| typed + &byte)
}

fn check_shown(bytes: &[u8]) {
    let shown = Shown(bytes).to_string();
    assert_one_line(&shown);
    let word = Word { bytes: bytes.to_vec(), is_option: false };
    assert_eq!(split(shown.as_bytes()), Ok(vec![word.clone()]), "{shown}");
    assert_eq!(from_argument(shown.as_bytes()), Ok(word), "{shown}");
}

fn assert_one_line(text: &str) {
    assert!(!text.is_empty() && !text.contains(|char: char| char.is_control()), "{text:?}");
}
