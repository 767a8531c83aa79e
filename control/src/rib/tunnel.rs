//! Labels that packets get on the way, and what these take over from them.

use dataplane::table::{DiffServModel, Labels, TtlModel, TunnelModel};

use crate::config::{DiffServWord, TtlWord};

/// What labels take over, as far as a route or label says so; the rest is as its Vrf has
/// it at the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AskedModel {
    /// Of the TTL (RFC 3443).
    pub ttl: Option<TtlModel>,
    /// Of the marks (RFC 3270).
    pub diffserv: Option<DiffServModel>,
}

impl AskedModel {
    /// What these words of a route or label ask for.
    pub(crate) fn said(ttl: Option<TtlWord>, diffserv: Option<DiffServWord>) -> Self {
        Self { ttl: ttl.map(Into::into), diffserv: diffserv.map(Into::into) }
    }

    /// The model that it comes to in a Vrf with this one.
    pub fn within(self, vrf: TunnelModel) -> TunnelModel {
        TunnelModel { ttl: self.ttl.unwrap_or(vrf.ttl), diffserv: self.diffserv.unwrap_or(vrf.diffserv) }
    }
}

/// Labels that a next hop asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AskedLabels {
    /// The labels, outermost first, implicit nulls left out.
    pub labels: Labels,
    /// What they take over.
    pub model: AskedModel,
    /// Whether an entropy label goes below the outermost (RFC 6790 section 4.2).
    pub entropy: bool,
}

impl AskedLabels {
    /// What is put on, in a Vrf of this model.
    pub(super) fn within(self, vrf: TunnelModel) -> Tunnel {
        Tunnel { labels: self.labels, model: self.model.within(vrf), entropy: self.entropy }
    }
}

/// Labels put on, and what they take over from the packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// The labels, outermost first; none at all is an LSP that ends at its first hop.
    pub labels: Labels,
    /// What they take over.
    pub model: TunnelModel,
    /// Whether an entropy label goes below the outermost (RFC 6790 section 4.2).
    pub entropy: bool,
}
