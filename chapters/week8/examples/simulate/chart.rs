//! The chart: levels over time, and the three amplifications. Its colours are the book's where the
//! book shows it, and plain ones where it is opened on its own.

use std::fmt::Write;
use std::path::Path;

use week8::compaction::CompactionSource;

use super::options::Options;
use super::simulation::{Outcome, Sample};

/// Where the plots are, from left to right.
const LEFT: f64 = 40.0;
const RIGHT: f64 = 398.0;

/// How high the plot of the levels is, and how high the other three are.
const LEVELS: f64 = 140.0;
const AMPLIFICATION: f64 = 52.0;

/// A colour of the book's figures.
#[derive(Clone, Copy)]
struct Tint {
    class: &'static str,
    soft: &'static str,
    strong: &'static str,
}

const BLUE: Tint = Tint { class: "c1", soft: "#e1edfa", strong: "#15549b" };
const GREEN: Tint = Tint { class: "c2", soft: "#e0f2e8", strong: "#17663f" };
const PLUM: Tint = Tint { class: "c4", soft: "#f6e7f5", strong: "#7d3a79" };
const RED: Tint = Tint { class: "c5", soft: "#fce8e4", strong: "#a8301f" };

/// A value over time; `None` where there is none.
type Value<'a> = &'a dyn Fn(&Sample) -> Option<f64>;

/// A plot: a stretch of the chart from `top` to `bottom`, for values from 0 to `max`.
struct Plot<'a> {
    outcome: &'a Outcome,
    top: f64,
    bottom: f64,
    max: f64,
}

impl Plot<'_> {
    fn x(&self, time: f64) -> String {
        let end = self.outcome.last().time;
        short(LEFT + (RIGHT - LEFT) * time / end)
    }

    fn y(&self, value: f64) -> String {
        short(self.bottom - (self.bottom - self.top) * value / self.max)
    }

    /// The value as a path of steps: it holds from its moment to the next.
    fn steps(&self, value: Value<'_>) -> String {
        let samples = &self.outcome.samples;
        let ends = samples.iter().skip(1).chain(samples.last()).map(|sample| sample.time);
        let mut path = String::new();
        let mut height: Option<String> = None;
        for (sample, end) in samples.iter().zip(ends) {
            // What is too short to be drawn is left out.
            let (x, end) = (self.x(sample.time), self.x(end));
            if x == end {
                continue;
            }
            let next = value(sample).map(|value| self.y(value));
            if next == height {
                continue;
            }
            match (&height, &next) {
                (Some(_), Some(y)) => write!(path, "H{x}V{y}"),
                (Some(_), None) => write!(path, "H{x}"),
                (None, Some(y)) => write!(path, "M{x} {y}"),
                (None, None) => Ok(()),
            }
            .expect("a String takes everything");
            height = next;
        }
        if height.is_some() {
            write!(path, "H{}", short(RIGHT)).expect("a String takes everything");
        }
        path
    }

    /// Everything below the value.
    fn area(&self, tint: Tint, value: &dyn Fn(&Sample) -> f64) -> String {
        let steps = self.steps(&|sample| Some(value(sample)));
        let start = self.outcome.samples.first().map_or(0.0, |sample| sample.time);
        let (x, bottom) = (self.x(start), short(self.bottom));
        let (class, soft, strong) = (tint.class, tint.soft, tint.strong);
        format!(
            "  <path class=\"box {class}\" fill=\"{soft}\" stroke=\"{strong}\" \
             d=\"{steps}V{bottom}H{x}z\"/>\n"
        )
    }

    fn line(&self, tint: Tint, dashed: bool, value: Value<'_>) -> String {
        let steps = self.steps(value);
        let (class, strong) = (tint.class, tint.strong);
        let dashes = if dashed { " dashed" } else { "" };
        match steps.is_empty() {
            true => String::new(),
            false => format!(
                "  <path class=\"line {class}{dashes}\" fill=\"none\" stroke=\"{strong}\" d=\"{steps}\"/>\n"
            ),
        }
    }

    /// The axes, with the largest number.
    fn frame(&self) -> String {
        let (top, bottom) = (short(self.top), short(self.bottom));
        let (left, right) = (short(LEFT), short(RIGHT));
        let (label_x, high, low) = (LEFT - 6.0, self.top + 10.0, self.bottom);
        let max = thousands(self.max);
        format!(
            "  <path class=\"line\" fill=\"none\" stroke=\"#8b929c\" d=\"M{left} {top}V{bottom}H{right}\"/>\n  \
             <text class=\"note end\" text-anchor=\"end\" x=\"{label_x}\" y=\"{high}\">{max}</text>\n  \
             <text class=\"note end\" text-anchor=\"end\" x=\"{label_x}\" y=\"{low}\">0</text>\n"
        )
    }
}

/// The chart. Its parts are named after the file, so that a page can show several.
pub fn draw(file: &str, options: &Options, outcome: &Outcome) -> String {
    let name = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().to_lowercase());
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = name.unwrap_or_default().chars().map(plain).collect();

    let mut y = 18.0;
    let levels = levels(outcome, &mut y);
    let last = outcome.last();
    let mean_read = outcome.mean(|sample| sample.read_amplification() as f64);
    let mean_space = outcome.mean(Sample::space_amplification);
    let write = format!("write amplification: {:.2} at the end", last.write_amplification());
    let read = format!("read amplification: {mean_read:.1} on average");
    let space = format!("space amplification: {mean_space:.2} on average");
    let plots = [
        amplification(outcome, &mut y, &write, &Sample::write_amplification),
        amplification(outcome, &mut y, &read, &|sample| sample.read_amplification() as f64),
        amplification(outcome, &mut y, &space, &Sample::space_amplification),
    ];
    let shown = options.shown();
    let waited = format!("Writers waited {:.1} % of the time.", last.stalled_share() * 100.0);
    let end = format!("time: {:.0} times as long as a memtable takes to fill", last.time);
    let (right, foot) = (short(RIGHT), short(y + 2.0));
    let height = short(y + 8.0);
    format!(
        "<svg class=\"fig\" viewBox=\"0 0 400 {height}\" role=\"img\" \
         aria-labelledby=\"{name}-title {name}-desc\" xmlns=\"http://www.w3.org/2000/svg\" \
         font-family=\"sans-serif\" font-size=\"14.5\">\n  \
         <title id=\"{name}-title\">A simulation of compaction, with {shown}</title>\n  \
         <desc id=\"{name}-desc\">The rows in level 0 and in each sorted run over time, and three \
         curves. {write}; {read}; {space}. {waited}</desc>\n\
         {levels}{}  \
         <text class=\"note end\" text-anchor=\"end\" x=\"{right}\" y=\"{foot}\">{end}</text>\n\
         </svg>\n",
        plots.concat()
    )
}

/// The plot of the levels, below `y`, which is moved below it.
fn levels(outcome: &Outcome, y: &mut f64) -> String {
    let rows = |sources: &[CompactionSource]| -> f64 {
        sources.iter().map(|source| source.size as f64).sum()
    };
    let runs = |sample: &Sample| rows(&sample.levels.sorted_runs);
    let all = |sample: &Sample| runs(sample) + rows(&sample.levels.l0);
    let live = |sample: &Sample| Some(sample.live_rows as f64);

    let legend = [(BLUE, "level 0", LEFT), (GREEN, "sorted runs", 122.0)];
    let mut text = String::new();
    for (tint, what, x) in legend {
        let (class, soft, strong) = (tint.class, tint.soft, tint.strong);
        let (top, after) = (*y - 11.0, x + 17.0);
        text += &format!(
            "  <rect class=\"box {class}\" fill=\"{soft}\" stroke=\"{strong}\" x=\"{x}\" y=\"{top}\" \
             width=\"12\" height=\"12\"/>\n  <text x=\"{after}\" y=\"{y}\">{what}</text>\n"
        );
    }
    let (class, strong, middle) = (PLUM.class, PLUM.strong, *y - 5.0);
    text += &format!(
        "  <path class=\"line {class} dashed\" fill=\"none\" stroke=\"{strong}\" d=\"M229 {middle}h18\"/>\n  \
         <text x=\"252\" y=\"{y}\">keys with a value</text>\n"
    );

    let top = *y + 12.0;
    let most = outcome.samples.iter().map(all).fold(1.0, f64::max);
    let plot = Plot { outcome, top, bottom: top + LEVELS, max: round_up(most) };
    text += &plot.area(BLUE, &all);
    text += &plot.area(GREEN, &runs);
    let deepest = outcome.samples.iter().map(|sample| sample.levels.sorted_runs.len()).max();
    // Where the oldest run ends, the oldest two, and so on.
    for count in 1..deepest.unwrap_or(0) {
        text += &plot.line(GREEN, false, &|sample| {
            let runs = &sample.levels.sorted_runs;
            // Where the newest of all ends, the area ends too.
            (count < runs.len()).then(|| rows(&runs[runs.len() - count..]))
        });
    }
    text += &plot.line(PLUM, true, &live);
    text += &plot.frame();
    *y = plot.bottom + 8.0;
    text + &stalls(outcome, y)
}

/// A strip with the times in which writers waited.
fn stalls(outcome: &Outcome, y: &mut f64) -> String {
    if outcome.stalls.is_empty() {
        *y += 18.0;
        return String::new();
    }
    let plot = Plot { outcome, top: 0.0, bottom: 1.0, max: 1.0 };
    let bars = outcome.stalls.iter().map(|&(from, to)| {
        let (from, to) = (plot.x(from), plot.x(to));
        format!("M{from} {}H{to}v4H{from}z", short(*y))
    });
    let bars: String = bars.collect();
    let (class, strong, text_y) = (RED.class, RED.strong, *y + 20.0);
    *y = text_y + 22.0;
    format!(
        "  <path class=\"head {class}\" fill=\"{strong}\" d=\"{bars}\"/>\n  \
         <text class=\"note {class}\" x=\"{LEFT}\" y=\"{text_y}\">writers wait</text>\n"
    )
}

fn amplification(
    outcome: &Outcome,
    y: &mut f64,
    title: &str,
    value: &dyn Fn(&Sample) -> f64,
) -> String {
    let top = *y + 10.0;
    let most = outcome.samples.iter().map(value).fold(1.0, f64::max);
    let plot = Plot { outcome, top, bottom: top + AMPLIFICATION, max: round_up(most) };
    let text = format!("  <text class=\"bold\" x=\"{LEFT}\" y=\"{y}\">{title}</text>\n");
    *y = plot.bottom + 26.0;
    text + &plot.area(PLUM, value) + &plot.frame()
}

/// A number of at most two digits, and zeros, that is no smaller.
fn round_up(value: f64) -> f64 {
    let step = 10f64.powf((value.log10() - 1.0).floor()).max(1.0);
    (value / step).ceil() * step
}

fn thousands(value: f64) -> String {
    if value >= 1000.0 { format!("{}k", value / 1000.0) } else { format!("{value}") }
}

/// A coordinate with at most one digit behind the point.
fn short(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{rounded}")
}
