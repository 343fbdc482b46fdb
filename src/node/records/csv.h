// CSV as in RFC 4180, read as a stream with bounds, and written.
//
// Accepted besides the letter of the RFC: a UTF-8 byte order mark at the start, lines ended by LF
// alone, no line end after the last record. Refused: NUL bytes, text that is not UTF-8, quotes out
// of place, records of another number of cells than the header, over-long ones. Why not a library:
// docs/decisions/0008-own-csv-reader.md.
#pragma once

#include <deque>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace talent::node {

struct CsvRow {
  std::uint64_t number = 0;  // as a spreadsheet shows it: the header is row 1; empty lines count
  std::vector<std::string> cells;
};

/// Reads one file from front to back. Not thread-safe.
class CsvReader {
 public:
  static constexpr std::size_t kMaxLineBytes = 64 * 1024;  // a person's row has a few hundred
  static constexpr std::size_t kMaxColumns = 256;
  static constexpr std::size_t kMaxLinesPerRecord = 100;  // line breaks within quotes

  /// Reads the header. `in` must outlive the reader.
  /// Errors: kInvalidArgument (empty file, malformed header, a column name empty or twice), kIo.
  static Result<CsvReader> Open(std::istream& in);

  const std::vector<std::string>& header() const { return header_; }

  /// The next record with one cell for each column; none at the end. Empty lines are passed over.
  /// Errors: kInvalidArgument (this record is malformed; the reader stands at the line after its
  /// first and goes on), kIo (the end).
  Result<std::optional<CsvRow>> Next();
  /// Of the record that Next() gave or refused last.
  std::uint64_t row_number() const { return row_; }

 private:
  struct Line {
    std::string text;
    bool too_long = false;
  };

  explicit CsvReader(std::istream& in) : in_(&in) {}
  std::optional<Line> NextLine();
  Result<std::vector<std::string>> ReadRecord(const Line& first);

  std::istream* in_;
  std::deque<Line> pending_;  // read ahead for a record that proved malformed
  std::vector<std::string> header_;
  std::uint64_t row_ = 0;
};

/// One line of CSV, quoted where needed, ended by LF.
std::string CsvLine(const std::vector<std::string>& cells);

}  // namespace talent::node
