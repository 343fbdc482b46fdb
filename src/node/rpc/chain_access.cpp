#include "node/rpc/chain_access.h"

#include "base/canonical.h"
#include "ledger/erasure.h"
#include "ledger/light_client.h"
#include "tiers/application.h"
#include "tiers/consortium_state.h"
#include "tiers/proven_path.h"
#include "tiers/public_rules.h"

namespace talent::node {
namespace {

constexpr std::string_view kBearer = "Bearer ";
/// A new block between reading the head and taking the snapshot is rare; so many in a row is not
/// possible.
constexpr int kSnapshotTries = 16;

v1::TransactionStatus ToProto(TxStatus status) {
  switch (status) {
    case TxStatus::kUnknown:
      return v1::TRANSACTION_STATUS_UNKNOWN;
    case TxStatus::kPending:
      return v1::TRANSACTION_STATUS_PENDING;
    case TxStatus::kSealed:
      return v1::TRANSACTION_STATUS_SEALED;
    case TxStatus::kRejected:
      return v1::TRANSACTION_STATUS_REJECTED;
    case TxStatus::kExpired:
      return v1::TRANSACTION_STATUS_EXPIRED;
  }
  return v1::TRANSACTION_STATUS_UNSPECIFIED;
}

/// The transaction that carries a record of the chain below, and the state entry about the record.
struct Carrier {
  Bytes tx;
  Bytes entry;
};
// None where its erasure came before it.
std::optional<Carrier> FindCarrier(const ledger::Genesis& genesis, const ledger::StateReader& state,
                                   const TxId& record) {
  if (genesis.tier() == ledger::Tier::kPublic) {
    const auto entry = tiers::kPublished.Get(state, record.View());
    if (entry && !entry->publication_tx().empty()) {
      return Carrier{entry->publication_tx(), tiers::kPublished.Key(record.View())};
    }
  } else if (genesis.tier() == ledger::Tier::kConsortium) {
    const auto entry = tiers::kConsortiumRecords.Get(state, record.View());
    if (entry && !entry->promotion_tx().empty()) {
      return Carrier{entry->promotion_tx(), tiers::kConsortiumRecords.Key(record.View())};
    }
  }
  return std::nullopt;
}

}  // namespace

v1::TransactionState ToProto(const TxOutcome& outcome) {
  v1::TransactionState out;
  out.set_status(ToProto(outcome.status));
  out.set_height(outcome.height.value);
  out.set_index(outcome.index);
  out.set_receipt(outcome.receipt);
  return out;
}

ChainAccess::ChainAccess(std::vector<ChainRunner*> chains, const Clock& clock, Random& random)
    : chains_(std::move(chains)), clock_(clock), sessions_(clock, random) {
  for (ChainRunner* runner : chains_) by_id_.emplace(runner->chain().id(), runner);
}

Result<ChainRunner*> ChainAccess::Find(BytesView chain_id) const {
  const auto id = ChainId::FromBytes(chain_id);
  if (!id) return Within("chain_id", id.error());
  const auto found = by_id_.find(*id);
  if (found == by_id_.end()) {
    return Fail(Code::kNotFound,
                "chain {} is not hosted by this node; GetStatus lists those that are", id->Hex());
  }
  return found->second;
}

Result<Caller> ChainAccess::Identify(const ChainRunner& runner,
                                     const CallMetadata& metadata) const {
  const auto [begin, end] = metadata.equal_range("authorization");
  if (begin == end) return Caller{};
  if (std::next(begin) != end) {
    return Fail(Code::kInvalidArgument, "more than one authorization in the call's metadata");
  }
  const std::string_view value(begin->second.data(), begin->second.size());
  if (!value.starts_with(kBearer)) {
    return Fail(Code::kInvalidArgument, "authorization metadata is not 'Bearer <token>'");
  }
  const ledger::Chain& chain = runner.chain();
  const auto session = TRY(sessions_.Find(chain.id(), value.substr(kBearer.size())));
  if (!tiers::MayLogIn(*chain.SealedState(), session.key)) {
    return Fail(Code::kUnauthorized,
                "key {} is no longer an active key of a party or person of chain {}",
                session.key.Hex(), chain.genesis().name());
  }
  return Caller{session.key, session.expires};
}

Status ChainAccess::MayReadState(const ChainRunner& runner, const Caller& caller) {
  const ledger::Genesis& genesis = runner.chain().genesis();
  if (genesis.tier() == ledger::Tier::kPublic || caller.key) return {};
  return Fail(
      Code::kUnauthorized,
      "the state of {} chain {} is read by those it registers only: log in with a registered key",
      ledger::TierName(genesis.tier()), genesis.name());
}

tiers::EntryAccess ChainAccess::EntriesFor(const ChainRunner& runner,
                                           const ledger::StateReader& state,
                                           const Caller& caller) const {
  return {runner.chain().genesis(), state, clock_.Now(), caller.key};
}

StateSnapshot ChainAccess::Snapshot(const ledger::Chain& chain) {
  StateSnapshot out;
  for (int i = 0; i < kSnapshotTries; ++i) {
    out.head = chain.head();
    out.state = chain.SealedState();
    if (chain.head().height == out.head.height) break;
  }
  return out;
}

std::optional<ledger::pb::ErasedEntry> ChainAccess::FindErased(const ledger::StateReader& state,
                                                               const TxId& id,
                                                               const tiers::EntryAccess& entries) {
  auto erased = ledger::FindErased(state, id);
  if (erased && !entries.MayRead(ledger::ErasedKey(id))) erased->clear_by();
  return erased;
}

bool ChainAccess::MayRead(const ledger::Chain& chain, const ledger::StateReader& state,
                          const ledger::Transaction& tx, const Caller& caller) const {
  return tiers::MayReadPayload(chain.genesis(), state, clock_.Now(), tx, caller.key);
}

Result<v1::GetBlockResponse> ChainAccess::ReadBlock(const ChainRunner& runner, Height height,
                                                    const Caller& caller) const {
  const ledger::Chain& chain = runner.chain();
  auto read = TRY(chain.GetBlockWithPayloads(height));
  const auto state = chain.SealedState();
  const tiers::EntryAccess entries = EntriesFor(runner, *state, caller);
  const auto& transactions = read.block().transactions();
  v1::GetBlockResponse out;
  for (int i = 0; i < read.payloads_size(); ++i) {
    ledger::pb::Payload& payload = *read.mutable_payloads(i);
    if (i >= transactions.size()) {
      return Fail(Code::kCorruption, "block {} has more payloads than transactions", height);
    }
    // Here or not: peers have it for a while yet.
    const TxId id = ledger::TransactionId(transactions[i].envelope());
    if (auto erased = FindErased(*state, id, entries)) {
      v1::ErasedPayload& entry = *out.add_erased();
      entry.set_index(static_cast<std::uint32_t>(i));
      *entry.mutable_erased() = *std::move(erased);
      payload.Clear();
      continue;
    }
    if (payload.salt().empty()) continue;  // not given to this node
    const auto tx = ledger::ParseTransaction(transactions[i], &payload);
    if (!tx) return Within(fmt::format("block {} transaction {}", height, i), tx.error());
    if (!MayRead(chain, *state, *tx, caller)) payload.Clear();
  }
  TRY(state->status());
  out.set_hash(ledger::BlockHash(read.block().header()).ToBytes());
  *out.mutable_block() = std::move(read);
  return out;
}

Result<v1::GetTransactionResponse> ChainAccess::ReadTransaction(const ChainRunner& runner,
                                                                const TxId& id,
                                                                const Caller& caller) const {
  const ledger::Chain& chain = runner.chain();
  v1::GetTransactionResponse out;
  const auto snapshot = Snapshot(chain);
  const TxOutcome outcome = runner.Outcome(id);
  out.set_as_of_height(std::max(snapshot.head.height, outcome.height).value);
  *out.mutable_state() = ToProto(outcome);
  if (outcome.status != TxStatus::kSealed && outcome.status != TxStatus::kRejected) return out;
  const auto tx = TRY(chain.GetTransaction(id));
  auto& shown = *out.mutable_transaction();
  shown.set_envelope(tx.envelope_bytes);
  shown.set_signature(tx.signature.ToBytes());
  if (tx.has_payload() && MayRead(chain, *snapshot.state, tx, caller)) {
    shown.mutable_payload()->set_salt(tx.salt);
    shown.mutable_payload()->set_data(tx.payload);
  }
  if (!tx.has_payload()) {
    const auto state = chain.SealedState();
    if (auto erased = FindErased(*state, id, EntriesFor(runner, *state, caller))) {
      *out.mutable_erased() = *std::move(erased);
    }
  }
  return out;
}

Result<ledger::pb::TransactionProof> ChainAccess::ReadProof(const ChainRunner& runner,
                                                            const TxId& id,
                                                            const Caller& caller) const {
  const ledger::Chain& chain = runner.chain();
  const auto state = chain.SealedState();
  std::optional<Carrier> carrier = FindCarrier(chain.genesis(), *state, id);
  if (carrier && !(MayReadState(runner, caller) &&
                   EntriesFor(runner, *state, caller).MayRead(carrier->entry))) {
    carrier.reset();
  }
  auto proof =
      TRY(ledger::BuildTransactionProof(chain, carrier ? TRY(TxId::FromBytes(carrier->tx)) : id));
  const Height head = chain.head().height;
  // What the chain says of the record today: whether it stands or was superseded.
  if (carrier) TRY(ledger::AddStatement(chain, carrier->entry, head, proof));
  if (!proof.has_payload()) {
    const TxId shown = ledger::TransactionId(proof.transaction().envelope());
    if (ledger::FindErased(*state, shown) &&
        EntriesFor(runner, *state, caller).MayRead(ledger::ErasedKey(shown))) {
      TRY(ledger::AddStatement(chain, ledger::ErasedKey(shown), head, proof));
    }
    return proof;
  }
  const auto tx = TRY(ledger::ParseTransaction(proof.transaction(), &proof.payload()));
  if (!MayRead(chain, *state, tx, caller)) {
    proof.clear_payload();
    return proof;
  }
  // What took no effect may cite any number of headers.
  const auto receipt = TRY(Decode<ledger::pb::Receipt>(proof.path().receipt()));
  if (receipt.code() != ledger::pb::RECEIPT_CODE_OK) return proof;
  const auto keys = tiers::EvidenceKeys(tx);
  if (std::cmp_greater_equal(keys.size(), ledger::kMaxStatements)) return proof;
  for (const Bytes& key : keys) {
    TRY(ledger::AddStatement(chain, key, head, proof));
  }
  return proof;
}

}  // namespace talent::node
