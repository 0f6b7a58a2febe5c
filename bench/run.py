#!/usr/bin/env python3
"""Runs the measuring programs, interleaved, and prints their medians as Markdown.

usage: bench/run.py BUILD_DIR [--quick] [--save] [--only calls,backends,idle,picks]
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

from measure import SAVED, Results, machine, ratio, spread, table

CPU = max(os.sched_getaffinity(0))  # Both ends of a pair; this program stays off it if it can.
MANY = 1000
NAIVE = "mutex_and_vector"


class Server:
    """A server program that runs while this lives: it ends with its stdin."""

    def __init__(self, programs, *command):
        self.process = subprocess.Popen(
            [str(programs / command[0]), *command[1:], f"cpu={CPU}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = self.line().split()

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bench: {self.process.args[0]} has gone, status {self.process.wait()}")
        return line

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def run(programs, *command):
    done = subprocess.run([str(programs / command[0]), *map(str, command[1:])],
                          stdout=subprocess.PIPE, text=True, check=False, timeout=120)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))}: status {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


# ---- What is measured.
SERVERS = {"tcp": ("tcp_echo", "server"), "nghttp2": ("nghttp2_pair", "server"), "rondo": ("server",),
           "typed": ("typed_server",)}
CLIENTS = {"tcp": ("tcp_echo", "client"), "nghttp2": ("nghttp2_pair", "client"), "rondo": ("client",),
           "typed": ("typed_client",), "blocking": ("typed_client", "blocking")}
# Client, server. Each half of rondo meets the floor's other half; the floors meet themselves.
PAIRS = [("tcp", "tcp"), ("nghttp2", "nghttp2"), ("rondo", "nghttp2"), ("nghttp2", "rondo"),
         ("rondo", "rondo"), ("typed", "typed"), ("blocking", "nghttp2")]


def there(programs, *rows):
    return all((programs / row[0]).exists() for row in rows)


def calls(programs, results, runs, seconds):
    """Unary calls of 16 bytes over one connection, one and a hundred in flight."""
    pairs = [(c, s) for c, s in PAIRS if there(programs, CLIENTS[c], SERVERS[s])]
    servers = {s: Server(programs, *SERVERS[s]) for s in dict.fromkeys(s for _, s in pairs)}
    for _ in range(runs):
        for in_flight in (100, 1):
            for client, server in pairs:
                if client == "blocking" and in_flight > 1:
                    continue
                [values] = run(programs, *CLIENTS[client], f"port={servers[server].ports[0]}",
                               f"server={servers[server].process.pid}", f"cpu={CPU}",
                               f"inflight={in_flight}", *seconds)
                results.add(f"calls {in_flight}", f"{client} -> {server}", values)
    for server in servers.values():
        server.close()


def backends(programs, results, runs, seconds):
    """The same over many backends in turn: one process that listens on as many ports."""
    for count in (2, 100, MANY):
        server = Server(programs, "nghttp2_pair", "server", f"ports={count}")
        for _ in range(runs):
            for client in ("nghttp2", "rondo"):
                [values] = run(programs, *CLIENTS[client], f"port={','.join(server.ports)}",
                               f"server={server.process.pid}", f"cpu={CPU}", "inflight=100",
                               "warm=2", seconds[-1])  # Connecting is not what is measured.
                results.add(f"backends {count}", client, values)
        server.close()


def connected(programs, what, ports):
    """One run of `weight` with MANY connections: how long until all are READY, what they weigh."""
    server = Server(programs, "nghttp2_pair", "server", f"ports={ports}", f"expect={MANY}")
    client = subprocess.Popen(
        [str(programs / "weight"), f"{what}={MANY}", f"port={','.join(server.ports)}", f"cpu={CPU}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    begin = int(client.stdout.readline().split()[1])
    end = int(server.line().split()[1])
    out, _ = client.communicate("ready\n", timeout=60)
    server.close()
    return json.loads(out) | {"ready_ms": (end - begin) / 1e6}


def idle(programs, results, runs, _):
    """What weighs, and how long it takes, while nothing is called."""
    for _ in range(runs):
        results.add("idle", "channel, never used", run(programs, "weight", f"channels={MANY}")[0])
        results.add("idle", "channel with one READY connection", connected(programs, "connections", 1))
        results.add("idle", f"backend of {MANY:,}, all READY", connected(programs, "backends", MANY))


def picks(programs, results, runs, _):
    """Picks and updates through plan slots, graceful switch and policy, each as often as `runs`."""
    out = subprocess.run(
        [str(programs / "pick"), f"--benchmark_repetitions={runs}", "--benchmark_format=json",
         f"--benchmark_min_time={0.02 if runs > 3 else 0.005}"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=900).stdout
    for row in json.loads(out)["benchmarks"]:
        if row["run_type"] != "iteration":
            continue
        what, policy, *sizes = row["name"].split("/")
        sizes = dict(part.split(":") for part in sizes if ":" in part)
        backends, threads = int(sizes["backends"]), int(sizes.get("threads", 1))
        if what == "pick":
            results.add(f"picks {backends} {threads}", policy,
                        {"ns": row["ns"], "allocations": row["allocations"]})
        else:
            results.add(f"update {backends}", policy,
                        {"us": row["cpu_time"], "opened": row["opened"], "bytes": row["bytes_a_backend"]})


# ---- How it is shown.
def calls_table(results, in_flight):
    group, floor = f"calls {in_flight}", "nghttp2 -> nghttp2"
    rows = []
    for client, server in PAIRS:
        row = f"{client} -> {server}"
        if (group, row) not in results.rows:
            continue
        rows.append([
            row, spread(results.all(group, row, "client_us")),
            ratio(results, group, row, "client_us", floor),
            spread(results.all(group, row, "server_us")),
            ratio(results, group, row, "server_us", floor),
            f"{results.median(group, row, 'per_second'):,.0f}",
            f"{results.median(group, row, 'p50_us'):,.1f} / {results.median(group, row, 'p99_us'):,.1f}",
            f"{sum(results.all(group, row, 'failed')):,.0f}"])
    yield f"### Unary, 16 bytes, one connection, {in_flight} in flight"
    yield ""
    yield from table(["client -> server", "client µs/call", "× nghttp2", "server µs/call", "× nghttp2",
                      "calls/s", "p50 / p99 µs", "failed"], rows)


def backends_table(results):
    rows = []
    for count in (2, 100, MANY):
        group = f"backends {count}"
        for client in ("nghttp2", "rondo"):
            if (group, client) in results.rows:
                rows.append([f"{count:,}", client, spread(results.all(group, client, "client_us")),
                             ratio(results, group, client, "client_us", "nghttp2"),
                             f"{results.median(group, client, 'per_second'):,.0f}",
                             f"{sum(results.all(group, client, 'failed')):,.0f}"])
    yield "### Round robin over many backends, 100 in flight"
    yield ""
    yield from table(["backends", "client", "client µs/call", "× nghttp2", "calls/s", "failed"], rows)


def idle_table(results):
    rows = [[row, spread(v.get("resident_kib", []), 1), spread(v.get("heap_kib", []), 1),
             spread(v.get("ready_ms", []), 0), spread(v.get("cpu_ms", []), 0)]
            for (group, row), v in results.rows.items() if group == "idle"]
    yield f"### Idle, {MANY:,} of each"
    yield ""
    yield from table(["", "resident KiB each", "heap KiB each", "all READY, ms", "CPU, ms"], rows)


def picks_table(results):
    yield "### Picks"
    yield ""
    yield "CPU ns of one thread; in brackets, how many times less than turns under a mutex in the same run."
    yield ""
    groups = [group for group, row in results.rows if group.startswith("picks ")]
    groups = list(dict.fromkeys(groups))
    policies = list(dict.fromkeys(row for group, row in results.rows if group in groups))
    threads = sorted({int(group.split()[2]) for group in groups})
    rows = []
    for policy in policies:
        for backends in sorted({int(group.split()[1]) for group in groups}):
            cells = []
            for count in threads:
                group = f"picks {backends} {count}"
                own, naive = (results.median(group, row, "ns") for row in (policy, NAIVE))
                cells.append("-" if own is None else f"**{own:,.1f}** ({naive / own:,.1f} ×)")
            most = max(max(results.all(group, policy, "allocations") or [0]) for group in groups)
            rows.append([policy, f"{backends:,}", *cells, f"{most:.3f}"])
    yield from table(["policy", "backends", *(f"{n} thread{'s' if n > 1 else ''}" for n in threads),
                      "allocations a pick"], rows)
    yield "### Updates of which one endpoint is new"
    yield ""
    rows = [[row, f"{int(group.split()[1]):,}", spread(v["us"], 0), f"{max(v['opened']):g}",
             f"{max(v['bytes']):,.0f}"]
            for (group, row), v in results.rows.items() if group.startswith("update ")]
    yield from table(["policy", "backends", "CPU µs an update", "subchannels opened",
                      "bytes a backend"], rows)


def main():
    known = {"calls": calls, "backends": backends, "idle": idle, "picks": picks}
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("build", type=pathlib.Path)
    arguments.add_argument("--quick", action="store_true", help="three short runs instead of five")
    arguments.add_argument("--save", action="store_true", help="write docs/benchmarks/ours.{md,json}")
    arguments.add_argument("--only", default=",".join(known), help="comma separated")
    asked = arguments.parse_args()
    programs = asked.build.resolve() / "bench"
    runs, seconds = (3, ["warm=0.1", "seconds=0.2"]) if asked.quick else (5, ["warm=0.2", "seconds=0.5"])
    others = os.sched_getaffinity(0) - {CPU}
    about, results = machine(asked.build), Results()
    if others:
        os.sched_setaffinity(0, others)
    for name in asked.only.split(","):
        if name not in known:
            sys.exit(f'bench: there is no "{name}"; there are {", ".join(known)}')
        # The many-backends case moves more slowly from run to run: three tell as much as five.
        if name == "picks" and others:
            os.sched_setaffinity(0, others | {CPU})
        known[name](programs, results, min(runs, 3) if name in ("backends", "idle") else runs, seconds)
    lines = [f"rondo {about['rondo']}, {about['date']}: {about['cpu']}, Linux {about['kernel']}, "
             f"{about['compiler']}, {about['build']}, nghttp2 {about['nghttp2']}; load at the start "
             f"{about['load']}. Minimum / **median** / maximum.", ""]
    if "calls" in asked.only:
        lines += [*calls_table(results, 100), *calls_table(results, 1)]
    if "backends" in asked.only:
        lines += backends_table(results)
    if "idle" in asked.only:
        lines += idle_table(results)
    if "picks" in asked.only:
        lines += picks_table(results)
    print("\n".join(lines))
    if asked.save:
        SAVED.mkdir(parents=True, exist_ok=True)
        (SAVED / "ours.md").write_text("# Our own figures\n\n" + "\n".join(lines).rstrip() + "\n")
        values = {f"{group} | {row}": v for (group, row), v in results.rows.items()}
        (SAVED / "ours.json").write_text(json.dumps({"machine": about, "results": values}, indent=1) + "\n")


main()
