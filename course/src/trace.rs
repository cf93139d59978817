//! `cargo course trace`: recordings for the book's player.
//!
//! A recording is made of a script, `book/src/traces/NAME.txt`, by the shell's `record`. Beside the script lie the
//! recording, `NAME.json`, and what a page includes to show it, `NAME.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::cargo::{build_program, succeed};
use crate::{Course, Error, files, shell};

/// A script and what it is called.
#[derive(Clone, Debug)]
pub struct Script {
    /// `flush` for `flush.txt`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

/// What this crate reads of a recording.
#[derive(Debug, Deserialize)]
struct Recording {
    title: String,
    look: String,
    frames: Vec<Frame>,
}

#[derive(Debug, Deserialize)]
struct Frame {
    text: String,
}

/// Where the course's own scripts and recordings are.
pub fn folder(course: &Course) -> PathBuf {
    course.book().join("traces")
}

/// The course's own scripts.
///
/// # Errors
/// If their folder cannot be read.
pub fn scripts(course: &Course) -> Result<Vec<Script>, Error> {
    let found = files::list(&folder(course))?;
    let scripts = found.into_iter().filter(|path| files::has_extension(path, "txt"));
    Ok(scripts.map(|path| Script { name: stem(&path), path }).collect())
}

/// The scripts that are meant: names of the course's own, or files. All of the course's own if nothing is named.
///
/// # Errors
/// If there is no such script.
pub fn select(course: &Course, named: &[String]) -> Result<Vec<Script>, Error> {
    let known = scripts(course)?;
    if named.is_empty() {
        return Ok(known);
    }
    let find = |name: &String| {
        if let Some(script) = known.iter().find(|script| script.name == *name) {
            return Ok(script.clone());
        }
        let path = std::path::absolute(name).map_err(Error::io("find", name))?;
        if path.is_file() {
            return Ok(Script { name: stem(&path), path });
        }
        Err(Error::NoScript {
            asked: name.clone(),
            known: crate::prose::joined(known.iter().map(|script| &script.name)),
        })
    };
    named.iter().map(find).collect()
}

/// Records on the finished engine. The course's own recordings are written where they belong; others into the
/// course's work folder. Says what was written.
///
/// # Errors
/// If a script cannot be recorded.
pub fn record(course: &Course, named: &[String]) -> Result<Vec<String>, Error> {
    let program = reference(course, true)?;
    let mut done = Vec::new();
    for script in select(course, named)? {
        if script.path.starts_with(folder(course)) {
            for (path, text) in recorded(&program, &script)? {
                if files::write(&path, text.as_bytes())? {
                    done.push(format!("wrote {}", course.shown(&path)));
                }
            }
        } else {
            let path = course.work().join("traces").join(format!("{}.json", script.name));
            files::write(&path, run(&program, &script)?.as_bytes())?;
            done.push(format!("wrote {}", path.display()));
        }
    }
    if done.is_empty() {
        done.push("the recordings are up to date".to_owned());
    }
    Ok(done)
}

/// Records on a week's crate, into the course's work folder. Says where the recordings are.
///
/// # Errors
/// If there is no such week, it does not compile, or a script cannot be recorded.
pub fn record_week(course: &Course, number: u8, named: &[String]) -> Result<Vec<String>, Error> {
    let week = course.week(number)?;
    let scripts = select(course, named)?;
    let program = shell::build(course, &week)?;
    let mut done = Vec::new();
    for script in scripts {
        let folder = course.work().join("traces").join(week.name());
        let path = folder.join(format!("{}.json", script.name));
        files::write(&path, run(&program, &script)?.as_bytes())?;
        done.push(format!("recorded {}", path.display()));
    }
    done.push(
        "To see one, open the book's page `Figures that move` (player.html), and drop the file on a player there or choose \
         it with `Load a recording`."
            .to_owned(),
    );
    Ok(done)
}

/// The shell on the finished engine.
///
/// # Errors
/// If there is none or it does not compile.
pub fn reference(course: &Course, progress: bool) -> Result<PathBuf, Error> {
    let manifest = course.root.join("solutions").join("cli").join("Cargo.toml");
    if !manifest.is_file() {
        return Err(Error::NoShell { expected: course.shown(&manifest) });
    }
    build_program(course, shell::PACKAGE, shell::PROGRAM, progress)
}

/// What belongs beside a script: files and what they hold.
///
/// # Errors
/// If the script cannot be recorded, or the recording is none.
pub fn recorded(program: &Path, script: &Script) -> Result<BTreeMap<PathBuf, String>, Error> {
    let json = run(program, script)?;
    let parsed: Result<Recording, _> = serde_json::from_str(&json);
    let recording = parsed.map_err(|error| {
        let message = format!("what was recorded of it is no recording: {error}");
        Error::file(&script.path.to_string_lossy(), message)
    })?;
    let fragment = fragment(&script.name, &recording);
    Ok(BTreeMap::from([
        (script.path.with_extension("json"), json),
        (script.path.with_extension("md"), fragment),
    ]))
}

fn run(program: &Path, script: &Script) -> Result<String, Error> {
    let output = succeed(Command::new(program).arg("record").arg(&script.path))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a page includes: the words for those without JavaScript, and the recording for those with it. It has no empty
/// line, which would end the HTML block.
fn fragment(name: &str, recording: &Recording) -> String {
    let mut out = format!(
        "<div class=\"player\" data-trace=\"{name}\">\n<p class=\"player-lead\"><strong>{}.</strong> {}</p>\n",
        escaped(&recording.title),
        escaped(&recording.look),
    );
    out += "<noscript>\n<p>With JavaScript this is a figure that moves. Step by step it shows:</p>\n<ol start=\"0\">\n";
    for frame in &recording.frames {
        out += &format!("<li>{}</li>\n", escaped(&frame.text));
    }
    out += &format!(
        "</ol>\n</noscript>\n<script type=\"application/json\">\n{{{{#include {name}.json}}}}\n</script>\n</div>\n"
    );
    out
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // Two braces would be an order to mdBook.
    text.replace('{', "&#123;").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
