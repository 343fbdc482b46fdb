// A CSV file of people becomes payloads of a private chain: the core of `talentd record import`.
//
// Reads, converts and refuses; signs and sends nothing. What a file says of a person's identity
// stays here: payloads carry salted hashes of it, and no message about a row repeats it.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/strong.h"
#include "node/records/csv.h"
#include "node/records/import_mapping.h"
#include "talent/tiers/v1/private.pb.h"

namespace talent::node {

/// One person of the file, to be written in this order.
struct ImportedPerson {
  std::uint64_t row = 0;
  tiers::v1::SubjectRegistered registered;
  std::optional<tiers::v1::ConsentGiven> consent;
  tiers::v1::AbilityAssessed assessed;
  /// Without `before_assessment`: the record id that `assessed` gets when it is signed.
  std::optional<tiers::v1::TrainingCompleted> training;
};

/// Why a row was refused; a row may be refused for several.
struct ImportReject {
  std::uint64_t row = 0;
  std::string column;  // empty where the row as a whole is malformed
  std::string reason;

  /// "row 17, column training_hours: 'abc' is not a whole number".
  std::string ToString() const;
  /// Lines of the rejects file.
  std::string CsvLine() const;
  static std::string CsvHeader();
};

/// Converts a file from front to back in bounded memory. Not thread-safe.
class Importer {
 public:
  struct Options {
    /// Known to the centre alone. Makes each person's salt, so that a second import of the same
    /// file names the same subjects, and nobody else can guess them.
    Hash salt_secret;
    /// From when consents count.
    Timestamp now;
  };

  /// `csv` must outlive the importer.
  /// Errors: kInvalidArgument (the file has no proper header, or not the mapping's columns), kIo.
  static Result<Importer> Open(std::istream& csv, ImportMapping mapping, const Options& options);

  /// The next good row, none at the end; calls `refuse` for everything wrong with the rows before
  /// it. Errors: kIo.
  Result<std::optional<ImportedPerson>> Next(
      const std::function<void(const ImportReject&)>& refuse);

  std::uint64_t rows_read() const { return rows_read_; }
  std::uint64_t rows_refused() const { return rows_refused_; }

 private:
  Importer(CsvReader reader, ImportMapping mapping, const Options& options)
      : reader_(std::move(reader)), mapping_(std::move(mapping)), options_(options) {}
  Status CheckColumns() const;

  CsvReader reader_;
  ImportMapping mapping_;
  Options options_;
  std::uint64_t rows_read_ = 0;
  std::uint64_t rows_refused_ = 0;
};

}  // namespace talent::node
