//! The figure: for each workload, how much faster or slower each engine is than the first.
//!
//! A bar's length is a ratio, on a logarithmic scale with 1 in the middle: twice as fast goes as far to the right as half
//! as fast goes to the left. A scale that began at 0 would show the slow ones as no bar at all, and a logarithmic
//! scale of operations has no place where a bar could honestly begin.

use std::fmt::Write as _;

use crate::report::{Line, Report, grouped, times, title_of};
use tinydb_compare::engine::{EngineKind, StoreKind};

/// The columns: names up to here, then bars, then numbers.
const LEFT: f64 = 104.0;
const RIGHT: f64 = 290.0;
const WIDTH: f64 = 400.0;
const BAR: f64 = 20.0;

/// The figure as SVG, in the form of the book's: its style sheet has the colours.
pub fn svg(report: &Report) -> String {
    let groups = report.groups(StoreKind::Disk);
    let ratios = groups.iter().flat_map(|(_, lines)| lines).map(|line| line.ratio.log2());
    let scale = Scale::of(ratios);
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
    for tick in scale.ticks() {
        let label = match tick {
            ..0 => format!("1/{}", 1_u64 << -tick),
            _ => (1_u64 << tick).to_string(),
        };
        text(&mut svg, "note mid", scale.at(f64::from(tick)), 36.0, &label);
    }
    svg + &body + "</svg>\n"
}

/// Where a ratio is, given as its logarithm to base 2.
struct Scale {
    least: i32,
    most: i32,
}

impl Scale {
    fn of(ratios: impl Iterator<Item = f64>) -> Self {
        let (least, most) = ratios
            .fold((-1.0_f64, 1.0_f64), |(least, most), ratio| (least.min(ratio), most.max(ratio)));
        Self { least: least.floor() as i32, most: most.ceil() as i32 }
    }

    fn at(&self, ratio: f64) -> f64 {
        let share = (ratio - f64::from(self.least)) / f64::from(self.most - self.least);
        LEFT + share * (RIGHT - LEFT)
    }

    /// As many as there is room for: powers of 2, 4, 16 and so on.
    fn ticks(&self) -> Vec<i32> {
        let doubling = self.at(1.0) - self.at(0.0);
        let step =
            [1, 2, 4, 8].into_iter().find(|&step| f64::from(step) * doubling >= 34.0).unwrap_or(16);
        (self.least..=self.most).filter(|tick| tick % step == 0).collect()
    }
}

fn bar(svg: &mut String, scale: &Scale, y: f64, line: &Line) {
    let class = match line.engine {
        EngineKind::Tinydb => "box",
        #[cfg(feature = "mine")]
        EngineKind::Mine => "box c1",
        EngineKind::Slatedb => "box c3",
        EngineKind::SlatedbAsync => "box c3 dashed",
        EngineKind::Fjall => "box c4",
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

fn text(svg: &mut String, class: &str, x: f64, y: f64, text: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    let _ = writeln!(svg, "  <text{class} x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
}

/// 1234567.8 as `1.2M`.
fn short(number: f64) -> String {
    match number {
        number if number >= 999_500.0 => format!("{:.1}M", number / 1e6),
        number if number >= 9_950.0 => format!("{:.0}k", number / 1e3),
        number if number >= 999.5 => format!("{:.1}k", number / 1e3),
        number => format!("{number:.0}"),
    }
}
