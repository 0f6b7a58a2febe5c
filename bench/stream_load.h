#pragma once
// Messages over streams: both ways with so many in flight on each, or one request and many replies.
#include <list>

#include "load.h"

namespace bench {

class BothLoad final : public Load {
 public:
  BothLoad(rondo::Channel channel, const Arguments& arguments)
      : Load(std::move(channel), arguments), streams_(arguments.Int("streams", 1)) {}

 private:
  struct Stream {
    rondo::StreamCall call;
    std::vector<uint64_t> begun;  // A ring, for messages come back in order.
    size_t oldest = 0, to_write = 0;
    bool writing = false;
  };

  void Begin() override {
    for (int i = streams_; i > 0; --i) {
      Stream& stream = all_.emplace_back();
      stream.call = channel_.Stream(method_, {});
      stream.begun.assign(in_flight_, meter_.Begin());
      stream.to_write = in_flight_;
      Write(stream);
      Read(stream);
    }
  }
  void Write(Stream& stream) {
    if (stream.writing || stream.to_write == 0) return;
    --stream.to_write;
    stream.writing = true;
    stream.call.Write(rondo::Slice::Static(message_.framed()), false, [this, &stream](bool) {
      stream.writing = false;
      Write(stream);
    });
  }
  void Read(Stream& stream) {
    stream.call.Read([this, &stream](std::optional<rondo::Bytes> reply) {
      if (!reply.has_value()) {
        Failed("the stream has ended");
        Over();
        return;
      }
      if (reply->size() != message_.body().size()) Failed("a reply has another size");
      uint64_t& begun = stream.begun[stream.oldest];
      begun = meter_.Ended(begun);
      if (begun == 0) return Over();
      if (++stream.oldest == stream.begun.size()) stream.oldest = 0;
      ++stream.to_write;
      Write(stream);
      Read(stream);
    });
  }

  const int streams_;
  std::list<Stream> all_;
};

class ManyLoad final : public Load {
 public:
  using Load::Load;

 private:
  struct Stream {
    rondo::StreamCall call;
    uint64_t begun = 0, left = 0;
  };

  void Begin() override {
    for (size_t i = in_flight_; i > 0; --i) Start(all_.emplace_back());
  }
  void Start(Stream& stream) {
    stream.begun = meter_.Begin();
    stream.left = kMany;
    stream.call = channel_.Stream(method_, {});
    stream.call.Write(rondo::Slice::Static(message_.framed()), true, [](bool) {});
    Read(stream);
  }
  void Read(Stream& stream) {
    stream.call.Read([this, &stream](std::optional<rondo::Bytes> reply) {
      if (!reply.has_value()) return End(stream);
      if (reply->size() != message_.body().size()) Failed("a reply has another size");
      --stream.left;
      if (meter_.Ended(stream.begun) == 0) return Over();
      Read(stream);
    });
  }
  void End(Stream& stream) {
    if (stream.left != 0) Failed("replies are missing");
    stream.call.Finish([this, &stream](const absl::Status& status) {
      if (!status.ok()) Failed(status.ToString());
      Start(stream);
    });
  }

  std::list<Stream> all_;
};

}  // namespace bench
