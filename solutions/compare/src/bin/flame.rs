//! A flame graph in the form of the book's figures: which functions an operation spends its time in.
//!
//! ```text
//! cargo build --release --manifest-path solutions/compare/Cargo.toml
//! cd solutions/compare/target/release
//! perf record --call-graph dwarf,4096 -o gets.data -- ./bench --one tinydb --only readrandom --reads 2000000
//! perf script -i gets.data | ./flame --root tinydb::db::db_inner::DbInner::get --title "A get" > get.svg
//! ```
//!
//! Flame graphs are Brendan Gregg's: <https://www.brendangregg.com/flamegraphs.html>. Here the root is at the top, and a
//! function below its caller is as wide as the share of samples that it was running in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, stdin};

use anyhow::{Result, ensure};
use clap::Parser;
use tinydb_compare::figure::text;

const WIDTH: f64 = 398.0;
const BAR: f64 = 20.0;
const STEP: f64 = 22.0;
/// About how wide a character is.
const CHARACTER: f64 = 6.6;

/// Draws where the time goes.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// The function that counts as everything. Stacks without it are left out.
    #[arg(long)]
    root: String,
    /// The figure's title.
    #[arg(long)]
    title: String,
    /// The figure's id, part of the ids of its title and description.
    #[arg(long, default_value = "flame")]
    id: String,
    /// Functions with a smaller share of the samples, in percent, are left out.
    #[arg(long, default_value_t = 2.0)]
    least: f64,
    /// How many levels are shown.
    #[arg(long, default_value_t = 7)]
    depth: usize,
}

/// A function, in one place of the tree of calls.
#[derive(Debug, Default)]
struct Frame {
    samples: u64,
    callees: BTreeMap<String, Frame>,
}

impl Frame {
    fn add<'a>(&mut self, mut stack: impl Iterator<Item = &'a str>) {
        self.samples += 1;
        if let Some(callee) = stack.next() {
            self.callees.entry(callee.to_owned()).or_default().add(stack);
        }
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let mut root = Frame::default();
    let mut stack = Vec::new();
    for line in stdin().lock().lines() {
        let line = line?;
        if let Some(function) = function(&line) {
            stack.push(function);
        } else if !stack.is_empty() {
            take(&mut root, &cli.root, &stack);
            stack.clear();
        }
    }
    take(&mut root, &cli.root, &stack);
    ensure!(root.samples > 0, "no stack has {}", cli.root);
    print!("{}", Drawing::new(&cli, &root).svg());
    Ok(())
}

/// The function of a line of `perf script`: an address, a name with an offset, and a file in brackets.
fn function(line: &str) -> Option<String> {
    let (_, rest) = line.strip_prefix([' ', '\t'])?.trim_start().split_once(' ')?;
    let (name, _) = rest.rsplit_once(" (")?;
    Some(name.rsplit_once("+0x").map_or(name, |(name, _)| name).to_owned())
}

/// Adds a stack, innermost function first, if the root is in it. A closure counts as the function that it is in, and
/// a function that does nothing but call another of its name as that one.
fn take(root: &mut Frame, name: &str, stack: &[String]) {
    let Some(place) = stack.iter().rposition(|function| function == name) else { return };
    let below = stack[..place].iter().rev().map(String::as_str);
    let mut below: Vec<_> = below.filter(|function| !function.contains("{closure")).collect();
    below.dedup_by(|callee, caller| method(callee) == method(caller));
    root.add(below.into_iter());
}

/// The last part of a path.
fn method(function: &str) -> &str {
    function.rsplit("::").next().unwrap_or(function)
}

struct Drawing<'a> {
    cli: &'a Cli,
    root: &'a Frame,
    body: String,
    told: Vec<String>,
    depth: usize,
}

impl<'a> Drawing<'a> {
    fn new(cli: &'a Cli, root: &'a Frame) -> Self {
        Self { cli, root, body: String::new(), told: Vec::new(), depth: 0 }
    }

    fn svg(mut self) -> String {
        self.frame(&short_name(&self.cli.root), self.root, 1.0, 0);
        let Cli { id, title, .. } = self.cli;
        format!(
            "<svg class=\"fig\" viewBox=\"0 0 400 {:.0}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
             xmlns=\"http://www.w3.org/2000/svg\">\n  <title id=\"{id}-title\">{title}</title>\n  \
             <desc id=\"{id}-desc\">Functions below their callers, each as wide as its share of the time. {}.</desc>\n{}</svg>\n",
            (self.depth + 1) as f64 * STEP + 4.0,
            self.told.join("; "),
            self.body
        )
    }

    /// Draws a function and, from the left and the largest first, what it calls.
    fn frame(&mut self, name: &str, frame: &Frame, x: f64, depth: usize) {
        let share = frame.samples as f64 / self.root.samples as f64;
        let (width, y) = (share * WIDTH, 2.0 + depth as f64 * STEP);
        self.depth = self.depth.max(depth);
        self.told.push(format!("{name} {:.0}%", share * 100.0));
        let class = ["c1", "c2", "c3", "c4"][depth % 4];
        // Writing to a string can't fail.
        let _ = writeln!(
            self.body,
            "  <rect class=\"box {class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>",
            (width - 1.0).max(1.0)
        );
        self.label(name, share, x, y, width);
        if depth + 1 >= self.cli.depth {
            return;
        }
        let mut callees: Vec<_> = frame.callees.iter().collect();
        callees.sort_by_key(|(_, callee)| std::cmp::Reverse(callee.samples));
        let mut x = x;
        for (name, callee) in callees {
            let share = callee.samples as f64 / self.root.samples as f64;
            if share * 100.0 >= self.cli.least {
                self.frame(&short_name(name), callee, x, depth + 1);
            }
            x += share * WIDTH;
        }
    }

    /// As much of the name as there is room for: with its share, alone, without its type, or nothing.
    fn label(&mut self, name: &str, share: f64, x: f64, y: f64, width: f64) {
        let last = method(name).to_owned();
        let labels = [format!("{name} {:.0}%", share * 100.0), name.to_owned(), last];
        let fits = |label: &&String| label.len() as f64 * CHARACTER + 8.0 < width;
        if let Some(label) = labels.iter().find(fits) {
            text(&mut self.body, "note", x + 3.0, y + 14.5, &label.replace('<', "&lt;"));
        }
    }
}

/// The last two parts of a path, without type arguments: `tinydb::db::db::Db::get` is `Db::get`.
fn short_name(name: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0;
    // `<T as Trait>::method` keeps T; what else stands in angle brackets goes.
    let name = match name.strip_prefix('<').and_then(|rest| rest.split_once(" as ")) {
        Some((of, rest)) => {
            format!("{of}{}", rest.rsplit_once('>').map_or("", |(_, method)| method))
        }
        None => name.to_owned(),
    };
    for character in name.chars() {
        match character {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth == 0 => plain.push(character),
            _ => {}
        }
    }
    let parts: Vec<_> = plain.split("::").filter(|part| !part.is_empty()).collect();
    parts[parts.len().saturating_sub(2)..].join("::")
}
