// Explanation as text and as JSON.
#include <chrono>

#include "base/json_writer.h"
#include "base/text.h"
#include "channel/call_record.h"
#include "rondo/explain.h"
#include "wire/status_codec.h"

namespace rondo {
namespace {

using channel::ShortDuration;

std::string Told(const absl::Status& status) {
  return Cat(wire::CodeName(status.code()), ": ", MessageOf(status));
}
std::string_view Plural(int64_t n) { return n == 1 ? "" : "s"; }

std::string ResolverText(const Explanation::Resolver& r) {
  std::string out = Cat("resolver ", r.scheme, ": ");
  if (!r.answered) return Cat(out, "has not answered yet");
  Append(out, Cat(r.endpoints, " endpoint", Plural(static_cast<int64_t>(r.endpoints))));
  if (!r.note.empty()) Append(out, Cat(" (", r.note, ")"));
  if (r.age) Append(out, Cat(", ", ShortDuration(*r.age), " ago"));
  if (!r.error.ok()) {
    Append(out, Cat("; its last word, ", ShortDuration(r.error_age.value_or(Duration{})),
                    " ago: ", Told(r.error)));
  }
  return out;
}

std::string ConfigText(const Explanation::Config& c) {
  std::string out = Cat("config: ", c.source);
  if (!c.policy.empty()) Append(out, Cat(", policy ", c.policy));
  if (!c.refused.ok()) Append(out, Cat("; the resolver's is not used: ", MessageOf(c.refused)));
  return out;
}

void AppendTree(std::string& out, const Explanation::Node& node, size_t depth) {
  out.append(2 * depth, ' ');
  if (node.label != node.policy) Append(out, Cat(node.label, " "));
  Append(out, Cat(node.policy, " ", Name(node.state), "\n"));
  for (const auto& child : node.children) AppendTree(out, child, depth + 1);
}

std::string BackendText(const Explanation::Backend& b) {
  std::string out = Cat(b.address, " ", Name(b.state));
  if (b.tries > 0) Append(out, Cat(" (", b.tries, b.tries == 1 ? " try" : " tries"));
  if (b.next_try) Append(out, Cat(", next in ", ShortDuration(*b.next_try)));
  if (b.tries > 0) out += ')';
  if (b.connections > 1) Append(out, Cat(", ", b.connections, " connections"));
  Append(out, Cat(", ", b.in_flight, " in flight"));
  if (b.waiting > 0) Append(out, Cat(", ", b.waiting, " waiting for a stream"));
  if (b.free_streams) {
    Append(out, Cat(", ", *b.free_streams, " free stream", Plural(*b.free_streams)));
  }
  Append(out, Cat(", ", b.succeeded, " succeeded, ", b.failed, " failed"));
  if (b.latency > Duration{}) Append(out, Cat(", latency ", ShortDuration(b.latency)));
  if (!b.last_error.ok()) {
    Append(out,
           Cat("; last error", b.error_age ? Cat(", ", ShortDuration(*b.error_age), " ago") : "",
               ": ", MessageOf(b.last_error)));
  }
  return out;
}

// ---- JSON. Durations are seconds, as numbers.

void Seconds(JsonWriter& w, std::string_view name, Duration d) {
  w.Key(name).Number(std::chrono::duration<double>(d).count());
}
void Error(JsonWriter& w, std::string_view name, const absl::Status& status) {
  if (status.ok()) return;
  w.Key(name).Object();
  w.Key("code").Text(wire::CodeName(status.code())).Key("message").Text(MessageOf(status));
  w.EndObject();
}

void WriteResolver(JsonWriter& w, const Explanation::Resolver& r) {
  w.Object().Key("scheme").Text(r.scheme).Key("answered").Bool(r.answered);
  w.Key("endpoints").Number(r.endpoints).Key("note").Text(r.note);
  if (r.age) Seconds(w, "age", *r.age);
  Error(w, "error", r.error);
  if (r.error_age) Seconds(w, "errorAge", *r.error_age);
  w.EndObject();
}

void WriteConfig(JsonWriter& w, const Explanation::Config& c) {
  w.Object().Key("source").Text(c.source).Key("policy").Text(c.policy);
  if (!c.json.empty()) w.Key("serviceConfig").Raw(c.json);
  Error(w, "refused", c.refused);
  w.EndObject();
}

void WriteNode(JsonWriter& w, const Explanation::Node& node) {
  w.Object().Key("label").Text(node.label).Key("policy").Text(node.policy);
  w.Key("state").Text(Name(node.state)).Key("children").List();
  for (const auto& child : node.children) WriteNode(w, child);
  w.EndList().EndObject();
}

void WriteBackend(JsonWriter& w, const Explanation::Backend& b) {
  w.Object().Key("address").Text(b.address).Key("state").Text(Name(b.state));
  w.Key("connections").Number(b.connections);
  w.Key("inFlight").Number(b.in_flight).Key("waiting").Number(b.waiting);
  w.Key("succeeded").Number(b.succeeded).Key("failed").Number(b.failed);
  if (b.free_streams) w.Key("freeStreams").Number(*b.free_streams);
  Seconds(w, "latency", b.latency);
  w.Key("tries").Number(b.tries);
  if (b.next_try) Seconds(w, "nextTry", *b.next_try);
  Error(w, "lastError", b.last_error);
  if (b.error_age) Seconds(w, "errorAge", *b.error_age);
  w.EndObject();
}

}  // namespace

std::string Explanation::Text() const {
  std::string out = Cat(target, " ", state, ", ", running, " call", Plural(running), " running");
  if (waiting > 0) Append(out, Cat(", ", waiting, " of them waiting"));
  if (backing_off > 0) Append(out, Cat(", ", backing_off, " waiting to try again"));
  Append(out, Cat("\n", ResolverText(resolver), "\n", ConfigText(config), "\n"));
  if (!policies.empty()) out += "policy:\n";
  for (const Node& node : policies) AppendTree(out, node, 1);
  if (!backends.empty()) out += "backends:\n";
  for (const Backend& b : backends) Append(out, Cat("  ", BackendText(b), "\n"));
  return out;
}

std::string Explanation::Json() const {
  JsonWriter w;
  w.Object().Key("target").Text(target).Key("authority").Text(authority);
  w.Key("state").Text(state).Key("running").Number(running);
  w.Key("waiting").Number(waiting).Key("backingOff").Number(backing_off);
  w.Key("resolver");
  WriteResolver(w, resolver);
  w.Key("config");
  WriteConfig(w, config);
  w.Key("policies").List();
  for (const Node& node : policies) WriteNode(w, node);
  w.EndList().Key("backends").List();
  for (const Backend& b : backends) WriteBackend(w, b);
  w.EndList().EndObject();
  return w.Take();
}

}  // namespace rondo
