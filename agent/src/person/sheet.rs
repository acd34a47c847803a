//! A question as the person reads it, before anybody chose how it looks: a terminal prints it line by line, a page lays it
//! out. Both show the same sentences in the same order, and what was shown is recorded letter by letter. Pure.
//!
//! Every text in it is safe to show: `Words` and `Foreign::visible` made it. (SECURITY D4)

use venia_proto::catalog::{Effect, Item};
use venia_proto::report::Report;

use super::Medium;
use super::fold::folded;

/// The whole question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// What it says, top down.
    pub blocks: Vec<Block>,
    /// How a terminal asks for the answer.
    pub prompt: String,
}

/// A piece of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// An empty line.
    Blank,
    /// What this question is.
    Title(String),
    /// What the lines below it are about.
    Heading(String),
    /// A sentence; deeper ones belong to what is above them.
    Line {
        /// Steps to the right.
        depth: usize,
        /// The sentence.
        text: String,
    },
    /// Words of somebody else, marked as theirs.
    Quote(String),
    /// Something that can be run.
    Entry(Entry),
    /// What a run brought, exactly as it would be sent.
    Report(Box<Brought>),
    /// How to answer in a terminal; a page has buttons.
    Hint(String),
    /// Another time may be chosen; how, in a terminal.
    Times(String),
    /// What is asked in the end.
    Asks(String),
}

/// Something that can be run, as it stands on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, if it has a box.
    pub number: Option<usize>,
    /// Whether the box is ticked.
    pub ticked: bool,
    /// Whether it stands below a scope that is asked for as a whole.
    pub within: bool,
    /// What it does to the computer.
    pub risk: Risk,
    /// What it is, its risk included.
    pub title: String,
    /// Its name in the catalogue: what exactly runs.
    pub id: String,
    /// With which values, and whose it is.
    pub details: Vec<String>,
}

/// What something does to the computer and to whom it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Risk {
    /// Looks.
    Reads,
    /// Looks at something personal.
    Personal,
    /// Changes something.
    Changes,
}

/// What a run brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Its definition, which names what stands in it.
    pub item: Item,
    /// The report.
    pub report: Report,
    /// As a terminal shows it.
    pub text: String,
}

impl Risk {
    /// The risk of an item.
    pub fn of(item: &Item) -> Self {
        match (item.effect, item.personal) {
            (Effect::Changes, _) => Self::Changes,
            (Effect::Reads, true) => Self::Personal,
            (Effect::Reads, false) => Self::Reads,
        }
    }
}

impl Block {
    /// A sentence at this depth.
    pub fn line(depth: usize, text: String) -> Self {
        Self::Line { depth, text }
    }

    /// Its lines, with how far to the right they stand.
    fn lines(&self) -> Vec<(usize, String)> {
        match self {
            Self::Blank => vec![(0, String::new())],
            Self::Title(text) | Self::Heading(text) | Self::Asks(text) => vec![(0, text.clone())],
            Self::Line { depth, text } => vec![(*depth, text.clone())],
            Self::Quote(text) | Self::Hint(text) | Self::Times(text) => vec![(1, text.clone())],
            Self::Report(brought) => brought.text.lines().map(|line| (1, line.to_owned())).collect(),
            Self::Entry(entry) => {
                let title = match entry.number {
                    Some(number) => format!("[{}] {number} {}", if entry.ticked { 'x' } else { ' ' }, entry.title),
                    None => entry.title.clone(),
                };
                let depth = 1 + usize::from(entry.within);
                let details = entry.details.iter().map(|detail| (depth + 1, detail.clone()));
                std::iter::once((depth, title)).chain(details).collect()
            }
        }
    }
}

impl Sheet {
    /// A question that is one sentence.
    pub fn one(text: String, prompt: String) -> Self {
        Self { blocks: vec![Block::Asks(text)], prompt }
    }

    /// Exactly what the person has before them there.
    pub fn shown(&self, medium: Medium) -> String {
        match medium {
            Medium::Terminal => self.text(),
            Medium::Page => self.on_page(),
        }
    }

    /// As a terminal shows it; the last line is the prompt.
    pub fn text(&self) -> String {
        self.printed(true) + &self.prompt
    }

    /// As a page shows it, which has buttons instead of hints and a prompt: what is recorded there as shown.
    pub fn on_page(&self) -> String {
        self.printed(false).trim_end().to_owned()
    }

    /// Whether the person may choose for how long.
    pub fn offers_times(&self) -> bool {
        self.blocks.iter().any(|block| matches!(block, Block::Times(_)))
    }

    fn printed(&self, in_terminal: bool) -> String {
        let timed = self.offers_times();
        let blocks = self.blocks.iter().filter(|block| match block {
            Block::Hint(_) | Block::Times(_) => in_terminal,
            Block::Asks(_) => in_terminal || !timed,
            Block::Blank
            | Block::Title(_)
            | Block::Heading(_)
            | Block::Line { .. }
            | Block::Quote(_)
            | Block::Entry(_)
            | Block::Report(_) => true,
        });
        let lines = blocks.flat_map(Block::lines);
        lines.map(|(depth, text)| folded(&format!("{}{text}", "  ".repeat(depth))) + "\n").collect()
    }
}
