//! What leaves as an IP packet: the rules for what goes out, and the marks of the
//! interface that it leaves by (RFC 2475 section 2.3.3). It stands between `lookup` and
//! `rewrite`. What leaves labelled is marked by its labels, and its own mark stays.

use super::hits::{RuleHits, count};
use super::{fields, mark};
use crate::packet::{Batch, Flags, Layer3};
use crate::table::Snapshot;

/// Rules and marks for the live frames; not for what the router made itself.
pub fn leaving(batch: &mut Batch, snapshot: &Snapshot, hits: &mut RuleHits) {
    let rules = &*snapshot.rules;
    if rules.leaving.is_empty() && !rules.marks {
        return;
    }
    const NOT: u32 = Flags::ORIGINATED.0 | Flags::STACK_EDIT.0;
    for frame in batch.live() {
        let (bytes, meta) = frame.parts_mut();
        if meta.flags.0 & NOT != 0 || !matches!(meta.layer3, Layer3::Ipv4 | Layer3::Ipv6) {
            continue;
        }
        let l3 = bytes.get(usize::from(meta.l3_offset)..).unwrap_or_default();
        let asked = (!rules.leaving.is_empty()).then(|| fields::fields(l3, meta, meta.out_interface));
        let found = asked.flatten().and_then(|fields| rules.leaving.find(&fields));
        let mut wanted = None;
        if let Some((at, treatment)) = found {
            count(&mut hits.leaving, at, meta.length);
            meta.class = treatment.class.unwrap_or(meta.class);
            meta.colour = treatment.colour.unwrap_or(meta.colour);
            wanted = treatment.mark;
        }
        let of_class = || {
            let interface = snapshot.interface(meta.out_interface).filter(|_| rules.marks)?;
            let marks = interface.marks.dscp_out[meta.class.index()]?;
            Some(marks[meta.colour as usize])
        };
        if let Some(dscp) = wanted.or_else(of_class) {
            mark(meta, dscp);
        }
    }
}
