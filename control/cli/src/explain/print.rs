//! An explanation for people: one stage a paragraph, its decision first.

use control::explain::{Explanation, Outcome};

use crate::output::{self, BAD, FAINT, GOOD, HEAD, ODD};

/// Width of the names of stages and of facts.
const STAGE: usize = 10;
const FACT: usize = 15;

pub(super) fn explanation(explanation: &Explanation) {
    output::line(format_args!("{HEAD}{}{HEAD:#}\n", explanation.packet));
    for step in &explanation.steps {
        output::line(format_args!("  {HEAD}{:STAGE$}{HEAD:#}{}", step.stage, step.decision));
        for fact in &step.facts {
            let indent = STAGE + 2;
            output::line(format_args!("{:indent$}{FAINT}{:FACT$}{FAINT:#}{}", "", fact.name, fact.value));
        }
    }
    output::line("");
    outcome(&explanation.outcome);
    for line in &explanation.then {
        output::line(format_args!("  {line}"));
    }
}

fn outcome(outcome: &Outcome) {
    let (style, word) = match outcome.verdict.as_str() {
        "forward" => (GOOD, "FORWARDED"),
        "drop" => (BAD, "DROPPED"),
        _ => (ODD, "TO THE SLOW PATH"),
    };
    let reason = outcome.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    output::line(format_args!("{style}{word}{reason}{style:#}: {}", outcome.explanation));
}
