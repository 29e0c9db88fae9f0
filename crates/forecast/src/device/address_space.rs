//! The address space that this process may use. Drivers of GPUs take gigabytes of it, and end the process where they get none.

use std::fs;

/// Bounds from below the bytes of address space with which drivers are asked for GPUs.
const LEAST_FOR_DRIVERS: u64 = 8 << 30;

/// Says why no driver is asked for GPUs, where the process is held to too little address space.
pub(super) fn too_little_for_drivers() -> Option<String> {
    let limit = limit_in(&fs::read_to_string("/proc/self/limits").ok()?)?;
    (limit < LEAST_FOR_DRIVERS).then(|| {
        let (limit, least) = (limit >> 20, LEAST_FOR_DRIVERS >> 20);
        format!("the process may use {limit} MiB of address space, and drivers are asked with {least} or more")
    })
}

/// Returns the limit in bytes that Linux's `/proc/self/limits` states; `None` when there is none.
fn limit_in(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_as_linux_writes_them() {
        let limits = |soft: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max resident set          unlimited            unlimited            bytes     \n\
                 Max address space         {soft}            unlimited            bytes     \n"
            )
        };
        assert_eq!(limit_in(&limits("unlimited")), None);
        assert_eq!(limit_in(&limits("629145600")), Some(629_145_600));
        assert_eq!(limit_in(""), None);
    }
}
