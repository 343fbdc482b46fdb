#include "node/records/import_mapping.h"

#include <toml++/toml.h>

#include <limits>
#include <set>

#include "node/ops/toml_fields.h"
#include "tiers/ability_limits.h"

namespace talent::node {
namespace {

namespace pb = tiers::v1;

constexpr std::uint64_t kMaxConsentVersion = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kMaxValidDays = 36'500;
// So that figure × scale fits 64 bits; scores end at 10,000.
constexpr std::uint64_t kMaxScale = 1'000'000;
constexpr std::uint64_t kMaxFigure = 1'000'000'000;
constexpr std::uint64_t kFormat = 1;

Result<std::string> ShortText(TomlFields& table, std::string_view key,
                              std::size_t max = tiers::kMaxName) {
  std::string text = TRY(table.Text(key));
  if (text.size() > max) return table.Wrong(key, fmt::format("longer than {} bytes", max));
  return text;
}

// An enumerator by the end of its name: "entry" for ASSESSMENT_PHASE_ENTRY.
template <class E>
Result<E> Choice(TomlFields& table, std::string_view key, std::string_view prefix,
                 bool (*parse)(const std::string&, E*)) {
  const std::string text = TRY(table.Text(key));
  std::string name(prefix);
  for (const char c : text) {
    name.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : (c == '-' ? '_' : c));
  }
  E value{};
  if (!parse(name, &value) || value == E{}) {
    return table.Wrong(key, fmt::format("'{}' is none of the {}* values", text, prefix));
  }
  return value;
}

bool ParsePhase(const std::string& name, pb::AssessmentPhase* out) {
  return pb::AssessmentPhase_Parse(name, out);
}
bool ParseMatch(const std::string& name, pb::TagMatch* out) {
  return pb::TagMatch_Parse(name, out);
}
bool ParseBudget(const std::string& name, pb::BudgetClass* out) {
  return pb::BudgetClass_Parse(name, out);
}
bool ParseOutcome(const std::string& name, pb::TrainingOutcome* out) {
  return pb::TrainingOutcome_Parse(name, out);
}

// Keys of a number column; whose other keys the caller reads.
Result<NumberColumn> ReadNumberColumn(TomlFields& table) {
  NumberColumn out;
  out.column = TRY(table.Text("column"));
  if (table.Has("scale")) out.scale = TRY(table.Number("scale", 1, kMaxScale));
  out.optional = TRY(table.FlagOr("optional", false));
  TomlFields values = TRY(table.Table("values"));
  for (const std::string& text : values.Keys()) {
    out.values[text] = TRY(values.Number(text, 0, kMaxFigure));
  }
  return out;
}

Result<ImportMapping::Dimension> ReadDimension(TomlFields& table) {
  ImportMapping::Dimension out;
  out.name = TRY(ShortText(table, "name"));
  out.number = TRY(ReadNumberColumn(table));
  return out;
}

Result<ImportMapping::Tag> ReadTag(TomlFields& table) {
  ImportMapping::Tag out;
  out.column = TRY(table.Text("column"));
  out.optional = TRY(table.FlagOr("optional", false));
  TomlFields values = TRY(table.Table("values"));
  for (const std::string& text : values.Keys()) {
    TomlFields value = TRY(values.Table(text));
    pb::IndustryTag& tag = out.values[text];
    tag.set_industry(TRY(ShortText(value, "industry")));
    tag.set_match(TRY(Choice<pb::TagMatch>(value, "match", "TAG_MATCH_", ParseMatch)));
    tag.set_weight(static_cast<std::uint32_t>(TRY(value.Number("weight", 0, tiers::kFullScore))));
    TRY(value.Finish());
  }
  if (out.values.empty()) return table.Wrong("values", "a tag needs at least one");
  return out;
}

Result<ImportMapping::Attribute> ReadAttribute(TomlFields& table) {
  ImportMapping::Attribute out;
  out.name = TRY(ShortText(table, "name"));
  out.column = TRY(table.Text("column"));
  out.optional = TRY(table.FlagOr("optional", false));
  TomlFields values = TRY(table.Table("values"));
  for (const std::string& text : values.Keys()) {
    out.values[text] = TRY(ShortText(values, text, tiers::kMaxText));
  }
  return out;
}

Result<ImportMapping::Consent> ReadConsent(TomlFields& table) {
  ImportMapping::Consent out;
  // The tiers are nested: what everyone may read, the consortium may.
  const std::string scope = TRY(table.Text("scope"));
  if (scope != "consortium" && scope != "public") {
    return table.Wrong("scope", fmt::format("'{}' is neither consortium nor public", scope));
  }
  out.tiers.push_back(pb::CONSENT_TIER_CONSORTIUM);
  if (scope == "public") out.tiers.push_back(pb::CONSENT_TIER_PUBLIC);
  out.purpose = TRY(ShortText(table, "purpose", tiers::kMaxText));
  out.valid_days = static_cast<std::uint32_t>(TRY(table.Number("valid_days", 1, kMaxValidDays)));
  return out;
}

Result<ImportMapping::Training> ReadTraining(TomlFields& table) {
  ImportMapping::Training out;
  out.hours = TRY(ReadNumberColumn(table));
  out.course = TRY(ShortText(table, "course", tiers::kMaxText));
  out.budget_class =
      TRY(Choice<pb::BudgetClass>(table, "budget_class", "BUDGET_CLASS_", ParseBudget));
  out.outcome =
      TRY(Choice<pb::TrainingOutcome>(table, "outcome", "TRAINING_OUTCOME_", ParseOutcome));
  return out;
}

// Each table of the list `key` by `read`, no two with one `name_of`.
template <class T, class Read, class NameOf>
Result<std::vector<T>> ReadList(TomlFields& top, std::string_view key, int max, Read read,
                                NameOf name_of) {
  std::vector<T> out;
  std::set<std::string> seen;
  for (TomlFields& table : TRY(top.Tables(key, static_cast<std::size_t>(max)))) {
    out.push_back(TRY(read(table)));
    TRY(table.Finish());
    if (!seen.insert(name_of(out.back())).second) {
      return top.Wrong(key, fmt::format("'{}' stands twice", name_of(out.back())));
    }
  }
  return out;
}

// The table `key` by `read`, where it is there.
template <class T, class Read>
Result<std::optional<T>> ReadOptional(TomlFields& top, std::string_view key, Read read) {
  if (!top.Has(key)) return std::nullopt;
  TomlFields table = TRY(top.Table(key));
  T out = TRY(read(table));
  TRY(table.Finish());
  return out;
}

Status ReadSubject(TomlFields subject, ImportMapping& out) {
  out.identity_column = TRY(subject.Text("column"));
  out.custodian = TRY(ShortText(subject, "custodian"));
  out.consent_version =
      static_cast<std::uint32_t>(TRY(subject.Number("consent_version", 1, kMaxConsentVersion)));
  return subject.Finish();
}

Status ReadAssessment(TomlFields assessment, ImportMapping& out) {
  out.method = TRY(ShortText(assessment, "method"));
  out.assessor = TRY(ShortText(assessment, "assessor"));
  out.phase =
      TRY(Choice<pb::AssessmentPhase>(assessment, "phase", "ASSESSMENT_PHASE_", ParsePhase));
  return assessment.Finish();
}

Result<toml::table> ParseTable(std::string_view text, const std::string& source) {
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& e) {
    return Fail(Code::kInvalidArgument, "{}: line {}: {}", source, e.source().begin.line,
                e.description());
  }
}

}  // namespace

Result<ImportMapping> ImportMapping::Parse(std::string_view toml, const std::string& source) {
  const toml::table table = TRY(ParseTable(toml, source));
  TomlFields top(table, source);
  TRY(top.Number("format", kFormat, kFormat));
  ImportMapping out;
  TRY(ReadSubject(TRY(top.Table("subject")), out));
  TRY(ReadAssessment(TRY(top.Table("assessment")), out));
  out.consent = TRY(ReadOptional<Consent>(top, "consent", ReadConsent));
  out.dimensions = TRY(ReadList<Dimension>(top, "dimension", tiers::kMaxScores, ReadDimension,
                                           [](const Dimension& d) { return d.name; }));
  out.tags = TRY(
      ReadList<Tag>(top, "tag", tiers::kMaxTags, ReadTag, [](const Tag& t) { return t.column; }));
  out.attributes = TRY(ReadList<Attribute>(top, "attribute", tiers::kMaxAttributes, ReadAttribute,
                                           [](const Attribute& a) { return a.name; }));
  out.training = TRY(ReadOptional<Training>(top, "training", ReadTraining));
  TRY(top.Finish());
  if (out.dimensions.empty()) return top.Wrong("dimension", "at least one is needed");
  return out;
}

}  // namespace talent::node
