// What transactions of the public chain say about records, and what records say.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ledger/transaction.h"
#include "talent/tiers/v1/public.pb.h"

namespace talent::node {

/// A RecordPublished, CorrectionPublished or ErasurePublished.
struct Publication {
  struct Evidence {
    RecordId id;
    ledger::Transaction record;
    Bytes state;         // ConsortiumRecord, as the publication proves it
    bool steps = false;  // the publication's steps are this record's path
  };
  std::uint64_t height = 0;  // of the consortium
  std::vector<Evidence> records;
  std::vector<RecordId> erased;
  std::vector<tiers::v1::PathStep> steps;

  const Evidence* Find(const RecordId& id) const;
};

/// nullopt: of another kind, or its payload is not here. Errors: kInvalidArgument.
Result<std::optional<Publication>> ReadPublication(const ledger::Transaction& tx);

/// A payload as JSON, and what every kind that has it says of a person.
struct Content {
  nlohmann::json payload;  // messages inside bytes fields are decoded too
  std::optional<std::string> subject;
  std::vector<std::string> tags;  // industries
};
/// Errors: kNotFound, kInvalidArgument (not a payload of that kind).
Result<Content> ReadContent(const std::string& kind, BytesView payload);

}  // namespace talent::node
