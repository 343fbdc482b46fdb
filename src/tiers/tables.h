// Typed tables over a chain's state, and those that every tier has.
//
// A table's name ends in '/'; keys inside it are ids, or ids and a big-endian number, so that a
// scan is in order. private_state.h, consortium_state.h and public_state.h list the others.
#pragma once

#include <initializer_list>
#include <optional>

#include "base/canonical.h"
#include "ledger/state.h"
#include "talent/tiers/v1/common.pb.h"

namespace talent::tiers {

namespace pb = ::talent::tiers::v1;

/// Eight bytes, so that byte order is number order.
Bytes BigEndian(std::uint64_t value);
/// The number back. Requires 8 bytes; checked.
std::uint64_t FromBigEndian(BytesView bytes);
Bytes Concat(std::initializer_list<BytesView> parts);

template <class M>
struct Table {
  std::string_view name;

  Bytes Key(BytesView key) const { return Concat({name, key}); }

  std::optional<M> Get(const ledger::StateReader& state, BytesView key) const {
    const std::optional<Bytes> value = state.Get(Key(key));
    if (!value) return std::nullopt;
    return Read(*value);
  }
  bool Has(const ledger::StateReader& state, BytesView key) const {
    return state.Get(Key(key)).has_value();
  }
  void Put(ledger::StateOverlay& state, BytesView key, const M& value) const {
    state.Put(Key(key), Encode(value));
  }
  void Delete(ledger::StateOverlay& state, BytesView key) const { state.Delete(Key(key)); }

  /// Calls `visit(rest of the key, value)` for the keys that begin with `prefix`, from
  /// `prefix` ‖ `from` on, in order, until it returns false.
  template <class Visit>
  void Scan(const ledger::StateReader& state, BytesView prefix, BytesView from,
            const Visit& visit) const {
    const Bytes whole = Key(prefix);
    state.Scan(whole, Concat({whole, from}), [&](BytesView key, BytesView value) {
      return visit(key.substr(whole.size()), Read(value));
    });
  }

 private:
  static M Read(BytesView value) {
    Result<M> message = Decode<M>(value);
    CHECK(message.has_value(), "state holds what is not ours: {}", message.error().message);
    return *std::move(message);
  }
};

/// By party id.
inline constexpr Table<pb::Party> kParties{"party/"};
/// By public key.
inline constexpr Table<pb::KeyOwner> kKeys{"key/"};
/// By chain id.
inline constexpr Table<pb::Source> kSources{"source/"};
/// By chain id and epoch.
inline constexpr Table<pb::SourceEpoch> kSourceEpochs{"source_epoch/"};
/// By chain id and height.
inline constexpr Table<pb::AcceptedHeader> kHeaders{"header/"};
/// By record id, on private chains; proven to the receiving chain.
inline constexpr Table<pb::PromotionDecision> kDecisions{"promote/"};

}  // namespace talent::tiers
