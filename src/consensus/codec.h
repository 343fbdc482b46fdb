// Between the structs of messages.h and their canonical bytes. Checks form; verify.cpp checks
// truth.
#pragma once

#include "consensus/messages.h"
#include "talent/consensus/v1/consensus.pb.h"

namespace talent::consensus {

namespace pb = ::talent::consensus::v1;

Result<Hash> ToHash(const std::string& bytes, std::string_view what);
Result<Position> FromProto(const pb::Position& in);
pb::Position ToProto(const Position& in);
Result<PreparedCertificate> FromProto(const pb::PreparedCertificate& in);
pb::PreparedCertificate ToProto(const PreparedCertificate& in);
pb::Proposal ToProto(const Proposal& in);
ProposalPtr FromProto(pb::Proposal in);

/// Derives height and hash from the header. Errors: kInvalidArgument.
Result<CertifiedHead> FromProto(const pb::CertifiedHead& in);
pb::CertifiedHead ToProto(const CertifiedHead& in);

/// What the signature of a signed message covers. `content` is no SealVote.
Bytes EncodeBody(Epoch epoch, const Content& content);
/// What a prepare's signature covers: the same bytes for every signer.
inline Bytes PrepareBody(Epoch epoch, const Position& at) { return EncodeBody(epoch, Prepare{at}); }

/// Canonical Message around a signed body.
Bytes EncodeSigned(const Bytes& body, ValidatorIndex signer, const crypto::Signature& signature);
Bytes EncodeSeal(Epoch epoch, const SealVote& seal, ValidatorIndex signer,
                 const crypto::Signature& signature);
/// Canonical Message of a proposal alone; appended to EncodeSigned it makes the whole message.
Bytes EncodeBeside(const Proposal& proposal);

/// A message whose form is right and whose signatures nobody has checked.
struct Decoded {
  Epoch epoch;
  ValidatorIndex signer;
  crypto::Signature signature;
  Bytes body;  // what `signature` covers; empty in a seal
  Content content;
  std::vector<Bytes> view_changes;  // of a new view, still encoded
  Bytes signed_bytes;
};

/// Errors: kInvalidArgument, kTooLarge.
Result<Decoded> DecodeMessage(BytesView bytes);

}  // namespace talent::consensus
