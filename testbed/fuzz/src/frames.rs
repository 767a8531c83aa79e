//! Any bytes as a frame through the stages: no panic, and what `parse` promises
//! holds at every later stage.

use std::sync::LazyLock;

use dataplane::id::{PortIndex, VrfId, WorkerIndex};
use dataplane::packet::{Batch, Flags, Frame, Layer3, Meta, Pool, PoolSize, StackEdits, Verdict};
use dataplane::qos::Policers;
use dataplane::stage::classify::RuleHits;
use dataplane::stage::{classify, fragment, lookup, parse, police, rewrite};
use dataplane::table::Snapshot;
use dataplane::time::Time;
use dataplane::wire::ipv4::Ipv4Header;
use dataplane::wire::ipv6::Ipv6Header;

use super::router;

static ROUTER: LazyLock<Snapshot> = LazyLock::new(router::snapshot);

/// The first byte says how the rest is taken: bit 0 addresses the frame to the
/// router, bit 1 makes its IPv4 checksum right, bit 2 takes it as a datagram of
/// the router's own. Gives the verdict it ends with.
pub fn run(data: &[u8]) -> Verdict {
    let Some((how, bytes)) = data.split_first() else { return Verdict::Forward };
    let originated = how & 4 != 0;
    let mut frame = if bytes.len() > 1500 { Frame::jumbo() } else { Frame::standard() };
    if frame.fill(bytes).is_err() {
        return Verdict::Forward;
    }
    helped(&mut frame, *how);
    let mut batch = Batch::new();
    if originated {
        frame.meta_mut().vrf = VrfId(0);
        parse::datagram(&mut frame);
        assert!(batch.push(frame).is_ok());
    } else {
        assert!(batch.push(frame).is_ok());
        parse::run(&mut batch, &ROUTER, PortIndex(0));
    }
    on(&mut batch)
}

/// Helps the fuzzer over what it would not guess.
fn helped(frame: &mut Frame, how: u8) {
    let bytes = frame.bytes_mut();
    if let Some(mac) = bytes.get_mut(..6).filter(|_| how & 5 == 1) {
        mac.copy_from_slice(&router::MAC);
    }
    let kind = |bytes: &[u8], at: usize| bytes.get(at..at + 2) == Some(&[8, 0]);
    let l3 = match () {
        _ if how & 4 != 0 => Some(0),
        _ => [12, 16, 20].into_iter().find(|at| kind(bytes, *at)).map(|at| at + 2),
    };
    if let Some(l3) = l3.and_then(|at| bytes.get_mut(at..)).filter(|_| how & 2 != 0) {
        let _ = Ipv4Header::fill_checksum(l3);
    }
}

/// From behind `parse` to the end.
fn on(batch: &mut Batch) -> Verdict {
    live(batch, parsed);
    let mut hits = RuleHits::new();
    classify::run(batch, &ROUTER, &mut hits);
    police::run(batch, &mut Policers::new(), Time::ZERO);
    if batch.labelled() {
        if lookup::labels::run(batch, &ROUTER) {
            parse::exposed(batch, &ROUTER);
            classify::exposed(batch, &ROUTER, &mut hits);
            live(batch, parsed);
        }
        classify::through(batch, &ROUTER, &mut hits);
    }
    let mut edits = StackEdits::new();
    lookup::run(batch, &ROUTER, &mut edits);
    live(batch, found);
    classify::leaving(batch, &ROUTER, &mut edits, &mut hits);
    let before = batch.frames().first().map(|f| *f.meta());
    rewrite::run(batch, &ROUTER, &edits);
    live(batch, |frame| before.iter().for_each(|before| rewritten(frame, before)));
    let Some(mut frame) = batch.pop() else { return Verdict::Forward };
    // Buffers are dear to make: only where there is something to split.
    let buffers = if frame.meta().flags.has(Flags::TOO_LONG) { 24 } else { 0 };
    let mut pool = Pool::new(WorkerIndex(0), buffers, PoolSize::Standard);
    let mut later = Vec::new();
    fragment::run(&mut frame, &mut pool, &mut later);
    let fits = frame.meta().verdict == Verdict::Forward;
    assert!(later.is_empty() || fits, "later fragments of a frame that was dropped");
    std::iter::once(&frame).filter(|_| fits).chain(&later).for_each(leaving);
    frame.meta().verdict
}

fn live(batch: &mut Batch, check: impl Fn(&Frame)) {
    batch.live().for_each(|frame| check(frame));
}

/// What `parse` promises.
fn parsed(frame: &Frame) {
    let meta = frame.meta();
    let end = usize::from(meta.l3_offset) + usize::from(meta.l3_length);
    assert!(end <= frame.len(), "the datagram lies within the frame");
    assert_eq!(frame.l3().len(), usize::from(meta.l3_length));
    assert!(matches!(meta.layer3, Layer3::Ipv4 | Layer3::Ipv6 | Layer3::Mpls));
    assert!(
        meta.layer3 == Layer3::Mpls || frame.upper().is_some(),
        "the upper layer lies within the datagram"
    );
    assert!(meta.dscp < 64 && meta.tc < 8);
    assert!(!(meta.flags.has(Flags::LATER_FRAGMENT) && meta.flags.has(Flags::PORTS)));
}

/// What `lookup` promises of a frame it forwards.
fn found(frame: &Frame) {
    let meta = frame.meta();
    assert!(ROUTER.interface(meta.out_interface).is_some());
    assert!(ROUTER.adjacency(meta.adjacency).is_some_and(|a| a.header().is_some()));
    let keeps = meta.flags.has(Flags::ORIGINATED) || meta.flags.has(Flags::KEEP_TTL);
    assert!(meta.ttl > 1 || keeps, "no hop left");
}

/// What `rewrite` promises.
fn rewritten(frame: &Frame, before: &Meta) {
    let meta = frame.meta();
    let keeps = meta.flags.has(Flags::ORIGINATED) || meta.flags.has(Flags::KEEP_TTL);
    assert_eq!(frame.len(), usize::from(meta.l3_offset) + usize::from(meta.l3_length));
    // Under labels, what is said is said of them.
    if labelled(frame) || before.layer3 == Layer3::Mpls {
        return;
    }
    assert_eq!(meta.l3_length, before.l3_length);
    assert!(frame.upper().is_some());
    let ttl = match meta.layer3 {
        Layer3::Ipv4 => Ipv4Header::check(frame.l3()).map(|h| h.ttl),
        _ => Ipv6Header::check(frame.l3()).map(|h| h.hop_limit),
    };
    assert_eq!(ttl, Ok(before.ttl - u8::from(!keeps)), "a right header with one hop less");
}

/// Whether it leaves with labels.
fn labelled(frame: &Frame) -> bool {
    frame.bytes().get(12..14) == Some(&[0x88, 0x47])
}

/// What leaves: it fits, and is well formed.
fn leaving(frame: &Frame) {
    let meta = frame.meta();
    let out = ROUTER.interface(meta.out_interface);
    let fits = |mtu: u16| frame.len() - 14 <= usize::from(mtu);
    assert!(out.is_some_and(|out| fits(if labelled(frame) { out.mpls_mtu } else { out.mtu })), "too long");
    assert!(!meta.flags.has(Flags::TOO_LONG));
    assert_eq!(frame.bytes().get(6..12), Some(&router::MAC[..]));
    if meta.layer3 == Layer3::Ipv4 && !labelled(frame) {
        assert!(Ipv4Header::check(frame.l3()).is_ok_and(|h| h.total_length.get() == meta.l3_length));
    }
}
