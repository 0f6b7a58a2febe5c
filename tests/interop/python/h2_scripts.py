"""Peers that break HTTP/2's rules (RFC 9113), one rule a script, in both roles:

    h2_scripts.py client PORT              against the server at 127.0.0.1:PORT
    h2_scripts.py server COMMAND...        for each script runs COMMAND --server_port=PORT, a client of one call

Each script says what the other side must answer: the connection's end with GOAWAY and these codes, a reset of the stream, or nothing at all.
Prints a line for each that failed, then `N passed, M failed`.
"""
import socket
import subprocess
import sys

import h2.errors
import hpack
from hyperframe import frame as f

E = h2.errors.ErrorCodes
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
REQUEST = [(":method", "POST"), (":scheme", "http"), (":path", "/grpc.testing.TestService/EmptyCall"), (":authority", "a"),
           ("te", "trailers"), ("content-type", "application/grpc")]
ANSWER = [(":status", "200"), ("content-type", "application/grpc")]
PATIENCE = 10  # Seconds.


def raw(kind, flags, stream, body=b""):
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, MORE = range(10)
END, ENDS_BLOCK, PADDED = 1, 4, 8


def block(fields):
    return hpack.Encoder().encode(fields, huffman=False)


def request(stream=1, flags=END | ENDS_BLOCK, fields=None, body=None):
    return raw(HEADERS, flags, stream, block(fields or REQUEST) if body is None else body)


def answer(flags=ENDS_BLOCK, fields=None):
    return raw(HEADERS, flags, 1, block(fields or ANSWER))


def setting(key, value):
    return raw(SETTINGS, 0, 0, key.to_bytes(2, "big") + value.to_bytes(4, "big"))


def word(n):
    return n.to_bytes(4, "big")


def closes(*codes):
    return ("goaway", codes)


def resets(*codes):
    return ("reset", codes)


# What both roles may be told once a stream is open.
EITHER = {
    "window update by nothing on the connection": (raw(WINDOW, 0, 0, word(0)), closes(E.PROTOCOL_ERROR)),
    "window of the connection beyond 2^31-1": (raw(WINDOW, 0, 0, word(2**31 - 1)), closes(E.FLOW_CONTROL_ERROR)),
    "window update of 3 bytes": (raw(WINDOW, 0, 0, b"abc"), closes(E.FRAME_SIZE_ERROR)),
    "window update on an idle stream": (raw(WINDOW, 0, 99, word(1)), closes(E.PROTOCOL_ERROR)),
    "a frame of 16,385 bytes": (raw(DATA, 0, 1, bytes(16385)), closes(E.FRAME_SIZE_ERROR)),
    "settings on a stream": (raw(SETTINGS, 0, 1), closes(E.PROTOCOL_ERROR)),
    "settings of 5 bytes": (raw(SETTINGS, 0, 0, b"12345"), closes(E.FRAME_SIZE_ERROR)),
    "an acknowledgement of settings with a body": (raw(SETTINGS, 1, 0, bytes(6)), closes(E.FRAME_SIZE_ERROR)),
    "initial window of 2^31": (setting(4, 2**31), closes(E.FLOW_CONTROL_ERROR)),
    "largest frame of 16,383 bytes": (setting(5, 16383), closes(E.PROTOCOL_ERROR)),
    "ping of 7 bytes": (raw(PING, 0, 0, bytes(7)), closes(E.FRAME_SIZE_ERROR)),
    "ping on a stream": (raw(PING, 0, 1, bytes(8)), closes(E.PROTOCOL_ERROR)),
    "goaway on a stream": (raw(GOAWAY, 0, 1, bytes(8)), closes(E.PROTOCOL_ERROR)),
    "reset of an idle stream": (raw(RST, 0, 99, word(8)), closes(E.PROTOCOL_ERROR)),
    "reset of stream 0": (raw(RST, 0, 0, word(8)), closes(E.PROTOCOL_ERROR)),
    "data on stream 0": (raw(DATA, 0, 0, b"x"), closes(E.PROTOCOL_ERROR)),
    "data on an idle stream": (raw(DATA, 0, 99, b"x"), closes(E.PROTOCOL_ERROR)),
    "padding longer than its frame": (raw(DATA, PADDED, 1, b"\x05abc"), closes(E.PROTOCOL_ERROR)),
    "a continuation of nothing": (raw(MORE, ENDS_BLOCK, 1, b"\x88"), closes(E.PROTOCOL_ERROR)),
    "a flood of settings": (raw(SETTINGS, 0, 0) * 3000, closes(E.ENHANCE_YOUR_CALM)),
    "a flood of unknown frames": (raw(0x42, 0, 0) * 3000, closes(E.ENHANCE_YOUR_CALM)),
    "33 settings at once": (raw(SETTINGS, 0, 0, (b"\0\x03" + word(9)) * 33), closes(E.ENHANCE_YOUR_CALM)),
    "an unknown frame and unknown flags": (raw(0x42, 0xff, 1, b"x") + raw(PING, 0xfe, 0, bytes(8)), ("pong", ())),
}
# A field of 900 bytes that goes into the table, and is then named again and again.
BOMB = b"\x40\x01x\x7f\x85\x06" + b"y" * 900 + b"\xbe" * 20
TO_SERVER = {
    "http/1.1": (None, ("end", ())),
    "a stream of an even number": (request(2), closes(E.PROTOCOL_ERROR)),
    "a stream below the last one": (request(5) + request(3), closes(E.PROTOCOL_ERROR, E.STREAM_CLOSED)),
    "a push": (raw(PUSH, ENDS_BLOCK, 1, word(2) + block(REQUEST)), closes(E.PROTOCOL_ERROR)),
    "push enabled by 2": (setting(2, 2), closes(E.PROTOCOL_ERROR)),
    "a header block that is broken off": (request(3, 0) + raw(DATA, 0, 1, b"x"), closes(E.PROTOCOL_ERROR)),
    "a header block that can't be decoded": (request(3, body=b"\xff\xff\xff\xff\xff\xff"), closes(E.COMPRESSION_ERROR)),
    "a header block without end": (request(3, 0) + raw(MORE, 0, 3) * 20, closes(E.ENHANCE_YOUR_CALM)),
    "upper case in a name": (request(3, fields=REQUEST + [("Upper", "x")], body=block(REQUEST) + b"\x00\x05Upper\x01x"),
                             resets(E.PROTOCOL_ERROR)),
    "a header of HTTP/1's connections": (request(3, fields=REQUEST + [("connection", "close")]), resets(E.PROTOCOL_ERROR)),
    "no path": (request(3, fields=[h for h in REQUEST if h[0] != ":path"]), resets(E.PROTOCOL_ERROR)),
    "a pseudo header at the end": (request(3, fields=REQUEST[:3] + REQUEST[4:] + [REQUEST[3]]), resets(E.PROTOCOL_ERROR)),
    "a header list of 20,000 bytes": (request(3, body=block(REQUEST) + BOMB), resets(E.ENHANCE_YOUR_CALM)),
    "data after the end": (raw(DATA, END, 3, b"x"), closes(E.PROTOCOL_ERROR, E.STREAM_CLOSED)),
}
BROKEN = b"\xff\xff\xff\xff\xff\xff"
TO_CLIENT = {
    "http/1.1": (None, ("end", ())),
    "headers on a stream of the server's own": (raw(HEADERS, ENDS_BLOCK, 2, block(ANSWER)), closes(E.PROTOCOL_ERROR)),
    "a push": (raw(PUSH, ENDS_BLOCK, 1, word(2) + block(REQUEST)), closes(E.PROTOCOL_ERROR)),
    "push enabled": (setting(2, 1), closes(E.PROTOCOL_ERROR)),
    "data before headers": (raw(DATA, 0, 1, b"x"), ("either", (E.PROTOCOL_ERROR,))),
    "a header block that is broken off": (answer(0) + raw(PING, 0, 0, bytes(8)), closes(E.PROTOCOL_ERROR)),
    "a header block that can't be decoded": (raw(HEADERS, ENDS_BLOCK, 1, BROKEN), closes(E.COMPRESSION_ERROR)),
    "a header block without end": (answer(0) + raw(MORE, 0, 1) * 20, closes(E.ENHANCE_YOUR_CALM)),
    "no status": (answer(fields=ANSWER[1:]), resets(E.PROTOCOL_ERROR)),
    "upper case in a name": (raw(HEADERS, ENDS_BLOCK, 1, block(ANSWER) + b"\x00\x05Upper\x01x"), resets(E.PROTOCOL_ERROR)),
    "a header list of 20,000 bytes": (raw(HEADERS, ENDS_BLOCK, 1, block(ANSWER) + BOMB), resets(E.ENHANCE_YOUR_CALM)),
    "goaway that grows": (raw(GOAWAY, 0, 0, word(1) + word(0)) + raw(GOAWAY, 0, 0, word(3) + word(0)), closes(E.PROTOCOL_ERROR)),
    "an end without trailers": (answer() + raw(DATA, END, 1), ("failed", ())),
    "an end inside a message": (answer() + raw(DATA, END, 1, b"\0\0\0\0\x09x"), ("failed", ())),
    "a message of 4 GiB": (answer() + raw(DATA, 0, 1, b"\0\xff\xff\xff\xff"), resets(E.CANCEL)),
    "a prefix of 2": (answer() + raw(DATA, 0, 1, b"\2\0\0\0\0"), resets(E.CANCEL)),
    "a status that is no number": (answer(ENDS_BLOCK | END, ANSWER + [("grpc-status", "banana")]), ("failed", ())),
    "the end of the connection": (b"", ("failed", ())),
}


class Peer:
    """The other side's frames."""

    def __init__(self, connection):
        self.socket, self.bytes = connection, b""
        connection.settimeout(PATIENCE)

    def frames(self):
        while True:
            while len(self.bytes) < 9 or len(self.bytes) < 9 + int.from_bytes(self.bytes[:3], "big"):
                try:
                    data = self.socket.recv(65536)
                except ConnectionError:
                    return
                if not data:
                    return
                self.bytes += data
            length = int.from_bytes(self.bytes[:3], "big")
            frame, _ = f.Frame.parse_frame_header(memoryview(self.bytes[:9]))
            frame.parse_body(memoryview(self.bytes[9:9 + length]))
            self.bytes = self.bytes[9 + length:]
            yield frame

    def say(self, data):
        try:
            self.socket.sendall(data)
        except ConnectionError:
            pass  # It has heard enough.

    def judge(self, want):
        """Why its answer isn't what is wanted; None: it is."""
        kind, codes = want
        heard, said = [], False
        for frame in self.frames():
            if isinstance(frame, f.GoAwayFrame) and frame.error_code != E.NO_ERROR:
                heard.append(f"GOAWAY {E(frame.error_code).name}")
                if kind == "either" and frame.error_code in codes:
                    return None
                said = said or frame.error_code in codes  # And it must close, which ends this loop.
            elif isinstance(frame, f.RstStreamFrame):
                heard.append(f"RST_STREAM {E(frame.error_code).name}")
                if kind in ("reset", "either") and frame.error_code in codes:
                    return None
            elif isinstance(frame, f.PingFrame) and "ACK" in frame.flags and kind == "pong":
                return None
        if kind == "end" or (kind == "goaway" and said):
            return None
        return f"wants {kind} {[c.name for c in codes]}, got {heard or 'nothing'}"


def against_server(port, script):
    data, want = script
    with socket.create_connection(("127.0.0.1", port)) as connection:
        peer = Peer(connection)
        if data is None:
            peer.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        else:
            peer.say(PREFACE + raw(SETTINGS, 0, 0) + request(1, ENDS_BLOCK) + data)
        return peer.judge(want)


def against_client(command, script):
    data, want = script
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        client = subprocess.Popen([*command, f"--server_port={listener.getsockname()[1]}"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
        try:
            connection, _ = listener.accept()
            listener.close()  # Who tries again finds nobody.
            with connection:
                peer = Peer(connection)
                assert connection.recv(len(PREFACE), socket.MSG_WAITALL) == PREFACE
                peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n" if data is None else raw(SETTINGS, 0, 0))
                if data is not None:
                    for frame in peer.frames():
                        if isinstance(frame, f.HeadersFrame):
                            break
                    peer.say(data)
                why = None
                if want[0] != "failed":
                    why = peer.judge(want)
                if want[0] == "pong":
                    peer.say(answer(ENDS_BLOCK | END, ANSWER + [("grpc-status", "13")]))
            _, said = client.communicate(timeout=PATIENCE)
            return why or (said.strip() if client.returncode else None)
        finally:
            client.kill()


def main():
    role, *rest = sys.argv[1:]
    scripts = {**EITHER, **(TO_SERVER if role == "client" else TO_CLIENT)}
    failed = 0
    for name, script in scripts.items():
        try:
            why = against_server(int(rest[0]), script) if role == "client" else against_client(rest, script)
        except (OSError, AssertionError, subprocess.TimeoutExpired) as error:
            why = f"{type(error).__name__}: {error}"
        if why is not None:
            failed += 1
            print(f"{name}: {why}")
    print(f"{len(scripts) - failed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
