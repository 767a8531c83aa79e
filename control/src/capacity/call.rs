//! Calls, as what leaves by an interface.

use super::curve::Arrival;
use crate::config::{Codec, IpVersion, Promise};

/// Bytes of a label stack entry (RFC 3032 section 2.1).
const LABEL: u64 = 4;
/// Bytes of UDP and RTP headers.
const UDP_RTP: u64 = 8 + 12;
/// Nanoseconds of a second times the bits of a byte.
const SECOND: u128 = 8_000_000_000;

/// Bytes of a call's datagram: IP, UDP and RTP headers, its speech (ITU-T G.711: 8 bytes for each millisecond,
/// G.729: 1), and what SRTP adds.
fn datagram(promise: &Promise) -> u64 {
    let ip = match promise.ip {
        IpVersion::V4 => 20,
        IpVersion::V6 => 40,
    };
    let each = match promise.codec {
        Codec::G711 => 8,
        Codec::G729 => 1,
    };
    ip + UDP_RTP + each * (promise.ptime.0 / 1_000_000) + u64::from(promise.srtp)
}

/// Bytes at layer 3 of what a promise sends in one frame, its labels counted.
pub(super) fn packet(promise: &Promise) -> u64 {
    datagram(promise) + u64::from(promise.labels) * LABEL
}

/// So many calls whose frames count for `frame` bytes, one in each `ptime` nanoseconds: all may send at once.
pub(super) fn arrival(calls: u64, frame: u64, ptime: u64) -> Arrival {
    let burst = calls.saturating_mul(frame);
    let rate = (u128::from(burst) * SECOND).div_ceil(u128::from(ptime.max(1)));
    Arrival { burst, rate: u64::try_from(rate).unwrap_or(u64::MAX) }
}

/// Nanoseconds until one frame more of so many calls may come, when all have sent one.
pub(super) fn next(calls: u64, ptime: u64) -> u64 {
    ptime.checked_div(calls).unwrap_or(u64::MAX)
}
