#include "wire/compression.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/text.h"

namespace rondo::wire {
namespace {

constexpr size_t kMost = std::numeric_limits<uInt>::max();  // That zlib takes in one go.
constexpr size_t kMostRatio = 1032;                         // That deflate can reach.

int WindowBits(Compression how) { return how == Compression::kGzip ? 15 + 16 : 15; }

struct Deflater {
  explicit Deflater(Compression how)
      : good(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WindowBits(how), 8,
                          Z_DEFAULT_STRATEGY) == Z_OK) {}
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { deflateEnd(&stream); }
  bool Reset() { return good && deflateReset(&stream) == Z_OK; }
  z_stream stream{};
  const bool good;
};

struct Inflater {
  explicit Inflater(Compression how) : good(inflateInit2(&stream, WindowBits(how)) == Z_OK) {}
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
  bool Reset() { return good && inflateReset(&stream) == Z_OK; }
  z_stream stream{};
  const bool good;
};

// This thread's, made at the first use and ready for a new message; null: there is no memory.
template <class Machine>
Machine* OfThread(Compression how) {
  thread_local std::unique_ptr<Machine> gzip, deflate;
  std::unique_ptr<Machine>& mine = how == Compression::kGzip ? gzip : deflate;
  if (mine == nullptr) mine = std::make_unique<Machine>(how);
  return mine->Reset() ? mine.get() : nullptr;
}

// How much room to begin with. A gzip ends with its length (RFC 1952 section 2.3.1): a hint, since
// anybody can write anything there.
size_t Guess(Compression how, Bytes bytes) {
  size_t guess = bytes.size() * 4;
  if (how == Compression::kGzip && bytes.size() >= 4) {
    const Bytes tail = bytes.last(4);
    guess = tail[0] | size_t{tail[1]} << 8 | size_t{tail[2]} << 16 | size_t{tail[3]} << 24;
  }
  return std::min(guess, bytes.size() * kMostRatio) + 64;
}

absl::Status NotOurs(Compression how, Bytes bytes, std::string_view why) {
  return absl::InternalError(
      Cat("a message of ", bytes.size(), " bytes that is not ", EncodingName(how), ": ", why));
}

void Resize(ByteVector& out, size_t size) {
  out.reserve(size);  // No more than that, which resize alone doesn't promise.
  out.resize(size);
}

}  // namespace

std::string_view EncodingName(Compression encoding) {
  switch (encoding) {
    case Compression::kIdentity:
      return "identity";
    case Compression::kGzip:
      return "gzip";
    case Compression::kDeflate:
      return "deflate";
  }
  return "identity";
}

std::optional<Compression> ParseEncoding(std::string_view name) {
  for (const Compression c : {Compression::kIdentity, Compression::kGzip, Compression::kDeflate}) {
    if (name == EncodingName(c)) return c;
  }
  return std::nullopt;
}

Encodings ParseAcceptEncoding(std::string_view list) {
  Encodings encodings;
  if (list == kAcceptEncoding) return Encodings::All();  // As our own channels say it.
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (const auto encoding = ParseEncoding(name)) encodings.Add(*encoding);
  }
  return encodings;
}

Slice CompressMessage(Compression how, Slice framed) {
  if (how == Compression::kIdentity || framed.size() <= kMessagePrefix + 1) return framed;
  const Bytes body = framed.bytes().subspan(kMessagePrefix);
  if (body.size() > kMost) return framed;
  auto* machine = OfThread<Deflater>(how);
  if (machine == nullptr) return framed;
  // Room for one byte less than there was: what doesn't fit has not become shorter.
  auto all = std::make_unique_for_overwrite<uint8_t[]>(kMessagePrefix + body.size() - 1);
  z_stream& stream = machine->stream;
  stream.next_in = const_cast<Bytef*>(body.data());
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = all.get() + kMessagePrefix;
  stream.avail_out = static_cast<uInt>(body.size() - 1);
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return framed;
  const size_t size = body.size() - 1 - stream.avail_out;
  WriteMessagePrefix(all.get(), size, /*compressed=*/true);
  uint8_t* mine = all.release();
  return Slice(
      {mine, kMessagePrefix + size}, [](void* p) { delete[] static_cast<uint8_t*>(p); }, mine);
}

absl::Status DecompressMessage(Compression how, Bytes bytes, size_t limit, ByteVector& out) {
  out.clear();
  auto* machine = OfThread<Inflater>(how);
  if (machine == nullptr) {
    return absl::ResourceExhaustedError(
        Cat("a message whose ", EncodingName(how), " can't be undone: no memory"));
  }
  z_stream& stream = machine->stream;
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  const size_t most = std::min(limit, kMost - 1) + 1;  // One more tells that it is too long.
  Resize(out, std::min(most, Guess(how, bytes)));
  for (size_t made = 0;;) {
    stream.next_out = out.data() + made;
    stream.avail_out = static_cast<uInt>(out.size() - made);
    const int result = inflate(&stream, Z_NO_FLUSH);
    made = out.size() - stream.avail_out;
    if (made == most) {
      out.clear();
      return absl::ResourceExhaustedError(Cat("a message of ", bytes.size(),
                                              " bytes that grows beyond the limit of ", limit,
                                              " bytes when its ", EncodingName(how), " is undone"));
    }
    if (result == Z_STREAM_END) {
      out.resize(made);
      if (stream.avail_in == 0) return absl::OkStatus();
      return NotOurs(how, bytes, Cat(stream.avail_in, " bytes follow its end"));
    }
    if (result != Z_OK && result != Z_BUF_ERROR) {
      return NotOurs(how, bytes, stream.msg != nullptr ? stream.msg : "it needs a dictionary");
    }
    if (stream.avail_out > 0) return NotOurs(how, bytes, "it ends too early");
    Resize(out, std::min(most, out.size() * 2));
  }
}

}  // namespace rondo::wire
