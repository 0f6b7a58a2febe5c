// The table of streams against a map, through openings and ends in any order.
#include "http2/stream_table.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>

namespace rondo::http2 {
namespace {

struct Record {
  uint32_t id = 0;
};

TEST(StreamTable, FindsWhatWasAddedAndNothingElse) {
  std::mt19937 random(3);
  StreamTable<Record> table;
  EXPECT_EQ(table.Find(1), nullptr);
  std::deque<Record> records;
  std::map<uint32_t, Record*> open;
  uint32_t next = 1;
  for (int step = 0; step < 20000; ++step) {
    if (open.size() < 300 && random() % 2 == 0) {
      Record& record = records.emplace_back(Record{next});
      next += 2 + 2 * (random() % 3 == 0 ? random() % 50 : 0);  // Ids may be left out.
      table.Add(&record);
      open[record.id] = &record;
    } else if (!open.empty()) {
      const auto at = std::next(open.begin(), static_cast<long>(random() % open.size()));
      table.Remove(at->second);
      open.erase(at);
    }
    const uint32_t id = 1 + 2 * static_cast<uint32_t>(random() % (next / 2 + 10));
    const auto found = open.find(id);
    ASSERT_EQ(table.Find(id), found == open.end() ? nullptr : found->second) << step;
  }
  for (const auto& [id, record] : open) EXPECT_EQ(table.Find(id), record);
}

}  // namespace
}  // namespace rondo::http2
