#include "consensus/new_view.h"

namespace talent::consensus {

const Hash& NullDigest() {
  static const Hash kDigest = OrderDigest({});
  return kDigest;
}

NewViewPlan PlanNewView(const std::vector<MessagePtr>& view_changes, Height first) {
  NewViewPlan plan;
  for (const auto& message : view_changes) {
    const auto& sealed = message->As<ViewChange>().sealed;
    if (sealed.height > plan.stable.height) plan.stable = sealed;
  }
  const Height base = std::max(plan.stable.height, first - 1);
  std::map<Height, Position> best;  // per height, the certificate of the latest view
  for (const auto& message : view_changes) {
    for (const auto& prepared : message->As<ViewChange>().prepared) {
      const Position& at = prepared.at;
      if (at.height <= base) continue;
      const auto [it, added] = best.emplace(at.height, at);
      if (!added && at.view > it->second.view) it->second = at;
    }
  }
  plan.top = best.empty() ? base : best.rbegin()->first;
  for (Height h = base + 1; h <= plan.top; ++h) {
    const auto it = best.find(h);
    plan.digests[h] = it == best.end() ? NullDigest() : it->second.digest;
  }
  return plan;
}

}  // namespace talent::consensus
