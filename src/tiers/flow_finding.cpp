// What a move is, found from the state: the one place that says what counts as rational.

#include <algorithm>
#include <map>

#include "tiers/career.h"
#include "tiers/market_policy.h"
#include "tiers/parties.h"

namespace talent::tiers {
namespace {

constexpr int kMaxSignatures = 3;  // two enterprises and the person

struct Signers {
  bool all = false;
  bool an_enterprise = false;
};

// Of the two enterprises and the person; every signature given must be good and of one of them. A
// person without a key consents through the custodian, who writes the record.
Result<Signers> VerifySignatures(const ledger::StateReader& state, const ChainId& chain,
                                 const pb::FlowRecorded& message,
                                 const pb::FlowStatement& statement, const pb::Subject& subject) {
  if (message.signatures_size() > kMaxSignatures) {
    return Fail(Code::kInvalidArgument, "{} signatures, the most is {}", message.signatures_size(),
                kMaxSignatures);
  }
  std::map<std::string, bool> signers;
  if (!IsSuspended(state, statement.from())) signers[statement.from()] = false;
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
  return Signers{
      .all = std::ranges::all_of(signers, [](const auto& signer) { return signer.second; }),
      .an_enterprise = std::ranges::any_of(
          signers, [](const auto& signer) { return signer.second && !signer.first.empty(); })};
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
  const Signers signers = TRY(VerifySignatures(state, chain, flow, statement, *subject));
  const bool supervised = now.value < career->supervised_until_ms();
  pb::FlowRecorded judged = flow;
  judged.clear_suspicions();
  const bool moves = !statement.to().empty() && statement.to() != statement.from();
  judged.set_moves(career->moves() + (supervised && moves ? 1 : 0));
  if (!statement.to().empty() && !moves) {
    judged.set_finding(pb::FLOW_FINDING_RETURNED);
    return judged;
  }
  if (statement.to().empty() || !supervised) {
    judged.set_finding(statement.to().empty() ? pb::FLOW_FINDING_LEFT
                                              : pb::FLOW_FINDING_UNSUPERVISED);
    return judged;
  }
  if (!signers.an_enterprise) {
    return Fail(
        Code::kPrecondition,
        "neither '{}' nor '{}' has signed the statement: a centre's word alone makes no move",
        statement.from(), statement.to());
  }
  const auto concern = kConcerns.Get(state, Concat({statement.subject_id(), statement.to()}));
  if (!concern || concern->units() == 0) judged.add_suspicions(pb::FLOW_SUSPICION_NOT_A_HOLDER);
  // A suspended enterprise can neither sign nor sell: nobody is suspect for leaving it.
  if (flow.transfer().empty() && !IsSuspended(state, statement.from()))
    judged.add_suspicions(pb::FLOW_SUSPICION_NO_TRANSFER);
  if (judged.moves() > MarketPolicyOf(state).max_moves()) {
    judged.add_suspicions(pb::FLOW_SUSPICION_TOO_MANY_MOVES);
  }
  if (!signers.all) judged.add_suspicions(pb::FLOW_SUSPICION_NO_CONSENT);
  judged.set_finding(judged.suspicions().empty() ? pb::FLOW_FINDING_RATIONAL
                                                 : pb::FLOW_FINDING_SUSPECTED);
  return judged;
}

}  // namespace talent::tiers
