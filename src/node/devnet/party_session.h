// A party at work on one chain: signs, submits, waits, reads.
#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <optional>

#include "base/canonical.h"
#include "node/rpc/client.h"

namespace talent::node {

/// One client logged in on one chain with one key. Not thread-safe.
class PartySession {
 public:
  /// Connects and logs in. `key` must outlive the session. Errors: as Client::Connect and Login.
  static Result<PartySession> Open(const std::string& address, const std::string& ca_pem,
                                   const ChainId& chain, const crypto::KeyPair& key);

  /// Signs `payload` as a transaction of `kind`, submits it and waits until it is sealed. Errors:
  /// the node's; kPrecondition where it was sealed without effect (names the receipt); kUnavailable
  /// where its outcome is not known in time.
  Result<TxId> Submit(std::string_view kind, const google::protobuf::Message& payload,
                      ledger::pb::Disclosure disclosure);

  /// The two halves of Submit, for a caller who must know the id first.
  Result<ledger::Transaction> Sign(std::string_view kind, const google::protobuf::Message& payload,
                                   ledger::pb::Disclosure disclosure);
  Result<TxId> SubmitSigned(const ledger::Transaction& tx);

  /// The state entry under `key`, decoded; nullopt where there is none.
  template <class M>
  Result<std::optional<M>> Read(BytesView key) {
    const auto answer = TRY(client_->GetState(chain_, key));
    if (!answer.present()) return std::nullopt;
    return TRY(Decode<M>(answer.value()));
  }

  /// Every entry with `prefix`, at most `max`.
  Result<std::vector<std::pair<Bytes, Bytes>>> Scan(BytesView prefix, std::size_t max);

  Client& client() { return *client_; }
  const ChainId& chain() const { return chain_; }
  const crypto::KeyPair& key() const { return *key_; }

 private:
  PartySession() = default;
  Result<Height> Head();

  std::unique_ptr<Client> client_;
  ChainId chain_;
  const crypto::KeyPair* key_ = nullptr;
  crypto::SystemRandom random_;
};

}  // namespace talent::node
