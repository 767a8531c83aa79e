//! IPv4 prefixes to classes: a trie of a few wide levels.
//!
//! How many bits each level looks at is chosen for the prefixes that there are, the fewest
//! levels that fit the memory allowed (Srinivasan and Varghese, "Fast address lookups using
//! controlled prefix expansion", ACM TOCS 1999, section 4.1). The first level has entries for the
//! addresses from the lowest prefix to the highest one only. Addresses are looked up
//! together, level by level, without a branch: an address that is through looks at its own
//! class again.

use ipnet::Ipv4Net;

/// Of an entry: the next level's node begins there; else it is a class.
const NODE: u32 = 1 << 31;
/// Bits that one level looks at, at most; but for the first one.
const WIDEST: usize = 20;
/// Levels at most: of 4 bits each they fit [`most_entries`] whatever the prefixes are.
const LEVELS: usize = 8;

/// Entries of 4 bytes allowed: 64 KiB, and for each prefix 8 levels' nodes of 16.
fn most_entries(nets: usize) -> usize {
    (16 << 10) + nets * LEVELS * 16
}

/// A level behind the first one.
#[derive(Clone, Copy, Debug)]
struct Level {
    shift: u32,
    mask: u32,
}

/// By the longest prefix.
#[derive(Clone, Debug, Default)]
pub(super) struct Nets {
    /// A class's own entry is itself, at its number; the first level is behind those, and what is
    /// outside it has the last entry of it; then come nodes.
    entries: Vec<u32>,
    first: First,
    levels: Vec<Level>,
}

/// Which addresses the first level has entries for.
#[derive(Clone, Copy, Debug, Default)]
struct First {
    shift: u32,
    /// The lowest address by `shift`.
    base: u32,
    /// Entries, the one for all other addresses not counted.
    width: u32,
    /// Where they begin.
    at: u32,
}

impl Nets {
    /// Of prefixes and their classes, of which there are `classes`; what no prefix covers is
    /// of class `other`.
    pub(super) fn new(nets: &[(Ipv4Net, u32)], classes: usize, other: u32) -> Self {
        let all = nets.iter().find(|(net, _)| net.prefix_len() == 0).map_or(other, |(_, class)| *class);
        let mut nets: Vec<_> = nets.iter().filter(|(net, _)| net.prefix_len() > 0).copied().collect();
        // So that longer ones are written over shorter ones.
        nets.sort_by_key(|(net, _)| net.prefix_len());
        let mut depths = depths(&nets).into_iter();
        let first = First::new(&nets, depths.next().unwrap_or(0), classes);
        let mut table = Self { entries: (0..classes as u32).collect(), first, levels: Vec::new() };
        let mut above = first.shift;
        for depth in depths {
            let shift = 32 - depth as u32;
            table.levels.push(Level { shift, mask: (1 << (above - shift)) - 1 });
            above = shift;
        }
        table.entries.resize(classes + first.width as usize + 1, all);
        nets.iter().for_each(|(net, class)| table.insert(net, *class));
        table
    }

    /// A new node for a level, all of whose entries are of a class.
    fn node(&mut self, level: usize, class: u32) -> u32 {
        let node = self.entries.len();
        let width = self.levels.get(level).map_or(0, |level| level.mask as usize + 1);
        self.entries.resize(node + width, class);
        NODE | node as u32
    }

    /// Writes a prefix; the shorter ones are written.
    fn insert(&mut self, net: &Ipv4Net, class: u32) {
        let (address, free) = (net.addr().to_bits(), 32 - u32::from(net.prefix_len()));
        let mut at = self.first.at(address);
        let mut shift = self.first.shift;
        for level in 0..=self.levels.len() {
            if free >= shift {
                let width = 1 << (free - shift);
                let entries = self.entries.iter_mut().skip(at as usize).take(width);
                entries.for_each(|entry| *entry = class);
                return;
            }
            let (Some(below), Some(entry)) = (self.levels.get(level).copied(), self.entries.get(at as usize))
            else {
                return;
            };
            let node = if entry & NODE == 0 { self.node(level, *entry) } else { *entry };
            if let Some(place) = self.entries.get_mut(at as usize) {
                *place = node;
            }
            at = (node & !NODE) + (address >> below.shift & below.mask);
            shift = below.shift;
        }
    }

    /// The class of each address in the place of its 0; other classes stay.
    #[inline]
    pub(super) fn find(&self, addresses: &[u32], classes: &mut [u32]) {
        let first = self.first;
        for (class, address) in classes.iter_mut().zip(addresses) {
            *class = self.entries.get(first.at(*address) as usize).copied().unwrap_or(0);
        }
        for level in &self.levels {
            for (class, address) in classes.iter_mut().zip(addresses) {
                let inside = ((*class as i32) >> 31) as u32;
                let at = (*class & !NODE) + (address >> level.shift & level.mask & inside);
                *class = self.entries.get(at as usize).copied().unwrap_or(0);
            }
        }
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.entries.len() * size_of::<u32>()
    }
}

impl First {
    fn new(nets: &[(Ipv4Net, u32)], depth: usize, at: usize) -> Self {
        let shift = 32 - depth as u32;
        let by = |address: std::net::Ipv4Addr| address.to_bits().checked_shr(shift).unwrap_or(0);
        let base = nets.iter().map(|(net, _)| by(net.network())).min().unwrap_or(0);
        let highest = nets.iter().map(|(net, _)| by(net.broadcast())).max();
        Self {
            shift,
            base,
            width: highest.map_or(0, |highest| (highest - base).saturating_add(1)),
            at: at as u32,
        }
    }

    /// Where the entry for an address is.
    #[inline(always)]
    fn at(self, address: u32) -> u32 {
        // One shift of 32 has no meaning; then there are no entries but the last one.
        self.at + (address >> (self.shift & 31)).wrapping_sub(self.base).min(self.width)
    }
}

/// To which bit from the front each level looks.
fn depths(nets: &[(Ipv4Net, u32)]) -> Vec<usize> {
    let longest = nets.iter().map(|(net, _)| usize::from(net.prefix_len())).max().unwrap_or(0);
    let nodes: Vec<usize> = (0..longest).map(|depth| nodes(nets, depth)).collect();
    // Fewest entries from each depth on, and where the first of its levels ends, by levels.
    let mut best = vec![vec![(usize::MAX, 0); longest + 1]; LEVELS];
    best[0][longest] = (0, longest);
    for levels in 1..LEVELS {
        best[levels] = best[levels - 1].clone();
        for depth in 1..longest {
            let cost =
                |end: usize| (best[levels - 1][end].0.saturating_add(nodes[depth] << (end - depth)), end);
            best[levels][depth] =
                (depth + 1..=longest.min(depth + WIDEST)).map(cost).min().unwrap_or((usize::MAX, 0));
        }
    }
    let first = |levels: usize| {
        let cost =
            |end: usize| (best[levels][end].0.saturating_add(First::new(nets, end, 0).width as usize), end);
        (1..=longest).map(cost).min()
    };
    let fits =
        |levels: &usize| first(*levels).is_some_and(|(entries, _)| entries <= most_entries(nets.len()));
    let levels = (0..LEVELS).find(fits).unwrap_or(LEVELS - 1);
    let mut depths: Vec<usize> = first(levels).map(|(_, end)| end).into_iter().collect();
    for left in (1..=levels).rev() {
        let end = depths.last().map_or(longest, |depth| best[left][*depth].1);
        depths.extend(Some(end).filter(|end| depths.last().is_some_and(|last| last < end)));
    }
    depths
}

/// Nodes that begin at a depth: those of which longer prefixes begin alike.
fn nodes(nets: &[(Ipv4Net, u32)], depth: usize) -> usize {
    let longer = nets.iter().filter(|(net, _)| usize::from(net.prefix_len()) > depth);
    let mut starts: Vec<u64> =
        longer.map(|(net, _)| u64::from(net.addr().to_bits()) >> (32 - depth)).collect();
    starts.sort_unstable();
    starts.dedup();
    starts.len()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Anywhere, or close together, so that they nest.
    fn net() -> impl Strategy<Value = Ipv4Net> {
        let address = prop_oneof![any::<u32>(), (0u32..1 << 10).prop_map(|low| 10 << 24 | low << 6)];
        (address, 0u8..=32).prop_map(|(address, len)| Ipv4Net::new(address.into(), len).unwrap().trunc())
    }

    proptest! {
        #[test]
        fn the_longest_prefix_says_the_class(
            nets in vec(net(), 0..80),
            around in vec((any::<prop::sample::Index>(), any::<u32>(), 0u32..33), 1..40),
        ) {
            let mut nets = nets;
            nets.sort();
            nets.dedup();
            let of: Vec<(Ipv4Net, u32)> = nets.iter().zip(1..).map(|(net, class)| (*net, class)).collect();
            let table = Nets::new(&of, of.len() + 1, 0);
            prop_assert!(table.memory() <= 4 * (most_entries(nets.len()) + nets.len() + 2));
            let near = |(of, low, bits): &(prop::sample::Index, u32, u32)| {
                let net = nets.get(of.index(nets.len().max(1))).map_or(0, |net| net.addr().to_bits());
                net ^ low.checked_shr(*bits).unwrap_or(0)
            };
            let addresses: Vec<u32> = around.iter().map(near).chain([0, u32::MAX]).collect();
            let mut classes = vec![7; addresses.len()];
            table.find(&addresses, &mut classes);
            for (address, class) in addresses.iter().zip(classes) {
                let covers = of.iter().filter(|(net, _)| net.contains(&std::net::Ipv4Addr::from_bits(*address)));
                let longest = covers.max_by_key(|(net, _)| net.prefix_len());
                prop_assert_eq!(class, longest.map_or(0, |(_, class)| *class));
            }
        }
    }

    #[test]
    fn networks_that_lie_together_have_two_levels_and_little_memory() {
        let sites = (0u32..1_000).map(|site| 10 << 24 | site << 8);
        let host = |site: u32| (Ipv4Net::new((site | 9).into(), 32).unwrap(), 2);
        let of: Vec<_> = sites.clone().map(|site| (Ipv4Net::new(site.into(), 24).unwrap(), 1)).collect();
        let table = Nets::new(&of, 3, 0);
        assert_eq!((table.levels.len(), table.memory()), (0, 4 * (3 + 1_000 + 1)));
        let table = Nets::new(&of.into_iter().chain(sites.step_by(100).map(host)).collect::<Vec<_>>(), 3, 0);
        assert!(table.levels.len() == 1 && table.memory() <= 4 * (3 + 1_000 + 1 + 10 * 256));
    }
}
