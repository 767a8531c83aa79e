//! What is said to mend a promise mends it.

use std::collections::BTreeMap;

use super::*;

/// A file, key by key.
#[derive(Clone, Debug)]
struct File {
    buffers: u64,
    /// Mbit/s of the port, and its interfaces, which are alike but for what the first promises.
    port: Option<u64>,
    sites: u64,
    /// Of the first interface's `qos`.
    qos: BTreeMap<String, String>,
    promise: BTreeMap<String, String>,
}

impl File {
    fn text(&self) -> String {
        let keys = |of: &BTreeMap<String, String>| -> String {
            of.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
        };
        let rate = self.port.map_or(String::new(), |rate| format!("rate = \"{rate} Mbit/s\"\n"));
        let mut text = format!(
            "[router]\nbuffers = {}\n[[port]]\nname = \"p\"\nkind = \"loopback\"\n{rate}",
            self.buffers
        );
        for n in 0..self.sites {
            text +=
                &format!("[[interface]]\nname = \"s{n}\"\nport = \"p\"\nvlan = {}\n[interface.qos]\n", n + 1);
            text += &if n == 0 { keys(&self.qos) } else { "rate = \"2 Mbit/s\"\n".to_owned() };
        }
        text + "[[promise]]\ninterface = \"s0\"\n" + &keys(&self.promise)
    }

    /// What is wrong with it: the promise's fault and its help.
    fn fault(&self) -> Option<(String, String)> {
        let errors = parse(&self.text(), "t.toml").err()?.errors;
        let [error] = &errors[..] else { panic!("{errors:?}") };
        Some((format!("{}: {}", error.key, error.message), error.help.clone()))
    }

    /// It with `key` as a help says it.
    fn with(&self, key: &str, value: &str) -> Self {
        let mut file = self.clone();
        let quoted = |value: &str| {
            if value.starts_with(['"', '{']) { value.to_owned() } else { format!("\"{value}\"") }
        };
        match key.strip_prefix("qos.") {
            None if key == "router.buffers" => file.buffers = value.parse().unwrap(),
            None => panic!("{key}"),
            Some(key) => {
                file.qos.retain(|old, _| !old.starts_with(&format!("{key}.")));
                let whole = key.rsplit_once('.').filter(|(whole, _)| file.qos.contains_key(*whole));
                match whole {
                    // A table that is written in one line.
                    Some((whole, part)) => {
                        let old = file.qos[whole].trim_matches(['{', '}', ' ']).to_owned();
                        let others = old.split(", ").filter(|one| !one.starts_with(&format!("{part} =")));
                        let all: Vec<String> =
                            others.map(String::from).chain([format!("{part} = {}", quoted(value))]).collect();
                        file.qos.insert(whole.into(), format!("{{ {} }}", all.join(", ")));
                    }
                    None => _ = file.qos.insert(key.into(), quoted(value)),
                }
            }
        }
        file
    }
}

/// The key and value of the first `let KEY be VALUE` of a help.
fn told(help: &str) -> Option<(&str, &str)> {
    let (key, rest) = help.strip_prefix("let ")?.split_once(" be ")?;
    let end = match rest.starts_with('{') {
        true => rest.find('}')? + 1,
        false => rest.find([',', ';']).unwrap_or(rest.len()),
    };
    Some((key, &rest[..end]))
}

fn file() -> impl Strategy<Value = File> {
    let rates = || prop::sample::select(vec![500u64, 1_000, 2_000, 5_000, 9_000, 20_000]);
    let class =
        prop::sample::select(vec!["voice", "voice", "voice", "control", "video", "clinical", "imaging"]);
    let some = |p| prop::option::weighted(p, rates());
    let line = (prop::sample::select(vec![2u64, 10, 100]), prop::option::of(100..200u64), 1..4u64);
    let sizes = || prop::option::weighted(0.2, 2_000..100_000u64);
    let own = (some(0.3), some(0.2), sizes(), sizes(), prop::option::weighted(0.2, 1..20u64), some(0.2));
    let more = (prop::sample::select(vec!["", "", "codel", "wred", "tail"]), 512..60_000u64);
    let promise = (1..400u64, rates(), prop::option::of(1..30u64), prop::option::of(2_000..40_000u64));
    (class, line, own, more, promise).prop_map(
        |(class, (rate, port, sites), own, (aqm, buffers), promise)| {
            let (policer, shaped, limit, site_limit, time, guaranteed) = own;
            let mut qos = BTreeMap::from([("rate".to_owned(), format!("\"{rate} Mbit/s\""))]);
            let mut say = |key: String, value: Option<String>| {
                value.map(|value| qos.insert(key, format!("\"{value}\"")))
            };
            let kilo = |of: u64| format!("{} kbit/s", of.min(rate * 1_000));
            let priority = class == "voice";
            say(format!("{class}.policer.rate"), policer.filter(|_| priority).map(kilo));
            say(format!("{class}.rate"), shaped.map(kilo));
            match (limit, time) {
                (limit, None) => say(format!("{class}.limit"), limit.map(|of| format!("{of} B"))),
                (_, Some(time)) => say(format!("{class}.limit"), Some(format!("{time} ms"))),
            };
            say("limit".into(), site_limit.map(|of| format!("{of} B")));
            say(
                format!("{class}.guaranteed"),
                guaranteed.filter(|_| !priority).map(|of| kilo(of.min(rate * 300))),
            );
            say(format!("{class}.aqm"), Some(aqm.to_owned()).filter(|aqm| !aqm.is_empty()));
            let (calls, of, bound, burst) = promise;
            let mut promise = BTreeMap::from([("class".to_owned(), format!("\"{class}\""))]);
            match priority {
                true => _ = promise.insert("calls".into(), calls.to_string()),
                false => {
                    promise.insert("rate".into(), format!("\"{of} kbit/s\""));
                    burst.map(|burst| promise.insert("burst".into(), format!("\"{burst} B\"")));
                }
            }
            bound.map(|bound| promise.insert("bound".into(), format!("\"{bound} ms\"")));
            File { buffers, port, sites, qos, promise }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_mend_mends(file in file()) {
        // Faults of another kind are not what is looked at.
        prop_assume!(crate::config::parse_unkept(&file.text(), "t.toml").is_ok());
        let mut now = file;
        for _ in 0..12 {
            let Some((message, help)) = now.fault() else { return Ok(()) };
            let text = now.text();
            let parts: Vec<&str> = help.split("; ").collect();
            for part in &parts {
                let mut mended = now.clone();
                if let Some(rate) = part.strip_prefix("with qos.rate = ").and_then(|p| p.strip_suffix(" it holds")) {
                    mended.qos.insert("rate".into(), rate.into());
                } else if let Some(calls) = part.strip_suffix(" calls fit as it is") {
                    mended.promise.insert("calls".into(), calls.into());
                } else {
                    continue;
                }
                let left = mended.fault();
                prop_assert!(left.is_none(), "{message} ({part})\n{text}\nleaves {left:?}");
            }
            let bound = help.strip_prefix("promise ").map(|of| of.split([';', ',']).next().unwrap_or(of));
            let bound = bound.filter(|of| of.starts_with(|c: char| c.is_ascii_digit()));
            let (key, mended) = match (told(&help), bound) {
                (Some((key, value)), _) => (key.to_owned(), now.with(key, value)),
                (None, Some(bound)) => {
                    let mut mended = now.clone();
                    mended.promise.insert("bound".into(), format!("\"{bound}\""));
                    ("bound".to_owned(), mended)
                }
                (None, None) => return Ok(()),
            };
            if let Some((next, more)) = mended.fault() {
                prop_assert!(next.starts_with("promise[0]"), "{message} ({help})\n{text}\nleaves {next}");
                let again = told(&more).is_some_and(|(again, _)| again == key);
                prop_assert!(!again && key != "bound", "{message} ({help})\n{text}\nleaves {next} ({more})");
            }
            now = mended;
        }
        prop_assert!(false, "no end of mends\n{}", now.text());
    }
}

#[test]
fn what_is_short_is_what_is_named() {
    let file = |more: &str, promise: &str| {
        format!(
            "[[port]]\nname = \"p\"\nkind = \"loopback\"\nrate = \"100 Mbit/s\"\n[[interface]]\nname = \"p\"\n\
             [interface.qos]\nrate = \"10 Mbit/s\"\n{more}\n[[promise]]\ninterface = \"p\"\n{promise}\n"
        )
    };
    // A policer cannot be more than its interface.
    assert_eq!(
        faults(&file("", "calls = 300")),
        ["promise[0].calls: it sends 28560 kbit/s; the policer of voice lets 3333333 bit/s through: \
          short by 25226667 bit/s (raise qos.rate, of which the policer has a third; 35 calls fit as it is; \
          with qos.rate = \"85680 kbit/s\" it holds)"]
    );
    let [fault] = &faults(&file("voice.policer.rate = \"3 Mbit/s\"", "calls = 300"))[..] else { panic!() };
    assert!(fault.contains("(raise qos.rate and qos.voice.policer.rate; 31 calls fit as it is)"), "{fault}");
    // A class's own rate is not its interface's.
    let [fault] = &faults(&file("voice.rate = \"1 Mbit/s\"", "calls = 30"))[..] else { panic!() };
    assert!(fault.contains("voice of \"p\" is shaped to 1 Mbit/s: short by 1856 kbit/s"), "{fault}");
    assert!(fault.contains("(let qos.voice.rate be 2856 kbit/s; 10 calls fit as it is)"), "{fault}");
    let imaging = "class = \"imaging\"\nrate = \"1500 kbit/s\"";
    let [fault] = &faults(&roomy(&file("imaging.rate = \"1 Mbit/s\"", imaging)))[..] else { panic!() };
    assert!(fault.contains("(let qos.imaging.rate be 1500 kbit/s)"), "{fault}");
}
