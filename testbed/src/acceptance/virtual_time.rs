//! A row in virtual time: hosts with TCP, and lines behind the router that are as fast as
//! its interfaces are shaped to, so that what the shaper lets out in a burst queues there.

use std::time::Duration;

use super::{HOSPITAL, Kept, Row, SURGERY, gateway, subnet};
use crate::hop::{Hop, HopError};
use crate::host::{Access, Host, HostSpec};
use crate::traffic::{Meter, Way};

/// Bit/s of a line on which frames take no time: what is sent together arrives together.
const AT_ONCE: u64 = u64::MAX;
/// One way from a host to the router.
const DELAY: Duration = Duration::from_millis(1);
/// From host to host, where nothing queues.
const WAY: Duration = Duration::from_millis(2);
/// Bytes that TCP has on the way at most: four times what a round trip takes of the fastest link, so that
/// nothing but the router's queue holds it back.
const WINDOW: usize = 2 << 20;
/// Longest wait for the gateways to answer, nanoseconds.
const PATIENCE: u64 = 10_000_000_000;
/// Time for the last packets to arrive in, nanoseconds.
const DRAIN: u64 = 100_000_000;
/// Calls alone before the study, nanoseconds.
const BEFORE: u64 = 100_000_000;

/// Runs a row with a study of `bytes`.
///
/// # Errors
/// [`HopError`]; a study that takes three times its ideal has not arrived and took that long.
pub fn run(row: &Row, bytes: u64) -> Result<Kept, HopError> {
    let ideal = row.ideal(bytes);
    let (surgery, hospital) = (spec(row, SURGERY, HOSPITAL), spec(row, HOSPITAL, SURGERY));
    let mut hop = Hop::new(&row.configuration("loopback", ""), surgery, hospital)?;
    hop.settle(PATIENCE)?;
    let start = hop.now().nanos();
    for (host, way) in [(&mut hop.surgery, Way::Up), (&mut hop.hospital, Way::Down)] {
        *host.meter_mut() = Meter::keeping_transits();
        host.send(row.mix().schedule(way, start, u64::MAX, 1));
    }
    hop.run_until(start + BEFORE, |_| false);
    hop.hospital.offer_study(bytes);
    let asked = hop.now();
    hop.surgery.fetch_study(bytes, asked);
    let patience = asked.nanos() + (3.0 * ideal * 1e9) as u64;
    hop.run_until(patience, |hop| hop.surgery.study().is_some_and(|study| study.is_finished()));
    let took = hop.surgery.study().and_then(|study| study.took());
    let seconds = took.map_or(3.0 * ideal, |took| took.as_secs_f64());
    let end = hop.now().nanos();
    [&mut hop.surgery, &mut hop.hospital].into_iter().for_each(|host| quiet(host, end));
    hop.run_until(end + DRAIN, |_| false);
    Ok(kept(&mut hop, Kept { seconds, ideal, ..Kept::default() }, row))
}

fn kept(hop: &mut Hop, mut kept: Kept, row: &Row) -> Kept {
    let sent = |host: &Host| host.schedule().map(|s| s.sent().clone()).unwrap_or_default();
    let (up, down) = (sent(&hop.surgery), sent(&hop.hospital));
    kept.add_calls(&up, hop.hospital.meter_mut(), WAY);
    kept.add_calls(&down, hop.surgery.meter_mut(), WAY);
    let queued = |least: u64| Duration::from_nanos(least).saturating_sub(WAY + row.frame_time());
    kept.standing = hop.surgery.standing().least().map(queued).collect();
    kept
}

fn quiet(host: &mut Host, now: u64) {
    if let Some(schedule) = host.schedule_mut() {
        schedule.stop(now);
    }
}

fn spec(row: &Row, own: std::net::Ipv4Addr, peer: std::net::Ipv4Addr) -> HostSpec {
    let [a, b, c, last] = own.octets();
    HostSpec {
        mac: [2, 0, a, b, c, last],
        address: subnet(own),
        gateway: gateway(own),
        peer,
        access: Access { rate: AT_ONCE, delay: DELAY },
        back: Access { rate: row.rate(), delay: DELAY },
        window: WINDOW,
        seed: u64::from(b),
    }
}
