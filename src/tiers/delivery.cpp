#include "tiers/delivery.h"

#include "talent/tiers/v1/erasure.pb.h"
#include "tiers/consortium_state.h"
#include "tiers/public_rules.h"

namespace talent::tiers {
namespace {

ledger::pb::SignedEnvelope SignedBytes(const ledger::Transaction& tx) {
  ledger::pb::SignedEnvelope out;
  out.set_envelope(tx.envelope_bytes);
  out.set_signature(tx.signature.ToBytes());
  return out;
}

// Requires: GetTransaction has found it.
Result<ledger::TxLocation> Locate(const ledger::Chain& source, const TxId& id) {
  const auto at = TRY(source.FindTransaction(id));
  if (!at) return Fail(Code::kIo, "the place of transaction {} cannot be read", id.Hex());
  return *at;
}

Status RequirePayload(const ledger::Transaction& tx) {
  if (tx.has_payload()) return {};
  return Fail(Code::kNotFound, "the payload of transaction {} is not here any more", tx.id.Hex());
}

Result<ledger::Transaction> WithPayload(const ledger::Chain& source, const TxId& id) {
  auto tx = TRY(source.GetTransaction(id));
  TRY(RequirePayload(tx));
  return tx;
}

void SetPayload(const ledger::Transaction& tx, ledger::pb::Payload& out) {
  out.set_salt(tx.salt);
  out.set_data(tx.payload);
}

struct Proven {
  ledger::pb::StateProof proof;
  pb::ConsortiumRecord record;
};

Result<Proven> ProveRecord(const ledger::Chain& source, BytesView record_id, Height at) {
  Proven out;
  out.proof = TRY(source.ProveState(kConsortiumRecords.Key(record_id), at));
  if (!out.proof.present()) {
    return Fail(Code::kNotFound, "record {} is not in the state of height {}", ToHex(record_id),
                at);
  }
  out.record = TRY(Decode<pb::ConsortiumRecord>(out.proof.value()));
  return out;
}

// The record's own bytes lie in the payload of its promotion.
Result<pb::RecordEvidence> MakeEvidence(const ledger::Chain& source, Proven proven) {
  const TxId promotion_id = TRY(TxId::FromBytes(proven.record.promotion_tx()));
  const auto promotion = TRY(WithPayload(source, promotion_id));
  auto message = TRY(Decode<pb::RecordPromoted>(promotion.payload));
  CHECK(proven.record.disclosure() == ledger::pb::DISCLOSURE_FULL && proven.record.publish(),
        "a record that may not be published was settled for publication");
  pb::RecordEvidence out;
  *out.mutable_record() = std::move(*message.mutable_record());
  *out.mutable_payload() = std::move(*message.mutable_payload());
  *out.mutable_state() = std::move(proven.proof);
  return out;
}

Result<pb::PathStep> MakeStep(const ledger::Chain& source, BytesView tx_id) {
  const TxId id = TRY(TxId::FromBytes(tx_id));
  const auto tx = TRY(source.GetTransaction(id));
  const auto at = TRY(Locate(source, id));
  pb::PathStep step;
  step.set_height(at.height.value);
  *step.mutable_transaction() = SignedBytes(tx);
  if (tx.kind != "RecordPromoted") {
    SetPayload(TRY(WithPayload(source, id)), *step.mutable_payload());
  }
  *step.mutable_path() = TRY(source.ProveTransaction(at));
  return step;
}

template <class Message>
Status AddSteps(const ledger::Chain& source, const pb::ConsortiumRecord& record, Message& message,
                Delivery& delivery) {
  for (const std::string& id : record.path()) {
    *message.add_steps() = TRY(MakeStep(source, id));
    delivery.cites.insert(Height(message.steps().rbegin()->height()));
  }
  return {};
}

Result<Delivery> MakePublished(const ledger::Chain& source, Proven proven, Height at) {
  Delivery delivery{"RecordPublished", {}, {at}};
  pb::RecordPublished message;
  message.set_source_chain(source.id().ToBytes());
  message.set_height(at.value);
  TRY(AddSteps(source, proven.record, message, delivery));
  *message.mutable_record() = TRY(MakeEvidence(source, std::move(proven)));
  delivery.payload = Encode(message);
  return delivery;
}

Result<Delivery> MakeCorrection(const ledger::Chain& source, Proven original, Height at) {
  Delivery delivery{"CorrectionPublished", {}, {at}};
  pb::CorrectionPublished message;
  message.set_source_chain(source.id().ToBytes());
  message.set_height(at.value);
  TRY(AddSteps(source, original.record, message, delivery));
  auto correction = TRY(ProveRecord(source, original.record.superseded_by(), at));
  *message.mutable_original() = TRY(MakeEvidence(source, std::move(original)));
  *message.mutable_correction() = TRY(MakeEvidence(source, std::move(correction)));
  delivery.payload = Encode(message);
  return delivery;
}

Delivery MakeErasure(const ledger::Chain& source, BytesView record_id, Proven proven, Height at) {
  pb::ErasurePublished message;
  message.set_source_chain(source.id().ToBytes());
  message.set_height(at.value);
  message.set_record_id(Bytes(record_id));
  *message.mutable_state() = std::move(proven.proof);
  return {"ErasurePublished", Encode(message), {at}};
}

}  // namespace

Result<Delivery> PromoteRecord(const ledger::Chain& source, const v1::OutboxEntry& entry) {
  const RecordId id = TRY(RecordId::FromBytes(entry.record_id()));
  const auto record = TRY(source.GetTransaction(id));
  const auto at = TRY(Locate(source, id));
  pb::RecordPromoted message;
  message.set_source_chain(source.id().ToBytes());
  message.set_height(at.height.value);
  *message.mutable_record() = SignedBytes(record);
  if (record.disclosure == ledger::pb::DISCLOSURE_FULL) {
    TRY(RequirePayload(record));
    SetPayload(record, *message.mutable_payload());
  }
  *message.mutable_path() = TRY(source.ProveTransaction(at));
  // A decision never changes: where the state of its own height is pruned, the newest proves it.
  Height proven_at = at.height;
  auto decision = source.ProveState(kDecisions.Key(id.View()), proven_at);
  if (!decision && decision.error().code == Code::kPruned) {
    proven_at = source.head().height;
    decision = source.ProveState(kDecisions.Key(id.View()), proven_at);
  }
  message.set_decision_height(proven_at.value);
  *message.mutable_decision() = TRY(std::move(decision));
  CHECK(message.decision().present(), "the outbox holds what was not decided to leave");
  CHECK(!message.has_payload() || record.disclosure == ledger::pb::DISCLOSURE_FULL,
        "a payload that is not FULL must not leave its chain");
  return Delivery{"RecordPromoted", Encode(message), {at.height, proven_at}};
}

Result<Delivery> PublishSettlement(const ledger::Chain& source, const v1::OutboxEntry& entry,
                                   Height at) {
  auto proven = TRY(ProveRecord(source, entry.record_id(), at));
  if (proven.record.status() != entry.status()) {
    return Fail(Code::kPrecondition, "record {} is {} now; what it was settled as before is void",
                ToHex(entry.record_id()), pb::RecordStatus_Name(proven.record.status()));
  }
  if (entry.status() == pb::RECORD_STATUS_ERASED) {
    return MakeErasure(source, entry.record_id(), std::move(proven), at);
  }
  if (entry.status() == pb::RECORD_STATUS_CORRECTED) {
    return MakeCorrection(source, std::move(proven), at);
  }
  return MakePublished(source, std::move(proven), at);
}

Result<Bytes> CarryHeader(const ledger::Chain& source, Height height) {
  pb::SourceHeaderAccepted message;
  *message.mutable_header() = TRY(source.GetHeader(height));
  const auto header = TRY(Decode<ledger::pb::BlockHeader>(message.header().header()));
  if (header.next_validators_hash() != header.validators_hash()) {
    auto change = TRY(ledger::GetEpochChange(source, Epoch(header.epoch())));
    message.mutable_next_validators()->Swap(change.mutable_next_validators());
  }
  return Encode(message);
}

}  // namespace talent::tiers
