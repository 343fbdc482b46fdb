// A chain runner that needs no network: one validator, a block for every transaction, at once.
#pragma once

#include <gtest/gtest.h>

#include <limits>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "ledger/chain.h"
#include "node/chain/chain_runner.h"
#include "support/temp_dir.h"

namespace talent::node {

/// A private chain with one centre ("centre") and one enterprise ("acme") over a real store.
/// Thread-safe.
class OneNodeChain final : public ChainRunner {
 public:
  OneNodeChain();
  /// A consortium with the same parties that takes the records of `chain`.
  struct TakesRecordsOf {
    const OneNodeChain& chain;
  };
  explicit OneNodeChain(TakesRecordsOf source);

  const ledger::Chain& chain() const override { return *chain_; }
  const ledger::Application& application() const override { return *application_; }
  ChainStatusInfo status() const override;
  void Submit(Bytes transaction, std::function<void(Result<Admitted>)> done) override;
  TxOutcome Outcome(const TxId& id) const override;
  void AwaitOutcome(const Admitted& tx, Millis deadline,
                    std::function<void(TxOutcome)> done) override;
  std::shared_ptr<void> OnChange(std::function<void()> on_change) override;

  /// While held, transactions are admitted and stay pending.
  void Hold(bool held = true) { held_ = held; }
  /// The next transaction is answered with an error of this kind, so often as it is submitted.
  void RefuseOne(Code code, int times = std::numeric_limits<int>::max());
  /// It stands still from now on, as after a divergence.
  void Halt();
  std::size_t listeners() const;
  std::size_t waiting() const;

  /// What it holds against its validator from now on.
  void HoldEvidence(v1::Evidence evidence);
  std::vector<v1::Evidence> EvidenceList() const override;

  const crypto::KeyPair& vote_key() const { return vote_; }
  const crypto::KeyPair& centre() const { return centre_; }
  const crypto::KeyPair& acme() const { return acme_; }
  /// A subject's registration by the centre, signed.
  Bytes Registration();
  /// Submits Registration and expects it to be sealed.
  TxId SealOne();

 private:
  explicit OneNodeChain(const std::function<Bytes(const OneNodeChain&)>& genesis);
  Result<Admitted> Admit(const Bytes& transaction);
  void SealBlock(const ledger::Transaction& tx);

  crypto::SystemRandom random_;
  const crypto::KeyPair vote_ = crypto::KeyPair::Generate(random_);
  const crypto::KeyPair centre_ = crypto::KeyPair::Generate(random_);
  const crypto::KeyPair acme_ = crypto::KeyPair::Generate(random_);
  const TempDir dir_;
  std::unique_ptr<ledger::Application> application_;
  std::unique_ptr<ledger::Database> database_;
  std::unique_ptr<ledger::Chain> chain_;
  std::atomic<bool> held_ = false, halted_ = false;

  mutable std::mutex mutex_;  // the strand: guards the chain's writer side and what follows
  std::vector<v1::Evidence> evidence_;
  struct Refusals {
    Code code;
    int left;
  };
  std::optional<Refusals> refusal_;
  std::map<Bytes, Refusals> refused_;
  std::list<std::function<void()>> listeners_;
  std::vector<std::function<void(TxOutcome)>> waiting_;
};

}  // namespace talent::node
