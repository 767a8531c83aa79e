//! LSP ping and traceroute (RFC 8029) through whole networks of this router.

use std::net::IpAddr;

use dataplane::host::{LspOutcome, LspReply, LspRequest, LspTarget, NextHop, NotSent};
use dataplane::table::Labels;
use dataplane::wire::lsp_ping::{Contents, ReturnCode};
use testbed::lab::ms;
use testbed::network::Backbone;
use testbed::network::plan::{LSP_LABEL, Plan, VPN_LABEL};
use testbed::packet::*;

fn vpn(ps: usize, edit: impl Fn(&str, String) -> String) -> Backbone {
    Plan { pes: 2, ps, communities: 2, ces: false }.build_with(1, edit)
}

fn same(_: &str, text: String) -> String {
    text
}

fn to_prefix(backbone: &mut Backbone, vrf: &str, net: &str) -> LspRequest {
    let vrf = backbone.lab("pe1").snapshot().vrf_named(vrf).unwrap().id;
    let target = LspTarget::Prefix { vrf, net: net.parse().unwrap(), rd: [0; 8] };
    LspRequest {
        target,
        source: None,
        ttl: 255,
        tc: None,
        dscp: 48,
        size: 0,
        alert: false,
        next: NextHop::Unasked,
        handle: 1,
        sequence: 1,
    }
}

fn to_labels(backbone: &mut Backbone, labels: &[u32], via: &str) -> LspRequest {
    let request = to_prefix(backbone, "default", "0.0.0.0/0");
    let LspTarget::Prefix { vrf, .. } = request.target else { panic!() };
    let (labels, via) = (Labels::new(labels).unwrap(), via.parse().unwrap());
    LspRequest { target: LspTarget::Labels { labels, via, interface: None, vrf }, ..request }
}

/// What becomes of a request of PE 1, within 50 ms.
fn asked(backbone: &mut Backbone, request: &LspRequest) -> Option<LspReply> {
    let answers = backbone.lab("pe1").router().handle().lsp_ping(request.clone());
    backbone.network.run(ms(50));
    answers.try_recv().ok()
}

#[track_caller]
fn ask(backbone: &mut Backbone, request: &LspRequest) -> LspReply {
    asked(backbone, request).expect("a reply")
}

fn answer(reply: LspReply) -> (String, ReturnCode, u8, Contents) {
    match reply.outcome {
        LspOutcome::Answer { from, code, subcode, contents } => (from.to_string(), code, subcode, contents),
        LspOutcome::NotSent(why) => panic!("not sent: {}", why.words()),
    }
}

/// Who answered, and what.
#[track_caller]
fn found(backbone: &mut Backbone, request: &LspRequest) -> (String, ReturnCode, u8) {
    let (from, code, depth, _) = answer(ask(backbone, request));
    (from, code, depth)
}

#[test]
fn the_end_of_a_vpns_path_answers() {
    let mut backbone = vpn(3, same);
    for (sequence, net) in (1..).zip(["10.0.32.0/20", "2001:db8:2::/48"]) {
        let request = LspRequest { sequence, ..to_prefix(&mut backbone, "c1", net) };
        let reply = ask(&mut backbone, &request);
        let sent = reply.sent.clone().unwrap();
        assert_eq!(sent.labels, [LSP_LABEL + 1, VPN_LABEL]);
        // Three lines of half a millisecond there, and three back; at first each hop asks
        // for its neighbour.
        assert!((ms(3)..ms(7)).contains(&reply.rtt), "{:?}", reply.rtt);
        let (_, code, depth, _) = answer(reply);
        assert_eq!((code, depth), (ReturnCode::EGRESS, 1), "{net}");
    }
}

#[test]
fn the_end_of_an_lsp_answers_although_its_label_was_taken_off_before() {
    let mut backbone = vpn(2, same);
    let request = to_prefix(&mut backbone, "default", "172.31.0.2/32");
    let (_, code, depth) = found(&mut backbone, &request);
    assert_eq!((code, depth), (ReturnCode::EGRESS, 1));
}

#[test]
fn a_trace_names_each_router_its_labels_and_where_it_sends_them() {
    let mut backbone = vpn(2, same);
    let request = to_prefix(&mut backbone, "c2", "10.0.32.0/20");
    let (lsp, vpn) = (LSP_LABEL + 1, VPN_LABEL + 1);
    let hops = [
        (vec![lsp, vpn], ReturnCode::SWITCHED, 2, Some(vec![lsp, vpn])),
        (vec![lsp, vpn], ReturnCode::SWITCHED, 2, Some(vec![3, vpn])),
        (vec![vpn], ReturnCode::EGRESS, 1, None),
    ];
    let mut next = NextHop::Own;
    let mut routers: Vec<IpAddr> = Vec::new();
    for (ttl, (labels, code, depth, onward)) in (1..).zip(hops) {
        let request = LspRequest { ttl, next, sequence: ttl.into(), ..request.clone() };
        let (from, found, at, contents) = answer(ask(&mut backbone, &request));
        routers.push(from.parse().unwrap());
        assert_eq!((found, at), (code, depth), "TTL {ttl}");
        let stack: Vec<_> = contents.arrival.unwrap().stack.iter().map(|e| e.label()).collect();
        assert_eq!(stack, labels, "TTL {ttl}");
        let mapping = contents.mappings.first().cloned();
        let said = mapping.as_ref().map(|m| m.labels.iter().map(|l| l.entry.label()).collect::<Vec<_>>());
        assert_eq!(said, onward, "TTL {ttl}");
        next = mapping.map_or(NextHop::Any, NextHop::Said);
    }
    assert_eq!(routers.len(), 3);
}

#[test]
fn a_path_that_is_broken_is_silent_behind_the_last_good_router_or_says_why() {
    // PE 2 has forgotten the label of community 1, and the addresses of community 2.
    let edit = |name: &str, text: String| match name {
        "pe2" => text.replacen(&format!("label = {VPN_LABEL}\n"), "label = 777\n", 1).replacen(
            "\"10.0.32.254/24\"",
            "\"10.7.32.254/24\"",
            2,
        ),
        _ => text,
    };
    let mut backbone = vpn(1, edit);
    let request = to_prefix(&mut backbone, "c1", "10.0.32.0/20");
    assert!(asked(&mut backbone, &request).is_none());
    let first = LspRequest { ttl: 1, sequence: 2, ..request };
    assert_eq!(found(&mut backbone, &first).1, ReturnCode::SWITCHED);
    // Under router alert PE 2 looks before it drops: labels as a trace showed them.
    let alert = to_labels(&mut backbone, &[LSP_LABEL + 1, 1, VPN_LABEL], "172.16.0.2");
    let (_, code, depth) = found(&mut backbone, &LspRequest { sequence: 3, ..alert });
    assert_eq!((code, depth), (ReturnCode::NO_ENTRY, 1));
    let request = LspRequest { sequence: 4, ..to_prefix(&mut backbone, "c2", "10.0.32.0/20") };
    assert_eq!(found(&mut backbone, &request).1, ReturnCode::NO_MAPPING);
}

#[test]
fn router_alert_has_the_next_router_answer_whose_the_request_is_not() {
    let mut backbone = vpn(1, same);
    let request = to_labels(&mut backbone, &[1, LSP_LABEL + 1, VPN_LABEL], "172.16.0.2");
    let (from, code, depth) = found(&mut backbone, &request);
    assert_eq!((from.as_str(), code, depth), ("172.16.0.2", ReturnCode::SWITCHED, 2));
}

#[test]
fn labels_can_be_tried_that_no_route_has() {
    let mut backbone = vpn(1, same);
    let request = to_labels(&mut backbone, &[LSP_LABEL + 1, VPN_LABEL], "172.16.0.2");
    assert_eq!(found(&mut backbone, &request).1, ReturnCode::EGRESS);
    let request = LspRequest { ttl: 1, sequence: 2, ..request };
    let (from, code, depth) = found(&mut backbone, &request);
    assert_eq!((from.as_str(), code, depth), ("172.16.0.2", ReturnCode::SWITCHED, 2));
    let request = to_labels(&mut backbone, &[4_000], "172.16.0.2");
    assert!(asked(&mut backbone, &LspRequest { sequence: 3, ..request }).is_none());
    let request = to_labels(&mut backbone, &[4_000], "192.0.2.1");
    let reply = ask(&mut backbone, &LspRequest { sequence: 4, ..request });
    assert_eq!(reply.outcome, LspOutcome::NotSent(NotSent::NoRoute));
}

#[test]
fn a_datagram_of_the_size_asked_for_passes_or_not() {
    let mut backbone = vpn(1, same);
    for (size, passes) in [(1500, true), (1504, false)] {
        let request = LspRequest { size, ..to_prefix(&mut backbone, "c1", "10.0.32.0/20") };
        match ask(&mut backbone, &request).outcome {
            LspOutcome::Answer { code, .. } => {
                assert!(passes && code == ReturnCode::EGRESS, "{size}: {code}")
            }
            LspOutcome::NotSent(why) => {
                assert!(!passes && why == NotSent::TooLong, "{size}: {}", why.words())
            }
        }
    }
}

#[test]
fn a_customer_cannot_ask() {
    let mut backbone = vpn(1, same);
    backbone.lab("pe1").host("c1", "10.0.16.1");
    backbone.lab("pe1").forget();
    let mut request = vec![0; 32];
    (request[1], request[4], request[5]) = (1, 1, 2);
    for to in ["127.0.0.1", "10.0.16.254"] {
        backbone.lab("pe1").send("c1", ip("10.0.16.1", to) / udp(3503) / bytes(&request));
    }
    backbone.network.run(ms(50));
    // To the loopback range it is a martian; to the router a port like any other.
    let unreachable = icmp(3, 3).quoting(ip("10.0.16.1", "10.0.16.254") / udp(3503) / rest());
    backbone.lab("pe1").expect("c1", ip("10.0.16.254", "10.0.16.1") / unreachable);
    backbone.lab("pe1").expect_drops(&[
        (dataplane::packet::DropReason::MartianDestination, 1),
        (dataplane::packet::DropReason::LocalUnknown, 1),
    ]);
}
