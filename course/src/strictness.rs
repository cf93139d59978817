//! How strict each week's tests are, as a table for the book: mutants, planted bugs, right engines of another kind.

use std::fmt::Write as _;

use crate::bug::bugs;
use crate::chapter::{GENERATED, Generated};
use crate::mutants::Baseline;
use crate::patch::patch_files;
use crate::variant;
use crate::{Course, Error};

/// The file, seen from the root. A page includes it.
pub const TABLE: &str = "book/src/strictness.md";

/// The table of all weeks whose mutants were run; nothing if there are none.
///
/// # Errors
/// If a baseline, a bug or a variant cannot be read or is malformed.
pub fn table(course: &Course) -> Result<Option<Generated>, Error> {
    let mut text =
        format!("<!-- {GENERATED}chapters/weekN/mutants.toml, bugs and variants. -->\n\n");
    text.push_str(
        "| Week | Mutants | Caught | Let through | Planted bugs | Other right ways |\n|---|--:|--:|--:|--:|--:|\n",
    );
    let (mut rows, mut sums) = (0, [0; 5]);
    for week in course.weeks()? {
        let tally = Baseline::load(course, &week)?.tally;
        if tally.mutants == 0 {
            continue;
        }
        rows += 1;
        let counts = [
            tally.mutants - tally.unviable,
            tally.caught + tally.timeouts,
            tally.survived(),
            bugs(course, &week)?.len(),
            patch_files(&week, variant::FOLDER)?.len(),
        ];
        row(&mut text, &week.number.to_string(), counts);
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    row(&mut text, "all", sums);
    Ok((rows > 0).then(|| Generated { path: TABLE.to_owned(), text }))
}

fn row(text: &mut String, week: &str, counts: [usize; 5]) {
    let _ = write!(text, "| {week} |");
    for count in counts {
        let _ = write!(text, " {count} |");
    }
    text.push('\n');
}
