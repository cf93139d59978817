//! What the figures share: a scale of ratios, and text.

use std::fmt::Write as _;

/// Where a ratio is, given as its logarithm to base 2.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    least: i32,
    most: i32,
    left: f64,
    right: f64,
}

impl Scale {
    /// A scale for all of these, and at least from a half to 2, between two places.
    pub fn of(ratios: impl Iterator<Item = f64>, left: f64, right: f64) -> Self {
        let (least, most) = ratios
            .fold((-1.0_f64, 1.0_f64), |(least, most), ratio| (least.min(ratio), most.max(ratio)));
        Self { least: least.floor() as i32, most: most.ceil() as i32, left, right }
    }

    /// The place of a ratio.
    pub fn at(&self, ratio: f64) -> f64 {
        let share = (ratio - f64::from(self.least)) / f64::from(self.most - self.least);
        self.left + share * (self.right - self.left)
    }

    /// As many as there is room for: powers of 2, 4, 16 and so on.
    pub fn ticks(&self) -> Vec<i32> {
        let doubling = self.at(1.0) - self.at(0.0);
        let step =
            [1, 2, 4, 8].into_iter().find(|&step| f64::from(step) * doubling >= 34.0).unwrap_or(16);
        (self.least..=self.most).filter(|tick| tick % step == 0).collect()
    }

    /// Writes a number at each tick.
    pub fn label_ticks(&self, svg: &mut String, y: f64) {
        for tick in self.ticks() {
            let label = match tick {
                ..0 => format!("1/{}", 1_u64 << -tick),
                _ => (1_u64 << tick).to_string(),
            };
            text(svg, "note mid", self.at(f64::from(tick)), y, &label);
        }
    }
}

/// A line of text, in classes of the book's style sheet.
pub fn text(svg: &mut String, class: &str, x: f64, y: f64, text: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    let _ = writeln!(svg, "  <text{class} x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
}

/// 1234567.8 as `1.2M`.
pub fn short(number: f64) -> String {
    match number {
        number if number >= 999_500.0 => format!("{:.1}M", number / 1e6),
        number if number >= 9_950.0 => format!("{:.0}k", number / 1e3),
        number if number >= 999.5 => format!("{:.1}k", number / 1e3),
        number => format!("{number:.0}"),
    }
}
