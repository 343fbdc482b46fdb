// Tables of a private chain, besides those of tables.h.
#pragma once

#include "talent/tiers/v1/career.pb.h"
#include "talent/tiers/v1/erasure.pb.h"
#include "talent/tiers/v1/private.pb.h"
#include "tiers/tables.h"

namespace talent::tiers {

/// "policy/promotion".
inline constexpr Table<pb::PromotionPolicy> kPromotionPolicy{"policy/"};
inline constexpr std::string_view kPromotionPolicyKey = "promotion";
/// "policy/market".
inline constexpr Table<pb::MarketPolicy> kMarketPolicy{"policy/"};
inline constexpr std::string_view kMarketPolicyKey = "market";
/// By record id.
inline constexpr Table<pb::PrivateRecord> kPrivateRecords{"rec/"};
/// By subject id.
inline constexpr Table<pb::Subject> kSubjects{"subject/"};
/// By subject and transaction id: whose payload is about the person.
inline constexpr Table<pb::AboutSubject> kAbout{"about/"};
/// By subject id: the consent in force.
inline constexpr Table<pb::Consent> kConsents{"consent/"};
/// By record id of the InvestmentConfirmed, or of the correction that superseded it.
inline constexpr Table<pb::Investment> kInvestments{"investment/"};
/// By hash of the statement.
inline constexpr Table<pb::ConfirmedStatement> kStatements{"statement/"};
/// By record id of the TokenIssued.
inline constexpr Table<pb::Token> kTokens{"token/"};
/// By token and party id.
inline constexpr Table<pb::Holding> kHoldings{"holding/"};
/// By subject and party id.
inline constexpr Table<pb::Concern> kConcerns{"concern/"};
/// By subject id: the will in force.
inline constexpr Table<pb::Will> kWills{"will/"};
/// By subject id.
inline constexpr Table<pb::Career> kCareers{"career/"};
/// By record id of the TokenTransferred.
inline constexpr Table<pb::Transfer> kTransfers{"transfer/"};
/// By record id of the FlowRecorded.
inline constexpr Table<pb::Flag> kFlags{"flag/"};
/// By subject id, and by party id.
inline constexpr Table<pb::FlowStanding> kPersonStandings{"standing/person/"};
inline constexpr Table<pb::FlowStanding> kPartyStandings{"standing/party/"};

}  // namespace talent::tiers
