#include "node/records/import.h"

#include <algorithm>

#include "crypto/sha256.h"
#include "tiers/ability_limits.h"
#include "tiers/signing.h"

namespace talent::node {
namespace {

namespace pb = tiers::v1;

constexpr std::size_t kMaxShown = 40;      // of a cell's text in a reason
constexpr std::size_t kMaxIdentity = 256;  // an identity document's number has 18
constexpr int kMaxDigits = 18;             // of a number without its point: fits 64 bits

std::string Shown(const std::string& text) {
  if (text.size() <= kMaxShown) return text;
  std::size_t end = kMaxShown;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not within a character
  return text.substr(0, end) + "…";
}

// `text` × scale, where text is a decimal number and the product whole.
std::optional<std::uint64_t> Scaled(std::string_view text, std::uint64_t scale) {
  std::uint64_t digits = 0;
  std::uint64_t divisor = 1;
  int count = 0;
  bool point = false;
  for (const char c : text) {
    if (c == '.' && !point && count > 0) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9' || ++count > kMaxDigits) return std::nullopt;
    digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
    if (point) divisor *= 10;
  }
  if (count == 0 || text.back() == '.') return std::nullopt;
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(digits, scale, &product) || product % divisor != 0) {
    return std::nullopt;
  }
  return product / divisor;
}

// One row on its way to a person; collects everything that is wrong with it.
class Row {
 public:
  Row(const CsvReader& reader, const CsvRow& row,
      const std::function<void(const ImportReject&)>& refuse)
      : header_(reader.header()), row_(row), refuse_(refuse) {}

  bool good() const { return good_; }

  void Refuse(const std::string& column, std::string reason) {
    good_ = false;
    refuse_({.row = row_.number, .column = column, .reason = std::move(reason)});
  }

  const std::string& Cell(const std::string& column) const {
    const auto at = std::ranges::find(header_, column);
    return row_.cells[static_cast<std::size_t>(at - header_.begin())];
  }

  // The figure in a column, from `min` to `max`; none where the cell is empty or was refused.
  std::optional<std::uint32_t> Figure(const NumberColumn& number, std::uint32_t min,
                                      std::uint32_t max) {
    const std::string& text = Cell(number.column);
    const auto named = number.values.find(text);
    if (named == number.values.end() && IsEmpty(number.column, number.optional)) {
      return std::nullopt;
    }
    const std::optional<std::uint64_t> value =
        named != number.values.end() ? named->second * number.scale : Scaled(text, number.scale);
    if (!value) {
      Refuse(number.column,
             number.scale == 1
                 ? fmt::format("'{}' is not a whole number", Shown(text))
                 : fmt::format("'{}' times {} is not a whole number", Shown(text), number.scale));
      return std::nullopt;
    }
    if (*value < min || *value > max) {
      Refuse(number.column,
             fmt::format("'{}' makes {}, which is not {} to {}", Shown(text), *value, min, max));
      return std::nullopt;
    }
    return static_cast<std::uint32_t>(*value);
  }

  // True for an empty cell, which is refused where it is not optional.
  bool IsEmpty(const std::string& column, bool optional) {
    if (!Cell(column).empty()) return false;
    if (!optional) Refuse(column, "empty");
    return true;
  }

 private:
  const std::vector<std::string>& header_;
  const CsvRow& row_;
  const std::function<void(const ImportReject&)>& refuse_;
  bool good_ = true;
};

pb::SubjectRegistered Register(Row& row, const CsvRow& cells, const ImportMapping& mapping,
                               const Hash& secret) {
  const std::string& identity = row.Cell(mapping.identity_column);
  if (identity.empty() || identity.size() > kMaxIdentity) {
    row.Refuse(mapping.identity_column, fmt::format("not 1 to {} bytes long", kMaxIdentity));
  }
  const Hash salt = crypto::HmacSha256(secret.View(), identity);
  pb::SubjectRegistered out;
  out.set_subject_id(tiers::SubjectId(salt.View(), identity).ToBytes());
  // To the whole row, which is the centre's file on the person here.
  out.set_commitment(
      crypto::TaggedHash(crypto::Domain::kPayload, {salt.View(), CsvLine(cells.cells)}).ToBytes());
  out.set_custodian(mapping.custodian);
  out.set_consent_version(mapping.consent_version);
  return out;
}

pb::ConsentGiven Consent(const ImportMapping::Consent& mapping, Timestamp now) {
  pb::ConsentGiven out;
  for (const pb::ConsentTier tier : mapping.tiers) out.add_tiers(tier);
  out.set_purpose(mapping.purpose);
  out.set_until_ms(now.value + mapping.valid_days * kDayMs);
  return out;
}

void AddTags(Row& row, const ImportMapping& mapping, pb::AbilityAssessed& out) {
  for (const ImportMapping::Tag& tag : mapping.tags) {
    const std::string& text = row.Cell(tag.column);
    const auto named = tag.values.find(text);
    if (named == tag.values.end()) {
      if (row.IsEmpty(tag.column, tag.optional)) continue;
      row.Refuse(tag.column, fmt::format("'{}' is not among the mapping's values", Shown(text)));
      continue;
    }
    const bool twice = std::ranges::any_of(out.tags(), [&](const pb::IndustryTag& other) {
      return other.industry() == named->second.industry();
    });
    if (twice) {
      row.Refuse(tag.column, fmt::format("industry '{}' twice", named->second.industry()));
      continue;
    }
    *out.add_tags() = named->second;
  }
}

void AddAttributes(Row& row, const ImportMapping& mapping, pb::AbilityAssessed& out) {
  for (const ImportMapping::Attribute& attribute : mapping.attributes) {
    const std::string& text = row.Cell(attribute.column);
    const auto named = attribute.values.find(text);
    if (named == attribute.values.end() && row.IsEmpty(attribute.column, attribute.optional)) {
      continue;
    }
    const std::string& value = named == attribute.values.end() ? text : named->second;
    if (value.size() > tiers::kMaxText) {
      row.Refuse(attribute.column, fmt::format("longer than {} bytes", tiers::kMaxText));
      continue;
    }
    pb::Attribute& added = *out.add_attributes();
    added.set_name(attribute.name);
    added.set_value(value);
  }
}

pb::AbilityAssessed Assess(Row& row, const ImportMapping& mapping) {
  pb::AbilityAssessed out;
  out.set_method(mapping.method);
  out.set_assessor(mapping.assessor);
  out.set_phase(mapping.phase);
  for (const ImportMapping::Dimension& dimension : mapping.dimensions) {
    if (const auto figure = row.Figure(dimension.number, 0, tiers::kFullScore)) {
      pb::Score& score = *out.add_scores();
      score.set_dimension(dimension.name);
      score.set_value(*figure);
    }
  }
  AddTags(row, mapping, out);
  AddAttributes(row, mapping, out);
  if (row.good() && out.scores().empty()) {
    row.Refuse("", "none of the mapping's dimensions has a value");
  }
  return out;
}

std::optional<pb::TrainingCompleted> Train(Row& row, const ImportMapping::Training& mapping) {
  const auto hours = row.Figure(mapping.hours, 1, tiers::kMaxHours);
  if (!hours) return std::nullopt;
  pb::TrainingCompleted out;
  out.set_course(mapping.course);
  out.set_hours(*hours);
  out.set_budget_class(mapping.budget_class);
  out.set_outcome(mapping.outcome);
  return out;
}

}  // namespace

std::string ImportReject::ToString() const {
  if (column.empty()) return fmt::format("row {}: {}", row, reason);
  return fmt::format("row {}, column {}: {}", row, column, reason);
}

std::string ImportReject::CsvLine() const {
  return node::CsvLine({std::to_string(row), column, reason});
}

std::string ImportReject::CsvHeader() { return node::CsvLine({"row", "column", "reason"}); }

Result<Importer> Importer::Open(std::istream& csv, ImportMapping mapping, const Options& options) {
  Importer importer(TRY(CsvReader::Open(csv)), std::move(mapping), options);
  TRY(importer.CheckColumns());
  return importer;
}

Status Importer::CheckColumns() const {
  std::vector<std::string> wanted = {mapping_.identity_column};
  for (const auto& dimension : mapping_.dimensions) wanted.push_back(dimension.number.column);
  for (const auto& tag : mapping_.tags) wanted.push_back(tag.column);
  for (const auto& attribute : mapping_.attributes) wanted.push_back(attribute.column);
  if (mapping_.training) wanted.push_back(mapping_.training->hours.column);
  for (const std::string& column : wanted) {
    if (std::ranges::find(reader_.header(), column) == reader_.header().end()) {
      return Fail(Code::kInvalidArgument,
                  "the mapping names column '{}', which the CSV file does not have", column);
    }
  }
  return {};
}

Result<std::optional<ImportedPerson>> Importer::Next(
    const std::function<void(const ImportReject&)>& refuse) {
  while (true) {
    const auto next = reader_.Next();
    if (!next && next.error().code == Code::kIo) return tl::unexpected<Error>(next.error());
    if (next && !*next) return std::nullopt;
    ++rows_read_;
    if (!next) {
      ++rows_refused_;
      refuse({.row = reader_.row_number(), .column = "", .reason = next.error().message});
      continue;
    }
    const CsvRow& cells = **next;
    Row row(reader_, cells, refuse);
    ImportedPerson person{.row = cells.number,
                          .registered = Register(row, cells, mapping_, options_.salt_secret),
                          .consent = std::nullopt,
                          .assessed = Assess(row, mapping_),
                          .training = std::nullopt};
    if (mapping_.training) person.training = Train(row, *mapping_.training);
    if (!row.good()) {
      ++rows_refused_;
      continue;
    }
    if (mapping_.consent) person.consent = Consent(*mapping_.consent, options_.now);
    const Bytes& subject = person.registered.subject_id();
    if (person.consent) person.consent->set_subject_id(subject);
    person.assessed.set_subject_id(subject);
    if (person.training) person.training->set_subject_id(subject);
    return person;
  }
}

}  // namespace talent::node
