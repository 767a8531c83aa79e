//! A class's way: through its own site's shaper and queues, and between other sites on
//! the line.
//!
//! Let a frame come while its site has had something that goes before it, or with it, from
//! time s on, and leave at d. Without the other sites it would wait `own`, in which each byte
//! takes its time at the site's rate r (`Site::service`). What do the others, on a line of rate C,
//! add to that? The site's bucket earns tokens at r whether the site waits for the line or
//! not; what it earned while it waited it sends at C. So a wait for the line is a wait more
//! only where tokens are lost, since the bucket is full, or where the line is what the frame
//! waits for last. Call a time in which the line always has a frame of those before the class a
//! busy period of the line. At its begin one frame of another site may have begun, with one more of
//! each further scheduler tree.
//!
//! - A busy period in which tokens are lost, and after which the site is held by its shaper,
//!   has let it send all that was saved (`saved`, S) and what came meanwhile: S·C/(C−r) at least. It
//!   is longer than what the site's own bytes took at r by no more than (begun + O)/C − S/r, where O
//!   is what the others sent in it. So begun frames are counted by what the site itself sends,
//!   never by how long it waits: a site waits for the line again only after it has sent its bucket.
//! - The last busy period adds (begun + O)/C: the wait for the line that ends at d.
//! - The sum of all O is bounded by the arrival curve of the others over d − s (`whole`); or each
//!   O by their curve over its own busy period (`by_periods`), which is what a line that serves
//!   C − R to the site in each (corollary 6.2.1 of Le Boudec and Thiran). Both hold, so the lesser does.
//! - A line of rate r behind may still be sending when the site's first frame comes: a frame, what the
//!   bucket held while data waited for the line (`full`), and what it earned while the port's own line, to which
//!   frames of priority go while it sends one, had a frame before the site's (begun/C). It then never stands while the line makes the site
//!   wait, and the wait is `own` and that; or it does, and what it had to send has no part in the wait. The longer
//!   of both is the bound.
//! - Sites with priority have turns, frame by frame: so few frames that all are gone before one more may come wait for
//!   as many of each other site (`by_rounds`).
//!
//! Others send what their policers let in, or what their shapers let out: a site that waits for none but its own shaper
//! when a busy period begins has saved nothing (`held`). Where the shapers of all fit the line together, that bounds
//! too what the site itself can save.
//!
//! A policer bounds what comes at once. What of another site waits when a busy period begins is held by that site's
//! shaper, and came in an earlier one. Held since its bucket was full, the site has sent its S since: of what came in
//! a time U, R·U − S is left beside what its policer lets in at once. Sites with rates of x together that
//! had to wait so long did so for the bursts of the rest, which are over after U = (begun + B − θ·x)/(C − R + x), where B
//! and R are those of all, and θ is the least burst of any, as time at its rate: `late` is the most that is left so.
//! (For later periods the same holds again, since a site that is held sends faster than frames come.)
//!
//! Where sites have turns, the same holds of what they give: `Turns`.

use super::curve::{Arrival, Service, bytes, time};
use super::site::Load;

/// Nanoseconds that are as good as no bound: an hour.
pub(super) const NEVER: f64 = 3.6e12;
/// Nanoseconds of a second times the bits of a byte.
pub(super) const SECOND: f64 = 8e9;
/// Parts of a line's rate in which the worst is looked for.
const PARTS: u32 = 64;

/// What serves a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Path {
    /// Its site.
    pub(super) site: Service,
    /// The line, where the site has others beside it.
    pub(super) line: Option<Line>,
}

/// A line between sites.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    /// Bit/s.
    pub(super) rate: u64,
    /// What of other sites can go before, whatever the order; `None` where that leaves nothing.
    pub(super) before: Option<Arrival>,
    /// What the shapers of the others let out of what comes or waits when a busy period begins.
    pub(super) held: Option<Arrival>,
    /// The longest frame of another site, and one of each further tree of the port, bytes.
    pub(super) begun: u64,
    /// What of others with priority may be left of an earlier busy period; `None` where that is counted to `before`.
    pub(super) late: Option<Late>,
    /// A frame of each other site, bytes, where their priority has turns with the class.
    pub(super) round: Option<u64>,
    /// Its own site.
    pub(super) own: Own,
    /// What turns give the site: what it is guaranteed, its share, both.
    pub(super) turns: [Option<Turns>; 3],
}

/// What all sites of a line are alike in, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Late {
    /// The least time in which a site's policers let in what its shaper's bucket lets out at once.
    pub(super) calm: u64,
    /// The least burst of the policers of any, as time at their rate.
    pub(super) burst: u64,
}

/// A site as its line sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Own {
    /// What goes before the class, or with it in the same turn.
    pub(super) ahead: Load,
    /// Bit/s as it counts: of its shaper; of the line.
    pub(super) rate: u64,
    pub(super) line: u64,
    /// What its shaper lets out at once before it holds the class, bytes.
    pub(super) saved: u64,
    /// Nanoseconds in which its bucket fills up; 0 where it has none.
    pub(super) full: u64,
    /// What of its own wait is for a frame that a line behind has begun, nanoseconds.
    pub(super) begun: u64,
    /// Whether what comes for the class and those before it is all that spends its tokens meanwhile.
    pub(super) first: bool,
}

/// A site that is given turns on the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turns {
    /// What the class is served when its site is at `rate`.
    pub(super) site: Service,
    /// Bit/s of the line.
    pub(super) rate: u64,
    /// Nanoseconds that it waits once: for what others have saved up, and for its first turn.
    pub(super) once: u64,
    /// Nanoseconds that it waits each time that a frame of another has begun.
    pub(super) again: u64,
}

/// `bytes` at `rate` bit/s, nanoseconds.
pub(super) fn taking(bytes: f64, rate: f64) -> f64 {
    bytes * SECOND / rate
}

/// Whole nanoseconds that are not fewer; `None` where there is no bound.
fn whole_ns(time: f64) -> Option<u64> {
    (0.0..NEVER).contains(&time).then(|| time.ceil() as u64)
}

impl Own {
    /// Bytes that it sends at least in a busy period in which tokens are lost.
    pub(super) fn spent(&self) -> f64 {
        let (rate, line) = (self.rate as f64, self.line as f64);
        if self.line > self.rate { self.saved as f64 * line / (line - rate) } else { f64::INFINITY }
    }

    /// What `lost` nanoseconds in each such busy period are for one that it sends at `rate`.
    fn losing(&self, lost: f64, rate: f64) -> f64 {
        let time = lost - taking(self.saved as f64, self.rate as f64);
        if time > 0.0 { time / taking(self.spent(), rate) } else { 0.0 }
    }
}

impl Line {
    /// Bit/s that the class is sure of, whose site alone serves it `site`.
    fn sure(self, site: Service) -> u64 {
        let left = |before: Arrival| self.rate.saturating_sub(before.rate + self.own.ahead.line.rate);
        let between = self.before.map_or(0, |before| left(before).min(site.rate));
        let turns = self.turns.iter().flatten().map(|turns| self.kept(*turns));
        turns.fold(between, u64::max).min(site.rate)
    }

    /// Bit/s that turns give, what is lost on the way taken off.
    fn kept(self, turns: Turns) -> u64 {
        let losing = self.own.losing(turns.again as f64, turns.rate as f64);
        (turns.site.rate as f64 / (1.0 + losing)) as u64
    }

    /// The most that others send in so much time, beside a load.
    fn others(self, before: Arrival, of: Load) -> Option<Arrival> {
        let all = before.and(of.line).and(self.own.ahead.line);
        let left = self.rate.checked_sub(all.rate).filter(|left| *left > 0)?;
        let late =
            self.late.map_or(0, |late| late.bytes(all.burst.saturating_add(self.begun), all.rate, left));
        Some(Arrival { burst: before.burst.saturating_add(late), ..before })
    }

    /// The wait of what its site alone, which serves the class `site`, makes wait for `own`, whatever the order
    /// of the sites.
    fn between(self, site: Service, own: u64, of: Load) -> Option<u64> {
        let own = (own.saturating_sub(self.own.begun) as f64, of.site.rate as f64 / site.rate as f64);
        let others = self.before.and_then(|before| self.others(before, of));
        let whole = others.and_then(|others| self.whole(own, others));
        let by_periods = |others: Option<Arrival>| self.by_periods(own, others?, of);
        let waits = [whole, by_periods(others), by_periods(self.held), self.by_rounds(own.0, of)];
        waits.into_iter().flatten().min()
    }

    /// A frame of each other for each of its own, where no more come until these are gone.
    fn by_rounds(self, own: f64, of: Load) -> Option<u64> {
        let (frames, next) = of.frames.filter(|_| self.own.ahead == Load::default())?;
        let losing = self.own.losing(taking(self.begun as f64, self.rate as f64), self.own.rate as f64);
        let rounds = self.round?.checked_mul(frames)?.checked_add(self.begun)?;
        let wait = own + taking(rounds as f64, self.rate as f64);
        (losing == 0.0 && wait < next as f64).then_some(wait).and_then(whole_ns)
    }

    /// What others send counted once over the whole wait.
    fn whole(self, (own, load): (f64, f64), others: Arrival) -> Option<u64> {
        let (line, rate) = (self.rate as f64, self.own.rate as f64);
        let ahead = self.own.ahead.site.rate as f64 / rate;
        let losing = self.own.losing(taking(self.begun as f64, line), rate);
        let left = 1.0 - ahead * (1.0 + losing) - others.rate as f64 / line;
        let once = taking((self.begun + others.burst) as f64, line);
        let each = (1.0 - ahead) * (1.0 + losing);
        // What comes later must not wait longer.
        (left > 0.0 && load * each <= left).then(|| (own * each + once) / left).and_then(whole_ns)
    }

    /// What others send counted for each busy period of the line.
    fn by_periods(self, (own, load): (f64, f64), others: Arrival, of: Load) -> Option<u64> {
        let (line, rate) = ((self.rate - others.rate) as f64, self.own.rate as f64);
        // As the site counts it.
        let least = rate.min(line * self.own.line as f64 / self.rate as f64);
        let once = taking((self.begun + others.burst) as f64, line);
        let ahead = self.own.ahead.site.rate as f64;
        let slower = (rate - ahead) / least;
        let losing = match self.own.first && self.never_full(own * slower + once, least, of) {
            true => 0.0,
            false => self.own.losing(once, rate),
        };
        let left = 1.0 - ahead * (1.0 / least + losing / rate);
        let each = slower * (1.0 + losing * least / rate);
        let wait = (own * each + once) / left;
        (left > 0.0 && load * each <= left).then_some(wait).and_then(whole_ns)
    }

    /// Whether a busy period of the site, which begins with so much to be waited for and is served at
    /// `least`, is over before it has sent what it must have sent for tokens to be lost.
    fn never_full(self, at_once: f64, least: f64, of: Load) -> bool {
        let all = of.site.and(self.own.ahead.site);
        let left = 1.0 - all.rate as f64 / least;
        let sent = all.burst as f64 + at_once / left * all.rate as f64 / SECOND;
        left > 0.0 && sent < self.own.spent()
    }

    /// The wait where the site has its turns.
    fn by_turns(self, turns: Turns, of: Load) -> Option<u64> {
        let own = turns.site.delay(of.site).filter(|_| of.site.rate <= self.kept(turns))?;
        let losing = self.own.losing(turns.again as f64, turns.rate as f64);
        whole_ns(own.saturating_add(turns.once) as f64 * (1.0 + losing))
    }
}

impl Late {
    /// Bytes left where all sites send so many at once, and `rate` bit/s of a line that they leave `left` of.
    fn bytes(self, burst: u64, rate: u64, left: u64) -> u64 {
        let (burst, rate, left) = (burst as f64 * SECOND, rate as f64, left as f64);
        let part = |n: u32| rate * f64::from(n) / f64::from(PARTS);
        // Of those with rates of one part to the next together, at most.
        let most = |n: u32| {
            let busy = (burst - self.burst as f64 * part(n)) / (left + part(n));
            part(n + 1) * (busy - self.calm as f64) / SECOND
        };
        (0..PARTS).map(most).fold(0.0, f64::max).ceil() as u64
    }
}

impl Path {
    /// Bit/s that it is sure of.
    pub(super) fn rate(self) -> u64 {
        self.line.map_or(self.site.rate, |line| line.sure(self.site))
    }

    /// The longest from coming to being sent, nanoseconds; `None` when nothing bounds it.
    pub(super) fn delay(self, of: Load) -> Option<u64> {
        let own = self.site.delay(of.site)?;
        let Some(line) = self.line else { return Some(own) };
        let turns = line.turns.iter().flatten().filter_map(|turns| line.by_turns(*turns, of));
        let least = own.saturating_add(line.own.full).saturating_add(time(line.begun, line.rate));
        line.between(self.site, own, of).into_iter().chain(turns).min().map(|wait| wait.max(least))
    }

    /// The most that waits, bytes as the site counts them; `None` when nothing bounds it.
    pub(super) fn backlog(self, of: Load) -> Option<u64> {
        match self.line {
            None => self.site.backlog(of.site),
            // Whatever came longer ago has been sent.
            Some(_) => {
                let came = bytes(self.delay(of)?, of.site.rate);
                Some(of.site.burst.saturating_add(came))
            }
        }
    }
}
