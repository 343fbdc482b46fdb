#include "node/cli/command.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace talent::node::cli {

void OnRun(CLI::App* command, int& exit_code, std::function<Result<int>()> body) {
  command->callback([&exit_code, body = std::move(body)] {
    const auto result = body();
    if (!result) PrintError(result.error());
    exit_code = result.value_or(kUsage);
  });
}

void PrintError(const Error& error) { fmt::print(stderr, "error: {}\n", error.ToString()); }

int Refused(const Error& error) {
  PrintError(error);
  switch (error.code) {
    case Code::kUnavailable:
    case Code::kExhausted:
    case Code::kIo:
    case Code::kInternal:
      return kUsage;
    default:
      return kRefused;
  }
}

void AddOutputOption(CLI::App* command, Output& output) {
  static const std::map<std::string, Output> kNames{{"table", Output::kTable},
                                                    {"json", Output::kJson}};
  command->add_option("--output", output, "How to print: table (default) or json")
      ->transform(CLI::CheckedTransformer(kNames))
      ->option_text("json|table");
}

void PrintTable(const std::vector<std::string>& columns,
                const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::size_t width = columns[i].size();
    for (const auto& row : rows) width = std::max(width, row[i].size());
    widths.push_back(width);
  }
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  };
  print(columns);
  for (const auto& row : rows) print(row);
}

void PrintJson(const nlohmann::json& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

Status WriteOut(const std::filesystem::path& file, BytesView text) {
  if (!file.empty()) return WriteFile(file, text, 0644, IfExists::kReplace);
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return {};
  }
  return Fail(Code::kIo, "standard output cannot be written to");
}

}  // namespace talent::node::cli
