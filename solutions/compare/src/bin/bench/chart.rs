//! The chart: how fast TinyDB is beside the best other engine, a bar for each workload.

use std::fmt::Write as _;

use tinydb_compare::figure::{Scale, short, text};

use crate::table::Line;

/// The columns: workloads up to here, then bars, then numbers.
const LEFT: f64 = 146.0;
const RIGHT: f64 = 300.0;
const WIDTH: f64 = 400.0;
const BAR: f64 = 20.0;
const STEP: f64 = 24.0;

/// The figure as SVG, in the form of the book's: its style sheet has the colours.
pub fn svg(rows: u64, value_len: usize, lines: &[Line]) -> String {
    let lines: Vec<_> = lines.iter().filter(|line| line.speed.is_finite()).collect();
    let scale = Scale::of(lines.iter().map(|line| line.speed.log2()), LEFT, RIGHT);
    let height = 44.0 + STEP * lines.len() as f64 + 4.0;
    let told: Vec<_> =
        lines.iter().map(|line| format!("{} {:.2}", line.workload, line.speed)).collect();
    let mut svg = format!(
        "<svg class=\"fig\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"bench-title bench-desc\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n  <title id=\"bench-title\">TinyDB beside the best other engine</title>\n  \
         <desc id=\"bench-desc\">{rows} rows, values of {value_len} bytes. For each workload a bar: TinyDB's operations \
         per second divided by those of the fastest other engine, on a logarithmic scale. Right of the line at 1 TinyDB \
         is faster. {}.</desc>\n",
        told.join("; ")
    );
    text(&mut svg, "note end", scale.at(0.0) - 8.0, 16.0, "TinyDB is slower");
    text(&mut svg, "note", scale.at(0.0) + 8.0, 16.0, "faster");
    scale.label_ticks(&mut svg, 36.0);
    for tick in scale.ticks() {
        let class = if tick == 0 { "arrow" } else { "zone" };
        let (x, height) = (scale.at(f64::from(tick)), height - 46.0);
        // Writing to a string can't fail.
        let _ = writeln!(svg, "  <path class=\"{class}\" d=\"M{x:.1} 42v{height:.1}\"/>");
    }
    for (number, line) in lines.iter().enumerate() {
        bar(&mut svg, &scale, 44.0 + STEP * number as f64, line);
    }
    svg + "</svg>\n"
}

fn bar(svg: &mut String, scale: &Scale, y: f64, line: &Line) {
    let (from, to) = (scale.at(0.0), scale.at(line.speed.log2()));
    let (x, width) = (from.min(to), (to - from).abs().max(1.0));
    let class = if line.speed < 1.0 { "box c3" } else { "box c1" };
    let _ = writeln!(
        svg,
        "  <rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>"
    );
    text(svg, "", 1.0, y + 15.0, &line.workload);
    let numbers = format!("{:.2}× {}/s", line.speed, short(line.per_second));
    text(svg, "note end", WIDTH - 1.0, y + 15.0, &numbers);
}
