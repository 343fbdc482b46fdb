// Makes the payloads that carry a record to the next chain, with their evidence, from what the
// source chain has sealed. Nothing is decoded and encoded again on the way: the author's bytes go
// as they are.
#pragma once

#include <set>

#include "ledger/chain.h"
#include "talent/tiers/v1/common.pb.h"
#include "talent/tiers/v1/outbox.pb.h"

namespace talent::tiers {

/// A transaction to be, and the source headers it cites.
struct Delivery {
  std::string kind;
  Bytes payload;
  std::set<Height> cites;
};

/// RecordPromoted. Errors: kNotFound (the payload or the decision is gone), kCorruption, kIo.
/// A payload whose class is not FULL is never read into it; checked.
Result<Delivery> PromoteRecord(const ledger::Chain& source, const v1::OutboxEntry& entry);

/// RecordPublished or CorrectionPublished, proven at sealed height `at`. Errors: kNotFound (as
/// above), kPrecondition (the record is no longer in the status the entry is about).
Result<Delivery> PublishSettlement(const ledger::Chain& source, const v1::OutboxEntry& entry,
                                   Height at);

/// The payload of SourceHeaderAccepted for a sealed height.
Result<Bytes> CarryHeader(const ledger::Chain& source, Height height);

}  // namespace talent::tiers
