//! What each Vrf exports and imports, by route target and prefix list (RFC 4364
//! sections 4.3.1 and 4.3.5).

use std::sync::Arc;

use ahash::AHashMap;
use dataplane::id::VrfId;
use dataplane::table::TunnelModel;
use ipnet::IpNet;

use super::Ids;
use super::allocate::Key;
use crate::config::{self, Config, LabelMode, PrefixList, TargetRule};
use crate::rib::{NEVER, Source, Wanted};

/// The prefixes that a target is for.
#[derive(Clone, Debug)]
struct Rule {
    prefixes: Option<Arc<PrefixList>>,
}

impl Rule {
    fn permits(&self, prefix: IpNet) -> bool {
        self.prefixes.as_ref().is_none_or(|list| list.permits(prefix))
    }
}

/// One Vrf's part.
#[derive(Clone, Debug)]
pub(super) struct Vpn {
    pub(super) label: LabelMode,
    /// What tunnels do to its packets.
    pub(super) model: TunnelModel,
    export: Vec<Rule>,
}

impl Vpn {
    /// Whether any route may be exported.
    pub(super) fn exports_any(&self) -> bool {
        !self.export.is_empty()
    }

    /// Whether a route to `prefix` is exported to anybody.
    pub(super) fn exports(&self, prefix: IpNet) -> bool {
        self.export.iter().any(|rule| rule.permits(prefix))
    }

    /// What a label is given out for, where a route of the Vrf `name` asks for one of its own.
    pub(super) fn key(
        &self,
        name: &Arc<str>,
        prefix: IpNet,
        source: Source,
        distance: u8,
        wanted: &Arc<Wanted>,
    ) -> Option<Key> {
        if !vpn_source(source) || distance == NEVER || !self.exports(prefix) {
            return None;
        }
        match (self.label, &**wanted) {
            (LabelMode::PerPrefix, _) => Some(Key::Prefix(name.clone(), prefix)),
            (LabelMode::PerCe, Wanted::Via(_)) => Some(Key::Ce(name.clone(), wanted.clone())),
            _ => None,
        }
    }
}

/// Whether routes of this source are exported.
pub(super) const fn vpn_source(source: Source) -> bool {
    !matches!(source, Source::Imported | Source::Otherwise)
}

/// All Vrfs that export or import.
#[derive(Debug, Default)]
pub(super) struct Vpns {
    /// In the file's order.
    all: Vec<(Arc<str>, Vpn)>,
    names: AHashMap<Arc<str>, usize>,
    ids: AHashMap<VrfId, usize>,
}

impl Vpns {
    /// Those of `config`.
    pub(super) fn new(config: &Config) -> Self {
        let lists: AHashMap<&str, Arc<PrefixList>> =
            config.prefix_lists.iter().map(|list| (list.name.as_str(), Arc::new(list.clone()))).collect();
        let rules = |rules: &[TargetRule]| -> Vec<Rule> {
            let list = |rule: &TargetRule| lists.get(rule.prefixes.as_deref()?).cloned();
            rules.iter().map(|rule| Rule { prefixes: list(rule) }).collect()
        };
        let of = |vrf: &config::Vrf| Vpn { label: vrf.label, model: vrf.model(), export: rules(&vrf.export) };
        let vrfs = config.vrfs.iter().filter(|vrf| !(vrf.export.is_empty() && vrf.import.is_empty()));
        let all: Vec<(Arc<str>, Vpn)> = vrfs.map(|vrf| (vrf.name.as_str().into(), of(vrf))).collect();
        let names = all.iter().enumerate().map(|(i, (name, _))| (name.clone(), i)).collect();
        Self { all, names, ids: AHashMap::new() }
    }

    /// Learns the ids of the Vrfs.
    pub(super) fn name(&mut self, ids: &Ids<VrfId>) {
        let found = self.names.iter().filter_map(|(name, i)| Some((*ids.get(name)?, *i)));
        self.ids = found.collect();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Vpn)> {
        self.all.iter().map(|(name, vpn)| (name, vpn))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Vpn> {
        self.names.get(name).and_then(|i| self.all.get(*i)).map(|(_, vpn)| vpn)
    }

    /// The Vrf's name and part.
    pub(super) fn of(&self, vrf: VrfId) -> Option<(&Arc<str>, &Vpn)> {
        self.ids.get(&vrf).and_then(|i| self.all.get(*i)).map(|(name, vpn)| (name, vpn))
    }

    /// Whether the Vrf's prefixes have labels of their own.
    pub(super) fn labels_prefixes(&self, vrf: VrfId) -> bool {
        self.of(vrf).is_some_and(|(_, vpn)| vpn.label == LabelMode::PerPrefix)
    }
}
