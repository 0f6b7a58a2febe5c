#pragma once
// What all measuring programs share: arguments, one CPU, the measured window, one line of result.
// Threads: an object belongs to one thread.
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

[[noreturn]] inline void Die(const char* what) {
  std::fprintf(stderr, "bench: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

// `name=value` of the command line.
class Arguments {
 public:
  Arguments(int argc, char** argv) : all_(argv + 1, argv + argc) {}
  bool Has(std::string_view word) const {
    for (std::string_view a : all_) {
      if (a == word) return true;
    }
    return false;
  }
  std::string Text(std::string_view name, std::string_view otherwise = "") const {
    for (std::string_view a : all_) {
      if (a.size() > name.size() && a.starts_with(name) && a[name.size()] == '=') {
        return std::string(a.substr(name.size() + 1));
      }
    }
    return std::string(otherwise);
  }
  double Number(std::string_view name, double otherwise) const {
    const std::string text = Text(name);
    return text.empty() ? otherwise : std::strtod(text.c_str(), nullptr);
  }
  int Int(std::string_view name, int otherwise) const {
    return static_cast<int>(Number(name, otherwise));
  }

 private:
  std::vector<std::string_view> all_;
};

// Both ends of a pair on one CPU: no wake-up crosses CPUs, so what is measured is code. And as many
// file descriptors as a thousand backends need. Before the first thread.
inline void Prepare(const Arguments& arguments) {
  const int cpu = arguments.Int("cpu", -1);
  if (cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(cpu), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) Die("sched_setaffinity");
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

inline uint64_t ReadClock(clockid_t clock) {
  timespec t{};
  if (clock_gettime(clock, &t) != 0) Die("clock_gettime");
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(t.tv_nsec);
}
inline uint64_t NowNs() { return ReadClock(CLOCK_MONOTONIC); }

// User and system time of a process, in ns: the sum that getrusage tells, but of any process, so
// that the client reads the server's at the same instants as its own.
inline uint64_t CpuNs(pid_t process) {
  if (process == 0) return ReadClock(CLOCK_PROCESS_CPUTIME_ID);
  clockid_t clock{};
  if (const int error = clock_getcpuclockid(process, &clock); error != 0) {
    errno = error;
    Die("clock_getcpuclockid");
  }
  return ReadClock(clock);
}

// Latencies in buckets of at most 1.6 % width.
class Histogram {
 public:
  void Add(uint64_t ns) {
    ++buckets_[Index(ns)];
    ++count_;
  }
  // In us. `share` in [0, 1].
  double Quantile(double share) const {
    uint64_t left = static_cast<uint64_t>(share * static_cast<double>(count_));
    for (size_t i = 0; i < buckets_.size(); ++i) {
      if (left < buckets_[i]) return Value(i) / 1000;
      left -= buckets_[i];
    }
    return 0;
  }

 private:
  static constexpr int kBits = 6;
  static size_t Index(uint64_t ns) {
    const int width = std::bit_width(ns | 1);
    if (width <= kBits + 1) return ns;
    const int shift = width - kBits - 1;
    return (static_cast<size_t>(shift) << kBits) + (ns >> shift);
  }
  static double Value(size_t index) {
    if (index < (2u << kBits)) return static_cast<double>(index);
    const size_t shift = (index >> kBits) - 1;
    const uint64_t low = (index & ((1u << kBits) - 1)) + (1u << kBits);
    return (static_cast<double>(low) + 0.5) * static_cast<double>(1ull << shift);
  }
  std::vector<uint32_t> buckets_ = std::vector<uint32_t>(64 << kBits);
  uint64_t count_ = 0;
};

// When the calls of an open loop begin: one every 1/rate seconds, however the earlier ones fare.
// Latencies count from there, so a call that had to wait for its turn is not left out
// ("coordinated omission").
class Pace {
 public:
  explicit Pace(const Arguments& arguments)
      : step_(arguments.Number("rate", 0) > 0 ? 1e9 / arguments.Number("rate", 0) : 0) {}
  bool open_loop() const { return step_ > 0; }
  void Begin(uint64_t now) { next_ = static_cast<double>(now); }
  uint64_t next() const { return static_cast<uint64_t>(next_); }
  // Of the next call.
  uint64_t Take() {
    next_ += step_;
    return static_cast<uint64_t>(next_ - step_);
  }

 private:
  double step_, next_ = 0;
};

// Of this process, by /proc/self/status: "VmRSS" in KiB, "Threads".
inline long Status(std::string_view name) {
  std::ifstream lines("/proc/self/status");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name) && line[name.size()] == ':')
      return std::atol(&line[name.size() + 1]);
  }
  return 0;
}

// A client's first line: it begins to connect.
inline void PrintStarted() {
  std::printf("started %llu\n", static_cast<unsigned long long>(NowNs()));
  std::fflush(stdout);
}

// Counts the calls of a load and the CPU of both ends, after a warm-up and for a while.
class Meter {
 public:
  explicit Meter(const Arguments& arguments)
      : server_(arguments.Int("server", 0)),
        warm_ns_(static_cast<uint64_t>(arguments.Number("warm", 0.2) * 1e9)),
        run_ns_(static_cast<uint64_t>(arguments.Number("seconds", 0.5) * 1e9)) {}

  // Of the first calls. Others begin when one has ended.
  uint64_t Begin() {
    if (limit_ == 0) limit_ = NowNs() + warm_ns_;
    return NowNs();
  }
  // A call that began at `begin` has ended now, which is told; 0: time is up, begin no more.
  uint64_t Ended(uint64_t begin) {
    const uint64_t now = NowNs();
    if (measuring_) {
      ++calls_;
      latency_.Add(now > begin ? now - begin : 0);
    }
    if (now >= limit_) [[unlikely]]
      return Turn(now);
    return now;
  }
  void Failed() { ++failed_; }
  bool over() const { return over_; }
  void Print() const {
    if (calls_ == 0) {
      std::fprintf(stderr, "bench: no call has ended well enough to be measured\n");
      std::exit(1);
    }
    const double calls = static_cast<double>(calls_);
    std::printf(
        "{\"calls\": %.0f, \"failed\": %llu, \"per_second\": %.0f, \"client_us\": %.4f, "
        "\"server_us\": %.4f, \"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f, "
        "\"resident_kib\": %ld, \"threads\": %ld}\n",
        calls, static_cast<unsigned long long>(failed_), calls * 1e9 / static_cast<double>(wall_),
        static_cast<double>(cpu_[0]) / 1000 / calls, static_cast<double>(cpu_[1]) / 1000 / calls,
        latency_.Quantile(0.5), latency_.Quantile(0.99), latency_.Quantile(0.999), Status("VmRSS"),
        Status("Threads"));
    std::fflush(stdout);
  }

 private:
  uint64_t Turn(uint64_t now) {
    if (over_) return 0;
    const uint64_t own = CpuNs(0), other = server_ == 0 ? 0 : CpuNs(server_);
    if (!measuring_) {
      measuring_ = true;
      cpu_ = {own, other};
      wall_ = NowNs();
      limit_ = wall_ + run_ns_;
      return now;
    }
    over_ = true;
    wall_ = now - wall_;
    cpu_ = {own - cpu_[0], other - cpu_[1]};
    return 0;
  }

  const pid_t server_;
  const uint64_t warm_ns_, run_ns_;
  bool measuring_ = false, over_ = false;
  uint64_t limit_ = 0, calls_ = 0, failed_ = 0, wall_ = 0;
  std::array<uint64_t, 2> cpu_{};  // Client's and server's.
  Histogram latency_;
};

}  // namespace bench
