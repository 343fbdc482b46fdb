#include "node/ops/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace talent::node {
namespace {

// The message as a JSON string (with or without its quotes): text of others cannot forge a line.
class EscapedMessage final : public spdlog::custom_flag_formatter {
 public:
  explicit EscapedMessage(bool quotes) : quotes_(quotes) {}

  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text =
        nlohmann::json(std::string(message.payload.data(), message.payload.size()))
            .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    const std::size_t skip = quotes_ ? 0 : 1;
    if (quotes_ || NeedsEscape(message)) {
      out.append(text.data() + skip, text.data() + text.size() - skip);
    } else {
      out.append(message.payload.begin(), message.payload.end());
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<EscapedMessage>(quotes_);
  }

 private:
  // Quotes and backslashes alone are left as they are: text is for people.
  static bool NeedsEscape(const spdlog::details::log_msg& message) {
    return std::any_of(message.payload.begin(), message.payload.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  }

  const bool quotes_;
};

std::unique_ptr<spdlog::formatter> MakeFormatter(bool json) {
  auto out = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  out->add_flag<EscapedMessage>('*', json);
  out->set_pattern(
      json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","component":"%n","message":%*})"
           : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %n: %*");
  return out;
}

}  // namespace

Status StartLogging(const LogConfig& config) {
  if (std::find(std::begin(kLogLevels), std::end(kLogLevels), config.level) ==
      std::end(kLogLevels)) {
    return Fail(Code::kInvalidArgument, "'{}' is no log level; use one of {}", config.level,
                fmt::join(kLogLevels, ", "));
  }
  try {
    spdlog::sink_ptr sink;
    if (config.file) {
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(config.file->string(),
                                                                    kLogFileBytes, kLogFilesKept);
    } else {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    }
    auto logger = std::make_shared<spdlog::logger>("node", std::move(sink));
    logger->set_formatter(MakeFormatter(config.json));
    logger->set_level(spdlog::level::from_str(config.level));
    logger->flush_on(spdlog::level::debug);  // few lines; the last ones before a crash matter most
    spdlog::set_default_logger(std::move(logger));
  } catch (const spdlog::spdlog_ex& e) {
    return Fail(Code::kIo, "cannot open the log: {}", e.what());
  }
  return {};
}

std::shared_ptr<spdlog::logger> ComponentLog(const std::string& component) {
  return spdlog::default_logger()->clone(component);
}

}  // namespace talent::node
