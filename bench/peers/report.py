"""The tables of what was measured, as Markdown."""
import pathlib
import re
import shutil

from measure import spread, table, version
from programs import CASES, REACH


def versions(peers: pathlib.Path):
    """Of the peers, from where they are pinned or installed."""
    here = pathlib.Path(__file__).resolve().parent
    lock = (here / "tonic/Cargo.lock").read_text()
    crates = {name: found.group(1) for name in ("tonic", "h2", "hyper", "tokio")
              if (found := re.search(rf'name = "{name}"\nversion = "([^"]+)"', lock))}
    told = crates | {
        "grpc C++": version(["pkg-config", "--modversion", "grpc++"]),
        "Rust": version([shutil.which("rustc") or str(pathlib.Path.home() / ".cargo/bin/rustc"), "-V"])}
    if (peers / "grpc_go.version").exists():
        told["grpc-go"] = " ".join((peers / "grpc_go.version").read_text().split())
    return told


def figure(value, unit=""):
    if value is None:
        return "-"
    digits = 0 if value >= 1000 else 1 if value >= 100 else 2
    return f"{value:,.{digits}f}{' ' + unit if unit else ''}"


def best_peer(results, group, name, peers):
    known = [(value, p) for p in peers if (value := results.median(group, p, name)) is not None]
    return min(known) if known else (None, None)


def reach_table(results, peers):
    rows, marked = [], False
    for row in REACH:
        own, _ = row.of(results.median, "rondo")
        floor, floor_other = row.of(results.median, "nghttp2 floor")
        known = [(figures[0], p, figures[1]) for p in peers if (figures := row.of(results.median, p))[0] is not None]
        best, who, other = min(known, default=(None, "", False))
        marked = marked or other or floor_other
        wanted = f"≤ {row.most:g} {row.unit}" + (f", ≥ {row.factor:g} × better" if row.factor > 1 else "")
        here = row.here(results.median)
        good = "-" if own is None else "yes" if own <= here and (
            best is None or own * row.factor <= best) else "**no**"
        rows.append([row.title, wanted, figure(here, row.unit), figure(own, row.unit), good,
                     f"{figure(best, row.unit)} {who}{' *' if other else ''}".strip(),
                     f"{best / own:.1f} ×" if own and best else "-",
                     figure(floor, row.unit) + (" *" if floor_other else ""),
                     f"{own / floor:.2f}" if own and floor else "-"])
    yield "## What is to be reached"
    yield ""
    yield ("The reach was set on a quiet machine. \"Here\" is the same at the speed of this one, by what the bare "
           "nghttp2 pair cost then and in this run.")
    yield ""
    yield from table(["case", "reach", "here", "rondo", "reached", "best peer", "better than it", "nghttp2 floor",
                      "rondo / floor"], rows)
    if marked:
        yield "\\* Under load: without traffic it can't be asked for, or doesn't get there."
        yield ""


def side_table(results, names, peers, group, side):
    key = f"{side}_us"
    floor = results.median(group, "nghttp2 floor", key)
    best, _ = best_peer(results, group, key, peers)
    rows = []
    for name in names:
        values = results.all(group, name, key)
        if not values:
            continue
        middle = results.median(group, name, key)
        rows.append([name, spread(values), f"{middle / floor:.2f}" if floor else "-",
                     f"{middle / best:.2f}" if best else "-",
                     f"{results.median(group, name, 'per_second'):,.0f}",
                     f"{figure(results.median(group, name, 'p50_us'))} / "
                     f"{figure(results.median(group, name, 'p99_us'))}",
                     f"{sum(results.all(group, name, 'failed')):,.0f}"])
    if rows:
        yield from table([side, f"{side} CPU, µs", "× floor", "× best peer", "a second", "p50 / p99 µs",
                          "failed"], rows)


def case_tables(results, names, peers, place, cases):
    for case in cases:
        for side, against in (("client", "server"), ("server", "client")):
            lines = list(side_table(results, names, peers, f"{place}{side} {case.name}", side))
            if lines:
                yield f"### {case.title}: each as {side}, the {against} is the floor's"
                yield ""
                yield from lines


def free_tables(results, names):
    for case in (c for c in CASES if c.apart):
        group = f"free {case.name}"
        rows = [[n, spread(results.all(group, n, "per_second"), 0),
                 f"{figure(results.median(group, n, 'p50_us'))} / {figure(results.median(group, n, 'p99_us'))}",
                 spread(results.all(group, n, "client_us")), spread(results.all(group, n, "server_us"))]
                for n in names if results.all(group, n, "client_us")]
        if rows:
            yield f"### {case.title}: own client, own server, not pinned"
            yield ""
            yield from table(["", "calls/s", "p50 / p99 µs", "client CPU, µs", "server CPU, µs"], rows)


def open_table(results, names):
    rows = []
    for share in ("50%", "80%"):
        for n in names:
            group = f"open {share}"
            if results.all(group, n, "p50_us"):
                rows.append([share, n, figure(results.median(group, n, "per_second")),
                             *(spread(results.all(group, n, q), 0) for q in ("p50_us", "p99_us", "p999_us")),
                             spread(results.all(group, n, "client_us"))])
    if rows:
        yield "## At a given rate (open loop)"
        yield ""
        yield ("Calls begin when their time has come, and latency counts from then, however long the call had "
               "to wait. The rate is a share of what the same client reached with 100 in flight.")
        yield ""
        yield from table(["load", "client", "calls/s", "p50 µs", "p99 µs", "p99.9 µs", "client CPU, µs"], rows)


def memory_table(results, names):
    rows = []
    for n in names:
        one = lambda name: figure(results.median("memory", n, name))  # noqa: E731
        row = [n, one("channel_kib"), one("connection_kib"), one("backend_kib"),
               one("backend_under_load_kib"), one("stream_kib"), one("ready_ms"), one("ready_under_load_ms")]
        if any(cell != "-" for cell in row[1:]):
            rows.append(row)
    if rows:
        yield "## Memory of a client, and 1,000 backends"
        yield ""
        yield ("KiB of resident memory each. A dash under \"READY without traffic\": not all were within five "
               "seconds, or the API has no way to ask.")
        yield ""
        yield from table(["", "channel, never used", "channel with one connection", "backend of 1,000, idle",
                          "the same under load", "open stream", "1,000 READY without traffic, ms",
                          "1,000 READY under load, ms"], rows)


def counts_table(results, names):
    rows = []
    for n in names:
        of = lambda name: figure(results.median("counts", n, name))  # noqa: E731
        threads = results.median("client unary 100", n, "threads")
        if results.all("counts", n, "program_kib"):
            rows.append([n, of("instructions"), of("allocations"), of("system_calls_1"), of("system_calls_100"),
                         "-" if threads is None else f"{threads:g}", of("program_kib"), of("libraries_kib")])
    if rows:
        yield "## Counted, of a client's unary call"
        yield ""
        yield "Instructions and allocations by valgrind, with 100 in flight; system calls by strace."
        yield ""
        yield from table(["", "instructions", "allocations", "system calls, 1 in flight", "100 in flight",
                          "threads", "program, KiB", "its libraries, KiB"], rows)


def section(title, of):
    content = list(of)
    return [f"## {title}", "", *content] if content else []


def lines(about, results, names, peers):
    told = "; ".join(f"{name} {number}" for name, number in about["peers"].items())
    head = ["# rondo beside its peers", "",
            f"rondo {about['rondo']}, {about['date']}: {about['cpu']}, Linux {about['kernel']}, "
            f"{about['compiler']}, {about['build']}. {told}; nghttp2 {about['nghttp2']}. {about['runs']}; load at "
            f"the start {about['load']}. Minimum / **median** / maximum. `./dev peers` repeats it; how to read it: "
            "bench/README.md.", "", "![the same as a picture](peers.svg)", ""]
    apart = [c for c in CASES if c.apart]
    return [*head, *reach_table(results, peers),
            *section("Both ends on one CPU", case_tables(results, names, peers, "", CASES)),
            *section("Client and server on CPUs of their own", case_tables(results, names, peers, "split ", apart)),
            *section("Not pinned", free_tables(results, names)),
            *open_table(results, names), *memory_table(results, names), *counts_table(results, names)]
