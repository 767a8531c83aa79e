//! Label stacks: what came, what each label led to, what leaves.

use dataplane::id::NhlfeId;
use dataplane::packet::{Flags, Layer3, Meta, StackEdit, Verdict};
use dataplane::table::{DiffServModel, Nhlfe, Snapshot, Trust, TtlModel, TunnelModel};
use dataplane::trace::Stage;
use dataplane::wire::mpls::{LabelStackEntry, label};

use super::describe::mark;
use super::stages::{Seen, end};
use super::types::Step;

/// Entries told of one stack; the others are counted.
const MOST: usize = 20;
/// Entries followed for one packet, as many as forwarding follows at most.
const STEPS: usize = 16;

/// The entries of a stack that starts `bytes`, and what is below them.
pub(super) fn stack(mut bytes: &[u8]) -> (Vec<LabelStackEntry>, &[u8]) {
    let mut entries = Vec::new();
    while let Ok((entry, rest)) = LabelStackEntry::parse(bytes) {
        entries.push(*entry);
        bytes = rest;
        if entry.bottom() {
            break;
        }
    }
    (entries, bytes)
}

/// A stack in words, outermost first.
pub(super) fn words(entries: &[LabelStackEntry]) -> String {
    let one = |e: &LabelStackEntry| {
        let bottom = if e.bottom() { " bottom" } else { "" };
        format!("{}{} tc {} ttl {}{bottom}", e.label(), name(e.label()), e.tc(), e.ttl())
    };
    let shown: Vec<_> = entries.iter().take(MOST).map(one).collect();
    let more = entries.len().saturating_sub(MOST);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    if shown.is_empty() { "no labels".into() } else { format!("[{}]{more}", shown.join(", ")) }
}

/// The name of a special-purpose label (RFC 3032 section 2.1, RFC 6790 section 4).
fn name(value: u32) -> &'static str {
    match value {
        label::IPV4_EXPLICIT_NULL => " (IPv4 explicit null)",
        label::ROUTER_ALERT => " (router alert)",
        label::IPV6_EXPLICIT_NULL => " (IPv6 explicit null)",
        label::IMPLICIT_NULL => " (implicit null)",
        label::ENTROPY_INDICATOR => " (entropy label indicator)",
        label::FIRST.. => "",
        _ => " (reserved)",
    }
}

/// The stack that a frame has after a stage.
pub(super) fn left(seen: &Seen<'_>, meta: &Meta) -> Vec<LabelStackEntry> {
    if meta.layer3 != Layer3::Mpls {
        return Vec::new();
    }
    let (mut entries, _) = stack(seen.l3(meta));
    // The TTL and traffic class of the top entry are what a label above it left behind.
    if let Some(top) = entries.first_mut() {
        *top = LabelStackEntry::new(top.label(), meta.tc, top.bottom(), meta.ttl);
    }
    entries
}

/// The stack that a frame is to leave with.
pub(super) fn to_leave(seen: &Seen<'_>, meta: &Meta, edit: Option<&StackEdit>) -> Vec<LabelStackEntry> {
    let (off, on) = edit.map_or((0, Vec::new()), |e| (usize::from(e.off), e.entries().collect()));
    on.into_iter().chain(left(seen, meta).into_iter().skip(off)).collect()
}

/// What the labels that came led to, up to where one leads on or the IP packet is reached.
pub(super) fn step(seen: &Seen<'_>, meta: &Meta, snapshot: &Snapshot) -> Step {
    let (came, _) = stack(seen.l3(&seen.first()));
    let off = usize::from(meta.popped);
    let vrf = snapshot.vrf(meta.vrf).map_or("", |v| &v.name);
    let decision = end(meta.verdict).unwrap_or_else(|| match meta.layer3 {
        Layer3::Mpls => format!("{} leads on", top(&came, off)),
        _ if meta.flags.has(Flags::DIRECTED) => "the last label has one way for what is below".into(),
        _ => format!("the stack ends here: what is below is looked up in vrf {vrf}"),
    });
    let mut step = Step { stage: "labels".into(), decision, facts: Vec::new() };
    step.fact("came", words(&came));
    // An IP packet that has come to the front has a hash of its own.
    let hash = if meta.layer3 == Layer3::Mpls { meta.flow_hash } else { 0 };
    // One more than was taken off: the label that leads on, or at which it ended.
    let led = if meta.layer3 == Layer3::Mpls { off + 1 } else { off };
    for entry in came.iter().take(led.min(MOST)) {
        step.fact(
            "label",
            format!("{}{}: {}", entry.label(), name(entry.label()), leads(entry.label(), hash, snapshot)),
        );
    }
    if meta.verdict == Verdict::Forward {
        step.fact("stack", words(&left(seen, meta)));
        if meta.flags.has(Flags::EXPOSED) {
            step.fact("ttl", format!("{} for what is below", meta.ttl));
            step.fact("class", format!("{}{}", meta.class, remark(seen, meta, snapshot)));
        }
        if let Some(rule) = &seen.rules[0] {
            step.fact(
                "rule",
                format!("{rule} is the first rule for what comes in that matches: {}", meta.class),
            );
        }
    }
    step
}

fn remark(seen: &Seen<'_>, meta: &Meta, snapshot: &Snapshot) -> String {
    let untrusted = snapshot.interface(meta.in_interface).filter(|i| i.marks.trust == Trust::Nothing);
    match (meta.flags.has(Flags::REMARK), &seen.rules[0]) {
        (false, _) => String::new(),
        (true, Some(_)) => format!(", and it leaves with DSCP {}", mark(meta.dscp)),
        (true, None) => match untrusted {
            Some(i) => format!(", and it leaves with that class's DSCP: marks of {} are not trusted", i.name),
            None => ", and the DSCP is made to say so (uniform model, RFC 3270)".into(),
        },
    }
}

fn top(came: &[LabelStackEntry], off: usize) -> String {
    came.get(off).map_or_else(|| "the label".into(), |e| e.label().to_string())
}

/// What the Ilm says of a label, for a flow of this hash.
fn leads(value: u32, hash: u32, snapshot: &Snapshot) -> String {
    match value {
        label::IPV4_EXPLICIT_NULL | label::IPV6_EXPLICIT_NULL => "taken off (RFC 4182)".into(),
        label::ROUTER_ALERT => "the router looks, then the label beneath decides (RFC 3032)".into(),
        label::ENTROPY_INDICATOR => "taken off with the entropy label below it (RFC 6790)".into(),
        label::FIRST.. => match snapshot.ilm.get(value) {
            id if id.is_some() => chain(id, hash, snapshot).join(", then "),
            _ => "nothing is known of it".into(),
        },
        _ => "not for forwarding".into(),
    }
}

/// The entries from `first` on, in words, for a flow of this hash; where that is 0, it is
/// not known, and neither is which of several ways is taken.
pub(super) fn chain(first: NhlfeId, hash: u32, snapshot: &Snapshot) -> Vec<String> {
    let (mut id, mut said) = (first, Vec::new());
    for _ in 0..STEPS {
        id = match snapshot.nhlfe(id) {
            Some(Nhlfe::Push(push)) => {
                let labels: Vec<_> = push.labels.iter().map(|l| l.to_string()).collect();
                let entropy = if push.entropy { " and an entropy label" } else { "" };
                if !labels.is_empty() {
                    said.push(format!("push {}{entropy}", labels.join(", ")));
                }
                push.next
            }
            Some(Nhlfe::Swap(swap)) => {
                said.push(format!("swap {}", swap.label));
                swap.next
            }
            Some(Nhlfe::Pop(pop)) => {
                said.push(format!("pop ({})", model(pop.model)));
                pop.next
            }
            Some(Nhlfe::PopLookup(pop)) => {
                let vrf = snapshot.vrf(pop.vrf).map_or("", |v| &v.name);
                said.push(format!("pop, look-up in vrf {vrf} ({})", model(pop.model)));
                return said;
            }
            Some(Nhlfe::Ecmp(group)) => {
                let of = group.members().len();
                if hash == 0 {
                    said.push(format!("one of {of} ways"));
                    return said;
                }
                let next = group.select(hash);
                let chosen = group.members().iter().position(|m| *m == next).map_or(0, |at| at + 1);
                said.push(format!("way {chosen} of {of}"));
                next
            }
            Some(Nhlfe::Forward(adjacency)) => {
                let to = snapshot.adjacency(*adjacency);
                let out = to.and_then(|a| snapshot.interface(a.interface)).map_or("", |i| &i.name);
                said.extend(to.map(|a| format!("to {} on {out}", a.neighbour)));
                return said;
            }
            Some(other) => {
                said.push(format!("{other:?}").to_lowercase());
                return said;
            }
            None => return said,
        };
    }
    said
}

fn model(model: TunnelModel) -> String {
    let ttl = match model.ttl {
        TtlModel::Uniform => "uniform",
        TtlModel::Pipe => "pipe",
    };
    let diffserv = match model.diffserv {
        DiffServModel::Uniform => "uniform",
        DiffServModel::Pipe => "pipe",
        DiffServModel::ShortPipe => "short pipe",
    };
    format!("TTL {ttl}, DiffServ {diffserv}")
}

/// How a labelled frame was classified.
pub(super) fn classify(came: &Meta, meta: &Meta, interface: &dataplane::table::Interface) -> Step {
    let by_default = dataplane::class::TcMap::default().get(came.tc) == interface.tc_map.get(came.tc);
    let mut step = Step::new(Stage::Classify, format!("traffic class {} is class {}", came.tc, meta.class));
    step.fact("class", meta.class);
    let why = if by_default {
        "the default map (RFC 5462)".into()
    } else {
        format!("the map of {}", interface.name)
    };
    step.fact("why", why);
    step
}
