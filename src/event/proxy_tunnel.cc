#include "event/proxy_tunnel.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace rondo::event {
namespace {

constexpr size_t kMostReplyBytes = 8 << 10;  // Of all heads of the answer.
constexpr size_t kMostReasonBytes = 100;     // Of a reason that is passed on.
constexpr std::string_view kEndOfHead = "\r\n\r\n";

std::string ConnectRequest(std::string_view address, std::string_view authorization) {
  std::string out = Cat("CONNECT ", address, " HTTP/1.1\r\nHost: ", address,
                        "\r\nUser-Agent: grpc-c++-rondo/" RONDO_VERSION "\r\n");
  if (!authorization.empty()) Append(out, Cat("Proxy-Authorization: ", authorization, "\r\n"));
  return out += "\r\n";
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// "403 Forbidden" of "HTTP/1.1 403 Forbidden"; empty: it is no such line.
std::string_view StatusOfLine(std::string_view line) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || !IsDigit(line[7]) || line[8] != ' ' ||
      !std::ranges::all_of(line.substr(9, 3), IsDigit) || (line.size() > 12 && line[12] != ' ')) {
    return {};
  }
  return line.substr(9);
}

// A stranger's words, fit for a log.
std::string PrintableReply(std::string_view text) {
  std::string out(text.substr(0, kMostReasonBytes));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

absl::Status NoHttp(std::string_view begin) {
  return absl::UnavailableError(Cat("its answer to CONNECT is no HTTP/1: \"",
                                    PrintableReply(begin.substr(0, 16)),
                                    "\"; is it a proxy, spoken to without TLS?"));
}

}  // namespace

ProxyTunnel::ProxyTunnel(std::unique_ptr<Socket> proxy, std::string_view address,
                         std::string_view authorization, Opened opened)
    : proxy_(std::move(proxy)),
      address_(address),
      opened_(std::move(opened)),
      request_(ConnectRequest(address, authorization)) {
  proxy_->Start(*this);
  Ask();
}

void ProxyTunnel::OnReadable() {
  if (events_ != nullptr) return events_->OnReadable();
  if (!opened_) return;  // Told again once somebody listens.
  ReadReply();
}

void ProxyTunnel::OnWritable() {
  if (events_ != nullptr) return events_->OnWritable();
  if (opened_) Ask();
}

// An error of the socket is met by reading.
void ProxyTunnel::Ask() {
  while (!request_.empty()) {
    const iovec bytes{request_.data(), request_.size()};
    const Io io = proxy_->Write({&bytes, 1});
    if (io.kind != Io::Kind::kMoved) return;
    request_.erase(0, io.bytes);
  }
}

void ProxyTunnel::ReadReply() {
  Ask();
  std::array<uint8_t, 1024> room;
  for (;;) {
    const size_t most = std::min(room.size(), kMostReplyBytes - reply_.size());
    const Io io = proxy_->Read(std::span(room).first(most));
    if (io.kind == Io::Kind::kWouldBlock) return;
    if (io.kind == Io::Kind::kError) return End(io.why);
    if (io.kind == Io::Kind::kEnd) {
      return End(absl::UnavailableError("it closed the connection instead of answering CONNECT"));
    }
    reply_.append(reinterpret_cast<const char*>(room.data()), io.bytes);
    if (const auto judged = Judge()) return End(*judged);
    if (reply_.size() >= kMostReplyBytes) {
      return End(absl::UnavailableError(
          Cat("its answer to CONNECT is longer than ", kMostReplyBytes, " bytes")));
    }
  }
}

// Nothing: the answer isn't complete. Takes complete heads out of `reply_`.
std::optional<absl::Status> ProxyTunnel::Judge() {
  for (;;) {
    constexpr std::string_view kBegin = "HTTP/1.";
    const std::string_view begin = std::string_view(reply_).substr(0, kBegin.size());
    if (!kBegin.starts_with(begin)) return NoHttp(reply_);
    const size_t end = reply_.find(kEndOfHead);
    if (end == reply_.npos) return std::nullopt;
    const std::string_view line = std::string_view(reply_).substr(0, reply_.find("\r\n"));
    const std::string_view status = StatusOfLine(line);
    if (status.empty()) return NoHttp(line);
    if (status.starts_with("200")) {  // Has no body, whatever its fields say (RFC 9110, 9.3.6).
      reply_.erase(0, end + kEndOfHead.size());
      return absl::OkStatus();
    }
    if (status.front() != '1' || status.starts_with("101")) {
      return absl::UnavailableError(
          Cat("it answered CONNECT with ", PrintableReply(status),
              status.starts_with("407") ? "; the proxy's URL may carry user:password@" : ""));
    }
    // An interim answer; its bytes still count, so that these have an end.
    interim_ += end + kEndOfHead.size();
    if (interim_ >= kMostReplyBytes) {
      return absl::UnavailableError(
          Cat("its answer to CONNECT is longer than ", kMostReplyBytes, " bytes"));
    }
    reply_.erase(0, end + kEndOfHead.size());
  }
}

void ProxyTunnel::End(const absl::Status& status) {
  Opened opened = std::move(opened_);
  opened(status);  // This may be gone.
}

void ProxyTunnel::Start(SocketEvents& events) {
  events_ = &events;
  // The socket has been started: a pause that ends brings the OnReadable that is due.
  proxy_->PauseReading(true);
  proxy_->PauseReading(false);
}

Io ProxyTunnel::Read(std::span<uint8_t> into) {
  if (reply_.empty()) return proxy_->Read(into);
  const size_t n = std::min(into.size(), reply_.size());
  std::memcpy(into.data(), reply_.data(), n);
  reply_.erase(0, n);
  return {.bytes = n};
}

}  // namespace rondo::event
