#include "consensus/new_view.h"

namespace talent::consensus {

const Hash& NullDigest() {
  static const Hash kDigest = OrderDigest({});
  return kDigest;
}

NewViewPlan PlanNewView(const std::vector<MessagePtr>& view_changes) {
  NewViewPlan plan;
  for (const auto& message : view_changes) {
    const auto& sealed = message->As<ViewChange>().sealed;
    if (sealed.height > plan.stable.height) plan.stable = sealed;
  }
  std::map<Height, Position> best;  // per height, the certificate of the latest view
  for (const auto& message : view_changes) {
    for (const auto& prepared : message->As<ViewChange>().prepared) {
      const Position& at = prepared.at;
      if (at.height <= plan.stable.height) continue;
      const auto [it, added] = best.emplace(at.height, at);
      if (!added && at.view > it->second.view) it->second = at;
    }
  }
  plan.top = best.empty() ? plan.stable.height : best.rbegin()->first;
  for (Height h = plan.stable.height + 1; h <= plan.top; ++h) {
    const auto it = best.find(h);
    plan.digests[h] = it == best.end() ? NullDigest() : it->second.digest;
  }
  return plan;
}

}  // namespace talent::consensus
