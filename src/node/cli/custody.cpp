// A person's custody passes from one centre to another.

#include "base/canonical.h"
#include "base/file.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/submit.h"
#include "tiers/private_state.h"
#include "tiers/signing.h"

namespace talent::node::cli {
namespace {

namespace pb = tiers::v1;

constexpr std::size_t kMaxRelease = 4 << 10;

struct ReleaseOptions {
  SubmitOptions submit;
  std::string subject;
  std::string to;
  std::uint64_t days = 30;
  std::filesystem::path out;
};

struct TakeOptions {
  SubmitOptions submit;
  std::filesystem::path release;
};

Result<int> Release(const ReleaseOptions& options) {
  const auto subject = Hash::FromHexString(options.subject);
  if (!subject) return Within("SUBJECT", subject.error());
  const Author author = TRY(ConnectToSign(options.submit));
  const auto entry = author.connection.node.client->GetState(author.connection.chain,
                                                             tiers::kSubjects.Key(subject->View()));
  if (!entry) return Refused(entry.error());
  if (!entry->present()) return Refused({Code::kNotFound, "no such person for who asks"});
  const auto known = TRY(Decode<pb::Subject>(entry->value()));
  SystemClock clock;
  crypto::SystemRandom random;
  pb::CustodyStatement statement;
  statement.set_subject_id(subject->ToBytes());
  statement.set_until_ms(clock.Now().value + options.days * kDayMs);
  statement.set_from(known.custodian());
  statement.set_to(options.to);
  statement.set_reference(random.Draw(Hash::kSize));
  const auto release = tiers::SignCustody(author.connection.chain, statement, author.key);
  TRY(WriteFile(options.out, Encode(release), 0644, IfExists::kFail));
  fmt::print("{}: lets '{}' take the person over from '{}' within {} days\n", options.out.string(),
             options.to, known.custodian(), options.days);
  return kGood;
}

Result<int> Take(const TakeOptions& options) {
  const auto release =
      TRY(Decode<pb::CustodyTransferred>(TRY(ReadFile(options.release, kMaxRelease))));
  const Author author = TRY(ConnectToSign(options.submit));
  const auto submitted =
      SignAndSubmit(options.submit, author.connection, author.key, "CustodyTransferred",
                    Encode(release), ledger::pb::DISCLOSURE_PRIVATE);
  if (!submitted) return Refused(submitted.error());
  return ReportSubmitted(*submitted, options.submit.output);
}

void AddRelease(CLI::App& custody, int& exit_code) {
  auto options = std::make_shared<ReleaseOptions>();
  options->submit.chain = "private";
  auto* release = custody.add_subcommand(
      "release", "As the person, or its custodian where it has no key, let another centre take it");
  release->add_option("SUBJECT", options->subject, "Subject id, hexadecimal")->required();
  release->add_option("--to", options->to, "Party id of the next custodian")->required();
  release->add_option("--days", options->days, "How long it may be taken up")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  release->add_option("--out", options->out, "File to write")->required();
  AddSubmitOptions(release, options->submit);
  OnRun(release, exit_code, [options] { return Release(*options); });
}

void AddTake(CLI::App& custody, int& exit_code) {
  auto options = std::make_shared<TakeOptions>();
  options->submit.chain = "private";
  auto* take = custody.add_subcommand("take", "As the next custodian, take the person over 接管");
  take->add_option("RELEASE", options->release, "File of 'custody release'")->required();
  AddSubmitOptions(take, options->submit);
  OnRun(take, exit_code, [options] { return Take(*options); });
}

}  // namespace

void AddCustodyCommand(CLI::App& app, int& exit_code) {
  auto* custody = app.add_subcommand(
      "custody", "Hand a person over from one talent centre to another 保管转移");
  custody->require_subcommand(1);
  custody->footer(
      "Examples:\n"
      "  talentd custody release 5e1f… --to centre-2 --out li.release --key person.key "
      "--endpoints …\n"
      "  talentd custody take li.release --key centre-2.key --endpoints …\n"
      "\n"
      "Released with the person's own key; where it has none, by the present custodian. From the\n"
      "block that takes it over on only the next custodian writes for the person. Who wrote a\n"
      "record goes on answering for it. Exits with 1 when refused.");
  AddRelease(*custody, exit_code);
  AddTake(*custody, exit_code);
}

}  // namespace talent::node::cli
