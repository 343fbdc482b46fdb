#include "node/records/import.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/file.h"

namespace talent::node {
namespace {

constexpr char kMapping[] = R"(
format = 1
[subject]
column = "id"
custodian = "centre-1"
consent_version = 2
[consent]
scope = "consortium"
purpose = "placement"
valid_days = 2
[assessment]
method = "exam"
assessor = "board-1"
phase = "before-training"
[[dimension]]
name = "experience"
column = "years"
scale = 476
values = { ">20" = 21, "<1" = 0 }
[[dimension]]
name = "city"
column = "index"
scale = 10000
optional = true
[[tag]]
column = "field"
optional = true
values = { "STEM" = { industry = "data", match = "matched", weight = 9000 } }
[[attribute]]
name = "size"
column = "size"
optional = true
values = { "10/49" = "10-49" }
[training]
column = "hours"
course = "data science"
budget_class = "B"
outcome = "passed"
)";

const Importer::Options kOptions{.salt_secret = Hash::FromBytes(Bytes(32, 's')).value(),
                                 .now = Timestamp(1000)};

struct Outcome {
  std::vector<ImportedPerson> people;
  std::vector<std::string> rejects;
  std::uint64_t read = 0, refused = 0;
};

Outcome Import(std::istream& csv, const std::string& mapping,
               const Importer::Options& options = kOptions) {
  Outcome out;
  Importer importer =
      Importer::Open(csv, ImportMapping::Parse(mapping, "map.toml").value(), options).value();
  while (true) {
    const auto next = importer.Next(
        [&](const ImportReject& reject) { out.rejects.push_back(reject.ToString()); });
    if (!next || !*next) break;
    out.people.push_back(**next);
  }
  out.read = importer.rows_read();
  out.refused = importer.rows_refused();
  return out;
}

Outcome ImportRows(const std::string& rows, const Importer::Options& options = kOptions) {
  std::istringstream csv("id,years,index,field,size,hours,ignored\n" + rows);
  return Import(csv, kMapping, options);
}

std::string RefusalOf(const std::string& row) {
  const Outcome out = ImportRows(row);
  return out.people.empty() && out.rejects.size() == 1 ? out.rejects[0] : "";
}

TEST(Import, RowBecomesItsPayloads) {
  const Outcome out = ImportRows("p1,>20,0.92,STEM,10/49,36,x\n");
  ASSERT_EQ(out.people.size(), 1U);
  const ImportedPerson& person = out.people[0];
  EXPECT_EQ(person.row, 2U);
  EXPECT_EQ(person.registered.subject_id().size(), 32U);
  EXPECT_EQ(person.registered.commitment().size(), 32U);
  EXPECT_EQ(person.registered.custodian(), "centre-1");
  EXPECT_EQ(person.registered.consent_version(), 2U);
  EXPECT_EQ(person.consent->subject_id(), person.registered.subject_id());
  EXPECT_EQ(person.consent->tiers_size(), 1);
  EXPECT_EQ(person.consent->until_ms(), 1000U + 2 * 86'400'000U);
  EXPECT_EQ(person.assessed.subject_id(), person.registered.subject_id());
  EXPECT_EQ(person.assessed.phase(), tiers::v1::ASSESSMENT_PHASE_BEFORE_TRAINING);
  ASSERT_EQ(person.assessed.scores_size(), 2);
  EXPECT_EQ(person.assessed.scores(0).dimension(), "experience");
  EXPECT_EQ(person.assessed.scores(0).value(), 21U * 476);
  EXPECT_EQ(person.assessed.scores(1).value(), 9200U);
  ASSERT_EQ(person.assessed.tags_size(), 1);
  EXPECT_EQ(person.assessed.tags(0).industry(), "data");
  ASSERT_EQ(person.assessed.attributes_size(), 1);
  EXPECT_EQ(person.assessed.attributes(0).value(), "10-49");
  EXPECT_EQ(person.training->hours(), 36U);
  EXPECT_EQ(person.training->subject_id(), person.registered.subject_id());
  EXPECT_EQ(person.training->before_assessment(), "");
}

TEST(Import, OptionalCellsMayBeEmpty) {
  const Outcome out = ImportRows("p1,5,,,,36,\n");
  ASSERT_EQ(out.people.size(), 1U);
  EXPECT_EQ(out.people[0].assessed.scores_size(), 1);
  EXPECT_TRUE(out.people[0].assessed.tags().empty());
  EXPECT_TRUE(out.people[0].assessed.attributes().empty());
}

TEST(Import, RefusalNamesRowColumnAndReason) {
  EXPECT_EQ(RefusalOf("p1,5,,,,abc,\n"), "row 2, column hours: 'abc' is not a whole number");
  EXPECT_EQ(RefusalOf("p1,5,,,,1.5,\n"), "row 2, column hours: '1.5' is not a whole number");
  EXPECT_EQ(RefusalOf("p1,5,,,,0,\n"), "row 2, column hours: '0' makes 0, which is not 1 to 10000");
  EXPECT_EQ(RefusalOf("p1,5,,,,,\n"), "row 2, column hours: empty");
  EXPECT_EQ(RefusalOf("p1,-3,,,,1,\n"),
            "row 2, column years: '-3' times 476 is not a whole number");
  EXPECT_EQ(RefusalOf("p1,22,,,,1,\n"),
            "row 2, column years: '22' makes 10472, which is not 0 to 10000");
  EXPECT_EQ(RefusalOf("p1,5,0.12345,,,1,\n"),
            "row 2, column index: '0.12345' times 10000 is not a whole number");
  EXPECT_EQ(RefusalOf("p1,5,,Law,,1,\n"),
            "row 2, column field: 'Law' is not among the mapping's values");
  EXPECT_EQ(RefusalOf(",5,,,,1,\n"), "row 2, column id: not 1 to 256 bytes long");
  EXPECT_EQ(RefusalOf("p1,5\n"), "row 2: 2 cells where the header has 7");
}

TEST(Import, HostileNumbersAreRefused) {
  for (const char* text : {"1e5", "0x10", "+5", " 5", "5 ", "1,5", ".5", "5.", "1.2.3", "nan",
                           "99999999999999999999", "999999999999999999", "１"}) {
    const std::string row = fmt::format("p1,5,,,,\"{}\",\n", text);
    EXPECT_TRUE(RefusalOf(row).starts_with("row 2, column hours: ")) << text;
  }
}

TEST(Import, EverythingWrongWithARowIsToldAndTheRestGoesOn) {
  const Outcome out = ImportRows("p1,x,y,z,,w,\np2,5,,,,1,\np3,5,,,,1,\n\"\n");
  EXPECT_EQ(out.rejects.size(), 5U);
  EXPECT_EQ(out.people.size(), 2U);
  EXPECT_EQ(out.read, 4U);
  EXPECT_EQ(out.refused, 2U);
}

TEST(Import, ReasonsCutLongCellsAtACharacterAndNeverShowTheIdentity) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "人";
  const std::string reason = RefusalOf("p1,5,,,," + text + ",\n");
  EXPECT_LT(reason.size(), 120U);
  EXPECT_NE(reason.find("人…' is not"), std::string::npos) << reason;
  const std::string identity(300, '7');
  EXPECT_EQ(RefusalOf(identity + ",5,,,,1,\n").find("77"), std::string::npos);
}

TEST(Import, SubjectIdsAreStableAndDependOnTheSecret) {
  const auto subject = [](const std::string& id, char secret) {
    Importer::Options options = kOptions;
    options.salt_secret = Hash::FromBytes(Bytes(32, secret)).value();
    return ImportRows(id + ",5,,,,1,\n", options).people.at(0).registered.subject_id();
  };
  EXPECT_EQ(subject("p1", 's'), subject("p1", 's'));
  EXPECT_NE(subject("p1", 's'), subject("p2", 's'));
  EXPECT_NE(subject("p1", 's'), subject("p1", 't'));
}

TEST(Import, RejectsFileIsCsv) {
  const ImportReject reject{.row = 17, .column = "training_hours", .reason = "'a,\"b' is bad"};
  EXPECT_EQ(reject.CsvLine(), "17,training_hours,\"'a,\"\"b' is bad\"\n");
  EXPECT_EQ(ImportReject::CsvHeader(), "row,column,reason\n");
}

TEST(Import, MissingColumnIsToldAtOnce) {
  std::istringstream csv("id,years,index,field,size\n");
  const auto importer =
      Importer::Open(csv, ImportMapping::Parse(kMapping, "map.toml").value(), kOptions);
  ASSERT_FALSE(importer);
  EXPECT_NE(importer.error().message.find("'hours'"), std::string::npos);
}

TEST(Import, ShippedSampleIsImportedWithItsMapping) {
  std::ifstream csv(TALENT_DATA "/hr-sample.csv", std::ios::binary);
  const Bytes mapping = ReadFile(TALENT_DATA "/hr-mapping.toml", 1 << 20).value();
  const Outcome out = Import(csv, mapping);
  EXPECT_EQ(out.read, 400U);
  EXPECT_EQ(out.people.size(), 387U);
  EXPECT_EQ(out.rejects.size(), 13U);
  EXPECT_EQ(out.refused, 13U);
  for (const ImportedPerson& person : out.people) {
    EXPECT_EQ(person.assessed.scores_size(), 4);
    EXPECT_TRUE(person.training);
  }
}

std::string MappingRefusal(const std::string& from, const std::string& to) {
  std::string text = kMapping;
  const std::size_t at = text.find(from);
  CHECK(at != std::string::npos, "{}", from);
  text.replace(at, from.size(), to);
  const auto mapping = ImportMapping::Parse(text, "map.toml");
  return mapping ? "" : mapping.error().message;
}

TEST(ImportMapping, RefusalNamesTheKey) {
  const auto expect = [](const std::string& from, const std::string& to, const char* key) {
    const std::string message = MappingRefusal(from, to);
    EXPECT_NE(message.find(key), std::string::npos) << from << " → " << to << ": " << message;
  };
  expect("format = 1", "format = 2", "map.toml: format");
  expect("format = 1", "format =", "map.toml: line 2");
  expect("column = \"id\"", "colum = \"id\"", "subject.column");
  expect("consent_version = 2", "consent_version = 0", "subject.consent_version");
  expect("scale = 476", "scale = 0.5", "dimension[0].scale");
  expect("\"<1\" = 0", "\"<1\" = -1", "dimension[0].values.<1");
  expect("name = \"city\"", "name = \"experience\"", "'experience' stands twice");
  expect("optional = true", "optional = \"yes\"", "dimension[1].optional");
  expect("\"matched\"", "\"fits\"", "tag[0].values.STEM.match");
  expect("weight = 9000", "weight = 10001", "tag[0].values.STEM.weight");
  expect("\"before-training\"", "\"unspecified\"", "assessment.phase");
  expect("\"consortium\"", "\"world\"", "consent.scope");
  expect("budget_class = \"B\"", "budget_class = \"E\"", "training.budget_class");
  expect("course = \"data science\"", "course = \"x\"\nextra = 1", "training.extra");
}

}  // namespace
}  // namespace talent::node
