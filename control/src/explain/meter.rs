//! `police`: what the meter of a class makes of a frame, its buckets full.

use dataplane::class::Colour;
use dataplane::packet::{Flags, Layer3, Meta};
use dataplane::qos::{Ingress, Meter, MeterAction, MeterProfile};
use dataplane::table::Interface;
use dataplane::trace::Stage;

use super::stages::end;
use super::types::Step;
use super::{NOW, describe};
use crate::engine::meters;

/// `came` is what was known before, `meta` after.
pub(super) fn step(came: &Meta, meta: &Meta, interface: &Interface) -> Step {
    let Some(ingress) = &interface.qos.ingress[meta.class.index()] else {
        let decision = format!("no policer for {} that comes in by {}", meta.class, interface.name);
        return Step::new(Stage::Police, end(meta.verdict).unwrap_or(decision));
    };
    let spec = ingress.spec();
    let colour = Meter::new().colour(&MeterProfile::new(spec), NOW, came.colour, u32::from(came.length));
    let action = spec.actions[colour as usize];
    let mut step =
        Step::new(Stage::Police, end(meta.verdict).unwrap_or_else(|| decision(colour, action, meta)));
    step.fact(meters::kind(spec), meters::limits(spec));
    step.fact("metered", name(colour));
    if spec.colour_aware {
        step.fact("came as", name(came.colour));
    }
    if matches!(ingress, Ingress::Shared(_)) {
        step.fact("shared", "other classes, interfaces or workers ask it too");
    }
    let actions = [Colour::Green, Colour::Yellow, Colour::Red]
        .map(|c| format!("{} {}", name(c), meters::action(spec.actions[c as usize])));
    step.fact("actions", actions.join(", "));
    step
}

fn name(colour: Colour) -> &'static str {
    match colour {
        Colour::Green => "green",
        Colour::Yellow => "yellow",
        Colour::Red => "red",
    }
}

fn decision(colour: Colour, action: MeterAction, meta: &Meta) -> String {
    let does = match action {
        MeterAction::Mark(dscp) if meta.flags.has(Flags::REMARK) => {
            format!("it is {} from here, marked {}", name(colour), describe::mark(dscp))
        }
        MeterAction::Mark(_) if meta.layer3 == Layer3::Mpls => {
            format!("it is {} from here; behind labels its mark stays", name(colour))
        }
        MeterAction::Recolour | MeterAction::Mark(_) => format!("it is {} from here", name(colour)),
        MeterAction::Pass | MeterAction::Drop => "it goes on as it came".into(),
    };
    format!("within its policer, when that is at rest: {does}")
}
