// talentd genesis: found a chain, and look at a genesis file.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json_fields.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/offer.h"
#include "node/ops/founding.h"
#include "tiers/application.h"

namespace talent::node::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxCardBytes = 64 << 10;

struct CreateOptions {
  std::string name, tier;
  std::vector<fs::path> nodes, sources;
  std::vector<std::string> enterprises, titles;
  fs::path policy, out;
};

/// "ID=REST".
Result<std::pair<std::string, std::string>> SplitId(const std::string& option,
                                                    const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0) {
    return Fail(Code::kInvalidArgument, "{} '{}': write ID=…", option, text);
  }
  return std::pair(text.substr(0, at), text.substr(at + 1));
}

Result<Founding> ReadFounding(const CreateOptions& options) {
  static const std::map<std::string, ledger::Tier> kTiers = {
      {"private", ledger::Tier::kPrivate},
      {"consortium", ledger::Tier::kConsortium},
      {"public", ledger::Tier::kPublic}};
  Founding out;
  out.name = options.name;
  out.tier = kTiers.at(options.tier);
  out.time = SystemClock().Now();
  for (const fs::path& file : options.nodes) {
    auto card = ParseNodeCard(TRY(ReadFile(file, kMaxCardBytes)));
    if (!card) return Within(file.string(), std::move(card).error());
    out.nodes.push_back(std::move(*card));
  }
  for (const std::string& text : options.enterprises) {
    const auto [id, hex] = TRY(SplitId("--enterprise", text));
    auto key = crypto::PublicKey::FromHexString(hex);
    if (!key) return Within("--enterprise " + id, std::move(key).error());
    out.enterprises.emplace(id, *key);
  }
  for (const std::string& text : options.titles) {
    const auto [id, title] = TRY(SplitId("--title", text));
    out.titles.emplace(id, title);
  }
  for (const fs::path& file : options.sources) {
    out.sources.push_back(TRY(ReadFile(file, ledger::Genesis::kMaxBytes)));
  }
  if (!options.policy.empty()) {
    auto policy = ParseJson(TRY(ReadFile(options.policy, ledger::Genesis::kMaxBytes)));
    if (!policy) return Within(options.policy.string(), std::move(policy).error());
    out.policy = std::move(*policy);
  }
  return out;
}

void Describe(const ledger::Genesis& genesis) {
  fmt::print("{} chain {}\n  id        {}\n  validators", ledger::TierName(genesis.tier()),
             genesis.name(), genesis.chain_id().Hex());
  for (const auto& validator : genesis.validators().validators()) fmt::print(" {}", validator.name);
  fmt::print("\n  quorum    {} of {}; {} may fail\n", genesis.validators().quorum(),
             genesis.validators().size(), genesis.validators().max_faulty());
}

Result<int> Create(const CreateOptions& options) {
  const Founding founding = TRY(ReadFounding(options));
  const Bytes bytes = TRY(MakeGenesis(founding));
  // A chain's file that others have already is not replaced by another chain's.
  TRY(WriteFile(options.out, bytes, 0644, IfExists::kFail));
  Describe(TRY(ledger::Genesis::Parse(bytes)));
  fmt::print(
      "\nGive {} to every founder, who compares the id:\n  talentd genesis check {}\nFrom then on "
      "not one byte of it may change.\n",
      options.out.string(), options.out.string());
  return kGood;
}

Result<int> Check(const std::vector<fs::path>& files) {
  for (const fs::path& file : files) {
    const auto genesis = ledger::Genesis::Load(file);
    if (!genesis) return Refused(genesis.error());
    const auto application = tiers::MakeApplication(*genesis);
    if (!application) {
      return Refused(Error{application.error().code,
                           fmt::format("{}: {}", file.string(), application.error().message)});
    }
    Describe(*genesis);
  }
  return kGood;
}

}  // namespace

void AddGenesisCommand(CLI::App& app, int& exit_code) {
  auto* const genesis =
      app.add_subcommand("genesis", "Found a chain, and check a genesis file 创世文件");
  genesis->require_subcommand(1);

  auto options = std::make_shared<CreateOptions>();
  auto* const create =
      genesis->add_subcommand("create", "Write a chain's genesis file from its founders' keys");
  create->footer(
      "Examples:\n"
      "  talentd init --home centre-1 --name centre-1 --validate city --output json > "
      "centre-1.json\n"
      "  talentd genesis create --name city --tier private --node centre-1.json --node "
      "centre-2.json\n"
      "    --node centre-3.json --node centre-4.json --enterprise acme=KEY --out city.json\n"
      "  talentd genesis create --name alliance --tier consortium … --source city.json --out "
      "alliance.json\n"
      "\n"
      "A node validates the chain if it has made a key for it (init --validate), and follows it "
      "otherwise. A\nnode with a party key is a talent centre of the chain.");
  create->add_option("--name", options->name, "The chain's name")->required();
  create->add_option("--tier", options->tier, "private, consortium or public")
      ->required()
      ->check(CLI::IsMember({"private", "consortium", "public"}));
  create
      ->add_option("--node", options->nodes,
                   "A node's card: what init --output json printed; repeatable")
      ->required();
  create->add_option("--enterprise", options->enterprises,
                     "An enterprise and its public key, ID=KEY; repeatable");
  create->add_option("--title", options->titles,
                     "What people call a party, ID=NAME (default: its id); repeatable");
  create->add_option("--source", options->sources,
                     "Genesis file of a chain whose records this one takes; repeatable");
  create->add_option("--policy", options->policy,
                     "JSON file with the chain's policy (default: the tier's defaults)");
  create->add_option("--out", options->out, "The file to write")->required();
  OnRun(create, exit_code, [options] { return Create(*options); });

  auto files = std::make_shared<std::vector<fs::path>>();
  auto* const check = genesis->add_subcommand(
      "check", "Check a genesis file as a node does, and print the chain's id");
  check->footer(
      "Example:\n  talentd genesis check city.json\n\nExits with 1 and names the field that is "
      "wrong.");
  check->add_option("files", *files, "Genesis files")->required();
  OnRun(check, exit_code, [files] { return Check(*files); });
}

}  // namespace talent::node::cli
