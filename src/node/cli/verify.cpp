#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "base/file.h"
#include "ledger/erasure.h"
#include "ledger/light_client.h"
#include "node/cli/command.h"
#include "node/cli/commands.h"
#include "node/cli/verify_home.h"
#include "node/records/payload_json.h"
#include "tiers/proven_path.h"

namespace talent::node::cli {
namespace {

/// A proof holds one transaction, and an epoch change for every change of validators before it.
constexpr std::size_t kMaxProofBytes = 64u << 20;

enum class Language { kEnglish, kChinese };

/// Of the locale, as other programs take it.
Language LocaleLanguage() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    return std::string_view(value).starts_with("zh") ? Language::kChinese : Language::kEnglish;
  }
  return Language::kEnglish;
}

struct VerifyOptions {
  std::filesystem::path proof;
  std::filesystem::path genesis;
  std::filesystem::path home;
  Language language = LocaleLanguage();
};

/// A line for each step: its name, which is the same in every language, and what it shows.
class Steps {
 public:
  explicit Steps(Language language) : language_(language) {}

  void Passed(std::string_view step, std::string_view english, std::string_view chinese) const {
    fmt::print("OK      {:<18} {}\n", step, Say(english, chinese));
  }
  void Unchecked(std::string_view step, std::string_view english, std::string_view chinese) const {
    fmt::print("--      {:<18} {}\n", step, Say(english, chinese));
  }
  /// The message begins with the step: "certificate: …".
  static int Failed(const Error& error) {
    fmt::print("FAILED  {:<18} {}\n", error.message.substr(0, error.message.find(':')),
               error.ToString());
    return Refused(error);
  }
  std::string_view Say(std::string_view english, std::string_view chinese) const {
    return language_ == Language::kChinese ? chinese : english;
  }

 private:
  Language language_;
};

void PrintContent(const ledger::Transaction& tx) {
  if (!tx.has_payload()) return;
  if (const auto content = DecodeToJson(tx.kind, tx.payload)) PrintJson(*content);
}

/// What the chain's own state says of a payload that is not there.
std::optional<ledger::pb::ErasedEntry> ErasureIn(const ledger::pb::TransactionProof& proof,
                                                 const TxId& id) {
  for (const auto& statement : proof.statements()) {
    if (!statement.proof().present() || statement.proof().key() != ledger::ErasedKey(id)) continue;
    auto entry = Decode<ledger::pb::ErasedEntry>(statement.proof().value());
    if (entry) return std::move(*entry);
  }
  return std::nullopt;
}

void PrintTransaction(const Steps& steps, const ledger::ProvenTransaction& proven,
                      const ledger::pb::TransactionProof& proof) {
  const auto& tx = proven.transaction;
  const auto& header = proven.header.header;
  const int seals = proof.header().certificate().seals_size();
  steps.Passed("certificate",
               fmt::format("block {} {}, sealed by {} of the chain's validators", header.height(),
                           proven.header.hash.Hex(), seals),
               fmt::format("第 {} 块 {}，由 {} 个验证节点封印", header.height(),
                           proven.header.hash.Hex(), seals));
  const std::string receipt = ledger::pb::ReceiptCode_Name(proven.receipt.code());
  steps.Passed("transaction path",
               fmt::format("{} at place {} of {}, receipt {}", tx.id.Hex(), proof.path().index(),
                           header.transaction_count(), receipt),
               fmt::format("{} 位于该块 {} 笔交易中的第 {} 位，回执 {}", tx.id.Hex(),
                           header.transaction_count(), proof.path().index(), receipt));
  steps.Passed("author signature", fmt::format("kind {}, key {}", tx.kind, tx.author.Hex()),
               fmt::format("类型 {}，签名密钥 {}", tx.kind, tx.author.Hex()));
  if (tx.has_payload()) {
    steps.Passed("payload hash", fmt::format("{} bytes", tx.payload.size()),
                 fmt::format("内容 {} 字节", tx.payload.size()));
  } else if (const auto erased = ErasureIn(proof, tx.id)) {
    const std::string by = ToHex(erased->by());
    steps.Passed("payload erased", fmt::format("at height {}, by {}", erased->height(), by),
                 fmt::format("内容已删除：第 {} 块，依据 {}", erased->height(), by));
  } else {
    steps.Unchecked("payload hash", "the proof carries no payload", "证明中没有内容");
  }
  for (int i = 0; i < proof.statements_size(); ++i) {
    const auto& state = proof.statements(i).proof();
    const std::string key = ToHex(state.key());
    steps.Passed(fmt::format("statement {}", i + 1),
                 fmt::format("state {}: {}", state.present() ? "has" : "lacks", key),
                 fmt::format("状态中{}：{}", state.present() ? "有" : "没有", key));
  }
}

Result<int> VerifyProof(const VerifyOptions& options) {
  const Steps steps(options.language);
  const Bytes bytes = TRY(ReadFile(options.proof, kMaxProofBytes));
  const auto genesis = TRY(ledger::Genesis::Load(options.genesis));
  const std::string chain = fmt::format("{} ({}) {}", genesis.name(),
                                        ledger::TierName(genesis.tier()), genesis.chain_id().Hex());
  steps.Passed("genesis", "chain " + chain, "链 " + chain);
  const auto proof = Decode<ledger::pb::TransactionProof>(bytes);
  if (!proof) return Steps::Failed(Error{proof.error().code, "encoding: " + proof.error().message});
  steps.Passed("encoding", fmt::format("{} bytes, canonical", bytes.size()),
               fmt::format("{} 字节，编码规范", bytes.size()));
  const auto proven = ledger::VerifyTransactionProof(genesis, *proof);
  if (!proven) return Steps::Failed(proven.error());
  PrintTransaction(steps, *proven, *proof);
  const auto facts = tiers::CheckEvidence(*proven, *proof);
  if (!facts) return Steps::Failed(facts.error());
  for (const auto& fact : *facts) {
    if (fact.checked) {
      steps.Passed(fact.step, fact.english, fact.chinese);
    } else {
      steps.Unchecked(fact.step, fact.english + " (rests on this chain's validators)",
                      fact.chinese + "（以本链验证节点为凭）");
    }
  }
  if (facts->empty()) PrintContent(proven->transaction);
  if (proven->receipt.code() != ledger::pb::RECEIPT_CODE_OK) {
    return Refused(
        {Code::kPrecondition, fmt::format("the chain sealed this transaction without effect: {}",
                                          ledger::pb::ReceiptCode_Name(proven->receipt.code()))});
  }
  fmt::print("{}\n", steps.Say("the proof holds", "证明成立"));
  return kGood;
}

}  // namespace

void AddVerifyCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<VerifyOptions>();
  auto* verify = app.add_subcommand("verify", "Check a proof offline, or all that a node stores");
  verify->footer(
      "Examples:\n"
      "  talentd verify --proof proof --genesis public.genesis.json\n"
      "  talentd verify --proof proof --genesis public.genesis.json --language zh\n"
      "  talentd verify --home .devnet/nodes/centre-1\n"
      "\n"
      "A proof is checked from the chain's genesis file alone, step by step: certificate, paths,\n"
      "signature, payload, statements about the state, and of a record its way across the tiers:\n"
      "who wrote it, what the reviews said, how it was corrected, where it stands. A home is "
      "checked by walking every chain\n"
      "from its genesis, executing each block again, beside the running node if it runs.\n"
      "Exits with 1 and names the step when something does not hold.");
  auto* proof = verify->add_option("--proof", options->proof, "Proof file, from 'talentd proof'");
  auto* genesis = verify->add_option("--genesis", options->genesis, "The chain's genesis file");
  auto* home = verify->add_option("--home", options->home, "A node's directory");
  proof->needs(genesis)->excludes(home);
  genesis->needs(proof);
  verify
      ->add_option("--language", options->language,
                   "Of what a proof shows: en or zh (default: the locale's)")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Language>{{"en", Language::kEnglish}, {"zh", Language::kChinese}}))
      ->needs(proof);
  OnRun(verify, exit_code, [options]() -> Result<int> {
    if (!options->home.empty()) return VerifyHome(options->home);
    if (!options->proof.empty()) return VerifyProof(*options);
    return Fail(Code::kInvalidArgument, "give --proof FILE with --genesis FILE, or --home DIR");
  });
}

}  // namespace talent::node::cli
