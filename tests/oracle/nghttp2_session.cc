#include "oracle/nghttp2_session.h"

#include <cstring>

#include "base/text.h"
#include "oracle/nghttp2_memory.h"

namespace rondo::http2 {

Nghttp2Session::Nghttp2Session(Role role, const Options& options, Visitor& visitor,
                               std::pmr::memory_resource& memory)
    : role_(role),
      options_(options),
      visitor_(visitor),
      police_(visitor),
      pool_(memory),
      heads_(role == Role::kServer ? NGHTTP2_CLIENT_MAGIC_LEN : 0) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  SetReceiveCallbacks(callbacks);
  SetSendCallbacks(callbacks);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  Configure(option);
  nghttp2_mem mem = Nghttp2Memory(memory);
  if (role == Role::kClient) {
    nghttp2_session_client_new3(&session_, callbacks, this, option, &mem);
  } else {
    nghttp2_session_server_new3(&session_, callbacks, this, option, &mem);
  }
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  SubmitSettings();
}

Nghttp2Session::~Nghttp2Session() {
  nghttp2_session_del(session_);  // Calls no callback.
  DropBlock();
}

void Nghttp2Session::Configure(nghttp2_option* option) const {
  nghttp2_option_set_no_auto_window_update(option, 1);
  // A server remembers some closed streams, so that frames on them are told from frames on idle
  // ones (RFC 9113 section 5.1).
  nghttp2_option_set_no_closed_streams(option, role_ == Role::kClient ? 1 : 0);
  nghttp2_option_set_peer_max_concurrent_streams(option, 0x7fffffff);  // slots() decides.
  // Never: its default (1000 and 33 a second) ends honest clients with deadlines, and it reads the
  // real clock, which a session has none of. The owner judges Offence::kReset.
  nghttp2_option_set_stream_reset_rate_limit(option, 1'000'000'000'000, 1'000'000'000'000);
  // Ours (Session::replies) comes first: one read may hold thousands of PINGs.
  nghttp2_option_set_max_outbound_ack(option, 10000);
  nghttp2_option_set_max_continuations(option, options_.max_continuations);
  nghttp2_option_set_max_settings(option, 32);  // Entries of one frame (CVE-2020-11080).
  nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
}

void Nghttp2Session::SubmitSettings() {
  const bool client = role_ == Role::kClient;
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options_.max_header_bytes},
      client
          ? nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}
          : nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.max_streams}};
  nghttp2_submit_settings(session_, 0, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, 0, 0,
                                        static_cast<int32_t>(options_.connection_window));
}

// nghttp2 looks a stream up by hash for each call; most come in runs on one stream.
Nghttp2Session::Node* Nghttp2Session::Find(int32_t id) {
  if (last_ == nullptr || last_->id != static_cast<uint32_t>(id)) {
    last_ = static_cast<Node*>(nghttp2_session_get_stream_user_data(session_, id));
  }
  return last_;
}

// The owner's part of a stream ends here, unless it has ended already.
void Nghttp2Session::End(Node& node, const Closed& closed) {
  if (!std::exchange(node.detached, true) && node.told) visitor_.OnClosed(node, closed);
  node.user = nullptr;
  DropQueue(node);
}

void Nghttp2Session::CloseAll() {
  for (Node* node = pool_.open(); node != nullptr; node = node->next) {
    End(*node,
        {Cause::kConnection, fault_.code, Unsent(*node) ? Fate::kNotSent : Fate::kMaybeProcessed});
  }
}

void Nghttp2Session::Lost() {
  if (std::exchange(lost_, true)) return;
  CloseAll();
}

void Nghttp2Session::SetFault(Code code, std::string_view why) {
  if (std::exchange(faulty_, true)) return;
  fault_ = {code, std::string(why)};
}

void Nghttp2Session::Judge(bool within_budget, std::string_view what) {
  if (within_budget || faulty_) return;
  SetFault(Code::kEnhanceYourCalm, Cat("the peer sends too many ", what));
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

// -- Flow control.

// nghttp2's own account (consume_stream) speaks only above half a window, so a message of more than
// the other half would wait for ever: streams are credited by plain WINDOW_UPDATEs, the connection,
// which is credited on receipt, by its account.
void Nghttp2Session::Credit(Stream& stream, size_t bytes) {
  Node& node = static_cast<Node&>(stream);
  node.credit += bytes;
  if (node.credit >= options_.stream_window / 4) FlushCredit(stream);
}

void Nghttp2Session::FlushCredit(Stream& stream) {
  Node& node = static_cast<Node&>(stream);
  const size_t credit = std::exchange(node.credit, 0);
  if (credit == 0 || node.peer_end || node.detached) return;
  nghttp2_submit_window_update(session_, 0, static_cast<int32_t>(node.id),
                               static_cast<int32_t>(credit));
}

void Nghttp2Session::CreditConnection(size_t bytes) {
  credit_ += bytes;
  if (credit_ < options_.connection_window / 4) return;
  nghttp2_session_consume_connection(session_, std::exchange(credit_, 0));
}

// -- The connection.

uint32_t Nghttp2Session::slots() const {
  if (role_ == Role::kServer || !settled_ || goaway_ || faulty_ || lost_ || exhausted()) return 0;
  const uint32_t max =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return max > mine_open_ ? max - mine_open_ : 0;
}

bool Nghttp2Session::exhausted() const {
  return role_ == Role::kClient &&
         nghttp2_session_get_next_stream_id(session_) > options_.last_stream_id;
}

void Nghttp2Session::Ping(uint64_t payload) {
  uint8_t bytes[8];
  std::memcpy(bytes, &payload, 8);
  nghttp2_submit_ping(session_, 0, bytes);
}

void Nghttp2Session::GoAway(Code code, std::string_view debug) {
  nghttp2_submit_goaway(session_, 0, nghttp2_session_get_last_proc_stream_id(session_),
                        static_cast<uint32_t>(code), reinterpret_cast<const uint8_t*>(debug.data()),
                        debug.size());
}

std::unique_ptr<Session> MakeNghttp2Session(Role role, const Options& options, Visitor& visitor,
                                            std::pmr::memory_resource& memory) {
  return std::make_unique<Nghttp2Session>(role, options, visitor, memory);
}

}  // namespace rondo::http2
