// What every command of talentd shares: exit codes, errors, output formats, options.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace talent::node::cli {

inline constexpr int kGood = 0;
inline constexpr int kRefused = 1;  // checked, and the answer is no
inline constexpr int kUsage = 2;    // wrong usage or environment: nothing was checked

/// Runs `body` when `command` is the one given, and puts its exit code into `exit_code`. An error
/// it returns is printed and is kUsage; what a command is there to check it answers with Refused.
void OnRun(CLI::App* command, int& exit_code, std::function<Result<int>()> body);

/// "error: CODE: message" to stderr.
void PrintError(const Error& error);

/// Prints `error` and gives kRefused, or kUsage where the error is that nothing could be checked
/// (no answer, a full queue, the disk).
int Refused(const Error& error);

/// --output json|table.
enum class Output { kTable, kJson };
void AddOutputOption(CLI::App* command, Output& output);

/// Prints rows under `columns`, padded; widths count bytes.
void PrintTable(const std::vector<std::string>& columns,
                const std::vector<std::vector<std::string>>& rows);
/// Prints JSON, indented.
void PrintJson(const nlohmann::json& json);
/// Writes `text` to `file`, in the place of what is there, or to standard output where it is empty.
/// Errors: kIo.
Status WriteOut(const std::filesystem::path& file, BytesView text);

}  // namespace talent::node::cli
