// What a move is, found from the state: the one place that says what counts as rational.

#include <algorithm>
#include <map>

#include "tiers/career.h"
#include "tiers/market_policy.h"
#include "tiers/parties.h"

namespace talent::tiers {
namespace {

constexpr int kMaxSignatures = 3;  // two enterprises and the person

// Of the two enterprises and the person; every signature given must be good and of one of them.
// Returns whether all have signed. A person without a key consents through the custodian, who
// writes the record.
Result<bool> VerifySignatures(const ledger::StateReader& state, const ChainId& chain,
                              const pb::FlowRecorded& message, const pb::FlowStatement& statement,
                              const pb::Subject& subject) {
  if (message.signatures_size() > kMaxSignatures) {
    return Fail(Code::kInvalidArgument, "{} signatures, the most is {}", message.signatures_size(),
                kMaxSignatures);
  }
  std::map<std::string, bool> signers = {{statement.from(), false}};
  if (!statement.to().empty()) signers[statement.to()] = false;
  const std::string person;  // no party has an empty id
  if (!subject.key().empty()) signers[person] = false;
  std::string_view last_key;
  for (const pb::Cosignature& cosignature : message.signatures()) {
    const auto key = crypto::PublicKey::FromBytes(cosignature.key());
    if (!key) return Within("signatures.key", key.error());
    const auto signature = crypto::Signature::FromBytes(cosignature.signature());
    if (!signature) return Within("signatures.signature", signature.error());
    if (cosignature.key() <= last_key) {
      return Fail(Code::kInvalidArgument, "signatures are not in ascending order of key");
    }
    last_key = cosignature.key();
    const auto party = FindPartyOf(state, *key);
    if (party && party->suspended()) {
      return Fail(Code::kUnauthorized, "signatures has one of '{}', which is suspended",
                  party->id());
    }
    const bool is_person = cosignature.key() == subject.key();
    const auto signer = signers.find(is_person || !party ? person : party->id());
    if (signer == signers.end() || (!is_person && !party) || signer->second) {
      return Fail(Code::kUnauthorized,
                  "signatures has one of nobody whose consent counts, or two of one");
    }
    if (!crypto::Verify(*key, crypto::Domain::kConsentSignature, chain, message.statement(),
                        *signature)) {
      return Fail(Code::kBadSignature,
                  "signatures has one that does not verify over the statement");
    }
    signer->second = true;
  }
  return std::ranges::all_of(signers, [](const auto& signer) { return signer.second; });
}

}  // namespace

Result<pb::FlowRecorded> JudgeFlow(const ledger::StateReader& state, const ChainId& chain,
                                   const pb::FlowRecorded& flow, Timestamp now) {
  const auto statement = TRY(Decode<pb::FlowStatement>(flow.statement()));
  const auto subject = kSubjects.Get(state, statement.subject_id());
  const auto career = kCareers.Get(state, statement.subject_id());
  if (!subject || !career) {
    return Fail(Code::kNotFound, "subject {} has no placement on this chain",
                ToHex(statement.subject_id()));
  }
  const bool all_signed = TRY(VerifySignatures(state, chain, flow, statement, *subject));
  const bool supervised = now.value < career->supervised_until_ms();
  pb::FlowRecorded judged = flow;
  judged.clear_suspicions();
  judged.set_moves(career->moves() + (supervised && !statement.to().empty() ? 1 : 0));
  if (statement.to().empty() || !supervised) {
    judged.set_finding(statement.to().empty() ? pb::FLOW_FINDING_LEFT
                                              : pb::FLOW_FINDING_UNSUPERVISED);
    return judged;
  }
  const auto concern = kConcerns.Get(state, Concat({statement.subject_id(), statement.to()}));
  if (!concern || concern->units() == 0) judged.add_suspicions(pb::FLOW_SUSPICION_NOT_A_HOLDER);
  if (flow.transfer().empty()) judged.add_suspicions(pb::FLOW_SUSPICION_NO_TRANSFER);
  if (judged.moves() > MarketPolicyOf(state).max_moves()) {
    judged.add_suspicions(pb::FLOW_SUSPICION_TOO_MANY_MOVES);
  }
  if (!all_signed) judged.add_suspicions(pb::FLOW_SUSPICION_NO_CONSENT);
  judged.set_finding(judged.suspicions().empty() ? pb::FLOW_FINDING_RATIONAL
                                                 : pb::FLOW_FINDING_SUSPECTED);
  return judged;
}

}  // namespace talent::tiers
