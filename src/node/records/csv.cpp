#include "node/records/csv.h"

#include <algorithm>
#include <set>

#include "base/utf8.h"

namespace talent::node {
namespace {

// Cuts a record into cells, one character after the other; a record may go on over several lines.
class CellCutter {
 public:
  // Errors: kInvalidArgument. True where the record ends with this line.
  Result<bool> Feed(std::string_view line) {
    for (const char c : line) TRY(Put(c));
    if (state_ == State::kQuoted) {
      cells_.back().push_back('\n');
      return false;
    }
    return true;
  }
  std::vector<std::string> Take() { return std::move(cells_); }

 private:
  enum class State {
    kStart,   // of a cell
    kPlain,   // in a cell without quotes
    kQuoted,  // between quotes
    kQuote,   // after a quote within quotes: the end of the cell, or half of a quoted quote
  };

  Status Put(char c) {
    if (state_ == State::kQuoted) {
      if (c == '"') {
        state_ = State::kQuote;
      } else {
        cells_.back().push_back(c);
      }
    } else if (c == ',') {
      if (cells_.size() == CsvReader::kMaxColumns) {
        return Fail(Code::kInvalidArgument, "more than {} columns", CsvReader::kMaxColumns);
      }
      cells_.emplace_back();
      state_ = State::kStart;
    } else if (c == '"') {
      if (state_ == State::kPlain) {
        return Fail(Code::kInvalidArgument, "a quote within a cell that does not begin with one");
      }
      if (state_ == State::kQuote) cells_.back().push_back('"');
      state_ = State::kQuoted;
    } else {
      if (state_ == State::kQuote) {
        return Fail(Code::kInvalidArgument, "text after the closing quote of a cell");
      }
      cells_.back().push_back(c);
      state_ = State::kPlain;
    }
    return {};
  }

  std::vector<std::string> cells_{""};
  State state_ = State::kStart;
};

Status CheckText(std::string_view line) {
  if (line.find('\0') != std::string_view::npos) {
    return Fail(Code::kInvalidArgument, "a NUL byte: this is no text file");
  }
  if (!IsValidUtf8(line)) {
    return Fail(Code::kInvalidArgument, "text that is not UTF-8; save the file as UTF-8");
  }
  return {};
}

}  // namespace

Result<CsvReader> CsvReader::Open(std::istream& in) {
  CsvReader reader(in);
  std::optional<Line> first = reader.NextLine();
  if (!first) {
    if (in.bad()) return Fail(Code::kIo, "cannot read the CSV file");
    return Fail(Code::kInvalidArgument, "the CSV file is empty; a header is expected");
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (first->text.starts_with(kByteOrderMark)) first->text.erase(0, kByteOrderMark.size());
  Result<std::vector<std::string>> header = reader.ReadRecord(*first);
  if (!header) return Within("CSV header", std::move(header).error());
  std::set<std::string_view> seen;
  for (const std::string& name : *header) {
    if (name.empty()) return Fail(Code::kInvalidArgument, "CSV header: a column without a name");
    if (!seen.insert(name).second) {
      return Fail(Code::kInvalidArgument, "CSV header: column '{}' stands twice", name);
    }
  }
  reader.header_ = std::move(*header);
  return reader;
}

std::optional<CsvReader::Line> CsvReader::NextLine() {
  if (!pending_.empty()) {
    Line line = std::move(pending_.front());
    pending_.pop_front();
    return line;
  }
  Line line;
  char c = 0;
  if (!in_->get(c)) return std::nullopt;
  for (; *in_ && c != '\n'; in_->get(c)) {
    if (line.text.size() < kMaxLineBytes) {
      line.text.push_back(c);
    } else {
      line.too_long = true;
    }
  }
  if (line.text.ends_with('\r')) line.text.pop_back();
  return line;
}

Result<std::optional<CsvRow>> CsvReader::Next() {
  while (true) {
    std::optional<Line> line = NextLine();
    if (!line && in_->bad()) return Fail(Code::kIo, "cannot read on in the CSV file");
    if (!line) return std::nullopt;
    if (line->text.empty()) {
      ++row_;
      continue;
    }
    std::vector<std::string> cells = TRY(ReadRecord(*line));
    if (cells.size() != header_.size()) {
      return Fail(Code::kInvalidArgument, "{} cells where the header has {}", cells.size(),
                  header_.size());
    }
    return CsvRow{.number = row_, .cells = std::move(cells)};
  }
}

Result<std::vector<std::string>> CsvReader::ReadRecord(const Line& first) {
  ++row_;
  CellCutter cutter;
  std::deque<Line> read_ahead;
  // A stray quote must not swallow the rows after it: they are read again, as records of their own.
  const auto refuse = [&](Error error) {
    pending_.insert(pending_.begin(), std::make_move_iterator(read_ahead.begin()),
                    std::make_move_iterator(read_ahead.end()));
    return tl::unexpected<Error>(std::move(error));
  };
  const Line* line = &first;
  while (true) {
    if (line->too_long) {
      return refuse(
          {Code::kInvalidArgument, fmt::format("a line of over {} bytes", kMaxLineBytes)});
    }
    if (Status text = CheckText(line->text); !text) return refuse(std::move(text).error());
    Result<bool> complete = cutter.Feed(line->text);
    if (!complete) return refuse(std::move(complete).error());
    if (*complete) return cutter.Take();
    std::optional<Line> next;
    if (read_ahead.size() < kMaxLinesPerRecord) next = NextLine();
    if (!next) {
      return refuse({Code::kInvalidArgument, "a quote that is never closed"});
    }
    read_ahead.push_back(std::move(*next));
    line = &read_ahead.back();
  }
}

std::string CsvLine(const std::vector<std::string>& cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string& cell = cells[i];
    if (i > 0) out.push_back(',');
    if (cell.find_first_of(",\"\r\n") == std::string::npos) {
      out += cell;
      continue;
    }
    out.push_back('"');
    for (const char c : cell) {
      if (c == '"') out.push_back('"');
      out.push_back(c);
    }
    out.push_back('"');
  }
  return out + "\n";
}

}  // namespace talent::node
