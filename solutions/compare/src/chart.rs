//! The figure: for each workload, how much faster or slower each engine is than the first.
//!
//! A bar's length is a ratio, on a logarithmic scale with 1 in the middle: twice as fast goes as far to the right as half
//! as fast goes to the left. A scale that began at 0 would show the slow ones as no bar at all, and a logarithmic
//! scale of operations has no place where a bar could honestly begin.

use std::fmt::Write as _;

use crate::report::{Line, Report, grouped, times, title_of};
use tinydb_compare::engine::{EngineKind, StoreKind};
use tinydb_compare::figure::{Scale, short, text};

/// The columns: names up to here, then bars, then numbers.
const LEFT: f64 = 104.0;
const RIGHT: f64 = 290.0;
const WIDTH: f64 = 400.0;
const BAR: f64 = 20.0;

/// The figure as SVG, in the form of the book's: its style sheet has the colours.
pub fn svg(report: &Report) -> String {
    let groups = report.groups(StoreKind::Disk);
    let ratios = groups.iter().flat_map(|(_, lines)| lines).map(|line| line.ratio.log2());
    let scale = Scale::of(ratios, LEFT, RIGHT);
    let mut body = String::new();
    let mut y = 44.0;
    let mut told = Vec::new();
    let first = report.engines.first().map_or("", |(engine, _)| engine.name());
    for (subject, lines) in &groups {
        let [reference, others @ ..] = lines.as_slice() else { continue };
        if others.is_empty() {
            continue;
        }
        let title = title_of(*subject);
        y += 22.0;
        let per_second = short(reference.per_second);
        text(&mut body, "bold", 1.0, y, &title);
        text(&mut body, "note end", WIDTH - 1.0, y, &format!("{first} {per_second}/s"));
        y += 8.0;
        let height = (BAR + 3.0) * others.len() as f64;
        for tick in scale.ticks() {
            let x = scale.at(f64::from(tick));
            let class = if tick == 0 { "arrow" } else { "zone" };
            let path = format!("M{x:.1} {:.1}v{:.1}", y - 2.0, height + 1.0);
            // Writing to a string can't fail.
            let _ = writeln!(body, "  <path class=\"{class}\" d=\"{path}\"/>");
        }
        for line in others {
            bar(&mut body, &scale, y, line);
            y += BAR + 3.0;
        }
        let ratios: Vec<_> = others
            .iter()
            .map(|line| format!("{} {}", line.engine.name(), times(line.ratio)))
            .collect();
        told.push(format!(
            "{title}: {first} {} per second; {}",
            grouped(reference.per_second),
            ratios.join(", ")
        ));
        y += 8.0;
    }
    let middle = scale.at(0.0);
    let mut svg = format!(
        "<svg class=\"fig\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-labelledby=\"compare-title compare-desc\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n",
        y + 2.0
    );
    // Writing to a string can't fail.
    let _ = writeln!(
        svg,
        "  <title id=\"compare-title\">How fast other engines are beside {first}</title>"
    );
    let _ = writeln!(
        svg,
        "  <desc id=\"compare-desc\">For each workload on disk, a bar for each engine. It shows the engine's operations \
         per second divided by {first}'s, on a logarithmic scale: right of the line at 1 it is faster. {}.</desc>",
        told.join(". ")
    );
    text(&mut svg, "note end", middle - 8.0, 16.0, &format!("slower than {first}"));
    text(&mut svg, "note", middle + 8.0, 16.0, "faster");
    scale.label_ticks(&mut svg, 36.0);
    svg + &body + "</svg>\n"
}

fn bar(svg: &mut String, scale: &Scale, y: f64, line: &Line) {
    let class = match line.engine {
        EngineKind::Tinydb => "box",
        #[cfg(feature = "mine")]
        EngineKind::Mine => "box c1",
        EngineKind::Slatedb => "box c3",
        EngineKind::SlatedbAsync => "box c3 dashed",
        EngineKind::Fjall => "box c4",
        #[cfg(feature = "rocksdb")]
        EngineKind::RocksDb => "box c2",
        EngineKind::Map => "box dashed",
    };
    let (from, to) = (scale.at(0.0), scale.at(line.ratio.log2()));
    let (x, width) = (from.min(to), (to - from).abs().max(1.0));
    let _ = writeln!(
        svg,
        "  <rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>"
    );
    text(svg, "", 1.0, y + 15.0, line.engine.name());
    let numbers = format!("{}× {}/s", times(line.ratio), short(line.per_second));
    text(svg, "note end", WIDTH - 1.0, y + 15.0, &numbers);
}
