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
