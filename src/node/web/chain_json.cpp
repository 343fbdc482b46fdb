#include "node/web/chain_json.h"

#include "base/canonical.h"
#include "ledger/light_client.h"
#include "node/web/publications.h"
#include "tiers/tables.h"

namespace talent::node {
namespace {

using Json = nlohmann::json;

struct ReadHeader {
  ledger::pb::BlockHeader header;
  Hash hash;
};
Result<ReadHeader> DecodeHeader(const Bytes& bytes) {
  ReadHeader out;
  out.header = TRY(Decode<ledger::pb::BlockHeader>(bytes));
  out.hash = ledger::BlockHash(bytes);
  return out;
}

/// Name of the validator that first proposed the block; null where nobody did.
Result<Json> ProposerJson(const ledger::Chain& chain, const ledger::pb::BlockHeader& header) {
  if (header.proposer() == 0) return Json();
  const auto validators = TRY(chain.ValidatorsOf(Epoch(header.epoch())));
  const std::uint32_t index = header.proposer() - 1;
  if (index >= validators->size()) return Json();
  return Json(validators->at(ValidatorIndex(index)).name);
}

Json HeaderJson(const ledger::pb::BlockHeader& header) {
  return {{"format", header.format()},
          {"suite", header.suite()},
          {"chain_id", ToHex(header.chain_id())},
          {"height", header.height()},
          {"previous_hash", ToHex(header.previous_hash())},
          {"view", header.view()},
          {"proposer", header.proposer()},
          {"time_ms", header.time_ms()},
          {"transactions_root", ToHex(header.transactions_root())},
          {"receipts_root", ToHex(header.receipts_root())},
          {"state_root", ToHex(header.state_root())},
          {"transaction_count", header.transaction_count()},
          {"epoch", header.epoch()},
          {"validators_hash", ToHex(header.validators_hash())},
          {"next_validators_hash", ToHex(header.next_validators_hash())}};
}

Json CertificateJson(const ledger::pb::Certificate& certificate) {
  Json seals = Json::array();
  for (const auto& seal : certificate.seals()) {
    seals.push_back({{"validator", seal.validator()}, {"signature", ToHex(seal.signature())}});
  }
  return {{"epoch", certificate.epoch()}, {"seals", std::move(seals)}};
}

/// A transaction in its block. `withheld` names what became of a payload that is not here.
struct Placed {
  const ledger::Transaction& tx;
  ledger::TxLocation at;
  ledger::pb::ReceiptCode receipt;
  const ledger::pb::ErasedEntry* erased = nullptr;
  bool omit = false;
};

Result<Json> TransactionJson(const Placed& placed, const ledger::StateReader& state) {
  const ledger::Transaction& tx = placed.tx;
  const auto owner = tiers::kKeys.Get(state, tx.author.View());
  Json out = {{"id", tx.id.Hex()},
              {"height", placed.at.height.value},
              {"index", placed.at.index},
              {"kind", tx.kind},
              {"author", owner && !owner->party().empty() ? Json(owner->party()) : Json()},
              {"author_key", tx.author.Hex()},
              {"disclosure", ShortName(ledger::pb::Disclosure_Name(tx.disclosure), "DISCLOSURE_")},
              {"valid_until", tx.valid_until.value},
              {"payload_hash", tx.payload_hash.Hex()},
              {"receipt", ShortName(ledger::pb::ReceiptCode_Name(placed.receipt), "RECEIPT_CODE_")},
              {"records", Json::array()},
              {"payload_state", "here"},
              {"payload", Json()},
              {"erased", Json()}};
  if (placed.erased != nullptr) {
    out["payload_state"] = "erased";
    out["erased"] = ErasedJson(*placed.erased);
    return out;
  }
  if (!tx.has_payload()) {
    out["payload_state"] = "absent";
    return out;
  }
  // What took no effect need not parse.
  if (const auto publication = ReadPublication(tx); publication && *publication) {
    for (const auto& evidence : (*publication)->records)
      out["records"].push_back(evidence.id.Hex());
    for (const RecordId& id : (*publication)->erased) out["records"].push_back(id.Hex());
  }
  if (placed.omit) {
    out["payload_state"] = "omitted";
  } else if (auto content = ReadContent(tx.kind, tx.payload)) {
    out["payload"] = std::move(content->payload);
  }
  return out;
}

Json StatusName(v1::TransactionStatus status) {
  return ShortName(v1::TransactionStatus_Name(status), "TRANSACTION_STATUS_");
}

}  // namespace

std::string ShortName(const std::string& name, std::string_view prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

Json HexOrNull(BytesView bytes) { return bytes.empty() ? Json() : Json(ToHex(bytes)); }

Json ErasedJson(const ledger::pb::ErasedEntry& erased) {
  return {
      {"by", HexOrNull(erased.by())}, {"height", erased.height()}, {"time_ms", erased.time_ms()}};
}

Json ChainJson(const ChainRunner& runner) {
  const ledger::Genesis& genesis = runner.chain().genesis();
  const ChainStatusInfo status = runner.status();
  return {{"name", genesis.name()},
          {"id", genesis.chain_id().Hex()},
          {"tier", ledger::TierName(genesis.tier())},
          {"role", status.validator ? "validator" : "follower"},
          {"readable", genesis.tier() == ledger::Tier::kPublic},
          {"height", status.head.height.value},
          {"head_hash", status.head.hash.Hex()},
          {"head_time_ms", status.head.time.value},
          {"synced", status.synced},
          {"halted", status.halted ? Json(*status.halted) : Json()},
          {"epoch", status.epoch.value},
          {"epoch_end", status.epoch_end == Height(0) ? Json() : Json(status.epoch_end.value)},
          {"validators", status.validators}};
}

Json ChainDetailJson(const ledger::Chain& chain) {
  Json validators = Json::array();
  for (const crypto::Validator& validator : chain.validators()->validators()) {
    validators.push_back({{"name", validator.name},
                          {"vote_key", validator.vote_key.Hex()},
                          {"node_key", validator.node_key.Hex()}});
  }
  return {{"state_root", chain.head().state_root.Hex()}, {"validator_set", std::move(validators)}};
}

Result<Json> BlockSummaryJson(const ledger::Chain& chain, Height height) {
  const auto certified = TRY(chain.GetHeader(height));
  const auto [header, hash] = TRY(DecodeHeader(certified.header()));
  return Json{{"height", header.height()},
              {"hash", hash.Hex()},
              {"time_ms", header.time_ms()},
              {"epoch", header.epoch()},
              {"view", header.view()},
              {"proposer", TRY(ProposerJson(chain, header))},
              {"transaction_count", header.transaction_count()}};
}

Result<Json> BlockJson(const ChainAccess& access, const ChainRunner& runner, Height height) {
  const auto read = TRY(access.ReadBlock(runner, height, Caller{}));
  const ledger::Chain& chain = runner.chain();
  const auto receipts = TRY(chain.GetReceipts(height));
  const auto state = chain.SealedState();
  const auto& block = read.block().block();
  std::map<std::uint32_t, const ledger::pb::ErasedEntry*> erased;
  for (const auto& entry : read.erased()) erased[entry.index()] = &entry.erased();
  Json transactions = Json::array();
  std::size_t payload_bytes = 0;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(block.transactions_size()); ++i) {
    const int at = static_cast<int>(i);
    const ledger::pb::Payload* payload =
        at < read.block().payloads_size() ? &read.block().payloads(at) : nullptr;
    if (payload != nullptr && payload->salt().empty()) payload = nullptr;
    const auto tx = TRY(ledger::ParseTransaction(block.transactions(at), payload));
    payload_bytes += tx.payload.size();
    Placed placed{tx, {height, i}, receipts.at(i)};
    placed.erased = erased.contains(i) ? erased.at(i) : nullptr;
    placed.omit = payload_bytes > kMaxBlockPayloadBytes;
    transactions.push_back(TRY(TransactionJson(placed, *state)));
  }
  TRY(state->status());
  const auto [header, hash] = TRY(DecodeHeader(block.header()));
  return Json{{"chain", chain.genesis().name()},
              {"hash", hash.Hex()},
              {"header", HeaderJson(header)},
              {"header_bytes", ToHex(block.header())},
              {"certificate", CertificateJson(block.certificate())},
              {"transactions", std::move(transactions)}};
}

Result<Json> TransactionAnswerJson(const ChainAccess& access, const ChainRunner& runner,
                                   const TxId& id) {
  const auto read = TRY(access.ReadTransaction(runner, id, Caller{}));
  const std::string& chain = runner.chain().genesis().name();
  const auto status = read.state().status();
  if (status != v1::TRANSACTION_STATUS_PENDING && !read.has_transaction()) {
    return Fail(Code::kNotFound, "no transaction {} on chain {} up to height {}", id.Hex(), chain,
                read.as_of_height());
  }
  Json out = {{"chain", chain},
              {"as_of_height", read.as_of_height()},
              {"status", StatusName(status)},
              {"transaction", Json()}};
  if (!read.has_transaction()) return out;
  ledger::pb::SignedEnvelope envelope;
  envelope.set_envelope(read.transaction().envelope());
  envelope.set_signature(read.transaction().signature());
  const auto tx = TRY(ledger::ParseTransaction(
      envelope, read.transaction().has_payload() ? &read.transaction().payload() : nullptr));
  Placed placed{tx, {Height(read.state().height()), read.state().index()}, read.state().receipt()};
  placed.erased = read.has_erased() ? &read.erased() : nullptr;
  const auto state = runner.chain().SealedState();
  out["transaction"] = TRY(TransactionJson(placed, *state));
  TRY(state->status());
  return out;
}

}  // namespace talent::node
