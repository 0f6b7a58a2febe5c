package main

import (
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	kBits   = 6
	buckets = 64 << kBits
)

// histogram is the same as that of bench/floor/harness.h.
type histogram struct {
	buckets [buckets]uint32
	count   uint64
}

func (h *histogram) add(ns uint64) {
	index := ns
	if width := bits.Len64(ns | 1); width > kBits+1 {
		shift := width - kBits - 1
		index = uint64(shift)<<kBits + ns>>shift
	}
	h.buckets[index]++
	h.count++
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
	h.count += other.count
}

// quantile in microseconds.
func (h *histogram) quantile(share float64) float64 {
	left := uint64(share * float64(h.count))
	for i, n := range h.buckets {
		if left < uint64(n) {
			if i < 2<<kBits {
				return float64(i) / 1000
			}
			shift := i>>kBits - 1
			low := i&(1<<kBits-1) + 1<<kBits
			return (float64(low) + 0.5) * float64(uint64(1)<<shift) / 1000
		}
		left -= uint64(n)
	}
	return 0
}

// cpu is the time of a process, user's and system's, in ns; 0: this one.
func cpu(process int) int64 {
	clock := int32(unix.CLOCK_PROCESS_CPUTIME_ID)
	if process != 0 {
		clock = int32(^process<<3 | 2) // CPUCLOCK_SCHED of the kernel, as clock_getcpuclockid makes it.
	}
	var at unix.Timespec
	check(unix.ClockGettime(clock, &at))
	return at.Nano()
}

// What workers look at: whether the window is open, and whether it is over.
var measuring, over atomic.Bool

// worker counts what one goroutine did.
type worker struct {
	latency histogram
	failed  uint64
}

func (w *worker) ended(begun time.Time) {
	if measuring.Load() {
		w.latency.add(uint64(time.Since(begun)))
	}
}

// run lets workers work through warm-up and window and prints the result.
func run(a arguments, count int, work func(*worker)) {
	workers := make([]worker, count)
	var all sync.WaitGroup
	for i := range workers {
		all.Add(1)
		go func() {
			defer all.Done()
			work(&workers[i])
		}()
	}
	seconds := func(name string, otherwise float64) time.Duration {
		return time.Duration(a.number(name, otherwise) * float64(time.Second))
	}
	server := a.count("server", 0)
	serverCPU := func() int64 {
		if server == 0 {
			return 0
		}
		return cpu(server)
	}
	time.Sleep(seconds("warm", 0.2))
	own, other, wall := cpu(0), serverCPU(), time.Now()
	measuring.Store(true)
	time.Sleep(seconds("seconds", 0.5))
	measuring.Store(false)
	own, other = cpu(0)-own, serverCPU()-other
	took := time.Since(wall)
	over.Store(true)
	resident, threads := status("VmRSS"), status("Threads")
	all.Wait()
	var latency histogram
	var failed uint64
	for i := range workers {
		latency.merge(&workers[i].latency)
		failed += workers[i].failed
	}
	calls := float64(latency.count)
	fmt.Printf(`{"calls": %.0f, "failed": %d, "per_second": %.0f, "client_us": %.4f, "server_us": %.4f, `+
		`"p50_us": %.2f, "p99_us": %.2f, "p999_us": %.2f, "resident_kib": %d, "threads": %d}`+"\n",
		calls, failed, calls/took.Seconds(), float64(own)/1000/calls, float64(other)/1000/calls,
		latency.quantile(0.5), latency.quantile(0.99), latency.quantile(0.999), resident, threads)
}

// status is a figure of /proc/self/status.
func status(name string) int {
	text, err := os.ReadFile("/proc/self/status")
	check(err)
	for _, line := range strings.Split(string(text), "\n") {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			value, _ := strconv.Atoi(strings.Fields(rest)[0])
			return value
		}
	}
	return 0
}

func printStarted() {
	var at unix.Timespec
	check(unix.ClockGettime(unix.CLOCK_MONOTONIC, &at))
	fmt.Println("started", at.Nano())
}
