//! The Ilm, label by label from the top, until a frame has somewhere to go or its
//! IP packet has come to the front (RFC 3031 section 3.18).
//!
//! Taken off is only counted here: `l3_offset` moves on, `popped` says by how many
//! entries, and `ttl` and `tc` are what the top entry is to have, whatever its
//! bytes say. An IP packet at the front is then parsed and looked up as any other.

use super::{STEPS, alert, together};
use crate::id::{NhlfeId, VrfId};
use crate::packet::{Batch, DropReason, Flags, Frame, Layer3, Meta, PuntReason, Verdict};
use crate::table::{DiffServModel, Nhlfe, Pop, PopLookup, Snapshot, TtlModel, TunnelModel};
use crate::wire::mpls::{LabelStackEntry, label};

/// Takes labels off the live labelled frames: whether IP packets have come to the
/// front, which are to be parsed then.
///
/// The Ilm is asked for all frames first, then the Nhlfes, so that the waits for
/// memory of either overlap. Most labels are swapped, and that ends it.
pub fn run(batch: &mut Batch, snapshot: &Snapshot) -> bool {
    match batch.alike() {
        Some(alike) if alike.layer3 != Layer3::Mpls => return false,
        Some(alike) => return together::run(batch, alike, snapshot),
        None => {}
    }
    for frame in batch.frames_mut().iter_mut().filter(|frame| is_labelled(frame)) {
        frame.meta_mut().nhlfe = entry_of_top(frame, snapshot);
    }
    let mut exposed = false;
    for frame in batch.frames_mut().iter_mut().filter(|frame| is_labelled(frame)) {
        if let Some(Nhlfe::Swap(_)) = snapshot.nhlfe(frame.meta().nhlfe) {
            continue;
        }
        let verdict = walk(frame, snapshot);
        let meta = frame.meta_mut();
        meta.verdict = verdict;
        exposed |= meta.layer3 != Layer3::Mpls;
    }
    exposed
}

/// Whether the top label of a frame is to be looked up.
#[inline]
fn is_labelled(frame: &Frame) -> bool {
    let meta = frame.meta();
    meta.layer3 == Layer3::Mpls && meta.verdict == Verdict::Forward && !meta.flags.has(Flags::DIRECTED)
}

/// The top entry.
#[inline]
fn top(frame: &Frame) -> Option<LabelStackEntry> {
    LabelStackEntry::parse(frame.l3()).ok().map(|(entry, _)| *entry)
}

/// What the Ilm says of the top label; `NONE` of special ones, which it is not asked for.
#[inline(always)]
fn entry_of_top(frame: &Frame, snapshot: &Snapshot) -> NhlfeId {
    let stack = frame.bytes().get(usize::from(frame.meta().l3_offset)..);
    let Some(top) = stack.and_then(|stack| stack.first_chunk()) else { return NhlfeId::NONE };
    match u32::from_be_bytes(*top) >> 12 {
        0..label::FIRST => NhlfeId::NONE,
        label => snapshot.ilm.get(label),
    }
}

/// How a step ends.
enum Step {
    /// With another label on top.
    On,
    /// With a verdict: forward to what `nhlfe` leads to, or to the Fib.
    End(Verdict),
}

/// From the top label, whose entry meta has, on.
pub(super) fn walk(frame: &mut Frame, snapshot: &Snapshot) -> Verdict {
    let mut id = frame.meta().nhlfe;
    for _ in 0..STEPS {
        let Some(entry) = top(frame) else { return Verdict::Drop(DropReason::MplsMalformed) };
        let step = match entry.label() {
            0..label::FIRST => special(frame, entry, snapshot),
            _ => follow(frame, entry, id, snapshot),
        };
        match step {
            Ok(Step::On) => id = entry_of_top(frame, snapshot),
            Ok(Step::End(verdict)) => return verdict,
            Err(reason) => return Verdict::Drop(reason),
        }
    }
    Verdict::Drop(DropReason::LookupLoop)
}

/// What the top label, `entry`, leads to by the Nhlfe `first`.
#[inline]
fn follow(
    frame: &mut Frame,
    entry: LabelStackEntry,
    first: NhlfeId,
    snapshot: &Snapshot,
) -> Result<Step, DropReason> {
    let mut id = first;
    for _ in 0..STEPS {
        match snapshot.nhlfe(id) {
            Some(Nhlfe::Ecmp(group)) => id = group.select(frame.flow()),
            Some(Nhlfe::Pop(pop)) => return pop_on(frame, pop, entry, snapshot),
            Some(Nhlfe::PopLookup(pop)) => return pop_lookup(frame, pop, entry, snapshot),
            Some(_) => {
                frame.meta_mut().nhlfe = id;
                return Ok(Step::End(Verdict::Forward));
            }
            None => return Err(DropReason::MplsNoLabel),
        }
    }
    Err(DropReason::LookupLoop)
}

/// Special-purpose labels (RFC 3032 section 2.1, RFC 4182, RFC 6790 section 4.2).
#[cold]
fn special(frame: &mut Frame, entry: LabelStackEntry, snapshot: &Snapshot) -> Result<Step, DropReason> {
    let family = match entry.label() {
        label::IPV4_EXPLICIT_NULL => Some(Layer3::Ipv4),
        label::IPV6_EXPLICIT_NULL => Some(Layer3::Ipv6),
        label::ENTROPY_INDICATOR => None,
        label::ROUTER_ALERT if entry.bottom() => return Err(DropReason::MplsMalformed),
        label::ROUTER_ALERT if !alert::is_heard(frame) => {
            return Ok(Step::End(Verdict::Punt(PuntReason::LspPing)));
        }
        label::ROUTER_ALERT => {
            frame.meta_mut().flags.set(Flags::ROUTER_ALERT);
            None
        }
        _ => return Err(DropReason::MplsReserved),
    };
    if expired(frame, 0) {
        return Ok(Step::End(Verdict::Punt(PuntReason::TtlExpired)));
    }
    let bottom = match entry.label() {
        label::ENTROPY_INDICATOR => skip_entropy(frame, entry)?,
        _ => entry.bottom(),
    };
    take(frame, TunnelModel::default(), bottom, true, snapshot)?;
    if !bottom {
        return Ok(Step::On);
    }
    let meta = frame.meta();
    let vrf = snapshot.interface(meta.in_interface).map_or(meta.vrf, |i| i.vrf);
    let found = expose(frame, vrf)?;
    match family {
        Some(family) if family != found => Err(DropReason::MplsPayload),
        _ => Ok(Step::End(Verdict::Forward)),
    }
}

/// Takes the indicator that `entry` is off, so that the entropy label is on top:
/// whether that is the bottom of the stack.
fn skip_entropy(frame: &mut Frame, entry: LabelStackEntry) -> Result<bool, DropReason> {
    if entry.bottom() {
        return Err(DropReason::MplsMalformed);
    }
    advance(frame);
    top(frame).map(|entropy| entropy.bottom()).ok_or(DropReason::MplsMalformed)
}

/// Whether the top label's time is over where it must be more than `least`; what the
/// router made itself has all the time it was given.
#[inline]
fn expired(frame: &Frame, least: u8) -> bool {
    let meta = frame.meta();
    meta.ttl <= least && !meta.flags.has(Flags::ORIGINATED)
}

/// The end of a tunnel whose contents have one way.
#[inline]
fn pop_on(
    frame: &mut Frame,
    pop: &Pop,
    entry: LabelStackEntry,
    snapshot: &Snapshot,
) -> Result<Step, DropReason> {
    // The hop before the egress is a hop of the tunnel; the egress is one of the contents.
    let egress = pop.egress.is_some();
    if expired(frame, u8::from(!egress)) {
        return Ok(Step::End(Verdict::Punt(PuntReason::TtlExpired)));
    }
    let bottom = last(frame, entry, egress)?;
    let outer = frame.meta().ttl;
    take(frame, pop.model, bottom, egress, snapshot)?;
    let meta = frame.meta_mut();
    meta.nhlfe = pop.next;
    if bottom {
        meta.flags.set(Flags::DIRECTED);
        if !egress {
            meta.flags.set(Flags::PENULTIMATE);
        }
        let vrf = pop.egress.unwrap_or(meta.vrf);
        expose(frame, vrf)?;
    }
    if !egress && (pop.model.ttl == TtlModel::Pipe || own_ttl(frame) < outer) {
        frame.meta_mut().flags.set(Flags::KEEP_TTL);
    }
    Ok(Step::End(Verdict::Forward))
}

/// The TTL in the header that has come to the front. At the penultimate hop it leaves
/// as the lesser of this and the tunnel's, which alone loses a hop here (RFC 3443
/// section 3.5 case 3): a lesser one, as that of MPLS echo requests, is left as it is.
fn own_ttl(frame: &Frame) -> u8 {
    let at = match frame.meta().layer3 {
        Layer3::Ipv4 => 8,
        Layer3::Ipv6 => 7,
        _ => 3,
    };
    frame.l3().get(at).copied().unwrap_or_default()
}

/// The end of a tunnel whose contents are looked up.
#[inline]
fn pop_lookup(
    frame: &mut Frame,
    pop: &PopLookup,
    entry: LabelStackEntry,
    snapshot: &Snapshot,
) -> Result<Step, DropReason> {
    if expired(frame, 0) {
        return Ok(Step::End(Verdict::Punt(PuntReason::TtlExpired)));
    }
    let bottom = last(frame, entry, pop.bottom)?;
    take(frame, pop.model, bottom, true, snapshot)?;
    if !bottom {
        return Ok(Step::On);
    }
    expose(frame, pop.vrf)?;
    Ok(Step::End(Verdict::Forward))
}

/// Whether the top label, `entry`, is the last one, as it `must` be or not. Below one
/// that must there may be an entropy label all the same (RFC 6790 section 4.2): that
/// is then on top in its stead.
#[inline]
fn last(frame: &mut Frame, entry: LabelStackEntry, must: bool) -> Result<bool, DropReason> {
    if entry.bottom() || !must {
        return Ok(entry.bottom());
    }
    below(frame)
}

/// Takes the label and the entropy indicator below it off.
#[cold]
fn below(frame: &mut Frame) -> Result<bool, DropReason> {
    let (_, rest) = LabelStackEntry::parse(frame.l3()).map_err(|_| DropReason::MplsMalformed)?;
    let Ok((indicator, _)) = LabelStackEntry::parse(rest) else { return Err(DropReason::MplsMalformed) };
    let indicator = *indicator;
    if indicator.label() != label::ENTROPY_INDICATOR {
        return Err(DropReason::MplsNotBottom);
    }
    advance(frame);
    match skip_entropy(frame, indicator)? {
        true => Ok(true),
        false => Err(DropReason::MplsNotBottom),
    }
}

/// One entry further down.
#[inline]
fn advance(frame: &mut Frame) {
    let meta = frame.meta_mut();
    meta.popped = meta.popped.saturating_add(1);
    meta.l3_offset += LabelStackEntry::LEN as u16;
    meta.l3_length -= LabelStackEntry::LEN as u16;
}

/// Takes the top entry off: TTL and class of what is below follow the model (RFC 3443
/// section 3, RFC 3270 section 2.6). `egress` is `false` at the hop before the egress,
/// where the class stays the tunnel's in every model.
#[inline(always)]
fn take(
    frame: &mut Frame,
    model: TunnelModel,
    bottom: bool,
    egress: bool,
    snapshot: &Snapshot,
) -> Result<(), DropReason> {
    advance(frame);
    let (own_ttl, own_tc) = match bottom {
        true => (u8::MAX, frame.meta().tc),
        false => top(frame).map(|e| (e.ttl(), e.tc())).ok_or(DropReason::MplsMalformed)?,
    };
    let meta = frame.meta_mut();
    let outer = meta.tc;
    meta.ttl = match model.ttl {
        TtlModel::Uniform => meta.ttl.min(own_ttl),
        TtlModel::Pipe => own_ttl,
    };
    match model.diffserv {
        DiffServModel::Uniform if bottom => meta.flags.set(Flags::REMARK),
        DiffServModel::Uniform => {}
        DiffServModel::ShortPipe if bottom && egress => meta.flags.set(Flags::RECLASSIFY),
        DiffServModel::ShortPipe if egress => {
            meta.tc = own_tc;
            let by = snapshot.interface(meta.in_interface).map(|i| i.tc_map.get(own_tc));
            (meta.class, meta.colour) = by.unwrap_or((meta.class, meta.colour));
        }
        DiffServModel::Pipe | DiffServModel::ShortPipe => meta.tc = own_tc,
    }
    if snapshot.rules.ecn { congestion(meta, outer, bottom, snapshot) } else { Ok(()) }
}

/// What the label that is off said of congestion becomes the mark of what is below, whatever
/// the tunnel's model (RFC 5129 sections 4.5 to 4.7).
#[cold]
fn congestion(meta: &mut Meta, outer: u8, bottom: bool, snapshot: &Snapshot) -> Result<(), DropReason> {
    let Some(interface) = snapshot.interface(meta.in_interface) else { return Ok(()) };
    let map = &interface.tc_map;
    if !map.is_ce(outer) || !bottom && map.is_ce(meta.tc) {
        return Ok(());
    }
    if bottom {
        meta.flags.set(Flags::CONGESTED);
        return Ok(());
    }
    meta.tc = map.ce[map.get(meta.tc).0.index()].ok_or(DropReason::EcnUnknown)?;
    Ok(())
}

/// No label is left: what is below is IPv4 or IPv6, by its first four bits (RFC 3032
/// section 2.2 leaves that to the label; both families share a Vrf's).
#[inline]
fn expose(frame: &mut Frame, vrf: VrfId) -> Result<Layer3, DropReason> {
    let layer3 = match frame.l3().first().map(|byte| byte >> 4) {
        Some(4) => Layer3::Ipv4,
        Some(6) => Layer3::Ipv6,
        _ => return Err(DropReason::MplsPayload),
    };
    let meta = frame.meta_mut();
    (meta.layer3, meta.vrf) = (layer3, vrf);
    meta.flags.set(Flags::EXPOSED);
    Ok(layer3)
}
