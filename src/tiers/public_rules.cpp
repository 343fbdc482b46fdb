// What the public chain takes: records the consortium has verified, and corrections with every step
// that led to them. All evidence is checked against accepted headers of the consortium.

#include "tiers/public_rules.h"

#include "tiers/consortium_rules.h"
#include "tiers/sources.h"

namespace talent::tiers {
namespace {

/// A record and what is said of its state at the consortium.
struct Evidence {
  ledger::Transaction record;
  pb::ConsortiumRecord state;
};

// All but the proof, so that the mempool lets no record in that may not be here: in a block it
// would be readable for ever, even where it takes no effect.
Result<Evidence> ReadEvidence(const pb::RecordEvidence& message) {
  Evidence out;
  out.record = TRY(ledger::ParseTransaction(message.record(), &message.payload()));
  TRY(ledger::VerifySignature(out.record, out.record.chain));
  out.state = TRY(Decode<pb::ConsortiumRecord>(message.state().value()));
  if (out.state.source_chain() != out.record.chain.View()) {
    return Fail(Code::kBadSignature, "the consortium knows this record from another chain");
  }
  if (out.record.disclosure != ledger::pb::DISCLOSURE_FULL || !out.state.publish()) {
    return Fail(Code::kUnauthorized, "disclosure class or consent keep the record from this chain");
  }
  return out;
}

Status ProveEvidence(const pb::RecordEvidence& message, const Evidence& evidence,
                     const ledger::pb::BlockHeader& header) {
  return VerifyPresent(header, kConsortiumRecords.Key(evidence.record.id.View()), message.state());
}

// Promotions carry nothing that the publication does not hold; everything else must be readable.
Status CheckStep(const pb::PathStep& step, const Call& call, const ChainId& consortium,
                 BytesView expected_id) {
  const bool has_payload = step.has_payload();
  const auto tx =
      TRY(ledger::ParseTransaction(step.transaction(), has_payload ? &step.payload() : nullptr));
  if (tx.id.View() != expected_id) {
    return Fail(Code::kBadSignature, "it is transaction {}, the path has {}", tx.id.Hex(),
                ToHex(expected_id));
  }
  TRY(ledger::VerifySignature(tx, consortium));
  if (has_payload == (tx.kind == "RecordPromoted")) {
    return Fail(Code::kInvalidArgument, "payload is {} {}",
                has_payload ? "doubled in" : "missing from", tx.kind);
  }
  const auto header = CitedHeader(call.state, consortium.View(), step.height());
  if (!header) return call.admission ? Status{} : tl::unexpected<Error>(header.error());
  return VerifyEffective(*header, tx.id, step.path());
}

template <class Steps>
Status CheckSteps(const Steps& steps, const Call& call, BytesView consortium,
                  const pb::ConsortiumRecord& state) {
  if (steps.size() != state.path_size() || steps.size() > kMaxSteps) {
    return Fail(Code::kInvalidArgument, "{} steps where the record's path has {}", steps.size(),
                state.path_size());
  }
  const ChainId chain = TRY(ChainId::FromBytes(consortium));
  for (int i = 0; i < steps.size(); ++i) {
    const Status status = CheckStep(steps.Get(i), call, chain, state.path(i));
    if (!status) return Within(fmt::format("steps[{}]", i), status.error());
  }
  return {};
}

pb::PublishedRecord NewEntry(const Call& call, BytesView consortium, const Evidence& evidence,
                             pb::RecordStatus status) {
  pb::PublishedRecord entry;
  entry.set_consortium(Bytes(consortium));
  entry.set_source_chain(evidence.state.source_chain());
  entry.set_kind(evidence.state.kind());
  entry.set_content_kind(evidence.state.content_kind());
  entry.set_centre(evidence.state.centre());
  entry.set_status(status);
  entry.set_publication_tx(call.tx.id.ToBytes());
  entry.set_height(call.block.height.value);
  entry.set_published_ms(call.block.time.value);
  entry.set_supersedes(evidence.state.supersedes());
  return entry;
}

Status Publish(const pb::RecordPublished& message, const Call& call) {
  TRY(RequireCentre(call));
  const auto evidence = ReadEvidence(message.record());
  if (!evidence) return Within("record", evidence.error());
  TRY(RequireSource(call.state, message.source_chain()));
  const auto known = TRY(FindPublished(call, evidence->record.id.View(), message.source_chain()));
  const auto header = CitedHeader(call.state, message.source_chain(), message.height());
  if (!header) return call.admission ? Status{} : tl::unexpected<Error>(header.error());
  if (const Status status = ProveEvidence(message.record(), *evidence, *header); !status) {
    return Within("record", status.error());
  }
  if (evidence->state.status() != pb::RECORD_STATUS_VERIFIED) {
    return Fail(Code::kPrecondition, "the consortium has not verified the record: {}",
                pb::RecordStatus_Name(evidence->state.status()));
  }
  if (known) {
    return Fail(Code::kDuplicate, "record {} was published before", evidence->record.id.Hex());
  }
  TRY(CheckSteps(message.steps(), call, message.source_chain(), evidence->state));
  kPublished.Put(call.state, evidence->record.id.View(),
                 NewEntry(call, message.source_chain(), *evidence, pb::RECORD_STATUS_VERIFIED));
  return {};
}

Status RequireCorrection(const Evidence& original, const Evidence& correction) {
  if (original.state.status() != pb::RECORD_STATUS_CORRECTED ||
      original.state.superseded_by() != correction.record.id.View() ||
      correction.state.supersedes() != original.record.id.View()) {
    return Fail(Code::kPrecondition, "record {} is not what the consortium has corrected {} by",
                correction.record.id.Hex(), original.record.id.Hex());
  }
  return {};
}

Status PublishCorrection(const pb::CorrectionPublished& message, const Call& call) {
  TRY(RequireCentre(call));
  const auto original = ReadEvidence(message.original());
  if (!original) return Within("original", original.error());
  const auto correction = ReadEvidence(message.correction());
  if (!correction) return Within("correction", correction.error());
  TRY(RequireSource(call.state, message.source_chain()));
  const BytesView original_id = original->record.id.View();
  const BytesView correction_id = correction->record.id.View();
  auto entry = TRY(FindPublished(call, original_id, message.source_chain()));
  const auto known = TRY(FindPublished(call, correction_id, message.source_chain()));
  const auto header = CitedHeader(call.state, message.source_chain(), message.height());
  if (!header) return call.admission ? Status{} : tl::unexpected<Error>(header.error());
  if (const Status status = ProveEvidence(message.original(), *original, *header); !status) {
    return Within("original", status.error());
  }
  if (const Status status = ProveEvidence(message.correction(), *correction, *header); !status) {
    return Within("correction", status.error());
  }
  TRY(RequireCorrection(*original, *correction));
  if (entry && !entry->superseded_by().empty()) {
    return Fail(Code::kDuplicate, "the correction of record {} was published before",
                ToHex(original_id));
  }
  TRY(CheckSteps(message.steps(), call, message.source_chain(), original->state));
  if (!entry) {
    entry = NewEntry(call, message.source_chain(), *original, pb::RECORD_STATUS_CORRECTED);
  }
  entry->set_status(pb::RECORD_STATUS_CORRECTED);
  entry->set_superseded_by(Bytes(correction_id));
  entry->set_correction_tx(call.tx.id.ToBytes());
  kPublished.Put(call.state, original_id, *entry);
  // A correction that was corrected in its turn may have come first, with its own correction.
  if (!known) {
    kPublished.Put(
        call.state, correction_id,
        NewEntry(call, message.source_chain(), *correction, pb::RECORD_STATUS_CORRECTION));
  }
  return {};
}

constexpr Kind kPublicationKinds[] = {
    {"RecordPublished", Run<pb::RecordPublished, Publish>},
    {"CorrectionPublished", Run<pb::CorrectionPublished, PublishCorrection>,
     Lane<ledger::Application::kUrgentLane>},
};

}  // namespace

std::span<const Kind> PublicationKinds() { return kPublicationKinds; }

// Whoever a chain's centres take as a source could otherwise rewrite what the others have brought.
// An erasure that comes first keeps its record out as well, also where it comes in one transaction
// with what is new.
Result<std::optional<pb::PublishedRecord>> FindPublished(const Call& call, BytesView record_id,
                                                         BytesView consortium) {
  auto entry = kPublished.Get(call.state, record_id);
  if (!entry) return std::nullopt;
  if (entry->consortium() != consortium) {
    return Fail(Code::kUnauthorized, "record {} is for consortium {} to speak about",
                ToHex(record_id), ToHex(entry->consortium()));
  }
  if (!entry->erased_by().empty()) {
    return Fail(Code::kPruned, "record {} was erased by {}", ToHex(record_id),
                ToHex(entry->erased_by()));
  }
  return entry;
}

}  // namespace talent::tiers
