#include "event/poller.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "event/error_text.h"

namespace rondo::event {
namespace {

// -1 and ENOSYS before Linux 5.11, where a wait is rounded up to milliseconds.
int WaitFine(int epoll, epoll_event* into, int room, Duration patience) {
  static bool missing = false;
  if (!missing) {
    const timespec time{.tv_sec = patience.count() / 1'000'000'000,
                        .tv_nsec = patience.count() % 1'000'000'000};
    const int n = epoll_pwait2(epoll, into, room, patience < Duration{} ? nullptr : &time, nullptr);
    if (n >= 0 || errno != ENOSYS) return n;
    missing = true;
  }
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  return epoll_wait(epoll, into, room,
                    patience < Duration{} ? -1 : static_cast<int>(std::min<int64_t>(ms, INT_MAX)));
}

}  // namespace

Poller::Poller()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // Edge-triggered: each write is one event, so nobody need read it.
  if (epoll_ < 0 || wake_ < 0 || Control(EPOLL_CTL_ADD, wake_, EPOLLIN | EPOLLET, nullptr) != 0) {
    std::fprintf(stderr, "rondo: no event loop: %s\n", ErrorText(errno).c_str());
    std::abort();
  }
}

Poller::~Poller() {
  close(wake_);
  close(epoll_);
}

void Poller::Wait(Duration patience) {
  const int n = WaitFine(epoll_, found_.data(), static_cast<int>(found_.size()), patience);
  next_ = 0;
  count_ = std::max(n, 0);  // A signal came first: as if nothing happened.
}

void Poller::Dispatch() {
  while (next_ < count_) {
    const epoll_event& event = found_[static_cast<size_t>(next_++)];
    auto* watch = static_cast<Watch*>(event.data.ptr);
    if (watch != nullptr) watch->OnEvents(event.events);
  }
}

void Poller::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(wake_, &one, sizeof one);
}

int Poller::Control(int operation, int fd, uint32_t events, Watch* watch) {
  epoll_event event{.events = events, .data = {.ptr = watch}};
  return epoll_ctl(epoll_, operation, fd, &event) == 0 ? 0 : errno;
}

void Poller::Forget(const Watch& watch) {
  for (int i = next_; i < count_; ++i) {
    epoll_event& event = found_[static_cast<size_t>(i)];
    if (event.data.ptr == &watch) event.data.ptr = nullptr;
  }
}

int Watch::Begin(Poller& poller, int fd, uint32_t events) {
  End();
  if (const int error = poller.Control(EPOLL_CTL_ADD, fd, events, this); error != 0) return error;
  poller_ = &poller;
  fd_ = fd;
  return 0;
}

int Watch::Change(uint32_t events) { return poller_->Control(EPOLL_CTL_MOD, fd_, events, this); }

void Watch::End() {
  if (poller_ == nullptr) return;
  // Closing wouldn't be enough: a child process may hold a copy of the descriptor.
  poller_->Control(EPOLL_CTL_DEL, fd_, 0, nullptr);
  poller_->Forget(*this);
  poller_ = nullptr;
}

}  // namespace rondo::event
