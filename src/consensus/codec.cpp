#include "consensus/codec.h"

#include <utility>

#include "base/canonical.h"
#include "crypto/sha256.h"

namespace talent::consensus {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

Result<crypto::Signature> ToSignature(const std::string& bytes) {
  auto signature = crypto::Signature::FromBytes(bytes);
  if (!signature) return Within("signature", std::move(signature).error());
  return signature;
}

using SignatureList = google::protobuf::RepeatedPtrField<pb::SignerSignature>;

Result<SignatureMap> ParseSignatures(const SignatureList& in) {
  if (std::cmp_greater(in.size(), crypto::ValidatorSet::kMaxValidators)) {
    return Fail(Code::kTooLarge, "{} signatures where {} validators are the most", in.size(),
                crypto::ValidatorSet::kMaxValidators);
  }
  SignatureMap out;
  for (const auto& s : in) {
    if (!out.empty() && s.signer() <= out.rbegin()->first.value) {
      return Fail(Code::kInvalidArgument, "signer {} is out of order or listed twice", s.signer());
    }
    out.emplace_hint(out.end(), ValidatorIndex(s.signer()), TRY(ToSignature(s.signature())));
  }
  return out;
}

void FillSignatures(const SignatureMap& in, SignatureList& out) {
  for (const auto& [signer, signature] : in) {
    auto& s = *out.Add();
    s.set_signer(signer.value);
    s.set_signature(signature.ToBytes());
  }
}

void Fill(const ViewChange& in, pb::ViewChange& out) {
  out.set_view(in.view.value);
  *out.mutable_sealed() = ToProto(in.sealed);
  for (const auto& p : in.prepared) *out.add_prepared() = ToProto(p);
}

void Fill(const PeerStatus& in, pb::Status& out) {
  out.set_view(in.view.value);
  out.set_view_changing(in.view_changing);
  out.set_sealed(in.sealed.value);
  out.set_stalled(in.stalled);
  for (const Height h : in.accepted) out.add_accepted(h.value);
}

pb::ProposalName Name(Height height, const Hash& digest) {
  pb::ProposalName out;
  out.set_height(height.value);
  out.set_digest(digest.ToBytes());
  return out;
}

Result<ViewChange> ParseViewChange(const pb::ViewChange& in) {
  ViewChange out;
  out.view = View(in.view());
  out.sealed = TRY(FromProto(in.sealed()));
  if (std::cmp_greater(in.prepared_size(), kMaxWindow)) {
    return Fail(Code::kTooLarge, "view change with {} prepared certificates, {} are the most",
                in.prepared_size(), kMaxWindow);
  }
  for (const auto& p : in.prepared()) {
    PreparedCertificate certificate = TRY(FromProto(p));
    const Height h = certificate.at.height;
    // Without a head nothing of the epoch is sealed; where the epoch began is not known here.
    Height base = out.sealed.height;
    if (base == Height(0)) base = (out.prepared.empty() ? h : out.prepared.front().at.height) - 1;
    if (h <= base || h - base > kMaxWindow || certificate.at.view >= out.view ||
        (!out.prepared.empty() && h <= out.prepared.back().at.height)) {
      return Fail(Code::kInvalidArgument,
                  "view change to {} after height {} has a prepared certificate out of place: "
                  "height {}, view {}",
                  out.view, out.sealed.height, h, certificate.at.view);
    }
    out.prepared.push_back(std::move(certificate));
  }
  return out;
}

Result<PeerStatus> ParseStatus(const pb::Status& in) {
  if (std::cmp_greater(in.accepted_size(), kMaxWindow)) {
    return Fail(Code::kTooLarge, "status names {} heights, {} are the most", in.accepted_size(),
                kMaxWindow);
  }
  if (in.sealed() > kMaxHeight) {
    return Fail(Code::kInvalidArgument, "status claims height {}, which no chain has", in.sealed());
  }
  PeerStatus out{View(in.view()), in.view_changing(), Height(in.sealed()), in.stalled(), {}};
  for (const std::uint64_t h : in.accepted()) {
    if (Height(h) <= (out.accepted.empty() ? out.sealed : out.accepted.back())) {
      return Fail(Code::kInvalidArgument, "status names height {} out of order", h);
    }
    out.accepted.emplace_back(h);
  }
  return out;
}

Status CheckProposal(const pb::Message& message, const Hash& digest) {
  if (!message.has_proposal()) return Fail(Code::kInvalidArgument, "the proposal is missing");
  if (OrderDigest(message.proposal().batch()) != digest) {
    return Fail(Code::kInvalidArgument, "the proposal is not the one the digest names");
  }
  return {};
}

template <class V>
Result<Content> Vote(const pb::Position& in) {
  const Position at = TRY(FromProto(in));
  return V{at};
}

Result<Content> ContentOf(const pb::Body& body, pb::Message& message,
                          std::vector<Bytes>& view_changes) {
  switch (body.kind_case()) {
    case pb::Body::kPrePrepare: {
      const Position at = TRY(FromProto(body.pre_prepare()));
      TRY(CheckProposal(message, at.digest));
      return PrePrepare{at, FromProto(std::move(*message.mutable_proposal()))};
    }
    case pb::Body::kPrepare:
      return Vote<Prepare>(body.prepare());
    case pb::Body::kCommit:
      return Vote<Commit>(body.commit());
    case pb::Body::kViewChange:
      return TRY(ParseViewChange(body.view_change()));
    case pb::Body::kNewView:
      if (std::cmp_greater(body.new_view().view_changes_size(),
                           crypto::ValidatorSet::kMaxValidators)) {
        return Fail(Code::kTooLarge, "new view with {} view changes",
                    body.new_view().view_changes_size());
      }
      view_changes.assign(body.new_view().view_changes().begin(),
                          body.new_view().view_changes().end());
      return NewView{View(body.new_view().view()), {}};
    case pb::Body::kStatus:
      return TRY(ParseStatus(body.status()));
    case pb::Body::kProposalRequest: {
      const Hash digest = TRY(ToHash(body.proposal_request().digest(), "digest"));
      return ProposalRequest{Height(body.proposal_request().height()), digest};
    }
    case pb::Body::kProposalReply: {
      const Hash digest = TRY(ToHash(body.proposal_reply().digest(), "digest"));
      TRY(CheckProposal(message, digest));
      return ProposalReply{Height(body.proposal_reply().height()), digest,
                           FromProto(std::move(*message.mutable_proposal()))};
    }
    case pb::Body::kCertified: {
      CertifiedHead head = TRY(FromProto(body.certified()));
      return Certified{std::move(head)};
    }
    case pb::Body::KIND_NOT_SET:
      break;
  }
  return Fail(Code::kInvalidArgument, "the message says nothing");
}

Result<Decoded> DecodeSeal(const pb::Seal& in) {
  Decoded out;
  out.epoch = Epoch(in.epoch());
  out.signer = ValidatorIndex(in.signer());
  out.signature = TRY(ToSignature(in.signature()));
  const Hash hash = TRY(ToHash(in.block_hash(), "block hash"));
  out.content = SealVote{Height(in.height()), hash};
  return out;
}

}  // namespace

Hash OrderDigest(BytesView batch) { return TaggedHash(crypto::Domain::kBatch, {batch}); }

Result<Hash> ToHash(const std::string& bytes, std::string_view what) {
  auto hash = Hash::FromBytes(bytes);
  if (!hash) return Within(what, std::move(hash).error());
  return hash;
}

Result<Position> FromProto(const pb::Position& in) {
  if (in.height() == 0) return Fail(Code::kInvalidArgument, "a vote for height 0");
  const Hash digest = TRY(ToHash(in.digest(), "digest"));
  return Position{View(in.view()), Height(in.height()), digest};
}

pb::Position ToProto(const Position& in) {
  pb::Position out;
  out.set_view(in.view.value);
  out.set_height(in.height.value);
  out.set_digest(in.digest.ToBytes());
  return out;
}

Result<PreparedCertificate> FromProto(const pb::PreparedCertificate& in) {
  PreparedCertificate out;
  out.at = TRY(FromProto(in.position()));
  out.prepares = TRY(ParseSignatures(in.prepares()));
  return out;
}

pb::PreparedCertificate ToProto(const PreparedCertificate& in) {
  pb::PreparedCertificate out;
  *out.mutable_position() = ToProto(in.at);
  FillSignatures(in.prepares, *out.mutable_prepares());
  return out;
}

pb::Proposal ToProto(const Proposal& in) {
  pb::Proposal out;
  out.set_batch(in.batch);
  out.set_sidecar(in.sidecar);
  return out;
}

ProposalPtr FromProto(pb::Proposal in) {
  return std::make_shared<Proposal>(
      Proposal{std::move(*in.mutable_batch()), std::move(*in.mutable_sidecar())});
}

Result<CertifiedHead> FromProto(const pb::CertifiedHead& in) {
  CertifiedHead out;
  if (in.header().empty() && in.seals().empty()) return out;
  pb::HeaderFacts facts;  // the header's other fields are the ledger's and unknown here
  if (!facts.ParseFromString(in.header()) || facts.height() == 0) {
    return Fail(Code::kInvalidArgument, "a certified header that names no height");
  }
  out.height = Height(facts.height());
  out.block_hash = TaggedHash(crypto::Domain::kHeader, {in.header()});
  out.header = in.header();
  out.certificate.epoch = Epoch(facts.epoch());
  out.certificate.seals = TRY(ParseSignatures(in.seals()));
  return out;
}

pb::CertifiedHead ToProto(const CertifiedHead& in) {
  pb::CertifiedHead out;
  out.set_header(in.header);
  FillSignatures(in.certificate.seals, *out.mutable_seals());
  return out;
}

Bytes EncodeBody(Epoch epoch, const Content& content) {
  pb::Body body;
  body.set_epoch(epoch.value);
  std::visit(Overloaded{
                 [&](const PrePrepare& m) { *body.mutable_pre_prepare() = ToProto(m.at); },
                 [&](const Prepare& m) { *body.mutable_prepare() = ToProto(m.at); },
                 [&](const Commit& m) { *body.mutable_commit() = ToProto(m.at); },
                 [&](const SealVote&) { CHECK(false, "a seal has no body"); },
                 [&](const ViewChange& m) { Fill(m, *body.mutable_view_change()); },
                 [&](const NewView& m) {
                   auto& out = *body.mutable_new_view();
                   out.set_view(m.view.value);
                   for (const auto& vc : m.view_changes) out.add_view_changes(vc->signed_bytes());
                 },
                 [&](const PeerStatus& m) { Fill(m, *body.mutable_status()); },
                 [&](const ProposalRequest& m) {
                   *body.mutable_proposal_request() = Name(m.height, m.digest);
                 },
                 [&](const ProposalReply& m) {
                   *body.mutable_proposal_reply() = Name(m.height, m.digest);
                 },
                 [&](const Certified& m) { *body.mutable_certified() = ToProto(m.head); },
             },
             content);
  return Encode(body);
}

Bytes EncodeSigned(const Bytes& body, ValidatorIndex signer, const crypto::Signature& signature) {
  pb::Message message;
  auto& out = *message.mutable_signed_();
  out.set_body(body);
  out.set_signer(signer.value);
  out.set_signature(signature.ToBytes());
  return Encode(message);
}

Bytes EncodeSeal(Epoch epoch, const SealVote& seal, ValidatorIndex signer,
                 const crypto::Signature& signature) {
  pb::Message message;
  auto& out = *message.mutable_seal();
  out.set_epoch(epoch.value);
  out.set_height(seal.height.value);
  out.set_block_hash(seal.block_hash.ToBytes());
  out.set_signer(signer.value);
  out.set_signature(signature.ToBytes());
  return Encode(message);
}

Bytes EncodeBeside(const Proposal& proposal) {
  pb::Message message;
  *message.mutable_proposal() = ToProto(proposal);
  return Encode(message);
}

Result<Decoded> DecodeMessage(BytesView bytes) {
  if (bytes.size() > kMaxMessageBytes) {
    return Fail(Code::kTooLarge, "consensus message of {} bytes, {} are the most", bytes.size(),
                kMaxMessageBytes);
  }
  auto message = TRY(Decode<pb::Message>(bytes));
  if (message.has_signed_() == message.has_seal()) {
    return Fail(Code::kInvalidArgument, "a consensus message is either signed or a seal");
  }
  if (message.has_seal()) {
    if (message.has_proposal()) return Fail(Code::kInvalidArgument, "a proposal with a seal");
    Decoded out = TRY(DecodeSeal(message.seal()));
    out.signed_bytes = Bytes(bytes);
    return out;
  }
  Decoded out;
  out.signer = ValidatorIndex(message.signed_().signer());
  out.signature = TRY(ToSignature(message.signed_().signature()));
  const auto body = TRY(Decode<pb::Body>(message.signed_().body()));
  const bool carries = body.has_pre_prepare() || body.has_proposal_reply();
  if (message.has_proposal() && !carries) {
    return Fail(Code::kInvalidArgument, "a proposal with a message that carries none");
  }
  out.epoch = Epoch(body.epoch());
  out.content = TRY(ContentOf(body, message, out.view_changes));
  message.clear_proposal();
  out.signed_bytes = Encode(message);
  out.body = std::move(*message.mutable_signed_()->mutable_body());
  return out;
}

}  // namespace talent::consensus
