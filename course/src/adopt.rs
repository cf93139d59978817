//! `cargo course adopt`: later weeks run on the reader's own rooms.
//!
//! Which weeks are adopted stands in `course.toml`, a file that only a reader's copy has, and that they commit. The
//! generator reads it too, so stubs that are made anew keep it. The crates of later weeks name a room's folder in the
//! lines of an [`Origin`] each; only these lines are changed, for the rest of the file may be the reader's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cargo::check_package;
use crate::origin::{Origin, origins};
use crate::report::{self, FAINT, GOOD, Goal, STRONG};
use crate::week::Week;
use crate::{Course, Error, files};

/// The file's name, in the course's root.
pub const FILE: &str = "course.toml";

const HEAD: &str = "# Weeks of yours that later weeks run on, instead of the reference's rooms.\n\
    # `cargo course adopt 3` and `cargo course adopt 3 --back` write this file. Commit it.\n";

/// The weeks that are adopted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adopted {
    /// Their numbers.
    #[serde(rename = "adopted", default)]
    pub weeks: BTreeSet<u8>,
}

impl Adopted {
    /// Reads `course.toml`; without one, no week is adopted.
    ///
    /// # Errors
    /// If it cannot be read or says something else.
    pub fn load(course: &Course) -> Result<Self, Error> {
        let path = course.root.join(FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = files::read(&path)?;
        toml::from_str(&text).map_err(|error| {
            let message = format!("{}: expected a line such as `adopted = [3]`", error.message());
            Error::file(FILE, message)
        })
    }

    /// Writes `course.toml`; where nothing is adopted, there is none.
    fn save(&self, course: &Course) -> Result<(), Error> {
        let path = course.root.join(FILE);
        if self.weeks.is_empty() {
            return match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::io("remove", path)(error))
                }
                _ => Ok(()),
            };
        }
        let text = toml::to_string(self).map_err(|error| Error::file(FILE, error.to_string()))?;
        files::write(&path, format!("{HEAD}{text}").as_bytes()).map(drop)
    }

    /// The rooms that a week's crate takes from the reader, each with the file that it begins in.
    ///
    /// # Errors
    /// If a `week.toml` is malformed.
    pub fn rooms(&self, course: &Course, week: &Week) -> Result<BTreeMap<String, PathBuf>, Error> {
        let mut rooms = BTreeMap::new();
        for earlier in course.weeks()? {
            if earlier.number < week.number && self.weeks.contains(&earlier.number) {
                for room in &earlier.rooms {
                    let file = earlier.folder.join("src").join(room).join("mod.rs");
                    rooms.insert(room.clone(), file);
                }
            }
        }
        Ok(rooms)
    }
}

/// Adopts a week whose tests pass, and tells what runs on it from now on; or tells that they do not, and that it was
/// not adopted.
///
/// # Errors
/// If there is no such week, or a later week would no longer compile; everything is as before then.
pub fn adopt(course: &Course, number: u8) -> Result<(String, bool), Error> {
    let week = course.week(number)?;
    let tested = report::test(course, Goal::Week(number), false)?;
    if !tested.passed {
        let text = format!(
            "{}\nWeek {number} was not adopted: later weeks can only run on code that passes its tests.\n",
            tested.text
        );
        return Ok((text, false));
    }
    let mut adopted = Adopted::load(course)?;
    adopted.weeks.insert(number);
    let notes = apply(course, &adopted)?;
    Ok((told(course, &week, &notes)?, true))
}

/// Lets later weeks run on the reference's rooms again in place of a week's.
///
/// # Errors
/// If there is no such week, or something cannot be written.
pub fn take_back(course: &Course, number: u8) -> Result<String, Error> {
    let week = course.week(number)?;
    let mut adopted = Adopted::load(course)?;
    let was = adopted.weeks.remove(&number);
    let notes = switch(course, &adopted)?.write()?;
    adopted.save(course)?;
    let mut text = if was {
        format!(
            "{GOOD}Week {number} is no longer adopted:{GOOD:#} later weeks run on the reference's {}.\n",
            rooms(&week)
        )
    } else {
        format!("Week {number} was not adopted.\n")
    };
    notes.iter().for_each(|note| {
        let _ = writeln!(text, "{note}");
    });
    text.push_str("Your code of the week is as it was.\n");
    Ok(text)
}

/// Makes the crates of all weeks use these adopted rooms, if they compile with them. Returns what to know about it.
///
/// # Errors
/// If a week compiles no longer, or something cannot be read or written; everything is as before then.
pub fn apply(course: &Course, adopted: &Adopted) -> Result<Vec<String>, Error> {
    let before = Adopted::load(course)?;
    let switch = switch(course, adopted)?;
    // What is interrupted while cargo checks is adopted: crates and list agree at any time.
    let mut notes = switch.write()?;
    adopted.save(course)?;
    let broken = switch.broken(course, &switch.weeks)?;
    if !broken.is_empty() {
        switch.undo()?;
        before.save(course)?;
        let weeks: Vec<String> = broken.iter().map(|(week, _)| week.clone()).collect();
        let broken_before = switch.broken(course, &weeks)?;
        let was_well = |week: &str| !broken_before.iter().any(|(other, _)| other == week);
        if let Some((week, output)) = broken.iter().find(|(week, _)| was_well(week)) {
            return Err(Error::Refused(format!(
                "{week} does not compile with your code, so nothing was adopted. Other rooms use yours by its public items\n\
                 and their types: have you changed one, or added a dependency? These are the errors in {week}:\n\n{output}"
            )));
        }
        switch.write()?;
        adopted.save(course)?;
        let weeks = weeks.join(", ");
        notes.push(format!("{weeks}: does not compile, and did not before either."));
    }
    Ok(notes)
}

/// Whether the crates name the rooms that `course.toml` says; the files that do not.
///
/// # Errors
/// If something cannot be read.
pub fn out_of_step(course: &Course) -> Result<Vec<String>, Error> {
    let switch = switch(course, &Adopted::load(course)?)?;
    Ok(switch.new.iter().map(|(path, _)| course.shown(path)).collect())
}

/// The lines to be changed.
struct Switch {
    /// The crates whose files change.
    weeks: Vec<String>,
    old: Vec<(PathBuf, String)>,
    new: Vec<(PathBuf, String)>,
    /// What could not be changed.
    notes: Vec<String>,
}

impl Switch {
    fn write(&self) -> Result<Vec<String>, Error> {
        files::write_all(&self.new)?;
        Ok(self.notes.clone())
    }

    fn undo(&self) -> Result<(), Error> {
        files::write_all(&self.old)
    }

    /// The crates of these that do not compile, with the compiler's errors.
    fn broken(&self, course: &Course, weeks: &[String]) -> Result<Vec<(String, String)>, Error> {
        let mut broken = Vec::new();
        for week in weeks {
            match check_package(course, week) {
                Ok(()) => {}
                Err(Error::Compile { output }) => broken.push((week.clone(), output)),
                Err(other) => return Err(other),
            }
        }
        Ok(broken)
    }
}

fn switch(course: &Course, adopted: &Adopted) -> Result<Switch, Error> {
    let all = course.weeks()?;
    let mut switch =
        Switch { weeks: Vec::new(), old: Vec::new(), new: Vec::new(), notes: Vec::new() };
    for week in &all {
        let path = week.folder.join("src").join("lib.rs");
        let old = files::read(&path)?;
        let mut new = old.clone();
        let mine = adopted.rooms(course, week)?;
        for (name, origin) in origins(course, week, &mine)? {
            if origin == Origin::Own {
                continue;
            }
            let wanted = origin.lines(course, &name);
            let found =
                forms(course, week, &all, &name).into_iter().find(|form| new.contains(form));
            match found {
                Some(found) => new = new.replacen(&found, &wanted, 1),
                None if mine.contains_key(&name) => switch.notes.push(format!(
                    "{}: has no line of the room {name} as it was generated, so it was left as it is.",
                    course.shown(&path)
                )),
                None => {}
            }
        }
        if new != old {
            switch.weeks.push(week.name());
            switch.old.push((path.clone(), old));
            switch.new.push((path, new));
        }
    }
    Ok(switch)
}

/// All that a week's crate may say of a module: longer ones first, for one may hold another.
fn forms(course: &Course, week: &Week, all: &[Week], name: &str) -> Vec<String> {
    let reference = course.reference();
    let mut files = vec![reference.join(format!("{name}.rs")), reference.join(name).join("mod.rs")];
    let earlier = all.iter().filter(|earlier| earlier.number < week.number);
    files.extend(earlier.map(|earlier| earlier.folder.join("src").join(name).join("mod.rs")));
    let mut forms = Vec::new();
    for optional in [true, false] {
        let origins = files.iter().map(|path| Origin::File { path: path.clone(), optional });
        forms.extend(origins.map(|origin| origin.lines(course, name)));
    }
    forms.push(Origin::Reference.lines(course, name));
    forms
}

/// What a week's crate runs on, in words.
///
/// # Errors
/// If `course.toml` or a `week.toml` is malformed.
pub fn foundation(course: &Course, week: &Week) -> Result<String, Error> {
    let adopted = Adopted::load(course)?;
    let all = course.weeks()?;
    let (mine, theirs): (Vec<&Week>, Vec<&Week>) = all
        .iter()
        .filter(|other| other.number != week.number)
        .partition(|other| other.number < week.number && adopted.weeks.contains(&other.number));
    let list = |weeks: &[&Week]| match weeks {
        [] => "none".to_owned(),
        weeks => weeks.iter().map(|week| rooms(week)).collect::<Vec<_>>().join(", "),
    };
    Ok(format!(
        "  Rooms of yours:       {}\n  The reference's:      {}\n  This week's:          {}\n",
        list(&mine),
        list(&theirs),
        rooms(week)
    ))
}

fn rooms(week: &Week) -> String {
    week.rooms.iter().map(|room| format!("{room}/")).collect::<Vec<_>>().join(" and ")
}

fn told(course: &Course, week: &Week, notes: &[String]) -> Result<String, Error> {
    let number = week.number;
    let all = course.weeks()?;
    let later: Vec<u8> =
        all.iter().map(|week| week.number).filter(|other| *other > number).collect();
    let mut text = format!("{STRONG}Week {number} is adopted.{STRONG:#}\n\n");
    match later.as_slice() {
        [] => text.push_str("It is the last week: its crate is your engine.\n"),
        [only] => {
            let _ = writeln!(text, "{GOOD}Week {only}{GOOD:#} now runs on your {}.", rooms(week));
        }
        [first, .., last] => {
            let rooms = rooms(week);
            let _ =
                writeln!(text, "{GOOD}Weeks {first} to {last}{GOOD:#} now run on your {rooms}.");
        }
    }
    if let Some(last) = all.last() {
        let _ = write!(
            text,
            "\nWeek {}'s crate is made of:\n{}",
            last.number,
            foundation(course, last)?
        );
    }
    notes.iter().for_each(|note| {
        let _ = writeln!(text, "\n{note}");
    });
    let _ = write!(
        text,
        "\nCommit it:    git add {FILE} chapters && git commit -m \"Adopt week {number}\"\n\
         Take it back: cargo course adopt {number} --back\n"
    );
    if let Some(next) = later.first() {
        let _ = writeln!(text, "Go on:        cargo course start {next}");
    } else {
        let _ = writeln!(text, "{FAINT}Run it:       cargo course shell {number}{FAINT:#}");
    }
    Ok(text)
}
