//! What is measured, and the line that tells it: the same as bench/floor/harness.h.
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const BITS: u32 = 6;

#[derive(Clone)]
pub struct Histogram {
    buckets: Vec<u32>,
    count: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Histogram {
            buckets: vec![0; 64 << BITS],
            count: 0,
        }
    }
    fn add(&mut self, ns: u64) {
        let width = 64 - (ns | 1).leading_zeros();
        let index = if width <= BITS + 1 {
            ns
        } else {
            let shift = width - BITS - 1;
            (u64::from(shift) << BITS) + (ns >> shift)
        };
        self.buckets[index as usize] += 1;
        self.count += 1;
    }
    fn merge(&mut self, other: &Histogram) {
        for (own, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *own += more;
        }
        self.count += other.count;
    }
    /// In microseconds.
    fn quantile(&self, share: f64) -> f64 {
        let mut left = (share * self.count as f64) as u64;
        for (i, &n) in self.buckets.iter().enumerate() {
            if left < u64::from(n) {
                let ns = if i < 2 << BITS {
                    i as f64
                } else {
                    let shift = (i >> BITS) - 1;
                    let low = (i & ((1 << BITS) - 1)) + (1 << BITS);
                    (low as f64 + 0.5) * (1u64 << shift) as f64
                };
                return ns / 1000.0;
            }
            left -= u64::from(n);
        }
        0.0
    }
}

/// User and system time of a process; 0: this one.
fn cpu(process: i32) -> Duration {
    let mut clock = libc::CLOCK_PROCESS_CPUTIME_ID;
    let mut at = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: both only write to where the references point.
    unsafe {
        if process != 0 {
            assert_eq!(libc::clock_getcpuclockid(process, &mut clock), 0);
        }
        assert_eq!(libc::clock_gettime(clock, &mut at), 0);
    }
    Duration::new(at.tv_sec as u64, at.tv_nsec as u32)
}

/// A figure of /proc/self/status.
pub fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text
        .lines()
        .find(|l| l.starts_with(name))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|v| v.parse().ok())
        .unwrap_or(0)
}

pub fn print_started() {
    let mut at = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: only writes to `at`.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut at) };
    println!(
        "started {}",
        at.tv_sec as u64 * 1_000_000_000 + at.tv_nsec as u64
    );
}

static MEASURING: AtomicBool = AtomicBool::new(false);
static OVER: AtomicBool = AtomicBool::new(false);

pub fn over() -> bool {
    OVER.load(Relaxed)
}

/// What one task has done.
pub struct Worker {
    latency: Histogram,
    failed: u64,
}

impl Worker {
    pub fn new() -> Self {
        Worker {
            latency: Histogram::new(),
            failed: 0,
        }
    }
    pub fn ended(&mut self, begun: Instant) {
        if MEASURING.load(Relaxed) {
            self.latency.add(begun.elapsed().as_nanos() as u64);
        }
    }
    pub fn failed(&mut self, why: &dyn std::fmt::Display) {
        if self.failed == 0 {
            eprintln!("bench: {why}");
        }
        self.failed += 1;
    }
}

/// Warm-up and window, while workers work; then the result of all.
pub async fn run(a: &crate::Arguments, workers: Vec<tokio::task::JoinHandle<Worker>>) {
    let server = a.number("server", 0.0) as i32;
    let others = || {
        if server == 0 {
            Duration::ZERO
        } else {
            cpu(server)
        }
    };
    tokio::time::sleep(Duration::from_secs_f64(a.number("warm", 0.2))).await;
    let (own, other, wall) = (cpu(0), others(), Instant::now());
    MEASURING.store(true, Relaxed);
    tokio::time::sleep(Duration::from_secs_f64(a.number("seconds", 0.5))).await;
    MEASURING.store(false, Relaxed);
    let (own, other, wall) = (cpu(0) - own, others() - other, wall.elapsed());
    OVER.store(true, Relaxed);
    let (resident, threads) = (status("VmRSS"), status("Threads"));
    let (mut latency, mut failed) = (Histogram::new(), 0);
    for worker in workers {
        let worker = worker.await.expect("a worker");
        latency.merge(&worker.latency);
        failed += worker.failed;
    }
    let calls = latency.count as f64;
    println!(
        "{{\"calls\": {calls}, \"failed\": {failed}, \"per_second\": {:.0}, \"client_us\": {:.4}, \
         \"server_us\": {:.4}, \"p50_us\": {:.2}, \"p99_us\": {:.2}, \"p999_us\": {:.2}, \
         \"resident_kib\": {resident}, \"threads\": {threads}}}",
        calls / wall.as_secs_f64(),
        own.as_secs_f64() * 1e6 / calls,
        other.as_secs_f64() * 1e6 / calls,
        latency.quantile(0.5),
        latency.quantile(0.99),
        latency.quantile(0.999),
    );
}
