"""A server of the published negative HTTP/2 cases, with the library h2:

    h2_server.py --case goaway|rst_after_header|rst_during_data|rst_after_data|ping|max_streams

It prints `listening on 127.0.0.1:PORT`. Requests aren't looked at: the answer is always a SimpleResponse of 314,159 bytes.
"""
import argparse
import socket
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

BODY = 314_159
PINGS = 10


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def reply():
    payload = b"\x12" + varint(BODY) + bytes(BODY)
    message = b"\x0a" + varint(len(payload)) + payload
    return b"\0" + len(message).to_bytes(4, "big") + message


class Conversation:
    """One connection, on a thread of its own."""

    def __init__(self, connection, case):
        self.socket, self.case = connection, case
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.rest = {}  # Of the answer, by stream.
        self.ended = set()
        self.acks = 0

    def run(self):
        if self.case == "max_streams":
            # From the first SETTINGS on; h2 itself ends the connection of who opens more.
            self.h2.local_settings = h2.settings.Settings(
                client=False, initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1})
        self.h2.initiate_connection()
        self.flush()
        while data := self.socket.recv(65536):
            for event in self.h2.receive_data(data):
                self.on(event)
            self.write()
            self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def on(self, event):
        if isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.RequestReceived) and self.case == "ping":
            for i in range(PINGS):
                self.h2.ping(i.to_bytes(8, "big"))
        elif isinstance(event, h2.events.PingAckReceived):
            self.acks += 1
            if self.acks == PINGS:
                for stream in self.ended:
                    self.answer(stream)
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(event.stream_id)
            if self.case != "ping" or self.acks == PINGS:
                self.answer(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.rest.pop(event.stream_id, None)

    def answer(self, stream):
        self.h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        if self.case == "rst_after_header":
            return self.h2.reset_stream(stream, h2.errors.ErrorCodes.NO_ERROR)
        whole = reply()
        self.rest[stream] = whole[:len(whole) // 2] if self.case == "rst_during_data" else whole

    def write(self):
        """As much of the answers as the windows let through."""
        for stream in list(self.rest):
            while room := min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size,
                              len(self.rest[stream])):
                self.h2.send_data(stream, self.rest[stream][:room])
                self.rest[stream] = self.rest[stream][room:]
            if not self.rest[stream]:
                del self.rest[stream]
                self.end(stream)

    def end(self, stream):
        if self.case.startswith("rst"):
            return self.h2.reset_stream(stream, h2.errors.ErrorCodes.NO_ERROR)
        self.h2.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        if self.case == "goaway":
            self.h2.close_connection()


def serve(connection, case):
    with connection:
        try:
            Conversation(connection, case).run()
        except OSError:
            pass  # The client has gone.


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", required=True)
    args = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, args.case), daemon=True).start()


main()
