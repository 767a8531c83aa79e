//! Promises held against what the sites are sure of.

use dataplane::class::TrafficClass;
use dataplane::qos::Aqm;

use super::call;
use super::curve::Arrival;
use super::line::Beside;
use super::path::Path;
use super::room::Room;
use super::short::{Mend, Short};
use super::site::{Load, Site};
use crate::config::{Class, ClassSettings, Policer, PolicerChoice, Promise, Rate, Size};

/// The most calls that are looked for.
const MOST_CALLS: u64 = 1 << 24;
/// The fastest rate that is looked for, bit/s.
const MOST_RATE: u64 = 400_000_000_000;
/// The most that all queues of an interface may be said to hold, bytes.
const MOST_LIMIT: u64 = 1 << 30;

/// All promises of one class of one site, and what serves it.
#[derive(Debug)]
pub(super) struct Group<'s, 'c> {
    pub(super) site: &'s Site<'c>,
    /// What it meets on its line.
    pub(super) beside: &'s Beside,
    pub(super) class: TrafficClass,
    pub(super) promises: Vec<&'c Promise>,
    /// What it has of its port's; `None` is not looked at.
    pub(super) room: Option<Room>,
}

impl Group<'_, '_> {
    /// What one promise sends, with `calls` in place of its own.
    fn load(&self, promise: &Promise, calls: Option<u64>) -> Load {
        let Some(calls) = calls.or(promise.calls.map(u64::from)) else {
            let rate = promise.rate.map_or(0, |rate| rate.0);
            let burst = promise.burst.map_or(self.site.longest(), |burst| burst.0);
            return self.site.load(Arrival { burst, rate });
        };
        let packet = call::packet(promise);
        let (site, line) = (self.site.frame(packet), self.site.wire(packet));
        let (ptime, arrival) = (promise.ptime.0, |frame| call::arrival(calls, frame, promise.ptime.0));
        Load { site: arrival(site), line: arrival(line), frames: Some((calls, call::next(calls, ptime))) }
    }

    /// What all send, with `calls` in place of those of the promise at `n`.
    fn all(&self, n: usize, calls: Option<u64>) -> Load {
        let one = |(i, promise): (usize, &&Promise)| self.load(promise, calls.filter(|_| i == n));
        self.promises.iter().enumerate().map(one).fold(Load::default(), Load::and)
    }

    /// What is promised of this class in all.
    pub(super) fn promised(&self) -> Load {
        self.all(usize::MAX, None)
    }

    /// Whether its frames may use the room that a tree keeps for such.
    pub(super) fn is_urgent(&self) -> bool {
        self.site.is_urgent(self.class.index())
    }

    /// The most frames of what is promised that wait; `None` when nothing bounds them.
    pub(super) fn frames(&self) -> Option<u64> {
        Some(self.frames_of(self.path().ok()?.backlog(self.promised())?))
    }

    /// Frames of so many bytes as the site counts them, at most.
    fn frames_of(&self, held: u64) -> u64 {
        let shortest = |promise: &&Promise| match promise.calls {
            Some(_) => self.site.frame(call::packet(promise)),
            None => self.site.frame(0),
        };
        held.div_ceil(self.promises.iter().map(shortest).min().unwrap_or(u64::MAX).max(1))
    }

    /// What serves the class.
    pub(super) fn path(&self) -> Result<Path, Short> {
        self.site.path(self.class, self.beside)
    }

    /// The first number that is short for the promise at `n`.
    fn short(&self, n: usize, calls: Option<u64>, path: &Result<Path, Short>) -> Option<Short> {
        let load = self.all(n, calls);
        if let Some(short) = self.policed(load.site) {
            return Some(short);
        }
        let path = match path {
            Ok(path) => path,
            Err(short) => return Some(short.clone()),
        };
        self.queued(*path, load, self.promises.get(n).and_then(|p| p.bound).map(|bound| bound.0))
    }

    fn policed(&self, of: Arrival) -> Option<Short> {
        let policer = self.site.policed(self.class.index())?;
        if of.rate > policer.rate {
            return Some(Short::PolicerRate { needed: of.rate, there: policer.rate });
        }
        (of.burst > policer.burst).then_some(Short::PolicerBurst { needed: of.burst, there: policer.burst })
    }

    fn queued(&self, path: Path, load: Load, bound: Option<u64>) -> Option<Short> {
        let spec = &self.site.qos.classes[self.class.index()];
        let (Some(wait), Some(held)) = (path.delay(load), path.backlog(load)) else {
            let needed = load.site.rate;
            let own = spec.shaper.filter(|own| own.rate < needed).map(|own| own.rate);
            return Some(match own {
                Some(there) => Short::ClassRate { needed, there },
                None => self.slow(&path, needed),
            });
        };
        let (limit, longest) = (u64::from(spec.limit_bytes), spec.limit_time);
        let frames = self.frames_of(held);
        let held = self.site.layer2_of(held);
        if held > limit {
            return Some(Short::Queue { needed: held, there: limit });
        }
        if let Some(short) = self.limited(held) {
            return Some(short);
        }
        if longest > 0 && wait > longest {
            return Some(Short::QueueTime { needed: wait, there: longest });
        }
        if let Some(short) = early(&spec.aqm, wait, held).or_else(|| self.buffered(frames)) {
            return Some(short);
        }
        let bound = bound.filter(|bound| wait > *bound)?;
        Some(Short::Bound { needed: wait, there: bound })
    }

    /// What `path` lacks that is to serve it at `needed`.
    fn slow(&self, path: &Path, needed: u64) -> Short {
        let there = path.rate();
        match () {
            () if needed <= there => Short::Bursts { needed, there },
            () if needed <= path.site.rate => Short::OfLine { needed, there },
            () => Short::Rate { needed, there },
        }
    }

    /// What the limit of all queues lacks where so many bytes wait.
    fn limited(&self, needed: u64) -> Option<Short> {
        let limit = self.site.qos.limit_bytes;
        let sure = |limit| self.site.sure_of_limit(self.class, limit);
        let there = sure(limit);
        if limit == 0 || needed <= there {
            return None;
        }
        let enough = (sure(MOST_LIMIT) >= needed).then(|| {
            let least = least(limit, MOST_LIMIT, |limit| sure(limit) >= needed);
            least.next_multiple_of(1_000).min(MOST_LIMIT)
        });
        Some(Short::SiteLimit { needed, there, limit, enough })
    }

    /// What the port's tree lacks where so many frames wait.
    fn buffered(&self, frames: u64) -> Option<Short> {
        let room = self.room?;
        match self.is_urgent() {
            true => room.short(frames),
            false => room.short_beside(frames, self.site.others_hold(self.class)),
        }
    }

    /// It goes before others, and nothing holds it to what is promised.
    fn unpoliced(&self) -> Option<Short> {
        let class = self.site.class(self.class.index());
        (class.priority && class.policer.is_none())
            .then(|| Short::Unpoliced { interface: self.site.interface.name.clone(), class: self.class })
    }

    /// Calls that fit in place of those of the promise at `n`; by rates and queues alone where what others promise
    /// takes all of the port's room already.
    pub(super) fn calls(&self, n: usize) -> u64 {
        let (path, room) = (self.path(), self.room.filter(|room| !self.is_urgent() || !room.is_taken()));
        let group = Group { promises: self.promises.clone(), room, ..*self };
        most(MOST_CALLS, |calls| group.short(n, Some(calls), &path).is_none())
    }

    /// What the promise at `n` lacks, and what would mend it.
    pub(super) fn judge(&self, n: usize) -> Option<(Short, Mend)> {
        let (class, path) = (self.class.index(), self.path());
        let priority = self.site.class(class).priority;
        let plain = Mend { priority, ..Mend::default() };
        if let (Some(short), true) = (self.unpoliced(), path.is_ok()) {
            return Some((short, plain));
        }
        let short = self.short(n, None, &path)?;
        let taken = matches!(short, Short::Buffers { .. }) && self.room.is_some_and(|room| room.is_taken());
        let calls = self.promises.get(n)?.calls.filter(|_| !taken).map(|_| self.calls(n));
        let policer = self.site.interface.qos.as_ref().and_then(|qos| qos.classes.get(&Class(self.class)));
        let policer = policer.map(|settings| settings.policer);
        let mend = Mend {
            calls,
            rate: self.mending_rate(n),
            own: self.allows(&short),
            policed: match policer {
                Some(PolicerChoice::Policer(_)) => None,
                _ => self.site.policed(class).map(|policer| policer.rate),
            },
            ..plain
        };
        Some((short, mend))
    }

    /// Whether what the class itself lacks may be given to it as its interface is.
    fn allows(&self, short: &Short) -> bool {
        let of = |change: &dyn Fn(&mut ClassSettings)| {
            self.site.allows(|qos| change(qos.classes.entry(Class(self.class)).or_default()))
        };
        match short {
            Short::ClassRate { needed, .. } => of(&|class| class.rate = Some(Rate(*needed))),
            Short::PolicerRate { needed, .. } => {
                let burst = Size(self.site.policed(self.class.index()).map_or(0, |policer| policer.burst));
                let policer = Policer { rate: Rate(*needed), burst };
                of(&|class| class.policer = PolicerChoice::Policer(policer))
            }
            _ => true,
        }
    }

    /// The least rate of the interface, a whole number of kbit/s, with which the promise at
    /// `n` holds, policers growing with it; `None` where none does.
    fn mending_rate(&self, n: usize) -> Option<u64> {
        let now = self.site.qos.shaper?.rate;
        let holds = |kilo: u64| {
            let faster = self.site.faster(kilo * 1_000);
            let group = Group { site: &faster, promises: self.promises.clone(), ..*self };
            group.short(n, None, &group.path()).is_none()
        };
        let (from, to) = (now.div_ceil(1_000), self.site.line().unwrap_or(MOST_RATE) / 1_000);
        let mut enough = from.min(to);
        while !holds(enough) {
            if enough >= to {
                return None;
            }
            enough = (enough * 2).min(to);
        }
        let rate = Rate(least(from.min(enough), enough, holds) * 1_000);
        self.site.allows(|qos| qos.rate = Some(rate)).then_some(rate.0)
    }
}

/// Whether the queue drops before it is full.
fn early(aqm: &Aqm, wait: u64, held: u64) -> Option<Short> {
    match aqm {
        Aqm::Codel(codel) if wait > codel.target => Some(Short::Codel { needed: wait, there: codel.target }),
        Aqm::Wred(wred) if held > u64::from(wred[0].from) => {
            Some(Short::Wred { needed: held, there: wred[0].from.into() })
        }
        _ => None,
    }
}

/// The most of 0 to `most` for which it holds, if it holds for all below that.
fn most(most: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if holds(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// The least of `from` to `to` for which it holds; it holds for `to`, and for all above that.
pub(super) fn least(from: u64, to: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (from, to);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}
