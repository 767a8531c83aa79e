//! What leaves as an IP packet: the rules for what goes out, and the marks of the
//! interface that it leaves by (RFC 2475 section 2.3.3). It stands between `lookup` and
//! `rewrite`. What leaves labelled is marked by its labels, and its own mark stays.

use super::fields::{self, Place};
use super::hits::{RuleHits, count};
use super::{apply, mark};
use crate::packet::{Batch, Flags, Layer3};
use crate::table::Snapshot;
use crate::table::rules::Labelled;

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
        let out = snapshot.interface(meta.out_interface);
        let found = out.filter(|_| !rules.leaving.is_empty()).and_then(|out| {
            let place = Place { interface: out.id, vrf: out.vrf, labelled: Labelled::No };
            rules.leaving.find(&fields::fields(l3, meta, place)?)
        });
        let mut wanted = None;
        if let Some((at, treatment)) = found {
            count(&mut hits.leaving, at, meta.length);
            wanted = apply(meta, treatment);
        }
        let of_class = || {
            let marks = out.filter(|_| rules.marks)?.marks.dscp_out[meta.class.index()]?;
            Some(marks[meta.colour as usize])
        };
        if let Some(dscp) = wanted.or_else(of_class) {
            mark(meta, dscp);
        }
    }
}
