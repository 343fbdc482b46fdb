// What a new view proposes again, as a function of the view changes that open it.
#pragma once

#include <map>
#include <vector>

#include "consensus/messages.h"

namespace talent::consensus {

/// Every replica computes it for itself; nothing of it travels, so nobody can lie about it.
struct NewViewPlan {
  CertifiedHead
      stable;  // highest sealed block any of the view changes proves; 0: none of the epoch
  std::map<Height, Hash> digests;  // above stable, without gaps; null batches fill holes
  Height top;  // the last of them; else stable's height, or the one before the epoch: fresh work
               // starts above
};

/// Requires verified view changes of distinct signers, in an epoch whose first height is `first`.
NewViewPlan PlanNewView(const std::vector<MessagePtr>& view_changes, Height first);

/// Digest of the null batch.
const Hash& NullDigest();

}  // namespace talent::consensus
