//! Lets the fuzzer loose on the target `export`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for (_, target) in tipstaff_fuzz::TARGETS
        .iter()
        .filter(|(name, _)| *name == "export")
    {
        target(data);
    }
});
