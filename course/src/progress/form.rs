//! The plan's own form: its lines in order, and the headings above them.

use std::collections::{HashMap, HashSet};

use crate::plan::{Item, Plan, Prompt, Week};

/// All lines of a plan's form. Made once for as many sheets as there are.
pub struct Form<'a> {
    pub(super) slots: Vec<Slot<'a>>,
    /// Which of the slots has an id.
    ids: HashMap<&'a str, usize>,
    /// The lines of all headings, and the rules between sections.
    headings: HashSet<String>,
}

/// A line of the plan, and where it belongs.
pub(super) struct Slot<'a> {
    /// The id in its comment, or the words that it begins with.
    pub(super) id: &'a str,
    /// The section and the part of it that it is in. The slots of each are neighbours.
    pub(super) group: [usize; 2],
    /// The headings of the section and of the part that begin with this slot: written if nothing of them is there.
    pub(super) headings: [String; 2],
    /// The line, with what stands above and below it.
    pub(super) text: String,
    pub(super) item: Option<&'a Item>,
}

/// The lines without an id: what they begin with, and what stands behind it where nothing is known.
const FOOT: [(&str, &str); 3] =
    [("**Started:**", "[Date]"), ("**Completed:**", "[Date]"), ("**Total Time:**", "[Hours]")];

impl<'a> Form<'a> {
    /// The form of a plan.
    pub fn new(plan: &'a Plan) -> Self {
        let slots = Writer::default().plan(plan);
        let ids = slots.iter().map(|slot| slot.id).zip(0..).collect();
        let headings = slots.iter().flat_map(|slot| &slot.headings);
        let lines = headings.flat_map(|heading| heading.lines());
        let headings = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
        Self { slots, ids, headings }
    }

    /// The slot with an id.
    pub(super) fn slot(&self, id: &str) -> Option<usize> {
        self.ids.get(id).copied()
    }

    /// The words of a line at the foot of a sheet that this line begins with.
    pub(super) fn foot(line: &str) -> Option<&'static str> {
        FOOT.iter().map(|(begin, _)| *begin).find(|begin| line.starts_with(begin))
    }

    /// Whether a line is a heading, or a rule between sections.
    pub(super) fn is_heading(&self, line: &str) -> bool {
        self.headings.contains(line)
    }
}

/// Writes the form, line by line.
#[derive(Default)]
struct Writer<'a> {
    slots: Vec<Slot<'a>>,
    group: [usize; 2],
    /// The headings of the section and the part that have no line yet.
    headings: [String; 2],
}

impl<'a> Writer<'a> {
    fn plan(mut self, plan: &'a Plan) -> Vec<Slot<'a>> {
        for week in &plan.week {
            self.week(week);
        }
        self.section("## Questions and Answers\n");
        self.part("\n### Questions\n");
        self.prompts(
            &plan.question,
            |number| if number == 1 { "" } else { "\n" },
            "   - Answer:\n",
        );
        self.own("question.own", "### Add your own questions here:");
        self.section("## Key Insights\n");
        self.prompts(&plan.insight, |_| "\n", "");
        self.own("insight.own", "### Add your insights:");
        self.section("## Next Steps\n\n");
        self.items(&plan.next_step);
        self.section("## Resources Used\n\n");
        self.items(&plan.resource);
        self.own("resource.own", "### Helpful links:");
        self.section("## Completion Checklist\n\n");
        self.items(&plan.check);
        self.section("");
        for (begin, unknown) in FOOT {
            self.line(begin, format!("{begin} {unknown}\n"), None);
        }
        self.slots
    }

    fn section(&mut self, heading: &str) {
        self.group = [self.group[0] + 1, 0];
        self.headings = [format!("\n---\n\n{heading}"), String::new()];
    }

    fn part(&mut self, heading: &str) {
        self.group[1] += 1;
        heading.clone_into(&mut self.headings[1]);
    }

    fn line(&mut self, id: &'a str, text: String, item: Option<&'a Item>) {
        let headings = std::mem::take(&mut self.headings);
        self.slots.push(Slot { id, group: self.group, headings, text, item });
    }

    fn week(&mut self, week: &'a Week) {
        self.section(&format!("## Week {}: {}\n", week.number, week.title));
        for part in &week.part {
            self.part(&format!("\n### {}: {}\n", part.days, part.title));
            self.items(&part.item);
            self.own(part.notes.id.as_ref(), &format!("**{}:**", part.notes.label));
        }
    }

    fn items(&mut self, items: &'a [Item]) {
        for item in items {
            let id = item.name();
            self.line(id, format!("- [ ] {} <!-- {id} -->\n", item.text), Some(item));
        }
    }

    fn prompts(&mut self, prompts: &'a [Prompt], above: fn(usize) -> &'static str, below: &str) {
        for (prompt, number) in prompts.iter().zip(1..) {
            let (id, text, above) = (prompt.id.as_ref(), &prompt.text, above(number));
            self.line(id, format!("{above}{number}. {text} <!-- {id} -->\n{below}"), None);
        }
    }

    /// Room for the reader's own words.
    fn own(&mut self, id: &'a str, label: &str) {
        self.line(id, format!("\n{label} <!-- {id} -->\n\n"), None);
    }
}
