//! Before an apply: what the router would forward by is held against the declared
//! communities, run-time routes and labels included.

use std::sync::Arc;

use dataplane::table::Snapshot;

use super::refuse;
use crate::api::types::Refusal;
use crate::commit::{PortFacts, State};
use crate::config::Config;
use crate::prove::{Intent, Report, Router, Scope, isolation};

/// Makes `config` the wanted state of copies of `state` and `snapshot`, and proves them;
/// gives what the operator should know.
///
/// # Errors
/// What is wrong with `config`; every leak that the router's own tables decide.
pub(super) fn rehearse(state: &State, snapshot: &Snapshot, config: &Config) -> Result<Vec<String>, Refusal> {
    let intent = Intent::of([config]);
    if intent.is_empty() {
        let nothing = "no [[community]] is declared: nothing is proved about who reaches whom";
        return Ok(config.vrfs.first().map(|_| nothing.to_owned()).into_iter().collect());
    }
    let (mut state, mut snapshot) = (state.clone(), snapshot.clone());
    state.apply(config.clone(), &PortFacts::default(), &mut snapshot)?;
    let router = Router::new(config, Arc::new(snapshot));
    let report = isolation(&[router], &intent, Scope::Router)
        .map_err(|errors| refuse(errors.iter().map(|e| format!("{e}\n")).collect::<String>()))?;
    judged(&report)
}

fn judged(report: &Report) -> Result<Vec<String>, Refusal> {
    let leaks = report.leaks.iter().map(ToString::to_string);
    let labels = report.unproved.iter().filter(|u| u.fault).map(ToString::to_string);
    let faults: Vec<String> = leaks.chain(labels).collect();
    if !faults.is_empty() {
        let message = format!("{}communities are not closed; nothing was changed", faults.concat());
        return Err(refuse(message));
    }
    Ok(report.missing.iter().map(|missing| missing.to_string().trim_end().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::{RouteChange, RouteSpec};
    use crate::config::parse;

    const TWO: &str = r#"
        [[port]]
        name = "a"
        kind = "loopback"
        [[port]]
        name = "b"
        kind = "loopback"
        [[vrf]]
        name = "red"
        [[vrf]]
        name = "blue"
        [[interface]]
        name = "a"
        vrf = "red"
        addresses = ["10.0.1.1/24"]
        [[interface]]
        name = "b"
        vrf = "blue"
        addresses = ["10.0.2.1/24"]
    "#;
    const COMMUNITIES: &str = "[[community]]\nname = \"red\"\nmembers = [\"red\"]\n\
                               [[community]]\nname = \"blue\"\nmembers = [\"blue\"]\n";
    const LEAK: &str =
        "[[route]]\nvrf = \"red\"\nprefix = \"10.9.0.0/16\"\nvia = \"10.0.2.9\"\nvia-vrf = \"blue\"\n";

    fn rehearsed(state: &State, snapshot: &Snapshot, text: &str) -> Result<Vec<String>, Refusal> {
        rehearse(state, snapshot, &parse(text, "t").unwrap())
    }

    #[test]
    fn a_leak_is_refused_with_its_packet_and_nothing_declared_is_said() {
        let (state, snapshot) = (State::new(), Snapshot::default());
        let text = |parts: &[&str]| parts.concat();
        let said = rehearsed(&state, &snapshot, &text(&[TWO, LEAK])).unwrap();
        assert!(said[0].contains("nothing is proved"), "{said:?}");
        assert_eq!(rehearsed(&state, &snapshot, &text(&[TWO, COMMUNITIES])).unwrap(), [""; 0]);
        let refusal = rehearsed(&state, &snapshot, &text(&[TWO, COMMUNITIES, LEAK])).unwrap_err();
        assert!(refusal.message.contains("viaduct vrf red reaches viaduct vrf blue"), "{}", refusal.message);
        assert!(refusal.message.contains("10.0.1.2 to 10.9.0.1"), "{}", refusal.message);
        // It was a rehearsal.
        assert!(state.config().vrfs.is_empty() && snapshot.interfaces.is_empty());
    }

    #[test]
    fn run_time_routes_count() {
        let (mut state, mut snapshot) = (State::new(), Snapshot::default());
        state.apply(parse(TWO, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap();
        let route =
            r#"{"vrf": "red", "prefix": "10.9.0.0/16", "via": [{"address": "10.0.2.9"}], "via-vrf": "blue"}"#;
        let route: RouteSpec = serde_json::from_str(route).unwrap();
        state.routes(&[RouteChange::Add(route)], &mut snapshot).unwrap();
        let refusal = rehearsed(&state, &snapshot, &format!("{TWO}{COMMUNITIES}")).unwrap_err();
        assert!(refusal.message.contains("vrf red reaches"), "{}", refusal.message);
    }
}
