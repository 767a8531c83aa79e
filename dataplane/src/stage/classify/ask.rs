//! Match rules asked for the frames of a batch together.

use super::fields;
use super::fields::Place;
use crate::packet::{BATCH, Flags, Frame, Verdict};
use crate::table::rules::{ASKED, Asked, Concern, Found, NO_RULE, Plain, RuleSet};

/// The first rule that matches each frame of a batch.
pub(super) struct Answers<'r> {
    rules: &'r RuleSet,
    found: [u16; BATCH],
}

impl<'r> Answers<'r> {
    /// Has `ask` put the question for each frame that is still on its way; it says whether it
    /// has put one.
    ///
    /// `asked` is where they are kept meanwhile.
    #[inline]
    pub(super) fn new(
        frames: &[Frame],
        rules: &'r RuleSet,
        asked: &mut Asked,
        ask: impl Fn(&mut Asked, usize, &Frame) -> bool,
    ) -> Self {
        let mut answers = Self { rules, found: [NO_RULE; BATCH] };
        if rules.is_empty() {
            return answers;
        }
        for (found, (chunk, frames)) in answers.found.chunks_mut(ASKED).zip(frames.chunks(ASKED).enumerate())
        {
            let mut of = [0u8; ASKED];
            for (at, frame) in frames.iter().enumerate() {
                of[asked.len() % ASKED] = at as u8;
                let live = frame.meta().verdict == Verdict::Forward;
                if live {
                    ask(asked, chunk * ASKED + at, frame);
                }
            }
            asked.answer(rules, |answer, rule| {
                if let Some(found) = found.get_mut(usize::from(of[answer % ASKED])) {
                    *found = rule.map_or(NO_RULE, |rule| rule as u16);
                }
            });
        }
        answers
    }

    /// Of whole IPv4 packets without labels, all of the interface and Vrf that `concern` is of. `asked` is as in
    /// [`Answers::new`].
    pub(super) fn plain(frames: &[Frame], rules: &'r RuleSet, concern: Concern, asked: &mut Asked) -> Self {
        let mut answers = Self { rules, found: [NO_RULE; BATCH] };
        for (found, frames) in answers.found.chunks_mut(ASKED).zip(frames.chunks(ASKED)) {
            asked.add_plain(rules, concern, frames);
            asked.answer_into(rules, found);
        }
        answers
    }

    /// Whether no rule matches any.
    #[inline]
    pub(super) fn are_none(&self) -> bool {
        self.found.iter().fold(NO_RULE, |all, rule| all & rule) == NO_RULE
    }

    /// Of the frame in this place.
    #[inline(always)]
    pub(super) fn get(&self, frame: usize) -> Found {
        self.found.get(frame).and_then(|rule| self.of(*rule))
    }

    /// Of all places, in order.
    #[inline(always)]
    pub(super) fn all(&self) -> impl Iterator<Item = Found> + '_ {
        self.found.iter().map(|rule| self.of(*rule))
    }

    #[inline(always)]
    fn of(&self, rule: u16) -> Found {
        if rule == NO_RULE {
            return None;
        }
        self.rules.treatment(rule.into()).map(|treatment| (rule.into(), treatment))
    }
}

/// Asks for an IP packet whose labels, if it had any, are off.
#[inline(always)]
pub(super) fn ask_ip(asked: &mut Asked, rules: &RuleSet, frame: &Frame, place: Place) -> bool {
    let meta = frame.meta();
    let l3 = frame.bytes().get(usize::from(meta.l3_offset)..).unwrap_or_default();
    fields::fields(l3, meta, place).is_some_and(|fields| asked.add(rules, &fields))
}

impl Plain for Frame {
    #[inline(always)]
    fn addresses(&self) -> (u32, u32) {
        let header = self.bytes().get(usize::from(self.meta().l3_offset)..);
        let addresses = header.and_then(|header| header.get(12..)?.first_chunk()).copied();
        let both = u64::from_be_bytes(addresses.unwrap_or_default());
        ((both >> 32) as u32, both as u32)
    }

    #[inline(always)]
    fn ports(&self) -> Option<(u16, u16)> {
        let meta = self.meta();
        meta.flags.has(Flags::PORTS).then_some((meta.l4_source, meta.l4_destination))
    }

    #[inline(always)]
    fn protocol(&self) -> u8 {
        self.meta().protocol
    }

    #[inline(always)]
    fn dscp(&self) -> u8 {
        self.meta().dscp
    }

    #[inline(always)]
    fn l3_length(&self) -> u16 {
        self.meta().l3_length
    }
}
