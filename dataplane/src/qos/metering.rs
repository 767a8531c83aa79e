//! The meter of one class of one interface at hand, for the frames of a batch that it is asked for.
//!
//! Frames that come together and fit the committed bucket together are green one after the
//! other: that is found by one sum for all of them.

use super::meter::{Meter, MeterAction, MeterProfile, MeterSpec};
use super::meter_shared::Share;
use super::stats::Count;
use crate::class::Colour;
use crate::time::Time;

/// The meter of a class of an interface, at hand.
#[derive(Debug)]
pub struct Metering<'a> {
    counts: &'a mut [Count; 3],
    actions: [MeterAction; 3],
    aware: bool,
    by: By<'a>,
}

/// What gives the colours.
#[derive(Debug)]
pub(super) enum By<'a> {
    Own(&'a mut Meter, &'a MeterProfile),
    Share(&'a mut Share),
}

impl<'a> Metering<'a> {
    pub(super) fn new(spec: &MeterSpec, counts: &'a mut [Count; 3], by: By<'a>) -> Self {
        Self { counts, actions: spec.actions, aware: spec.colour_aware, by }
    }

    /// The colour that a frame of `bytes` gets that came with `colour`, and what is to be done with it.
    #[inline]
    pub fn colour(&mut self, colour: Colour, now: Time, bytes: u32) -> (Colour, MeterAction) {
        let colour = match &mut self.by {
            By::Own(meter, profile) => meter.colour(profile, now, colour, bytes),
            By::Share(share) => share.colour(now, colour, bytes),
        };
        self.counts[colour as usize].add(bytes as usize);
        (colour, self.actions[colour as usize])
    }

    /// Whether others share it: then which frame asks first counts, whatever its class.
    #[inline]
    pub fn is_shared(&self) -> bool {
        matches!(self.by, By::Share(_))
    }

    /// Takes so many frames, of `bytes` together, that came one after the other at `now`, if each of
    /// them gets green and nothing is to be done with it; whether it has. `came_green` says whether all of them
    /// came so, and is asked where that matters alone.
    #[inline]
    pub fn passes(&mut self, frames: u64, bytes: u64, now: Time, came_green: impl FnOnce() -> bool) -> bool {
        let does = self.actions[Colour::Green as usize];
        let asks = self.aware || does == MeterAction::Recolour;
        if !matches!(does, MeterAction::Pass | MeterAction::Recolour) || asks && !came_green() {
            return false;
        }
        let green = match &mut self.by {
            By::Own(meter, profile) => meter.takes_all(profile, now, bytes),
            By::Share(share) => share.takes_all(now, bytes),
        };
        if green {
            self.counts[Colour::Green as usize].add_all(frames, bytes);
        }
        green
    }
}
