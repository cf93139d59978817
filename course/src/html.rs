//! What the course's checks read of an HTML page.

use std::collections::BTreeSet;

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// A page as far as it can be wrong.
#[derive(Debug, Default)]
pub struct Page {
    /// What a `#…` can point to.
    pub ids: BTreeSet<String>,
    /// Where the reader can go by clicking.
    pub links: Vec<String>,
    /// What the page loads by itself.
    pub loads: Vec<String>,
    /// The text, for leftovers of templates.
    pub text: String,
    /// Figures that not everybody can see: what is missing, one a figure.
    pub unseen: Vec<String>,
    /// Whether links start at the site's root.
    pub from_root: bool,
}

/// Where the reader of the tokens is.
#[derive(Default)]
struct State {
    in_main: bool,
    in_style: bool,
    icon_next: bool,
    /// A figure whose `<title>` has not come yet.
    untitled: bool,
}

impl Page {
    /// Reads a page.
    pub fn parse(html: &str) -> Self {
        let mut emitter = DefaultEmitter::<()>::default();
        // Without this, what a script or a style sheet says is read as HTML.
        emitter.naively_switch_states(true);
        let mut page = Self::default();
        let mut state = State::default();
        for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
            match token {
                Token::StartTag(tag) => page.start(&Tag(tag), &mut state),
                Token::EndTag(tag) => page.end(&tag.name, &mut state),
                Token::String(text) => page.text(&String::from_utf8_lossy(&text), &state),
                _ => {}
            }
        }
        page
    }

    fn start(&mut self, tag: &Tag, state: &mut State) {
        self.ids.extend(tag.get("id"));
        self.loads.extend(tag.get("style").iter().flat_map(|style| style_loads(style)));
        let is_icon = std::mem::replace(&mut state.icon_next, tag.holds_icon());
        match tag.name() {
            "main" => state.in_main = true,
            "style" => state.in_style = true,
            "base" => self.from_root |= tag.get("href").is_some(),
            "a" | "area" => {
                self.links.extend(tag.get("href"));
                self.ids.extend(tag.get("name"));
            }
            "link" if !tag.is_plain_reference() => self.loads.extend(tag.get("href")),
            "svg" if state.in_main && !is_icon && tag.get("aria-hidden").is_none() => {
                if tag.get("role").as_deref() != Some("img") {
                    self.unseen.push("an <svg> without role=\"img\"".to_owned());
                }
                state.untitled = true;
            }
            "title" => state.untitled = false,
            "img" if state.in_main && tag.get("alt").is_none() => {
                self.unseen.push("an <img> without alt".to_owned());
            }
            _ => {}
        }
        if !matches!(tag.name(), "a" | "area" | "link" | "base") {
            self.loads.extend(tag.loads());
        }
    }

    fn end(&mut self, name: &[u8], state: &mut State) {
        state.icon_next = false;
        match name {
            b"main" => state.in_main = false,
            b"style" => state.in_style = false,
            b"svg" if std::mem::take(&mut state.untitled) => {
                self.unseen.push("an <svg> without a <title>".to_owned());
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, state: &State) {
        if state.in_style {
            self.loads.extend(style_loads(text));
        } else if state.in_main {
            self.text.push_str(text);
        }
    }
}

struct Tag(StartTag<()>);

impl Tag {
    fn name(&self) -> &str {
        std::str::from_utf8(&self.0.name).unwrap_or_default()
    }

    fn get(&self, attribute: &str) -> Option<String> {
        let value = self.0.attributes.get(attribute.as_bytes())?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// mdBook's own icons are an `<svg>` right inside one of these.
    fn holds_icon(&self) -> bool {
        let class = self.get("class").unwrap_or_default();
        class.split(' ').any(|class| matches!(class, "fa-svg" | "blockquote-tag-title"))
    }

    /// A `<link>` that names another page and loads nothing.
    fn is_plain_reference(&self) -> bool {
        let plain =
            ["canonical", "alternate", "license", "author", "help", "next", "prev", "search"];
        self.get("rel").is_some_and(|rel| plain.contains(&rel.as_str()))
    }

    fn loads(&self) -> Vec<String> {
        let single = ["src", "data", "poster", "href", "xlink:href"];
        let mut loads: Vec<String> = single.iter().filter_map(|name| self.get(name)).collect();
        let set = self.get("srcset").unwrap_or_default();
        let candidates = set.split(',').filter_map(|candidate| candidate.split_whitespace().next());
        loads.extend(candidates.map(str::to_owned));
        loads
    }
}

/// What a style sheet loads: `url(…)` and `@import "…"`.
pub fn style_loads(style: &str) -> Vec<String> {
    let urls = style.split("url(").skip(1).filter_map(|rest| rest.split_once(')'));
    let imports = style.split("@import").skip(1).filter_map(|rest| rest.split_once(';'));
    let imports = imports.filter(|(target, _)| !target.contains("url("));
    let quotes = |(target, _): (&str, &str)| target.trim().trim_matches(['"', '\'']).to_owned();
    urls.map(quotes).chain(imports.map(quotes)).filter(|target| !target.is_empty()).collect()
}
