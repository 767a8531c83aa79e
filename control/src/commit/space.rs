//! Whether routes that come find room in forwarding tables, which take 8 GiB each at most: asked
//! before anything is changed.

use ahash::AHashMap;
use dataplane::id::VrfId;
use dataplane::table::{Fib4, Fib6, Snapshot};
use ipnet::IpNet;

use super::vpn::vpn_source;
use super::{DEFAULT_VRF, State};
use crate::config::{Config, ConfigErrors};
use crate::rib::Source;

/// How many routes of IPv4, and of IPv6.
pub(super) type Both = [usize; 2];

/// Routes that one batch brings, by the Vrf that they come to.
#[derive(Debug, Default)]
pub(super) struct Coming(AHashMap<VrfId, Both>);

const HELP: &str =
    "give fewer routes at a time, shorter prefixes in place of many, or some of them to other routers";

fn family(prefix: IpNet) -> usize {
    usize::from(matches!(prefix, IpNet::V6(_)))
}

/// Whether a Vrf's tables have room for so many more.
pub(super) fn room(snapshot: &Snapshot) -> impl Fn(VrfId, Both) -> bool {
    let all = |more: Both| Fib4::default().has_room_for(more[0]) && Fib6::default().has_room_for(more[1]);
    move |vrf, more| match snapshot.vrf(vrf) {
        Some(vrf) => vrf.fib4.has_room_for(more[0]) && vrf.fib6.has_room_for(more[1]),
        None => all(more),
    }
}

fn no_room(vrf: &str, more: Both) -> String {
    let [four, six] = more;
    format!("the forwarding tables of vrf \"{vrf}\" have no room for {four} IPv4 and {six} IPv6 routes more")
}

impl State {
    /// Counts a route to `prefix` that comes to a Vrf, and may come to those that import from it.
    ///
    /// # Errors
    ///
    /// That one of them has no room for it.
    pub(super) fn finds_room(
        &self,
        vrf: VrfId,
        prefix: IpNet,
        coming: &mut Coming,
        has_room: impl Fn(VrfId, Both) -> bool,
    ) -> Result<(), String> {
        for to in std::iter::once(&vrf).chain(self.vpns.importers(vrf)) {
            let more = coming.0.entry(*to).or_default();
            more[family(prefix)] += 1;
            if !has_room(*to, *more) {
                return Err(format!("{}: {HELP}", no_room(self.vrf_name(*to), *more)));
            }
        }
        Ok(())
    }

    /// Whether all routes that there are have room where `config` has them.
    ///
    /// # Errors
    ///
    /// That they have not.
    pub(super) fn check_space(&self, config: &Config, snapshot: &Snapshot) -> Result<(), ConfigErrors> {
        let known = self.ribs.iter().map(|(_, rib)| rib.len()).sum::<usize>() + config.routes.len();
        // So many have room in any table.
        if Fib4::default().has_room_for(known) && Fib6::default().has_room_for(known) {
            return Ok(());
        }
        match self.crowded(config, snapshot, room(snapshot)) {
            Some(message) => Err(config.refused("vrf", message, HELP)),
            None => Ok(()),
        }
    }

    /// Which Vrf of `config` has no room, in words. One that imports may take all that others have.
    fn crowded(
        &self,
        config: &Config,
        snapshot: &Snapshot,
        has_room: impl Fn(VrfId, Both) -> bool,
    ) -> Option<String> {
        let (mut own, mut all) = (AHashMap::<&str, Both>::new(), [0; 2]);
        let mut count = |vrf, prefix| {
            own.entry(vrf).or_default()[family(prefix)] += 1;
            all[family(prefix)] += 1;
        };
        for (id, rib) in self.ribs.iter() {
            let name = self.vrf_name(id);
            let stays = |source| vpn_source(source) && source != Source::Static;
            let staying = rib.iter().filter(|(_, routes)| routes.iter().any(|route| stays(route.source)));
            staying.for_each(|(prefix, _)| count(name, prefix));
        }
        config.routes.iter().for_each(|route| count(&route.vrf, route.prefix));
        let imports = |name: &str| config.vrfs.iter().any(|vrf| vrf.name == name && !vrf.import.is_empty());
        let mut names = std::iter::once(DEFAULT_VRF).chain(config.vrfs.iter().map(|vrf| vrf.name.as_str()));
        names.find_map(|name| {
            let become_all = if imports(name) { all } else { own.get(name).copied().unwrap_or_default() };
            let id = self.vrf(name).unwrap_or(VrfId::NONE);
            let there = snapshot.vrf(id).map_or([0; 2], |vrf| [vrf.fib4.len(), vrf.fib6.len()]);
            let more = std::array::from_fn(|i| become_all[i].saturating_sub(there[i]));
            (!has_room(id, more)).then(|| no_room(name, more))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RouteChange;
    use crate::commit::{PortFacts, RouteSpec};
    use crate::config::{Discard, parse};

    const TWO: &str = r#"
        [[vrf]]
        name = "red"
        rd = "65000:1"
        export = ["65000:1"]
        [[vrf]]
        name = "blue"
        rd = "65000:2"
        import = ["65000:1"]
        [[vrf]]
        name = "green"
    "#;

    fn two() -> (State, Snapshot) {
        let (mut state, mut snapshot) = (State::new(), Snapshot::default());
        let config = parse(TWO, "test.toml").unwrap();
        state.apply(config, &PortFacts::default(), &mut snapshot).unwrap();
        (state, snapshot)
    }

    fn add(vrf: &str, prefix: &str) -> RouteChange {
        RouteChange::Add(RouteSpec {
            vrf: Some(vrf.into()),
            prefix: prefix.parse().unwrap(),
            discard: Some(Discard::Unreachable),
            ..RouteSpec::default()
        })
    }

    #[test]
    fn routes_are_counted_where_they_come_to_and_where_they_are_imported() {
        let (state, snapshot) = two();
        let [red, blue] = ["red", "blue"].map(|name| state.vrf(name).unwrap());
        let (four, six) = ("10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap());
        let mut coming = Coming::default();
        let three = |vrf, more: Both| vrf != blue || more[0] <= 3;
        for (vrf, prefix) in [(red, four), (red, six), (red, four), (blue, four)] {
            assert_eq!(state.finds_room(vrf, prefix, &mut coming, three), Ok(()));
        }
        assert_eq!((coming.0[&red], coming.0[&blue]), ([2, 1], [3, 1]));
        let error = state.finds_room(red, four, &mut coming, three).unwrap_err();
        assert!(error.starts_with(
            "the forwarding tables of vrf \"blue\" have no room for 4 IPv4 and 1 IPv6 routes more: give fewer"
        ));
        let room = room(&snapshot);
        assert!(
            room(red, [1 << 24, 1 << 21]) && !room(red, [1 << 25, 0]) && !room(VrfId::NONE, [0, 1 << 22])
        );
    }

    #[test]
    fn a_configuration_that_imports_more_than_has_room_is_refused() {
        let (mut state, mut snapshot) = two();
        let routes: Vec<_> = (0..4).map(|i| add("red", &format!("10.{i}.0.0/16"))).collect();
        state.routes(&routes, &mut snapshot).unwrap();
        let blue = state.vrf("blue").unwrap();
        let none = |_, more: Both| more == [0, 0];
        assert_eq!(state.crowded(state.config(), &snapshot, none), None, "all of it is there");
        let text = format!("{TWO}\nimport = [\"65000:1\"]\nrd = \"65000:3\"\n");
        let config = parse(&text, "test.toml").unwrap();
        assert_eq!(state.crowded(&config, &snapshot, |vrf, more| vrf == blue || more[0] <= 4), None);
        let error = state.crowded(&config, &snapshot, |_, more| more[0] <= 3).unwrap();
        assert!(error.contains("vrf \"green\" have no room for 4 IPv4 and 0 IPv6 routes more"), "{error}");
        assert!(state.check_space(&config, &snapshot).is_ok());
    }
}
