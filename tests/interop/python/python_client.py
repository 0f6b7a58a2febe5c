"""gRPC's interop test client over grpcio, with the further cases that README.md lists.

python_client.py --target 127.0.0.1:10000 --test_case large_unary [--kill_pid PID]

Exit status 0: the case passed.
"""

import argparse
import collections
import os
import queue
import signal
import sys
import time

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

import empty_pb2
import messages_pb2
import test_pb2_grpc

CASES = {}
EMPTY = empty_pb2.Empty()
REQUEST_SIZES = (27182, 8, 1828, 45904)
RESPONSE_SIZES = (31415, 9, 2653, 58979)
ROUND_ROBIN = '{"loadBalancingConfig": [{"round_robin": {}}]}'


def case(function):
    CASES[function.__name__] = function
    return function


def require(holds, what):
    if not holds:
        sys.exit(f"failed: {what}")


def sized(request_size, response_size, **more):
    return messages_pb2.SimpleRequest(
        payload=messages_pb2.Payload(body=bytes(request_size)), response_size=response_size, **more)


def ask(response_size, request_size=0):
    return messages_pb2.StreamingOutputCallRequest(
        response_parameters=[messages_pb2.ResponseParameters(size=response_size)],
        payload=messages_pb2.Payload(body=bytes(request_size)))


def fails(call, code, what):
    """The error that the call ends with."""
    try:
        call()
    except grpc.RpcError as error:
        require(error.code() == code, f"{what}: got {error.code()}, want {code}: {error.details()}")
        return error
    return require(False, f"{what}: it did not fail")


class Duplex:
    """A bidirectional call whose requests are put one by one."""

    def __init__(self, method, **options):
        self.requests = queue.Queue()
        self.call = method(iter(self.requests.get, None), **options)

    def write(self, request):
        self.requests.put(request)

    def writes_done(self):
        self.requests.put(None)

    def end(self, what):
        self.writes_done()
        require(next(self.call, None) is None, f"{what}: a reply too many")


@case
def empty_unary(stub):
    require(stub.EmptyCall(EMPTY) == EMPTY, "the reply is not empty")


@case
def large_unary(stub):
    reply = stub.UnaryCall(sized(271828, 314159))
    require(len(reply.payload.body) == 314159, "the reply has another size")


@case
def client_streaming(stub):
    reply = stub.StreamingInputCall(
        messages_pb2.StreamingInputCallRequest(payload=messages_pb2.Payload(body=bytes(size)))
        for size in REQUEST_SIZES)
    require(reply.aggregated_payload_size == sum(REQUEST_SIZES), "another sum")


@case
def server_streaming(stub):
    request = messages_pb2.StreamingOutputCallRequest(response_parameters=[
        messages_pb2.ResponseParameters(size=size) for size in RESPONSE_SIZES])
    sizes = tuple(len(reply.payload.body) for reply in stub.StreamingOutputCall(request))
    require(sizes == RESPONSE_SIZES, f"other sizes: {sizes}")


@case
def ping_pong(stub):
    duplex = Duplex(stub.FullDuplexCall)
    for request_size, response_size in zip(REQUEST_SIZES, RESPONSE_SIZES):
        duplex.write(ask(response_size, request_size))
        require(len(next(duplex.call).payload.body) == response_size, "another size")
    duplex.end("FullDuplexCall")


@case
def empty_stream(stub):
    Duplex(stub.FullDuplexCall).end("FullDuplexCall")


@case
def half_duplex(stub):
    replies = stub.HalfDuplexCall(iter([ask(31415, 10), ask(9, 10), ask(2653, 10)]))
    sizes = [len(reply.payload.body) for reply in replies]
    require(sizes == [31415, 9, 2653], f"other sizes: {sizes}")


@case
def timeout_on_sleeping_server(stub):
    duplex = Duplex(stub.FullDuplexCall, timeout=0.001)
    duplex.write(messages_pb2.StreamingOutputCallRequest(
        payload=messages_pb2.Payload(body=bytes(27182))))
    fails(lambda: next(duplex.call), grpc.StatusCode.DEADLINE_EXCEEDED, "FullDuplexCall")
    duplex.writes_done()


@case
def cancel_after_begin(stub):
    requests = queue.Queue()
    call = stub.StreamingInputCall.future(iter(requests.get, None))
    call.cancel()
    require(call.cancelled() and call.code() == grpc.StatusCode.CANCELLED, "it is not cancelled")
    requests.put(None)


@case
def cancel_after_first_response(stub):
    duplex = Duplex(stub.FullDuplexCall)
    duplex.write(ask(31415, 27182))
    next(duplex.call)
    duplex.call.cancel()
    fails(lambda: next(duplex.call), grpc.StatusCode.CANCELLED, "FullDuplexCall")
    duplex.writes_done()


@case
def custom_metadata(stub):
    sent = (("x-grpc-test-echo-initial", "test_initial_metadata_value"),
            ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab"))

    def check(call, what):
        require(sent[0] in call.initial_metadata(), f"{what}: the initial metadata is not there")
        require(sent[1] in call.trailing_metadata(), f"{what}: the trailing metadata is not there")

    _, call = stub.UnaryCall.with_call(sized(1, 1), metadata=sent)
    check(call, "UnaryCall")
    duplex = Duplex(stub.FullDuplexCall, metadata=sent)
    duplex.write(ask(1, 1))
    next(duplex.call)
    duplex.end("FullDuplexCall")
    check(duplex.call, "FullDuplexCall")


@case
def repeated_and_binary_metadata(stub):
    everything = bytes(range(256))
    sent = (("rondo-echo", "one"), ("rondo-echo-bin", everything), ("rondo-echo", "two"),
            ("rondo-echo-bin", b""), ("rondo-echo", "with, comma"), ("rondo-echo-bin", b"\n"))
    _, call = stub.EmptyCall.with_call(EMPTY, metadata=sent)
    initial = [value for key, value in call.initial_metadata() if key == "rondo-echo"]
    require(initial == ["one", "two", "with, comma"], f"initial metadata: {initial}")
    trailing = [value for key, value in call.trailing_metadata() if key == "rondo-echo-bin"]
    require(trailing == [everything, b"", b"\n"], f"trailing metadata: {trailing}")


def text_of_failure(stub, text):
    status = messages_pb2.EchoStatus(code=2, message=text)
    error = fails(lambda: stub.UnaryCall(sized(1, 1, response_status=status)),
                  grpc.StatusCode.UNKNOWN, "UnaryCall")
    require(error.details() == text, f"UnaryCall: another text: {error.details()!r}")
    duplex = Duplex(stub.FullDuplexCall)
    duplex.write(messages_pb2.StreamingOutputCallRequest(response_status=status))
    error = fails(lambda: next(duplex.call), grpc.StatusCode.UNKNOWN, "FullDuplexCall")
    require(error.details() == text, f"FullDuplexCall: another text: {error.details()!r}")
    duplex.writes_done()


@case
def status_code_and_message(stub):
    text_of_failure(stub, "test status message")


@case
def special_status_message(stub):
    text_of_failure(stub, "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n")


@case
def status_details(stub):
    wanted = status_pb2.Status(code=9, message="not in this state \u263a")
    wanted.details.add().Pack(sized(300, 1))
    wanted.details.add().Pack(EMPTY)
    metadata = (("rondo-details-bin", wanted.SerializeToString()),)
    error = fails(lambda: stub.UnaryCall(sized(1, 1), metadata=metadata),
                  grpc.StatusCode.FAILED_PRECONDITION, "UnaryCall")
    require(rpc_status.from_call(error) == wanted, "the details are others than were asked for")


@case
def unimplemented_method(stub):
    fails(lambda: stub.UnimplementedCall(EMPTY), grpc.StatusCode.UNIMPLEMENTED, "TestService")


@case
def unimplemented_service(stub):
    other = test_pb2_grpc.UnimplementedServiceStub(stub.channel)
    fails(lambda: other.UnimplementedCall(EMPTY), grpc.StatusCode.UNIMPLEMENTED, "another service")


def told(stub, what, timeout=None):
    _, call = stub.EmptyCall.with_call(EMPTY, metadata=(("rondo-tell", what),), timeout=timeout)
    return dict(call.initial_metadata())["rondo-told"]


@case
def deadline_reaches_server(stub):
    ms = int(told(stub, "deadline", timeout=30))
    require(25000 < ms <= 30000, f"the server sees a deadline in {ms} ms")
    require(told(stub, "deadline") == "none", "the server sees a deadline where there is none")


@case
def cancel_reaches_server(stub):
    before = told(stub, "cancelled")
    duplex = Duplex(stub.FullDuplexCall)
    duplex.write(ask(1))
    next(duplex.call)
    duplex.call.cancel()
    duplex.writes_done()
    for _ in range(100):
        if told(stub, "cancelled") != before:
            return
        time.sleep(0.05)
    require(False, "the server did not notice within 5 s that the caller has gone")


@case
def very_large_unary(stub):
    reply = stub.UnaryCall(sized(3 << 20, 3 << 20))
    require(len(reply.payload.body) == 3 << 20, "the reply has another size")


@case
def very_large_stream(stub):
    duplex = Duplex(stub.FullDuplexCall)
    for _ in range(8):
        duplex.write(ask(1 << 20, 1 << 20))
        require(len(next(duplex.call).payload.body) == 1 << 20, "another size")
    duplex.end("FullDuplexCall")


@case
def too_large_request(stub):
    """The server's limit is 4 MiB: the call fails, the next one doesn't."""
    fails(lambda: stub.UnaryCall(sized(5 << 20, 1)), grpc.StatusCode.RESOURCE_EXHAUSTED, "UnaryCall")
    stub.UnaryCall(sized(1, 1))


@case
def concurrent_large_unary(stub):
    calls = [stub.UnaryCall.future(sized(271828, 314159), timeout=60) for _ in range(200)]
    for call in calls:
        require(len(call.result().payload.body) == 314159, "a reply has another size")


def who_answers(stub):
    return stub.UnaryCall(
        sized(1, 1, fill_server_id=True), timeout=10, wait_for_ready=True).server_id


@case
def pick_first_unary(stub):
    ids = {who_answers(stub) for _ in range(100)}
    require(len(ids) == 1 and "" not in ids, f"these answered: {ids}")


def wait_for_both(stub):
    seen = set()
    for _ in range(1000):
        seen.add(who_answers(stub))
        if len(seen) == 2:
            return
        time.sleep(0.005)
    require(False, f"only one server answers: {seen}")


@case
def round_robin_unary(stub):
    wait_for_both(stub)
    calls = collections.Counter(who_answers(stub) for _ in range(100))
    require(set(calls.values()) == {50}, f"not by turns: {dict(calls)}")


@case
def round_robin_loses_one(stub):
    """One of the two is killed: every call goes to the other, but at most one in flight."""
    wait_for_both(stub)
    os.kill(stub.flags.kill_pid, signal.SIGKILL)
    failed, ids = 0, collections.Counter()
    for _ in range(100):
        try:
            ids[who_answers(stub)] += 1
        except grpc.RpcError as error:
            require(error.code() == grpc.StatusCode.UNAVAILABLE, f"a call failed: {error}")
            failed += 1
    require(failed <= 1 and len(ids) == 1, f"{failed} calls failed; answers: {dict(ids)}")


def echoes(flags):
    """The seed's example from this side: ten calls by turns over two echo servers."""
    import echo_pb2
    import echo_pb2_grpc

    with grpc.insecure_channel(flags.target, options=[("grpc.service_config", ROUND_ROBIN)]) as channel:
        stub = echo_pb2_grpc.EchoStub(channel)

        def call():
            request = echo_pb2.EchoRequest(message="this is examples/load_balancing")
            return stub.UnaryEcho(request, timeout=10, wait_for_ready=True).message

        both = set()
        for _ in range(1000):
            both.add(call())
            if len(both) == 2:
                break
            time.sleep(0.005)
        ports = [address.rsplit(":", 1)[1] for address in flags.target.split(":", 1)[1].split(",")]
        want = {f"this is examples/load_balancing (from :{port})" for port in ports}
        require(both == want, f"the servers answered {both}, want {want}")
        calls = collections.Counter(call() for _ in range(10))
        require(set(calls.values()) == {5}, f"not by turns: {dict(calls)}")


def open_channel(flags, options):
    if flags.use_tls != "true":
        return grpc.insecure_channel(flags.target, options=options)
    with open(flags.ca_file, "rb") as roots:
        credentials = grpc.ssl_channel_credentials(roots.read())
    options.append(("grpc.ssl_target_name_override", flags.server_host_override))
    return grpc.secure_channel(flags.target, credentials, options=options)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="127.0.0.1:10000")
    parser.add_argument("--test_case", default="large_unary")
    parser.add_argument("--kill_pid", type=int, help="one of two servers, for round_robin_loses_one")
    for name in ("use_tls", "use_test_ca", "ca_file", "server_host_override"):
        parser.add_argument("--" + name, default="")
    flags = parser.parse_args()
    if flags.test_case == "list":
        print("\n".join(sorted(CASES)))
    elif flags.test_case == "echoes":
        echoes(flags)
    else:
        options = [("grpc.max_receive_message_length", 64 << 20)]
        if flags.test_case.startswith("round_robin"):
            options.append(("grpc.service_config", ROUND_ROBIN))
        with open_channel(flags, options) as channel:
            stub = test_pb2_grpc.TestServiceStub(channel)
            stub.channel, stub.flags = channel, flags
            CASES[flags.test_case](stub)
        print("passed")


if __name__ == "__main__":
    main()
