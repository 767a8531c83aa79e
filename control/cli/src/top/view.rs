//! What is shown: the last answer, how it is sorted, which site is chosen, and what keys do to it.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use control::api::qos::{Qos, QosTree, SiteRow};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::feed::{News, Told, Want};

/// What sites are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sort {
    /// Their names.
    Name,
    /// What they delivered in the last second.
    Rate,
    /// What they dropped in the last ten seconds, then ever.
    Drops,
    /// The longest wait of calls in the last ten seconds.
    Delay,
    /// The bytes in their queues.
    Depth,
}

impl Sort {
    /// In the order of their keys, 1 to 5.
    pub(super) const ALL: [Self; 5] = [Self::Name, Self::Rate, Self::Drops, Self::Delay, Self::Depth];

    /// As it is called.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Rate => "rate",
            Self::Drops => "drops",
            Self::Delay => "delay",
            Self::Depth => "depth",
        }
    }

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// The most first; equals by name.
    fn sort(self, sites: &mut [SiteRow]) {
        sites.sort_by(|a, b| {
            let [short, other] = [a, b].map(|site| site.recent[0]);
            let [long, other_long] = [a, b].map(|site| site.recent[1]);
            let most_first = match self {
                Self::Name => std::cmp::Ordering::Equal,
                Self::Rate => other.delivered.cmp(&short.delivered),
                Self::Drops => (other_long.dropped, b.dropped.frames).cmp(&(long.dropped, a.dropped.frames)),
                Self::Delay => other_long.voice_us.total_cmp(&long.voice_us),
                Self::Depth => b.depth.bytes.cmp(&a.depth.bytes),
            };
            most_first.then_with(|| a.interface.cmp(&b.interface))
        });
    }
}

/// What a key asks for beyond the view itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// To end.
    Quit,
    /// Something else of the router.
    Ask(Want),
}

/// What is shown.
#[derive(Debug)]
pub(super) struct View {
    pub(super) sort: Sort,
    pub(super) want: Want,
    pub(super) sites: Qos,
    /// The site that was gone into.
    pub(super) tree: Option<Box<QosTree>>,
    /// The site that is chosen, by name: it stays chosen wherever it is sorted to.
    chosen: Option<String>,
    /// The first row of the table that is seen; the first line of a site.
    pub(super) top: usize,
    pub(super) scroll: usize,
    /// Rows that there was room for when it was drawn last.
    pub(super) page: usize,
    /// Why the last question had no answer.
    trouble: Option<String>,
    /// When the last answer came about a site, or that was asked for; and about all sites.
    fresh: Instant,
    all_fresh: Instant,
}

impl View {
    pub(super) fn new(sort: Sort, want: Want) -> Self {
        let (sites, tree) = (Qos::default(), None);
        Self {
            sort,
            want,
            sites,
            tree,
            chosen: None,
            top: 0,
            scroll: 0,
            page: 1,
            trouble: None,
            fresh: Instant::now(),
            all_fresh: Instant::now(),
        }
    }

    /// Takes up what the router said.
    pub(super) fn told(&mut self, told: Told) {
        (self.trouble, self.fresh) = (None, Instant::now());
        match told {
            Told::Sites(mut qos) => {
                self.sort.sort(&mut qos.sites);
                (self.sites, self.all_fresh) = (qos, Instant::now());
            }
            Told::Site(Some(tree)) => self.tree = Some(tree),
            Told::Site(None) => self.trouble = Some("there is no such interface".into()),
        }
    }

    /// Takes up news, unless they are about what is not looked at any more.
    pub(super) fn news(&mut self, news: News) {
        if news.want != self.want {
            return;
        }
        match news.told {
            Ok(told) => self.told(told),
            Err(message) => self.trouble = Some(message),
        }
    }

    /// Why nothing new is shown, and for how long.
    pub(super) fn trouble(&self) -> Option<(&str, Duration)> {
        let fresh = if self.want == Want::Sites { self.all_fresh } else { self.fresh };
        self.trouble.as_deref().map(|message| (message, fresh.elapsed()))
    }

    /// Which row is chosen.
    pub(super) fn row(&self) -> usize {
        let named = |name: &String| self.sites.sites.iter().position(|site| site.interface == *name);
        self.chosen.as_ref().and_then(named).unwrap_or(0)
    }

    fn choose(&mut self, row: usize) {
        let last = self.sites.sites.len().saturating_sub(1);
        self.chosen = self.sites.sites.get(row.min(last)).map(|site| site.interface.clone());
    }

    /// What a key does.
    pub(super) fn key(&mut self, key: KeyEvent) -> Option<Act> {
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Some(Act::Quit),
            KeyCode::Char('q') => return Some(Act::Quit),
            KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => return self.leave(),
            KeyCode::Up | KeyCode::Char('k') => self.go(|at, _| at.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.go(|at, _| at + 1),
            KeyCode::PageUp => self.go(usize::saturating_sub),
            KeyCode::PageDown => self.go(|at, page| at + page),
            KeyCode::Home => self.go(|_, _| 0),
            KeyCode::End => self.go(|_, _| usize::MAX),
            _ if self.want != Want::Sites => {}
            KeyCode::Enter | KeyCode::Right => return self.enter(),
            KeyCode::Char('s') => self.sort_by(self.sort.next()),
            KeyCode::Char(digit @ '1'..='5') => self.sort_by(Sort::ALL[digit as usize - '1' as usize]),
            _ => {}
        }
        None
    }

    /// Chooses another row, or scrolls to another line, `to` what comes of the present one and a page.
    fn go(&mut self, to: impl Fn(usize, usize) -> usize) {
        match self.want {
            Want::Sites => self.choose(to(self.row(), self.page)),
            Want::Site(_) => self.scroll = to(self.scroll, self.page),
        }
    }

    fn sort_by(&mut self, sort: Sort) {
        self.sort = sort;
        sort.sort(&mut self.sites.sites);
    }

    fn enter(&mut self) -> Option<Act> {
        let name = self.sites.sites.get(self.row())?.interface.clone();
        (self.chosen, self.tree) = (Some(name.clone()), None);
        Some(self.ask(Want::Site(name)))
    }

    fn leave(&mut self) -> Option<Act> {
        (self.want != Want::Sites).then(|| self.ask(Want::Sites))
    }

    fn ask(&mut self, want: Want) -> Act {
        (self.trouble, self.fresh) = (None, Instant::now());
        (self.scroll, self.want) = (0, want.clone());
        Act::Ask(want)
    }
}
