// What clients sign and commit to inside payloads.
#pragma once

#include <span>

#include "crypto/ed25519.h"
#include "talent/tiers/v1/career.pb.h"
#include "talent/tiers/v1/consortium.pb.h"
#include "talent/tiers/v1/private.pb.h"

namespace talent::tiers {

/// A subject id: salted, so that nobody can guess it from an identity document. `salt` has 32
/// bytes.
Hash SubjectId(BytesView salt, BytesView identity_document);

/// The commitment of a ReviewCommitted.
Hash ReviewCommitment(const v1::ReviewOpening& opening);

/// An InvestmentConfirmed with the enterprise's signature over `statement` on the private chain.
v1::InvestmentConfirmed CosignInvestment(const ChainId& chain,
                                         const v1::InvestmentStatement& statement,
                                         const crypto::KeyPair& enterprise);

/// A CustodyTransferred with the signature of who lets the person go, over `statement` on the
/// private chain.
v1::CustodyTransferred SignCustody(const ChainId& chain, const v1::CustodyStatement& statement,
                                   const crypto::KeyPair& voice);

/// A TokenTransferred with the buyer's signature over `statement` on the private chain.
v1::TokenTransferred CosignTransfer(const ChainId& chain, const v1::TransferStatement& statement,
                                    const crypto::KeyPair& buyer);

/// A FlowRecorded with the signatures of `keys` over `statement`; transfer and finding are left to
/// the centre.
v1::FlowRecorded SignFlow(const ChainId& chain, const v1::FlowStatement& statement,
                          std::span<const crypto::KeyPair> keys);

}  // namespace talent::tiers
