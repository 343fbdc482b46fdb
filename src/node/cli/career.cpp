// A person's way through the market: plans, decisions and moves, as a node computes them by the
// chain's rules.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "base/file.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/submit.h"
#include "node/records/payload_json.h"
#include "tiers/signing.h"

namespace talent::node::cli {
namespace {

namespace pb = tiers::v1;

constexpr std::size_t kMaxMoveStatement = 64 << 10;

struct CareerOptions {
  SubmitOptions submit;
  std::string subject;
  bool full = false;

  ledger::pb::Disclosure disclosure() const {
    return full ? ledger::pb::DISCLOSURE_FULL : ledger::pb::DISCLOSURE_PRIVATE;
  }
};

struct PlanOptions : CareerOptions {
  std::vector<std::string> courses;
  std::uint32_t hours = 0;
  std::uint64_t budget = 0;
  std::uint32_t bar = 6000;
  std::string before;
};

struct DecideOptions : CareerOptions {
  std::string enterprise;
  std::string reason;
};

struct MoveOptions : CareerOptions {
  std::filesystem::path statement;
  std::string transfer;
  std::vector<std::filesystem::path> signatures;
};

struct MoveStatementOptions : CareerOptions {
  std::string to;
  std::filesystem::path out;
};

struct SignOptions {
  SubmitOptions submit;
  std::filesystem::path statement;
  std::filesystem::path out;
};

struct Desk : Author {
  Client& client() const { return *connection.node.client; }
  Result<v1::GetCareerResponse> Career(BytesView subject) const {
    return client().GetCareer(connection.chain, subject);
  }
};

Result<Desk> OpenDesk(const SubmitOptions& options) { return Desk{TRY(ConnectToSign(options))}; }

Result<Bytes> SubjectOf(const CareerOptions& options) {
  const auto id = Hash::FromHexString(options.subject);
  if (!id) return Within("SUBJECT", id.error());
  return id->ToBytes();
}

Result<int> SubmitMessage(const CareerOptions& options, const Desk& desk,
                          const google::protobuf::Message& message) {
  const auto submitted =
      SignAndSubmit(options.submit, desk.connection, desk.key, message.GetDescriptor()->name(),
                    Encode(message), options.disclosure());
  if (!submitted) return Refused(submitted.error());
  return ReportSubmitted(*submitted, options.submit.output);
}

std::string Percent(std::uint32_t bps) { return fmt::format("{}.{:02} %", bps / 100, bps % 100); }

// What is due next, in words a centre's desk can act on.
std::string NextStep(const v1::GetCareerResponse& career) {
  if (career.career().stage() == pb::CAREER_STAGE_PLACED) return "works; 'career move'";
  if (career.has_placed()) {
    return fmt::format("placement with '{}': 'career decide'", career.placed().enterprise());
  }
  if (career.has_retraining()) return "retraining: 'career decide'";
  if (career.has_centre_decides()) {
    return "the centre's decision: 'career decide --enterprise … --reason …', or 'career plan'";
  }
  if (career.career().stage() == pb::CAREER_STAGE_IN_TRAINING) return career.not_due();
  return fmt::format("a plan of class {}: 'career plan'",
                     pb::BudgetClass_Name(career.plan_class()).back());
}

const pb::DecisionInputs& InputsOf(const v1::GetCareerResponse& career) {
  if (career.has_placed()) return career.placed().inputs();
  return career.has_retraining() ? career.retraining().inputs() : career.centre_decides();
}

Result<int> Show(const CareerOptions& options) {
  const Bytes subject = TRY(SubjectOf(options));
  const Desk desk = TRY(OpenDesk(options.submit));
  const auto answer = desk.Career(subject);
  if (!answer) return Refused(answer.error());
  if (options.submit.output == Output::kJson) {
    PrintJson(TRY(MessageToJson(*answer)));
    return kGood;
  }
  const auto& career = answer->career();
  const std::string stage = career.stage() == pb::CAREER_STAGE_UNSPECIFIED
                                ? "-"
                                : pb::CareerStage_Name(career.stage()).substr(13);
  PrintTable({"STAGE 状态", "EMPLOYER 企业", "SOLD 已售", "RETRAININGS 再培训", "NEXT 下一步"},
             {{stage, career.employer().empty() ? "-" : career.employer(),
               fmt::format("{} of {} ({})", answer->figures().sold(), answer->figures().supply(),
                           Percent(answer->figures().sold_bps())),
               std::to_string(career.retrainings()), NextStep(*answer)}});
  std::vector<std::vector<std::string>> rows;
  for (const auto& candidate : InputsOf(*answer).candidates()) {
    rows.push_back({candidate.enterprise(), std::to_string(candidate.units()),
                    Percent(candidate.share_bps()), Percent(candidate.will_bps()),
                    std::to_string(candidate.score())});
  }
  if (rows.empty()) return kGood;
  PrintTable({"CANDIDATE 候选企业", "UNITS 持有", "SHARE 份额", "WILL 意愿", "SCORE 得分"}, rows);
  return kGood;
}

Result<int> Plan(const PlanOptions& options) {
  const Bytes subject = TRY(SubjectOf(options));
  const auto before = RecordId::FromHexString(options.before);
  if (!before) return Within("--before", before.error());
  pb::TrainingPlan plan;
  for (const auto& course : options.courses) plan.add_courses(course);
  plan.set_hours(options.hours);
  plan.set_budget(options.budget);
  plan.set_bar(options.bar);
  plan.set_before_assessment(before->ToBytes());
  const Desk desk = TRY(OpenDesk(options.submit));
  const auto career = desk.Career(subject);
  if (!career) return Refused(career.error());
  if (career->plan_class() == pb::BUDGET_CLASS_D || career->has_centre_decides()) {
    pb::ContinuingEducation message;
    message.set_subject_id(subject);
    *message.mutable_plan() = plan;
    *message.mutable_figures() = career->figures();
    return SubmitMessage(options, desk, message);
  }
  pb::TrainingPlanned message;
  message.set_subject_id(subject);
  *message.mutable_plan() = plan;
  message.set_budget_class(career->plan_class());
  *message.mutable_figures() = career->figures();
  return SubmitMessage(options, desk, message);
}

Result<int> Decide(const DecideOptions& options) {
  const Bytes subject = TRY(SubjectOf(options));
  const Desk desk = TRY(OpenDesk(options.submit));
  const auto career = desk.Career(subject);
  if (!career) return Refused(career.error());
  if (!career->has_centre_decides() && !(options.enterprise.empty() && options.reason.empty())) {
    return Refused({Code::kPrecondition,
                    "it is not the centre that decides now; leave out --enterprise and --reason"});
  }
  const auto is_other = [&](const auto& decision) { return decision.subject_id() != subject; };
  if ((career->has_retraining() && is_other(career->retraining())) ||
      (career->has_placed() && is_other(career->placed()))) {
    return Refused({Code::kCorruption, "the node answered with a decision on another person"});
  }
  if (career->has_retraining()) return SubmitMessage(options, desk, career->retraining());
  if (career->has_placed()) return SubmitMessage(options, desk, career->placed());
  if (!career->has_centre_decides()) return Refused({Code::kPrecondition, career->not_due()});
  if (options.enterprise.empty() || options.reason.empty()) {
    return Refused({Code::kPrecondition,
                    "retraining is used up and the rule decides no more: decide with --enterprise "
                    "and --reason, or plan continuing education with 'career plan'"});
  }
  pb::Placed own;
  own.set_subject_id(subject);
  *own.mutable_inputs() = career->centre_decides();
  own.set_basis(pb::PLACEMENT_BASIS_CENTRE);
  own.set_enterprise(options.enterprise);
  own.set_reason(options.reason);
  return SubmitMessage(options, desk, own);
}

// A move: statement, signatures, record.

Result<int> WriteStatement(const MoveStatementOptions& options) {
  const Bytes subject = TRY(SubjectOf(options));
  const Desk desk = TRY(OpenDesk(options.submit));
  const auto answer = desk.Career(subject);
  if (!answer) return Refused(answer.error());
  if (answer->career().employer().empty()) {
    return Refused({Code::kPrecondition, "this person was never placed: there is no move to make"});
  }
  crypto::SystemRandom random;
  pb::FlowStatement statement;
  statement.set_subject_id(subject);
  statement.set_placement(answer->career().placement());
  statement.set_from(answer->career().employer());
  statement.set_to(options.to);
  statement.set_reference(random.Draw(Hash::kSize));
  TRY(WriteFile(options.out, Encode(statement), 0644, IfExists::kFail));
  fmt::print("{}: from '{}' to '{}'; have it signed with 'talentd career sign-move'\n",
             options.out.string(), statement.from(), options.to.empty() ? "nobody" : options.to);
  return kGood;
}

Result<int> SignMove(const SignOptions& options) {
  const auto statement =
      TRY(Decode<pb::FlowStatement>(TRY(ReadFile(options.statement, kMaxMoveStatement))));
  const Desk desk = TRY(OpenDesk(options.submit));
  const auto flow = tiers::SignFlow(desk.connection.chain, statement, {&desk.key, 1});
  TRY(WriteFile(options.out, Encode(flow.signatures(0)), 0644, IfExists::kFail));
  fmt::print("{}: signature under the move of {} from '{}' to '{}'\n", options.out.string(),
             ToHex(statement.subject_id()), statement.from(),
             statement.to().empty() ? "nobody" : statement.to());
  return kGood;
}

Result<int> Move(const MoveOptions& options) {
  pb::FlowRecorded flow;
  flow.set_statement(TRY(ReadFile(options.statement, kMaxMoveStatement)));
  for (const auto& file : options.signatures) {
    *flow.add_signatures() = TRY(Decode<pb::Cosignature>(TRY(ReadFile(file, kMaxMoveStatement))));
  }
  std::sort(flow.mutable_signatures()->begin(), flow.mutable_signatures()->end(),
            [](const auto& a, const auto& b) { return a.key() < b.key(); });
  if (!options.transfer.empty()) {
    const auto transfer = TxId::FromHexString(options.transfer);
    if (!transfer) return Within("--transfer", transfer.error());
    flow.set_transfer(transfer->ToBytes());
  }
  const Desk desk = TRY(OpenDesk(options.submit));
  const auto judged = desk.client().JudgeMove(desk.connection.chain, flow);
  if (!judged) return Refused(judged.error());
  const auto is_same = [](const pb::Cosignature& a, const pb::Cosignature& b) {
    return a.key() == b.key() && a.signature() == b.signature();
  };
  if (judged->statement() != flow.statement() || judged->transfer() != flow.transfer() ||
      !std::ranges::equal(judged->signatures(), flow.signatures(), is_same)) {
    return Refused(
        {Code::kCorruption, "the node answered with another move than the one asked for"});
  }
  return SubmitMessage(options, desk, *judged);
}

void AddSubject(CLI::App* command, CareerOptions& options) {
  options.submit.chain = "private";
  command->add_option("SUBJECT", options.subject, "Subject id, hexadecimal")->required();
}

void AddFull(CLI::App* command, CareerOptions& options) {
  command->add_flag("--full", options.full,
                    "Disclosure class FULL 可完全公开, where consent and policy allow it; else it "
                    "stays on this chain");
}

void AddPlan(CLI::App& career, int& exit_code) {
  auto options = std::make_shared<PlanOptions>();
  auto* plan = career.add_subcommand(
      "plan", "Open a training plan of the class that the sold share gives 培训计划");
  AddSubject(plan, *options);
  plan->add_option("--course", options->courses, "Course; again for each")
      ->required()
      ->allow_extra_args(false);
  plan->add_option("--hours", options->hours, "Hours, 1 to 10000")->required();
  plan->add_option("--budget", options->budget, "What it may cost, in the smallest unit")
      ->required();
  plan->add_option("--bar", options->bar, "Score that counts as reached, up to 10000 达标分")
      ->capture_default_str();
  plan->add_option("--before", options->before, "Record id of the assessment it builds on")
      ->required();
  AddFull(plan, *options);
  AddSubmitOptions(plan, options->submit);
  OnRun(plan, exit_code, [options] { return Plan(*options); });
}

void AddDecide(CLI::App& career, int& exit_code) {
  auto options = std::make_shared<DecideOptions>();
  auto* decide = career.add_subcommand(
      "decide", "Record the decision after training: placement or retraining 就业、再培训");
  AddSubject(decide, *options);
  decide->add_option("--enterprise", options->enterprise,
                     "Where the rule decides no more: the centre's own choice");
  decide->add_option("--reason", options->reason, "Why");
  AddFull(decide, *options);
  AddSubmitOptions(decide, options->submit);
  OnRun(decide, exit_code, [options] { return Decide(*options); });
}

void AddMoves(CLI::App& career, int& exit_code) {
  auto statement = std::make_shared<MoveStatementOptions>();
  auto* state = career.add_subcommand("state-move", "Write down a move, for signing 流动声明");
  AddSubject(state, *statement);
  state->add_option("--to", statement->to, "Next enterprise; without it the person leaves 离职");
  state->add_option("--out", statement->out, "File to write")->required();
  AddSubmitOptions(state, statement->submit);
  OnRun(state, exit_code, [statement] { return WriteStatement(*statement); });

  auto signing = std::make_shared<SignOptions>();
  signing->submit.chain = "private";
  auto* sign =
      career.add_subcommand("sign-move", "As enterprise or person, consent to a move 联署");
  sign->add_option("STATEMENT", signing->statement, "File of 'career state-move'")->required();
  sign->add_option("--out", signing->out, "File to write the signature to")->required();
  AddSubmitOptions(sign, signing->submit);
  OnRun(sign, exit_code, [signing] { return SignMove(*signing); });

  auto moving = std::make_shared<MoveOptions>();
  moving->submit.chain = "private";
  auto* move = career.add_subcommand("move", "Record a move, with what the rules find of it 流动");
  move->add_option("STATEMENT", moving->statement, "File of 'career state-move'")->required();
  move->add_option("--signature", moving->signatures, "File of 'career sign-move'; again for each")
      ->allow_extra_args(false);
  move->add_option("--transfer", moving->transfer, "Record id of the TokenTransferred with it");
  AddFull(move, *moving);
  AddSubmitOptions(move, moving->submit);
  OnRun(move, exit_code, [moving] { return Move(*moving); });
}

}  // namespace

void AddCareerCommand(CLI::App& app, int& exit_code) {
  auto* career = app.add_subcommand(
      "career", "Plans, decisions and moves of a person, computed by the chain's rules 职业进程");
  career->require_subcommand(1);
  career->footer(
      "Examples:\n"
      "  talentd career show 5e1f… --key centre.key --endpoints .devnet/endpoints.json\n"
      "  talentd career plan 5e1f… --course welding --hours 40 --budget 800000 --before 77aa… \\\n"
      "    --key centre.key --endpoints …\n"
      "  talentd career decide 5e1f… --full --key centre.key --endpoints …\n"
      "  talentd career state-move 5e1f… --to globex --out move.bin --key centre.key --endpoints "
      "…\n"
      "  talentd career sign-move move.bin --out globex.sig --key globex.key --endpoints …\n"
      "  talentd career move move.bin --signature globex.sig --transfer 9c0d… --key centre.key "
      "--endpoints …\n"
      "\n"
      "What the state says may change before the record is sealed: then the chain refuses it, and\n"
      "the command is given again. Exits with 1 when refused.");
  auto options = std::make_shared<CareerOptions>();
  auto* show = career->add_subcommand("show", "Where a person stands and what is due next 状态");
  AddSubject(show, *options);
  AddSubmitOptions(show, options->submit);
  OnRun(show, exit_code, [options] { return Show(*options); });
  AddPlan(*career, exit_code);
  AddDecide(*career, exit_code);
  AddMoves(*career, exit_code);
}

}  // namespace talent::node::cli
