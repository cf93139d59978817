//! Gives a check the corpus of its target: in the tests of the packages, where no fuzzer is.

use std::path::{Path, PathBuf};
use std::{fs, thread};

/// In how many places of a file it is cut, and a byte is changed.
const PLACES: usize = 48;

/// Checks every file of the target's corpus: as it is, and in some places of it cut there, and with the byte there changed.
///
/// # Panics
/// If the check does, after saying of which input.
pub fn replay(corpora: &str, target: &str, check: fn(&[u8])) {
    let folder = Path::new(corpora).join(target);
    let entries = fs::read_dir(&folder).expect("the corpus is there");
    let files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file of it").path()).collect();
    assert!(files.len() > 4, "{} has {} files", folder.display(), files.len());
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = fs::read(&file).expect("a file of the corpus");
        let run = |what: String, input: &[u8]| {
            let _said = Said { target, what: format!("corpus/{target}/{name}{what}"), input };
            check(input);
        };
        run(String::new(), &bytes);
        for at in (0..bytes.len()).step_by(bytes.len().div_ceil(PLACES).max(1)) {
            run(format!(", cut to {at} bytes"), &bytes[..at]);
            let mut changed = bytes.clone();
            // Another bit at each place, so that all are met.
            changed[at] ^= 1 << (at % 8);
            run(format!(", byte {at} changed"), &changed);
        }
    }
}

/// Says which input it was, if its check panics, and leaves it where it can be run again.
struct Said<'a> {
    target: &'a str,
    what: String,
    input: &'a [u8],
}

impl Drop for Said<'_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let Self { target, what, input } = self;
        let kept = std::env::temp_dir().join(format!("tinydb-fuzz-{target}"));
        let kept = fs::write(&kept, input).map(|()| kept.display().to_string()).unwrap_or_default();
        eprintln!(
            "That was {what}. Run it again: cd solutions/tinydb/fuzz; cargo run --release --bin {target} -- {kept}"
        );
    }
}
