//! Markdown cut into blocks, and blocks into words and code: what [`citation`](crate::citation) reads. And lists put
//! into words.

/// Lines without a blank one between them.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The number of its first line.
    pub line: usize,
    /// Its lines, without the marks of a quote and without indentation.
    pub text: String,
    /// Whether it is in a box of class `slatedb`.
    pub in_box: bool,
}

/// The blocks of Markdown, without fenced code.
pub fn blocks(lines: impl Iterator<Item = String>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut block = Block::default();
    let mut fence: Option<String> = None;
    let mut depth = Depth::default();
    for (line, number) in lines.zip(1..) {
        let line = line.trim_start_matches(['>', ' ', '\t']).trim_end();
        depth.pass(line);
        let marks = fence_marks(line);
        let fenced = match (&fence, marks) {
            (None, Some(marks)) => {
                fence = Some(marks.to_owned());
                true
            }
            (Some(open), Some(marks)) if marks.starts_with(open) && line == marks => {
                fence = None;
                true
            }
            (open, _) => open.is_some(),
        };
        if line.is_empty() || fenced || depth.is_in() != block.in_box {
            blocks.push(std::mem::take(&mut block));
            block.in_box = depth.is_in();
        }
        if line.is_empty() || fenced {
            continue;
        }
        if block.text.is_empty() {
            block.line = number;
        }
        block.text += line;
        block.text.push('\n');
    }
    blocks.push(block);
    blocks.retain(|block| !block.text.is_empty());
    blocks
}

fn fence_marks(line: &str) -> Option<&str> {
    let mark = line.chars().next().filter(|mark| "`~".contains(*mark))?;
    let marks = &line[..line.len() - line.trim_start_matches(mark).len()];
    // Code in a line, ```like this```, is no fence.
    (marks.len() >= 3 && !line[marks.len()..].contains(mark)).then_some(marks)
}

/// How deep in a box of class `slatedb` a line is.
#[derive(Default)]
struct Depth {
    tag: String,
    open: usize,
}

impl Depth {
    fn is_in(&self) -> bool {
        self.open > 0
    }

    fn pass(&mut self, line: &str) {
        if self.open == 0 {
            let Some((before, _)) = line.split_once("class=\"slatedb\"") else {
                return;
            };
            let tag = before.rsplit('<').next().unwrap_or_default();
            self.tag = tag.split_whitespace().next().unwrap_or_default().to_owned();
        }
        let count = |mark: &str| line.matches(&format!("<{mark}{}", self.tag)).count();
        self.open = (self.open + count("")).saturating_sub(count("/"));
    }
}

/// A piece of a block.
#[derive(Clone, Debug)]
pub enum Token {
    /// Code between backticks, and its line.
    Code(String, usize),
    /// A word, in small letters.
    Word(String),
    /// Any other character; spaces, brackets and emphasis are left out.
    Mark(char),
}

/// A block in pieces. The targets of links are left out.
pub fn tokens(block: &Block) -> Vec<Token> {
    let text = block.text.replace("<code>", "`").replace("</code>", "`");
    let line_at = |at: usize| block.line + text[..at].matches('\n').count();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if let Some((code, length)) = code_span(rest) {
            tokens.push(Token::Code(code, line_at(at)));
            at += length;
        } else if is_of_word(first) {
            let word: String = rest.chars().take_while(|next| is_of_word(*next)).collect();
            at += word.len();
            tokens.push(Token::Word(word.to_lowercase()));
        } else if let Some(target) = rest.strip_prefix("](") {
            // The target of a link.
            at += 2 + target.find(')').map_or(0, |end| end + 1);
        } else {
            at += first.len_utf8();
            if !first.is_whitespace() && !"[]*_".contains(first) {
                tokens.push(Token::Mark(first));
            }
        }
    }
    tokens
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '-' || letter == '\''
}

/// The code at the start of a text, and the bytes it takes there.
fn code_span(text: &str) -> Option<(String, usize)> {
    let marks = text.len() - text.trim_start_matches('`').len();
    if marks == 0 {
        return None;
    }
    let mut from = marks;
    loop {
        let at = from + text[from..].find('`')?;
        let run = text[at..].len() - text[at..].trim_start_matches('`').len();
        if run == marks {
            let words: Vec<&str> = text[marks..at].split_whitespace().collect();
            return Some((words.join(" "), at + run));
        }
        from = at + run;
    }
}

/// "1, 2, 3", for what there is to choose from.
pub(crate) fn joined<T: ToString>(parts: impl Iterator<Item = T>) -> String {
    parts.map(|part| part.to_string()).collect::<Vec<_>>().join(", ")
}
