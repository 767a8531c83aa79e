//! An exact gate for the packet's way: instructions per packet of each stage and of a
//! whole worker, counted by callgrind and held against `benches/instructions.toml`.
//!
//! A count is the same for the same build, however busy the machine. That it is so on
//! other machines too, only instructions of this executable count: the C library picks
//! its `memcpy` by the processor. The toolchain is pinned by `rust-toolchain.toml`, the
//! build is for the plain x86-64, and of what the processor can do only look-ups ask, for
//! instructions that every one of the last ten years has.

mod callgrind;
mod file;
mod probe;

use file::Counts;

/// Count the instructions that a packet costs.
///
/// Each stage, and a whole worker, is run under valgrind's callgrind, and its instructions
/// per packet held against benches/instructions.toml: one that has grown by more than 3 %
/// is an error. A count is the same however busy the machine is.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Arguments {
    /// Write the counts to the file instead.
    #[arg(long)]
    write: bool,
    /// Do the work that is counted: what valgrind is given to run.
    #[arg(long, hide = true)]
    run: bool,
}

/// Does what `arguments` ask for.
///
/// # Errors
/// A count has grown by more than 3 %, or could not be made.
pub fn run(arguments: Arguments) -> Result<(), String> {
    match arguments {
        Arguments { run: true, .. } => {
            probe::ways().iter().for_each(probe::run);
            Ok(())
        }
        Arguments { write: true, .. } => write(),
        Arguments { .. } => check(),
    }
}

/// The instructions of a way in benches/instructions.toml, and each stage's share of them.
///
/// # Errors
/// The file cannot be read, or has no such way.
pub fn shares(way: &str) -> Result<String, String> {
    let counts = file::read()?;
    counts.get(way).and_then(file::shares).ok_or_else(|| format!("nothing is counted of {way}"))
}

/// Counts and says how they compare.
fn check() -> Result<(), String> {
    let counts = count()?;
    file::compare(&file::read()?, &counts)
}

/// Counts and writes the file.
fn write() -> Result<(), String> {
    let counts = count()?;
    println!("{}", file::table(&counts, None));
    file::write(&counts)
}

/// What of this build makes it another than the one whose counts are kept.
const fn unlike_the_file() -> Option<&'static str> {
    if cfg!(not(target_arch = "x86_64")) {
        return Some("the file is of x86_64, and other processors have other instructions");
    }
    if cfg!(any(target_feature = "sse3", target_feature = "avx")) {
        return Some("this build is for a newer processor than the plain x86-64; unset RUSTFLAGS");
    }
    if cfg!(debug_assertions) {
        return Some("this is no release build; add --release");
    }
    None
}

fn count() -> Result<Counts, String> {
    if let Some(other) = unlike_the_file() {
        return Err(format!("no count is comparable: {other}"));
    }
    let ways = probe::ways();
    let sums = callgrind::sums()?;
    if sums.len() != ways.iter().map(|way| way.counts().len()).sum::<usize>() {
        return Err(format!("callgrind gave {} counts for {} ways", sums.len(), ways.len()));
    }
    let mut sums = sums.into_iter();
    let of_way = |way: probe::Named| {
        let per_packet = |sum: u64| (sum as f64 / way.packets() as f64 * 10.0).round() / 10.0;
        let counts = way.counts().iter().map(ToString::to_string).zip(sums.by_ref().map(per_packet));
        (way.name.clone(), counts.collect())
    };
    Ok(ways.into_iter().map(of_way).collect())
}
