//! `show policers`: what the meters of what comes in did.

use dataplane::class::TrafficClass;
use dataplane::qos::{Count, Ingress, MeterAction, MeterKind, MeterSpec, Metered};
use dataplane::wire::dscp;

use super::Engine;
use crate::api::types::{ColourRow, PolicerRow, Refusal, Traffic};
use crate::config::{Class, Police, Rate};

/// What a meter is, in a word.
pub(crate) fn kind(spec: &MeterSpec) -> &'static str {
    match spec.kind {
        MeterKind::SrTcm if spec.ebs == 0 => "policer",
        MeterKind::SrTcm => "srtcm",
        MeterKind::TrTcm => "trtcm",
        MeterKind::Rfc4115 => "rfc4115",
    }
}

/// What is done with a colour, in words.
pub(crate) fn action(action: MeterAction) -> String {
    match action {
        MeterAction::Pass => "pass".into(),
        MeterAction::Recolour => "recolour".into(),
        MeterAction::Drop => "drop".into(),
        MeterAction::Mark(value) => match dscp::NAMED.iter().find(|(_, v, _)| *v == value) {
            Some((name, ..)) => format!("dscp {}", name.to_lowercase()),
            None => format!("dscp {value}"),
        },
    }
}

/// Its rates and bursts, in words.
pub(crate) fn limits(spec: &MeterSpec) -> String {
    let (rate, burst) = (Rate(spec.cir), spec.cbs);
    match spec.kind {
        MeterKind::SrTcm if spec.ebs == 0 => format!("{rate}, burst of {burst} bytes"),
        MeterKind::SrTcm => format!("{rate}, bursts of {burst} and {} bytes (RFC 2697)", spec.ebs),
        MeterKind::TrTcm => {
            format!(
                "{rate}, burst of {burst} bytes; at most {}, {} bytes (RFC 2698)",
                Rate(spec.eir),
                spec.ebs
            )
        }
        MeterKind::Rfc4115 => {
            format!(
                "{rate}, burst of {burst} bytes; excess {}, {} bytes (RFC 4115)",
                Rate(spec.eir),
                spec.ebs
            )
        }
    }
}

fn sum(metered: &[&Metered]) -> [Count; 3] {
    let add = |sum: Count, part: &Count| Count {
        packets: sum.packets + part.packets,
        bytes: sum.bytes + part.bytes,
    };
    std::array::from_fn(|i| metered.iter().fold(Count::default(), |sum, m| add(sum, &m.counts[i])))
}

fn row(
    interface: &str,
    class: TrafficClass,
    meter: Option<String>,
    spec: &MeterSpec,
    counts: [Count; 3],
) -> PolicerRow {
    let colour = |i: usize| ColourRow {
        action: action(spec.actions[i]),
        traffic: Traffic { frames: counts[i].packets, bytes: counts[i].bytes },
    };
    let dropped = (0..3).filter(|i| spec.actions[*i] == MeterAction::Drop);
    PolicerRow {
        interface: interface.into(),
        class: class.name().into(),
        meter,
        kind: kind(spec).into(),
        colour_aware: spec.colour_aware,
        cir: spec.cir,
        cbs: spec.cbs,
        excess_rate: (spec.kind != MeterKind::SrTcm).then_some(spec.eir),
        excess_burst: (spec.ebs > 0).then_some(spec.ebs),
        green: colour(0),
        yellow: colour(1),
        red: colour(2),
        dropped: dropped.map(|i| counts[i].packets).sum(),
    }
}

impl Engine {
    /// `show policers`
    ///
    /// # Errors
    /// A worker that does not answer.
    pub fn policers(&self) -> Result<Vec<PolicerRow>, Refusal> {
        let (status, snapshot, wanted) = (self.status()?, self.handle.snapshot(), self.wanted());
        let named = |interface: &str, class| {
            let of = wanted.state.config().interfaces.iter().find(|i| i.name == interface)?;
            match of.police.get(&Class(class))? {
                Police::Shared { meter } => Some(meter.clone()),
                _ => None,
            }
        };
        let mut rows = Vec::new();
        for (_, interface) in snapshot.interfaces.iter() {
            for (class, ingress) in TrafficClass::ALL.into_iter().zip(&interface.qos.ingress) {
                let Some(spec) = ingress.as_ref().map(Ingress::spec) else { continue };
                let of = |m: &&Metered| (m.interface, m.class) == (interface.id, class);
                let counts = sum(&status.iter().flat_map(|s| &s.meters).filter(of).collect::<Vec<_>>());
                rows.push(row(&interface.name, class, named(&interface.name, class), spec, counts));
            }
        }
        Ok(rows)
    }
}
