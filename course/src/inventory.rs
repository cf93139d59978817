//! The tests in a chapter's test files, found without compiling them.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::week::{Task, Week};
use crate::{Course, Error, files};

/// A test file of a chapter.
#[derive(Clone, Debug, Default)]
pub struct TestFile {
    /// Its name without `.rs`.
    pub name: String,
    /// Where it is, seen from the root.
    pub path: String,
    /// Its tests, with the modules they are in: `task_3_1::orders_keys`.
    pub tests: Vec<String>,
    /// The lines of bare `#[should_panic]`s.
    pub bare_should_panics: Vec<usize>,
}

/// The test files of a week.
///
/// # Errors
/// If one cannot be read or is not Rust.
pub fn test_files(course: &Course, week: &Week) -> Result<Vec<TestFile>, Error> {
    files_named(course, week, |_| true)
}

/// The files with the tests of some tasks. The week's other files are not looked at: a reader's own tests may be half
/// written.
///
/// # Errors
/// If one of the files cannot be read or is not Rust.
pub fn task_files(course: &Course, week: &Week, tasks: &[&Task]) -> Result<Vec<TestFile>, Error> {
    files_named(course, week, |name| tasks.iter().any(|task| task.test == name))
}

fn files_named(
    course: &Course,
    week: &Week,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<TestFile>, Error> {
    let mut found = Vec::new();
    for path in files::list(&week.folder.join("tests"))? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if files::has_extension(&path, "rs") && is_wanted(&name) {
            found.push(test_file(&name, &course.shown(&path), &files::read(&path)?)?);
        }
    }
    Ok(found)
}

/// The tests in a file's text. Tests written inside a macro such as `proptest!` count too, so this reads tokens.
///
/// # Errors
/// If the text is not Rust.
pub fn test_file(name: &str, path: &str, text: &str) -> Result<TestFile, Error> {
    let tokens: TokenStream = text.parse().map_err(|error: proc_macro2::LexError| {
        Error::at(path, error.span().start().line, format!("this is not Rust: {error}"))
    })?;
    let mut file = TestFile { name: name.to_owned(), path: path.to_owned(), ..TestFile::default() };
    file.scan(tokens, "");
    Ok(file)
}

impl TestFile {
    fn scan(&mut self, tokens: TokenStream, module: &str) {
        let mut words: Vec<String> = Vec::new();
        let mut is_test = false;
        for token in tokens {
            match token {
                TokenTree::Group(group) if is_attribute(&words, &group) => {
                    is_test |= names_test(&group);
                    self.note_should_panic(&group);
                }
                TokenTree::Group(group) => {
                    self.scan(group.stream(), &inside(module, &words, &group));
                    words.clear();
                }
                other => {
                    let word = other.to_string();
                    if words.last().is_some_and(|last| last == "fn") && is_test {
                        self.tests.push(format!("{module}{word}"));
                        is_test = false;
                    }
                    words.push(word);
                }
            }
        }
    }

    fn note_should_panic(&mut self, attribute: &Group) {
        if attribute.stream().to_string() == "should_panic" {
            let line = attribute.span_open().start().line;
            self.bare_should_panics.push(line);
        }
    }
}

fn is_attribute(words: &[String], group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket && words.last().is_some_and(|last| last == "#")
}

fn names_test(attribute: &Group) -> bool {
    attribute.stream().into_iter().last().is_some_and(|last| last.to_string() == "test")
}

/// The module that a group's content is in: a new one after `mod name`.
fn inside(module: &str, words: &[String], group: &Group) -> String {
    match words {
        [.., keyword, name] if keyword == "mod" && group.delimiter() == Delimiter::Brace => {
            format!("{module}{name}::")
        }
        _ => module.to_owned(),
    }
}
