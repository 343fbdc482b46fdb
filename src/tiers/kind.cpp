#include "tiers/kind.h"

#include "tiers/consortium_rules.h"
#include "tiers/contest.h"
#include "tiers/governance.h"
#include "tiers/private_rules.h"
#include "tiers/public_rules.h"
#include "tiers/sources.h"

namespace talent::tiers {

KindGroups PrivateKinds() {
  static const std::span<const Kind> kGroups[] = {
      TalentKinds(),    CustodyKinds(),    AbilityKinds(),     TokenKinds(),      PlanKinds(),
      PlacementKinds(), FlowKinds(),       SupervisionKinds(), CorrectionKinds(), ContestKinds(),
      ErasureKinds(),   GovernanceKinds(), EvidenceKinds()};
  return kGroups;
}

KindGroups ConsortiumKinds() {
  static const std::span<const Kind> kGroups[] = {
      SourceKinds(),      PromotionKinds(),  ReviewKinds(),           DisputeKinds(),
      ArbitrationKinds(), GovernanceKinds(), SourceGovernanceKinds(), EvidenceKinds()};
  return kGroups;
}

KindGroups PublicKinds() {
  static const std::span<const Kind> kGroups[] = {SourceKinds(),           PublicationKinds(),
                                                  PublicErasureKinds(),    GovernanceKinds(),
                                                  SourceGovernanceKinds(), EvidenceKinds()};
  return kGroups;
}

const Kind* FindKind(KindGroups groups, std::string_view name) {
  for (const std::span<const Kind> group : groups) {
    for (const Kind& kind : group) {
      if (kind.name == name) return &kind;
    }
  }
  return nullptr;
}

}  // namespace talent::tiers
