"""What the measuring scripts share: results by row, how they are shown, what machine it was."""
import datetime
import os
import pathlib
import platform
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAVED = ROOT / "docs/benchmarks"


class Results:
    """What was measured, by (group, row): values of each name, in the order of the runs."""

    def __init__(self):
        self.rows = {}

    def add(self, group, row, values):
        for name, value in values.items():
            self.rows.setdefault((group, row), {}).setdefault(name, []).append(value)

    def all(self, group, row, name):
        return self.rows.get((group, row), {}).get(name, [])

    def median(self, group, row, name):
        values = self.all(group, row, name)
        return statistics.median(values) if values else None


def spread(values, digits=2):
    if not values:
        return "-"
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{low:,.{digits}f} / **{middle:,.{digits}f}** / {high:,.{digits}f}"


def ratio(results, group, row, name, floor):
    """Of the medians; each run of a floor stands beside the same run of the row."""
    own, base = results.all(group, row, name), results.all(group, floor, name)
    if not own or not base or row == floor:
        return "-"
    return f"{statistics.median(o / b for o, b in zip(own, base)):.2f}"


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def version(command):
    try:
        out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                             check=False).stdout.split("\n")[0].strip()
    except FileNotFoundError:
        out = ""
    return out or "unknown"


def machine(build):
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    cache = (build / "CMakeCache.txt").read_text() if (build / "CMakeCache.txt").exists() else ""
    setting = {line.split(":")[0]: line.split("=", 1)[1] for line in cache.splitlines()
               if "=" in line and ":" in line.split("=")[0]}
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": f"{os.cpu_count()} × {model}",
        "kernel": platform.release(),
        "compiler": version([setting.get("CMAKE_CXX_COMPILER", "c++"), "--version"]),
        "build": setting.get("CMAKE_BUILD_TYPE", "unknown"),
        "nghttp2": version(["pkg-config", "--modversion", "libnghttp2"]),
        "rondo": version(["git", "-C", str(ROOT), "describe", "--always", "--dirty"]),
        "load": f"{os.getloadavg()[0]:.1f}",
    }
