//! What a promise lacks: which number, by how much, and what would mend it.

use dataplane::class::TrafficClass;

use crate::config::{Rate, Size, Span};

/// A number that is short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Short {
    /// Neither the interface nor its port has a rate.
    NoRate,
    /// The port, which it shares with others, has no rate.
    NoLine { port: String },
    /// All classes wait in one queue.
    OneQueue,
    /// The class only gets what no other wants.
    Leftover,
    /// A class goes first, and nothing bounds it.
    Unpoliced { interface: String, class: TrafficClass },
    /// Rates, bit/s: what the class needs; what it is sure of.
    Rate { needed: u64, there: u64 },
    /// Rates, bit/s: what the class needs; what it has at the most.
    ClassRate { needed: u64, there: u64 },
    /// Rates, bit/s: what the class needs; what the port, shared with its other interfaces, is sure to give it.
    OfLine { needed: u64, there: u64 },
    /// Rates, bit/s: what the class needs, what it is sure of, which is more; but others' bursts
    /// may make it wait again and again.
    Bursts { needed: u64, there: u64 },
    /// Rates, bit/s: what goes before it on the line, and the line.
    Line { needed: u64, there: u64 },
    /// Rates, bit/s: what the promise needs, what the class's policer lets through.
    PolicerRate { needed: u64, there: u64 },
    /// Bytes: what comes at once, what the class's policer lets through at once.
    PolicerBurst { needed: u64, there: u64 },
    /// Bytes: what waits, what the queue holds.
    Queue { needed: u64, there: u64 },
    /// Bytes: what waits; what is sure for it of the limit of all queues together, that limit, and which one would do.
    SiteLimit { needed: u64, there: u64, limit: u64, enough: Option<u64> },
    /// Frames: what waits; what is sure for it of its port's buffers while the other classes of the interface hold what
    /// they may; and how many buffers would do.
    OwnBuffers { needed: u64, there: u64, others: u64, buffers: Option<u64> },
    /// Frames of its port that wait at the worst, the room that is kept for such, and how many
    /// buffers would keep enough.
    Buffers { needed: u64, there: u64, buffers: Option<u64> },
    /// Nanoseconds: the longest wait, the longest that the queue keeps a frame.
    QueueTime { needed: u64, there: u64 },
    /// Nanoseconds: the longest wait, the one from which controlled delay drops.
    Codel { needed: u64, there: u64 },
    /// Bytes: what waits, from where early detection drops.
    Wred { needed: u64, there: u64 },
    /// Nanoseconds: the longest wait, what is promised.
    Bound { needed: u64, there: u64 },
}

/// What would mend it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mend {
    /// Calls that fit in place of those promised; `None` where the promise is of a rate.
    pub(super) calls: Option<u64>,
    /// The interface's rate with which it fits, bit/s.
    pub(super) rate: Option<u64>,
    /// Whether the class has priority.
    pub(super) priority: bool,
    /// Whether the file may say what the class itself lacks, all else as it is.
    pub(super) own: bool,
    /// Bit/s of its policer, where it has the one that it has by default.
    pub(super) policed: Option<u64>,
}

impl Short {
    /// What is wrong.
    pub(super) fn message(&self, class: TrafficClass, interface: &str) -> String {
        let class = class.name();
        let rates = |needed: u64, there: u64| {
            let (needed, there) = (Rate(needed), Rate(there));
            (needed, there, Rate(needed.0.saturating_sub(there.0)))
        };
        match self {
            Self::NoRate => format!("nothing says how fast \"{interface}\" sends"),
            Self::NoLine { port } => {
                format!(
                    "port \"{port}\" has no rate, so that what its interfaces leave each other is not known"
                )
            }
            Self::OneQueue => format!("all classes of \"{interface}\" wait in one queue"),
            Self::Leftover => format!("{class} only gets what the other classes of \"{interface}\" leave"),
            Self::Unpoliced { interface, class } => {
                format!("{} of \"{interface}\" goes first, and no policer bounds it", class.name())
            }
            Self::Rate { needed, there } | Self::OfLine { needed, there } => {
                let (needed, there, by) = rates(*needed, *there);
                format!("it needs {needed}; {class} of \"{interface}\" is sure of {there}: short by {by}")
            }
            Self::ClassRate { needed, there } => {
                let (needed, there, by) = rates(*needed, *there);
                format!("it needs {needed}; {class} of \"{interface}\" is shaped to {there}: short by {by}")
            }
            Self::Bursts { needed, there } => {
                let (needed, there, _) = rates(*needed, *there);
                format!(
                    "it needs {needed}, and {class} of \"{interface}\" is sure of {there} in the long run; \
                     but bursts of the port's other interfaces leave it no bound"
                )
            }
            Self::Line { needed, there } => {
                let (needed, there, by) = rates(*needed, *there);
                format!(
                    "priority of the port's other interfaces takes {needed} of its {there}: short by {by}"
                )
            }
            Self::PolicerRate { needed, there } => {
                let (needed, there, by) = rates(*needed, *there);
                format!("it sends {needed}; the policer of {class} lets {there} through: short by {by}")
            }
            Self::PolicerBurst { needed, there } => {
                let (by, needed, there) = (Size(needed - there), Size(*needed), Size(*there));
                format!("{needed} come at once; the policer of {class} lets {there} through: short by {by}")
            }
            Self::Queue { needed, there } => {
                let (by, needed, there) = (Size(needed - there), Size(*needed), Size(*there));
                format!("{needed} wait at the worst; the queue of {class} holds {there}: short by {by}")
            }
            Self::SiteLimit { needed, there, limit, .. } => {
                let (by, limit) = (Size(needed - there), Size(*limit));
                let (needed, there) = (Size(*needed), Size(*there));
                format!(
                    "{needed} wait at the worst; of the {limit} that all queues of \"{interface}\" hold, {there} are \
                     sure for {class}: short by {by}"
                )
            }
            Self::OwnBuffers { needed, there, others, .. } => {
                let by = needed - there;
                format!(
                    "{needed} frames wait at the worst; beside {others} that the other queues of \"{interface}\" hold, \
                     its part of its port's buffers has room for {there} of {class}: short by {by}"
                )
            }
            Self::Buffers { needed, there, .. } => {
                let by = needed - there;
                format!(
                    "{needed} frames promised on its port wait at the worst; room for {there} is kept: short by {by}"
                )
            }
            Self::QueueTime { needed, there } => {
                let (needed, there) = (millis(*needed), millis(*there));
                format!(
                    "it waits {needed} at the worst; the queue of {class} keeps no frame longer than {there}"
                )
            }
            Self::Codel { needed, there } => {
                let (needed, there) = (millis(*needed), millis(*there));
                format!(
                    "it waits {needed} at the worst; {class} may be dropped when it waits {there} (codel)"
                )
            }
            Self::Wred { needed, there } => {
                let (needed, there) = (Size(*needed), Size(*there));
                format!("{needed} wait at the worst; {class} may be dropped when {there} wait (wred)")
            }
            Self::Bound { needed, there } => {
                let (by, needed, there) = (millis(needed - there), millis(*needed), millis(*there));
                format!("it waits {needed} at the worst, {by} more than the {there} promised")
            }
        }
    }

    /// How to mend it.
    pub(super) fn help(&self, class: TrafficClass, mend: Mend) -> String {
        let class = class.name();
        let own = match self {
            Self::NoRate => "give qos.rate, or the rate of its port".to_owned(),
            Self::NoLine { .. } => "give port.rate, what the line carries".into(),
            Self::OneQueue => "take discipline = \"fifo\" away".into(),
            Self::Leftover => format!("give qos.{class}.weight, or promise another class"),
            Self::Unpoliced { class, .. } => {
                format!("give qos.{0}.policer, or take qos.{0}.priority", class.name())
            }
            Self::Rate { .. } if mend.priority => "raise qos.rate".into(),
            Self::Rate { .. } => format!("give qos.{class}.guaranteed, or raise qos.{class}.weight or qos.rate"),
            Self::OfLine { .. } if mend.priority => {
                "raise the rate of its port, or lower the policers of the port's other interfaces".into()
            }
            Self::OfLine { .. } => "give qos.guaranteed, or raise the rate of its port".into(),
            Self::Bursts { .. } => {
                "raise qos.burst or the rate of its port, or lower the policers of the port's other interfaces"
                    .into()
            }
            Self::Line { .. } => "lower the policers of the port's other interfaces".into(),
            Self::ClassRate { needed, .. } if mend.own => format!("let qos.{class}.rate be {}", Rate(*needed)),
            Self::ClassRate { .. } => format!("raise qos.rate and qos.{class}.rate"),
            Self::PolicerRate { needed, .. } if mend.own => {
                format!("let qos.{class}.policer.rate be {}", Rate(*needed))
            }
            Self::PolicerRate { .. } if mend.policed.is_some() => {
                "raise qos.rate, of which the policer has a third".into()
            }
            Self::PolicerRate { .. } => format!("raise qos.rate and qos.{class}.policer.rate"),
            Self::PolicerBurst { needed, .. } => match mend.policed {
                Some(rate) => format!(
                    "let qos.{class}.policer be {{ rate = \"{}\", burst = \"{}\" }}",
                    Rate(rate),
                    Size(*needed)
                ),
                None => format!("let qos.{class}.policer.burst be {}", Size(*needed)),
            },
            Self::SiteLimit { enough: Some(enough), .. } => {
                format!("let qos.limit be {}, or leave it out", Size(*enough))
            }
            Self::SiteLimit { .. } => "leave qos.limit out".into(),
            Self::OwnBuffers { buffers: Some(buffers), .. } => {
                format!("let router.buffers be {buffers}, or lower the limits of its other classes")
            }
            Self::OwnBuffers { .. } => {
                format!("lower the limits of its other classes, or give qos.{class}.priority and a policer")
            }
            Self::Queue { needed, .. } => format!("let qos.{class}.limit be {}", Size(*needed)),
            Self::Buffers { buffers: Some(buffers), .. } => format!("let router.buffers be {buffers}"),
            Self::Buffers { .. } => "promise less on this port".into(),
            Self::QueueTime { needed, .. } => format!("let qos.{class}.limit be {}", up(*needed)),
            Self::Codel { needed, .. } => {
                format!("let qos.{class}.target be {}, or aqm \"tail\"", up(*needed))
            }
            Self::Wred { .. } => format!("raise qos.{class}.wred.green.from, or let aqm be \"tail\""),
            Self::Bound { needed, .. } if mend.priority => format!("promise {}", up(*needed)),
            Self::Bound { needed, .. } => format!(
                "promise {}, give qos.{class}.guaranteed more, or qos.{class}.priority and a policer",
                up(*needed)
            ),
        };
        let calls = match mend.calls {
            // Others' calls may make way, or it is not known how many fit.
            Some(0) if matches!(self, Self::Buffers { .. } | Self::NoLine { .. }) => None,
            Some(0) => Some("no call fits as it is".to_owned()),
            Some(n) => Some(format!("{n} calls fit as it is")),
            None => None,
        };
        let rate = mend.rate.map(|rate| format!("with qos.rate = \"{}\" it holds", Rate(rate)));
        [Some(own), calls, rate].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// A time with three digits behind the point.
pub(super) fn millis(time: u64) -> String {
    let us = time.div_ceil(1_000);
    format!("{}.{:03} ms", us / 1_000, us % 1_000)
}

/// A time that is not shorter, in whole tens of microseconds.
fn up(time: u64) -> Span {
    Span(time.div_ceil(10_000).saturating_mul(10_000))
}
