// The channelz service: looks up who is asked for, asks them one after the other on their loops,
// and answers on the call's.
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/channelz.h"
#include "base/text.h"
#include "event/loop_pool.h"
#include "rondo/channelz.h"
#include "server/channelz_encoding.h"
#include "server/service_protos.h"
#include "wire/proto_fields.h"

namespace rondo {
namespace {

using channelz::Ask;
using channelz::Directory;
using channelz::SocketRange;

constexpr Method kTopChannels{"/grpc.channelz.v1.Channelz/GetTopChannels"};
constexpr Method kServers{"/grpc.channelz.v1.Channelz/GetServers"};
constexpr Method kServer{"/grpc.channelz.v1.Channelz/GetServer"};
constexpr Method kServerSockets{"/grpc.channelz.v1.Channelz/GetServerSockets"};
constexpr Method kChannel{"/grpc.channelz.v1.Channelz/GetChannel"};
constexpr Method kSubchannel{"/grpc.channelz.v1.Channelz/GetSubchannel"};
constexpr Method kSocket{"/grpc.channelz.v1.Channelz/GetSocket"};

constexpr size_t kMostResults = 100;  // Of a page.
constexpr size_t kAll = SIZE_MAX;

// A call of the service, from wherever the answer is found.
class Talk : public std::enable_shared_from_this<Talk> {
 public:
  explicit Talk(ServerCall& call)
      : call_(&call), loop_(event::Of(call.loop()).shared_from_this()) {}
  // On the call's loop.
  void Begin() {
    call_->OnCancel([talk = shared_from_this()] {
      if (talk->call_ == nullptr) return;
      std::exchange(talk->call_, nullptr)->Finish(absl::CancelledError("the caller has gone"));
    });
  }
  // Any thread; the first counts.
  void Reply(std::string message) {
    loop_->Post([talk = shared_from_this(), message = std::move(message)] {
      if (talk->call_ == nullptr) return;
      std::exchange(talk->call_, nullptr)->Reply(FrameMessage(message));
    });
  }
  void Fail(absl::Status why) {
    loop_->Post([talk = shared_from_this(), why = std::move(why)] {
      if (talk->call_ != nullptr) std::exchange(talk->call_, nullptr)->Finish(why);
    });
  }
  void NotFound(std::string_view what, int64_t id) {
    Fail(absl::NotFoundError(Cat("channelz: there is no ", what, " ", id)));
  }

 private:
  ServerCall* call_;  // The loop's; null once answered.
  const std::shared_ptr<event::EventLoop> loop_;
};

// Asks some of a kind, one at a time, until take() says that it is enough.
template <class T>
class Round : public std::enable_shared_from_this<Round<T>> {
 public:
  using Take = Function<bool(T)>;  // False: no further ones are wanted.

  Round(std::vector<typename Directory<T>::Entry> asked, SocketRange sockets, Take take,
        Function<void()> done)
      : asked_(std::move(asked)),
        sockets_(sockets),
        take_(std::move(take)),
        done_(std::move(done)) {}

  // Whoever comes second, the one that asks or the answer, asks the next: no recursion when
  // answers come at once, and nobody waits when they come later.
  void Run() {
    while (at_ < asked_.size()) {
      arrived_.store(false, std::memory_order_relaxed);
      asked_[at_++].second(sockets_, Answer(this->shared_from_this()));
      if (!arrived_.exchange(true, std::memory_order_acq_rel)) return;
    }
    done_();
  }

 private:
  class Answer {
   public:
    explicit Answer(std::shared_ptr<Round> round) : round_(std::move(round)) {}
    Answer(Answer&&) noexcept = default;
    Answer& operator=(Answer&&) = delete;
    ~Answer() {
      if (round_ != nullptr) Arrive();  // It is no more.
    }
    void operator()(T told) {
      if (!round_->take_(std::move(told))) round_->at_ = round_->asked_.size();
      Arrive();
    }

   private:
    void Arrive() {
      const auto round = std::move(round_);
      if (round->arrived_.exchange(true, std::memory_order_acq_rel)) round->Run();
    }
    std::shared_ptr<Round> round_;
  };

  const std::vector<typename Directory<T>::Entry> asked_;
  const SocketRange sockets_;
  Take take_;
  Function<void()> done_;
  size_t at_ = 0;  // Handed from thread to thread by arrived_.
  std::atomic<bool> arrived_{false};
};
template <class T>
void AskAll(std::vector<typename Directory<T>::Entry> asked, SocketRange sockets,
            typename Round<T>::Take take, Function<void()> done) {
  std::make_shared<Round<T>>(std::move(asked), sockets, std::move(take), std::move(done))->Run();
}

// ---- Requests: up to three numbers.

struct Wanted {
  int64_t field[4] = {};
};
std::optional<Wanted> Read(Bytes request) {
  Wanted out;
  wire::ProtoReader reader(request);
  while (reader.Next()) {
    if (reader.field() < 4 && !reader.is_text()) {
      out.field[reader.field()] = static_cast<int64_t>(reader.number());
    }
  }
  if (!reader.good()) return std::nullopt;
  return out;
}

size_t PageSize(int64_t most) {
  return most == 0 ? kMostResults : std::min(static_cast<size_t>(most), kMostResults);
}

// ---- Answers.

// Pages of channels or servers. One more than is told says whether there are more.
template <class T>
void AnswerPage(const std::shared_ptr<Talk>& talk, const Directory<T>& all, int64_t from,
                int64_t most) {
  auto page = all.From(from, PageSize(most) + 1);
  const bool end = page.size() <= PageSize(most);
  if (!end) page.pop_back();
  const auto out = std::make_shared<std::string>();
  // Those that went while they were asked leave a hole, and what is left may be nothing: then who
  // pages on by the highest id would be stuck, so the next page is sought here.
  const int64_t next = page.empty() ? 0 : page.back().first + 1;
  AskAll<T>(
      std::move(page), {},
      [out](T told) {
        wire::AppendText(*out, 1, channelz::Encode(told));
        return true;
      },
      [talk, out, end, next, most, &all] {
        if (out->empty() && !end) return AnswerPage(talk, all, next, most);
        if (end) wire::AppendNumber(*out, 2, 1);
        talk->Reply(std::move(*out));
      });
}

template <class T>
void AnswerOne(const std::shared_ptr<Talk>& talk, const Directory<T>& all, int64_t id,
               std::string_view what) {
  auto one = all.From(id, 1);
  if (one.empty() || one[0].first != id) return talk->NotFound(what, id);
  const auto out = std::make_shared<std::string>();
  AskAll<T>(
      std::move(one), {},
      [out](T told) {
        wire::AppendText(*out, 1, channelz::Encode(told));
        return false;
      },
      [talk, out, id, what] {
        if (out->empty()) return talk->NotFound(what, id);
        talk->Reply(std::move(*out));
      });
}

void AnswerServerSockets(const std::shared_ptr<Talk>& talk, int64_t id, int64_t from,
                         int64_t most) {
  auto one = channelz::Servers().From(id, 1);
  if (one.empty() || one[0].first != id) return talk->NotFound("server", id);
  const size_t page = PageSize(most);
  const auto out = std::make_shared<std::string>();
  AskAll<channelz::Server>(
      std::move(one), {from, page + 1},
      [out, page](const channelz::Server& told) {
        for (size_t i = 0; i < std::min(page, told.sockets.size()); ++i) {
          wire::AppendText(*out, 1, channelz::SocketRef(told.sockets[i].id));
        }
        if (told.sockets.size() <= page) wire::AppendNumber(*out, 2, 1);
        return false;
      },
      [talk, out, id] {
        if (out->empty()) return talk->NotFound("server", id);
        talk->Reply(std::move(*out));
      });
}

void AnswerSubchannel(const std::shared_ptr<Talk>& talk, int64_t id) {
  const auto out = std::make_shared<std::string>();
  AskAll<channelz::Channel>(
      channelz::Channels().From(0, kAll), {},
      [out, id](const channelz::Channel& told) {
        for (const channelz::Subchannel& s : told.subchannels) {
          if (s.id == id) wire::AppendText(*out, 1, channelz::Encode(s));
        }
        return out->empty();
      },
      [talk, out, id] {
        if (out->empty()) return talk->NotFound("subchannel", id);
        talk->Reply(std::move(*out));
      });
}

// Which it is among these; true: not this one's.
bool SeekSocket(const std::vector<channelz::Socket>& sockets, int64_t id, std::string& out) {
  for (const channelz::Socket& s : sockets) {
    if (s.id == id && out.empty()) wire::AppendText(out, 1, channelz::Encode(s));
  }
  return out.empty();
}

void AnswerSocket(const std::shared_ptr<Talk>& talk, int64_t id) {
  const auto out = std::make_shared<std::string>();
  const SocketRange only{id, 1};
  AskAll<channelz::Server>(
      channelz::Servers().From(0, kAll), only,
      [out, id](const channelz::Server& told) {
        return SeekSocket(told.listeners, id, *out) && SeekSocket(told.sockets, id, *out);
      },
      [talk, out, id, only] {
        if (!out->empty()) return talk->Reply(std::move(*out));
        AskAll<channelz::Channel>(
            channelz::Channels().From(0, kAll), only,
            [out, id](const channelz::Channel& told) { return SeekSocket(told.sockets, id, *out); },
            [talk, out, id] {
              if (out->empty()) return talk->NotFound("socket", id);
              talk->Reply(std::move(*out));
            });
      });
}

// ---- The methods.

using Handle = void (*)(const std::shared_ptr<Talk>&, const Wanted&);

// `most`: the field with the size of a page; 0: it has none.
ServerMethod Serve(const Method& method, uint32_t most, Handle handle) {
  return {&method,
          [most, handle](ServerCall& call, Bytes request) {
            const std::optional<Wanted> wanted = Read(request);
            if (!wanted) {
              return call.Finish(
                  absl::InternalError(Cat(call.method(), ": the request can't be read")));
            }
            if (most != 0 && wanted->field[most] < 0) {
              return call.Finish(absl::InvalidArgumentError(Cat(
                  "channelz: max_results is ", wanted->field[most], ", it should be 0 or more")));
            }
            const auto talk = std::make_shared<Talk>(call);
            talk->Begin();
            handle(talk, *wanted);
          },
          /*always_admitted=*/true};  // A busy server is one to look at.
}

}  // namespace

std::vector<ServerMethod> ChannelzService::Methods() {
  using T = const std::shared_ptr<Talk>&;
  using W = const Wanted&;
  return {
      Serve(kTopChannels, 2,
            [](T t, W w) { AnswerPage(t, channelz::Channels(), w.field[1], w.field[2]); }),
      Serve(kServers, 2,
            [](T t, W w) { AnswerPage(t, channelz::Servers(), w.field[1], w.field[2]); }),
      Serve(kServer, 0, [](T t, W w) { AnswerOne(t, channelz::Servers(), w.field[1], "server"); }),
      Serve(kServerSockets, 3,
            [](T t, W w) { AnswerServerSockets(t, w.field[1], w.field[2], w.field[3]); }),
      Serve(kChannel, 0,
            [](T t, W w) { AnswerOne(t, channelz::Channels(), w.field[1], "channel"); }),
      Serve(kSubchannel, 0, [](T t, W w) { AnswerSubchannel(t, w.field[1]); }),
      Serve(kSocket, 0, [](T t, W w) { AnswerSocket(t, w.field[1]); })};
}

std::string_view ChannelzService::ProtoFile() const { return server::ChannelzProto(); }

}  // namespace rondo
