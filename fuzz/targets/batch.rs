//! Lets the fuzzer loose on the target `batch`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for (_, target) in tipstaff_fuzz::INNER
        .iter()
        .filter(|(name, _)| *name == "batch")
    {
        target(data);
    }
});
