//! The labels that fuzzed frames meet: one of every kind of entry, some that lead in
//! circles, some that lead nowhere.

use dataplane::id::{AdjacencyId, IfIndex, NhlfeId, VrfId};
use dataplane::table::{
    DiffServModel, Labels, Nhlfe, Pop, PopLookup, Push, Snapshot, Swap, TtlModel, TunnelModel,
};

/// The first label in use; the others follow.
pub const FIRST: u32 = 16;

const PIPE: TunnelModel = TunnelModel { ttl: TtlModel::Pipe, diffserv: DiffServModel::ShortPipe };
const UNIFORM: TunnelModel = TunnelModel { ttl: TtlModel::Uniform, diffserv: DiffServModel::Uniform };

fn add(snapshot: &mut Snapshot, nhlfe: Nhlfe) -> NhlfeId {
    NhlfeId(snapshot.nhlfes.insert(nhlfe) as u32)
}

fn push(labels: &[u32], next: NhlfeId, entropy: bool) -> Nhlfe {
    let model = if entropy { PIPE } else { TunnelModel::default() };
    Labels::new(labels).map_or(Nhlfe::Blackhole, |labels| Nhlfe::Push(Push { labels, next, model, entropy }))
}

/// Puts the labels in, and routes that push; `next` is an entry that leads to neighbours.
/// Gives how many labels there are.
pub fn add_all(snapshot: &mut Snapshot, next: NhlfeId, adjacency: AdjacencyId) -> u32 {
    let lsp = add(snapshot, push(&[500, 501], next, false));
    let full = add(snapshot, push(&[40, 41, 42, 43, 44, 45, 46, 47], lsp, true));
    let fuller = add(snapshot, push(&[48, 49, 50, 51, 52, 53, 54, 55], full, false));
    let direct = add(snapshot, Nhlfe::Forward(adjacency));
    let circle = add(snapshot, Nhlfe::Blackhole);
    snapshot.nhlfes.set(circle.index(), push(&[60], circle, false));
    let nowhere = NhlfeId(1 << 20);
    let pop = |next, model, egress: bool| {
        let egress = egress.then_some(VrfId(1));
        Nhlfe::Pop(Pop { next, model, egress })
    };
    let look = |vrf, model, bottom| Nhlfe::PopLookup(PopLookup { vrf: VrfId(vrf), model, bottom });
    let entries = [
        Nhlfe::Swap(Swap { label: 99, next }),
        Nhlfe::Swap(Swap { label: 0, next: lsp }),
        Nhlfe::Swap(Swap { label: 99, next: fuller }),
        Nhlfe::Swap(Swap { label: 99, next: circle }),
        Nhlfe::Swap(Swap { label: 99, next: nowhere }),
        pop(direct, TunnelModel::default(), false),
        pop(next, UNIFORM, false),
        pop(lsp, PIPE, false),
        pop(direct, PIPE, true),
        pop(circle, UNIFORM, true),
        look(0, TunnelModel::default(), true),
        look(0, UNIFORM, false),
        look(0, PIPE, false),
        look(7, PIPE, true),
        push(&[70], next, true),
        Nhlfe::Forward(adjacency),
        Nhlfe::Glean(IfIndex(3)),
        Nhlfe::Local,
        Nhlfe::Blackhole,
        Nhlfe::Unreachable,
        Nhlfe::Prohibited,
    ];
    let count = entries.len() as u32;
    for (label, entry) in (FIRST..).zip(entries) {
        let id = add(snapshot, entry);
        snapshot.ilm.set(label, id);
    }
    snapshot.ilm.set(FIRST + count, nowhere);
    for (prefix, id) in [
        ("198.18.0.0/15", lsp),
        ("198.51.100.0/24", full),
        ("100.66.0.0/16", fuller),
        ("100.67.0.0/16", circle),
    ] {
        if let (Ok(net), Some(vrf)) = (prefix.parse(), snapshot.vrfs.get_mut(0)) {
            vrf.fib4.insert(net, id);
        }
    }
    for (prefix, id) in [("2001:db8:f0::/48", lsp), ("2001:db8:f1::/48", full)] {
        if let (Ok(net), Some(vrf)) = (prefix.parse(), snapshot.vrfs.get_mut(0)) {
            vrf.fib6.insert(net, id);
        }
    }
    count + 1
}
