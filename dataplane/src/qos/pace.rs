//! Classes with a rate of their own.
//!
//! A class that is in debt is held: it has no turn, as if nothing of it waited,
//! until a timing wheel says that the debt is paid. The wheel has a place for each
//! class of each interface, so that no more than one entry is ever made for a class.

use super::bucket::TokenBucket;
use super::scheduler::Scheduler;
use super::site::Site;
use super::spec::{Discipline, InterfaceQos};
use crate::class::CLASSES;
use crate::time::Time;

/// The least burst, in frames of the length at hand: while a frame of another class is sent,
/// a class loses nothing of its rate, on links of jumbo frames neither.
const DEEP: u64 = 2;
/// The same, bytes, before anything longer was sent.
const LEAST: u64 = DEEP * 1538;

/// The shapers of one interface's classes.
#[derive(Debug, Default)]
pub(super) struct Paces {
    /// `None` where no class has one.
    shapers: Option<Box<[Option<TokenBucket>; CLASSES]>>,
    /// A bit for each class: it is in debt; it stands in the wheel.
    pub(super) held: u8,
    pub(super) timed: u8,
}

impl Paces {
    /// Takes up other rates; tokens that fit stay. Nothing stands in the wheel.
    pub(super) fn adopt(&mut self, spec: &InterfaceQos, now: Time) {
        let mut old = self.shapers.take();
        let mut shaper = |c: usize| {
            let new =
                spec.classes[c].shaper.map(|s| TokenBucket::of_time(s.rate, s.burst).at_least(LEAST))?;
            let old = old.as_mut().and_then(|old| old[c].take());
            Some(old.map_or(new.clone(), |old| old.retuned(new, now)))
        };
        let paced = spec.discipline == Discipline::Classes && spec.classes.iter().any(|c| c.shaper.is_some());
        self.shapers = paced.then(|| Box::new(std::array::from_fn(&mut shaper)));
        self.timed = 0;
        self.held = (0..CLASSES).filter(|c| self.due(*c) > now).fold(0, |held, c| held | 1 << c);
    }

    /// When a class is out of debt.
    fn due(&self, class: usize) -> Time {
        let shaper = self.shapers.as_ref().and_then(|shapers| shapers[class].as_ref());
        shaper.map_or(Time::ZERO, TokenBucket::out_of_debt)
    }

    /// Whether any class has a rate of its own.
    #[inline]
    pub(super) fn any(&self) -> bool {
        self.shapers.is_some()
    }

    /// A frame of a class was sent. Gives whether the class is held from now on.
    #[inline]
    pub(super) fn spend(&mut self, class: usize, bytes: u32, now: Time) -> bool {
        self.any() && self.spend_of(class, bytes, now)
    }

    #[inline(never)]
    fn spend_of(&mut self, class: usize, bytes: u32, now: Time) -> bool {
        let shaper = self.shapers.as_mut().and_then(|shapers| shapers[class].as_mut());
        let Some(shaper) = shaper else { return false };
        shaper.deepen(DEEP * u64::from(bytes));
        shaper.spend(now, bytes);
        let held = shaper.out_of_debt() > now;
        self.held |= u8::from(held) << class;
        held
    }

    /// Sends frames of a class that are so many bytes each, if the class may send all of them `now`; the rates of
    /// its interface and port are asked before.
    #[inline]
    pub(super) fn let_all(&mut self, class: usize, frames: impl Iterator<Item = u32>, now: Time) -> bool {
        !self.any() || self.let_all_of(class, frames, now)
    }

    #[inline(never)]
    fn let_all_of(&mut self, class: usize, frames: impl Iterator<Item = u32>, now: Time) -> bool {
        let Some(shapers) = self.shapers.as_mut() else { return true };
        let Some(shaper) = &shapers[class] else { return true };
        let mut after = shaper.clone();
        for bytes in frames {
            if after.out_of_debt() > now {
                return false;
            }
            after.deepen(DEEP * u64::from(bytes));
            after.spend(now, bytes);
        }
        self.held |= u8::from(after.out_of_debt() > now) << class;
        shapers[class] = Some(after);
        true
    }

    /// Bytes it takes beside itself.
    pub(super) fn memory(&self) -> usize {
        self.shapers.as_ref().map_or(0, |shapers| size_of_val(&**shapers))
    }
}

impl Site {
    /// A bit for each queue that has a frame and may send it.
    #[inline]
    pub(super) fn ready(&self) -> u8 {
        self.backlog & !self.paces.held
    }

    /// A class is out of debt; what the others had meanwhile is not made up for.
    fn release(&mut self, class: usize, now: Time) {
        if self.backlog & (1 << class) != 0 {
            self.begins(class, now, 0);
        }
        self.paces.held &= !(1 << class);
        self.wake(class);
    }
}

impl Scheduler {
    /// Lets the classes go on whose debt is paid.
    pub(super) fn wake_classes(&mut self) {
        while let Some(member) = self.pacing.pop(self.clock) {
            let (at, class) = (member / CLASSES, member % CLASSES);
            let Some(site) = self.sites.get_mut(at).and_then(Option::as_mut) else { continue };
            site.paces.timed &= !(1 << class);
            site.release(class, self.clock);
            self.line_up(at);
        }
    }

    /// Puts those classes into the wheel that have frames and are held.
    #[cold]
    pub(super) fn hold_classes(&mut self, at: usize) {
        let Some(site) = self.sites.get_mut(at).and_then(Option::as_mut) else { return };
        let mut left = site.backlog & site.paces.held & !site.paces.timed;
        while left != 0 {
            let class = left.trailing_zeros() as usize & 7;
            left &= left - 1;
            let due = site.paces.due(class);
            if due <= self.clock {
                // It has just begun: the time since the last turn is counted.
                site.paces.held &= !(1 << class);
                site.wake(class);
            } else {
                site.paces.timed |= 1 << class;
                self.pacing.insert(at * CLASSES + class, due, self.clock);
            }
        }
    }
}
