//! Traffic classes and the default DSCP map.
//!
//! Eight classes, so that one class is one MPLS traffic class value (RFC 5462).
//! Past the `classify` stage nobody looks at a raw DSCP to decide anything.

use std::fmt;
use std::str::FromStr;

/// How many traffic classes there are.
pub const CLASSES: usize = 8;

/// What treatment a frame gets. Ordered from most to least urgent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TrafficClass {
    /// Routing and BFD: a small guarantee that is never starved.
    Control = 0,
    /// Calls and their signalling: strict priority, policed (RFC 3246).
    Voice = 1,
    /// Video clinics (AF4, CS4).
    Video = 2,
    /// National applications (AF3, CS3).
    National = 3,
    /// Local records and prescriptions (AF2, CS2).
    Clinical = 4,
    /// PACS, DICOM, bulk (AF1).
    Imaging = 5,
    /// Everything else (DF, RFC 2474).
    #[default]
    Standard = 6,
    /// Only what nobody else wants (LE, RFC 8622).
    Scavenger = 7,
}

impl TrafficClass {
    /// Every class, most urgent first; `ALL[i].index() == i`.
    pub const ALL: [Self; CLASSES] = [
        Self::Control,
        Self::Voice,
        Self::Video,
        Self::National,
        Self::Clinical,
        Self::Imaging,
        Self::Standard,
        Self::Scavenger,
    ];

    /// The class as an index, 0 to 7.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name in configuration, commands and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::National => "national",
            Self::Clinical => "clinical",
            Self::Imaging => "imaging",
            Self::Standard => "standard",
            Self::Scavenger => "scavenger",
        }
    }

    /// The MPLS traffic class value that carries it (RFC 5462), 0 to 7.
    pub const fn tc(self) -> u8 {
        match self {
            Self::Control => 6,
            Self::Voice => 5,
            Self::Video => 4,
            Self::National => 3,
            Self::Clinical => 2,
            Self::Imaging => 1,
            Self::Standard | Self::Scavenger => 0,
        }
    }
}

impl TrafficClass {
    /// The DSCP that says this class and drop precedence in the default map: EF, CS6,
    /// LE, DF, or one of the AF group (RFC 2597 section 6), 0 to 63.
    pub const fn dscp(self, colour: Colour) -> u8 {
        let assured = match self {
            Self::Control => return 48,
            Self::Voice => return 46,
            Self::Standard => return 0,
            Self::Scavenger => return 1,
            Self::Video => 34,
            Self::National => 26,
            Self::Clinical => 18,
            Self::Imaging => 10,
        };
        assured + 2 * colour as u8
    }
}

impl fmt::Display for TrafficClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no traffic class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownClass(pub String);

impl fmt::Display for UnknownClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no traffic class is called \"{}\"", self.0)
    }
}

impl std::error::Error for UnknownClass {}

impl FromStr for TrafficClass {
    type Err = UnknownClass;
    fn from_str(s: &str) -> Result<Self, UnknownClass> {
        Self::ALL.into_iter().find(|c| c.name() == s).ok_or_else(|| UnknownClass(s.into()))
    }
}

/// Drop precedence within a class (RFC 2597, RFC 2697).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Colour {
    /// In contract; dropped last.
    #[default]
    Green = 0,
    /// Over the committed rate.
    Yellow = 1,
    /// Over every rate; dropped first.
    Red = 2,
}

/// DSCP (0 to 63) to class and colour. One per interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassMap(pub [(TrafficClass, Colour); 64]);

impl ClassMap {
    /// What frames marked `dscp` (low six bits count) are.
    #[inline]
    pub fn get(&self, dscp: u8) -> (TrafficClass, Colour) {
        self.0[usize::from(dscp & 63)]
    }

    /// Everything in Standard: an interface whose marks are not trusted.
    pub const fn untrusted() -> Self {
        Self([(TrafficClass::Standard, Colour::Green); 64])
    }
}

impl Default for ClassMap {
    /// The router's default map: RFC 4594 and RFC 5865 marks, unknown marks Standard.
    fn default() -> Self {
        use Colour::{Green, Red, Yellow};
        use TrafficClass::{Clinical, Control, Imaging, National, Scavenger, Video, Voice};
        let mut map = Self::untrusted();
        for (dscp, class, colour) in [
            (1, Scavenger, Green),  // LE
            (8, Scavenger, Green),  // CS1
            (10, Imaging, Green),   // AF11
            (12, Imaging, Yellow),  // AF12
            (14, Imaging, Red),     // AF13
            (16, Clinical, Green),  // CS2
            (18, Clinical, Green),  // AF21
            (20, Clinical, Yellow), // AF22
            (22, Clinical, Red),    // AF23
            (24, National, Green),  // CS3
            (26, National, Green),  // AF31
            (28, National, Yellow), // AF32
            (30, National, Red),    // AF33
            (32, Video, Green),     // CS4
            (34, Video, Green),     // AF41
            (36, Video, Yellow),    // AF42
            (38, Video, Red),       // AF43
            (40, Voice, Green),     // CS5
            (44, Voice, Green),     // VOICE-ADMIT
            (46, Voice, Green),     // EF
            (48, Control, Green),   // CS6
            (56, Control, Green),   // CS7
        ] {
            map.0[dscp] = (class, colour);
        }
        map
    }
}

/// 802.1p priority of a VLAN tag to class and colour (IEEE 802.1Q clause 6.9.3). One per interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PcpMap(pub [(TrafficClass, Colour); 8]);

impl PcpMap {
    /// What frames are whose tag has this priority in its low three bits; bit 3 says that
    /// they may be dropped first: they are no better than yellow.
    #[inline]
    pub fn get(&self, pcp: u8) -> (TrafficClass, Colour) {
        let (class, colour) = self.0[usize::from(pcp & 7)];
        (class, if pcp & 8 == 0 { colour } else { colour.max(Colour::Yellow) })
    }
}

impl Default for PcpMap {
    /// Traffic types of IEEE 802.1Q table I-2: 1 is background, 6 and 7 are control.
    fn default() -> Self {
        use TrafficClass::{Clinical, Control, National, Scavenger, Standard, Video, Voice};
        let classes = [Standard, Scavenger, Clinical, National, Video, Voice, Control, Control];
        Self(classes.map(|class| (class, Colour::Green)))
    }
}

/// MPLS traffic class to class, for what comes in labelled, and class to traffic
/// class, for labels that are put on (RFC 5462, RFC 3270). One per interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcMap {
    /// By traffic class value, 0 to 7.
    pub classes: [(TrafficClass, Colour); 8],
    /// By class: traffic class values, 0 to 7.
    pub tcs: [u8; CLASSES],
    /// By class: the value that says it and that congestion was met (RFC 5129); `None` for a
    /// class whose labels cannot say so. It is in `classes` as that class.
    pub ce: [Option<u8>; CLASSES],
}

impl TcMap {
    /// What frames whose top label has traffic class `tc` (low three bits count) are.
    #[inline]
    pub fn get(&self, tc: u8) -> (TrafficClass, Colour) {
        self.classes[usize::from(tc & 7)]
    }

    /// The traffic class that a label of this class's frames is given, 0 to 7.
    #[inline]
    pub fn tc(&self, class: TrafficClass) -> u8 {
        self.tcs[class.index()] & 7
    }

    /// Whether traffic class `tc` says that congestion was met.
    pub fn is_ce(&self, tc: u8) -> bool {
        self.ce.contains(&Some(tc & 7))
    }

    /// The traffic class that a label of this class's frames is given where they have met
    /// congestion or not, 0 to 7; what is not asked for is not found out.
    #[inline]
    pub fn with_ce(&self, class: TrafficClass, congested: impl FnOnce() -> bool) -> u8 {
        match self.ce[class.index()] {
            Some(ce) if congested() => ce & 7,
            _ => self.tc(class),
        }
    }
}

impl Default for TcMap {
    /// [`TrafficClass::tc`] and back; 7 is Control beside 6, 0 is Standard.
    fn default() -> Self {
        use TrafficClass::{Clinical, Control, Imaging, National, Standard, Video, Voice};
        let classes = [Standard, Imaging, Clinical, National, Video, Voice, Control, Control];
        Self {
            classes: classes.map(|c| (c, Colour::Green)),
            tcs: TrafficClass::ALL.map(TrafficClass::tc),
            ce: [None; CLASSES],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back_and_indexes_agree() {
        for (i, class) in TrafficClass::ALL.into_iter().enumerate() {
            assert_eq!(class.index(), i);
            assert_eq!(class.name().parse(), Ok(class));
        }
        assert!("telephony".parse::<TrafficClass>().is_err());
    }

    #[test]
    fn a_class_is_what_its_dscp_says() {
        let map = ClassMap::default();
        for class in TrafficClass::ALL {
            assert_eq!(map.get(class.dscp(Colour::Green)), (class, Colour::Green));
        }
        assert_eq!(map.get(TrafficClass::Imaging.dscp(Colour::Red)), (TrafficClass::Imaging, Colour::Red));
    }

    #[test]
    fn a_class_survives_its_traffic_class_and_back() {
        let map = TcMap::default();
        for class in TrafficClass::ALL.into_iter().filter(|c| *c != TrafficClass::Scavenger) {
            assert_eq!(map.get(map.tc(class)).0, class);
        }
        assert_eq!(map.get(map.tc(TrafficClass::Scavenger)).0, TrafficClass::Standard);
        assert_eq!(map.get(7).0, TrafficClass::Control);
    }

    #[test]
    fn default_map_follows_the_marks_of_rfc_4594() {
        let map = ClassMap::default();
        assert_eq!(map.get(46), (TrafficClass::Voice, Colour::Green));
        assert_eq!(map.get(14), (TrafficClass::Imaging, Colour::Red));
        assert_eq!(map.get(0), (TrafficClass::Standard, Colour::Green));
        assert_eq!(map.get(63), (TrafficClass::Standard, Colour::Green));
        let marked = map.0.iter().filter(|m| m.0 != TrafficClass::Standard).count();
        assert_eq!(marked, 22);
    }
}
