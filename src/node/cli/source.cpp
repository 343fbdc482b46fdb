// Which chains' records a chain takes: statements of chains, and proposals of centres about them.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "base/file.h"
#include "base/json_fields.h"
#include "ledger/epochs.h"
#include "node/cli/commands.h"
#include "node/cli/governance.h"
#include "node/cli/offer.h"
#include "node/cli/reading.h"
#include "node/cli/scan_table.h"
#include "tiers/governance.h"
#include "tiers/parties.h"
#include "tiers/sources.h"

namespace talent::node::cli {
namespace {

namespace pb = tiers::v1;
using Json = nlohmann::json;

// A hundred validators with their seals in hexadecimal, a thousand centres, and room.
constexpr std::size_t kMaxSourceStatement = 256 << 10;

struct SourceStatementOptions : ReadOptions {
  std::filesystem::path genesis;
  std::vector<std::string> centres;
  bool current = false;
  std::filesystem::path out;
};

/// What `source propose` proposes.
enum class SourceWhat { kAdmit, kClose, kReopen, kCentres };

struct SourceOptions : ProposeOptions {
  std::string source;  // statement file, or name
  std::vector<std::string> centres;
};

// Statements: what the consortium is to know of a chain, in JSON.

struct Proof {
  ledger::ValidatorInfos validators;
  ledger::pb::CertifiedHeader header;
};

/// The first block, sealed by the validators of the genesis: then nothing stays behind.
Result<Proof> ProveFirst(const ChainConnection& connection, const ledger::Genesis& genesis) {
  const auto answer = TRY(connection.node.client->GetBlock(connection.chain, Height(1)));
  Proof proof;
  proof.validators = ledger::ToProto(genesis.validators());
  proof.header.set_header(answer.block().block().header());
  *proof.header.mutable_certificate() = answer.block().block().certificate();
  return proof;
}

/// The newest block, sealed by the validators of today.
Result<Proof> ProveCurrent(const ChainConnection& connection) {
  const auto answer = TRY(
      connection.node.client->GetState(connection.chain, ledger::kCurrentEpochKey, /*prove=*/true));
  const auto epoch = TRY(Decode<ledger::pb::EpochEntry>(answer.value()));
  Proof proof;
  proof.validators = epoch.validators();
  proof.header = answer.statement().header();
  return proof;
}

Result<int> StateSource(const SourceStatementOptions& options) {
  const auto genesis = TRY(ledger::Genesis::Load(options.genesis));
  ReadOptions reading = options;
  reading.chain = genesis.chain_id().Hex();
  const auto connection = TRY(ConnectToRead(reading));
  const Proof proof =
      TRY(options.current ? ProveCurrent(connection) : ProveFirst(connection, genesis));
  const auto header = TRY(Decode<ledger::pb::BlockHeader>(proof.header.header()));
  const auto set = TRY(ledger::ReadValidators(Epoch(header.epoch()), proof.validators));
  TRY(ledger::VerifyHeader(genesis.chain_id(), set, proof.header));
  Json statement = {{"name", genesis.name()},
                    {"tier", ledger::TierName(genesis.tier())},
                    {"chain_id", genesis.chain_id().Hex()},
                    {"validators", ValidatorsToJson(proof.validators)},
                    {"header", ToHex(Encode(proof.header))}};
  if (genesis.tier() == ledger::Tier::kPrivate) statement["centres"] = options.centres;
  TRY(WriteOut(options.out, statement.dump(2) + "\n"));
  return kGood;
}

Result<pb::SourceAdmission> ParseStatement(BytesView text) {
  const Json parsed = TRY(ParseJson(text));
  auto fields = TRY(JsonFields::Of(parsed, ""));
  pb::SourceAdmission admission;
  admission.set_name(TRY(fields.Text("name", tiers::kMaxPartyIdLength)));
  TRY(fields.Text("tier", tiers::kMaxPartyIdLength));
  admission.set_chain_id(TRY(fields.Hex<ChainId>("chain_id")).ToBytes());
  if (fields.Has("centres")) {
    for (auto& id : TRY(tiers::Texts(fields, "centres", tiers::kMaxParties))) {
      admission.add_centres(std::move(id));
    }
    std::sort(admission.mutable_centres()->begin(), admission.mutable_centres()->end());
  }
  *admission.mutable_validators() = TRY(tiers::ValidatorsFromJson(fields));
  const auto header = FromHex(TRY(fields.Text("header", kMaxSourceStatement)));
  if (!header) return Within("header", header.error());
  auto certified = Decode<ledger::pb::CertifiedHeader>(*header);
  if (!certified) return Within("header", certified.error());
  *admission.mutable_header() = *std::move(certified);
  TRY(fields.Finish());
  return admission;
}

Result<pb::SourceAdmission> ReadStatement(const std::filesystem::path& file) {
  auto admission = ParseStatement(TRY(ReadFile(file, kMaxSourceStatement)));
  if (!admission) return Within(file.string(), admission.error());
  return admission;
}

// Proposals.

/// The chain id of a source by its name. Errors: kNotFound.
Result<Bytes> FindSource(const ChainConnection& connection, const std::string& name) {
  for (const auto& [id, source] : TRY(ScanTable(connection, tiers::kSources))) {
    if (source.name() == name) return id;
  }
  return Fail(Code::kNotFound, "chain {} has no source '{}'", connection.state.name(), name);
}

Result<pb::SourceChange> ChangeOf(SourceWhat what, const SourceOptions& options,
                                  const ChainConnection& connection) {
  pb::SourceChange change;
  if (what == SourceWhat::kAdmit) {
    *change.mutable_admit() = TRY(ReadStatement(options.source));
    return change;
  }
  const Bytes id = TRY(FindSource(connection, options.source));
  if (what == SourceWhat::kClose) {
    change.set_close(id);
  } else if (what == SourceWhat::kReopen) {
    change.set_reopen(id);
  } else {
    std::vector<std::string> centres = options.centres;
    std::sort(centres.begin(), centres.end());
    change.mutable_centres()->set_chain_id(id);
    for (auto& centre : centres) change.mutable_centres()->add_centres(std::move(centre));
  }
  return change;
}

Result<int> Propose(SourceWhat what, const SourceOptions& options) {
  const Author author = TRY(ConnectToSign(options.submit));
  auto change = ChangeOf(what, options, author.connection);
  if (!change) return Refused(change.error());
  pb::SourceProposed message;
  *message.mutable_change() = *std::move(change);
  message.set_open_until(OpenUntil(options, author.connection));
  return SubmitToVote(options.submit, author, message);
}

Result<int> ListSources(const ReadOptions& options) {
  const auto connection = TRY(ConnectToRead(options));
  const auto sources = ScanTable(connection, tiers::kSources);
  if (!sources) return Refused(sources.error());
  std::vector<std::vector<std::string>> rows;
  Json list = Json::array();
  for (const auto& [id, source] : *sources) {
    const std::vector<std::string> centres(source.centres().begin(), source.centres().end());
    rows.push_back({source.name(), source.tier(), source.closed() ? "closed" : "open",
                    std::to_string(source.epoch()), std::to_string(source.height()), ToHex(id),
                    fmt::format("{}", fmt::join(centres, " "))});
    list.push_back({{"name", source.name()},
                    {"tier", source.tier()},
                    {"closed", source.closed()},
                    {"epoch", source.epoch()},
                    {"height", source.height()},
                    {"first_height", source.first_height()},
                    {"chain_id", ToHex(id)},
                    {"centres", centres}});
  }
  if (options.output == Output::kJson) {
    PrintJson(list);
  } else {
    PrintTable({"SOURCE", "TIER", "STATUS", "EPOCH", "HEIGHT", "CHAIN", "CENTRES"}, rows);
  }
  return kGood;
}

void AddSourceStatement(CLI::App& source, int& exit_code) {
  auto options = std::make_shared<SourceStatementOptions>();
  auto* statement =
      source.add_subcommand("statement",
                            "What a consortium is to know of a private chain (a public chain of a "
                            "consortium) to take its\n"
                            "records: prints a file for a centre to propose 来源链申请");
  statement->add_option("--genesis", options->genesis, "Genesis file of that chain")->required();
  statement->add_option("--centre", options->centres,
                        "Centre it speaks for, by party id; repeatable");
  statement->add_flag("--current", options->current,
                      "Prove it by its newest block, not its first: older records stay there");
  statement->add_option("--key", options->key, "Key file of a party of that chain, to log in with");
  AddPassphraseOptions(statement, options->passphrase);
  AddConnectionOptions(statement, options->connection);
  statement->add_option("--out", options->out, "File to write (default: standard output)");
  OnRun(statement, exit_code, [options] { return StateSource(*options); });
}

void AddSourcePropose(CLI::App& source, int& exit_code) {
  static constexpr struct {
    const char* name;
    const char* says;
    const char* argument;
    const char* about;
    SourceWhat what;
  } kChanges[] = {
      {"admit", "Take the records of a chain 接纳", "STATEMENT",
       "File of 'talentd source statement'", SourceWhat::kAdmit},
      {"close", "Take nothing of it any more; what is here stays 关闭", "NAME",
       "Name of the source", SourceWhat::kClose},
      {"reopen", "Take the records of a closed one again 重新开放", "NAME", "Name of the source",
       SourceWhat::kReopen},
      {"centres", "It speaks for these centres from now on 变更所属中心", "NAME",
       "Name of the source", SourceWhat::kCentres},
  };
  auto* propose =
      source.add_subcommand("propose", "As a centre, propose a change and vote for it 来源链提案");
  propose->require_subcommand(1);
  for (const auto& change : kChanges) {
    auto options = std::make_shared<SourceOptions>();
    auto* command = propose->add_subcommand(change.name, change.says);
    command->add_option(change.argument, options->source, change.about)->required();
    if (change.what == SourceWhat::kCentres) {
      command->add_option("--centre", options->centres, "Party id; repeatable")->required();
    }
    AddProposeOptions(command, *options);
    OnRun(command, exit_code, [options, what = change.what] { return Propose(what, *options); });
  }
}

}  // namespace

void AddSourceCommand(CLI::App& app, int& exit_code) {
  auto* source = app.add_subcommand(
      "source", "Say which chains' records a chain takes, by vote of its centres 来源链治理");
  source->require_subcommand(1);
  source->footer(
      "Examples:\n"
      "  talentd source statement --genesis private-c.json --centre centre-c --key centre-c.key "
      "\\\n"
      "      --out private-c.source --endpoints …                         # the new operator\n"
      "  talentd source propose admit private-c.source --chain consortium --key centre.key …\n"
      "  talentd governance vote PROPOSAL --chain consortium …            # the other centres\n"
      "  talentd source list --chain consortium --key centre.key --endpoints …\n"
      "\n"
      "The centres a private chain speaks for are admitted first ('member propose admit').\n"
      "所属人才中心须先成为联盟链成员。");
  auto read = std::make_shared<ReadOptions>();
  auto* list = source->add_subcommand("list", "Chains whose records are taken 来源链一览");
  AddReadOptions(list, *read);
  OnRun(list, exit_code, [read] { return ListSources(*read); });
  AddSourceStatement(*source, exit_code);
  AddSourcePropose(*source, exit_code);
}

}  // namespace talent::node::cli
