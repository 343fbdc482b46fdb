#include "node/devnet/review_steps.h"

#include "crypto/sha256.h"
#include "node/devnet/parties.h"
#include "tiers/consortium_state.h"
#include "tiers/signing.h"

namespace talent::node {

namespace pb = tiers::v1;

Result<CommittedVerdict> CommitVerdict(PartySession& reviewer, const std::string& member,
                                       const RecordId& record, bool disputes) {
  crypto::SystemRandom random;
  pb::ReviewOpening opening;
  opening.set_chain_id(reviewer.chain().ToBytes());
  opening.set_record_id(record.ToBytes());
  opening.set_member(member);
  opening.set_salt(random.Draw(ledger::kSaltSize));
  auto* const field = opening.mutable_verdict()->add_fields();
  field->set_field("scores.communication");
  field->set_verdict(disputes ? pb::FIELD_VERDICT_DISPUTE : pb::FIELD_VERDICT_CONFIRM);
  if (disputes) {
    field->set_proposed_value_hash(crypto::Sha256("5400").ToBytes());
    field->set_evidence_hash(crypto::Sha256("interview protocol").ToBytes());
  }
  pb::ReviewCommitted committed;
  committed.set_record_id(opening.record_id());
  committed.set_commitment(tiers::ReviewCommitment(opening).ToBytes());
  TRY(reviewer.Submit("ReviewCommitted", committed, ledger::pb::DISCLOSURE_UNSPECIFIED));
  CommittedVerdict out{&reviewer, record, {}};
  out.reveal.set_record_id(opening.record_id());
  *out.reveal.mutable_verdict() = opening.verdict();
  out.reveal.set_salt(opening.salt());
  return out;
}

Result<TxId> RevealVerdict(const CommittedVerdict& verdict) {
  TRY(Await(*verdict.reviewer, tiers::kConsortiumRecords, verdict.record, "open for reveals",
            [](const pb::ConsortiumRecord& record) {
              return SystemClock().Now() > Timestamp(record.commits_close_ms());
            }));
  return verdict.reviewer->Submit("ReviewRevealed", verdict.reveal,
                                  ledger::pb::DISCLOSURE_UNSPECIFIED);
}

}  // namespace talent::node
