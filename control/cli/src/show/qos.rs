//! `show qos`: the sites, or the whole tree of one.

use control::api::qos::{Qos, QosTree};

use super::{Ask, require_interface};
use crate::exit::Done;
use crate::output::{self, encoded};
use crate::qos;

const ABOUT: &str = "\
Bytes are of layer 2 without FCS. Delivered rates and bursts count as the site's shaper does, with
its overhead and in whole cells, so that they stand beside the rates configured; a port's rate counts
24 bytes more for each frame, and its burst is for how long it makes up for turns that came late.

Windows end now and begin at a sample taken every half second: those of 1 s and 10 s are as long, or
up to half a second longer; shorter where the router, or the interface, has not been there for so long.
--json has the seconds of each.

Burst at 1 ms: the most bytes that left in one millisecond of the window. Milliseconds are taken one
after the other, each beginning with the first frame after the one before has ended; so the most of
any millisecond at all is no less, and no more than twice as much.

Waits are those of frames that left, since the interface came, or in the window where one is named.
Percentiles are never too small, and too large by a sixteenth or 1 us at most; the longest is exact.

Limits: bytes and time that a queue holds at most, beside the most that it did; what early detection
drops green by; of controlled delay the target that is configured and the one in use, which is longer where a full
frame takes longer at the least rate that the class gets; flows that have queues of their own.

offered = sent + dropped + queued, exactly, for every class.";

/// Sites: rates, queues, drops and the wait of calls; or the whole tree of one.
#[derive(Debug, clap::Args)]
#[command(after_help = ABOUT)]
pub(super) struct Arguments {
    /// Every class of this interface, and its port.
    site: Option<String>,
    /// Every class of every interface.
    #[arg(long, conflicts_with = "site")]
    all: bool,
}

pub(super) fn run(ask: &Ask, which: &Arguments) -> Done {
    let site = which.site.as_deref();
    if site.is_none() && !which.all {
        return sites(ask);
    }
    require_interface(ask, site)?;
    let path = site.map_or("/v1/qos/trees".into(), |site| format!("/v1/qos/trees?site={}", encoded(site)));
    let trees: Vec<QosTree> = ask.get(&path)?;
    match (ask.json, site, trees.first()) {
        (true, Some(_), Some(tree)) => return output::json(tree),
        (true, ..) => return output::json(&trees),
        _ => {}
    }
    for (n, tree) in trees.iter().enumerate() {
        if n > 0 {
            output::line("");
        }
        of_site(tree);
    }
    Ok(())
}

fn sites(ask: &Ask) -> Done {
    let answer: Qos = ask.get("/v1/qos")?;
    if ask.json {
        return output::json(&answer);
    }
    let mut table = qos::sites(answer.sites.iter());
    qos::total(&mut table, &answer);
    table.print("no interfaces");
    Ok(())
}

fn of_site(tree: &QosTree) {
    qos::head(&tree.site, &tree.port).iter().for_each(output::line);
    for (table, nothing) in [
        (qos::rates(&tree.classes), "no classes"),
        (qos::queues(&tree.classes), "no classes"),
        (qos::limits(&tree.classes), "no classes"),
        (qos::drops(&tree.classes), "no drops"),
    ] {
        output::line("");
        table.print(nothing);
    }
}
