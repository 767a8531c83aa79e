//! Putting together IPv4 fragments of datagrams for the router itself, such as
//! pings longer than an MTU (RFC 791 section 3.2, RFC 1122 section 3.3.2).
//!
//! Strictly bounded: a few datagrams at a time, of a few thousand bytes, for a
//! few seconds. Fragments that overlap end their datagram (RFC 5722's rule, for
//! IPv4 as well). IPv6 fragments are not put together, because the router could
//! not answer: it sends no IPv6 datagram that needs fragmenting.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::local::Datagram;
use crate::id::VrfId;
use crate::time::Time;

/// Datagrams being put together at once; the oldest makes room.
const DATAGRAMS: usize = 16;
/// Fragments of one datagram.
const FRAGMENTS: usize = 64;
/// Longest payload, bytes.
const LONGEST: usize = 9_216;
/// Nanoseconds that the fragments of one datagram may take to arrive.
const PATIENCE: u64 = 15_000_000_000;

/// What the fragments of one datagram have in common (RFC 791 section 3.2).
type Key = (VrfId, IpAddr, IpAddr, u8, u16);

/// A datagram of which some fragments are there.
#[derive(Debug)]
struct Partial {
    key: Key,
    since: Time,
    /// The first fragment's header, once that is there.
    header: Vec<u8>,
    payload: Vec<u8>,
    /// The parts of `payload` that are there: start and end.
    parts: Vec<(usize, usize)>,
    /// Bytes of payload in all, once the last fragment is there.
    total: Option<usize>,
}

/// What a fragment led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fragment {
    /// More are needed.
    Waits,
    /// It contradicts another, or is of too long a datagram.
    Refused,
    /// The whole datagram: header, and payload behind it.
    Whole { bytes: Vec<u8>, header: usize },
}

/// The datagrams being put together, oldest first.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    partials: VecDeque<Partial>,
}

impl Reassembly {
    /// Takes in one fragment.
    pub(super) fn take(&mut self, vrf: VrfId, fragment: &Datagram<'_>, now: Time) -> Fragment {
        let [_, _, _, _, i0, i1, f0, f1, ..] = *fragment.whole else { return Fragment::Refused };
        let key =
            (vrf, fragment.source, fragment.destination, fragment.protocol, u16::from_be_bytes([i0, i1]));
        let field = u16::from_be_bytes([f0, f1]);
        let (start, more) = (usize::from(field & 0x1fff) * 8, field & 0x2000 != 0);
        self.partials.retain(|p| now.since(p.since) <= PATIENCE);
        let at = self.partials.iter().position(|p| p.key == key);
        let mut partial =
            at.and_then(|at| self.partials.remove(at)).unwrap_or_else(|| Partial::new(key, now));
        if !partial.add(fragment, start, more) {
            return Fragment::Refused;
        }
        if partial.is_whole() {
            return partial.finish();
        }
        if self.partials.len() >= DATAGRAMS {
            self.partials.pop_front();
        }
        // Back among the others by age, so that the oldest stays in front.
        let later = self.partials.iter().position(|p| p.since > partial.since);
        self.partials.insert(later.unwrap_or(self.partials.len()), partial);
        Fragment::Waits
    }
}

impl Partial {
    fn new(key: Key, since: Time) -> Self {
        Self { key, since, header: Vec::new(), payload: Vec::new(), parts: Vec::new(), total: None }
    }

    /// Puts a fragment in its place; `false` when it has none.
    fn add(&mut self, fragment: &Datagram<'_>, start: usize, more: bool) -> bool {
        let end = start + fragment.upper.len();
        let overlaps = self.parts.iter().any(|(s, e)| start < *e && *s < end);
        let beyond = end > LONGEST || self.total.is_some_and(|total| end > total);
        let short = !more && self.parts.iter().any(|(_, e)| *e > end);
        if overlaps || beyond || short || start == end || self.parts.len() >= FRAGMENTS {
            return false;
        }
        if !more && self.total.replace(end).is_some() {
            return false;
        }
        if start == 0 {
            let header = fragment.whole.len() - fragment.upper.len();
            self.header = fragment.whole.get(..header).unwrap_or_default().to_vec();
        }
        self.payload.resize(self.payload.len().max(end), 0);
        self.payload[start..end].copy_from_slice(fragment.upper);
        self.parts.push((start, end));
        true
    }

    /// Whether nothing is missing; parts do not overlap, so their lengths add up.
    fn is_whole(&self) -> bool {
        self.total == Some(self.parts.iter().map(|(start, end)| end - start).sum())
    }

    fn finish(self) -> Fragment {
        let header = self.header.len();
        Fragment::Whole { bytes: [self.header, self.payload].concat(), header }
    }
}
