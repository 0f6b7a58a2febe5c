#!/usr/bin/env python3
"""Counts what a unary call costs and fails when it has become dearer than bench/budget.json allows.

usage: bench/budget.py BUILD_DIR [--accept]

Counted, not timed: instructions and system calls by valgrind, allocations by the program itself, each as
the difference of two run lengths, so that neither start-up nor the machine's load matters.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BUDGET = pathlib.Path(__file__).with_suffix(".json")
SLACK = 0.03
SHORT, LONG = 1000, 3000  # Calls.
FIRST, SECOND = 2, 3      # Valgrind's numbers of the loops' threads.
# One string and memory routine for all: the plainest, which every x86-64 has.
PLAIN = "glibc.cpu.hwcaps=" + ",".join(
    f"-{name}" for name in ("AVX512F", "AVX512VL", "AVX512BW", "AVX2", "AVX", "ERMS", "FSRM", "RTM", "BMI2",
                            "SSSE3", "SSE4_2"))


def count(program, calls, in_flight):
    """Instructions, system calls and allocations of each thread in one run."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--separate-threads=yes", "--trace-syscalls=yes",
             f"--callgrind-out-file={folder}/out", str(program), f"calls={calls}", f"inflight={in_flight}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=300,
            env=os.environ | {"GLIBC_TUNABLES": PLAIN})
        if done.returncode != 0:
            sys.exit(f"budget: {program}: status {done.returncode}\n{done.stderr[-1000:]}")
        instructions = {}
        for thread in (FIRST, SECOND):
            text = pathlib.Path(f"{folder}/out-{thread:02}").read_text()
            instructions[thread] = int(re.search(r"^(?:totals|summary): (\d+)", text, re.M).group(1))
    # A call that blocks is told twice: when it begins, and when it has returned ("... [async]"). Reading
    # the clock is one only here: elsewhere it needs no system call.
    system = re.findall(r"^SYSCALL\[\d+,(\d+)\]\( *\d+\) sys_(?!clock_gettime)", done.stderr, re.M)
    allocations = dict(zip((FIRST, SECOND), map(int, done.stdout.split()[-2:])))
    return {t: {"instructions": instructions[t], "allocations": allocations[t],
                "system calls": system.count(str(t))} for t in (FIRST, SECOND)}


def a_call(program, in_flight):
    """The same of one call."""
    short, long = count(program, SHORT, in_flight), count(program, LONG, in_flight)
    return {t: {what: round((long[t][what] - short[t][what]) / (LONG - SHORT), 3) for what in short[t]}
            for t in short}


def measure(program):
    alone, together = a_call(program, 1), a_call(program, 100)
    return {"client, 1 in flight": alone[FIRST], "server, 1 in flight": alone[SECOND],
            "both on one loop, 100 in flight": together[FIRST]}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    now = measure(pathlib.Path(sys.argv[1]).resolve() / "bench/budget")
    if "--accept" in sys.argv:
        BUDGET.write_text(json.dumps(now, indent=1) + "\n")
    allowed = json.loads(BUDGET.read_text())
    dearer = cheaper = False
    for who, figures in now.items():
        for what, value in figures.items():
            most = allowed[who][what]
            # Rare things don't come in whole numbers a call: a hundredth is no news.
            over, under = value > most * (1 + SLACK) + 0.01, value < most * (1 - SLACK) - 0.01
            dearer, cheaper = dearer or over, cheaper or under
            note = "  MORE THAN ALLOWED" if over else "  less: accept it" if under else ""
            print(f"{who}: {what} a call: {value:,.2f}, allowed {most:,.2f}{note}")
    accept = f"bench/budget.py {sys.argv[1]} --accept"
    if dearer:
        sys.exit(f"budget: a unary call has become dearer; make it cheaper, or, if it is worth it, run "
                 f"`{accept}` and say in the commit what for")
    if cheaper:
        print(f"budget: cheaper than allowed; keep it so with `{accept}`")


main()
