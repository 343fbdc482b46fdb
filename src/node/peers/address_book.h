// Where the nodes of each chain can be reached, as they themselves have signed. No IO.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/strong.h"
#include "crypto/ed25519.h"
#include "node/peers/p2p.h"

namespace talent::node {

/// Not thread-safe.
class AddressBook {
 public:
  /// All followers that a chain may have (tiers::kMaxFollowers) and its validators, with room.
  static constexpr std::size_t kMaxPerChain = 10'240;
  /// "host:port", the longest name DNS knows.
  static constexpr std::size_t kMaxAddressBytes = 262;

  using IsMember = std::function<bool(const ChainId&, const NodeKey&)>;

  /// What `bytes` (Serialize's) hold and `is_member` still allows. Errors: kInvalidArgument (no
  /// book).
  static Result<AddressBook> Parse(BytesView bytes, const IsMember& is_member);
  Bytes Serialize() const;

  /// Takes an announcement about a node of `chain`. True where it is news, to be passed on; false
  /// where it is known, older, about no member, there is no room, or the node has changed it since
  /// the last Settle. Errors: kInvalidArgument, kBadSignature (whoever sent it has not checked it).
  Result<bool> Learn(const ChainId& chain, const v1::SignedAddress& announced,
                     const IsMember& is_member);
  /// Called now and then: in between a node is believed one change, so that none can keep the
  /// others busy with its own.
  void Settle();
  /// Our own announcement, newer than every one of ours that is known.
  const v1::SignedAddress& Announce(const ChainId& chain, const crypto::KeyPair& self,
                                    const std::string& address, Timestamp now);

  /// nullopt where it is not known.
  std::optional<std::string> Find(const ChainId& chain, const NodeKey& key) const;
  std::optional<v1::SignedAddress> AnnouncementOf(const ChainId& chain, const NodeKey& key) const;
  /// Everything known about the nodes of `chain`.
  std::vector<v1::SignedAddress> Of(const ChainId& chain) const;
  /// Drops those who are members no more. True where there were any.
  bool Forget(const IsMember& is_member);

 private:
  struct Entry {
    std::string address;
    std::uint64_t sequence = 0;
    v1::SignedAddress announced;
    bool settled = false;
  };
  const Entry* FindEntry(const ChainId& chain, const NodeKey& key) const;

  std::map<ChainId, std::map<NodeKey, Entry>> chains_;
};

}  // namespace talent::node
