//! Next hops of one label that have labels of their own: every neighbour gives out its
//! own for the same LSP.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::net::IpAddr;

use common::labels::{PE, apply, label};
use common::state_with;
use control::commit::{LabelSpec, RouteSpec, RouteVia};
use control::config::parse;
use control::show::labels;
use control::{LabelChange, RouteChange};

/// The provider edge with a label of this entry.
fn with(entry: &str) -> String {
    format!("{PE}[[label]]\nlabel = 40\n{entry}\n")
}

const EACH: &str = r#"swap = 19
via = [{ address = "10.0.0.2", swap = 17 }, { address = "10.0.1.2", swap = 44, push = [60] }, "10.255.0.2",
       { address = "10.0.1.3", swap = 3 }]"#;

#[test]
fn each_next_hop_has_its_own_label() {
    let (mut state, mut snapshot) = state_with(&with(EACH));
    let each = "[pop 10.0.1.3 on core1; swap 17 10.0.0.2 on core0; swap 19 push 17 10.0.0.2 on core0; \
                swap 44 push 60 10.0.1.2 on core1]";
    assert_eq!(label(&snapshot, 40), each);
    // The LSP that the third goes through changes its label, then goes.
    apply(&mut state, &mut snapshot, &with(EACH).replace("push = [17]", "push = [18]"));
    assert_eq!(label(&snapshot, 40), each.replace("push 17", "push 18"));
    apply(&mut state, &mut snapshot, &with("via = { address = \"10.0.0.2\", swap = 17 }"));
    assert_eq!(label(&snapshot, 40), "swap 17 10.0.0.2 on core0");
    state.links(["core".to_owned()].into(), &mut snapshot);
    assert_eq!(label(&snapshot, 40), "no label");
    state.links(Default::default(), &mut snapshot);
    assert_eq!(label(&snapshot, 40), "swap 17 10.0.0.2 on core0");
    apply(&mut state, &mut snapshot, PE);
    let (_, fresh) = state_with(PE);
    assert_eq!(snapshot.nhlfes.len(), fresh.nhlfes.len(), "nothing is left behind");
}

#[test]
fn the_commands_show_each() {
    let (state, snapshot) = state_with(&with(EACH));
    let row = labels(&snapshot, &state).into_iter().find(|row| row.label == 40).unwrap();
    assert_eq!(
        row.leads,
        "swap, via 10.0.0.2 swap 17, via 10.0.1.2 swap 44 push 60, via 10.255.0.2 swap 19, via 10.0.1.3 pop"
    );
    let stacks: Vec<_> = row.hops.iter().map(|hop| hop.labels.clone()).collect();
    assert_eq!(stacks, [vec![17], vec![60, 44], vec![17, 19], vec![]]);
}

#[test]
fn mistakes_are_told() {
    let wrong = |entry: &str| {
        let errors = parse(&with(entry), "t").unwrap_err();
        errors.errors.iter().map(|e| format!("{}: {}", e.key, e.message)).collect::<Vec<_>>()
    };
    let two = |first: &str| {
        format!("via = [{{ address = \"10.0.0.2\"{first} }}, {{ address = \"10.0.1.2\", swap = 17 }}]")
    };
    assert_eq!(wrong(&two("")), ["label[0].via[0]: no label is swapped in for this next hop"]);
    assert_eq!(
        wrong(&format!("pop = true\n{}", two(", swap = 18"))),
        ["label[0].pop: a label has \"swap\" or \"pop\", not both"]
    );
    assert_eq!(wrong(&two(", swap = 15")), ["label[0].via[0].swap: 15 is reserved (RFC 3032 section 2.1)"]);
    let route = PE.replace("via = \"10.255.0.2\"", "via = { address = \"10.255.0.2\", swap = 17 }");
    let errors = parse(&route, "t").unwrap_err().to_string();
    assert!(errors.contains("a route takes no label off"), "{errors}");
}

#[test]
fn at_run_time_too() {
    let (mut state, mut snapshot) = state_with(PE);
    let via = |address: &str, swap| RouteVia { swap, ..RouteVia::from(address.parse::<IpAddr>().unwrap()) };
    let add = |via| LabelChange::Add(LabelSpec { label: 40, via, ..LabelSpec::default() });
    let each = vec![via("10.0.0.2", Some(17)), via("10.0.1.2", Some(44))];
    state.change_labels(&[add(each.clone())], &mut snapshot).unwrap();
    assert_eq!(label(&snapshot, 40), "[swap 17 10.0.0.2 on core0; swap 44 10.0.1.2 on core1]");
    for (via, told) in [
        (vec![via("10.0.0.2", Some(17)), via("10.0.1.2", None)], "no label is swapped in for this next hop"),
        (vec![via("10.0.0.2", Some(7))], "7 is no label to put on"),
    ] {
        let errors = state.change_labels(&[add(via)], &mut snapshot).unwrap_err().to_string();
        assert!(errors.contains(told), "{errors}");
    }
    let prefix = "10.77.0.0/16".parse().unwrap();
    let route = RouteChange::Add(RouteSpec { prefix, via: each, ..RouteSpec::default() });
    let errors = state.routes(&[route], &mut snapshot).unwrap_err().to_string();
    assert!(errors.contains("a route takes no label off"), "{errors}");
}
