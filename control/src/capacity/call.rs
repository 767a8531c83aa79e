//! Calls, as what leaves by an interface.

use super::curve::Arrival;
use crate::config::{Codec, Promise};

/// Datagrams of a call in a second: one every 20 ms.
const PER_SECOND: u64 = 50;
/// Bytes of a label stack entry (RFC 3032 section 2.1).
const LABEL: u64 = 4;

/// Bytes of a call's datagram: IPv4, UDP and RTP headers and 20 ms of speech
/// (ITU-T G.711: 160 bytes, G.729: 20).
const fn datagram(codec: Codec) -> u64 {
    40 + match codec {
        Codec::G711 => 160,
        Codec::G729 => 20,
    }
}

/// Bytes at layer 3 of what a promise sends in one frame, its labels counted.
pub(super) fn packet(promise: &Promise) -> u64 {
    datagram(promise.codec) + u64::from(promise.labels) * LABEL
}

/// So many calls whose frames count for `frame` bytes: all may send at once.
pub(super) fn arrival(calls: u64, frame: u64) -> Arrival {
    let burst = calls.saturating_mul(frame);
    Arrival { burst, rate: burst.saturating_mul(8 * PER_SECOND) }
}

/// Nanoseconds until one frame more of so many calls may come, when all have sent one.
pub(super) fn next(calls: u64) -> u64 {
    1_000_000_000_u64.checked_div(calls.saturating_mul(PER_SECOND)).unwrap_or(u64::MAX)
}
