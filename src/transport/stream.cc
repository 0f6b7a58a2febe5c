#include "transport/stream.h"

#include <utility>

#include "transport/connection.h"

namespace rondo::transport {

bool Stream::Send(Slice framed, bool end) {
  if (wire_ == nullptr) return false;
  local_end_ = end;
  sent_ += framed.size();
  connection_->Dirty();
  return connection_->session_->Send(*wire_, std::move(framed), end);
}

void Stream::Respond(const http2::HeaderTemplate& head, http2::ExtraHeaders extra, bool end) {
  if (wire_ == nullptr) return;
  connection_->session_->Respond(*wire_, head, extra, end);
  connection_->Dirty();
}

void Stream::Finish(const http2::HeaderTemplate& trailers, http2::ExtraHeaders extra) {
  if (wire_ == nullptr) return;
  connection_->session_->Finish(*wire_, trailers, extra);
  connection_->Dirty();
}

void Stream::Pull(int n) {
  pulls_ += n;
  if (connection_ != nullptr) connection_->Schedule(*this);
}

void Stream::Cancel(http2::Code code) {
  if (connection_ == nullptr) return;
  if (wire_ != nullptr) {
    connection_->session_->Reset(*std::exchange(wire_, nullptr), code);
    connection_->Dirty();
  }
  connection_->Detach(*this);
}

void Stream::Clear() {
  connection_ = nullptr;
  wire_ = nullptr;
  handler_ = nullptr;
  prev_ = next_ = nullptr;
  pulls_ = 0;
  scheduled_ = local_end_ = peer_end_ = half_closed_ = discard_ = starved_ = false;
  held_.clear();
  held_from_ = window_ = uncredited_ = unasked_ = arrived_ = 0;
  sent_ = taken_ = 0;
  trailers_.Clear();
}

}  // namespace rondo::transport
