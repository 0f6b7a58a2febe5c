// Server reflection: one request, one response, over a stream that remembers which files went.
#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/text.h"
#include "rondo/reflection.h"
#include "server/service_protos.h"
#include "wire/descriptors.h"
#include "wire/proto_fields.h"

namespace rondo {
namespace {

constexpr Method kV1{"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true, true};
constexpr Method kAlpha{"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", true,
                        true};

// The field numbers of ServerReflectionRequest and ServerReflectionResponse.
enum Asked : uint32_t {
  kFileByName = 3,
  kFileBySymbol = 4,
  kFileByExtension = 5,
  kExtensionsOf = 6,
  kListServices = 7
};
enum Answered : uint32_t {
  kValidHost = 1,
  kOriginal = 2,
  kFiles = 4,
  kExtensions = 5,
  kServices = 6,
  kError = 7
};

struct Question {
  std::string_view host, text;
  uint32_t kind = 0;  // One of Asked; 0: nothing is asked.
};
std::optional<Question> Read(Bytes request) {
  Question question;
  wire::ProtoReader reader(request);
  while (reader.Next()) {
    if (!reader.is_text()) continue;
    if (reader.field() == 1) question.host = reader.text();
    if (reader.field() >= kFileByName && reader.field() <= kListServices) {
      question.kind = reader.field();
      question.text = reader.text();
    }
  }
  if (!reader.good()) return std::nullopt;
  return question;
}

std::string Field(uint32_t number, std::string_view text) {
  std::string out;
  wire::AppendText(out, number, text);
  return out;
}
std::string Error(absl::StatusCode code, std::string_view words) {
  std::string error;
  wire::AppendNumber(error, 1, static_cast<uint64_t>(code));
  wire::AppendText(error, 2, words);
  return Field(kError, error);
}
std::string NotFound(std::string_view what) {
  return Error(absl::StatusCode::kNotFound, Cat("reflection: there is no ", what));
}

}  // namespace

// Outlives the service while calls run.
class ReflectionService::State : public std::enable_shared_from_this<State> {
 public:
  wire::DescriptorFiles& files() { return files_; }
  void SetNames(std::vector<std::string> names) {
    const std::lock_guard lock(mutex_);
    names_ = std::move(names);
  }
  void Begin(ServerCall& call);

 private:
  // One call. Threads: its loop's.
  class Talk : public std::enable_shared_from_this<Talk> {
   public:
    Talk(std::shared_ptr<State> state, ServerCall& call) : state_(std::move(state)), call_(call) {}
    void ReadNext();

   private:
    void Answer(Bytes request);
    std::string AnswerTo(const Question& question);
    std::string FileAnd(std::optional<std::string> file, std::string_view missing);
    std::string Extensions(std::string_view type) const;
    std::string Services() const;

    const std::shared_ptr<State> state_;
    ServerCall& call_;
    std::set<std::string> sent_;  // Names of files.
  };

  wire::DescriptorFiles files_;
  std::mutex mutex_;  // Guards what follows.
  std::vector<std::string> names_;
};

void ReflectionService::State::Begin(ServerCall& call) {
  std::make_shared<Talk>(shared_from_this(), call)->ReadNext();
}

void ReflectionService::State::Talk::ReadNext() {
  call_.Read([talk = shared_from_this()](std::optional<Bytes> request) {
    if (!request) {
      return talk->call_.Finish(
          talk->call_.cancelled() ? absl::CancelledError("the caller has gone") : absl::OkStatus());
    }
    talk->Answer(*request);
  });
}

void ReflectionService::State::Talk::Answer(Bytes request) {
  const std::optional<Question> question = Read(request);
  if (!question) {
    return call_.Finish(
        absl::InternalError(Cat(call_.method(), ": the request is no ServerReflectionRequest")));
  }
  std::string out;
  if (!question->host.empty()) wire::AppendText(out, kValidHost, question->host);
  wire::AppendText(out, kOriginal, {reinterpret_cast<const char*>(request.data()), request.size()});
  out += AnswerTo(*question);
  Slice framed = FrameMessage(out.size(), [&](uint8_t* to) { std::ranges::copy(out, to); });
  call_.Write(std::move(framed), [talk = shared_from_this()](bool) { talk->ReadNext(); });
}

std::string ReflectionService::State::Talk::AnswerTo(const Question& question) {
  const wire::DescriptorFiles& files = state_->files_;
  switch (question.kind) {
    case kFileByName:
      return FileAnd(files.ByName(question.text), Cat("file ", question.text));
    case kFileBySymbol:
      return FileAnd(files.BySymbol(question.text), Cat("symbol ", question.text));
    case kFileByExtension: {
      std::string type;
      int number = 0;
      wire::ProtoReader reader(question.text);
      while (reader.Next()) {
        if (reader.field() == 1) type = reader.text();
        if (reader.field() == 2) number = static_cast<int>(reader.number());
      }
      return FileAnd(files.ByExtension(type, number), Cat("extension ", number, " of ", type));
    }
    case kExtensionsOf:
      return Extensions(question.text);
    case kListServices:
      return Services();
    default:
      return Error(absl::StatusCode::kInvalidArgument, "reflection: the request asks for nothing");
  }
}

// The file, if it has not gone before, and after it what it imports, likewise.
std::string ReflectionService::State::Talk::FileAnd(std::optional<std::string> file,
                                                    std::string_view missing) {
  if (!file) return NotFound(missing);
  std::string out;
  std::deque<std::string> all{*file};
  for (; !all.empty(); all.pop_front()) {
    wire::FileNames names = wire::NamesOf(all.front());
    // Who asks gets an answer, even for what went before.
    if (!sent_.insert(names.name).second && !out.empty()) continue;
    wire::AppendText(out, 1, all.front());
    for (const std::string& import : names.imports) {
      if (sent_.contains(import)) continue;
      // One that is nowhere is left to the client to miss.
      if (auto found = state_->files_.ByName(import)) all.push_back(*std::move(found));
    }
  }
  return Field(kFiles, out);
}

std::string ReflectionService::State::Talk::Extensions(std::string_view type) const {
  const auto numbers = state_->files_.ExtensionsOf(type);
  if (!numbers) return NotFound(Cat("type ", type));
  std::string out = Field(1, type), packed;
  for (const int number : *numbers) wire::AppendVarint(packed, static_cast<uint64_t>(number));
  if (!packed.empty()) wire::AppendText(out, 2, packed);
  return Field(kExtensions, out);
}

std::string ReflectionService::State::Talk::Services() const {
  const std::lock_guard lock(state_->mutex_);
  std::string out;
  for (const std::string& name : state_->names_) wire::AppendText(out, 1, Field(1, name));
  return Field(kServices, out);
}

// ---- The public face.

ReflectionService::ReflectionService() : state_(std::make_shared<State>()) {}
ReflectionService::~ReflectionService() = default;

absl::Status ReflectionService::AddFiles(std::string_view file_descriptor_set) {
  wire::ProtoReader reader(file_descriptor_set);
  while (reader.Next()) {
    if (reader.field() != 1 || !reader.is_text()) continue;
    if (absl::Status s = state_->files().Add(reader.text()); !s.ok()) return s;
  }
  if (reader.good()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Cat("reflection: ", file_descriptor_set.size(), " bytes are no FileDescriptorSet"));
}

std::vector<ServerMethod> ReflectionService::Methods() {
  const auto begin = [s = state_](ServerCall& call, Bytes) { s->Begin(call); };
  return {{&kV1, begin}, {&kAlpha, begin}};
}

std::string_view ReflectionService::ProtoFile() const { return server::ReflectionProto(); }

absl::Status ReflectionService::OnStart(const ServedServices& served) {
  state_->SetNames(served.names);
  for (const std::string_view file : served.proto_files) {
    if (absl::Status s = state_->files().Add(file); !s.ok()) return s;
  }
  // What those of the library's own services import.
  if (absl::Status s = state_->files().Add(server::LoadReportProto()); !s.ok()) return s;
  return state_->files().Add(server::ReflectionAlphaProto());
}

}  // namespace rondo
