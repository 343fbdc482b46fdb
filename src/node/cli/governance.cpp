#include "node/cli/governance.h"

#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "node/cli/commands.h"
#include "node/cli/reading.h"
#include "node/cli/scan_table.h"
#include "tiers/governance.h"
#include "tiers/policy_file.h"

namespace talent::node::cli {
namespace {

namespace pb = tiers::v1;
using Json = nlohmann::json;

struct VoteOptions {
  SubmitOptions submit;
  std::string proposal;
  bool against = false;
};

struct ListOptions : ReadOptions {
  bool all = false;
};

const char* ToText(pb::ProposalStatus status) {
  switch (status) {
    case pb::PROPOSAL_STATUS_PASSED:
      return "passed";
    case pb::PROPOSAL_STATUS_REJECTED:
      return "rejected";
    default:
      return "open";
  }
}

/// Says what became of the proposal after a vote of ours.
Status PrintProposal(const ChainConnection& connection, const TxId& id, Output output) {
  if (output == Output::kJson) return {};  // 'governance list' has it
  const auto answer =
      TRY(connection.node.client->GetState(connection.chain, tiers::kProposals.Key(id.View())));
  const auto proposal = TRY(Decode<pb::Proposal>(answer.value()));
  if (proposal.status() == pb::PROPOSAL_STATUS_OPEN) {
    fmt::print("proposal {} is open until height {}: {} for it, {} against\n", id.Hex(),
               proposal.open_until(), proposal.in_favour_size(), proposal.against_size());
  } else {
    fmt::print("proposal {} {} at height {}\n", id.Hex(),
               proposal.status() == pb::PROPOSAL_STATUS_PASSED ? "has passed" : "was rejected",
               proposal.decided_height());
  }
  return {};
}

Result<int> Vote(const VoteOptions& options) {
  const auto id = TRY(TxId::FromHexString(options.proposal));
  const Author author = TRY(ConnectToSign(options.submit));
  pb::ProposalVoted message;
  message.set_proposal(id.ToBytes());
  message.set_approve(!options.against);
  return SubmitToVote(options.submit, author, message, id);
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
  std::string text = fmt::format(
      "{} {} {} (keys", change.has_admit() ? "admit" : "rekey",
      statement.role() == pb::PARTY_ROLE_CENTRE ? "centre" : "enterprise", statement.id());
  for (const auto& key : statement.keys()) text += " " + ToHex(key).substr(0, 12);
  return text + ")";
}

std::string ChangeToText(const pb::SourceChange& change) {
  switch (change.change_case()) {
    case pb::SourceChange::kAdmit: {
      const auto& admit = change.admit();
      return fmt::format("admit source '{}' {} of {} validators, for {}", admit.name(),
                         ToHex(admit.chain_id()), admit.validators_size(),
                         fmt::join(admit.centres(), " "));
    }
    case pb::SourceChange::kClose:
      return "close source " + ToHex(change.close());
    case pb::SourceChange::kReopen:
      return "reopen source " + ToHex(change.reopen());
    default:
      return fmt::format("source {} speaks for {}", ToHex(change.centres().chain_id()),
                         fmt::join(change.centres().centres(), " "));
  }
}

Result<Json> ProposalToJson(BytesView id, const pb::Proposal& proposal) {
  Json changes = Json::array();
  for (const auto& change : proposal.changes()) changes.push_back(TRY(ChangeToText(change)));
  if (proposal.has_member()) changes.push_back(TRY(ChangeToText(proposal.member())));
  if (proposal.has_source()) changes.push_back(ChangeToText(proposal.source()));
  Json out = {
      {"proposal", ToHex(id)},
      {"kind", proposal.kind()},
      {"status", ToText(proposal.status())},
      {"open_until", proposal.open_until()},
      {"in_favour",
       std::vector<std::string>(proposal.in_favour().begin(), proposal.in_favour().end())},
      {"against", std::vector<std::string>(proposal.against().begin(), proposal.against().end())}};
  if (proposal.has_policy()) {
    const auto& policy = proposal.policy();
    changes.push_back(fmt::format("policy '{}' version {} from height {}", policy.policy(),
                                  TRY(tiers::PolicyVersion(policy.policy(), policy.content())),
                                  policy.in_force()));
    out["policy"] = TRY(tiers::PolicyToJson(policy.policy(), policy.content()));
  }
  out["changes"] = std::move(changes);
  if (proposal.decided_height() != 0) out["decided_height"] = proposal.decided_height();
  return out;
}

Result<Json> OpenProposals(const ChainConnection& connection) {
  Json out = Json::array();
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

Result<Json> AllProposals(const ChainConnection& connection) {
  Json out = Json::array();
  for (const auto& [id, proposal] : TRY(ScanTable(connection, tiers::kProposals))) {
    out.push_back(TRY(ProposalToJson(id, proposal)));
  }
  return out;
}

void Print(const Json& p) {
  fmt::print("{} {}, {}, votes until height {}\n", p.at("kind").get<std::string>(),
             p.at("proposal").get<std::string>(), p.at("status").get<std::string>(),
             p.at("open_until").get<std::uint64_t>());
  for (const auto& change : p.at("changes")) fmt::print("  {}\n", change.get<std::string>());
  fmt::print("  for: {}\n  against: {}\n",
             fmt::join(p.at("in_favour").get<std::vector<std::string>>(), ", "),
             fmt::join(p.at("against").get<std::vector<std::string>>(), ", "));
}

Result<int> ListProposals(const ListOptions& options) {
  const auto connection = TRY(ConnectToRead(options));
  const auto proposals = options.all ? AllProposals(connection) : OpenProposals(connection);
  if (!proposals) return Refused(proposals.error());
  if (options.output == Output::kJson) {
    PrintJson(*proposals);
    return kGood;
  }
  if (proposals->empty()) fmt::print("no proposal is open\n");
  for (const auto& proposal : *proposals) Print(proposal);
  return kGood;
}

}  // namespace

void AddProposeOptions(CLI::App* command, ProposeOptions& options) {
  command->add_option("--open-for", options.open_for, "Blocks during which votes count")
      ->check(CLI::Range(std::uint64_t{1}, tiers::kMaxProposalHeights))
      ->capture_default_str();
  AddSubmitOptions(command, options.submit);
}

std::uint64_t OpenUntil(const ProposeOptions& options, const ChainConnection& connection) {
  return connection.state.height() + options.open_for;
}

Result<int> SubmitToVote(const SubmitOptions& options, const Author& author,
                         const google::protobuf::Message& message,
                         const std::optional<TxId>& proposal) {
  const auto submitted =
      SignAndSubmit(options, author.connection, author.key, message.GetDescriptor()->name(),
                    Encode(message), ledger::pb::DISCLOSURE_UNSPECIFIED);
  if (!submitted) return Refused(submitted.error());
  const int code = ReportSubmitted(*submitted, options.output);
  if (code == kGood) {
    TRY(PrintProposal(author.connection, proposal.value_or(submitted->id), options.output));
  }
  return code;
}

void AddGovernanceCommand(CLI::App& app, int& exit_code) {
  auto* governance = app.add_subcommand(
      "governance", "What centres have proposed on a chain, and votes on it 治理与投票");
  governance->require_subcommand(1);
  governance->footer(
      "Examples:\n"
      "  talentd governance list --chain consortium --key centre.key --endpoints …\n"
      "  talentd governance vote 1f3a… --chain consortium --key centre.key --endpoints …\n"
      "\n"
      "Proposals are made by 'talentd validator propose' (who validates and follows a chain),\n"
      "'member propose' (its parties), 'source propose' (chains whose records it takes) and\n"
      "'policy propose'. Proposing is voting for it. More than two thirds of the centres decide.\n"
      "超过三分之二的人才中心赞成即通过；提案即投赞成票。");

  auto read = std::make_shared<ListOptions>();
  auto* list = governance->add_subcommand("list", "Open proposals and their votes 提案一览");
  list->add_flag("--all", read->all, "Decided and expired ones too");
  AddReadOptions(list, *read);
  OnRun(list, exit_code, [read] { return ListProposals(*read); });

  auto options = std::make_shared<VoteOptions>();
  auto* vote = governance->add_subcommand("vote", "As a centre, vote on a proposal 投票");
  vote->add_option("PROPOSAL", options->proposal, "Id of the proposal")->required();
  vote->add_flag("--against", options->against, "Against it");
  AddSubmitOptions(vote, options->submit);
  OnRun(vote, exit_code, [options] { return Vote(*options); });
}

}  // namespace talent::node::cli
