//! Random frames over random marks of what comes and goes, against the words of the
//! specification: which DSCP and which traffic classes leave.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::class::{Colour, TcMap, TrafficClass};
use crate::table::rules::{Conditions, Rule, RuleSet, Rules, Treatment};
use crate::table::{DiffServModel, Marks, Swap, Trust, TtlModel};

/// What is asked of the router, and the frame: its mark, and its label's where it has one.
#[derive(Clone, Debug)]
struct Case {
    model: DiffServModel,
    trusted: bool,
    dscp_out: Option<u8>,
    tcs: [u8; 8],
    remark_tc: bool,
    /// A rule for what goes out of this traffic class, and what it says.
    rule: Option<(u8, Treatment)>,
    label: Option<u8>,
    dscp: u8,
    ecn: u8,
}

fn treatment() -> impl Strategy<Value = Treatment> {
    let class = prop::option::of(prop::sample::select(TrafficClass::ALL.to_vec()));
    (class, prop::option::of(0u8..64), prop::option::of(0u8..8)).prop_map(|(class, mark, tc)| Treatment {
        class,
        colour: class.map(|_| Colour::Green),
        mark,
        tc,
    })
}

fn case() -> impl Strategy<Value = Case> {
    let models = [DiffServModel::Uniform, DiffServModel::Pipe, DiffServModel::ShortPipe];
    let asked =
        (prop::sample::select(models.to_vec()), any::<bool>(), prop::option::of(0u8..64), any::<bool>());
    let rule = prop::option::of((0u8..8, treatment()));
    let frame = (prop::option::of(0u8..8), 0u8..64, 0u8..4);
    (asked, prop::array::uniform8(0u8..8), rule, frame).prop_map(|(asked, tcs, rule, frame)| Case {
        model: asked.0,
        trusted: asked.1,
        dscp_out: asked.2,
        remark_tc: asked.3,
        tcs,
        rule,
        label: frame.0,
        dscp: frame.1,
        ecn: frame.2,
    })
}

/// DSCP and traffic class of the one label that it leaves with.
fn expected(case: &Case) -> (u8, u8) {
    let maps = (crate::class::ClassMap::default(), TcMap::default());
    let came = match case.label {
        _ if !case.trusted => TrafficClass::Standard,
        Some(tc) => maps.1.get(tc).0,
        None => maps.0.get(case.dscp).0,
    };
    let by_class = |class: TrafficClass| case.tcs[class.index()];
    // As it would leave without the rule.
    let before = match case.label {
        Some(tc) if case.trusted => tc,
        Some(_) => TcMap::default().tc(came),
        None => by_class(came),
    };
    let said = case.rule.filter(|(tc, _)| *tc == before).map(|(_, said)| said).unwrap_or_default();
    let class = said.class.unwrap_or(came);
    let Some(_) = case.label else {
        let own = if case.trusted { case.dscp } else { TrafficClass::Standard.dscp(Colour::Green) };
        let uniform = case.dscp_out.filter(|_| case.model == DiffServModel::Uniform);
        return (said.mark.or(uniform).unwrap_or(own), said.tc.unwrap_or(by_class(class)));
    };
    let kept = if case.remark_tc { by_class(class) } else { before };
    (case.dscp, said.tc.unwrap_or(kept))
}

fn snapshot(case: &Case) -> Snapshot {
    let mut snapshot = label_router();
    let trust = if case.trusted { Trust::Dscp } else { Trust::Nothing };
    change(&mut snapshot, GE0, |i| {
        i.marks = Arc::new(Marks { trust, ..Marks::default() });
        if !case.trusted {
            i.class_map = Arc::new(crate::class::ClassMap::untrusted());
            let classes = [(TrafficClass::Standard, Colour::Green); 8];
            i.tc_map = Arc::new(TcMap { classes, ..TcMap::default() });
        }
    });
    change(&mut snapshot, GE1, |i| {
        let dscp_out = [case.dscp_out.map(|dscp| [dscp; 3]); 8];
        i.marks = Arc::new(Marks { dscp_out, remark_tc: case.remark_tc, ..Marks::default() });
        i.tc_map = Arc::new(TcMap { tcs: case.tcs, ..TcMap::default() });
    });
    let next = via(&mut snapshot, GE1, "10.2.0.9");
    let model = TunnelModel { ttl: TtlModel::Uniform, diffserv: case.model };
    route(&mut snapshot, "198.51.100.0/24", push(&[500], next, model));
    label_to(&mut snapshot, 100, Nhlfe::Swap(Swap { label: 500, next }));
    let rule = case.rule.map(|(tc, treatment)| Rule {
        name: "r".into(),
        conditions: Conditions { tcs: Some(vec![tc]), ..Conditions::default() },
        treatment,
    });
    let leaving = Arc::new(RuleSet::new(rule.into_iter().collect()));
    snapshot.rules = Arc::new(Rules { leaving, marks: true, doubts: !case.trusted, ..Rules::default() });
    snapshot
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_leaves_labelled_is_marked_as_it_is_asked(case in case()) {
        let snapshot = snapshot(&case);
        let between = ("10.1.0.9", "198.51.100.7");
        let header = ipv4_with(between, 17, 60, &[], |h| h.traffic_class = case.dscp << 2 | case.ecn);
        let labels = case.label.map(|tc| mpls(&[(100, tc, 64)])).unwrap_or_default();
        let kind = if case.label.is_some() { ether_type::MPLS } else { ether_type::IPV4 };
        let frame = rewritten(&snapshot, &stack(&[&eth(kind), &labels, &header, &udp(1, 2, 52)]));
        let bytes = sent(&frame);
        let (dscp, tc) = expected(&case);
        prop_assert_eq!(bytes[16] >> 1 & 7, tc);
        prop_assert_eq!((bytes[19] >> 2, bytes[19] & 3), (dscp, case.ecn));
        prop_assert_eq!(crate::wire::checksum::checksum(&bytes[18..38]), 0);
    }
}
