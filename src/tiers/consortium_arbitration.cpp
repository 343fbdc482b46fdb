// Arbitration: where a reviewer or the centre asks for it, the other centres decide.

#include <algorithm>

#include "tiers/consortium_rules.h"
#include "tiers/market_policy.h"

namespace talent::tiers {
namespace {

bool MayOpen(const Call& call, BytesView record_id, const pb::ConsortiumRecord& record,
             const std::string& party) {
  if (record.centre() == party) return true;
  const auto review = kReviews.Get(call.state, Concat({record_id, party}));
  return review && !review->reveal_tx().empty();
}

Status Open(const pb::ArbitrationOpened& message, const Call& call) {
  const pb::Party party = TRY(RequireParty(call));
  auto record = TRY(RequireRecord(call, message.record_id()));
  if (record.status() != pb::RECORD_STATUS_REFUSED ||
      call.block.time.value >= record.arbitration_by_ms()) {
    return Fail(Code::kPrecondition, "record {} has nothing to arbitrate now",
                ToHex(message.record_id()));
  }
  if (!MayOpen(call, message.record_id(), record, party.id())) {
    return Fail(Code::kUnauthorized, "'{}' has neither reviewed record {} nor answers for it",
                party.id(), ToHex(message.record_id()));
  }
  pb::Arbitration arbitration;
  arbitration.set_opened_by(party.id());
  arbitration.set_opened_tx(call.tx.id.ToBytes());
  AddStep(record, call.tx.id);
  if (!BeginArbitration(call.block, call.state, message.record_id(), record, arbitration)) {
    return Fail(Code::kPrecondition, "too few centres are left without a part in record {}",
                ToHex(message.record_id()));
  }
  return {};
}

Status AddVote(const pb::ArbitrationVoted& message, const std::string& centre,
               pb::Arbitration& arbitration) {
  if (!std::ranges::binary_search(arbitration.arbiters(), centre)) {
    return Fail(Code::kUnauthorized, "'{}' is no arbiter of record {}", centre,
                ToHex(message.record_id()));
  }
  for (const auto* const votes : {&arbitration.for_record(), &arbitration.for_dispute()}) {
    if (std::ranges::find(*votes, centre) != votes->end()) {
      return Fail(Code::kDuplicate, "'{}' has voted on record {}", centre,
                  ToHex(message.record_id()));
    }
  }
  if (message.verdict() == pb::ARBITRATION_VERDICT_RECORD_STANDS) {
    arbitration.add_for_record(centre);
  } else {
    arbitration.add_for_dispute(centre);
  }
  return {};
}

bool IsTwoThirds(int votes, int of) { return 3 * votes >= 2 * of; }

Status Vote(const pb::ArbitrationVoted& message, const Call& call) {
  const pb::Party centre = TRY(RequireCentre(call));
  if (message.verdict() != pb::ARBITRATION_VERDICT_RECORD_STANDS &&
      message.verdict() != pb::ARBITRATION_VERDICT_DISPUTE_UPHELD) {
    return Fail(Code::kInvalidArgument, "verdict is neither for the record nor for the dispute");
  }
  auto record = TRY(RequireRecord(call, message.record_id()));
  if (record.status() != pb::RECORD_STATUS_ARBITRATION ||
      call.block.time.value >= record.arbitration_by_ms()) {
    return Fail(Code::kPrecondition, "record {} is not under arbitration now",
                ToHex(message.record_id()));
  }
  auto arbitration = kArbitrations.Get(call.state, message.record_id());
  CHECK(arbitration.has_value(), "the opening wrote it");
  TRY(AddVote(message, centre.id(), *arbitration));
  kArbitrations.Put(call.state, message.record_id(), *arbitration);
  AddStep(record, call.tx.id);
  const int arbiters = arbitration->arbiters_size();
  const bool stands = IsTwoThirds(arbitration->for_record_size(), arbiters);
  if (stands || IsTwoThirds(arbitration->for_dispute_size(), arbiters)) {
    SettleArbitration(call.block, call.state, message.record_id(), record, stands);
  } else {
    kConsortiumRecords.Put(call.state, message.record_id(), record);
  }
  return {};
}

constexpr Kind kArbitrationKinds[] = {
    {"ArbitrationOpened", Run<pb::ArbitrationOpened, Open>, Lane<1>},
    {"ArbitrationVoted", Run<pb::ArbitrationVoted, Vote>, Lane<1>},
};

}  // namespace

std::span<const Kind> ArbitrationKinds() { return kArbitrationKinds; }

// Who reviewed the record has points at stake, and who is a party to it a stake of another kind;
// they have no vote on it. Where that is most of those who could vote, the few that are left are
// not the other centres' word: nor where the record's own chain has named the others as parties.
std::vector<std::string> ArbitersOf(const ledger::StateReader& state, BytesView record_id,
                                    const pb::ConsortiumRecord& record) {
  std::vector<std::string> out;
  std::size_t could = 0;
  kParties.Scan(state, {}, {}, [&](BytesView, const pb::Party& party) {
    const std::string& id = party.id();
    if (party.role() != pb::PARTY_ROLE_CENTRE || party.suspended() || id == record.centre()) {
      return true;
    }
    ++could;
    if (IsPartyTo(record, id)) return true;
    if (!kReviews.Has(state, Concat({record_id, id}))) out.push_back(id);
    return true;
  });
  const std::uint64_t quorum_bps = PolicyOf(state, record).arbiters_quorum_bps();
  if (out.size() * kBasisPoints <= could * quorum_bps) return {};
  out.resize(std::min(out.size(), kMaxArbiters));
  return out;
}

bool BeginArbitration(const ledger::BlockContext& block, ledger::StateOverlay& state,
                      BytesView record_id, pb::ConsortiumRecord& record, pb::Arbitration opening) {
  for (const auto& centre : ArbitersOf(state, record_id, record)) opening.add_arbiters(centre);
  if (opening.arbiters().empty()) return false;
  kArbitrations.Put(state, record_id, opening);
  AwaitVotes(block, state, record_id, record);
  return true;
}

}  // namespace talent::tiers
