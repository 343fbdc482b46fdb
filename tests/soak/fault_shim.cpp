// Preloaded into talentd by tests: makes a system call fail, or ends the process at it.
//
// TALENT_FAULT="action:call:k[:path]", where `action` is one of
//   kill     SIGKILL instead of the k-th call
//   after    SIGKILL right after it has succeeded
//   tear     SIGKILL when half of the k-th write is written
//   eio, enospc   the k-th call and all after it fail with this error
// `call` is sync (fsync, fdatasync), write (write, pwrite) or send (send, sendmsg), and `path` is a
// part of the name of the file; calls on other files are not counted.
#include <dlfcn.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

struct Fault {
  char action[16] = {};
  char call[16] = {};
  unsigned long at = 0;
  char path[64] = {};
};

const Fault& TheFault() {
  static const Fault fault = [] {
    Fault f;
    const char* text = std::getenv("TALENT_FAULT");
    if (text != nullptr) {
      std::sscanf(text, "%15[^:]:%15[^:]:%lu:%63s", f.action, f.call, &f.at, f.path);
    }
    return f;
  }();
  return fault;
}

bool Is(const char* a, const char* b) { return std::strcmp(a, b) == 0; }

bool Named(int fd, const char* part) {
  if (*part == '\0') return true;
  char link[64], name[512];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, name, sizeof name - 1);
  if (n <= 0) return false;
  name[n] = '\0';
  return std::strstr(name, part) != nullptr;
}

[[noreturn]] void Die() {
  kill(getpid(), SIGKILL);
  while (true) pause();
}

/// The fault, if this call is the one (or, of errors, a later one).
const Fault* Strikes(const char* call, int fd) {
  static std::atomic<unsigned long> count{0};
  const Fault& fault = TheFault();
  if (fault.at == 0 || !Is(fault.call, call) || !Named(fd, fault.path)) return nullptr;
  const unsigned long number = ++count;
  const bool error = Is(fault.action, "eio") || Is(fault.action, "enospc");
  return number == fault.at || (error && number > fault.at) ? &fault : nullptr;
}

template <class F>
F Real(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

/// `half` does half of the call, for tearing.
template <class Call, class Half>
auto Through(const char* name, int fd, Call call, Half half) -> decltype(call()) {
  const Fault* fault = Strikes(name, fd);
  if (fault == nullptr) return call();
  if (Is(fault->action, "kill")) Die();
  if (Is(fault->action, "tear")) {
    half();
    Die();
  }
  if (Is(fault->action, "after")) {
    call();
    Die();
  }
  errno = Is(fault->action, "eio") ? EIO : ENOSPC;
  return -1;
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static const auto real = Real<int (*)(int)>("fsync");
  return Through(
      "sync", fd, [&] { return real(fd); }, [] {});
}

int fdatasync(int fd) {
  static const auto real = Real<int (*)(int)>("fdatasync");
  return Through(
      "sync", fd, [&] { return real(fd); }, [] {});
}

ssize_t write(int fd, const void* data, size_t size) {
  static const auto real = Real<ssize_t (*)(int, const void*, size_t)>("write");
  return Through(
      "write", fd, [&] { return real(fd, data, size); }, [&] { real(fd, data, size / 2); });
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  static const auto real = Real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return Through(
      "write", fd, [&] { return real(fd, data, size, at); }, [&] { real(fd, data, size / 2, at); });
}

ssize_t send(int fd, const void* data, size_t size, int flags) {
  static const auto real = Real<ssize_t (*)(int, const void*, size_t, int)>("send");
  return Through(
      "send", fd, [&] { return real(fd, data, size, flags); },
      [&] { real(fd, data, size / 2, flags); });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto real = Real<ssize_t (*)(int, const msghdr*, int)>("sendmsg");
  return Through(
      "send", fd, [&] { return real(fd, message, flags); }, [] {});
}

}  // extern "C"
