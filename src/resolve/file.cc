// file:///path.json: endpoints and a service config from a file, looked at again and again.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/lifetime.h"
#include "base/text.h"
#include "event/error_text.h"
#include "event/fd.h"
#include "resolve/builtin.h"
#include "resolve/endpoint_list.h"

namespace rondo::resolve {
namespace {

// Tells one state of a file from another: written in place, replaced, or a link that leads
// elsewhere.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  int64_t changed = 0;  // Nanoseconds; rename and chmod count, too.
  int error = 0;        // errno, if it can't be looked at.
  bool operator==(const FileStamp&) const = default;
};

FileStamp LookAt(const std::string& path) {
  struct stat s;
  if (stat(path.c_str(), &s) != 0) return {.error = errno};
  return {s.st_dev, s.st_ino, s.st_size, s.st_ctim.tv_sec * 1'000'000'000 + s.st_ctim.tv_nsec, 0};
}

absl::StatusOr<std::string> ReadAll(int file) {
  std::string text;
  for (char part[16 << 10]; text.size() <= Json::kMaxSize;) {
    const ssize_t n = read(file, part, sizeof part);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::UnavailableError(event::ErrorText(errno));
    if (n == 0) return text;
    text.append(part, static_cast<size_t>(n));
  }
  return absl::UnavailableError(Cat("more than ", Json::kMaxSize, " bytes"));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  // O_NONBLOCK: a pipe of that name must not hold the loop up.
  const event::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat s;
  if (!file.ok() || fstat(file.get(), &s) != 0) {
    return absl::UnavailableError(event::ErrorText(errno));
  }
  if (!S_ISREG(s.st_mode)) return absl::UnavailableError("it is not a regular file");
  return ReadAll(file.get());
}

class FileResolution final : public Resolver {
 public:
  FileResolution(std::string name, std::string path, Loop& loop, OnResolution tell,
                 FileOptions options)
      : name_(std::move(name)),
        path_(std::move(path)),
        loop_(loop),
        tell_(std::move(tell)),
        options_(options) {}

  void Start() override { Refresh(); }
  void Refresh() override {
    if (std::exchange(wanted_, true)) return;
    loop_.Post(lifetime_.Bind([this] { Look(); }));
  }

 private:
  void Look() {
    wanted_ = false;
    next_ = loop_.After(options_.period, [this] { Look(); });
    const FileStamp now = LookAt(path_);
    const bool same = seen_ == now;
    if (same && settled_) return;
    // A file that has changed is read at the next look, too: it may have been half written, or be
    // written again within one tick of the file system's clock.
    settled_ = same;
    seen_ = now;
    Tell(ReadFile(path_));
  }

  void Tell(absl::StatusOr<std::string> text) {
    if (told_ == text) return;
    told_ = std::move(text);
    absl::StatusOr<Resolution> news = Resolution();
    if (told_->ok()) {
      news = ReadEndpointList(**told_);
    } else {
      news = told_->status();
    }
    Resolution out{.endpoints = absl::UnavailableError(Cat(name_, ": ", MessageOf(news.status())))};
    if (news.ok()) out = *std::move(news);
    out.note = Cat("read from ", path_);
    const OnResolution publish = tell_;     // It may drop this resolver.
    publish(std::move(out)).IgnoreError();  // The same text would be as useless again.
  }

  const std::string name_, path_;
  Loop& loop_;
  const OnResolution tell_;
  const FileOptions options_;
  const Lifetime lifetime_;
  bool wanted_ = false, settled_ = false;
  std::optional<FileStamp> seen_;
  std::optional<absl::StatusOr<std::string>> told_;  // The text, or why there is none.
  std::unique_ptr<Timer> next_;
};

absl::Status BadFile(const Target& target, std::string_view why) {
  return absl::UnavailableError(Cat(target.text, ": ", why, "; write file:///path.json"));
}

// "orders" of file:///etc/services/orders.json, if it can be an authority as it is.
std::string AuthorityOfFile(const Target& target) {
  std::string_view name = target.path;
  name.remove_prefix(name.rfind('/') == name.npos ? 0 : name.rfind('/') + 1);
  if (name.ends_with(".json")) name.remove_suffix(5);
  const bool plain =
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
      name.npos;
  return plain && !name.empty() ? std::string(name) : "localhost";
}

}  // namespace

ResolverFactory FileScheme() { return FileResolver(); }

}  // namespace rondo::resolve

namespace rondo {

ResolverFactory FileResolver(FileOptions options) {
  ResolverFactory out{.scheme = "file", .make = {}, .authority = &resolve::AuthorityOfFile};
  out.make = [options](const Target& target, Loop& loop, OnResolution tell,
                       const ResolverOptions&) -> absl::StatusOr<std::unique_ptr<Resolver>> {
    if (!target.authority.empty()) {
      return resolve::BadFile(target, "files are of this machine, so no authority");
    }
    if (target.path.empty() || target.path.find('\0') != target.path.npos) {
      return resolve::BadFile(target, "that is no path");
    }
    if (options.period <= Duration{}) {
      return absl::InvalidArgumentError(Cat(target.text, ": FileOptions::period isn't positive"));
    }
    return std::make_unique<resolve::FileResolution>(target.text, target.path, loop,
                                                     std::move(tell), options);
  };
  return out;
}

}  // namespace rondo
