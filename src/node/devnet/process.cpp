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
  boost::asio::io_context io;
  std::vector<ip::tcp::acceptor> held;  // held together, so that none is given out twice
  std::vector<std::uint16_t> ports;
  try {
    for (std::size_t i = 0; i < n; ++i) {
      held.emplace_back(io, ip::tcp::endpoint(ip::address_v4::loopback(), 0));
      ports.push_back(held.back().local_endpoint().port());
    }
  } catch (const std::exception& e) {
    return Fail(Code::kIo, "no free port on 127.0.0.1: {}", e.what());
  }
  return ports;
}

}  // namespace talent::node
