//! `viaduct label`: incoming labels at run time.
//!
//! They live until the router stops, their Vrf goes, or the configuration takes them.

use std::path::Path;

use clap::Subcommand;
use control::client::Client;
use control::commit::LabelSpec;
use control::{LabelChange, LabelReport};

use crate::exit::{Done, Failure};
use crate::hops;
use crate::output::{self, ODD};

const EXAMPLES: &str = "\
Examples:
  viaduct label add 30012 swap 17 via 10.0.0.2
  viaduct label add 30013 swap 17 via 10.0.0.2 via 10.0.1.2        two ways, flows spread over both
  viaduct label add 30017 via 10.0.0.2 swap 17 via 10.0.1.2 swap 44    each neighbour has its own label
  viaduct label add 30014 swap 40 via 10.255.0.2 push 17           the LSP goes on inside another
  viaduct label add 30015 pop via 10.0.0.2 dev core0               penultimate hop
  viaduct label add 30016 vrf red                                  the end of a VPN's LSP
  viaduct label del 30012";

const USAGE: &str = "\
viaduct label add [OPTIONS] LABEL swap LABEL via ADDRESS [dev INTERFACE] [push LABEL,...] [via ...]
       viaduct label add [OPTIONS] LABEL via ADDRESS swap LABEL [dev INTERFACE] [push LABEL,...] [via ...]
       viaduct label add [OPTIONS] LABEL pop [via ADDRESS [dev INTERFACE] ...]
       viaduct label add [OPTIONS] LABEL vrf NAME";

const AFTER: &str = "allowed after the label: swap LABEL, pop or vrf NAME; then via ADDRESS [dev INTERFACE] \
                     [push LABEL,...] [swap LABEL], via-vrf NAME, ttl uniform|pipe, diffserv uniform|pipe|short-pipe";

/// Add and remove incoming labels of the running router.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Set where a label leads.
    #[command(after_help = EXAMPLES, override_usage = USAGE)]
    Add {
        /// LABEL swap LABEL via ADDRESS [dev INTERFACE] [push LABEL,...], LABEL pop [via ADDRESS], or
        /// LABEL vrf NAME; then via-vrf NAME, ttl MODEL and diffserv MODEL.
        #[arg(required = true, num_args = 2.., value_name = "WORD")]
        words: Vec<String>,
        /// Print what was done as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a run-time label out.
    Del {
        /// The label.
        label: u32,
        /// Print what was done as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let client = Client::new(socket);
    let (change, json) = match &arguments.what {
        What::Add { words, json } => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            (LabelChange::Add(add(&words).map_err(Failure::Failed)?), *json)
        }
        What::Del { label, json } => (LabelChange::Remove { label: *label }, *json),
    };
    let report: LabelReport = output::ask(client.post("/v1/labels", &[&change]))?;
    if json {
        return output::json(&report);
    }
    if let (LabelChange::Remove { label }, 1..) = (&change, report.missing) {
        return Err(Failure::Failed(format!("{label} is no run-time label; viaduct show labels lists all")));
    }
    let LabelReport { added, replaced, removed, .. } = report;
    output::line(format_args!("{added} added, {replaced} replaced, {removed} removed"));
    if report.unresolved > 0 {
        anstream::eprintln!("{ODD}its next hop cannot be reached; it is used once it can be{ODD:#}");
    }
    Ok(())
}

/// The label that these words ask for.
fn add(words: &[&str]) -> Result<LabelSpec, String> {
    let mut words = words.iter().copied();
    let first = words.next().ok_or_else(|| format!("no label; {AFTER}"))?;
    let mut spec = LabelSpec { label: hops::label(first)?, ..LabelSpec::default() };
    while let Some(word) = words.next() {
        if let Some(taken) = hops::take(&mut spec.via, word, &mut words, AFTER) {
            taken?;
            continue;
        }
        let mut value = |what: &str| hops::next(word, what, &mut words, AFTER);
        match word {
            "swap" => {
                let label = hops::label(value("a label")?)?;
                swap(&mut spec, label)?;
            }
            "pop" => spec.pop = true,
            "vrf" => spec.vrf = Some(value("a vrf")?.into()),
            "via-vrf" => spec.via_vrf = Some(value("a vrf")?.into()),
            "ttl" => spec.ttl = Some(hops::ttl(value("a model")?)?),
            "diffserv" => spec.diffserv = Some(hops::diffserv(value("a model")?)?),
            other => return Err(format!("\"{other}\" is not understood; {AFTER}")),
        }
    }
    let swaps = spec.swap.is_some() || spec.via.iter().any(|via| via.swap.is_some());
    let said = [swaps, spec.pop, spec.vrf.is_some()];
    match said.into_iter().filter(|said| *said).count() {
        1 => Ok(spec),
        _ => Err(format!("say one of swap, pop and vrf; {AFTER}")),
    }
}

/// Before any next hop, the label is for all of them; behind some, for those that have none.
fn swap(spec: &mut LabelSpec, label: u32) -> Result<(), String> {
    if spec.via.is_empty() {
        spec.swap = Some(label);
        return Ok(());
    }
    let mut open = spec.via.iter_mut().filter(|via| via.swap.is_none()).peekable();
    if open.peek().is_none() {
        return Err(format!("swap {label} stands behind no via; {AFTER}"));
    }
    open.for_each(|via| via.swap = Some(label));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<LabelSpec, String> {
        add(&line.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn labels_are_read_as_they_are_said() {
        let swap = asked("30012 swap 17 via 10.0.0.2 via 10.0.1.2 dev core1 push 18,19").unwrap();
        assert_eq!((swap.label, swap.swap, swap.via.len()), (30_012, Some(17), 2));
        assert!(swap.via.iter().all(|v| v.push == Some(vec![18, 19])));
        assert!(swap.via.iter().all(|v| v.interface.as_deref() == Some("core1")));
        let end = asked("16 vrf red ttl pipe diffserv short-pipe").unwrap();
        assert_eq!((end.vrf.as_deref(), end.ttl), (Some("red"), Some(control::config::TtlWord::Pipe)));
        let each = asked("30013 via 10.0.0.2 swap 17 via 10.0.1.2 via 10.0.2.2 swap 44").unwrap();
        assert_eq!(each.via.iter().map(|v| v.swap).collect::<Vec<_>>(), [Some(17), Some(44), Some(44)]);
        let own = asked("30013 swap 17 via 10.0.0.2 via 10.0.1.2 swap 44").unwrap();
        assert_eq!((own.swap, own.via[0].swap), (Some(17), Some(44)));
        let pop = asked("17 pop via 10.0.0.2 via-vrf blue").unwrap();
        assert_eq!((pop.pop, pop.via_vrf.as_deref()), (true, Some("blue")));
    }

    #[test]
    fn wrong_words_are_told_with_what_is_allowed() {
        for (line, told) in [
            ("ten pop", "is no label"),
            ("1048576 pop", "is no label"),
            ("16", "say one of swap, pop and vrf"),
            ("16 pop vrf red", "say one of swap, pop and vrf"),
            ("16 swap 17 push 18", "push 18 stands behind no via"),
            ("16 swap 17 via ten", "\"ten\" is no address"),
            ("16 vrf red ttl long", "ttl long; allowed: uniform, pipe"),
            ("16 swap", "swap wants a label"),
            ("16 via 10.0.0.2 swap 17 swap 18", "swap 18 stands behind no via"),
            ("16 drop", "\"drop\" is not understood; allowed"),
        ] {
            let error = asked(line).unwrap_err();
            assert!(error.contains(told), "{line}: {error}");
        }
    }
}
