//! Any messages on the control channel of a memif port.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::memif::run(data);
});
