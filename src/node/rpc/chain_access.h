// What a gRPC caller may read of the chains a node hosts, and the reading itself.
#pragma once

#include <grpcpp/support/string_ref.h>

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "node/chain/chain_runner.h"
#include "node/rpc/client_sessions.h"
#include "talent/node/v1/node_service.pb.h"
#include "tiers/application.h"

namespace talent::node {

/// Metadata of a call, as gRPC gives it.
using CallMetadata = std::multimap<grpc::string_ref, grpc::string_ref>;

/// Who calls: nobody in particular, or the holder of a key by a token.
struct Caller {
  std::optional<crypto::PublicKey> key;
  Timestamp expires;  // of the token
};

/// State after the sealed head, and which head that was.
struct StateSnapshot {
  std::unique_ptr<ledger::StateReader> state;
  ledger::Head head;
};

/// Thread-safe; reads never wait for a chain's strand. The chains, the clock and the random source
/// must outlive it.
class ChainAccess {
 public:
  ChainAccess(std::vector<ChainRunner*> chains, const Clock& clock, Random& random);

  const std::vector<ChainRunner*>& chains() const { return chains_; }
  ClientSessions& sessions() { return sessions_; }
  const Clock& clock() const { return clock_; }

  /// Errors: kInvalidArgument (no chain id), kNotFound (not hosted here).
  Result<ChainRunner*> Find(BytesView chain_id) const;

  /// Reads "authorization: Bearer …". No such metadata is an anonymous caller; a token that does
  /// not hold is an error, never anonymous. Errors: kInvalidArgument, kUnauthorized, kExpired.
  Result<Caller> Identify(const ChainRunner& runner, const CallMetadata& metadata) const;

  /// The state at all: everyone on a public chain, who has logged in on the others. Errors:
  /// kUnauthorized.
  static Status MayReadState(const ChainRunner& runner, const Caller& caller);
  /// Which entries of it, and proofs of them. `state` must outlive the answer.
  tiers::EntryAccess EntriesFor(const ChainRunner& runner, const ledger::StateReader& state,
                                const Caller& caller) const;

  /// A sealed block, its payloads emptied where `caller` may not read them. Errors: kNotFound.
  Result<v1::GetBlockResponse> ReadBlock(const ChainRunner& runner, Height height,
                                         const Caller& caller) const;
  /// A transaction and where it stands. Errors: kCorruption and kIo of the store.
  Result<v1::GetTransactionResponse> ReadTransaction(const ChainRunner& runner, const TxId& id,
                                                     const Caller& caller) const;
  /// Everything needed to check `id` offline, its payload included if `caller` may read it. On the
  /// consortium and the public chain a record's id stands for the transaction that carries it.
  /// Errors: kNotFound (not sealed here).
  Result<ledger::pb::TransactionProof> ReadProof(const ChainRunner& runner, const TxId& id,
                                                 const Caller& caller) const;

  static StateSnapshot Snapshot(const ledger::Chain& chain);

 private:
  /// What was erased by one request is about one person: who may not read the entry is not told by
  /// which.
  static std::optional<ledger::pb::ErasedEntry> FindErased(const ledger::StateReader& state,
                                                           const TxId& id,
                                                           const tiers::EntryAccess& entries);
  bool MayRead(const ledger::Chain& chain, const ledger::StateReader& state,
               const ledger::Transaction& tx, const Caller& caller) const;

  std::vector<ChainRunner*> chains_;
  std::map<ChainId, ChainRunner*> by_id_;
  const Clock& clock_;
  ClientSessions sessions_;
};

/// Where a transaction stands, as the wire says it.
v1::TransactionState ToProto(const TxOutcome& outcome);

}  // namespace talent::node
