"""gRPC's interop test server over grpcio, with the further metadata keys that README.md lists.

python_server.py [--port 0] [--server_id ID] [--echo]      prints `listening on 127.0.0.1:PORT`

With --echo it serves the echo service of examples/load_balancing instead.
"""

import argparse
import signal
import threading
import time
from concurrent import futures

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

import empty_pb2
import messages_pb2
import test_pb2_grpc

ECHO_INITIAL = "x-grpc-test-echo-initial"
ECHO_TRAILING = "x-grpc-test-echo-trailing-bin"


def payload(kind, size):
    if kind != messages_pb2.COMPRESSABLE or size < 0:
        raise ValueError(f"there is no payload of type {kind} and size {size}")
    return messages_pb2.Payload(body=bytes(size))


class Service(test_pb2_grpc.TestServiceServicer):
    def __init__(self, server_id):
        self.server_id = server_id
        self.cancelled = 0
        self.lock = threading.Lock()

    def answer(self, context):
        """Does what the call's metadata asks for, and counts it if it is cancelled."""
        initial, trailing, details = [], [], None
        for key, value in context.invocation_metadata():
            if key in (ECHO_INITIAL, "rondo-echo"):
                initial.append((key, value))
            elif key in (ECHO_TRAILING, "rondo-echo-bin"):
                trailing.append((key, value))
            elif key == "rondo-tell":
                initial.append(("rondo-told", self.tell(context, value)))
            elif key == "rondo-details-bin":
                details = status_pb2.Status.FromString(value)
        if initial:
            context.send_initial_metadata(initial)
        context.set_trailing_metadata(trailing)
        if details is not None:
            context.abort_with_status(rpc_status.to_status(details))

    def tell(self, context, what):
        if what == "cancelled":
            with self.lock:
                return str(self.cancelled)
        left = context.time_remaining()
        # grpcio tells of a far point in time where there is no deadline.
        return "none" if left is None or left > 1e6 else str(int(left * 1000))

    def watch(self, context):
        """Counts the call if it ends otherwise than by its handler's return."""
        done, over = threading.Event(), threading.Event()

        def ended():
            if not done.is_set():
                with self.lock:
                    self.cancelled += 1
            over.set()

        context.add_callback(ended)
        return done, over

    @staticmethod
    def end_with(context, status):
        if status.code != 0:
            code = next(c for c in grpc.StatusCode if c.value[0] == status.code)
            context.abort(code, status.message)

    def EmptyCall(self, request, context):
        self.answer(context)
        return empty_pb2.Empty()

    def UnaryCall(self, request, context):
        self.answer(context)
        self.end_with(context, request.response_status)
        response = messages_pb2.SimpleResponse(
            payload=payload(request.response_type, request.response_size))
        if request.fill_server_id:
            response.server_id = self.server_id
        return response

    def StreamingInputCall(self, requests, context):
        self.answer(context)
        size = sum(len(request.payload.body) for request in requests)
        return messages_pb2.StreamingInputCallResponse(aggregated_payload_size=size)

    @staticmethod
    def replies(request):
        for parameters in request.response_parameters:
            time.sleep(parameters.interval_us / 1e6)
            yield messages_pb2.StreamingOutputCallResponse(
                payload=payload(request.response_type, parameters.size))

    def StreamingOutputCall(self, request, context):
        self.answer(context)
        yield from self.replies(request)

    def FullDuplexCall(self, requests, context):
        self.answer(context)
        done, over = self.watch(context)
        for request in requests:
            self.end_with(context, request.response_status)
            yield from self.replies(request)
        # The requests of a cancelled call just end, perhaps before grpcio tells that it is over.
        if not over.wait(0.2):
            done.set()

    def HalfDuplexCall(self, requests, context):
        self.answer(context)
        for request in list(requests):
            yield from self.replies(request)

    def UnimplementedCall(self, request, context):
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "it stays unimplemented")


def add_echo(server, port):
    import echo_pb2
    import echo_pb2_grpc

    class Echo(echo_pb2_grpc.EchoServicer):
        def UnaryEcho(self, request, context):
            return echo_pb2.EchoResponse(message=f"{request.message} (from :{port})")

    echo_pb2_grpc.add_EchoServicer_to_server(Echo(), server)


def listen(server, address, flags):
    if flags.use_tls != "true":
        return server.add_insecure_port(address)
    with open(flags.tls_key_file, "rb") as key, open(flags.tls_cert_file, "rb") as chain:
        credentials = grpc.ssl_server_credentials([(key.read(), chain.read())])
    return server.add_secure_port(address, credentials)


def main():
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--port", type=int, default=0)
    flags.add_argument("--server_id", default="python")
    flags.add_argument("--echo", action="store_true")
    for name in ("use_tls", "tls_cert_file", "tls_key_file"):
        flags.add_argument("--" + name, default="")
    flags = flags.parse_args()

    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=32),
        options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 64 << 20)])
    port = listen(server, f"127.0.0.1:{flags.port}", flags)
    if flags.echo:
        add_echo(server, port)
    else:
        test_pb2_grpc.add_TestServiceServicer_to_server(Service(flags.server_id), server)
    server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    stop = threading.Event()
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, lambda *_: stop.set())
    stop.wait()
    server.stop(1).wait()


if __name__ == "__main__":
    main()
