// Who validates a chain and who follows it: offers of nodes, and proposals of centres.

#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "ledger/epochs.h"
#include "node/cli/commands.h"
#include "node/cli/governance.h"
#include "node/cli/home.h"
#include "node/cli/offer.h"
#include "node/cli/reading.h"
#include "node/cli/scan_table.h"
#include "tiers/governance.h"

namespace talent::node::cli {
namespace {

namespace pb = tiers::v1;
using Json = nlohmann::json;

struct OfferOptions {
  HomeOptions home;
  std::string chain;
  std::string name;
  std::filesystem::path vote_key;
  std::filesystem::path node_key;
  bool follower = false;
  std::filesystem::path out;
};

struct NodeOptions : ProposeOptions {
  std::vector<std::string> add, remove, replace, rotate;
  std::vector<std::string> add_follower, rotate_follower, remove_follower;
  std::string party;  // that runs the followers that come in
};

// Offers.

Result<std::pair<ChainConfig, ledger::Genesis>> FindChain(const Config& config,
                                                          const std::string& name) {
  for (const ChainConfig& chain : config.chains) {
    auto genesis = TRY(ledger::Genesis::Load(chain.genesis));
    if (genesis.name() == name) return std::pair(chain, std::move(genesis));
  }
  return Fail(Code::kNotFound, "{} hosts no chain '{}'; 'talentd join' adds one", config.name,
              name);
}

Result<int> Offer(const OfferOptions& options) {
  const Config config = TRY(LoadConfigOf(options.home));
  const auto [chain, genesis] = TRY(FindChain(config, options.chain));
  const PassphraseOptions passphrase{config.passphrase_file};
  const auto node_key =
      TRY(ReadKey(options.node_key.empty() ? config.node_key_file : options.node_key, passphrase));
  std::optional<crypto::KeyPair> vote_key;
  if (!options.follower) {
    const auto& file = options.vote_key.empty() ? chain.vote_key_file : options.vote_key;
    if (file.empty()) {
      return Fail(Code::kInvalidArgument,
                  "the configuration names no vote_key_file for chain '{}': make a key with "
                  "'talentd keys new' and give --vote-key, or offer to follow with --follower",
                  options.chain);
    }
    vote_key = TRY(ReadKey(file, passphrase));
  }
  const auto offer =
      tiers::MakeOffer(genesis.chain_id(), options.name.empty() ? config.name : options.name,
                       vote_key ? &*vote_key : nullptr, node_key);
  TRY(tiers::VerifyOffer(genesis.chain_id(), offer));  // the name, say
  TRY(WriteOut(options.out, OfferToJson(genesis, offer)));
  return kGood;
}

// Proposals.

/// "NAME=FILE".
Result<std::pair<std::string, std::string>> SplitReplacement(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    return Fail(Code::kInvalidArgument, "--replace {}: write NAME=OFFER", text);
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

using Changes = google::protobuf::RepeatedPtrField<pb::NodeChange>;

Status AddOffer(Changes& changes, const std::optional<std::string>& node, const std::string& file,
                const ChainId& chain) {
  auto checked = TRY(ReadOffer(file, chain));
  pb::NodeChange& change = *changes.Add();
  // Without a name it takes the offer's own: the keys of that node change.
  change.set_node(node ? *node : checked.statement.name());
  *change.mutable_offer() = std::move(checked.offer);
  return {};
}

Result<Changes> ValidatorChanges(const NodeOptions& options, const ChainId& chain) {
  Changes changes;
  for (const auto& file : options.add) TRY(AddOffer(changes, "", file, chain));
  for (const auto& text : options.replace) {
    const auto [name, file] = TRY(SplitReplacement(text));
    TRY(AddOffer(changes, name, file, chain));
  }
  for (const auto& file : options.rotate) TRY(AddOffer(changes, std::nullopt, file, chain));
  for (const auto& name : options.remove) changes.Add()->set_node(name);
  return changes;
}

Result<Changes> FollowerChanges(const NodeOptions& options, const ChainId& chain) {
  Changes changes;
  for (const auto& file : options.add_follower) TRY(AddOffer(changes, "", file, chain));
  for (const auto& file : options.rotate_follower) {
    TRY(AddOffer(changes, std::nullopt, file, chain));
  }
  for (auto& change : changes) change.set_party(options.party);
  for (const auto& name : options.remove_follower) changes.Add()->set_node(name);
  return changes;
}

template <class M>
Result<int> SubmitProposal(const NodeOptions& options, const Author& author, Changes changes) {
  M message;
  *message.mutable_changes() = std::move(changes);
  message.set_open_until(OpenUntil(options, author.connection));
  return SubmitToVote(options.submit, author, message);
}

Result<int> Propose(const NodeOptions& options) {
  const Author author = TRY(ConnectToSign(options.submit));
  auto validators = TRY(ValidatorChanges(options, author.connection.chain));
  auto followers = TRY(FollowerChanges(options, author.connection.chain));
  if (validators.empty() == followers.empty()) {
    return Fail(Code::kInvalidArgument,
                "name what changes: validators (--add, --replace, --rotate, --remove) or followers "
                "(--add-follower, --rotate-follower, --remove-follower), not both");
  }
  if (followers.empty()) {
    return SubmitProposal<pb::ValidatorProposed>(options, author, std::move(validators));
  }
  return SubmitProposal<pb::FollowerProposed>(options, author, std::move(followers));
}

// The list.

void PrintNodes(const Json& nodes) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : nodes) rows.push_back({v.at("name"), v.at("vote_key"), v.at("node_key")});
  PrintTable({"NAME", "VOTE KEY", "NODE KEY"}, rows);
}

void PrintList(const Json& list) {
  fmt::print("epoch {}, from height {}\n", list.at("epoch").get<std::uint64_t>(),
             list.at("first_height").get<std::uint64_t>());
  PrintNodes(list.at("validators"));
  if (list.contains("last_height")) {
    fmt::print("\nends with height {}; then:\n", list.at("last_height").get<std::uint64_t>());
    PrintNodes(list.at("next_validators"));
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& f : list.at("followers")) {
    rows.push_back({f.at("name"), f.at("party"), f.at("node_key")});
  }
  if (rows.empty()) return;
  fmt::print("\n");
  PrintTable({"FOLLOWER", "RUN BY", "NODE KEY"}, rows);
}

Result<int> ListValidators(const ReadOptions& options) {
  const auto connection = TRY(ConnectToRead(options));
  const auto answer = connection.node.client->GetState(connection.chain, ledger::kCurrentEpochKey);
  if (!answer) return Refused(answer.error());
  const auto epoch = TRY(Decode<ledger::pb::EpochEntry>(answer->value()));
  Json list = {{"epoch", epoch.epoch()},
               {"first_height", epoch.first_height()},
               {"validators", ValidatorsToJson(epoch.validators())},
               {"followers", Json::array()},
               {"as_of_height", answer->as_of_height()}};
  if (epoch.last_height() != 0) {
    list["last_height"] = epoch.last_height();
    list["next_validators"] = ValidatorsToJson(epoch.next_validators());
  }
  for (const auto& [name, follower] : TRY(ScanTable(connection, tiers::kFollowers))) {
    list["followers"].push_back(
        {{"name", name}, {"party", follower.party()}, {"node_key", ToHex(follower.node_key())}});
  }
  if (options.output == Output::kJson) {
    PrintJson(list);
  } else {
    PrintList(list);
  }
  return kGood;
}

void AddOffer(CLI::App& validator, int& exit_code) {
  auto options = std::make_shared<OfferOptions>();
  auto* offer = validator.add_subcommand(
      "offer",
      "Ask to be let in, where the node's keys are: prints a file for a centre to propose "
      "节点申请加入");
  AddHomeOptions(offer, options->home);
  offer->add_option("--chain", options->chain, "Chain by name")->required();
  offer->add_option("--name", options->name, "Node name on the chain (default: the node's)");
  offer->add_option("--vote-key", options->vote_key, "Vote key file (default: the configured one)");
  offer->add_option("--node-key", options->node_key, "Node key file (default: the configured one)");
  offer->add_flag("--follower", options->follower, "To follow without voting");
  offer->add_option("--out", options->out, "File to write (default: standard output)");
  OnRun(offer, exit_code, [options] { return Offer(*options); });
}

void AddValidatorPropose(CLI::App& validator, int& exit_code) {
  auto options = std::make_shared<NodeOptions>();
  auto* propose =
      validator.add_subcommand("propose", "As a centre, propose a change and vote for it 提案");
  propose->add_option("--add", options->add, "Offer of a node to add as validator; repeatable");
  propose->add_option("--remove", options->remove, "Validator to remove, by name; repeatable");
  propose->add_option("--replace", options->replace,
                      "NAME=OFFER: the offering node takes the validator's place; repeatable");
  propose->add_option("--rotate", options->rotate,
                      "Offer of a validator under its own name with other keys; repeatable");
  propose->add_option("--add-follower", options->add_follower,
                      "Offer of a node to admit as follower; repeatable");
  propose->add_option("--rotate-follower", options->rotate_follower,
                      "Offer of a follower under its own name: other keys, or another --party; "
                      "repeatable");
  propose->add_option("--party", options->party,
                      "Party that runs the followers: payloads of a consortium reach them when "
                      "they open to it 跟随节点所属参与方");
  propose->add_option("--remove-follower", options->remove_follower,
                      "Follower to shut out, by name; repeatable");
  AddProposeOptions(propose, *options);
  OnRun(propose, exit_code, [options] { return Propose(*options); });
}

void AddValidatorList(CLI::App& validator, int& exit_code) {
  auto options = std::make_shared<ReadOptions>();
  auto* list =
      validator.add_subcommand("list", "Validators now and next, and followers 验证节点一览");
  AddReadOptions(list, *options);
  OnRun(list, exit_code, [options] { return ListValidators(*options); });
}

}  // namespace

void AddValidatorCommand(CLI::App& app, int& exit_code) {
  auto* validator = app.add_subcommand(
      "validator", "Say who validates and follows a chain, by vote of its centres 节点治理");
  validator->require_subcommand(1);
  validator->footer(
      "Examples:\n"
      "  talentd validator offer --home centre-5 --chain private-a --out centre-5.offer\n"
      "  talentd validator propose --add centre-5.offer --chain private-a --key centre.key …\n"
      "  talentd governance vote 1f3a… --chain private-a --key centre.key --endpoints …\n"
      "  talentd validator list --chain private-a --key centre.key --endpoints …\n"
      "\n"
      "More than two thirds of the centres registered on the chain decide; proposing is voting "
      "for\n"
      "it. At most f validators (or one) change at a time. The change is in force some blocks\n"
      "after the decision, without a stop. docs/operations.md has it step by step.\n"
      "链上登记的人才中心超过三分之二赞成即通过；提案即投赞成票。");
  AddValidatorList(*validator, exit_code);
  AddOffer(*validator, exit_code);
  AddValidatorPropose(*validator, exit_code);
}

}  // namespace talent::node::cli
