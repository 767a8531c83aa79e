//! What is promised is there: among the bytes of an interface, among the buffers of its port, on a line that is known.

use dataplane::class::TrafficClass::{Clinical, Control, National, Video};
use dataplane::qos::TreeLimits;

use super::*;

/// An interface of 10 Mbit/s, alone on its port, of which more is said.
fn alone(more: &str, promise: &str) -> String {
    format!(
        "[[port]]\nname = \"p\"\nkind = \"loopback\"\n[[interface]]\nname = \"p\"\n\
         [interface.qos]\nrate = \"10 Mbit/s\"\n{more}\n[[promise]]\ninterface = \"p\"\n{promise}\n"
    )
}

#[test]
fn the_limit_of_all_queues_is_held_against_promises() {
    let calls = "calls = 30\nbound = \"7 ms\"";
    assert_eq!(
        faults(&alone("limit = \"100 kB\"", calls)),
        [
            "promise[0].calls: 7462 B wait at the worst; of the 100 kB that all queues of \"p\" hold, 324 B are sure for \
          voice: short by 7138 B (let qos.limit be 158 kB, or leave it out; 1 calls fit as it is)"
        ]
    );
    assert_eq!(faults(&alone("limit = \"158 kB\"", calls)), [""; 0]);
    let [fault] = &faults(&alone("limit = \"64 B\"", calls))[..] else { panic!() };
    assert!(fault.starts_with("interface[0].qos.limit: 64 B, of which an eighth"), "{fault}");
    assert!(fault.contains("hold no full frame of 1522 B (write 1740 B or more"), "{fault}");
    assert_eq!(faults(alone("limit = \"1740 B\"", calls).split("[[promise]]").next().unwrap()), [""; 0]);
}

/// An interface that is full of all else takes what is promised, and one of a little less would be refused.
#[test]
fn an_interface_with_a_limit_takes_what_is_promised() {
    for (class, promise) in [
        (Voice, "calls = 30"),
        (Clinical, "class = \"clinical\"\nrate = \"500 kbit/s\"\nburst = \"6152 B\""),
        (Control, "class = \"control\"\nrate = \"100 kbit/s\"\nburst = \"3076 B\""),
    ] {
        let file = |limit: &str| roomy(&alone(limit, promise));
        let [fault] = &faults(&file("limit = \"20 kB\""))[..] else { panic!() };
        let limit = fault.split("let qos.limit be ").nth(1).and_then(|f| f.split(',').next()).unwrap();
        let config = config(&file(&format!("limit = \"{limit}\"")));
        let mut tree = Tree::new(config);
        let others = || TrafficClass::ALL.into_iter().filter(move |c| *c != class);
        for first in others() {
            for len in [FULL, 60] {
                while tree.offer(0, first, len) {}
            }
        }
        let (n, len) = if class == Voice { (30, CALL) } else { (if class == Control { 2 } else { 4 }, FULL) };
        assert!((0..n).all(|_| tree.offer(0, class, len)), "{class:?} in contract is refused, {limit}");
    }
}

/// A thousand calls at once need as many frames of a tree, whatever else fills it.
#[test]
fn what_is_promised_has_room_among_the_buffers() {
    let second = "[[port]]\nname = \"q\"\nkind = \"loopback\"\n";
    let text = text(None, &[(1_000, 1_600)]) + second;
    assert_eq!(
        faults(&text),
        ["promise[0].calls: 1601 frames promised on its port wait at the worst; room for 1536 is kept: \
          short by 65 (let router.buffers be 17408; 1535 calls fit as it is)"]
    );
    let more = text.replace("[[port]]\nname = \"p\"", "[router]\nbuffers = 17408\n[[port]]\nname = \"p\"");
    assert_eq!(faults(&more), [""; 0]);
    // Two sites have less than twice the room of one.
    let two = |calls| super::text(None, &[(1_000, calls), (1_000, calls)]) + second;
    assert_eq!(faults(&two(380)), [""; 0]);
    // It is the port's, and told once.
    let short = faults(&two(400));
    assert!(short.len() == 1 && short[0].contains("let router.buffers be"), "{short:?}");
    // What fits is what rates and queues let in where all room is promised already.
    let [alone, many] = [1, 20].map(|sites| super::text(None, &vec![(1_000, 100); sites]) + second);
    let calls = |text: &str| capacity(&crate::config::parse_unkept(text, "t").unwrap()).rows[1].calls;
    assert_eq!(faults(&many).len(), 1);
    assert_eq!((calls(&many), calls(&alone)), (Some(100), Some(100)), "as many as the policer lets in");
}

/// And they have it: a tree that is full of the shortest frames of all else.
#[test]
fn a_full_tree_takes_what_is_promised() {
    let config = config(&text(None, &[(1_000, 1_500)]));
    let mut tree = Tree::new(config);
    tree.trees[0].set_limits(TreeLimits::sharing(16_384, 2));
    let taken = (0..8_000).filter(|n| tree.offer(0, if n % 2 == 0 { Imaging } else { Standard }, 60)).count();
    assert!(taken < 8_000);
    assert!((0..1_500).all(|_| tree.offer(0, Voice, CALL + 4)), "a call in contract is refused");
}

/// Sites of 20 Mbit/s on a port that is fast enough, the first of them with a promise without priority.
fn hub(sites: usize, buffers: u64, limit: &str, burst: &str) -> String {
    let mut text = format!(
        "[router]\nbuffers = {buffers}\n[[port]]\nname = \"p\"\nkind = \"loopback\"\nrate = \"10 Gbit/s\"\n"
    );
    for n in 0..sites {
        text += &format!("[[interface]]\nname = \"s{n}\"\nport = \"p\"\nvlan = {}\n[interface.qos]\n", n + 1);
        text += "rate = \"20 Mbit/s\"\nguaranteed = \"20 Mbit/s\"\nclinical = { guaranteed = \"5 Mbit/s\", limit = \"1 MB\" }\n";
        for class in ["voice", "control", "video", "national", "imaging", "standard", "scavenger"] {
            text += &format!("{class}.limit = \"{limit}\"\n");
        }
    }
    text + &format!(
        "[[promise]]\ninterface = \"s0\"\nclass = \"clinical\"\nrate = \"2 Mbit/s\"\nburst = \"{burst}\"\n"
    )
}

/// A tree in which all else is full of short frames takes what is promised of a class without priority, with as many
/// buffers as are said to do.
#[test]
fn a_promise_without_priority_has_room_among_the_buffers() {
    for (sites, burst) in [(1, 60_000), (20, 30_000)] {
        let file = |buffers| hub(sites, buffers, "16 kB", &format!("{burst} B"));
        let [fault] = &faults(&file(16_384 / 4))[..] else { panic!("{sites}") };
        assert!(
            fault.contains(
                "that the other queues of \"s0\" hold, its part of its port's buffers has room for"
            ),
            "{fault}"
        );
        let buffers = fault.split("let router.buffers be ").nth(1).and_then(|f| f.split(',').next()).unwrap();
        let buffers: u64 = buffers.parse().unwrap();
        let config = config(&file(buffers));
        let mut tree = Tree::new(config);
        tree.trees[0].set_limits(TreeLimits::sharing(buffers as usize, 1));
        for class in [Imaging, Standard, National, Video, Control, Voice, TrafficClass::Scavenger] {
            for site in 0..sites {
                (0..4_000).for_each(|_| {
                    tree.offer(site, class, 60);
                });
            }
        }
        (1..sites).for_each(|site| while tree.offer(site, Clinical, 60) {});
        let frames = burst / 84;
        assert_eq!((0..frames).filter(|_| tree.offer(0, Clinical, 60)).count(), frames, "{sites} sites");
    }
    // What no buffers are enough for is mended elsewhere.
    let [fault] = &faults(&hub(20, 4_194_304, "16 MB", "30 kB"))[..] else { panic!() };
    assert!(fault.contains("(lower the limits of its other classes"), "{fault}");
}

#[test]
fn few_buffers_for_each_interface_are_warned_of() {
    let warned = |sites, buffers: u64| -> Vec<String> {
        let text = hub(sites, buffers, "16 kB", "3 kB");
        let config = crate::config::parse_unkept(&text, "t").unwrap();
        config.warnings().iter().map(|w| format!("{}: {} ({})", w.key, w.message, w.help)).collect()
    };
    assert_eq!(
        warned(390, 16_384),
        [
            "router.buffers: when all its queues are full, each of 390 interfaces of port \"p\" has room for 12 frames of \
          router.buffers (16384): what is beyond is dropped (let router.buffers be 89088, for 64 each)"
        ]
    );
    assert_eq!(warned(390, 89_088), [""; 0]);
    assert_eq!(warned(20, 16_384), [""; 0]);
}

/// What several interfaces leave each other of a line that is not known is not promised.
#[test]
fn a_line_that_is_not_known_keeps_no_promise() {
    let line = |kind: &str, sites| {
        let text = text(None, &[(100, 300), (100, 300)][..sites]);
        faults(&text.replace("kind = \"loopback\"", &format!("kind = \"{kind}\"")))
    };
    let [first, second] = &line("af-packet", 2)[..] else { panic!() };
    assert!(first.starts_with("promise[0].interface: port \"p\" has no rate"), "{first}");
    assert!(first.contains("(give port.rate") && second.starts_with("promise[1]"), "{first} {second}");
    assert_eq!(line("tap", 2).len(), 2);
    // A lone one's rate says what its line is; in the process there is none to be short of.
    assert_eq!((line("af-packet", 1), line("loopback", 2)), (vec![], vec![]));
}

#[test]
fn priority_that_nothing_holds_to_its_contract_is_not_promised() {
    assert_eq!(
        faults(&alone("voice.policer = false", "calls = 30\nbound = \"7 ms\"")),
        ["promise[0].calls: voice of \"p\" goes first, and no policer bounds it \
          (give qos.voice.policer, or take qos.voice.priority)"]
    );
}

/// A call is as long as it is said to be: over IPv6, with what SRTP adds, with more or less speech in a datagram.
#[test]
fn calls_are_as_long_as_they_are() {
    let needs = |more: &str| {
        let [fault] = &faults(&alone("voice.rate = \"1 Mbit/s\"", &format!("calls = 30\n{more}")))[..] else {
            panic!("{more}")
        };
        let of = fault.split_once("it needs ").or_else(|| fault.split_once("it sends ")).unwrap().1;
        of.split(';').next().unwrap().to_owned()
    };
    // 30 calls, 50 times a second, of 200 bytes and 38 of layer 2.
    for (more, kilo) in [
        ("", 238 * 12),
        ("ip = \"ipv6\"", 258 * 12),
        ("srtp = 10", 248 * 12),
        ("ip = \"ipv6\"\nsrtp = 16\nlabels = 2", 282 * 12),
        ("ptime = \"10 ms\"", 158 * 24),
        ("codec = \"g729\"\nptime = \"40 ms\"", 118 * 6),
    ] {
        if kilo > 1_000 {
            assert_eq!(needs(more), format!("{kilo} kbit/s"), "{more}");
        } else {
            assert_eq!(faults(&alone("voice.rate = \"1 Mbit/s\"", &format!("calls = 30\n{more}"))), [""; 0]);
        }
    }
    let fault = |promise: &str| faults(&alone("", promise)).join(" ");
    assert!(fault("rate = \"1 Mbit/s\"\nip = \"ipv6\"").contains("promise[0].ip: \"ip\" is of calls"));
    assert!(
        fault("calls = 3\nptime = \"25 ms\"")
            .contains("promise[0].ptime: 25 ms is no whole number of frames")
    );
}
