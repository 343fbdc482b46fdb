#include "node/records/csv.h"

#include <gtest/gtest.h>

#include <sstream>

namespace talent::node {
namespace {

// Everything a file holds, one line each: "2: a|b" for a record, "3! reason" for a refusal.
std::vector<std::string> ReadAll(const std::string& text) {
  std::istringstream in(text);
  Result<CsvReader> reader = CsvReader::Open(in);
  if (!reader) return {"header! " + reader.error().message};
  std::vector<std::string> out;
  while (true) {
    const auto row = reader->Next();
    if (!row) {
      out.push_back(fmt::format("{}! {}", reader->row_number(), row.error().message));
      continue;
    }
    if (!*row) return out;
    std::string line = fmt::format("{}: ", (*row)->number);
    for (const std::string& cell : (*row)->cells) line += cell + "|";
    out.push_back(line);
  }
}

using Lines = std::vector<std::string>;

TEST(Csv, ReadsWhatRfc4180Describes) {
  EXPECT_EQ(ReadAll("a,b\r\n1,2\r\n\"x,\"\"y\"\"\",\"two\r\nlines\"\r\n,\r\n"),
            (Lines{"2: 1|2|", "3: x,\"y\"|two\nlines|", "4: ||"}));
}

TEST(Csv, BearsAMarkBareLineFeedsEmptyLinesAndNoLastLineEnd) {
  EXPECT_EQ(ReadAll("\xef\xbb\xbf"
                    "a,b\n1,2\n\n3,4"),
            (Lines{"2: 1|2|", "4: 3|4|"}));
  EXPECT_EQ(ReadAll("a\n"), Lines{});
  EXPECT_EQ(ReadAll("姓名,b\n\"\",李\n"), Lines{"2: |李|"});
}

TEST(Csv, RefusesARecordAndGoesOnWithTheNext) {
  EXPECT_EQ(ReadAll("a,b\n1\n2,2\n3,3,3\n4,4\n"),
            (Lines{"2! 1 cells where the header has 2", "3: 2|2|",
                   "4! 3 cells where the header has 2", "5: 4|4|"}));
  EXPECT_EQ(ReadAll(std::string("a,b\n1,\0\n2,2\n", 12)),
            (Lines{"2! a NUL byte: this is no text file", "3: 2|2|"}));
  EXPECT_EQ(ReadAll("a,b\n1,\xff\n2,2\n"),
            (Lines{"2! text that is not UTF-8; save the file as UTF-8", "3: 2|2|"}));
}

TEST(Csv, AStrayQuoteCostsItsOwnRowOnly) {
  EXPECT_EQ(ReadAll("a,b\n1,x\"y\n2,2\n"),
            (Lines{"2! a quote within a cell that does not begin with one", "3: 2|2|"}));
  EXPECT_EQ(ReadAll("a,b\n1,\"x\"y\n2,2\n"),
            (Lines{"2! text after the closing quote of a cell", "3: 2|2|"}));
  EXPECT_EQ(ReadAll("a,b\n1,\"x\n2,2\n3,3\n"),
            (Lines{"2! a quote that is never closed", "3: 2|2|", "4: 3|3|"}));
  EXPECT_EQ(ReadAll("a,b\n1,\"x\n2,\"y\n3,3\n"),
            (Lines{"2! text after the closing quote of a cell", "3! a quote that is never closed",
                   "4: 3|3|"}));
}

TEST(Csv, ALineOverTheBoundIsRefusedAndNotKept) {
  const std::string longest(CsvReader::kMaxLineBytes - 2, 'x');
  EXPECT_EQ(ReadAll("a,b\n" + longest + ",1\n").size(), 1U);
  EXPECT_EQ(ReadAll("a,b\n" + longest + "y,1\n2,2\n"),
            (Lines{"2! a line of over 65536 bytes", "3: 2|2|"}));
  EXPECT_EQ(ReadAll(std::string(1 << 20, 'x')),
            Lines{"header! CSV header: a line of over 65536 bytes"});
}

TEST(Csv, ARecordOfTooManyLinesIsRefusedAndItsLinesReadAlone) {
  std::string text = "a\n\"";
  for (std::size_t i = 0; i < CsvReader::kMaxLinesPerRecord; ++i) text += "x\n";
  const Lines within = ReadAll(text + "y\"\n");
  ASSERT_EQ(within.size(), 1U);
  EXPECT_TRUE(within[0].starts_with("2: x\nx\n"));
  const Lines over = ReadAll(text + "x\ny\"\n");
  EXPECT_EQ(over[0], "2! a quote that is never closed");
  EXPECT_EQ(over[1], "3: x|");
}

TEST(Csv, RefusesAHeaderThatNamesNoColumns) {
  EXPECT_EQ(ReadAll(""), Lines{"header! the CSV file is empty; a header is expected"});
  EXPECT_EQ(ReadAll("a,,b\n"), Lines{"header! CSV header: a column without a name"});
  EXPECT_EQ(ReadAll("a,b,a\n"), Lines{"header! CSV header: column 'a' stands twice"});
  EXPECT_EQ(ReadAll("\xff\xfe"
                    "a"),
            Lines{"header! CSV header: text that is not UTF-8; save the file as UTF-8"});
  EXPECT_EQ(ReadAll(std::string(CsvReader::kMaxColumns, ',')),
            Lines{"header! CSV header: more than 256 columns"});
}

TEST(Csv, WhatIsWrittenIsReadBack) {
  const std::vector<std::string> cells = {"", "plain", "a,b", "say \"x\"", "two\nlines", " "};
  EXPECT_EQ(CsvLine({"", "b"}), ",b\n");
  EXPECT_EQ(CsvLine(cells), ",plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\", \n");
  std::istringstream in("1,2,3,4,5,6\n" + CsvLine(cells));
  EXPECT_EQ(CsvReader::Open(in)->Next().value()->cells, cells);
}

}  // namespace
}  // namespace talent::node
