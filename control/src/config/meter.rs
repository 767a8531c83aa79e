//! `[interface.police.CLASS]` and `[[meter]]`: what is metered of what comes in, and
//! what each colour comes to (RFC 2697, RFC 2698, RFC 4115).

use dataplane::class::Colour;
use dataplane::qos::{self, MeterSpec};
use schemars::JsonSchema;
use serde::Serialize;
use toml::de::DeValue;

use super::qos::Policer;
use super::units::{Rate, Size};
use super::values::dscp;
use super::walk::{Value, kind, text};
use super::words::{MeterKind, unknown};

/// What a class of an interface is held to when it comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Police {
    /// `{ rate, burst }`: what is over the rate is dropped, the rest goes on as it came.
    Policer(Policer),
    /// `{ kind = "srtcm", … }`: a meter of its own.
    Meter(Meter),
    /// `{ meter = NAME }`: a `[[meter]]`, together with all others that name it.
    Shared {
        /// Its name.
        meter: String,
    },
}

/// `[[meter]]`: a meter that several classes and interfaces share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SharedMeter {
    /// Its name.
    pub name: String,
    /// `rate` and `burst`, or a `kind` and what belongs to it.
    #[serde(flatten)]
    pub police: Police,
}

/// A three colour meter. Rates are 8 kbit/s to 400 Gbit/s. A burst is written as a size of
/// 64 B to 1 GiB, or as time at its rate, 10 us to 10 s, and then at least one full frame;
/// default "20 ms".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Meter {
    /// "srtcm" (RFC 2697), "trtcm" (RFC 2698) or "rfc4115".
    pub kind: MeterKind,
    /// Committed rate.
    pub cir: Rate,
    /// Committed burst.
    pub cbs: Size,
    /// Peak rate of trtcm, at least `cir`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pir: Option<Rate>,
    /// Peak burst of trtcm, as time at `pir`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pbs: Option<Size>,
    /// Excess rate of rfc4115, beside `cir`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eir: Option<Rate>,
    /// Excess burst of srtcm, as time at `cir`, or of rfc4115, as time at `eir`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ebs: Option<Size>,
    /// Whether a frame that comes yellow or red can be no better after it. Default false.
    pub colour_aware: bool,
    /// What becomes of green frames: "pass" (as it came), "recolour", "drop", or
    /// { dscp = "af11" } (the colour and this mark). Default "recolour".
    pub green: MeterAction,
    /// What becomes of yellow frames. Default "recolour".
    pub yellow: MeterAction,
    /// What becomes of red frames. Default "drop".
    pub red: MeterAction,
}

/// What becomes of frames of one colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MeterAction {
    /// They go on as they came.
    Pass,
    /// They go on with the meter's colour.
    Recolour,
    /// They are dropped, as "policed".
    Drop,
    /// They go on with the meter's colour and this DSCP (a name, or 0 to 63); ECN stays.
    /// Labelled frames get the colour only.
    Dscp(u8),
}

impl Value for MeterAction {
    fn allowed() -> String {
        "write \"pass\", \"recolour\", \"drop\", or { dscp = \"af12\" }".into()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let Some(table) = value.as_table() else {
            return match text(value)? {
                "pass" => Ok(Self::Pass),
                "recolour" => Ok(Self::Recolour),
                "drop" => Ok(Self::Drop),
                other => Err(unknown(other, &["pass", "recolour", "drop"])),
            };
        };
        match (table.len(), table.get("dscp").map(|v| v.get_ref())) {
            (1, Some(DeValue::String(word))) => dscp(word).map(Self::Dscp),
            (1, Some(DeValue::Integer(number))) => dscp(number.as_str()).map(Self::Dscp),
            (1, Some(other)) => Err(format!("this is {}, not a DSCP", kind(other))),
            _ => Err("this is not a mark".into()),
        }
    }
}

impl From<MeterAction> for qos::MeterAction {
    fn from(action: MeterAction) -> Self {
        match action {
            MeterAction::Pass => Self::Pass,
            MeterAction::Recolour => Self::Recolour,
            MeterAction::Drop => Self::Drop,
            MeterAction::Dscp(value) => Self::Mark(value),
        }
    }
}

impl From<MeterKind> for qos::MeterKind {
    fn from(kind: MeterKind) -> Self {
        match kind {
            MeterKind::SrTcm => Self::SrTcm,
            MeterKind::TrTcm => Self::TrTcm,
            MeterKind::Rfc4115 => Self::Rfc4115,
        }
    }
}

impl Meter {
    /// What becomes of frames of `colour`.
    pub fn action(&self, colour: Colour) -> MeterAction {
        match colour {
            Colour::Green => self.green,
            Colour::Yellow => self.yellow,
            Colour::Red => self.red,
        }
    }

    fn spec(&self) -> MeterSpec {
        MeterSpec {
            kind: self.kind.into(),
            colour_aware: self.colour_aware,
            cir: self.cir.0,
            cbs: self.cbs.0,
            eir: self.pir.or(self.eir).map_or(0, |rate| rate.0),
            ebs: self.pbs.or(self.ebs).map_or(0, |size| size.0),
            actions: [self.green, self.yellow, self.red].map(Into::into),
        }
    }
}

impl Police {
    /// What the engine is asked for; `None` where it only names a `[[meter]]`.
    pub fn spec(&self) -> Option<MeterSpec> {
        match self {
            Self::Policer(policer) => Some(MeterSpec::policer(policer.rate.0, policer.burst.0)),
            Self::Meter(meter) => Some(meter.spec()),
            Self::Shared { .. } => None,
        }
    }

    /// Its bursts by key.
    pub(super) fn bursts(&self) -> impl Iterator<Item = (&'static str, Size)> {
        let bursts = match self {
            Self::Policer(policer) => [("burst", Some(policer.burst)), ("", None), ("", None)],
            Self::Meter(meter) => [("cbs", Some(meter.cbs)), ("pbs", meter.pbs), ("ebs", meter.ebs)],
            Self::Shared { .. } => [("", None); 3],
        };
        bursts.into_iter().filter_map(|(key, size)| Some((key, size?)))
    }
}
