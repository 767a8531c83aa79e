//! `classify`: by which mark or rule a packet has its class, and what marks it leaves with.

use dataplane::class::{ClassMap, Colour};
use dataplane::packet::{Flags, Layer3, Meta, StackEdit};
use dataplane::table::{Interface, Trust};
use dataplane::trace::Stage;
use dataplane::wire::dscp;

use super::describe::mark;
use super::stages::Seen;
use super::types::Step;

/// `came` is what was known before, `meta` after.
pub(super) fn step(seen: &Seen<'_>, came: &Meta, meta: &Meta, interface: &Interface) -> Step {
    let colour = format!("{:?}", meta.colour).to_lowercase();
    let told = match &seen.rules[0] {
        Some(rule) => format!("the rule \"{rule}\" matches: class {}, {colour}", meta.class),
        None if by_pcp(came, interface) => {
            format!("802.1p priority {} is class {}, {colour}", came.pcp & 7, meta.class)
        }
        None => format!("DSCP {} is class {}, {colour}", mark(came.dscp), meta.class),
    };
    let mut step = Step::new(Stage::Classify, told);
    step.fact("class", meta.class);
    step.fact("colour", colour);
    step.fact("why", why(seen, came, interface));
    if meta.colour != Colour::Green {
        step.fact("precedence", "dropped before green frames of its class (RFC 2597)");
    }
    marked(&mut step, came, meta);
    step
}

fn by_pcp(came: &Meta, interface: &Interface) -> bool {
    interface.marks.trust == Trust::Pcp && came.pcp != 0
}

fn why(seen: &Seen<'_>, came: &Meta, interface: &Interface) -> String {
    if let Some(rule) = &seen.rules[0] {
        return format!("{rule} is the first rule for what comes in that matches");
    }
    let name = &interface.name;
    if interface.marks.trust == Trust::Nothing {
        return format!("marks of {name} are not trusted: all of it is standard");
    }
    if by_pcp(came, interface) {
        return format!("{name} goes by the priority of tags (IEEE 802.1Q)");
    }
    let by_default = ClassMap::default().get(came.dscp) == interface.class_map.get(came.dscp);
    let named = dscp::NAMED.iter().find(|(_, value, _)| *value == came.dscp);
    match named {
        _ if !by_default => format!("the map of {name} says so"),
        Some((name, _, rfc)) => format!("the default map; {name} is of {rfc}"),
        None => "the default map: marks without a meaning are standard (RFC 2474)".into(),
    }
}

/// What happens to it as it leaves, where anything does.
pub(super) fn leaving(seen: &Seen<'_>, came: &Meta, meta: &Meta) -> Option<Step> {
    let rule = seen.rules[1].as_ref();
    let labels = seen.edit.map(StackEdit::tc);
    let anew = meta.layer3 == Layer3::Mpls && labels.is_some_and(|tc| tc != meta.tc);
    if rule.is_none() && came.dscp == meta.dscp && !anew {
        return None;
    }
    let told = match rule {
        Some(rule) => format!("the rule \"{rule}\" matches: it leaves as class {}", meta.class),
        None => "the interface that it leaves by has marks of its own".into(),
    };
    let mut step = Step::new(Stage::Leaving, told);
    step.fact("class", meta.class);
    if let Some(tc) = labels {
        step.fact("labels", format!("they leave with traffic class {tc}"));
    }
    marked(&mut step, came, meta);
    Some(step)
}

fn marked(step: &mut Step, came: &Meta, meta: &Meta) {
    if meta.flags.has(Flags::REMARK) && came.dscp != meta.dscp {
        step.fact("mark", format!("it leaves with DSCP {}; ECN stays (RFC 3168)", mark(meta.dscp)));
    }
}
