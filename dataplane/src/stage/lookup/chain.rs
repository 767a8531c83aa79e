//! What a chain of entries does to a label stack: the same for each frame that goes
//! that way but for TTL, traffic class and the bottom bit (RFC 3032 section 2.4,
//! RFC 3443 section 3, RFC 5462).

use crate::packet::{Flags, Frame, Layer3, StackEdit};
use crate::table::{DiffServModel, Interface, Push, Swap, TtlModel, TunnelModel};
use crate::wire::ecn;
use crate::wire::mpls::{LabelStackEntry, label};

/// Where the label stands in an entry.
pub(super) const LABEL: u32 = 12;
/// Where the traffic class stands.
const TC: u32 = 9;
/// The bottom bit.
const BOTTOM: u32 = 1 << 8;
/// Label and nothing else.
pub(super) const LABELS: u32 = !0xfff;

/// The first entry of a chain, where its labels can be exchanged for another's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    /// It cannot.
    Other,
    Swap,
    /// So many labels of this model.
    Push(u8, TunnelModel),
}

/// One or two labels put on IP packets, the inner one by the first entry.
pub(super) struct Shallow {
    model: TunnelModel,
    labels: u8,
    /// The inner one without its label.
    words: [u32; 2],
    /// Which bits of a packet's TTL they take.
    ttls: [u32; 2],
    marked: bool,
}

impl Shallow {
    /// How many there are.
    pub(super) fn labels(&self) -> u8 {
        self.labels
    }

    /// The inner label that an entry puts on which is the first one's like but for that.
    #[inline(always)]
    pub(super) fn label(&self, push: &Push) -> Option<u32> {
        push.labels.only().filter(|_| push.model == self.model && !push.entropy)
    }

    /// As [`Chain::put_on`], with this inner label.
    #[inline(always)]
    pub(super) fn put_on(&self, label: u32, ttl: u32, tc: u32, edit: &mut StackEdit) {
        let word = |at: usize| self.words[at] | tc << TC | ttl & self.ttls[at];
        let inner = word(0) | label << LABEL | BOTTOM;
        if self.labels == 1 {
            edit.put(self.marked, &[inner], |word| word);
        } else {
            edit.put(self.marked, &[inner, word(1)], |word| word);
        }
    }
}

/// The labels of a way, collected entry by entry.
pub(super) struct Chain {
    first: First,
    /// The label that replaces a labelled frame's top one, in place.
    swap: Option<u32>,
    len: u8,
    /// Labels put on, innermost first, in place, with the TTL of a pipe.
    words: [u32; StackEdit::MOST],
    /// By bit: those whose TTL is that of the contents.
    uniform: u16,
    /// By bit: those that are to hold the flow's entropy.
    entropy: u16,
    /// Whether the packet below the innermost of them has the mark that they have.
    marked: bool,
    /// Whether entries without meaning here, or too many, were on the way.
    broken: bool,
}

impl Chain {
    pub(super) const fn new() -> Self {
        let words = [0; StackEdit::MOST];
        Self {
            first: First::Other,
            swap: None,
            len: 0,
            words,
            uniform: 0,
            entropy: 0,
            marked: false,
            broken: false,
        }
    }

    /// Forgets what it was; the words need not be overwritten.
    #[inline]
    pub(super) fn clear(&mut self) {
        (self.first, self.swap, self.len, self.broken) = (First::Other, None, 0, false);
        (self.uniform, self.entropy, self.marked) = (0, 0, false);
    }

    /// Whether a frame that came unlabelled leaves so.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0 && self.swap.is_none() && !self.broken
    }

    /// Whether more labels were to be put on than a frame has room for.
    #[inline]
    pub(super) fn overflows(&self) -> bool {
        self.broken
    }

    /// Another label replaces the top one.
    #[inline]
    pub(super) fn swap(&mut self, swap: &Swap) {
        // A second label in the same place hides the first.
        self.first = if self.is_empty() { First::Swap } else { First::Other };
        let top = usize::from(self.len).checked_sub(1).and_then(|last| self.words.get_mut(last));
        match top {
            Some(word) => *word = swap.label << LABEL | *word & !LABELS,
            None => self.swap = Some(swap.label << LABEL),
        }
    }

    /// Labels come on top of the others.
    #[inline]
    pub(super) fn push(&mut self, push: &Push) {
        if self.is_empty() {
            let labels = push.labels.len() as u8;
            self.first = if push.entropy { First::Other } else { First::Push(labels, push.model) };
            self.marked = push.model.diffserv == DiffServModel::Uniform;
        }
        // In a uniform tunnel through a pipe, the pipe's TTL counts from there on.
        let over_pipe = self.len > 0 && self.uniform & 1 << (self.len - 1) == 0;
        let uniform = push.model.ttl == TtlModel::Uniform && !over_pipe;
        for (depth, label) in push.labels.iter().enumerate().rev() {
            if depth == 0 && push.entropy {
                self.put(0, false, true);
                self.put(label::ENTROPY_INDICATOR, uniform, false);
            }
            self.put(label, uniform, false);
        }
    }

    /// Exchanges the label of the first entry, a swap, for that of another one; `false`
    /// where the chain does not start so.
    #[inline]
    pub(super) fn swap_first(&mut self, swap: &Swap) -> bool {
        let like = self.first == First::Swap;
        if like {
            self.swap = Some(swap.label << LABEL);
        }
        like
    }

    /// Exchanges the labels of the first entry, a push, for those of another one;
    /// `false` where the chain does not start so, or with other numbers or models.
    #[inline]
    pub(super) fn push_first(&mut self, push: &Push) -> bool {
        let like = self.first == First::Push(push.labels.len() as u8, push.model) && !push.entropy;
        if like {
            for (word, label) in self.words.iter_mut().zip(push.labels.iter().rev()) {
                *word = label << LABEL | *word & !LABELS;
            }
        }
        like
    }

    #[inline]
    fn put(&mut self, label: u32, uniform: bool, entropy: bool) {
        let Some(word) = self.words.get_mut(usize::from(self.len)) else {
            self.broken = true;
            return;
        };
        let ttl = if uniform || entropy { 0 } else { u32::from(u8::MAX) };
        *word = label << LABEL | ttl;
        self.uniform |= u16::from(uniform) << self.len;
        self.entropy |= u16::from(entropy) << self.len;
        self.len += 1;
    }

    /// Whether all that it does is to exchange a labelled frame's top label, by its first entry.
    pub(super) fn only_swaps(&self) -> bool {
        self.len == 0 && self.first == First::Swap && !self.broken
    }

    /// What the one or two labels are that it puts on, where the first entry puts on one, and that is all.
    pub(super) fn shallow(&self) -> Option<Shallow> {
        let First::Push(1, model) = self.first else { return None };
        let labels = self.pushes();
        let words = [self.words[0] & !LABELS, self.words[1]];
        let ttls = [0, 1].map(|at| if self.uniform >> at & 1 == 1 { u32::from(u8::MAX) } else { 0 });
        matches!(labels, 1 | 2).then_some(Shallow { model, labels, words, ttls, marked: self.marked })
    }

    /// How many labels it puts on, where that is all it does and none holds a flow's entropy; else 0.
    pub(super) fn pushes(&self) -> u8 {
        let only = self.swap.is_none() && self.entropy == 0 && !self.broken;
        if only { self.len } else { 0 }
    }

    /// Writes that its labels are put on an IP packet, with this TTL where the tunnel is uniform
    /// and this traffic class.
    #[inline(always)]
    pub(super) fn put_on(&self, ttl: u32, tc: u32, edit: &mut StackEdit) {
        let (mut uniform, mut rest) = (self.uniform, tc << TC | BOTTOM);
        edit.put(self.marked, self.words.get(..usize::from(self.len)).unwrap_or_default(), |word| {
            let word = word | rest | (ttl * u32::from(uniform & 1));
            (uniform, rest) = (uniform >> 1, tc << TC);
            word
        });
    }

    /// Writes what is to be done to this frame's stack.
    #[inline]
    pub(super) fn fill(&self, frame: &mut Frame, out: &Interface, edit: &mut StackEdit) {
        let meta = frame.meta();
        let kept = meta.flags.0 & (Flags::ORIGINATED.0 | Flags::KEEP_TTL.0) != 0;
        let ttl = u32::from(meta.ttl.saturating_sub(u8::from(!kept)));
        edit.clear();
        edit.uniform = self.marked;
        let (tc, mut bottom) = match meta.layer3 {
            Layer3::Mpls => {
                let tc = u32::from(meta.tc) << TC;
                let top = LabelStackEntry::parse(frame.l3()).map_or(0, |(top, _)| top.word());
                edit.off = 1;
                edit.push(self.swap.unwrap_or(top & LABELS) | tc | top & BOTTOM | ttl);
                (tc, 0)
            }
            _ => (u32::from(out.tc_map.with_ce(meta.class, || is_ce(frame))) << TC, BOTTOM),
        };
        if self.entropy != 0 {
            self.fill_entropy(frame, edit, (tc, ttl, bottom));
            return;
        }
        let mut uniform = self.uniform;
        for word in self.words.iter().take(usize::from(self.len)) {
            edit.push(word | tc | bottom | (ttl * u32::from(uniform & 1)));
            uniform >>= 1;
            bottom = 0;
        }
    }

    /// As above, with entropy labels: traffic class and TTL 0 (RFC 6790 section 4.2).
    fn fill_entropy(&self, frame: &mut Frame, edit: &mut StackEdit, (tc, ttl, bottom): (u32, u32, u32)) {
        let entropy = entropy(frame.flow()) << LABEL;
        let mut bottom = bottom;
        for (i, word) in self.words.iter().enumerate().take(usize::from(self.len)) {
            let is = |bits: u16| u32::from(bits >> i & 1);
            let word = match is(self.entropy) {
                0 => word | tc | (ttl * is(self.uniform)),
                _ => entropy,
            };
            edit.push(word | bottom);
            bottom = 0;
        }
    }
}

/// Whether an IP packet leaves with CE (RFC 5129 section 4.1).
fn is_ce(frame: &Frame) -> bool {
    frame.meta().flags.has(Flags::CONGESTED) || ecn::of(frame.l3()) == Some(ecn::CE)
}

/// A label of a flow's hash that is not a special one (RFC 6790 section 4.2).
const fn entropy(hash: u32) -> u32 {
    let label = hash & label::LAST;
    if label < label::FIRST { label + label::FIRST } else { label }
}
