#!/usr/bin/env python3
"""Replays the terminal sessions of a page: each ```console block's commands must print what it shows.

usage: replay.py PAGE PROGRAM

`$ command` begins a command, what follows until the next is its output, stderr included. A command
that ends in ` &` runs on until the end; `echo $?` tells the status of the command before it. A line
`...` stands for any number of lines. The ports :50051 to :50059 become free ones. A block
```FORMAT file=NAME is written to that file first. All happens in a folder of its own.
"""
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def blocks(page):
    """(what is behind the opening fence, lines) of every fenced block."""
    kind, lines = None, []
    for line in page.read_text().splitlines():
        if not line.startswith("```"):
            lines.append(line)
        elif kind is None:
            kind, lines = line[3:], []
        else:
            yield kind, lines
            kind = None


def commands(lines):
    found = []
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def matches(shown, printed):
    if "..." not in shown:
        return shown == printed
    at = shown.index("...")
    rest = shown[at + 1:]
    return shown[:at] == printed[:at] and any(
        matches(rest, printed[i:]) for i in range(at, len(printed) + 1))


class Session:
    def __init__(self, program, folder):
        self.folder = folder
        self.env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
        self.running = []
        self.status = 0

    def background(self, command, shown):
        """Waits for as much output as is shown, at most 20 s."""
        out = self.folder / f".out{len(self.running)}"
        with out.open("wb") as to:
            self.running.append(subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.env, stdout=to,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL))
        until = time.monotonic() + 20
        while time.monotonic() < until and self.running[-1].poll() is None:
            printed = out.read_text().splitlines()
            if len(printed) >= len(shown):
                return printed
            time.sleep(0.02)
        return out.read_text().splitlines()

    def run(self, command, shown):
        if command.endswith(" &"):
            return self.background(command[:-2], shown)
        if command == "echo $?":
            return [str(self.status)]
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.env, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL)
        self.status = done.returncode
        return done.stdout.decode().splitlines()

    def end(self):
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(timeout=20)


def main():
    page, program = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    names = [str(p) for p in range(50051, 50060)]
    ports = dict(zip(names, map(str, free_ports(len(names)))))
    back = {port: name for name, port in ports.items()}

    def swap(text, by):
        return re.sub(r"\d{4,5}", lambda m: by.get(m[0], m[0]), text)

    wrong = ran = 0
    with tempfile.TemporaryDirectory() as folder:
        session = Session(program, pathlib.Path(folder))
        try:
            for kind, lines in blocks(page):
                if file := re.search(r"file=(\S+)", kind):
                    (session.folder / file[1]).write_text("\n".join(lines) + "\n")
                if kind != "console":
                    continue
                for command, shown in commands(lines):
                    printed = session.run(swap(command, ports), shown)
                    printed = [swap(line, back) for line in printed]
                    ran += 1
                    if matches(shown, printed):
                        continue
                    wrong += 1
                    print(f"$ {command}\n-- shown:", *shown, "-- printed:", *printed, sep="\n")
        finally:
            session.end()
    print(f"{page.name}: {ran} commands, {wrong} print something else than is shown")
    sys.exit(wrong != 0 or ran == 0)


main()
