//! What each Vrf exports and imports, by route target and prefix list (RFC 4364
//! sections 4.3.1 and 4.3.5).

use std::sync::Arc;

use ahash::AHashMap;
use dataplane::id::VrfId;
use ipnet::IpNet;

use super::Ids;
use super::allocate::Key;
use crate::config::{self, Config, LabelMode, PrefixList, RouteTarget, TargetRule};
use crate::rib::{NEVER, Source, Wanted};

/// A target, and the prefixes it is for.
#[derive(Clone, Debug)]
struct Rule {
    target: RouteTarget,
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
    export: Vec<Rule>,
    import: Vec<Rule>,
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

impl Vpn {
    /// Whether it takes the route to `prefix` that `exporter` has.
    fn takes(&self, exporter: &Self, prefix: IpNet) -> bool {
        let carried = exporter.export.iter().filter(|rule| rule.permits(prefix));
        carried.into_iter().any(|out| self.import.iter().any(|r| r.target == out.target && r.permits(prefix)))
    }
}

/// Whether routes of this source are exported.
pub(super) const fn vpn_source(source: Source) -> bool {
    !matches!(source, Source::Imported | Source::Otherwise)
}

/// All Vrfs that export or import.
#[derive(Clone, Debug, Default)]
pub(super) struct Vpns {
    /// In the file's order.
    all: Vec<(Arc<str>, Vpn)>,
    names: AHashMap<Arc<str>, usize>,
    ids: AHashMap<VrfId, usize>,
    /// Vrfs that share a target that the one exports and the other imports: by exporter.
    importers: AHashMap<VrfId, Vec<VrfId>>,
    /// By importer, in order of their names.
    exporters: AHashMap<VrfId, Vec<VrfId>>,
}

impl Vpns {
    /// Those of `config`.
    pub(super) fn new(config: &Config) -> Self {
        let lists: AHashMap<&str, Arc<PrefixList>> =
            config.prefix_lists.iter().map(|list| (list.name.as_str(), Arc::new(list.clone()))).collect();
        let rules = |rules: &[TargetRule]| -> Vec<Rule> {
            let list = |rule: &TargetRule| lists.get(rule.prefixes.as_deref()?).cloned();
            rules.iter().map(|rule| Rule { target: rule.target, prefixes: list(rule) }).collect()
        };
        let of = |vrf: &config::Vrf| Vpn {
            label: vrf.label,
            export: rules(&vrf.export),
            import: rules(&vrf.import),
        };
        let vrfs = config.vrfs.iter().filter(|vrf| !(vrf.export.is_empty() && vrf.import.is_empty()));
        let all: Vec<(Arc<str>, Vpn)> = vrfs.map(|vrf| (vrf.name.as_str().into(), of(vrf))).collect();
        let names = all.iter().enumerate().map(|(i, (name, _))| (name.clone(), i)).collect();
        Self { all, names, ..Self::default() }
    }

    /// Learns the ids of the Vrfs.
    pub(super) fn name(&mut self, ids: &Ids<VrfId>) {
        let found = self.names.iter().filter_map(|(name, i)| Some((*ids.get(name)?, *i)));
        self.ids = found.collect();
        (self.importers, self.exporters) = (AHashMap::new(), AHashMap::new());
        let mut by_name: Vec<(&Arc<str>, VrfId, &Vpn)> =
            self.all.iter().filter_map(|(name, vpn)| Some((name, *ids.get(name)?, vpn))).collect();
        by_name.sort_unstable_by_key(|(name, ..)| *name);
        let mut carriers: AHashMap<RouteTarget, Vec<VrfId>> = AHashMap::new();
        for (_, vrf, vpn) in &by_name {
            vpn.export.iter().for_each(|rule| carriers.entry(rule.target).or_default().push(*vrf));
        }
        let rank: AHashMap<VrfId, usize> = by_name.iter().enumerate().map(|(i, n)| (n.1, i)).collect();
        for (_, vrf, vpn) in &by_name {
            let found = vpn.import.iter().filter_map(|rule| carriers.get(&rule.target)).flatten();
            let mut from: Vec<VrfId> = found.copied().filter(|from| from != vrf).collect();
            from.sort_unstable_by_key(|from| rank.get(from));
            from.dedup();
            from.iter().for_each(|from| self.importers.entry(*from).or_default().push(*vrf));
            self.exporters.insert(*vrf, from);
        }
    }

    /// The Vrfs that may take routes of this one.
    pub(super) fn importers(&self, vrf: VrfId) -> &[VrfId] {
        self.importers.get(&vrf).map_or(&[], Vec::as_slice)
    }

    /// The Vrfs that this one may take routes of, the preferred first: in order of their names.
    pub(super) fn exporters(&self, vrf: VrfId) -> &[VrfId] {
        self.exporters.get(&vrf).map_or(&[], Vec::as_slice)
    }

    /// Whether `to` takes the route to `prefix` that `from` has.
    pub(super) fn takes(&self, to: VrfId, from: VrfId, prefix: IpNet) -> bool {
        let both = self.of(to).zip(self.of(from));
        both.is_some_and(|((_, to), (_, from))| to.takes(from, prefix))
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
