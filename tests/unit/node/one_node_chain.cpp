#include "unit/node/one_node_chain.h"

#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "talent/tiers/v1/private.pb.h"
#include "tiers/application.h"

namespace talent::node {
namespace {

nlohmann::json GenesisOf(const crypto::KeyPair& vote, const crypto::KeyPair& centre,
                         const crypto::KeyPair& acme) {
  const auto party = [](const char* id, const char* role, const crypto::KeyPair& key) {
    return nlohmann::json{
        {"id", id}, {"role", role}, {"name", id}, {"keys", {key.public_key().Hex()}}};
  };
  return {{"format", 1},
          {"name", "test"},
          {"tier", "private"},
          {"suite", "ed25519-sha256"},
          {"time_ms", 1'700'000'000'000},
          {"consensus",
           {{"window", 4},
            {"max_batch_transactions", 100},
            {"max_batch_bytes", 1 << 20},
            {"max_transaction_bytes", 1 << 14},
            {"view_timeout_ms", 2000},
            {"view_timeout_cap_ms", 32000},
            {"max_clock_drift_ms", 10000},
            {"max_valid_for", 1000}}},
          {"validators",
           {{{"name", "v0"},
             {"vote_key", vote.public_key().Hex()},
             {"node_key", centre.public_key().Hex()}}}},
          {"followers", nlohmann::json::array()},
          {"app",
           {{"parties", {party("centre", "centre", centre), party("acme", "enterprise", acme)}}}}};
}

Bytes ConsortiumText(const crypto::KeyPair& vote, const OneNodeChain& source) {
  nlohmann::json genesis = GenesisOf(vote, source.centre(), source.acme());
  genesis["name"] = "consortium";
  genesis["tier"] = "consortium";
  genesis["consensus"]["max_transaction_bytes"] = 1 << 16;  // evidence takes room
  const auto& validator = source.chain().genesis().validators().at(ValidatorIndex(0));
  genesis["app"]["sources"] = {{{"name", "test"},
                                {"tier", "private"},
                                {"chain_id", source.chain().id().Hex()},
                                {"centres", {"centre"}},
                                {"validators",
                                 {{{"name", validator.name},
                                   {"vote_key", validator.vote_key.Hex()},
                                   {"node_key", validator.node_key.Hex()}}}}}};
  return genesis.dump();
}

}  // namespace

OneNodeChain::OneNodeChain()
    : OneNodeChain([](const OneNodeChain& chain) {
        return GenesisOf(chain.vote_, chain.centre_, chain.acme_).dump();
      }) {}

OneNodeChain::OneNodeChain(TakesRecordsOf source)
    : OneNodeChain([&source](const OneNodeChain& chain) {
        return ConsortiumText(chain.vote_, source.chain);
      }) {}

OneNodeChain::OneNodeChain(const std::function<Bytes(const OneNodeChain&)>& text) {
  const auto genesis = ledger::Genesis::Parse(text(*this));
  CHECK(genesis.has_value(), "{}", genesis.error().ToString());
  application_ = tiers::MakeApplication(*genesis).value();
  database_ =
      ledger::Database::Open(dir_.path() / "db", ledger::Database::Mode::kReadWrite).value();
  auto chain = ledger::Chain::Open(*database_, *genesis, *application_);
  CHECK(chain.has_value(), "{}", chain.error().ToString());
  chain_ = std::move(*chain);
}

ChainStatusInfo OneNodeChain::status() const {
  ChainStatusInfo out;
  out.head = chain_->head();
  out.validator = out.synced = true;
  if (halted_) out.halted = "as told";
  return out;
}

void OneNodeChain::RefuseOne(Code code, int times) {
  const std::lock_guard lock(mutex_);
  refusal_ = {code, times};
}

Result<Admitted> OneNodeChain::Admit(const Bytes& transaction) {
  if (const auto refusal = std::exchange(refusal_, std::nullopt)) refused_[transaction] = *refusal;
  if (const auto refused = refused_.find(transaction);
      refused != refused_.end() && refused->second.left-- > 0) {
    return Fail(refused->second.code, "as told");
  }
  const auto tx = TRY(
      ledger::ParseTransaction(transaction, chain_->genesis().consensus().max_transaction_bytes));
  TRY(ledger::VerifySignature(tx, chain_->id()));
  if (TRY(chain_->FindTransaction(tx.id))) {
    return Fail(Code::kDuplicate, "transaction {} is sealed already", tx.id.Hex());
  }
  const ledger::Head head = chain_->head();
  TRY(application_->Check(
      tx,
      {chain_->id(), head.height + 1, head.time + Millis(1), chain_->genesis().consensus().window},
      *chain_->SealedState()));
  if (!held_) SealBlock(tx);
  return Admitted{tx.id, tx.valid_until};
}

void OneNodeChain::SealBlock(const ledger::Transaction& tx) {
  ledger::pb::Batch batch;
  batch.set_time_ms(chain_->head().time.value + 1);
  batch.add_transactions()->set_envelope(tx.envelope_bytes);
  batch.mutable_transactions(0)->set_signature(tx.signature.ToBytes());
  ledger::pb::Payloads payloads;
  payloads.add_payloads()->set_salt(tx.salt);
  payloads.mutable_payloads(0)->set_data(tx.payload);
  const auto executed = chain_->Execute(Encode(batch), Encode(payloads));
  CHECK(executed.has_value(), "{}", executed.error().ToString());
  crypto::Certificate certificate;
  certificate.seals[ValidatorIndex(0)] = crypto::SignSeal(vote_, chain_->id(), executed->hash);
  CHECK(chain_->Seal(executed->height, certificate).has_value());
  for (const auto& listener : listeners_) listener();
}

void OneNodeChain::Submit(Bytes transaction, std::function<void(Result<Admitted>)> done) {
  std::unique_lock lock(mutex_);
  auto tx = Admit(transaction);
  lock.unlock();
  done(std::move(tx));
}

TxOutcome OneNodeChain::Outcome(const TxId& id) const {
  TxOutcome out;
  const auto at = chain_->FindTransaction(id).value();
  if (!at) return out;
  out.receipt = chain_->GetReceipt(*at).value().code();
  out.status = out.receipt == ledger::pb::RECEIPT_CODE_OK ? TxStatus::kSealed : TxStatus::kRejected;
  out.height = at->height;
  out.index = at->index;
  return out;
}

void OneNodeChain::AwaitOutcome(const Admitted& tx, Millis deadline,
                                std::function<void(TxOutcome)> done) {
  TxOutcome out = Outcome(tx.id);
  if (out.status == TxStatus::kUnknown && deadline > Millis(0)) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(done));  // for good: these tests end such calls themselves
    return;
  }
  if (out.status == TxStatus::kUnknown) out.status = TxStatus::kPending;
  done(out);
}

std::shared_ptr<void> OneNodeChain::OnChange(std::function<void()> on_change) {
  const std::lock_guard lock(mutex_);
  const auto at = listeners_.insert(listeners_.end(), std::move(on_change));
  return {&*at, [this, at](void*) {
            const std::lock_guard erase_lock(mutex_);
            listeners_.erase(at);
          }};
}

void OneNodeChain::Halt() {
  const std::lock_guard lock(mutex_);
  halted_ = true;
  for (const auto& listener : listeners_) listener();
}

void OneNodeChain::HoldEvidence(v1::Evidence evidence) {
  const std::lock_guard lock(mutex_);
  evidence_.push_back(std::move(evidence));
}

std::vector<v1::Evidence> OneNodeChain::EvidenceList() const {
  const std::lock_guard lock(mutex_);
  return evidence_;
}

std::size_t OneNodeChain::listeners() const {
  const std::lock_guard lock(mutex_);
  return listeners_.size();
}

std::size_t OneNodeChain::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

Bytes OneNodeChain::Registration() {
  tiers::v1::SubjectRegistered payload;
  payload.set_subject_id(random_.Draw(32));
  payload.set_commitment(random_.Draw(32));
  payload.set_custodian("centre");
  payload.set_consent_version(1);
  return ledger::Serialize(ledger::MakeTransaction(chain_->id(), "SubjectRegistered",
                                                   Encode(payload), ledger::pb::DISCLOSURE_PRIVATE,
                                                   chain_->head().height + 100, centre_, random_));
}

TxId OneNodeChain::SealOne() {
  Result<Admitted> tx = Fail(Code::kInternal, "not called");
  Submit(Registration(), [&](Result<Admitted> done) { tx = std::move(done); });
  EXPECT_TRUE(tx) << tx.error().ToString();
  return tx.value_or(Admitted()).id;
}

}  // namespace talent::node
