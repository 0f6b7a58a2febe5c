#include "stack/script.h"

namespace rondo::stack {
namespace {

uint32_t Size(Dice& dice, const Habits& habits) {
  if (dice.Percent(habits.tiny)) return static_cast<uint32_t>(dice.Roll(40));
  const size_t chance = dice.Roll(100);
  if (chance < 2 * habits.huge) return static_cast<uint32_t>(130'000 + dice.Roll(300'000));
  if (chance < 2 * (habits.huge + habits.large)) return static_cast<uint32_t>(dice.Roll(100'000));
  if (chance < 20) return 0;
  return static_cast<uint32_t>(dice.Roll(2000));
}
std::vector<uint32_t> Sizes(Dice& dice, const Habits& habits, size_t count) {
  std::vector<uint32_t> sizes;
  while (sizes.size() < count) sizes.push_back(Size(dice, habits));
  return sizes;
}
// Mostly none.
Duration Pause(Dice& dice, size_t most) {
  return dice.Percent(60) ? Duration{} : dice.Milliseconds(most);
}

void DrawClient(Dice& dice, const Habits& habits, Script& s) {
  s.wait_for_ready = dice.Percent(habits.ready);
  if (dice.Percent(habits.deadlines)) s.timeout = std::chrono::milliseconds(1 + dice.Roll(400));
  s.write_pause = Pause(dice, 20);
  s.read_pause = Pause(dice, 20);
  if (dice.Percent(habits.cancels)) {
    s.cancel_after = dice.Milliseconds(150);
    s.drop = s.kind != Kind::kUnary && dice.Percent(50);
    if (s.drop && dice.Percent(30)) s.drop_at_reply = static_cast<int>(dice.Roll(3));
  }
  s.finish_first = dice.Percent(30);
}

void DrawServer(Dice& dice, const Habits& habits, Script& s) {
  constexpr absl::StatusCode kCodes[] = {
      absl::StatusCode::kNotFound,    absl::StatusCode::kCancelled,
      absl::StatusCode::kUnavailable, absl::StatusCode::kDeadlineExceeded,
      absl::StatusCode::kInternal,    absl::StatusCode::kAborted};
  if (dice.Percent(habits.failures)) s.code = kCodes[dice.Roll(std::size(kCodes))];
  s.think = Pause(dice, 60);
  s.echo = s.kind == Kind::kBidirectional && dice.Percent(50);
  const bool streams = s.method().client_streams;
  if (streams && !s.answers_ok() && dice.Percent(50)) s.enough = static_cast<int>(dice.Roll(3));
  s.obstinate = dice.Percent(30);
  s.headers_first = dice.Percent(20);
}

}  // namespace

Script Draw(Dice& dice, int id, const Habits& habits) {
  Script s;
  s.id = id;
  s.kind = dice.Percent(40) ? Kind::kUnary : static_cast<Kind>(1 + dice.Roll(3));
  s.requests = Sizes(dice, habits, s.method().client_streams ? dice.Roll(5) : 1);
  s.replies = Sizes(dice, habits, s.method().server_streams ? dice.Roll(5) : 1);
  if (dice.Percent(30)) {
    for (size_t n = dice.Roll(200); n > 0; --n) s.note += static_cast<char>(dice.Roll(256));
  }
  DrawClient(dice, habits, s);
  DrawServer(dice, habits, s);
  return s;
}

}  // namespace rondo::stack
