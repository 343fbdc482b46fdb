#include "consensus/evidence.h"

#include <array>

#include "base/canonical.h"
#include "consensus/codec.h"

namespace talent::consensus {
namespace {

// One half: who says what of which place.
struct Statement {
  ValidatorIndex signer;
  EvidenceKind kind = EvidenceKind::kVotes;
  View view;
  Height height;
  Hash digest;  // of a vote
  Bytes body;
};

Result<Statement> Read(const pb::Body& body) {
  Statement out;
  switch (body.kind_case()) {
    case pb::Body::kPrePrepare:
      out.kind = EvidenceKind::kPrePrepare;
      break;
    case pb::Body::kPrepare:
      out.kind = EvidenceKind::kPrepare;
      break;
    case pb::Body::kCommit:
      out.kind = EvidenceKind::kCommit;
      break;
    case pb::Body::kViewChange:
      out.kind = EvidenceKind::kViewChange;
      out.view = View(body.view_change().view());
      return out;
    case pb::Body::kNewView:
      out.kind = EvidenceKind::kNewView;
      out.view = View(body.new_view().view());
      return out;
    default:
      return Fail(Code::kInvalidArgument, "a message that binds its signer to nothing");
  }
  const pb::Position& position = body.has_pre_prepare() ? body.pre_prepare()
                                 : body.has_prepare()   ? body.prepare()
                                                        : body.commit();
  const Position at = TRY(FromProto(position));
  out.view = at.view;
  out.height = at.height;
  out.digest = at.digest;
  return out;
}

Result<Statement> Verify(const ChainId& chain, const crypto::ValidatorSet& set, BytesView bytes) {
  if (bytes.size() > kMaxEvidenceBytes) {
    return Fail(Code::kTooLarge, "{} bytes, {} are the most", bytes.size(), kMaxEvidenceBytes);
  }
  const auto message = TRY(Decode<pb::Message>(bytes));
  if (!message.has_signed_() || message.has_proposal() || message.has_seal()) {
    return Fail(Code::kInvalidArgument, "not a signed message alone");
  }
  const auto body = TRY(Decode<pb::Body>(message.signed_().body()));
  if (body.epoch() != set.epoch().value) {
    return Fail(Code::kWrongChain, "of epoch {}, not {}", body.epoch(), set.epoch());
  }
  Statement out = TRY(Read(body));
  out.body = message.signed_().body();
  out.signer = ValidatorIndex(message.signed_().signer());
  if (out.signer.value >= set.size()) {
    return Fail(Code::kUnauthorized, "of validator {}, there are {}", out.signer, set.size());
  }
  const auto signature = crypto::Signature::FromBytes(message.signed_().signature());
  if (!signature || !crypto::Verify(set.at(out.signer).vote_key, crypto::Domain::kPbftSignature,
                                    chain, message.signed_().body(), *signature)) {
    return Fail(Code::kBadSignature, "of validator {} does not verify", out.signer);
  }
  return out;
}

bool IsVote(EvidenceKind kind) { return kind <= EvidenceKind::kCommit; }

}  // namespace

std::string_view EvidenceKindName(EvidenceKind kind) {
  static constexpr std::array<std::string_view, 6> kNames = {
      "PRE-PREPARE", "PREPARE", "COMMIT", "VOTES", "VIEW-CHANGE", "NEW-VIEW"};
  return kNames.at(static_cast<std::size_t>(kind));
}

Result<EvidenceFacts> VerifyEvidence(const ChainId& chain, const crypto::ValidatorSet& validators,
                                     BytesView first, BytesView second) {
  const auto a = Verify(chain, validators, first);
  if (!a) return Within("first message", a.error());
  const auto b = Verify(chain, validators, second);
  if (!b) return Within("second message", b.error());
  EvidenceFacts facts{validators.epoch(), a->signer, a->kind, a->view, a->height};
  if (a->kind != b->kind && IsVote(a->kind) && IsVote(b->kind)) facts.kind = EvidenceKind::kVotes;
  const bool same_place = a->signer == b->signer && a->view == b->view && a->height == b->height;
  const bool differ = IsVote(a->kind) ? IsVote(b->kind) && a->digest != b->digest
                                      : a->kind == b->kind && a->body != b->body;
  if (same_place && differ) return facts;
  return Fail(Code::kInvalidArgument, "the two messages do not exclude each other");
}

}  // namespace talent::consensus
