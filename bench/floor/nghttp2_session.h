#pragma once
// What the floor's client and server share: an nghttp2 session that reads from and writes to
// memory, and bodies made of one message after another.
// Threads: one.
#include <nghttp2/nghttp2.h>

#include "epoll_loop.h"

namespace bench {

inline nghttp2_nv Field(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view s) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(s.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

class Http2 : public Peer {
 public:
  explicit Http2(const Message& message) : message_(message) {}
  ~Http2() override { nghttp2_session_del(session_); }
  void OnBytes(Bytes bytes) override {
    if (nghttp2_session_mem_recv(session_, bytes.data(), bytes.size()) < 0) Die("HTTP/2");
  }
  void Fill(std::vector<uint8_t>& out) override {
    const uint8_t* piece = nullptr;
    for (ssize_t n; out.size() < kEnough && (n = nghttp2_session_mem_send(session_, &piece)) > 0;) {
      out.insert(out.end(), piece, piece + n);
    }
  }

 protected:
  static constexpr uint32_t kWindow = 16 << 20;

  // A body of `bytes`, which ends then; how much of it has gone is kept in the source itself.
  // `flags` tells the end.
  ssize_t CopyUpTo(uint64_t bytes, uint8_t* to, size_t room, uint32_t* flags,
                   nghttp2_data_source* source) const {
    const auto sent = reinterpret_cast<uintptr_t>(source->ptr);
    const size_t n = std::min({room, Message::kRun, static_cast<size_t>(bytes - sent)});
    std::memcpy(to, message_.At(sent, n).data(), n);
    source->ptr = reinterpret_cast<void*>(sent + n);
    if (sent + n == bytes) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }

  // A stream both ways: its body waits while all that is owed has gone.
  struct Flow {
    uint64_t owed = 0, sent = 0;  // Bytes.
    bool last = false, deferred = false;
  };
  ssize_t CopyOwed(Flow& flow, uint8_t* to, size_t room, uint32_t* flags) const {
    const size_t n = std::min({room, Message::kRun, static_cast<size_t>(flow.owed - flow.sent)});
    flow.deferred = n == 0 && !flow.last;
    if (flow.deferred) return NGHTTP2_ERR_DEFERRED;
    std::memcpy(to, message_.At(flow.sent, n).data(), n);
    flow.sent += n;
    if (flow.last && flow.sent == flow.owed) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }
  void Owe(int32_t stream, Flow& flow, uint64_t bytes) {
    flow.owed += bytes;
    if (flow.deferred) nghttp2_session_resume_data(session_, stream);
  }

  void Settings() {
    const nghttp2_settings_entry entries[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000},
                                              {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, 2);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow);
  }
  nghttp2_session* session_ = nullptr;
  const Message& message_;
};

}  // namespace bench
