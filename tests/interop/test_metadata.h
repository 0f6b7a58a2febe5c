#pragma once
// The metadata keys that steer the test servers, in any language; README.md says what each does.
// Threads: constants.

namespace rondo::interop {

// gRPC's own: echoed as initial and as trailing metadata.
inline constexpr const char* kEchoInitial = "x-grpc-test-echo-initial";
inline constexpr const char* kEchoTrailing = "x-grpc-test-echo-trailing-bin";
// This project's.
inline constexpr const char* kEcho = "rondo-echo";            // Every value, as initial metadata.
inline constexpr const char* kEchoBin = "rondo-echo-bin";     // Every value, as trailing metadata.
inline constexpr const char* kTell = "rondo-tell";            // "deadline" or "cancelled": answered
inline constexpr const char* kTold = "rondo-told";            // in this initial metadata.
inline constexpr const char* kDetails = "rondo-details-bin";  // A google.rpc.Status to end with.

// Where rondo keeps a google.rpc.Status within an absl::Status.
inline constexpr const char* kDetailsPayload = "type.googleapis.com/google.rpc.Status";

}  // namespace rondo::interop
