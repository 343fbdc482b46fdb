// Who validates a chain and who follows it: offers of nodes, proposals and votes of centres.

#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "base/file.h"
#include "crypto/sha256.h"
#include "ledger/epochs.h"
#include "node/cli/commands.h"
#include "node/cli/home.h"
#include "node/cli/offer.h"
#include "node/cli/scan_table.h"
#include "node/cli/submit.h"
#include "tiers/governance.h"

namespace talent::node::cli {
namespace {

namespace pb = tiers::v1;
using nlohmann::json;

struct OfferOptions {
  HomeOptions home;
  std::string chain;
  std::string name;
  std::filesystem::path vote_key;
  std::filesystem::path node_key;
  bool follower = false;
  std::filesystem::path out;
};

struct ProposeOptions {
  SubmitOptions submit;
  std::vector<std::string> add, remove, replace, rotate, add_follower, remove_follower;
  std::uint64_t open_for = 10'000;
};

struct VoteOptions {
  SubmitOptions submit;
  std::string proposal;
  bool against = false;
};

struct ListOptions {
  ConnectionOptions connection;
  std::string chain;
  std::filesystem::path key;
  PassphraseOptions passphrase;
  Output output = Output::kTable;
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
  const std::string text = OfferToJson(genesis, offer);
  if (options.out.empty()) {
    fmt::print("{}", text);
  } else {
    TRY(WriteFile(options.out, text, 0644, IfExists::kReplace));
  }
  return kGood;
}

// Proposals and votes.

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

Result<Changes> ValidatorChanges(const ProposeOptions& options, const ChainId& chain) {
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

Result<Changes> FollowerChanges(const ProposeOptions& options, const ChainId& chain) {
  Changes changes;
  for (const auto& file : options.add_follower) TRY(AddOffer(changes, "", file, chain));
  for (const auto& name : options.remove_follower) changes.Add()->set_node(name);
  return changes;
}

/// Says what became of the proposal after a vote of ours.
Status PrintProposal(const ChainConnection& connection, BytesView id, Output output) {
  const auto answer =
      TRY(connection.node.client->GetState(connection.chain, tiers::kProposals.Key(id)));
  const auto proposal = TRY(Decode<pb::Proposal>(answer.value()));
  if (output == Output::kJson) return {};  // 'validator list' has it
  switch (proposal.status()) {
    case pb::PROPOSAL_STATUS_PASSED:
      fmt::print("proposal {} has passed; 'talentd validator list' says when it is in force\n",
                 ToHex(id));
      break;
    case pb::PROPOSAL_STATUS_REJECTED:
      fmt::print("proposal {} is rejected\n", ToHex(id));
      break;
    default:
      fmt::print("proposal {} is open until height {}: {} for it, {} against\n", ToHex(id),
                 proposal.open_until(), proposal.in_favour_size(), proposal.against_size());
  }
  return {};
}

Result<int> SubmitAndSay(const SubmitOptions& options, ChainConnection& connection,
                         const google::protobuf::Message& message, const std::string& proposal) {
  const auto key = TRY(ReadKey(options.key, options.passphrase));
  TRY(connection.node.client->Login(connection.chain, key));
  const auto submitted = SignAndSubmit(options, connection, key, message.GetDescriptor()->name(),
                                       Encode(message), ledger::pb::DISCLOSURE_UNSPECIFIED);
  if (!submitted) return Refused(submitted.error());
  const int code = ReportSubmitted(*submitted, options.output);
  if (code == kGood) {
    TRY(PrintProposal(connection, proposal.empty() ? submitted->id.View() : BytesView(proposal),
                      options.output));
  }
  return code;
}

template <class M>
Result<int> SubmitProposal(const ProposeOptions& options, ChainConnection& connection,
                           Changes changes) {
  M message;
  *message.mutable_changes() = std::move(changes);
  message.set_open_until(connection.state.height() + options.open_for);
  return SubmitAndSay(options.submit, connection, message, "");
}

Result<int> Propose(const ProposeOptions& options) {
  auto connection = TRY(ConnectToChain(options.submit.connection, options.submit.chain));
  auto validators = TRY(ValidatorChanges(options, connection.chain));
  auto followers = TRY(FollowerChanges(options, connection.chain));
  if (validators.empty() == followers.empty()) {
    return Fail(Code::kInvalidArgument,
                "name what changes: validators (--add, --replace, --rotate, --remove) or followers "
                "(--add-follower, --remove-follower), not both");
  }
  if (followers.empty()) {
    return SubmitProposal<pb::ValidatorProposed>(options, connection, std::move(validators));
  }
  return SubmitProposal<pb::FollowerProposed>(options, connection, std::move(followers));
}

Result<int> Vote(const VoteOptions& options) {
  const auto id = TRY(TxId::FromHexString(options.proposal));
  auto connection = TRY(ConnectToChain(options.submit.connection, options.submit.chain));
  pb::ProposalVoted message;
  message.set_proposal(id.ToBytes());
  message.set_approve(!options.against);
  return SubmitAndSay(options.submit, connection, message, id.ToBytes());
}

// The list.

Result<std::string> ChangeToText(const pb::NodeChange& change) {
  if (!change.has_offer()) return "remove " + change.node();
  const auto statement = TRY(Decode<pb::NodeStatement>(change.offer().statement()));
  const std::string keys = fmt::format(
      "{} (node key {}{})", statement.name(), ToHex(statement.node_key()).substr(0, 12),
      statement.vote_key().empty() ? ""
                                   : ", vote key " + ToHex(statement.vote_key()).substr(0, 12));
  if (change.node().empty()) return "add " + keys;
  if (change.node() == statement.name()) return "rotate " + keys;
  return fmt::format("replace {} by {}", change.node(), keys);
}

Result<std::string> ChangeToText(const pb::MemberChange& change) {
  if (!change.has_admit() && !change.has_rotate()) {
    return change.has_suspend() ? "suspend " + change.suspend() : "readmit " + change.readmit();
  }
  const auto& offer = change.has_admit() ? change.admit() : change.rotate();
  const auto statement = TRY(Decode<pb::PartyStatement>(offer.statement()));
  std::string text = fmt::format("{} {} {} (keys", change.has_admit() ? "admit" : "rotate",
                                 pb::PartyRole_Name(statement.role()), statement.id());
  for (const auto& key : statement.keys()) text += " " + ToHex(key).substr(0, 12);
  return text + ")";
}

Result<json> ProposalToJson(BytesView id, const pb::Proposal& proposal) {
  json changes = json::array();
  for (const auto& change : proposal.changes()) changes.push_back(TRY(ChangeToText(change)));
  if (proposal.has_member()) changes.push_back(TRY(ChangeToText(proposal.member())));
  if (proposal.has_policy()) {
    changes.push_back(fmt::format("policy '{}' {} from height {}", proposal.policy().policy(),
                                  crypto::Sha256(proposal.policy().content()).Hex().substr(0, 12),
                                  proposal.policy().in_force()));
  }
  return json{
      {"proposal", ToHex(id)},
      {"kind", proposal.kind()},
      {"changes", std::move(changes)},
      {"open_until", proposal.open_until()},
      {"in_favour",
       std::vector<std::string>(proposal.in_favour().begin(), proposal.in_favour().end())},
      {"against", std::vector<std::string>(proposal.against().begin(), proposal.against().end())}};
}

json NodesToJson(const ledger::ValidatorInfos& validators) {
  json out = json::array();
  for (const auto& v : validators) {
    out.push_back(
        {{"name", v.name()}, {"vote_key", ToHex(v.vote_key())}, {"node_key", ToHex(v.node_key())}});
  }
  return out;
}

Result<json> OpenProposalsToJson(const ChainConnection& connection) {
  json out = json::array();
  const auto entry = TRY(connection.node.client->GetState(
      connection.chain, tiers::kOpenProposals.Key(tiers::kOpenProposalsKey)));
  const auto list = TRY(Decode<pb::OpenProposals>(entry.value()));
  for (const auto& open : list.proposals()) {
    if (open.open_until() < entry.as_of_height() + 1) continue;  // expired, not cleared yet
    const auto answer = TRY(
        connection.node.client->GetState(connection.chain, tiers::kProposals.Key(open.proposal())));
    out.push_back(TRY(ProposalToJson(open.proposal(), TRY(Decode<pb::Proposal>(answer.value())))));
  }
  return out;
}

void PrintNodes(const json& nodes) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : nodes) rows.push_back({v.at("name"), v.at("vote_key"), v.at("node_key")});
  PrintTable({"NAME", "VOTE KEY", "NODE KEY"}, rows);
}

void PrintList(const json& list) {
  fmt::print("epoch {}, from height {}\n", list.at("epoch").get<std::uint64_t>(),
             list.at("first_height").get<std::uint64_t>());
  PrintNodes(list.at("validators"));
  if (list.contains("last_height")) {
    fmt::print("\nends with height {}; then:\n", list.at("last_height").get<std::uint64_t>());
    PrintNodes(list.at("next_validators"));
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& f : list.at("followers")) rows.push_back({f.at("name"), f.at("node_key")});
  if (!rows.empty()) {
    fmt::print("\n");
    PrintTable({"FOLLOWER", "NODE KEY"}, rows);
  }
  for (const auto& p : list.at("proposals")) {
    fmt::print("\nproposal {}, open until height {}\n", p.at("proposal").get<std::string>(),
               p.at("open_until").get<std::uint64_t>());
    for (const auto& change : p.at("changes")) fmt::print("  {}\n", change.get<std::string>());
    fmt::print("  for: {}\n  against: {}\n",
               fmt::join(p.at("in_favour").get<std::vector<std::string>>(), ", "),
               fmt::join(p.at("against").get<std::vector<std::string>>(), ", "));
  }
}

Result<int> List(const ListOptions& options) {
  const auto connection = TRY(ConnectToChain(options.connection, options.chain));
  if (!options.key.empty()) {
    const auto key = TRY(ReadKey(options.key, options.passphrase));
    TRY(connection.node.client->Login(connection.chain, key));
  }
  const auto answer = connection.node.client->GetState(connection.chain, ledger::kCurrentEpochKey);
  if (!answer) return Refused(answer.error());
  const auto epoch = TRY(Decode<ledger::pb::EpochEntry>(answer->value()));
  json list = {{"epoch", epoch.epoch()},
               {"first_height", epoch.first_height()},
               {"validators", NodesToJson(epoch.validators())},
               {"followers", json::array()},
               {"proposals", TRY(OpenProposalsToJson(connection))},
               {"as_of_height", answer->as_of_height()}};
  if (epoch.last_height() != 0) {
    list["last_height"] = epoch.last_height();
    list["next_validators"] = NodesToJson(epoch.next_validators());
  }
  for (const auto& [name, follower] : TRY(ScanTable(connection, tiers::kFollowers))) {
    list["followers"].push_back({{"name", name}, {"node_key", ToHex(follower.node_key())}});
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

void AddPropose(CLI::App& validator, int& exit_code) {
  auto options = std::make_shared<ProposeOptions>();
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
  propose->add_option("--remove-follower", options->remove_follower,
                      "Follower to shut out, by name; repeatable");
  propose->add_option("--open-for", options->open_for, "Blocks during which votes count")
      ->check(CLI::Range(std::uint64_t{1}, tiers::kMaxProposalHeights))
      ->capture_default_str();
  AddSubmitOptions(propose, options->submit);
  OnRun(propose, exit_code, [options] { return Propose(*options); });
}

void AddVote(CLI::App& validator, int& exit_code) {
  auto options = std::make_shared<VoteOptions>();
  auto* vote = validator.add_subcommand("vote", "As a centre, vote on a proposal 投票");
  vote->add_option("PROPOSAL", options->proposal, "Id of the proposal")->required();
  vote->add_flag("--against", options->against, "Against it");
  AddSubmitOptions(vote, options->submit);
  OnRun(vote, exit_code, [options] { return Vote(*options); });
}

void AddList(CLI::App& validator, int& exit_code) {
  auto options = std::make_shared<ListOptions>();
  auto* list = validator.add_subcommand(
      "list", "Validators now and next, followers, open proposals and their votes 验证节点一览");
  list->add_option("--chain", options->chain, "Chain by name, tier or id")->required();
  list->add_option("--key", options->key, "Key file of a party, to log in with");
  AddPassphraseOptions(list, options->passphrase);
  AddConnectionOptions(list, options->connection);
  AddOutputOption(list, options->output);
  OnRun(list, exit_code, [options] { return List(*options); });
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
      "  talentd validator vote 1f3a… --chain private-a --key centre.key --endpoints …\n"
      "  talentd validator list --chain private-a --key centre.key --endpoints …\n"
      "\n"
      "More than two thirds of the centres registered on the chain decide; proposing is voting "
      "for\n"
      "it. At most f validators (or one) change at a time. The change is in force some blocks\n"
      "after the decision, without a stop. docs/operations.md has it step by step.\n"
      "链上登记的人才中心超过三分之二赞成即通过；提案即投赞成票。");
  AddList(*validator, exit_code);
  AddOffer(*validator, exit_code);
  AddPropose(*validator, exit_code);
  AddVote(*validator, exit_code);
}

}  // namespace talent::node::cli
