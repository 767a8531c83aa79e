//! Record route and timestamp (RFC 791 section 3.1, RFC 1812 section 5.2.4.1):
//! the router writes its address on the out-interface, and when.

use std::net::{IpAddr, Ipv4Addr};

use crate::packet::Frame;
use crate::table::Snapshot;
use crate::wire::ipv4::{self, Ipv4Header, Options, kind};

/// Fills record route and timestamp options in. `false` when one is so full that
/// the datagram is in error.
#[cold]
pub(super) fn mark(frame: &mut Frame, snapshot: &Snapshot) -> bool {
    let (meta, received) = (*frame.meta(), frame.rare().received);
    let own = snapshot.interface(meta.out_interface).and_then(|i| {
        i.addresses.iter().find_map(|a| match a.net.addr() {
            IpAddr::V4(own) => Some(own),
            IpAddr::V6(_) => None,
        })
    });
    let Some(own) = own else { return true };
    let l3 = frame.l3_mut();
    let mut wanted = [None; 2];
    let found = Options::new(ipv4::options(l3)).flatten();
    let found = found.filter(|o| matches!(o.kind, kind::RECORD_ROUTE | kind::TIMESTAMP));
    for (slot, option) in wanted.iter_mut().zip(found) {
        *slot = Some((Ipv4Header::LEN + option.at, option.bytes.len()));
    }
    let mut good = true;
    for (at, length) in wanted.into_iter().flatten() {
        let Some(option) = l3.get_mut(at..at + length) else { continue };
        good &= match option.first() {
            Some(&kind::RECORD_ROUTE) => record(option, own),
            _ => stamp(option, own, (received.nanos() / 1_000_000) as u32),
        };
    }
    good && Ipv4Header::fill_checksum(l3).is_ok()
}

/// Record route: a full one passes as it is.
fn record(option: &mut [u8], own: Ipv4Addr) -> bool {
    let Some(pointer) = option.get(2).copied() else { return false };
    let at = usize::from(pointer) - 1;
    if at >= option.len() {
        return true;
    }
    write(option, at, &own.octets(), pointer, 4)
}

/// Timestamp: alone, with addresses, or for the address that stands there already.
fn stamp(option: &mut [u8], own: Ipv4Addr, milliseconds: u32) -> bool {
    let (Some(pointer), Some(flags)) = (option.get(2).copied(), option.get(3).copied()) else { return false };
    let at = usize::from(pointer) - 1;
    if at >= option.len() {
        return overflow(option, flags);
    }
    // RFC 791: the high bit says that the time is not counted from midnight UT.
    let time = (milliseconds | 0x8000_0000).to_be_bytes();
    match flags & 15 {
        0 => write(option, at, &time, pointer, 4),
        1 => write(option, at, &own.octets(), pointer, 0) && write(option, at + 4, &time, pointer, 8),
        3 if option.get(at..at + 4) == Some(&own.octets()) => write(option, at + 4, &time, pointer, 8),
        3 => true,
        _ => false,
    }
}

/// Counts a router that found no room, up to fifteen.
fn overflow(option: &mut [u8], flags: u8) -> bool {
    match option.get_mut(3) {
        Some(octet) if flags >> 4 < 15 => {
            *octet += 0x10;
            true
        }
        _ => false,
    }
}

/// Writes `bytes` at `at` and moves the pointer on; `false` when they do not fit.
fn write(option: &mut [u8], at: usize, bytes: &[u8], pointer: u8, on: u8) -> bool {
    let Some(room) = option.get_mut(at..at + bytes.len()) else { return false };
    room.copy_from_slice(bytes);
    if let Some(octet) = option.get_mut(2) {
        *octet = pointer + on;
    }
    true
}
