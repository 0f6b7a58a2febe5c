//! tonic beside the floors: the same command line and line of result as bench/client.cc.
//!
//!   tonic server [threads=N cpu=N]
//!   tonic client port=N[,N...] [threads=N mode=unary|both|many size=N inflight=N streams=N ...]
//!
//! `threads`: 0 is the current-thread runtime, more is the multi-threaded one.
mod client;
mod meter;
mod server;

pub mod echo {
    tonic::include_proto!("rondo.bench");
}

pub const REPLIES: usize = 1000; // Of Many.

#[derive(Clone)]
pub struct Arguments(Vec<String>);

impl Arguments {
    pub fn text(&self, name: &str) -> &str {
        let value = |a: &'_ String| {
            a.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('='))
        };
        self.0
            .iter()
            .find(|a| value(a))
            .map_or("", |a| &a[name.len() + 1..])
    }
    pub fn number(&self, name: &str, otherwise: f64) -> f64 {
        self.text(name).parse().unwrap_or(otherwise)
    }
    pub fn count(&self, name: &str, otherwise: usize) -> usize {
        self.number(name, otherwise as f64) as usize
    }
}

/// Before the first thread, so that all inherit it.
fn prepare(a: &Arguments) {
    // SAFETY: plain system calls on local memory.
    unsafe {
        if !a.text("cpu").is_empty() {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(a.count("cpu", 0), &mut set);
            assert_eq!(libc::sched_setaffinity(0, size_of_val(&set), &set), 0);
        }
        let mut files = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut files);
        files.rlim_cur = files.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &files);
    }
}

fn main() {
    let a = Arguments(std::env::args().skip(2).collect());
    prepare(&a);
    let mut runtime = match a.count("threads", 0) {
        0 => tokio::runtime::Builder::new_current_thread(),
        n => {
            let mut many = tokio::runtime::Builder::new_multi_thread();
            many.worker_threads(n);
            many
        }
    };
    let runtime = runtime.enable_all().build().expect("a runtime");
    match std::env::args().nth(1).as_deref() {
        Some("server") => runtime.block_on(server::serve()),
        Some("client") => runtime.block_on(client::measure(a)),
        _ => panic!("server or client?"),
    }
}
