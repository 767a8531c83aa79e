//! Meters in the file: what each key means to the engine, what is refused, and which
//! meters workers share.

#![allow(clippy::unwrap_used, clippy::panic)]

use control::config::parse;
use control::{PortFacts, State};
use dataplane::class::TrafficClass;
use dataplane::qos::{Ingress, MeterAction, MeterKind, MeterSpec};
use dataplane::table::Snapshot;

/// One interface on a port of so many queues, with these lines, and more tables behind.
fn text(queues: u8, police: &str, more: &str) -> String {
    format!(
        "[[port]]\nname = \"ge0\"\nkind = \"af-packet\"\nqueues = {queues}\n\
         [[interface]]\nname = \"ge0\"\nmtu = 1500\n{police}\n{more}\n"
    )
}

fn applied(state: &mut State, snapshot: &mut Snapshot, text: &str) -> Option<Ingress> {
    let config = parse(text, "t").unwrap_or_else(|e| panic!("{e}"));
    state.apply(config, &PortFacts::default(), snapshot).unwrap();
    let interface = snapshot.interface_named("ge0").unwrap();
    interface.qos.ingress[TrafficClass::Imaging.index()].clone()
}

fn imaging(text: &str) -> Ingress {
    applied(&mut State::new(), &mut Snapshot::default(), text).unwrap()
}

fn faults(police: &str, more: &str) -> Vec<String> {
    let errors = parse(&text(1, police, more), "t").unwrap_err();
    errors.errors.iter().map(|e| format!("{}: {}", e.key, e.message)).collect()
}

#[test]
fn keys_mean_what_their_standard_calls_so() {
    use MeterAction::{Drop, Mark, Pass, Recolour};
    let spec = |police: &str| match imaging(&text(1, &format!("police.imaging = {{ {police} }}"), "")) {
        Ingress::Own(spec) => spec,
        Ingress::Shared(_) => panic!("nobody shares it"),
    };
    assert_eq!(spec("rate = \"1 Mbit/s\", burst = \"20 ms\""), MeterSpec::policer(1_000_000, 2_500));
    let usual = [Recolour, Recolour, Drop];
    let base = MeterSpec { actions: usual, ..MeterSpec::policer(1_000_000, 2_500) };
    let srtcm = MeterSpec { ebs: 5_000, colour_aware: true, ..base };
    assert_eq!(spec("kind = \"srtcm\", cir = \"1 Mbit/s\", ebs = \"40 ms\", colour-aware = true"), srtcm);
    let trtcm = MeterSpec { kind: MeterKind::TrTcm, eir: 2_000_000, ebs: 9_000, ..base };
    let written = "kind = \"trtcm\", cir = \"1 Mbit/s\", pir = \"2 Mbit/s\", pbs = \"9 kB\"";
    assert_eq!(spec(written), trtcm);
    let actions = [Pass, Mark(12), Mark(14)];
    let rfc4115 = MeterSpec { kind: MeterKind::Rfc4115, eir: 800_000, ebs: 2_000, actions, ..base };
    let written = "kind = \"rfc4115\", cir = \"1 Mbit/s\", eir = \"800 kbit/s\", \
                   green = \"pass\", yellow = { dscp = \"AF12\" }, red = { dscp = 14 }";
    assert_eq!(spec(written), rfc4115);
}

#[test]
fn workers_share_what_is_named_or_comes_by_several_queues_and_it_stays_the_same_one() {
    let gold = |cir: &str| format!("[[meter]]\nname = \"gold\"\nkind = \"srtcm\"\ncir = \"{cir}\"\n");
    let files = [
        |cir: &str| text(3, &format!("police.imaging.rate = \"{cir}\""), ""),
        |cir: &str| {
            text(
                1,
                "police.imaging.meter = \"gold\"",
                &format!("[[meter]]\nname = \"gold\"\nrate = \"{cir}\"\n"),
            )
        },
    ];
    for file in files {
        let (mut state, mut snapshot) = (State::new(), Snapshot::default());
        let mut apply = |text: &str| match applied(&mut state, &mut snapshot, text) {
            Some(Ingress::Shared(meter)) => meter,
            other => panic!("{other:?}"),
        };
        let first = apply(&file("1 Mbit/s"));
        let again = apply(&file("1 Mbit/s").replace("mtu = 1500", "mtu = 1400"));
        assert!(std::sync::Arc::ptr_eq(&first, &again));
        let other = apply(&file("2 Mbit/s"));
        assert_eq!((first.spec().cir, other.spec().cir), (1_000_000, 2_000_000));
    }
    let both = "police = { imaging.meter = \"gold\", video.meter = \"gold\" }";
    let (mut state, mut snapshot) = (State::new(), Snapshot::default());
    let one = applied(&mut state, &mut snapshot, &text(1, both, &gold("1 Mbit/s")));
    let interface = snapshot.interface_named("ge0").unwrap();
    assert_eq!(interface.qos.ingress[TrafficClass::Video.index()], one);
}

#[test]
fn meters_that_cannot_work_are_refused() {
    let own = |meter: &str| faults(&format!("police.video = {{ {meter} }}"), "");
    assert_eq!(
        own("kind = \"trtcm\", cir = \"2 Mbit/s\", pir = \"1 Mbit/s\""),
        [
            "interface[0].police.video.pir: a peak rate of 1 Mbit/s is less than the committed rate of 2 Mbit/s"
        ]
    );
    assert_eq!(
        own("kind = \"srtcm\", cir = \"2 Mbit/s\", ebs = \"1 kB\""),
        ["interface[0].police.video.ebs: 1 kB never lets a full frame of 1522 B pass"]
    );
    assert_eq!(
        own("kind = \"srtcm\", cir = \"2 Mbit/s\", pir = \"3 Mbit/s\""),
        ["interface[0].police.video.pir: there is no key \"pir\" in \"interface[0].police.video\""]
    );
    assert_eq!(
        own("kind = \"rfc4115\", cir = \"2 Mbit/s\""),
        ["interface[0].police.video.eir: \"eir\" is missing"]
    );
    assert_eq!(
        own("kind = \"srtcm\", cir = \"400 Gbit/s\", cbs = \"10 s\""),
        ["interface[0].police.video.cbs: 500 GB are more than a bucket holds"]
    );
    assert_eq!(
        own("kind = \"srtcm\", cir = \"2 Mbit/s\", yellow = \"drop\", red = { dscp = \"af13\" }"),
        [
            "interface[0].police.video.yellow: yellow frames are dropped, and red ones, which are worse, are not"
        ]
    );
    assert_eq!(
        own("kind = \"srtcm\", cir = \"2 Mbit/s\", yellow = { dscp = \"af14\" }"),
        ["interface[0].police.video.yellow: \"af14\" is no DSCP; did you mean \"af11\"?"]
    );
    assert_eq!(own("kind = \"tokens\", rate = \"1 Mbit/s\"").len(), 3);
    assert_eq!(own("rate = \"1 Mbit/s\", cir = \"1 Mbit/s\"").len(), 1);
}

#[test]
fn names_of_meters_are_names_of_one() {
    let gold = "[[meter]]\nname = \"gold\"\nrate = \"1 Mbit/s\"\nburst = \"1 kB\"\n";
    assert_eq!(
        faults("police.video.meter = \"gould\"", gold),
        ["interface[0].police.video.meter: there is no meter \"gould\""]
    );
    assert_eq!(
        faults("police.video.meter = \"gold\"", gold),
        ["interface[0].police.video.meter: the burst of gold, 1 kB, never lets a full frame of 1522 B pass"]
    );
    let twice = format!("{gold}{gold}");
    assert_eq!(faults("", &twice), ["meter[1].name: there is another meter called \"gold\""]);
    let own = "police.video = { meter = \"gold\", rate = \"1 Mbit/s\" }";
    assert_eq!(faults(own, &gold.replace("1 kB", "20 ms")).len(), 1);
    assert_eq!(faults("", "[[meter]]\nname = \"x\"\nmeter = \"y\"\n").len(), 2);
}
