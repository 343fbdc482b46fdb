// Policies of a chain: the one in force, what another one would change, and proposals of centres.

#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "base/file.h"
#include "node/cli/commands.h"
#include "node/cli/governance.h"
#include "node/cli/policy_dry_run.h"
#include "node/cli/reading.h"
#include "tiers/consortium_state.h"
#include "tiers/policies.h"
#include "tiers/policy_file.h"
#include "tiers/private_state.h"

namespace talent::node::cli {
namespace {

namespace pb = tiers::v1;
using Json = nlohmann::json;

struct CheckOptions : ReadOptions {
  std::filesystem::path file;
};

struct PolicyOptions : ProposeOptions {
  std::filesystem::path file;
  std::uint64_t notice = 1;
};

/// A policy of a chain, as its state has it.
struct PolicyOfChain {
  std::string name;
  Bytes content;
  std::optional<pb::PolicyChange> next;  // decided, and not yet in force
};

/// nullopt: the chain has no such policy. Errors: those of the node.
Result<std::optional<PolicyOfChain>> ReadPolicy(const ChainConnection& connection,
                                                std::string_view name) {
  Client& client = *connection.node.client;
  // Policies are named by their keys, whatever their type.
  const auto present = TRY(client.GetState(connection.chain, tiers::kPromotionPolicy.Key(name)));
  if (!present.present()) return std::nullopt;
  PolicyOfChain out{std::string(name), present.value(), std::nullopt};
  const auto next = TRY(client.GetState(connection.chain, tiers::kNextPolicies.Key(name)));
  if (next.present()) out.next = TRY(Decode<pb::PolicyChange>(next.value()));
  return out;
}

Result<pb::PolicyChange> ReadPolicyFile(const std::filesystem::path& file) {
  auto change = tiers::ParsePolicyFile(TRY(ReadFile(file, tiers::kMaxPolicyFileBytes)));
  if (!change) return Within(file.string(), change.error());
  return change;
}

// The policy in force.

Result<Json> Show(const PolicyOfChain& policy) {
  Json out = TRY(tiers::PolicyToJson(policy.name, policy.content));
  if (policy.next) {
    out["next"] = {{"in_force", policy.next->in_force()},
                   {"policy", TRY(tiers::PolicyToJson(policy.name, policy.next->content()))}};
  }
  return out;
}

Result<int> Show(const ReadOptions& options) {
  const auto connection = TRY(ConnectToRead(options));
  Json list = Json::array();
  for (const std::string_view name :
       {tiers::kPromotionPolicyKey, tiers::kMarketPolicyKey, tiers::kConsortiumPolicyKey}) {
    const auto policy = ReadPolicy(connection, name);
    if (!policy) return Refused(policy.error());
    if (!*policy) continue;
    if (options.output == Output::kJson) {
      list.push_back(TRY(Show(**policy)));
      continue;
    }
    fmt::print("policy '{}', version {}, in force\n", name,
               TRY(tiers::PolicyVersion((*policy)->name, (*policy)->content)));
    PrintJson(TRY(tiers::PolicyToJson((*policy)->name, (*policy)->content)));
    if ((*policy)->next) {
      fmt::print("decided for height {}:\n", (*policy)->next->in_force());
      PrintJson(TRY(tiers::PolicyToJson((*policy)->name, (*policy)->next->content())));
    }
  }
  if (options.output == Output::kJson) PrintJson(list);
  return kGood;
}

// The dry run.

std::string ValueAt(const Json& flat, const std::string& path) {
  return flat.contains(path) ? flat.at(path).dump() : "(none)";
}

/// "/promotion/rules/3/priority" as the field's path in errors: "promotion.rules[3].priority".
std::string FieldPath(const std::string& pointer) {
  std::string path;
  std::size_t at = 1;
  while (at <= pointer.size()) {
    const std::size_t end = std::min(pointer.find('/', at), pointer.size());
    const std::string part = pointer.substr(at, end - at);
    const bool index = part.find_first_not_of("0123456789") == std::string::npos;
    path += index ? "[" + part + "]" : (path.empty() ? "" : ".") + part;
    at = end + 1;
  }
  return path;
}

/// The fields in which two policies differ.
Json Differences(const Json& before, const Json& after) {
  const Json flat_before = before.flatten(), flat_after = after.flatten();
  std::set<std::string> pointers;
  for (const auto& flat : {flat_before, flat_after}) {
    for (const auto& [pointer, value] : flat.items()) pointers.insert(pointer);
  }
  Json out = Json::array();
  for (const std::string& pointer : pointers) {
    const std::string was = ValueAt(flat_before, pointer), is = ValueAt(flat_after, pointer);
    if (was != is) out.push_back({{"field", FieldPath(pointer)}, {"from", was}, {"to", is}});
  }
  return out;
}

/// Why the chain would refuse the policy now, whatever it says; empty: it would not.
Result<std::string> Objection(const PolicyOfChain& present, const pb::PolicyChange& change) {
  const std::uint64_t version = TRY(tiers::PolicyVersion(present.name, present.content));
  const std::uint64_t next = TRY(tiers::PolicyVersion(change.policy(), change.content()));
  if (present.next) {
    return fmt::format(
        "another '{}' policy is decided and in force from height {}: propose after "
        "that",
        present.name, present.next->in_force());
  }
  if (next != version + 1) {
    return fmt::format("{}.version is {}; version {} is in force, the next is {}", present.name,
                       next, version, version + 1);
  }
  return "";
}

Result<int> Check(const CheckOptions& options) {
  const auto change = ReadPolicyFile(options.file);
  if (!change) return Refused(change.error());
  const auto connection = TRY(ConnectToRead(options));
  const auto read = ReadPolicy(connection, change->policy());
  if (!read) return Refused(read.error());
  if (!*read) {
    return Refused(
        {Code::kInvalidArgument,
         fmt::format("chain {} has no policy '{}'", connection.state.name(), change->policy())});
  }
  const PolicyOfChain& present = **read;
  Json report = {
      {"policy", change->policy()},
      {"differences", Differences(TRY(tiers::PolicyToJson(present.name, present.content)),
                                  TRY(tiers::PolicyToJson(present.name, change->content())))}};
  if (options.output == Output::kTable) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& d : report.at("differences")) {
      rows.push_back({d.at("field"), d.at("from"), d.at("to")});
    }
    PrintTable({"FIELD", "IN FORCE", "IN THE FILE"}, rows);
  }
  if (present.name == tiers::kPromotionPolicyKey) {
    const auto records = CheckRecords(connection, TRY(Decode<pb::PromotionPolicy>(present.content)),
                                      TRY(Decode<pb::PromotionPolicy>(change->content())));
    if (!records) return Refused(records.error());
    if (options.output == Output::kTable) PrintRecords(*records);
    report["records"] = *records;
  }
  const std::string objection = TRY(Objection(present, *change));
  report["objection"] = objection;
  if (options.output == Output::kJson) PrintJson(report);
  return objection.empty() ? kGood : Refused({Code::kPrecondition, objection});
}

// Proposals.

Result<int> Propose(const PolicyOptions& options) {
  auto change = ReadPolicyFile(options.file);
  if (!change) return Refused(change.error());
  const Author author = TRY(ConnectToSign(options.submit));
  pb::PolicyProposed message;
  message.set_open_until(OpenUntil(options, author.connection));
  change->set_in_force(message.open_until() + options.notice);
  *message.mutable_change() = *std::move(change);
  return SubmitToVote(options.submit, author, message);
}

}  // namespace

void AddPolicyCommand(CLI::App& app, int& exit_code) {
  auto* policy = app.add_subcommand("policy", "Policies of a chain: show, dry run, propose 策略");
  policy->require_subcommand(1);
  policy->footer(
      "Examples:\n"
      "  talentd policy show private-a --key centre.key --endpoints …\n"
      "  talentd policy check next.json --against private-a --key centre.key --endpoints …\n"
      "  talentd policy propose next.json --chain private-a --key centre.key --endpoints …\n"
      "  talentd governance vote PROPOSAL --chain private-a …             # the other centres\n"
      "\n"
      "A file holds one policy, whole, with the version in force + 1: what 'show' prints can be\n"
      "edited. It is in force from a height after the last vote; heights stand still on an idle\n"
      "chain. Records keep what was decided when they were written: check says what would be\n"
      "decided if those that the key may read were written anew.\n"
      "已有记录保持写入时的决定；check 只是试算。");

  auto show_options = std::make_shared<ReadOptions>();
  auto* show = policy->add_subcommand("show", "What is in force, and what is decided for later");
  AddReadOptions(show, *show_options, "CHAIN");
  OnRun(show, exit_code, [show_options] { return Show(*show_options); });

  auto check_options = std::make_shared<CheckOptions>();
  auto* check = policy->add_subcommand(
      "check", "What a file would change, parameters and records; 1: the chain would refuse it");
  check->add_option("FILE", check_options->file, "Policy file")->required();
  AddReadOptions(check, *check_options, "--against");
  OnRun(check, exit_code, [check_options] { return Check(*check_options); });

  auto options = std::make_shared<PolicyOptions>();
  auto* propose =
      policy->add_subcommand("propose", "As a centre, propose a policy and vote for it 策略提案");
  propose->add_option("FILE", options->file, "Policy file")->required();
  propose->add_option("--notice", options->notice, "Blocks from the last vote to its first height")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}))
      ->capture_default_str();
  AddProposeOptions(propose, *options);
  OnRun(propose, exit_code, [options] { return Propose(*options); });
}

}  // namespace talent::node::cli
