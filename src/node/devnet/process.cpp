#include "node/devnet/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

#include "crypto/ed25519.h"

namespace talent::node {

namespace {

Result<pid_t> Spawn(const std::vector<std::string>& argv, const posix_spawn_file_actions_t* files,
                    const posix_spawnattr_t* attributes) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, arguments[0], files, attributes, arguments.data(), environ);
  if (error != 0) {
    return Fail(Code::kIo, "cannot start {}: {}", argv.front(), std::strerror(error));
  }
  return pid;
}

}  // namespace

Result<pid_t> SpawnDetached(const std::vector<std::string>& argv,
                            const std::filesystem::path& log) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  // A socket of ours that it held would stay open where we close it.
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  auto pid = Spawn(argv, &files, &attributes);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return pid;
}

Result<int> RunAndWait(const std::vector<std::string>& argv) {
  const pid_t pid = TRY(Spawn(argv, nullptr, nullptr));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      return Fail(Code::kIo, "cannot wait for {}: {}", argv.front(), std::strerror(errno));
    }
  }
  if (!WIFEXITED(status)) {
    return Fail(Code::kIo, "{} was ended by signal {}", argv.front(), WTERMSIG(status));
  }
  return WEXITSTATUS(status);
}

bool IsRunning(pid_t pid, std::string_view argument) {
  if (pid <= 0) return false;
  waitpid(pid, nullptr, WNOHANG);  // a child of ours that has ended is no zombie to be counted
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
  std::string one;
  while (std::getline(file, one, '\0')) {
    if (one == argument) return true;
  }
  return false;
}

Status StopProcess(pid_t pid, std::string_view argument, Millis grace) {
  constexpr std::chrono::milliseconds kPoll{20};
  for (const int signal : {SIGTERM, SIGKILL}) {
    if (!IsRunning(pid, argument)) return {};
    kill(pid, signal);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(grace.value);
    while (IsRunning(pid, argument) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(kPoll);
    }
  }
  if (IsRunning(pid, argument)) return Fail(Code::kIo, "process {} does not end", pid);
  return {};
}

Result<std::vector<std::uint16_t>> FreePorts(std::size_t n) {
  namespace ip = boost::asio::ip;
  // Below what Linux gives to outgoing connections (32768 and up), which could otherwise be using
  // the port when its node is started again.
  constexpr std::uint16_t kFirst = 12'000, kCount = 20'000;
  boost::asio::io_context io;
  std::vector<ip::tcp::acceptor> held;  // held together, so that none is given out twice
  std::vector<std::uint16_t> ports;
  const Bytes start = crypto::SystemRandom().Draw(2);
  const std::size_t offset =
      static_cast<std::uint8_t>(start[0]) << 8 | static_cast<std::uint8_t>(start[1]);
  for (std::size_t i = 0; i < kCount && ports.size() < n; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirst + (offset + i) % kCount);
    ip::tcp::acceptor acceptor(io);
    boost::system::error_code taken;
    acceptor.open(ip::tcp::v4(), taken);
    if (!taken) acceptor.bind({ip::address_v4::loopback(), port}, taken);
    if (!taken) acceptor.listen(1, taken);
    if (taken) continue;
    held.push_back(std::move(acceptor));
    ports.push_back(port);
  }
  if (ports.size() < n) return Fail(Code::kIo, "no {} free ports on 127.0.0.1", n);
  return ports;
}

}  // namespace talent::node
