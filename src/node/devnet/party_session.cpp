#include "node/devnet/party_session.h"

#include <chrono>
#include <thread>

namespace talent::node {
namespace {

constexpr std::uint64_t kSessionValidFor = 1000;
constexpr Millis kOutcomeWithin{30'000};
constexpr Millis kLagWithin{10'000};
constexpr std::chrono::milliseconds kLagPoll{50};

}  // namespace

Result<PartySession> PartySession::Open(const std::string& address, const std::string& ca_pem,
                                        const ChainId& chain, const crypto::KeyPair& key) {
  PartySession session;
  session.client_ = TRY(Client::Connect(address, ca_pem));
  session.chain_ = chain;
  session.key_ = &key;
  TRY(session.client_->Login(chain, key));
  return session;
}

Result<Height> PartySession::Head() {
  const auto status = TRY(client_->GetStatus());
  for (const v1::ChainState& chain : status.chains()) {
    if (chain.chain_id() == chain_.View()) return Height(chain.height());
  }
  return Fail(Code::kNotFound, "the node does not host chain {}", chain_.Hex());
}

Result<ledger::Transaction> PartySession::Sign(std::string_view kind,
                                               const google::protobuf::Message& payload,
                                               ledger::pb::Disclosure disclosure) {
  const Height valid_until = TRY(Head()) + kSessionValidFor;
  return ledger::MakeTransaction(chain_, kind, Encode(payload), disclosure, valid_until, *key_,
                                 random_);
}

Result<TxId> PartySession::Submit(std::string_view kind, const google::protobuf::Message& payload,
                                  ledger::pb::Disclosure disclosure) {
  return SubmitSigned(TRY(Sign(kind, payload, disclosure)));
}

Result<TxId> PartySession::SubmitSigned(const ledger::Transaction& tx) {
  auto answer = client_->SubmitAndWait(chain_, ledger::Serialize(tx), kOutcomeWithin);
  // This node may be a block behind the one that sealed what the transaction builds on.
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kLagWithin.value);
  while (!answer && answer.error().code == Code::kNotFound &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kLagPoll);
    answer = client_->SubmitAndWait(chain_, ledger::Serialize(tx), kOutcomeWithin);
  }
  const Submitted submitted = TRY(std::move(answer));
  switch (submitted.state.status()) {
    case v1::TRANSACTION_STATUS_SEALED:
      return tx.id;
    case v1::TRANSACTION_STATUS_REJECTED:
      return Fail(Code::kPrecondition, "{} {} was sealed without effect: {}", tx.kind, tx.id.Hex(),
                  ledger::pb::ReceiptCode_Name(submitted.state.receipt()));
    default:
      return Fail(Code::kUnavailable, "{} {} has no outcome after {} s", tx.kind, tx.id.Hex(),
                  kOutcomeWithin.value / 1000);
  }
}

Result<std::vector<std::pair<Bytes, Bytes>>> PartySession::Scan(BytesView prefix, std::size_t max) {
  std::vector<std::pair<Bytes, Bytes>> entries;
  Bytes from;
  do {
    auto page = TRY(client_->ScanState(chain_, prefix, from, 1000));
    for (v1::StateEntry& entry : *page.mutable_entries()) {
      if (entries.size() == max) return entries;
      entries.emplace_back(std::move(*entry.mutable_key()), std::move(*entry.mutable_value()));
    }
    from = page.next_key();
  } while (!from.empty());
  return entries;
}

}  // namespace talent::node
