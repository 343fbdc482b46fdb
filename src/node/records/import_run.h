// An import under way: people of a CSV file signed, submitted and followed until they are sealed.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "node/records/import.h"
#include "node/rpc/client.h"

namespace talent::node {

struct ImportCounts {
  std::uint64_t rows = 0;           // read
  std::uint64_t refused = 0;        // rows that are not as the mapping says
  std::uint64_t people = 0;         // all of whose records are on the chain
  std::uint64_t sealed = 0;         // records put there by this run
  std::uint64_t already_there = 0;  // records found there
  std::uint64_t failed = 0;         // people the chain refused or did not answer for
  std::uint64_t no_room = 0;        // times a node had no room for a record, which then waited
  std::uint64_t outbox = 0;         // records waiting for the next chain, when last asked
  bool held = false;                // more than max_outbox: no new people until it is less

  bool operator==(const ImportCounts&) const = default;
};

struct ImportOptions {
  std::filesystem::path csv;
  std::filesystem::path mapping;
  std::string custodian;          // in place of the mapping's, where given
  std::filesystem::path rejects;  // written anew: row, column, reason of whatever did not get in
  /// Secret of the centre that makes subject ids; made there when missing. Keep it: with another
  /// one the same people would become other subjects.
  std::filesystem::path salt_file;
  ChainId chain;
  std::uint64_t valid_for = 1000;                                   // heights a record may wait
  ledger::pb::Disclosure disclosure = ledger::pb::DISCLOSURE_FULL;  // of assessments and trainings
  std::size_t in_flight = 128;                                      // people at a time
  /// Longest that a record is tried again while the chain stands still. As long as it seals
  /// anything, what it has no room for waits.
  Millis patience{120'000};
  /// While more records than these wait for the next chain, no new people are begun: those under
  /// way may still add theirs.
  std::uint64_t max_outbox = 10'000;
  std::function<void(const ImportCounts&)> progress;  // now and then, and at the end
};

/// Imports with the centre's key through `clients`, which are logged in with it. Can be run again
/// on the same file: what is on the chain is left alone, what is missing is added. It goes as fast
/// as the chain and the one that its records are carried to. Errors: those of reading the files,
/// and of the first look at the chain; kUnavailable (nothing was sealed for `patience`: the rest of
/// the file was not read); a row that fails is counted and listed.
Result<ImportCounts> RunImport(const ImportOptions& options, const crypto::KeyPair& centre,
                               const std::vector<std::unique_ptr<Client>>& clients);

}  // namespace talent::node
