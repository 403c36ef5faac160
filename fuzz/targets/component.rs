//! Lets the fuzzer loose on the target `component`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for (_, target) in tipstaff_fuzz::TARGETS
        .iter()
        .filter(|(name, _)| *name == "component")
    {
        target(data);
    }
});
