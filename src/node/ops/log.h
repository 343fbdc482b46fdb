// Logging: spdlog set up once for the process, one logger a component, all to the same place.
//
// What may be logged: chain names, heights, views, block hashes, transaction and record ids,
// receipt and error codes, node and validator names, public keys (shortened), peer addresses,
// counts, sizes and times. What may not, on any level: payloads or parts of them, names, documents
// and any other data of persons, salts, passphrases, seeds, tokens, message bodies.
#pragma once

#include <spdlog/logger.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace talent::node {

struct LogConfig {
  std::string level = "info";                 // one of kLogLevels
  std::optional<std::filesystem::path> file;  // rotated; nullopt: standard error
  bool json = false;                          // a JSON object a line, else text

  bool operator==(const LogConfig&) const = default;
};

inline constexpr std::string_view kLogLevels[] = {"debug", "info", "warn", "error"};

/// A log file is rotated at this size, and this many old ones are kept: 256 MiB in all.
inline constexpr std::size_t kLogFileBytes = 64u << 20;
inline constexpr std::size_t kLogFilesKept = 3;

/// Makes spdlog's default logger (spdlog::info and so on) write as configured, in UTC, one line a
/// message whatever the message holds. Call at start, before other threads log.
/// Errors: kInvalidArgument (the level), kIo (the file).
Status StartLogging(const LogConfig& config);

/// A logger called `component` ("p2p", "grpc") that writes where the default one does.
std::shared_ptr<spdlog::logger> ComponentLog(const std::string& component);

}  // namespace talent::node
