//! Lets the fuzzer loose on the target `query`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for (_, target) in tipstaff_fuzz::TARGETS
        .iter()
        .filter(|(name, _)| *name == "query")
    {
        target(data);
    }
});
