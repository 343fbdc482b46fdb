// Who takes part in a chain: statements of parties, and proposals of centres about them.

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json_fields.h"
#include "node/cli/commands.h"
#include "node/cli/governance.h"
#include "node/cli/reading.h"
#include "node/cli/scan_table.h"
#include "tiers/governance.h"
#include "tiers/parties.h"

namespace talent::node::cli {
namespace {

namespace pb = tiers::v1;
using Json = nlohmann::json;

// 64 keys and signatures in hexadecimal, and room.
constexpr std::size_t kMaxStatementFileBytes = 32 << 10;
constexpr std::size_t kMaxStatementHex = 16 << 10;
constexpr std::size_t kSignatureHex = 128;

struct MemberStatementOptions {
  std::string id;
  pb::PartyRole role = pb::PARTY_ROLE_ENTERPRISE;
  std::vector<std::filesystem::path> keys;
  PassphraseOptions passphrase;
  std::filesystem::path genesis;
  std::filesystem::path out;
};

/// What `member propose` proposes.
enum class MemberWhat { kAdmit, kSuspend, kReadmit, kRekey };

struct MemberOptions : ProposeOptions {
  std::string subject;  // statement file, or party id
  std::string name;
};

// Statements: {"chain", "chain_id", "statement", "signatures"}, as offers of nodes are.

Result<int> StateMember(const MemberStatementOptions& options) {
  const auto genesis = TRY(ledger::Genesis::Load(options.genesis));
  std::vector<crypto::KeyPair> keys;
  for (const auto& file : options.keys) keys.push_back(TRY(ReadKey(file, options.passphrase)));
  const auto offer = tiers::MakePartyOffer(genesis.chain_id(), options.id, options.role, keys);
  TRY(tiers::VerifyPartyOffer(genesis.chain_id(), offer));  // the id, say
  Json signatures = Json::array();
  for (const auto& signature : offer.signatures()) signatures.push_back(ToHex(signature));
  const Json statement = {{"chain", genesis.name()},
                          {"chain_id", genesis.chain_id().Hex()},
                          {"statement", ToHex(offer.statement())},
                          {"signatures", std::move(signatures)}};
  TRY(WriteOut(options.out, statement.dump(2) + "\n"));
  return kGood;
}

Result<pb::PartyOffer> ParseStatement(BytesView text, const ChainId& chain) {
  const Json parsed = TRY(ParseJson(text));
  auto fields = TRY(JsonFields::Of(parsed, ""));
  const std::string name = TRY(fields.Text("chain", kMaxStatementHex));
  const auto made_for = TRY(fields.Hex<ChainId>("chain_id"));
  pb::PartyOffer offer;
  auto statement = FromHex(TRY(fields.Text("statement", kMaxStatementHex)));
  if (!statement) return Within("statement", statement.error());
  offer.set_statement(*std::move(statement));
  const Json& signatures = *TRY(fields.Any("signatures"));
  for (std::size_t i = 0; signatures.is_array() && i < signatures.size(); ++i) {
    const bool fits = signatures[i].is_string() &&
                      signatures[i].get_ref<const std::string&>().size() == kSignatureHex;
    auto bytes = FromHex(fits ? signatures[i].get<std::string>() : "?");
    if (!bytes) return Within(fmt::format("signatures[{}]", i), bytes.error());
    offer.add_signatures(*std::move(bytes));
  }
  TRY(fields.Finish());
  if (made_for != chain) {
    return Fail(Code::kWrongChain, "it is made for chain {} ({}), not for {}", name, made_for.Hex(),
                chain.Hex());
  }
  TRY(tiers::VerifyPartyOffer(chain, offer));
  return offer;
}

Result<pb::PartyOffer> ReadStatement(const std::filesystem::path& file, const ChainId& chain) {
  auto offer = ParseStatement(TRY(ReadFile(file, kMaxStatementFileBytes)), chain);
  if (!offer) return Within(file.string(), offer.error());
  return offer;
}

Result<int> Propose(MemberWhat what, const MemberOptions& options) {
  const Author author = TRY(ConnectToSign(options.submit));
  pb::MemberProposed message;
  auto& change = *message.mutable_change();
  if (what == MemberWhat::kSuspend) {
    change.set_suspend(options.subject);
  } else if (what == MemberWhat::kReadmit) {
    change.set_readmit(options.subject);
  } else {
    auto offer = ReadStatement(options.subject, author.connection.chain);
    if (!offer) return Refused(offer.error());
    *(what == MemberWhat::kAdmit ? change.mutable_admit() : change.mutable_rotate()) =
        *std::move(offer);
  }
  message.set_name(options.name);
  message.set_open_until(OpenUntil(options, author.connection));
  return SubmitToVote(options.submit, author, message);
}

const char* ToText(pb::PartyRole role) {
  return role == pb::PARTY_ROLE_CENTRE ? "centre" : "enterprise";
}

Result<int> ListMembers(const ReadOptions& options) {
  const auto connection = TRY(ConnectToRead(options));
  const auto parties = ScanTable(connection, tiers::kParties);
  if (!parties) return Refused(parties.error());
  std::vector<std::vector<std::string>> rows;
  Json list = Json::array();
  for (const auto& [id, party] : *parties) {
    std::vector<std::string> keys;
    for (const Bytes& key : party.keys()) keys.push_back(ToHex(key));
    rows.push_back({party.id(), ToText(party.role()), party.suspended() ? "suspended" : "active",
                    fmt::format("{}", fmt::join(keys, " "))});
    list.push_back({{"id", party.id()},
                    {"role", ToText(party.role())},
                    {"suspended", party.suspended()},
                    {"keys", std::move(keys)}});
  }
  if (options.output == Output::kJson) {
    PrintJson(list);
  } else {
    PrintTable({"MEMBER", "ROLE", "STATUS", "KEYS"}, rows);
  }
  return kGood;
}

void AddMemberStatement(CLI::App& member, int& exit_code) {
  static const std::map<std::string, pb::PartyRole> kRoles{
      {"centre", pb::PARTY_ROLE_CENTRE}, {"enterprise", pb::PARTY_ROLE_ENTERPRISE}};
  auto options = std::make_shared<MemberStatementOptions>();
  auto* statement = member.add_subcommand(
      "statement",
      "Apply to be a party of a chain, or for other keys, where the keys are: prints a file for a\n"
      "centre to propose 成员申请");
  statement->add_option("ID", options->id, "Party id, the same on every chain of the network")
      ->required();
  statement->add_option("--role", options->role, "centre or enterprise")
      ->required()
      ->transform(CLI::CheckedTransformer(kRoles))
      ->option_text("centre|enterprise");
  statement->add_option("--key", options->keys, "Key file that signs for the party; repeatable")
      ->required();
  AddPassphraseOptions(statement, options->passphrase);
  statement->add_option("--genesis", options->genesis, "Genesis file of the chain")->required();
  statement->add_option("--out", options->out, "File to write (default: standard output)");
  OnRun(statement, exit_code, [options] { return StateMember(*options); });
}

void AddMemberPropose(CLI::App& member, int& exit_code) {
  static constexpr struct {
    const char* name;
    const char* says;
    const char* argument;
    const char* about;
    MemberWhat what;
  } kChanges[] = {
      {"admit", "Let a party in 接纳", "STATEMENT", "File of 'talentd member statement'",
       MemberWhat::kAdmit},
      {"suspend", "It reads on, and writes no more 暂停", "ID", "Party id", MemberWhat::kSuspend},
      {"readmit", "A suspended party writes again 恢复", "ID", "Party id", MemberWhat::kReadmit},
      {"rekey", "A party's keys become those of its statement 更换密钥", "STATEMENT",
       "File of 'talentd member statement'", MemberWhat::kRekey},
  };
  auto* propose =
      member.add_subcommand("propose", "As a centre, propose a change and vote for it 成员提案");
  propose->require_subcommand(1);
  for (const auto& change : kChanges) {
    auto options = std::make_shared<MemberOptions>();
    auto* command = propose->add_subcommand(change.name, change.says);
    command->add_option(change.argument, options->subject, change.about)->required();
    if (change.what == MemberWhat::kAdmit) {
      command->add_option("--name", options->name, "Its name, for people, 1 to 128 bytes")
          ->required();
    }
    AddProposeOptions(command, *options);
    OnRun(command, exit_code, [options, what = change.what] { return Propose(what, *options); });
  }
}

}  // namespace

void AddMemberCommand(CLI::App& app, int& exit_code) {
  auto* member = app.add_subcommand(
      "member", "Say which centres and enterprises take part in a chain, by vote 成员治理");
  member->require_subcommand(1);
  member->footer(
      "Examples:\n"
      "  talentd member statement initech --role enterprise --key initech.key \\\n"
      "      --genesis consortium.json --out initech.statement            # initech\n"
      "  talentd member propose admit initech.statement --name \"Initech\" \\\n"
      "      --chain consortium --key centre.key --endpoints …            # a centre\n"
      "  talentd governance vote PROPOSAL --chain consortium …            # the other centres\n"
      "  talentd member list --chain consortium --key centre.key --endpoints …\n"
      "\n"
      "A change is in force with the block that decides it. 决定所在的区块即生效。");
  auto read = std::make_shared<ReadOptions>();
  auto* list = member->add_subcommand("list", "The parties of a chain and their keys 成员一览");
  AddReadOptions(list, *read);
  OnRun(list, exit_code, [read] { return ListMembers(*read); });
  AddMemberStatement(*member, exit_code);
  AddMemberPropose(*member, exit_code);
}

}  // namespace talent::node::cli
