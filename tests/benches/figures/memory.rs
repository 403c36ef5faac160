//! The most memory that a host uses for few and for many assets, each in a process of its own.

use std::fs::File;
use std::io::{BufWriter, Write};

use crate::tenant::{Tenant, folder, user};
use crate::{Failed, host, row, table};

/// Enforces lists of these lengths, the first for comparison.
pub(crate) fn measure(sizes: &[usize]) -> Result<(), Failed> {
    let most = sizes.iter().copied().max().unwrap_or(0);
    let tenant = Tenant::start(most, 0)?;
    let state = folder()?;
    let warm = |size: usize| -> Result<host::Used, Failed> {
        let list = tenant.folder().join(format!("{size}.csv"));
        let mut file = BufWriter::new(File::create(&list)?);
        writeln!(file, "id")?;
        for number in 1..=size {
            writeln!(file, "{}", user(number))?;
        }
        file.flush()?;
        let used = host::run(&tenant.place_file(), state.path(), &list, false)?;
        if used.good == size as u64 {
            Ok(used)
        } else {
            Err(format!("{} of {size} users were revoked", used.good).into())
        }
    };
    // The first run compiles the action, which takes memory that later runs do not need.
    warm(1)?;
    let mut rows = vec![row![
        "assets",
        "peak",
        "beside the first",
        "time",
        "assets in a second"
    ]];
    let mut first = None;
    for size in sizes {
        let used = warm(*size)?;
        let peak = used.peak_kib as f64 / 1024.0;
        let beside = peak / *first.get_or_insert(peak);
        let seconds = used.steps.iter().map(|(_, ms)| ms / 1_000.0).sum::<f64>();
        rows.push(row![
            size,
            format!("{peak:.1} MiB"),
            format!("{beside:.2}"),
            format!("{seconds:.1} s"),
            format!("{:.0}", *size as f64 / seconds),
        ]);
    }
    table::print(
        "Peak memory of the host (goal: under 64 MiB, a million within 10 % of a thousand)",
        &rows,
    );
    Ok(())
}
