#pragma once
// Two sessions, of ours or over nghttp2, joined by strings of bytes.
// Threads: one; for tests only.
#include "base/free_list.h"
#include "http2/session_fixture.h"
#include "oracle/nghttp2_session.h"

namespace rondo::http2 {

// Which implementations talk, and how their bytes are cut.
struct Setting {
  std::string pair;  // "OwnOwn", "OwnOracle", ...: client, server.
  MakeSession client, server;
  size_t chunk;  // 0: random.
};
inline std::ostream& operator<<(std::ostream& out, const Setting& setting) {
  return out << setting.pair << setting.chunk;
}

class SessionTest : public testing::TestWithParam<Setting> {
 protected:
  size_t chunk() const { return GetParam().chunk; }
  bool own(Role role) const { return maker(role) == &MakeHttp2Session; }
  MakeSession maker(Role role) const {
    return role == Role::kClient ? GetParam().client : GetParam().server;
  }
  std::unique_ptr<Session> Make(Role role, const Options& options, Recorder& recorder) {
    auto session = maker(role)(role, options, recorder, memory);
    recorder.session = session.get();
    return session;
  }
  void Start(const Options& client_options = {}, const Options& server_options = {}) {
    client = Make(Role::kClient, client_options, at_client);
    server = Make(Role::kServer, server_options, at_server);
    Run();
    ASSERT_EQ(at_client.settings, 1);
    ASSERT_EQ(at_server.settings, 1);
  }
  // A server that hears what the test writes.
  void Serve(const Options& options = {}) { server = Make(Role::kServer, options, at_server); }
  bool Hear(std::string_view bytes) {
    return Give([&](Bytes b) { return server->Receive(b); }, bytes, chunk(), random);
  }
  bool Move(Session& from, Session& to, size_t limit = SIZE_MAX) {
    const std::string bytes = Take(from, limit);
    Give([&](Bytes b) { return to.Receive(b); }, bytes, chunk(), random);
    return !bytes.empty();
  }
  void Run() {
    for (int i = 0; i < 100000; ++i) {
      const bool up = Move(*client, *server), down = Move(*server, *client);
      if (!up && !down) return;
    }
    FAIL() << "never quiet";
  }
  void AnswerAll() {
    at_server.on_end = [this](Stream& s) {
      server->Respond(s, kResponse, {}, false);
      server->Send(s, Body(50), false);
      server->Finish(s, kOk, {});
    };
  }

  std::mt19937 random{42};
  FreeList memory;
  Recorder at_client, at_server;
  std::unique_ptr<Session> client, server;
};

inline std::vector<Setting> Settings() {
  std::vector<Setting> all;
  for (const size_t chunk : {1, 7, 4096, 0}) {
    all.push_back({"OwnOwn", &MakeHttp2Session, &MakeHttp2Session, chunk});
    all.push_back({"OwnOracle", &MakeHttp2Session, &MakeNghttp2Session, chunk});
    all.push_back({"OracleOwn", &MakeNghttp2Session, &MakeHttp2Session, chunk});
    all.push_back({"OracleOracle", &MakeNghttp2Session, &MakeNghttp2Session, chunk});
  }
  return all;
}
inline std::string SettingName(const testing::TestParamInfo<Setting>& info) {
  return info.param.pair + ChunkText(info.param.chunk);
}

}  // namespace rondo::http2
