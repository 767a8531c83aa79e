//! What is drawn, and what keys do.

use control::api::qos::{ClassRow, PortTree, Qos, QosTotals, QosTree, SiteRecent, SiteRow};
use control::api::types::Traffic;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Modifier;

use super::draw::{draw, text};
use super::feed::{News, Told, Want};
use super::view::{Act, Sort, View};

fn traffic(frames: u64) -> Traffic {
    Traffic { frames, bytes: frames * 1_000 }
}

/// A site that delivers so many kbit/s, dropped so many lately, made a call wait so many µs, and holds so many frames.
fn site(name: &str, rate: u64, dropped: u64, wait: f64, depth: u64) -> SiteRow {
    let recent = |seconds| SiteRecent {
        seconds,
        delivered: rate * 1_000,
        dropped,
        burst_bytes: 3_028,
        voice_us: wait,
    };
    SiteRow {
        interface: name.into(),
        port: "wan".into(),
        rate: Some(10_000_000),
        guaranteed: Some(2_000_000),
        weight: 1,
        overhead: 24,
        cells: "none".into(),
        recent: [recent(1.0), recent(10.2)],
        sent: traffic(12_345),
        dropped: traffic(dropped),
        depth: traffic(depth),
        voice_max_us: wait,
        ..SiteRow::default()
    }
}

fn sites(rows: Vec<SiteRow>) -> Told {
    let totals = QosTotals {
        sites: rows.len(),
        delivered: [14_500_000, 14_500_000],
        depth: traffic(20),
        ..QosTotals::default()
    };
    Told::Sites(Qos { sites: rows, totals })
}

fn three() -> Told {
    sites(vec![
        site("surgery", 9_998, 0, 812.5, 2),
        site("clinic", 500, 7, 90.0, 18),
        site("hospital", 4_002, 0, 1_200.0, 0),
    ])
}

fn tree(name: &str) -> QosTree {
    let drops = [("queue-bytes".to_owned(), traffic(7))].into();
    let clinical =
        ClassRow { class: "clinical".into(), weight: 15, dropped: traffic(7), drops, ..ClassRow::default() };
    let voice = ClassRow { class: "voice".into(), priority: true, p999_us: 1_234.5, ..ClassRow::default() };
    let (rate, burst_us) = (Some(100_000_000), Some(500.0));
    let port = PortTree { name: "wan".into(), rate, burst_us, sites: 3, ..PortTree::default() };
    QosTree { site: site(name, 500, 7, 90.0, 18), port, classes: vec![voice, clinical] }
}

fn view(told: Told) -> View {
    let mut view = View::new(Sort::Rate, Want::Sites);
    view.told(told);
    view
}

fn press(view: &mut View, code: KeyCode) -> Option<Act> {
    view.key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// The screen as text, and the row that is drawn as chosen.
fn drawn(view: &mut View, width: u16, height: u16) -> (String, Option<String>) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            let area = frame.area();
            draw(view, area, frame.buffer_mut());
        })
        .unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    let marked = (0..height).find(|y| buffer[(0, *y)].modifier.contains(Modifier::REVERSED)).map(row);
    ((0..height).map(row).collect::<Vec<_>>().join("\n"), marked)
}

#[test]
fn the_sites_are_drawn_most_first() {
    let (screen, chosen) = drawn(&mut view(three()), 140, 8);
    insta::assert_snapshot!(screen, @"
    3 sites by rate: 14.50 Mbit/s delivered, 14.50 Mbit/s over 10 s; 20 frames, 20000 bytes queued

    SITE      PORT       RATE  DELIVERED-1S          -10S  QUEUED  BYTES  VOICE-US-10S     MAX  DROPPED-10S  EVER  MARKED   SENT
    surgery   wan   10 Mbit/s  9.998 Mbit/s  9.998 Mbit/s       2   2000         812.5   812.5            0     0       0  12345
    hospital  wan   10 Mbit/s  4.002 Mbit/s  4.002 Mbit/s       0      0        1200.0  1200.0            0     0       0  12345
    clinic    wan   10 Mbit/s  500.0 kbit/s  500.0 kbit/s      18  18000          90.0    90.0            7     7       0  12345

    1 name  2 rate  3 drops  4 delay  5 depth  s next  ↑↓ choose  Enter classes  q quit
    ");
    assert!(chosen.unwrap().starts_with("surgery"));
}

#[test]
fn a_site_is_drawn_with_its_classes_and_drops() {
    let mut view = view(three());
    assert_eq!(press(&mut view, KeyCode::Enter), Some(Act::Ask(Want::Site("surgery".into()))));
    assert!(drawn(&mut view, 60, 6).0.contains("asking the router"));
    let news = |name: &str, told| News { want: Want::Site(name.into()), told: Ok(told) };
    // What comes late about another is not shown.
    view.news(news("clinic", Told::Site(Some(Box::new(tree("clinic"))))));
    assert!(view.tree.is_none());
    view.news(news("surgery", Told::Site(Some(Box::new(tree("surgery"))))));
    insta::assert_snapshot!(drawn(&mut view, 140, 20).0, @"
    site surgery

    surgery: 10 Mbit/s, 2 Mbit/s guaranteed, weight 1; a frame counts 24 bytes more than at layer 2
      in 1.0 s: 500.0 kbit/s delivered, 3028 bytes in 1 ms at most, 7 frames dropped
      in 10.2 s: 500.0 kbit/s delivered, 3028 bytes in 1 ms at most, 7 frames dropped
    port wan: 100 Mbit/s, burst 500 us; 3 sites deliver 0 bit/s, 0 bit/s over 10 s
      0 frames of 0 queued, 0 bytes of 0

    CLASS       WEIGHT  GUARANTEED  RATE  POLICED  DELIVERED-1S  -10S  RECEIVED  SENT  BYTES  DROPPED  MARKED
    voice     priority           -     -        -             -     -         0     0      0        0       0
    clinical        15           -     -        -             -     -         0     0      0        7       0

    CLASS     QUEUED  BYTES  WORST  BYTES  P50-US  P99-US  P99.9-US  MAX-US  MAX-US-10S
    voice          0      0      0      0     0.0     0.0    1234.5     0.0         0.0
    clinical       0      0      0      0     0.0     0.0       0.0     0.0         0.0

    CLASS     REASON       FRAMES  BYTES  MEANING
    clinical  queue-bytes       7   7000  its queue held as many bytes as it may

    ↑↓ scroll  Esc back  q quit
    ");
    // In a small terminal the rest is reached by scrolling, and no more than that.
    assert!(!drawn(&mut view, 140, 12).0.contains("queue-bytes"));
    press(&mut view, KeyCode::Down);
    assert!(drawn(&mut view, 140, 12).0.lines().nth(2).unwrap().starts_with("  in 1.0 s"));
    press(&mut view, KeyCode::End);
    let end = drawn(&mut view, 140, 12).0;
    assert!(end.lines().nth(10).unwrap().starts_with("clinical  queue-bytes"), "{end}");
    press(&mut view, KeyCode::PageUp);
    press(&mut view, KeyCode::Home);
    assert!(drawn(&mut view, 140, 12).0.lines().nth(2).unwrap().starts_with("surgery: "));
    assert_eq!(press(&mut view, KeyCode::Esc), Some(Act::Ask(Want::Sites)));
    assert_eq!(press(&mut view, KeyCode::Esc), None);
}

#[test]
fn keys_sort_and_the_chosen_site_stays_chosen() {
    let mut view = view(three());
    let names = |view: &View| view.sites.sites.iter().map(|s| s.interface.clone()).collect::<Vec<_>>();
    assert_eq!(names(&view), ["surgery", "hospital", "clinic"]);
    press(&mut view, KeyCode::Down);
    for (key, order) in [
        ('1', ["clinic", "hospital", "surgery"]),
        ('3', ["clinic", "hospital", "surgery"]),
        ('4', ["hospital", "surgery", "clinic"]),
        ('5', ["clinic", "surgery", "hospital"]),
        ('s', ["clinic", "hospital", "surgery"]),
        ('2', ["surgery", "hospital", "clinic"]),
    ] {
        press(&mut view, KeyCode::Char(key));
        assert_eq!(names(&view), order, "{key}");
        assert!(drawn(&mut view, 80, 10).1.unwrap().starts_with("hospital"));
    }
    // A new answer is sorted as the old one was.
    press(&mut view, KeyCode::Char('4'));
    view.told(three());
    assert_eq!(names(&view), ["hospital", "surgery", "clinic"]);
    press(&mut view, KeyCode::End);
    press(&mut view, KeyCode::Down);
    assert!(drawn(&mut view, 80, 10).1.unwrap().starts_with("clinic"));
    // The chosen site goes away: the first is chosen.
    view.told(sites(vec![site("surgery", 1, 0, 0.0, 0)]));
    assert!(drawn(&mut view, 80, 10).1.unwrap().starts_with("surgery"));
    view.told(sites(Vec::new()));
    assert_eq!((press(&mut view, KeyCode::Enter), press(&mut view, KeyCode::Down)), (None, None));
    drawn(&mut view, 80, 10);
}

#[test]
fn it_ends_by_key_and_by_control_c() {
    let mut view = view(three());
    assert_eq!(press(&mut view, KeyCode::Char('q')), Some(Act::Quit));
    assert_eq!(press(&mut view, KeyCode::Char('c')), None);
    assert_eq!(view.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Some(Act::Quit));
    press(&mut view, KeyCode::Enter);
    assert_eq!(press(&mut view, KeyCode::Char('q')), Some(Act::Quit));
}

#[test]
fn the_table_follows_the_choice_in_a_small_terminal() {
    let many = || (0..40).map(|n| site(&format!("site{n:02}"), 100 - n, 0, 0.0, 0)).collect();
    let mut view = view(sites(many()));
    for (key, chosen) in [
        (KeyCode::PageDown, 5),
        (KeyCode::Up, 4),
        (KeyCode::End, 39),
        (KeyCode::PageUp, 34),
        (KeyCode::Home, 0),
        (KeyCode::Char('k'), 0),
        (KeyCode::Char('j'), 1),
    ] {
        drawn(&mut view, 80, 9);
        press(&mut view, key);
        let (screen, marked) = drawn(&mut view, 80, 9);
        assert!(marked.unwrap().starts_with(&format!("site{chosen:02}")), "{key:?}\n{screen}");
        assert_eq!(screen.matches("site").count(), 5 + 1, "{screen}");
    }
    // Whatever the size, nothing is drawn outside.
    for (width, height) in [(1, 1), (3, 2), (20, 4), (300, 3)] {
        drawn(&mut view, width, height);
    }
}

#[test]
fn a_router_that_is_gone_is_said_to_be_and_what_it_said_stays() {
    let mut view = view(three());
    view.news(News { want: Want::Sites, told: Err("no router listens".into()) });
    let (screen, _) = drawn(&mut view, 140, 8);
    let state = screen.lines().nth(1).unwrap();
    assert_eq!(state, "nothing new for 0 s, asked again each second: no router listens");
    assert!(screen.contains("surgery"));
    view.news(News { want: Want::Sites, told: Ok(three()) });
    assert_eq!(drawn(&mut view, 140, 8).0.lines().nth(1), Some(""));
    press(&mut view, KeyCode::Enter);
    view.news(News { want: Want::Site("surgery".into()), told: Ok(Told::Site(None)) });
    assert!(drawn(&mut view, 140, 8).0.contains("there is no such interface"));
}

#[test]
fn one_frame_as_text_is_cut_off_nowhere() {
    let mut view = view(sites((0..300).map(|n| site(&format!("site{n:03}"), 5, 0, 0.0, 0)).collect()));
    let lines = text(&mut view);
    assert_eq!(lines.len(), 303);
    assert!(lines[2].starts_with("SITE ") && lines[2].ends_with("SENT") && lines[302].starts_with("site299"));
}
