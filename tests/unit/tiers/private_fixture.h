// A private chain and its everyday records.
#pragma once

#include "records.h"
#include "tiers/private_state.h"

namespace talent::tiers {

class Private : public ::testing::Test {
 protected:
  Private()
      : database_(
            ledger::Database::Open(dir_.path() / "db", ledger::Database::Mode::kScratch).value()),
        chain_(*database_, PrivateGenesis()) {}

  TxId Must(Result<TxId> result) {
    EXPECT_TRUE(result) << (result ? "" : result.error().ToString());
    return result.value_or(TxId());
  }
  TxId Register(std::string_view name = "li") {
    return Must(chain_.Write("centre-a", Registration(name)));
  }
  TxId Assess(std::uint32_t score = 7000, std::string_view name = "li",
              pb::AssessmentPhase phase = pb::ASSESSMENT_PHASE_ENTRY) {
    return Must(chain_.Write("centre-a", Assessment(score, name, phase)));
  }
  TxId Invest(std::uint64_t amount = 1000, std::string_view reference = "r1") {
    return Must(chain_.Write("centre-a", Cosigned(Statement(amount, reference))));
  }
  pb::InvestmentConfirmed Cosigned(const pb::InvestmentStatement& statement,
                                   std::string_view key = "acme") {
    return CosignInvestment(chain_.genesis().chain_id(), statement, KeyOf(key));
  }

  TempDir dir_;
  std::unique_ptr<ledger::Database> database_;
  TestTier chain_;
};

}  // namespace talent::tiers
