//! This executable run under callgrind, and its reports read: one for each count.

use std::path::Path;
use std::process::{Command, Stdio};

/// The instructions of each count, in order.
pub(super) fn sums() -> Result<Vec<u64>, String> {
    let own = std::env::current_exe().map_err(|e| format!("cannot find the executable: {e}"))?;
    let folder = own.with_extension("callgrind");
    // Reports of an earlier run, if there are any.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    let status = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind", "--collect-atstart=no", "--compress-strings=no"])
        .args(["--toggle-collect=*counted_region*", "--dump-after=*end_of_count*"])
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(&own)
        .args(["instructions", "--run"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|e| format!("cannot run valgrind, which does the counting: {e}"))?;
    if !status.success() {
        return Err(format!("valgrind ended with {status}"));
    }
    let mut sums = Vec::new();
    while let Ok(report) = std::fs::read_to_string(folder.join(format!("out.{}", sums.len() + 1))) {
        sums.push(own_instructions(&report, &own));
    }
    Ok(sums)
}

/// Instructions of the functions of `executable`, their callees' not counted twice.
fn own_instructions(report: &str, executable: &Path) -> u64 {
    let (mut sum, mut own, mut of_callee) = (0, false, false);
    for line in report.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            own = Path::new(object) == executable;
        } else if line.starts_with("calls=") {
            of_callee = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let cost = line.split_ascii_whitespace().nth(1).and_then(|cost| cost.parse().ok());
            sum += cost.filter(|_| own && !of_callee).unwrap_or(0);
            of_callee = false;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_callee_or_a_library_costs_is_not_the_callers() {
        let report = "\
version: 1
positions: line
events: Ir
summary: 1065

ob=/bin/benches
fl=a.rs
fn=parse
16 40
+1 10
cob=/lib/libc.so.6
cfi=memcpy.S
cfn=memcpy
calls=3 50
* 900
18 15

ob=/lib/libc.so.6
fl=memcpy.S
fn=memcpy
50 900
ob=/bin/benches
fl=b.rs
fn=classify
9 100
";
        assert_eq!(own_instructions(report, Path::new("/bin/benches")), 40 + 10 + 15 + 100);
    }
}
