// What a talent centre and an enterprise of the devnet write down about a person, step by step.
#pragma once

#include <functional>

#include "node/devnet/party_session.h"
#include "talent/tiers/v1/career.pb.h"
#include "talent/tiers/v1/private.pb.h"

namespace talent::node {

/// What a record is, for people.
struct Phrase {
  const char* chinese;
  const char* english;
};

/// Submits a record, and may say so. Errors: those of PartySession::Submit.
using WriteRecord = std::function<Result<TxId>(
    PartySession& author, const google::protobuf::Message& record, ledger::pb::Disclosure, Phrase)>;

/// An entry assessment of a person.
struct Assessed {
  Bytes subject;
  RecordId id;
  tiers::v1::AbilityAssessed assessment;
};

/// Made up: dimensions "analysis" and "communication", matched to an industry.
tiers::v1::AbilityAssessed MakeAssessment(const Bytes& subject, std::uint32_t analysis,
                                          std::uint32_t communication);

/// The enterprise of that id invests, tokens are issued, and it buys `units` of 1000.
Status Invest(PartySession& centre, PartySession& enterprise, const std::string& enterprise_id,
              const Bytes& subject, std::uint64_t units, const WriteRecord& write);

/// A plan of the class the chain computes, the training, and the assessment after it with `score`
/// in every dimension. Without investors the plan is continuing education, and that is all.
Status Train(PartySession& centre, const Assessed& entry, std::uint32_t score,
             const WriteRecord& write);

/// Writes down the decision that is due after training. `placed`: whether it is a placement.
struct Decision {
  RecordId id;
  bool placed = false;
};
Result<Decision> Decide(PartySession& centre, const Bytes& subject, const WriteRecord& write);

/// The person would like to work for `enterprise`.
Status DeclareWill(PartySession& centre, const Bytes& subject, const std::string& enterprise,
                   const WriteRecord& write);

}  // namespace talent::node
