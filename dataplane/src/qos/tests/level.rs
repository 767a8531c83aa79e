//! A bucket of tokens by its definition, for the oracle: how many are surely in it, and how many may be.
//!
//! The two differ only where a class with a rate of its own makes an interface wait: what came in
//! between the moment from which on it might send and the one at which somebody looked may be saved or not.

use super::*;
use crate::class::CLASSES;
use crate::qos::{Cells, Discipline};

pub(super) const BYTE: i128 = 8_000_000_000;

#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) rate: u64,
    depth: i128,
    pub(super) sure: i128,
    pub(super) most: i128,
    at: u64,
    /// The longest frame without priority: a full one, or one that was sent.
    pub(super) longest: i128,
}

/// Which of the two is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Sure,
    Most,
}

impl Level {
    /// As deep as what `rate` brings in `burst` nanoseconds.
    pub(super) fn full(rate: u64, burst: u64, longest: i128) -> Self {
        Self::deep(rate, i128::from(rate) * i128::from(burst), longest)
    }

    pub(super) fn deep(rate: u64, depth: i128, longest: i128) -> Self {
        Self { rate, depth, sure: depth, most: depth, at: 0, longest }
    }

    pub(super) fn at(&mut self, now: u64) -> &mut Self {
        let came = i128::from(now - self.at) * i128::from(self.rate);
        (self.sure, self.most) = (self.depth.min(self.sure + came), self.depth.min(self.most + came));
        self.at = now;
        self
    }

    /// Until now it was idle for all that one knows: of what passed, the last `unseen` nanoseconds count.
    pub(super) fn idle(&mut self, by: By, now: u64, unseen: u64) {
        let now = self.at(now);
        let most = i128::from(now.rate) * i128::from(unseen);
        match by {
            By::Sure => now.sure = now.sure.min(most),
            By::Most => now.most = now.most.min(most),
        }
    }

    pub(super) fn spend(&mut self, now: u64, bytes: i128, priority: bool) {
        let now = self.at(now);
        (now.sure, now.most) = (now.sure - bytes * BYTE, now.most - bytes * BYTE);
        now.longest = if priority { now.longest } else { now.longest.max(bytes) };
    }

    /// As deep as `bytes` at least.
    pub(super) fn deepen(&mut self, bytes: i128) {
        self.depth = self.depth.max(bytes * BYTE);
    }

    /// Takes `bytes` out if there are as many; there is no doubt about them.
    pub(super) fn conforms(&mut self, now: u64, bytes: i128) -> bool {
        let conforms = self.at(now).sure >= bytes * BYTE;
        if conforms {
            self.spend(now, bytes, true);
        }
        conforms
    }

    pub(super) fn retune(old: Option<Self>, new: Option<Self>, now: u64) -> Option<Self> {
        let new = new?;
        let kept = |mut old: Self| {
            let old = old.at(now);
            Self { sure: old.sure.min(new.depth), most: old.most.min(new.depth), at: now, ..new }
        };
        Some(old.map_or(new, kept))
    }

    /// The first nanosecond from `now` on at which it is not in debt; with priority, of more than a frame.
    pub(super) fn clear(mut self, by: By, now: u64, priority: bool) -> u64 {
        let owed = if priority { self.longest * BYTE } else { 0 };
        let now_at = self.at(now);
        let there = if by == By::Sure { now_at.sure } else { now_at.most };
        let debt = -(there + owed).min(0);
        now + (debt as u128).div_ceil(u128::from(self.rate)) as u64
    }
}

/// Rates of classes: two full frames deep at the least.
pub(super) fn paces(spec: &InterfaceQos) -> [Option<Level>; CLASSES] {
    let pace = |class: ClassQos| {
        let rate = class.shaper.filter(|_| spec.discipline == Discipline::Classes)?;
        let depth = i128::from(rate.rate) * i128::from(rate.burst);
        Some(Level::deep(rate.rate, depth.max(2 * 1538 * BYTE), 0))
    };
    spec.classes.map(pace)
}

pub(super) fn policers(spec: &InterfaceQos) -> [Option<Level>; CLASSES] {
    let policer = |class: ClassQos| class.policer.filter(|_| spec.discipline == Discipline::Classes);
    spec.classes.map(|class| policer(class).map(|p| Level::deep(p.rate, i128::from(p.burst) * BYTE, 0)))
}

pub(super) fn level(spec: &InterfaceQos) -> Option<Level> {
    spec.shaper.map(|s| Level::full(s.rate, s.burst, on_the_line(spec, 1514 + overhead(spec))))
}

pub(super) fn assured(spec: &InterfaceQos) -> Option<Level> {
    spec.assured.map(|a| Level::full(a.rate, a.burst.max(100 * MS), 0))
}

pub(super) fn overhead(spec: &InterfaceQos) -> i128 {
    spec.shaper.map_or(0, |s| i128::from(s.overhead))
}

/// Bytes on the line for so many of a frame, cell by cell.
pub(super) fn on_the_line(spec: &InterfaceQos, bytes: i128) -> i128 {
    let (mut left, mut line) = (bytes, 0);
    match spec.shaper.map(|s| s.cells).unwrap_or_default() {
        Cells::None => line = bytes,
        Cells::Atm => {
            while left > 0 {
                (left, line) = (left - 48, line + 53);
            }
        }
        Cells::Ptm => {
            while left > 0 {
                (left, line) = (left - 64, line + left.min(64) + 1);
            }
        }
    }
    line
}

/// The same of a whole queue, about: cells that are not full are left out.
pub(super) fn queue_on_the_line(spec: &InterfaceQos, bytes: i128) -> i128 {
    match spec.shaper.map(|s| s.cells).unwrap_or_default() {
        Cells::None => bytes,
        Cells::Atm => bytes * 53 / 48,
        Cells::Ptm => bytes * 65 / 64,
    }
}
