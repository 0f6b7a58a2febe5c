// The outbox keeps the order and the addresses of its bytes, whatever their sizes.
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace rondo {
namespace {

std::string Read(std::span<const iovec> views, size_t limit) {
  std::string text;
  for (const iovec& v : views) text.append(static_cast<const char*>(v.iov_base), v.iov_len);
  return text.substr(0, limit);
}

TEST(Outbox, BytesComeOutAsTheyWentInThroughGrowingBlocksAndPartWrites) {
  std::mt19937 random(5);
  Outbox outbox;
  std::string in, out;
  for (int round = 0; round < 3000; ++round) {
    const size_t most = round < 1500 ? 6000 : 40;  // Then it has a block too large for its needs.
    for (size_t i = random() % 4; i > 0; --i) {
      const std::string piece(random() % most, static_cast<char>('a' + random() % 26));
      const Bytes bytes(reinterpret_cast<const uint8_t*>(piece.data()), piece.size());
      if (random() % 2 == 0) {
        outbox.Append(bytes);
      } else {
        Slice slice = Slice::Copy(bytes);
        outbox.Take(slice, bytes.size());
      }
      in += piece;
    }
    const size_t n = random() % 3 == 0 ? random() % (outbox.size() + 1) : outbox.size();
    out += Read(outbox.Gather(), n);
    outbox.Wrote(n);
  }
  EXPECT_EQ(out, in.substr(0, out.size()));
  EXPECT_EQ(outbox.size(), in.size() - out.size());
}

TEST(Outbox, ReservedRoomCountsOnlyWhatIsCommitted) {
  Outbox outbox;
  uint8_t* room = outbox.Reserve(100);
  std::memcpy(room, "abc", 3);
  outbox.Commit(3);
  std::memcpy(outbox.Room(2), "de", 2);
  EXPECT_EQ(Read(outbox.Gather(), 100), "abcde");
  EXPECT_EQ(outbox.Gather().size(), 1u);
}

}  // namespace
}  // namespace rondo
