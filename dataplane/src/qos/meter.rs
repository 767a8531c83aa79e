//! A meter: two token buckets that give a frame its colour (RFC 2697, RFC 2698,
//! RFC 4115). It stands in `police`, behind the classifier whose colour it may heed.
//!
//! | | committed bucket C | excess bucket E | green | yellow |
//! |---|---|---|---|---|
//! | srTCM | CIR, CBS | what overflows C, EBS | in C | in E |
//! | trTCM | CIR, CBS | PIR, PBS | in C and E | in E |
//! | RFC 4115 | CIR, CBS | EIR, EBS | in C | in E |
//!
//! What is neither is red. A green frame of trTCM takes from both buckets, else
//! a frame takes from the one that it fits. The unit is 10⁻⁹ bit, in which a rate
//! in bit/s times a time in ns is a whole number: nothing is ever rounded.

use std::hint::select_unpredictable;

use crate::class::Colour;
use crate::time::Time;

/// One byte, in the buckets' unit.
const BYTE: u64 = 8_000_000_000;
/// The deepest bucket, bytes: 1 GiB.
pub const DEEPEST: u64 = 1 << 30;

/// Which standard a meter follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeterKind {
    /// A single rate three colour marker (RFC 2697).
    SrTcm,
    /// A two rate three colour marker (RFC 2698).
    TrTcm,
    /// A differentiated service two-rate, three-color marker (RFC 4115).
    Rfc4115,
}

/// What is done with a frame that a meter gave a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeterAction {
    /// It goes on as it came: its own colour and mark.
    Pass,
    /// It goes on with the meter's colour.
    Recolour,
    /// It goes on with the meter's colour and this DSCP, 0 to 63; ECN stays. A
    /// labelled frame has the colour only.
    Mark(u8),
    /// It ends here, as `policed`.
    Drop,
}

/// What is asked of a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterSpec {
    /// The standard.
    pub kind: MeterKind,
    /// Whether a frame that came yellow or red can be no better after it.
    pub colour_aware: bool,
    /// CIR, bit/s, up to 400 Gbit/s.
    pub cir: u64,
    /// CBS, bytes, up to [`DEEPEST`]; more is taken as that.
    pub cbs: u64,
    /// RFC 4115's EIR or trTCM's PIR, bit/s; not looked at for srTCM.
    pub eir: u64,
    /// EBS, or trTCM's PBS, bytes.
    pub ebs: u64,
    /// By colour.
    pub actions: [MeterAction; 3],
}

impl MeterSpec {
    /// One bucket: what is over `rate` bit/s with bursts of `burst` bytes is dropped, the
    /// rest goes on as it came. That is an srTCM whose EBS is 0.
    pub const fn policer(rate: u64, burst: u64) -> Self {
        let actions = [MeterAction::Pass, MeterAction::Pass, MeterAction::Drop];
        Self { kind: MeterKind::SrTcm, colour_aware: false, cir: rate, cbs: burst, eir: 0, ebs: 0, actions }
    }
}

/// What meters of one specification go by, ready for use. Many share one, so that what is
/// looked at for each frame is a meter's own half cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterProfile {
    cir: u64,
    /// 0 for srTCM.
    eir: u64,
    pub(super) depth_c: u64,
    pub(super) depth_e: u64,
    /// Longest time, ns, whose tokens are no more than 2⁶²: no sum overflows within it.
    longest: u64,
    pub(super) kind: MeterKind,
    aware: bool,
}

impl MeterProfile {
    /// Of this specification.
    pub fn new(spec: &MeterSpec) -> Self {
        let MeterSpec { kind, colour_aware: aware, cir, .. } = *spec;
        let eir = if kind == MeterKind::SrTcm { 0 } else { spec.eir };
        let [depth_c, depth_e] = [spec.cbs, spec.ebs].map(|bytes| bytes.min(DEEPEST) * BYTE);
        Self { cir, eir, depth_c, depth_e, longest: (1 << 62) / cir.max(eir).max(1), kind, aware }
    }

    /// Whether a frame that came with `colour` may ask the committed and the excess bucket.
    #[inline]
    pub(super) fn may_ask(&self, colour: Colour) -> (bool, bool) {
        (!self.aware | (colour == Colour::Green), !self.aware | (colour != Colour::Red))
    }

    /// Tokens that `time` ns bring to the committed and to the excess bucket.
    pub(super) fn earned(&self, time: u64) -> (u64, u64) {
        (time.saturating_mul(self.cir), time.saturating_mul(self.eir))
    }

    /// What goes to the excess bucket of what does not fit the committed one.
    pub(super) fn spilt(&self, overflow: u64) -> u64 {
        if self.kind == MeterKind::SrTcm { overflow } else { 0 }
    }
}

/// What `bytes` cost, in the unit. More than [`DEEPEST`] costs more than any bucket has.
#[inline]
pub(super) const fn cost(bytes: u32) -> u64 {
    let bytes = bytes as u64;
    (if bytes > DEEPEST { DEEPEST + 1 } else { bytes }) * BYTE
}

/// One meter's buckets. One worker owns it, and always asks it by the same profile.
///
/// In any window of length t no more than CIR·t + CBS bytes are green. A jump of
/// the clock ahead fills the buckets and no more; a clock that goes back earns
/// nothing until it has caught up. Times are below 2⁶³ ns, 292 years.
#[derive(Clone, Debug, Default)]
#[repr(align(32))]
pub struct Meter {
    refilled: Time,
    /// What lacks to full buckets (RFC 2697 section 3 begins with full ones).
    used_c: u64,
    used_e: u64,
}

impl Meter {
    /// Full buckets.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tokens it has under another profile; those that overflow are lost.
    pub(super) fn retuned(&self, from: &MeterProfile, to: &MeterProfile) -> Self {
        let used = |used: u64, from: u64, to: u64| to.saturating_sub(from.saturating_sub(used));
        let used_c = used(self.used_c, from.depth_c, to.depth_c);
        Self { refilled: self.refilled, used_c, used_e: used(self.used_e, from.depth_e, to.depth_e) }
    }

    /// The colour of a frame of `bytes` that came with `colour` (looked at by a
    /// colour-aware meter only); takes its tokens.
    #[inline]
    pub fn colour(&mut self, profile: &MeterProfile, now: Time, colour: Colour, bytes: u32) -> Colour {
        let mut time = now.0.wrapping_sub(self.refilled.0);
        // A clock that went back wraps to more than any longest time.
        if time > profile.longest {
            self.refill_late(profile, now);
            time = 0;
        } else {
            self.refilled = now;
        }
        match profile.kind {
            MeterKind::SrTcm => self.srtcm(profile, time, colour, bytes),
            MeterKind::TrTcm => self.trtcm(profile, time, colour, bytes),
            MeterKind::Rfc4115 => self.rfc4115(profile, time, colour, bytes),
        }
    }

    /// Takes the tokens of `bytes` of frames, which come one after the other at `now`, if each of them
    /// would be green, whatever colour it came with; whether it has.
    #[inline]
    pub fn takes_all(&mut self, profile: &MeterProfile, now: Time, bytes: u64) -> bool {
        if bytes > DEEPEST {
            return false;
        }
        self.refill(profile, now);
        let (cost, both) = (bytes * BYTE, profile.kind == MeterKind::TrTcm);
        let fits = self.used_c + cost <= profile.depth_c && (!both || self.used_e + cost <= profile.depth_e);
        if fits {
            self.used_c += cost;
            self.used_e += if both { cost } else { 0 };
        }
        fits
    }

    /// Brings the tokens of any time.
    #[inline]
    fn refill(&mut self, profile: &MeterProfile, now: Time) {
        let (committed, excess) = profile.earned(now.since(self.refilled));
        let excess = excess.saturating_add(profile.spilt(committed.saturating_sub(self.used_c)));
        self.used_c = self.used_c.saturating_sub(committed);
        self.used_e = self.used_e.saturating_sub(excess);
        self.refilled = self.refilled.max(now);
    }

    #[cold]
    fn refill_late(&mut self, profile: &MeterProfile, now: Time) {
        self.refill(profile, now);
    }

    /// RFC 2697 section 3.
    #[inline]
    fn srtcm(&mut self, profile: &MeterProfile, time: u64, colour: Colour, bytes: u32) -> Colour {
        let left = self.used_c.wrapping_sub(time * profile.cir);
        let used_c = if self.used_c >= time * profile.cir { left } else { 0 };
        let spilt = used_c.wrapping_sub(left);
        self.one_of_both(profile, (used_c, self.used_e.saturating_sub(spilt)), colour, bytes)
    }

    /// RFC 4115 section 2.
    #[inline]
    fn rfc4115(&mut self, profile: &MeterProfile, time: u64, colour: Colour, bytes: u32) -> Colour {
        let used_c = self.used_c.saturating_sub(time * profile.cir);
        let used_e = self.used_e.saturating_sub(time * profile.eir);
        self.one_of_both(profile, (used_c, used_e), colour, bytes)
    }

    /// Takes from the committed bucket, else from the excess bucket. Which colour comes
    /// next cannot be foretold, so nothing branches on it.
    #[inline]
    fn one_of_both(
        &mut self,
        profile: &MeterProfile,
        (used_c, used_e): (u64, u64),
        colour: Colour,
        bytes: u32,
    ) -> Colour {
        let ((may_c, may_e), cost) = (profile.may_ask(colour), cost(bytes));
        let green = (used_c + cost <= profile.depth_c) & may_c;
        let yellow = (used_e + cost <= profile.depth_e) & may_e & !green;
        self.used_c = select_unpredictable(green, used_c + cost, used_c);
        self.used_e = select_unpredictable(yellow, used_e + cost, used_e);
        coloured(green, yellow)
    }

    /// RFC 2698 section 3.
    #[inline]
    fn trtcm(&mut self, profile: &MeterProfile, time: u64, colour: Colour, bytes: u32) -> Colour {
        let used_c = self.used_c.saturating_sub(time * profile.cir);
        let used_e = self.used_e.saturating_sub(time * profile.eir);
        let ((may_c, may_e), cost) = (profile.may_ask(colour), cost(bytes));
        let fits = (used_e + cost <= profile.depth_e) & may_e;
        let green = (used_c + cost <= profile.depth_c) & may_c & fits;
        self.used_c = select_unpredictable(green, used_c + cost, used_c);
        self.used_e = select_unpredictable(fits, used_e + cost, used_e);
        coloured(green, fits)
    }
}

/// Green, or else yellow, or else red.
#[inline]
pub(super) fn coloured(green: bool, yellow: bool) -> Colour {
    let worse = select_unpredictable(yellow, Colour::Yellow, Colour::Red);
    select_unpredictable(green, Colour::Green, worse)
}

const _: () = assert!(size_of::<Meter>() == 32);

#[cfg(all(test, not(loom)))]
#[path = "meter_tests.rs"]
mod tests;
