// The three applications: private, consortium and public chain.
#pragma once

#include <memory>
#include <optional>

#include "ledger/application.h"

namespace talent::tiers {

/// The application of the genesis' tier. Errors: kInvalidArgument (names the field of "app" that is
/// wrong).
Result<std::unique_ptr<ledger::Application>> MakeApplication(const ledger::Genesis& genesis);

/// May the holder of `reader` (nullopt: anyone) read the payload of `tx`, sealed on the chain whose
/// state this is? Private: the person, the centres that answer for it or that its consent lets in,
/// and the enterprises it concerns. Consortium: registered parties, once released to their points
/// tier. Public: everyone.
bool MayReadPayload(const ledger::Genesis& genesis, const ledger::StateReader& state, Timestamp now,
                    const ledger::Transaction& tx, const std::optional<crypto::PublicKey>& reader);

/// A key and what it is on a chain.
struct Reader {
  crypto::PublicKey key;
  std::string party;  // id; empty where it is no party's
  bool is_centre = false;
};

/// Which entries of a state, and proofs of them, the holder of a key (nullopt: anyone) may read.
/// Public: all. Else who may log in; what a private chain's state says of a person is for those who
/// may read the person's payloads. Looks the holder up once, for as many entries as are asked
/// about; `state` must outlive it.
class EntryAccess {
 public:
  EntryAccess(const ledger::Genesis& genesis, const ledger::StateReader& state, Timestamp now,
              const std::optional<crypto::PublicKey>& reader);

  bool MayRead(BytesView key) const;

 private:
  const ledger::StateReader& state_;
  const Timestamp now_;
  bool anything_ = false;       // else nothing…
  std::optional<Reader> asks_;  // …or, where there is one, by entry
};

/// Is `key` one of a registered party of the chain, or a registered person's own?
bool MayLogIn(const ledger::StateReader& state, const crypto::PublicKey& key);

}  // namespace talent::tiers
