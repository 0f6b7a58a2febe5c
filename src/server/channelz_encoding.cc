#include "server/channelz_encoding.h"

#include <netinet/in.h>

#include <string_view>

#include "event/address.h"
#include "wire/proto_fields.h"

namespace rondo::channelz {
namespace {

void Number(std::string& out, uint32_t field, int64_t value) {
  if (value != 0) wire::AppendNumber(out, field, static_cast<uint64_t>(value));
}
void Text(std::string& out, uint32_t field, std::string_view value) {
  if (!value.empty()) wire::AppendText(out, field, value);
}
// ChannelRef, SubchannelRef, ServerRef, SocketRef: each has numbers of its own.
std::string Ref(uint32_t id_field, int64_t id, std::string_view name) {
  std::string out;
  Number(out, id_field, id);
  Text(out, id_field + 1, name);
  return out;
}
std::string ChannelRef(int64_t id, std::string_view name) { return Ref(1, id, name); }
std::string SubchannelRef(int64_t id, std::string_view name) { return Ref(7, id, name); }
std::string ServerRef(int64_t id) { return Ref(5, id, {}); }

// calls_started and the two behind it.
void AppendCalls(std::string& out, uint32_t first_field, const Calls& calls) {
  Number(out, first_field, calls.started);
  Number(out, first_field + 1, calls.succeeded);
  Number(out, first_field + 2, calls.failed);
}
std::string ChannelData(State state, std::string_view target, const Calls& calls) {
  std::string connectivity, out;
  Number(connectivity, 1, static_cast<int64_t>(state));
  wire::AppendText(out, 1, connectivity);
  Text(out, 2, target);
  AppendCalls(out, 4, calls);
  return out;
}

// Address.TcpIpAddress.
std::string TcpAddress(const event::SocketAddress& address) {
  std::string out;
  uint16_t port = 0;
  if (address.family() == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address.storage);
    Text(out, 1, {reinterpret_cast<const char*>(&in.sin_addr), sizeof in.sin_addr});
    port = ntohs(in.sin_port);
  } else {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address.storage);
    Text(out, 1, {reinterpret_cast<const char*>(&in.sin6_addr), sizeof in.sin6_addr});
    port = ntohs(in.sin6_port);
  }
  Number(out, 2, port);
  return out;
}
std::string Address(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  std::string inner, out;
  if (text.starts_with(kUnix)) {
    Text(inner, 1, text.substr(kUnix.size()));
    wire::AppendText(out, 2, inner);
  } else if (const auto address = event::ParseAddress(text); address.ok() && address->is_tcp()) {
    wire::AppendText(out, 1, TcpAddress(*address));
  } else {
    Text(inner, 1, text);
    wire::AppendText(out, 3, inner);
  }
  return out;
}

}  // namespace

std::string SocketRef(int64_t id) { return Ref(3, id, {}); }

std::string Encode(const Channel& channel) {
  std::string out;
  wire::AppendText(out, 1, ChannelRef(channel.id, channel.target));
  wire::AppendText(out, 2, ChannelData(channel.state, channel.target, channel.calls));
  for (const Subchannel& s : channel.subchannels) {
    wire::AppendText(out, 4, SubchannelRef(s.id, s.address));
  }
  return out;
}

std::string Encode(const Subchannel& subchannel) {
  std::string out;
  wire::AppendText(out, 1, SubchannelRef(subchannel.id, subchannel.address));
  wire::AppendText(out, 2, ChannelData(subchannel.state, subchannel.address, subchannel.calls));
  for (const int64_t id : subchannel.sockets) wire::AppendText(out, 5, SocketRef(id));
  return out;
}

std::string Encode(const Server& server) {
  std::string data, out;
  AppendCalls(data, 2, server.calls);
  wire::AppendText(out, 1, ServerRef(server.id));
  wire::AppendText(out, 2, data);
  for (const Socket& s : server.listeners) wire::AppendText(out, 3, SocketRef(s.id));
  return out;
}

std::string Encode(const Socket& socket) {
  std::string data, out;
  AppendCalls(data, 1, socket.streams);
  Number(data, 6, socket.pings);
  wire::AppendText(out, 1, SocketRef(socket.id));
  wire::AppendText(out, 2, data);
  if (!socket.local.empty()) wire::AppendText(out, 3, Address(socket.local));
  if (!socket.remote.empty()) wire::AppendText(out, 4, Address(socket.remote));
  return out;
}

}  // namespace rondo::channelz
