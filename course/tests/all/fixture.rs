//! A course in miniature, to be damaged.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use course::gate::GATES;
use course::{Course, files, mdbook};
use tempfile::TempDir;

/// A fresh copy of `tests/fixture`.
pub struct Fixture {
    // Removed when dropped.
    _folder: TempDir,
    pub course: Course,
}

impl Fixture {
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
        for file in files::walk(&original).expect("the fixture") {
            let inside = file.strip_prefix(&original).expect("a file of the fixture");
            let bytes = fs::read(&file).expect("a file of the fixture");
            files::write(&folder.path().join(inside), &bytes).expect("a copy");
        }
        let mut course = Course::at(folder.path());
        // One mdBook is enough: the one that the course itself uses.
        course.tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
        Self { course, _folder: folder }
    }

    pub fn read(&self, path: &str) -> String {
        files::read(&self.course.root.join(path)).expect(path)
    }

    pub fn write(&self, path: &str, text: &str) -> &Self {
        files::write(&self.course.root.join(path), text.as_bytes()).expect(path);
        self
    }

    pub fn replace(&self, path: &str, old: &str, new: &str) -> &Self {
        let text = self.read(path);
        assert!(text.contains(old), "{path} should hold {old:?}, so that it can be damaged");
        self.write(path, &text.replace(old, new))
    }

    pub fn append(&self, path: &str, more: &str) -> &Self {
        self.write(path, &(self.read(path) + more))
    }

    pub fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.course.root.join(path)).expect(path);
        self
    }

    /// What a gate finds.
    pub fn findings(&self, gate: &str) -> Vec<String> {
        if ["book", "browser"].contains(&gate) {
            // Two tests at once must not install it twice.
            static MDBOOK: OnceLock<()> = OnceLock::new();
            MDBOOK.get_or_init(|| drop(mdbook::program(&self.course)));
        }
        let gate = GATES.iter().find(|found| found.name == gate).expect("a gate of this name");
        gate.run(&self.course).findings
    }
}

/// Asserts that one finding holds all these parts.
#[track_caller]
pub fn assert_found(findings: &[String], parts: &[&str]) {
    let found = findings.iter().any(|finding| parts.iter().all(|part| finding.contains(part)));
    assert!(found, "expected a finding with {parts:?}, found:\n{}", findings.join("\n"));
}
