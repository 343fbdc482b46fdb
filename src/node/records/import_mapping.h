// How the columns of a CSV file become records: the TOML file behind `talentd record import
// --mapping`. data/hr-mapping.toml is an example with every key explained.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "talent/tiers/v1/private.pb.h"

namespace talent::node {

/// A column of numbers: the cell's text is looked up in `values`, or read as a decimal number;
/// times `scale` it has to be whole, so that no float and no rounding comes near a score.
struct NumberColumn {
  std::string column;
  std::uint64_t scale = 1;
  std::map<std::string, std::uint64_t> values;
  bool optional = false;  // an empty cell leaves the figure out; else it refuses the row
};

struct ImportMapping {
  struct Dimension {
    std::string name;
    NumberColumn number;
  };
  struct Tag {
    std::string column;
    std::map<std::string, tiers::v1::IndustryTag> values;
    bool optional = false;
  };
  struct Attribute {
    std::string name;
    std::string column;
    std::map<std::string, std::string> values;  // others are taken as they are
    bool optional = false;
  };
  struct Consent {
    std::vector<tiers::v1::ConsentTier> tiers;
    std::string purpose;
    std::uint32_t valid_days = 0;
  };
  struct Training {
    NumberColumn hours;
    std::string course;
    tiers::v1::BudgetClass budget_class = {};
    tiers::v1::TrainingOutcome outcome = {};
  };

  std::string identity_column;
  std::string custodian;
  std::uint32_t consent_version = 0;
  std::optional<Consent> consent;
  std::string method;
  std::string assessor;
  tiers::v1::AssessmentPhase phase = {};
  std::vector<Dimension> dimensions;
  std::vector<Tag> tags;
  std::vector<Attribute> attributes;
  std::optional<Training> training;

  /// Errors: kInvalidArgument (names `source` and the key).
  static Result<ImportMapping> Parse(std::string_view toml, const std::string& source);
};

}  // namespace talent::node
