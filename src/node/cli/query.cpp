#include <array>
#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "node/cli/commands.h"
#include "node/cli/reading.h"
#include "node/records/payload_json.h"
#include "node/records/state_json.h"

namespace talent::node::cli {
namespace {

using Json = nlohmann::json;

struct QueryOptions : ReadOptions {
  std::string subject;  // what is asked for: an id, a height, a key
  std::uint32_t limit = 100;
};

/// JSON as it is, or one "name  value" line a field.
int Print(const QueryOptions& options, const Json& object) {
  if (options.output == Output::kJson || !object.is_object()) {
    PrintJson(object);
    return kGood;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : object.items()) {
    rows.push_back({name, value.is_string() ? value.get<std::string>() : value.dump()});
  }
  PrintTable({"FIELD", "VALUE"}, rows);
  return kGood;
}

/// Envelope and payload of a transaction, readable.
Result<Json> Describe(const ledger::pb::SignedEnvelope& signed_envelope,
                      const ledger::pb::Payload& payload) {
  const auto tx =
      TRY(ledger::ParseTransaction(signed_envelope, payload.salt().empty() ? nullptr : &payload));
  Json out{{"id", tx.id.Hex()},
           {"kind", tx.kind},
           {"author_key", tx.author.Hex()},
           {"valid_until", tx.valid_until.value},
           {"disclosure", ledger::pb::Disclosure_Name(tx.disclosure)}};
  if (!tx.has_payload()) {
    out["payload"] = nullptr;
    return out;
  }
  auto content = DecodeToJson(tx.kind, tx.payload);
  out["payload"] = content ? std::move(*content) : Json(ToHex(tx.payload));
  return out;
}

Result<int> QueryChain(const QueryOptions& options) {
  const auto connection = TRY(ConnectToRead(options));
  return Print(options, TRY(MessageToJson(connection.state)));
}

Result<int> QueryTransaction(const QueryOptions& options) {
  const auto id = TRY(TxId::FromHexString(options.subject));
  const auto connection = TRY(ConnectToRead(options));
  const auto answer = connection.node.client->GetTransaction(connection.chain, id);
  if (!answer) return Refused(answer.error());
  Json out = TRY(MessageToJson(answer->state()));
  out["as_of_height"] = answer->as_of_height();
  if (answer->has_transaction()) {
    ledger::pb::SignedEnvelope envelope;
    envelope.set_envelope(answer->transaction().envelope());
    envelope.set_signature(answer->transaction().signature());
    out["transaction"] = TRY(Describe(envelope, answer->transaction().payload()));
  }
  if (answer->has_erased()) out["erased"] = TRY(MessageToJson(answer->erased()));
  Print(options, out);
  return answer->state().status() == v1::TRANSACTION_STATUS_UNKNOWN ? kRefused : kGood;
}

Result<int> QueryBlock(const QueryOptions& options) {
  std::uint64_t height = 0;
  if (!CLI::detail::lexical_cast(options.subject, height)) {
    return Fail(Code::kInvalidArgument, "'{}' is no height", options.subject);
  }
  const auto connection = TRY(ConnectToRead(options));
  const auto answer = connection.node.client->GetBlock(connection.chain, Height(height));
  if (!answer) return Refused(answer.error());
  const auto& block = answer->block().block();
  Json header = TRY(MessageToJson(TRY(Decode<ledger::pb::BlockHeader>(block.header()))));
  Json out{{"hash", ToHex(answer->hash())},
           {"header", std::move(header)},
           {"seals", block.certificate().seals_size()},
           {"transactions", Json::array()}};
  for (int i = 0; i < block.transactions_size(); ++i) {
    const auto& payloads = answer->block().payloads();
    out["transactions"].push_back(TRY(Describe(
        block.transactions(i), i < payloads.size() ? payloads[i] : ledger::pb::Payload())));
  }
  for (const auto& entry : answer->erased()) {
    if (entry.index() >= out["transactions"].size()) continue;
    out["transactions"][entry.index()]["erased"] = TRY(MessageToJson(entry.erased()));
  }
  return Print(options, out);
}

/// Where each tier keeps what it knows of a record.
Bytes RecordKey(std::string_view tier, const RecordId& id) {
  return fmt::format("{}/{}", tier == "public" ? "pub" : "rec", id.View());
}

Result<int> QueryRecord(const QueryOptions& options) {
  const auto id = TRY(RecordId::FromHexString(options.subject));
  const auto connection = TRY(ConnectToRead(options));
  const Bytes key = RecordKey(connection.state.tier(), id);
  const auto answer = connection.node.client->GetState(connection.chain, key);
  if (!answer) return Refused(answer.error());
  if (!answer->present()) {
    return Refused({Code::kNotFound,
                    fmt::format("chain {} knows no record {}", connection.state.name(), id.Hex())});
  }
  Json out = TRY(StateValueToJson(connection.state.tier(), key, answer->value()));
  out["record_id"] = id.Hex();
  out["as_of_height"] = answer->as_of_height();
  return Print(options, out);
}

Result<int> PrintScan(const QueryOptions& options, const ChainConnection& connection,
                      const Bytes& prefix) {
  Json entries = Json::array();
  std::vector<std::vector<std::string>> rows;
  Bytes from;
  do {
    const auto page = connection.node.client->ScanState(
        connection.chain, prefix, from, std::min<std::uint32_t>(options.limit, 1000));
    if (!page) return Refused(page.error());
    for (const auto& entry : page->entries()) {
      if (rows.size() == options.limit) break;
      Json value = TRY(StateValueToJson(connection.state.tier(), entry.key(), entry.value()));
      rows.push_back({StateKeyToText(entry.key()), value.dump()});
      entries.push_back({{"key", rows.back().front()}, {"value", std::move(value)}});
    }
    from = page->next_key();
  } while (!from.empty() && rows.size() < options.limit);
  if (options.output == Output::kJson) {
    PrintJson({{"entries", entries}, {"more", !from.empty()}});
  } else {
    PrintTable({"KEY", "VALUE"}, rows);
    if (!from.empty()) fmt::print("more follow; raise --limit\n");
  }
  return kGood;
}

Result<int> QueryState(const QueryOptions& options) {
  const Bytes prefix = TRY(StateKeyFromText(options.subject));
  return PrintScan(options, TRY(ConnectToRead(options)), prefix);
}

Result<int> QueryPoints(const QueryOptions& options) {
  const auto connection = TRY(ConnectToRead(options));
  if (options.subject.empty()) return PrintScan(options, connection, "standing/");
  const auto answer =
      connection.node.client->GetState(connection.chain, "standing/" + options.subject);
  if (!answer) return Refused(answer.error());
  if (!answer->present()) {
    return Refused({Code::kNotFound, fmt::format("chain {} has no points account of '{}'",
                                                 connection.state.name(), options.subject)});
  }
  if (options.output == Output::kTable) {
    Print(options, TRY(DecodeToJson("Standing", answer->value())));
    fmt::print("\n");
  }
  return PrintScan(options, connection, "points/" + options.subject + "/");
}

struct Question {
  const char* name;
  const char* help;
  const char* subject;  // name of the positional argument; null: none
  bool subject_required;
  const char* default_chain;
  Result<int> (*answer)(const QueryOptions&);
};

constexpr std::array kQuestions = {
    Question{"chain", "Where one chain stands", nullptr, false, "public", QueryChain},
    Question{"tx", "A transaction, its outcome, and its payload where you may read it", "ID", true,
             "public", QueryTransaction},
    Question{"block", "A sealed block", "HEIGHT", true, "public", QueryBlock},
    Question{"record", "What a chain knows of a record, by its id", "ID", true, "public",
             QueryRecord},
    Question{"points", "Points of one member with every entry, or of all", "PARTY", false,
             "consortium", QueryPoints},
    Question{"state", "State entries by key prefix, as rec/, standing/acme or pub/1f3a…", "PREFIX",
             true, "public", QueryState},
};

}  // namespace

void AddQueryCommand(CLI::App& app, int& exit_code) {
  auto* query = app.add_subcommand("query", "Read from a chain");
  query->require_subcommand(1);
  query->footer(
      "Examples:\n"
      "  talentd query record 1f3a… --endpoints .devnet/endpoints.json\n"
      "  talentd query block 17 --chain consortium --endpoints .devnet/endpoints.json\n"
      "  talentd query points acme --key acme.key --endpoints .devnet/endpoints.json\n"
      "  talentd query state standing/ --chain consortium --key acme.key --endpoints …\n"
      "\n"
      "The state of a private or consortium chain, and payloads not public yet, are for its\n"
      "parties: log in with --key. Exits with 1 when the node refuses or has no such thing.");
  for (const Question& question : kQuestions) {
    auto options = std::make_shared<QueryOptions>();
    options->chain = question.default_chain;
    auto* command = query->add_subcommand(question.name, question.help);
    if (question.subject != nullptr) {
      command->add_option(question.subject, options->subject)->required(question.subject_required);
    }
    command->add_option("--limit", options->limit, "Entries to print at most")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    AddReadOptions(command, *options);
    OnRun(command, exit_code, [options, answer = question.answer] { return answer(*options); });
  }
}

}  // namespace talent::node::cli
