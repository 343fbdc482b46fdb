// Is a decoded message true: right epoch, a validator's signature, certificates that hold?
#include "consensus/codec.h"

namespace talent::consensus {
namespace {

struct Verifier {
  const ChainId& chain;
  const crypto::ValidatorSet& set;
  const Horizon* horizon;

  Status Check(const CertifiedHead& head) const {
    if (head.height == Height(0)) return {};
    return VerifyCertificate(set, chain, head.block_hash, head.certificate);
  }

  Status Check(const PreparedCertificate& prepared) const {
    if (prepared.prepares.size() < set.quorum()) {
      return Fail(Code::kInvalidArgument, "prepared certificate with {} signatures, {} decide",
                  prepared.prepares.size(), set.quorum());
    }
    if (prepared.prepares.rbegin()->first.value >= set.size()) {
      return Fail(Code::kUnauthorized, "prepared certificate names validator {} of {}",
                  prepared.prepares.rbegin()->first, set.size());
    }
    const Bytes body = PrepareBody(set.epoch(), prepared.at);
    for (const auto& [who, signature] : prepared.prepares) {
      if (!crypto::Verify(set.at(who).vote_key, crypto::Domain::kPbftSignature, chain, body,
                          signature)) {
        return Fail(Code::kBadSignature, "prepare of validator {} for height {} in a certificate",
                    who, prepared.at.height);
      }
    }
    return {};
  }

  Status Check(const ViewChange& change) const {
    TRY(Check(change.sealed));
    for (const auto& prepared : change.prepared) TRY(Check(prepared));
    return {};
  }

  // Fills in the view changes, each verified.
  Status Open(NewView& view, ValidatorIndex signer, const std::vector<Bytes>& encoded) const {
    if (signer != set.Primary(view.view)) {
      return Fail(Code::kUnauthorized, "new view {} from validator {}, its primary is {}",
                  view.view, signer, set.Primary(view.view));
    }
    if (encoded.size() < set.quorum()) {
      return Fail(Code::kInvalidArgument, "new view with {} view changes, {} decide",
                  encoded.size(), set.quorum());
    }
    for (const Bytes& bytes : encoded) {
      // A new view inside a new view would recurse: look before verifying.
      if (!std::holds_alternative<ViewChange>(TRY(DecodeMessage(bytes)).content)) {
        return Fail(Code::kInvalidArgument, "new view {} holds what is no view change", view.view);
      }
      MessagePtr change = TRY(VerifyMessage(chain, set, bytes, horizon));
      if (change->As<ViewChange>().view != view.view) {
        return Fail(Code::kInvalidArgument, "new view {} holds a view change to {}", view.view,
                    change->As<ViewChange>().view);
      }
      if (!view.view_changes.empty() && change->signer() <= view.view_changes.back()->signer()) {
        return Fail(Code::kInvalidArgument, "view changes out of order, or one signer twice");
      }
      view.view_changes.push_back(std::move(change));
    }
    return {};
  }

  Status CheckInside(Decoded& message) const {
    if (auto* offer = std::get_if<PrePrepare>(&message.content)) {
      if (message.signer != set.Primary(offer->at.view)) {
        return Fail(Code::kUnauthorized, "pre-prepare of view {} from validator {}", offer->at.view,
                    message.signer);
      }
    } else if (auto* change = std::get_if<ViewChange>(&message.content)) {
      return Check(*change);
    } else if (auto* view = std::get_if<NewView>(&message.content)) {
      return Open(*view, message.signer, message.view_changes);
    } else if (auto* certified = std::get_if<Certified>(&message.content)) {
      return Check(certified->head);
    }
    return {};
  }

  Status CheckSignature(const Decoded& message) const {
    const auto* seal = std::get_if<SealVote>(&message.content);
    const bool good =
        seal != nullptr
            ? VerifySeal(set, chain, message.signer, seal->block_hash, message.signature)
            : crypto::Verify(set.at(message.signer).vote_key, crypto::Domain::kPbftSignature, chain,
                             message.body, message.signature);
    if (!good) {
      return Fail(Code::kBadSignature, "message of validator {} does not verify", message.signer);
    }
    return {};
  }
};

Status CheckView(const Horizon& horizon, View view) {
  if (view >= horizon.view) return {};
  return Fail(Code::kExpired, "of view {}; this is view {}", view, horizon.view);
}

Status CheckHeight(const Horizon& horizon, Height height) {
  if (height > horizon.sealed) return {};
  return Fail(Code::kExpired, "of height {}; {} is sealed", height, horizon.sealed);
}

Status CheckVote(const Horizon& horizon, const Position& at) {
  TRY(CheckHeight(horizon, at.height));
  TRY(CheckView(horizon, at.view));
  // The replica takes the next view; by now it may be in that one. Votes above its window tell it
  // how far behind it is, so those it must see.
  const bool in_window = at.height - horizon.sealed <= 2 * std::uint64_t{horizon.window};
  if (!in_window || at.view - horizon.view <= 2) return {};
  return Fail(Code::kExhausted, "of view {}, far above {}", at.view, horizon.view);
}

// Only what the replica would drop as well, wherever it has gone meanwhile: it never goes back.
Status CheckHorizon(const Horizon& horizon, const Content& content) {
  if (const auto* m = std::get_if<PrePrepare>(&content)) return CheckVote(horizon, m->at);
  if (const auto* m = std::get_if<Prepare>(&content)) return CheckVote(horizon, m->at);
  if (const auto* m = std::get_if<Commit>(&content)) return CheckVote(horizon, m->at);
  if (const auto* m = std::get_if<ViewChange>(&content)) {
    // Each costs a quorum of signature checks; nobody has prepared more than its window.
    if (m->prepared.size() > horizon.window) {
      return Fail(Code::kTooLarge, "view change with {} prepared certificates, the window is {}",
                  m->prepared.size(), horizon.window);
    }
    // A late one may still prove a block sealed.
    return m->sealed.height > horizon.sealed ? Status() : CheckView(horizon, m->view);
  }
  if (const auto* m = std::get_if<NewView>(&content)) return CheckView(horizon, m->view);
  if (const auto* m = std::get_if<ProposalReply>(&content)) return CheckHeight(horizon, m->height);
  if (const auto* m = std::get_if<Certified>(&content)) return CheckHeight(horizon, m->head.height);
  if (const auto* m = std::get_if<SealVote>(&content)) {
    TRY(CheckHeight(horizon, m->height));
    if (m->height - horizon.sealed > 4 * std::uint64_t{horizon.window}) {
      return Fail(Code::kExhausted, "a seal of height {}, far above {}", m->height, horizon.sealed);
    }
  }
  return {};
}

}  // namespace

Result<MessagePtr> VerifyMessage(const ChainId& chain, const crypto::ValidatorSet& validators,
                                 BytesView bytes, const Horizon* horizon) {
  Decoded decoded = TRY(DecodeMessage(bytes));
  if (decoded.epoch != validators.epoch()) {
    return Fail(Code::kWrongChain, "message of epoch {}, this is epoch {}", decoded.epoch,
                validators.epoch());
  }
  if (decoded.signer.value >= validators.size()) {
    return Fail(Code::kUnauthorized, "message of validator {}, there are {}", decoded.signer,
                validators.size());
  }
  if (horizon != nullptr && horizon->epoch == validators.epoch()) {
    TRY(CheckHorizon(*horizon, decoded.content));
  }
  const Verifier verifier{chain, validators, horizon};
  TRY(verifier.CheckSignature(decoded));  // first: only a validator may make us check the rest
  TRY(verifier.CheckInside(decoded));

  std::shared_ptr<VerifiedMessage> message(new VerifiedMessage());
  message->signer_ = decoded.signer;
  message->signature_ = decoded.signature;
  message->content_ = std::move(decoded.content);
  message->signed_bytes_ = std::move(decoded.signed_bytes);
  return message;
}

MessagePtr VerifiedMessage::Sign(const crypto::KeyPair& key, const ChainId& chain, Epoch epoch,
                                 ValidatorIndex signer, Content content) {
  std::shared_ptr<VerifiedMessage> message(new VerifiedMessage());
  message->signer_ = signer;
  if (const auto* seal = std::get_if<SealVote>(&content)) {
    message->signature_ = SignSeal(key, chain, seal->block_hash);
    message->signed_bytes_ = EncodeSeal(epoch, *seal, signer, message->signature_);
  } else {
    const Bytes body = EncodeBody(epoch, content);
    message->signature_ = key.Sign(crypto::Domain::kPbftSignature, chain, body);
    message->signed_bytes_ = EncodeSigned(body, signer, message->signature_);
  }
  message->content_ = std::move(content);
  return message;
}

Bytes VerifiedMessage::Wire() const {
  if (const auto* offer = std::get_if<PrePrepare>(&content_)) {
    return signed_bytes_ + EncodeBeside(*offer->proposal);
  }
  if (const auto* reply = std::get_if<ProposalReply>(&content_)) {
    return signed_bytes_ + EncodeBeside(*reply->proposal);
  }
  return signed_bytes_;
}

}  // namespace talent::consensus
