#!/usr/bin/env python3
"""Measures rondo, its peers and the floors of this machine, interleaved.

usage: bench/peers/run.py BUILD_DIR [--quick] [--save] [--only calls,apart,open,idle,counts]
"""
import argparse
import json
import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import report
from measure import SAVED, Results, machine
from programs import CASES, MANY, programs

CPUS = sorted(os.sched_getaffinity(0))
NEAR, FAR = CPUS[-1], CPUS[0]  # Where both ends run; where the client does if they are apart.


class Server:
    """A server program that runs while this lives: it ends with its stdin."""

    def __init__(self, command, *more):
        self.process = subprocess.Popen([*map(str, command), *more], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        if not first:
            sys.exit(f"bench: {command}: gone, status {self.process.wait()}")
        self.port = "port=" + ",".join(first.split())
        self.pid = f"server={self.process.pid}"

    def line(self, seconds):
        """Its next line if there is one within so many seconds."""
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        return self.process.stdout.readline() if ready else ""

    def close(self):
        """What it said since."""
        self.process.stdin.close()
        rest = self.process.stdout.read()
        self.process.wait()
        self.process.stdout.close()
        return rest


def at(cpu):
    return [] if cpu is None else [f"cpu={cpu}"]


def pair(client, server, client_cpu, server_cpu):
    """One run of both: what the client measured, and when all connections were there."""
    with_server = Server(server, *at(server_cpu))
    try:
        done = subprocess.run([*map(str, client), with_server.port, with_server.pid, *at(client_cpu)],
                              stdout=subprocess.PIPE, text=True, check=False, timeout=120)
        told = done.stdout.splitlines()
        values = json.loads(told[-1]) if done.returncode == 0 and told else None
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        values, told = None, []
    said = with_server.close()
    if values is None:
        print(f"bench: no figures from {' '.join(map(str, client))} against {server[0]}", file=sys.stderr)
        return {}
    ready = re.search(r"ready (\d+)", said)
    if ready and told[0].startswith("started "):
        values["ready_ms"] = (int(ready.group(1)) - int(told[0].split()[1])) / 1e6
    return values


class Runs:
    def __init__(self, everyone, quick):
        self.everyone, self.quick = everyone, quick
        self.results = Results()
        self.floor = next(p for p in everyone if p.name == "nghttp2 floor")
        self.window = (0.1, 0.2) if quick else (0.2, 0.5)  # Warm-up, then what counts.
        self.count = 1 if quick else 5

    def client(self, program, case, *more):
        warm, seconds = self.window
        return [*program.client, *case.client, *more, f"warm={max(warm, case.warm)}", f"seconds={seconds}"]

    def server(self, program, case):
        if program is not self.floor:
            return program.server
        expect = [f"expect={case.ports}"] if case.ports > 1 else []
        return [*program.server, *case.server, f"ports={case.ports}", *expect]

    def add(self, group, program, values):
        if values:
            self.results.add(group, program.name, values)

    def both_halves(self, place, case, client_cpu, server_cpu):
        """Each as client of the floor's server, then as server of the floor's client."""
        for p in self.everyone:
            if p.name == "TCP floor":
                if case.tcp:
                    values = pair(self.client(p, case), p.server, client_cpu, server_cpu)
                    self.add(f"{place}client {case.name}", p, values)
                    self.add(f"{place}server {case.name}", p, values)
                continue
            values = pair(self.client(p, case), self.server(self.floor, case), client_cpu, server_cpu)
            self.add(f"{place}client {case.name}", p, values)
            if not case.both_sides:
                continue
            if p is not self.floor:
                values = pair(self.client(self.floor, case), self.server(p, case), client_cpu, server_cpu)
            self.add(f"{place}server {case.name}", p, values)

    # ---- What is measured.
    def calls(self):
        for case in CASES:
            self.both_halves("", case, NEAR, NEAR)

    def apart(self):
        for case in (c for c in CASES if c.apart):
            if NEAR != FAR:
                self.both_halves("split ", case, FAR, NEAR)
            for p in self.everyone:
                self.add(f"free {case.name}", p, pair(self.client(p, case), self.server(p, case), None, None))

    def open(self):
        """Calls begin at a given rate: half and four fifths of what the same client reached closed."""
        case = next(c for c in CASES if c.name == "unary 100")
        for p in (p for p in self.everyone if p.open_loop):
            most = self.results.median(f"client {case.name}", p.name, "per_second") or \
                pair(self.client(p, case), self.server(self.floor, case), NEAR, NEAR)["per_second"]
            for share in (0.5, 0.8):
                values = pair(self.client(p, case, f"rate={most * share:.0f}"),
                              self.server(self.floor, case), NEAR, NEAR)
                self.add(f"open {share:.0%}", p, values)

    def idle(self):
        for p in self.everyone:
            if p.idle:
                for name, value in idle_of(p, self.floor).items():
                    self.add("memory", p, {name: value})

    def run(self, parts):
        for turn in range(self.count):
            for part in parts:
                print(f"bench: run {turn + 1} of {self.count}: {part}", file=sys.stderr)
                getattr(self, part)()


def derived(results, names):
    """What backends and streams weigh where calls run on them: by runs that differ only in their number."""
    for name in names:
        for figure, few, many, count in (
                ("backend_under_load_kib", "client unary 100", "client backends 1000", MANY - 1),
                ("stream_kib", "client ping-pong", "client 900 streams", 899)):
            first, last = (results.all(group, name, "resident_kib") for group in (few, many))
            for less, more in zip(first, last):
                results.add("memory", name, {figure: (more - less) / count})
        for value in results.all("client backends 1000", name, "ready_ms"):
            results.add("memory", name, {"ready_under_load_ms": value})


def idle_of(program, floor):
    """What channels, connections and backends weigh without calls, and how soon all are READY."""
    def one(ports, *arguments):
        expected = MANY if arguments[0] in ("connections", "backends") else 1
        server = Server([*floor.server, f"ports={ports}", f"expect={expected}"], f"cpu={NEAR}")
        process = subprocess.Popen([*map(str, program.idle), *spell(arguments), server.port, f"cpu={NEAR}"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ours = program.idle[0].name == "weight"
        begin = None
        if not (ours and arguments[0] == "channels"):
            begin = int(process.stdout.readline().split()[1])
        connects = arguments[0] != "channels" and arguments[0] != "none"
        end = server.line(5) if connects else ""
        out, _ = process.communicate("ready\n", timeout=60)
        server.close()
        values = json.loads(out.splitlines()[-1])
        return values["resident_kib"], (int(end.split()[1]) - begin) / 1e6 if end else None

    def spell(arguments):
        if program.idle[0].name == "weight":
            return [f"{arguments[0]}={MANY}"]
        return {"none": ["channels=1", "connect=0"], "channels": [f"channels={MANY}", "connect=0"],
                "connections": [f"channels={MANY}"], "backends": ["channels=1"]}[arguments[0]]

    # Our program subtracts what it weighed before, and divides; the others tell what they weigh.
    ours = program.idle[0].name == "weight"
    none = 0 if ours else one(1, "none")[0]
    each = 1 if ours else MANY
    weights, ready = {}, {}
    for what, ports in (("channels", 1), ("connections", 1), ("backends", MANY)):
        weights[what], ready[what] = one(ports, what)
    values = {"channel_kib": (weights["channels"] - none) / each}
    for what, name in (("connections", "connection_kib"), ("backends", "backend_kib")):
        if ready[what] is not None:
            values[name] = (weights[what] - none) / each
    if ready["backends"] is not None:
        values["ready_ms"] = ready["backends"]
    return values


# ---- What is counted: it needs no repetition.
def traced(command, server, *more):
    """A run of a client under a tool: what the tool wrote to stderr, and the calls it measured."""
    with_server = Server(server, f"cpu={NEAR}")
    done = subprocess.run([*command, *more, with_server.port, f"cpu={NEAR}", "warm=0"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=300)
    with_server.close()
    # A program so slow that no call was measured prints "nan", which is no JSON.
    found = re.search(r'"calls": (\d+)', done.stdout)
    return done.stderr, int(found.group(1)) if done.returncode == 0 and found else 0


def counts(runs):
    floor = runs.server(runs.floor, CASES[0])
    for p in runs.everyone:
        if p.name == "TCP floor":
            continue
        client = list(map(str, p.client))
        values = {"program_kib": stripped(client[0]), "libraries_kib": libraries(client[0])}
        if shutil.which("strace"):
            for in_flight in (1, 100):
                with tempfile.NamedTemporaryFile(mode="r") as table:
                    _, calls = traced(["strace", "-f", "-c", "-o", table.name, *client], floor,
                                      f"inflight={in_flight}", "seconds=1")
                    total = re.search(r"^100\.00 .*total$", table.read(), re.M)
                if calls and total:
                    values[f"system_calls_{in_flight}"] = int(total.group(0).split()[3]) / calls
        if shutil.which("valgrind") and "grpc_go" not in client[0]:
            for name, tool, pattern in (("instructions", "callgrind", r"Collected : (\d+)"),
                                        ("allocations", "memcheck", r"heap usage: ([\d,]+) allocs")):
                # Two lengths: what a program does at its beginning and end cancels out.
                ends = []
                for seconds in (0.5, 2.5):
                    told, calls = traced(["valgrind", f"--tool={tool}", *(
                        ["--callgrind-out-file=/dev/null"] if tool == "callgrind" else []), *client], floor,
                        "inflight=100", f"seconds={seconds}")
                    found = re.search(pattern, told)
                    ends.append((int(found.group(1).replace(",", "")), calls) if found and calls else None)
                if all(ends) and ends[1][1] > ends[0][1]:
                    values[name] = (ends[1][0] - ends[0][0]) / (ends[1][1] - ends[0][1])
        runs.results.add("counts", p.name, values)


def stripped(program):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["strip", "-o", f"{folder}/program", program], check=False)
        return pathlib.Path(program if done.returncode else f"{folder}/program").stat().st_size / 1024


def libraries(program):
    """Shared libraries besides the C and C++ runtime's."""
    told = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False).stdout
    files = re.findall(r"(lib\S+) => (/\S+)", told)
    system = re.compile(r"lib(c|m|stdc\+\+|gcc_s|pthread|dl|rt)\.so")
    return sum(pathlib.Path(path).stat().st_size for name, path in files if not system.match(name)) / 1024


def save_values(about, results):
    values = {f"{group} | {row}": v for (group, row), v in results.rows.items()}
    SAVED.mkdir(parents=True, exist_ok=True)
    (SAVED / "peers.json").write_text(json.dumps({"machine": about, "results": values}, indent=1) + "\n")


def saved_values():
    saved = json.loads((SAVED / "peers.json").read_text())
    results = Results()
    results.rows = {tuple(key.split(" | ")): values for key, values in saved["results"].items()}
    return saved["machine"], results


def main():
    parts = ["calls", "apart", "open", "idle"]
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("build", type=pathlib.Path)
    arguments.add_argument("--quick", action="store_true", help="one short run of each instead of five")
    arguments.add_argument("--save", action="store_true", help="write docs/benchmarks/peers.{md,json,svg}")
    arguments.add_argument("--only", default=",".join([*parts, "counts"]), help="comma separated")
    arguments.add_argument("--again", action="store_true", help="measure nothing, write what is saved anew")
    asked = arguments.parse_args()
    wanted = asked.only.split(",")
    for name in wanted:
        if name not in [*parts, "counts"]:
            sys.exit(f'bench: there is no "{name}"; there are {", ".join([*parts, "counts"])}')
    build = asked.build.resolve()
    everyone = programs(build)
    about = machine(build) | {"peers": report.versions(build.parent / "peers"),
                              "runs": "1 short run" if asked.quick else "5 interleaved runs"}
    if asked.again:
        return write(build, *saved_values(), everyone)
    runs = Runs(everyone, asked.quick)
    runs.run([p for p in parts if p in wanted])
    if "counts" in wanted:
        if asked.save:
            save_values(about, runs.results)  # Counting may fail; what took long must not be lost by it.
        print("bench: counts", file=sys.stderr)
        counts(runs)
    derived(runs.results, [p.name for p in everyone])
    if not asked.save:
        return print(tables(about, runs.results, everyone))
    save_values(about, runs.results)
    write(build, about, runs.results, everyone)


def tables(about, results, everyone):
    return "\n".join(report.lines(about, results, [p.name for p in everyone], [p.name for p in everyone if p.peer]))


def write(build, about, results, everyone):
    told = tables(about, results, everyone)
    print(told)
    (SAVED / "peers.md").write_text(told.rstrip() + "\n")
    python = build.parent / "peers/venv/bin/python"
    if python.exists():
        plot = pathlib.Path(__file__).with_name("plot.py")
        subprocess.run([python, plot, SAVED / "peers.json", SAVED / "peers.svg"], check=False)


main()
