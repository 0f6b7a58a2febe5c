"""The programs that are measured, what they are asked to do, and what the figures are to reach."""
import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Program:
    """Both halves of one implementation; `idle` makes channels without calling."""
    name: str
    client: tuple = ()
    server: tuple = ()
    idle: tuple = ()
    peer: bool = True  # Not a floor, not us.
    open_loop: bool = False


def programs(build: pathlib.Path):
    """Those that were built, in the order of the tables."""
    ours, peers = build / "bench", build.parent / "peers"
    everyone = [
        Program("TCP floor", (ours / "tcp_echo", "client"), (ours / "tcp_echo", "server"), peer=False),
        Program("nghttp2 floor", (ours / "nghttp2_pair", "client"), (ours / "nghttp2_pair", "server"),
                peer=False, open_loop=True),
        Program("rondo", (ours / "client",), (ours / "server",), (ours / "weight",), peer=False,
                open_loop=True),
        Program("grpc C++ async", (peers / "grpc_cpp", "client", "async"),
                (peers / "grpc_cpp", "server", "async"), (peers / "grpc_cpp", "idle"), open_loop=True),
        Program("grpc C++ callback", (peers / "grpc_cpp", "client", "callback"),
                (peers / "grpc_cpp", "server", "callback")),
        Program("grpc-go", (peers / "grpc_go", "client"), (peers / "grpc_go", "server"),
                (peers / "grpc_go", "idle")),
        Program("tonic, 1 thread", (peers / "tonic", "client"), (peers / "tonic", "server")),
        Program("tonic, 2 threads", (peers / "tonic", "client", "threads=2"),
                (peers / "tonic", "server", "threads=2")),
    ]
    return [p for p in everyone if p.client[0].exists()]


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    title: str
    client: tuple = ()
    server: tuple = ()  # Of the floor's server, which must be told what to expect.
    ports: int = 1
    tcp: bool = False   # Whether a TCP echo says something about it.
    both_sides: bool = True  # Servers are measured in it too.
    warm: float = 0.0   # Seconds at least, where connecting takes long.
    apart: bool = False  # Also with both ends on CPUs of their own, and not pinned at all.


def unary(name, title, *client, **more):
    return Case(name, title, client, tuple(c for c in client if c.startswith("size=")), **more)


def stream(name, title, mode, *client, **more):
    return Case(name, title, (f"mode={mode}", *client), (f"mode={mode}",), **more)


MANY = 1000
CASES = [
    unary("unary 1", "unary, 16 B, 1 in flight", "inflight=1", tcp=True, apart=True),
    unary("unary 10", "unary, 16 B, 10 in flight", "inflight=10", tcp=True),
    unary("unary 100", "unary, 16 B, 100 in flight", "inflight=100", tcp=True, apart=True),
    unary("unary 1000", "unary, 16 B, 1,000 in flight", "inflight=1000", tcp=True),
    unary("backends 2", "2 backends, round robin, 100 in flight", "inflight=100", ports=2, both_sides=False),
    unary("backends 100", "100 backends, round robin, 100 in flight", "inflight=100", ports=100,
          both_sides=False, warm=0.5),
    unary("backends 1000", "1,000 backends, round robin, 100 in flight", "inflight=100", ports=MANY,
          both_sides=False, warm=2),
    unary("64 KiB", "64 KiB echo, 8 in flight", "inflight=8", "size=65536", tcp=True),
    unary("1 MiB", "1 MiB echo, 4 in flight", "inflight=4", "size=1048576", tcp=True),
    stream("many", "server streaming, 16 B, a message", "many", "inflight=1"),
    stream("ping-pong", "stream both ways, 1 message in flight", "both", "inflight=1"),
    stream("pipelined", "stream both ways, 100 messages in flight", "both", "inflight=100"),
    stream("900 streams", "900 streams, 1 message in flight on each", "both", "inflight=1", "streams=900",
           both_sides=False, warm=0.5),
]


@dataclasses.dataclass(frozen=True)
class Reach:
    """One row of what is to be reached: at most `most`, and `factor` times less than the best peer.

    `most` was set on a quiet machine where the nghttp2 floor cost `floor`; a run's own floor says how
    fast its machine is, and both grow with it.
    """
    title: str
    group: str
    name: str
    unit: str
    most: float
    floor: float
    factor: float = 1.0
    otherwise: str = ""  # What stands for `name` where a peer can't be asked for it: it is marked with *.

    def of(self, medians, name):
        """The figure, and whether it is the other one. `medians(group, program, figure)` knows them."""
        figure = medians(self.group, name, self.name)
        if figure is None and self.otherwise:
            figure = medians(self.group, name, self.otherwise)
            return figure, figure is not None
        return figure, False

    def here(self, medians):
        """`most` at the speed of the machine that was measured."""
        now, _ = self.of(medians, "nghttp2 floor")
        return self.most * now / self.floor if now else self.most


REACH = [
    Reach("client CPU a unary call, 100 in flight", "client unary 100", "client_us", "µs", 1.0, 1.18, 8),
    Reach("server CPU a unary call, 100 in flight", "server unary 100", "server_us", "µs", 1.0, 1.48),
    Reach("p50 with 1 in flight, both on one core", "client unary 1", "p50_us", "µs", 10, 10.7),
    Reach("client CPU with 1 in flight", "client unary 1", "client_us", "µs", 5.0, 5.49),
    Reach("client and server apart, 100 in flight, client", "split client unary 100", "client_us", "µs", 1.6, 1.67),
    Reach("2 backends round robin, 100 in flight, client", "client backends 2", "client_us", "µs", 1.2, 1.24),
    Reach("1,000 backends round robin, 100 in flight, client", "client backends 1000", "client_us", "µs", 7, 6.7),
    Reach("64 KiB echo, client CPU", "client 64 KiB", "client_us", "µs", 14, 13.49),
    Reach("1 MiB echo, client CPU", "client 1 MiB", "client_us", "µs", 480, 406),
    Reach("pipelined stream both ways, client CPU a message", "client pipelined", "client_us", "µs", 0.15, 0.086),
    Reach("memory a backend, 1,000 READY, client", "memory", "backend_kib", "KiB", 12, 14.5,
          otherwise="backend_under_load_kib"),
    Reach("1,000 backends READY, without traffic", "memory", "ready_ms", "ms", 75, 57,
          otherwise="ready_under_load_ms"),
]
