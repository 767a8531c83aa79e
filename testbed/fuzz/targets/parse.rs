//! Any bytes through parse, classify, police, lookup, rewrite and fragment.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::frames::run(data);
});
