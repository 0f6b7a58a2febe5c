#pragma once
// Policies in short form: a function, or a struct with a picker, over the backends that are ready.
// The runtime does the rest: connecting, health, states, retries of connections, graceful switch.
// Threads: Build and Refresh run on the home loop; Pick and OnDone on any thread, many at once.
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rondo/balance.h"
#include "rondo/config.h"

namespace rondo {

// A backend that can take calls.
struct Ready {
  SubchannelRef subchannel;
  Endpoint endpoint;
  Time since;  // When it became ready.

  const LoadCell& load() const { return subchannel->load; }
};

// Backends that are ready, in the order of the resolver. Copies share the entries; whoever holds
// one may use plain pointers to its subchannels.
class ReadySet {
 public:
  using Entry = std::shared_ptr<const Ready>;
  class Iterator {
   public:
    explicit Iterator(const Entry* at) : at_(at) {}
    const Ready& operator*() const { return **at_; }
    Iterator& operator++() { return ++at_, *this; }
    bool operator==(const Iterator&) const = default;

   private:
    const Entry* at_;
  };

  ReadySet() = default;
  explicit ReadySet(std::vector<Entry> entries) : entries_(std::move(entries)) {}
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  const Ready& operator[](size_t i) const { return *entries_[i]; }
  Iterator begin() const { return Iterator(entries_.data()); }
  Iterator end() const { return Iterator(entries_.data() + entries_.size()); }

  // Those for which `keep(const Ready&)` is true.
  template <class F>
  ReadySet Where(F keep) const {
    std::vector<Entry> kept;
    for (const Entry& e : entries_) {
      if (keep(*e)) kept.push_back(e);
    }
    return ReadySet(std::move(kept));
  }

 private:
  std::vector<Entry> entries_;
};

// The one with the fewest calls in flight among `choices` (>= 1) different ones drawn by chance,
// all of them if the set is small. Equals are drawn for. Backends that this call tried before come
// last. Null only for an empty set. O(choices), no allocation.
const Subchannel* LeastLoaded(const ReadySet& set, const PickArgs& args, uint32_t choices = 2);

// ---- Level 0: a function -----------------------------------------------------------------------

// `pick` is called on any thread, many at once; the set is never empty. A Picked of null queues.
using PickFunction = std::function<PickResult(const ReadySet&, const PickArgs&)>;
PolicyFactory PolicyFrom(std::string name, PickFunction pick);

// ---- Level 1: a struct -------------------------------------------------------------------------

// static constexpr std::string_view kName;
// struct Config { void Read(ConfigReader&); };            optional: without, any config is ignored
// struct Picker { PickResult Pick(const PickArgs&) const;
//                 void OnDone(const Subchannel&, const CallEnd&) const; };   OnDone is optional
// Picker Build(const Config&, const ReadySet&[, const View&]);   without Config: not that argument
// Duration Refresh(const Config&);                        optional: build anew so often; 0: never
// static constexpr bool kCallReports = true;              optional: PolicyFactory::call_reports
//
// Build runs when the ready set or the config changes, for a set that isn't empty. The struct
// itself lives as long as the policy, so Build may keep something for the next picker.
template <class T>
concept ShortPolicy = requires {
  { T::kName } -> std::convertible_to<std::string_view>;
} && requires(const typename T::Picker& p, const PickArgs& a) {
  { p.Pick(a) } -> std::same_as<PickResult>;
};

// What a short form becomes, for the runtime.
class ShortForm {
 public:
  virtual ~ShortForm() = default;
  virtual PickerRef Build(const ConfigRef& config, const ReadySet& ready, const View& view) = 0;
  virtual Duration Refresh(const ConfigRef& /*config*/) { return {}; }
};
PolicyFactory FromShortForm(PolicyFactory named, std::function<std::unique_ptr<ShortForm>()> make);

template <ShortPolicy T>
class Adapted final : public ShortForm {
 public:
  static constexpr bool kHasConfig = requires { typename T::Config; };
  static constexpr bool kWatches = requires(const typename T::Picker& p, const Subchannel& s,
                                            const CallEnd& e) { p.OnDone(s, e); };
  static_assert(
      kWatches || !requires { &T::Picker::OnDone; },
      "rondo: a picker's OnDone is: void OnDone(const Subchannel&, const CallEnd&) const");

  PickerRef Build(const ConfigRef& config, const ReadySet& ready, const View& view) override {
    if constexpr (kHasConfig) {
      return std::make_shared<Wrapped>(
          ready, BuildWith(ready, view, ConfigAs<typename T::Config>(config)));
    } else {
      return std::make_shared<Wrapped>(ready, BuildWith(ready, view));
    }
  }
  Duration Refresh(const ConfigRef& config) override {
    if constexpr (requires { user_.Refresh(ConfigAs<typename T::Config>(config)); }) {
      return user_.Refresh(ConfigAs<typename T::Config>(config));
    }
    return {};
  }

 private:
  struct Wrapped final : Picker {
    Wrapped(const ReadySet& r, typename T::Picker p) : ready(r), inner(std::move(p)) {}
    PickResult Pick(const PickArgs& args) const override {
      PickResult r = inner.Pick(args);
      if (r.picked() && r.subchannel() == nullptr) return Queue{};
      if constexpr (kWatches) {
        if (r.picked()) r.Tell(this, reinterpret_cast<uintptr_t>(r.subchannel()));
      }
      return r;
    }
    void OnDone(uint64_t token, const CallEnd& end) const override {
      if constexpr (kWatches) inner.OnDone(*reinterpret_cast<const Subchannel*>(token), end);
    }
    const ReadySet ready;  // So that `inner` may hold plain pointers into it.
    const typename T::Picker inner;
  };
  template <class... Config>
  typename T::Picker BuildWith(const ReadySet& ready, const View& view, const Config&... config) {
    if constexpr (requires { user_.Build(config..., ready, view); }) {
      return user_.Build(config..., ready, view);
    } else {
      return user_.Build(config..., ready);
    }
  }
  T user_;
};

// A factory of T, for ChannelOptions::policies.
template <ShortPolicy T>
PolicyFactory Adapt() {
  PolicyFactory named{.name = std::string(T::kName), .watches = Adapted<T>::kWatches ? 1 : 0};
  if constexpr (requires { T::kCallReports; }) named.call_reports = T::kCallReports;
  if constexpr (Adapted<T>::kHasConfig) named.parse = ParseInto<typename T::Config>;
  return FromShortForm(std::move(named), [] { return std::make_unique<Adapted<T>>(); });
}

}  // namespace rondo
