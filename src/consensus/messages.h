// What validators say to one another, decoded. docs/consensus.md has the meaning of each.
#pragma once

#include <map>
#include <memory>
#include <variant>
#include <vector>

#include "consensus/replica.h"

namespace talent::consensus {

/// More heights than any window may span (architecture: W ≤ 32): bounds a view change.
inline constexpr std::uint64_t kMaxWindow = 256;
/// No chain gets here: what a peer claims to have sealed stays below, so that adding windows to it
/// cannot wrap around.
inline constexpr std::uint64_t kMaxHeight = std::uint64_t{1} << 62;
/// No message is longer; a proposal has its own, lower limit (Options::max_proposal_bytes).
inline constexpr std::size_t kMaxMessageBytes = 64u << 20;

using SignatureMap = std::map<ValidatorIndex, crypto::Signature>;

/// What a vote is about.
struct Position {
  View view;
  Height height;
  Hash digest;
  bool operator==(const Position&) const = default;
};

inline std::size_t SizeOf(const Proposal& p) { return p.batch.size() + p.sidecar.size(); }

struct PrePrepare {
  Position at;
  ProposalPtr proposal;
};
struct Prepare {
  Position at;
};
struct Commit {
  Position at;
};
/// Its height is the sender's claim until the receiver has executed that height.
struct SealVote {
  Height height;
  Hash block_hash;
};
/// A sealed block. At height 0 (the genesis) everything else is empty.
struct CertifiedHead {
  Height height;
  Hash block_hash;
  Bytes header;
  crypto::Certificate certificate;
};
struct PreparedCertificate {
  Position at;
  SignatureMap prepares;
};
struct ViewChange {
  View view;
  CertifiedHead sealed;
  std::vector<PreparedCertificate> prepared;
};
struct NewView {
  View view;
  std::vector<MessagePtr> view_changes;
};
struct PeerStatus {
  View view;
  bool view_changing = false;
  Height sealed;
  bool stalled = false;
  std::vector<Height> accepted;
};
struct ProposalRequest {
  Height height;
  Hash digest;
};
struct ProposalReply {
  Height height;
  Hash digest;
  ProposalPtr proposal;
};
struct Certified {
  CertifiedHead head;
};

using Content = std::variant<PrePrepare, Prepare, Commit, SealVote, ViewChange, NewView, PeerStatus,
                             ProposalRequest, ProposalReply, Certified>;

class VerifiedMessage {
 public:
  /// An own message, signed here.
  static MessagePtr Sign(const crypto::KeyPair& key, const ChainId& chain, Epoch epoch,
                         ValidatorIndex signer, Content content);

  ValidatorIndex signer() const { return signer_; }
  const crypto::Signature& signature() const { return signature_; }
  const Content& content() const { return content_; }
  template <class T>
  const T& As() const {
    return std::get<T>(content_);
  }
  /// Canonical Message without the proposal: what proves who said it.
  const Bytes& signed_bytes() const { return signed_bytes_; }
  /// The message as it travels.
  Bytes Wire() const;

 private:
  friend Result<MessagePtr> VerifyMessage(const ChainId&, const crypto::ValidatorSet&, BytesView,
                                          const Horizon*);
  VerifiedMessage() = default;

  ValidatorIndex signer_;
  crypto::Signature signature_;
  Content content_;
  Bytes signed_bytes_;
};

}  // namespace talent::consensus
