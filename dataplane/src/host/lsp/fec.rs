//! Whether a FEC is this router's (RFC 8029 section 4.4.1), as far as tables of
//! configured labels tell.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::host::walk::route;
use crate::id::{NhlfeId, VrfId};
use crate::table::{Nhlfe, Snapshot};
use crate::wire::lsp_ping::{Fec, ReturnCode};
use crate::wire::mpls::label;

/// Entries walked.
const STEPS: usize = 16;

/// Where a packet that arrived here with its labels taken off stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Egress<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// The Vrf of the interface it came in by.
    pub(super) arrival: VrfId,
    /// The Vrf that its bottom label led to, if it did.
    pub(super) labelled: Option<VrfId>,
}

impl Egress<'_> {
    /// Why `fec`, whose label, where it has come this far, is `label`, does not
    /// belong here.
    pub(super) fn objection(&self, fec: &Fec, label: Option<u32>, bottom: bool) -> Option<ReturnCode> {
        let in_label = self.labelled.filter(|_| bottom).unwrap_or(self.arrival);
        match fec {
            Fec::Prefix(_, net) => (!self.ends_here(in_label, *net)).then_some(ReturnCode::NO_MAPPING),
            Fec::Vpn(_, net) => match self.labelled {
                None => Some(ReturnCode::OTHER_LABEL),
                Some(vrf) => (!self.ends_here(vrf, *net)).then_some(ReturnCode::NO_MAPPING),
            },
            Fec::Nil(nil) => {
                let special = matches!(
                    *nil,
                    label::IPV4_EXPLICIT_NULL | label::IPV6_EXPLICIT_NULL | label::ROUTER_ALERT
                );
                (!special || label != Some(*nil)).then_some(ReturnCode::OTHER_LABEL)
            }
            Fec::Foreign(_) | Fec::Unknown(_) => Some(ReturnCode::NO_MAPPING),
        }
    }

    /// Whether a Vrf delivers `net` here or sends it on without labels.
    fn ends_here(&self, vrf: VrfId, net: IpNet) -> bool {
        let address: IpAddr = net.network();
        route(vrf, address, self.snapshot).is_some_and(|id| self.is_unlabelled(id))
    }

    fn is_unlabelled(&self, mut id: NhlfeId) -> bool {
        for _ in 0..STEPS {
            id = match self.snapshot.nhlfe(id) {
                Some(Nhlfe::Ecmp(group)) => match group.members().first() {
                    Some(member) => *member,
                    None => return false,
                },
                // An alias of where it leads.
                Some(Nhlfe::Push(push)) if push.labels.is_empty() => push.next,
                Some(Nhlfe::Push(_) | Nhlfe::Swap(_) | Nhlfe::Pop(_) | Nhlfe::PopLookup(_)) | None => {
                    return false;
                }
                Some(_) => return true,
            };
        }
        false
    }
}
