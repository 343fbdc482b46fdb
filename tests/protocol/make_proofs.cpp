// Writes proofs for the independent verifier of docs/protocol.md, and what the light client says of
// each of them with any one byte changed: `talent_make_proofs DIR`.
//
//   NAME.genesis, NAME.proof   a chain's genesis file and a proof
//   NAME.verdicts              a line a byte: the step at which the proof with that byte flipped
//                              fails, or "holds"
//   examples                   the lines of the worked example in docs/protocol.md
#include <fmt/format.h>

#include <cstdio>

#include "base/file.h"
#include "crypto/merkle.h"
#include "ledger/state_tree.h"
#include "unit/ledger/test_chain.h"

namespace talent::ledger {
namespace {

namespace fs = std::filesystem;

void Write(const fs::path& path, BytesView bytes) {
  const Status written = WriteFile(path, bytes, 0644, IfExists::kReplace);
  CHECK(written.has_value(), "{}", written.error().ToString());
}

/// The step at which `bytes` fail as a proof.
std::string Verdict(const Genesis& genesis, BytesView bytes) {
  const auto proof = Decode<pb::TransactionProof>(bytes);
  if (!proof) return "encoding";
  const auto proven = VerifyTransactionProof(genesis, *proof);
  if (proven) return "holds";
  return proven.error().message.substr(0, proven.error().message.find(':'));
}

void WriteCase(const fs::path& dir, const std::string& name, const Genesis& genesis,
               const pb::TransactionProof& proof) {
  const Bytes good = Encode(proof);
  CHECK(Verdict(genesis, good) == "holds", "{}: {}", name, Verdict(genesis, good));
  std::string verdicts;
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << i % 8));
    verdicts += Verdict(genesis, bad) + "\n";
  }
  Write(dir / (name + ".genesis"), genesis.bytes());
  Write(dir / (name + ".proof"), good);
  Write(dir / (name + ".verdicts"), verdicts);
}

pb::StateStatement Statement(const Chain& chain, BytesView key, Height at) {
  pb::StateStatement statement;
  *statement.mutable_header() = chain.GetHeader(at).value();
  *statement.mutable_proof() = chain.ProveState(key, at).value();
  return statement;
}

/// A statement that some key is absent, where the walk ends as wanted: at another leaf, or empty.
pb::StateStatement Absence(const Chain& chain, Height at, bool other_leaf) {
  for (int i = 0;; ++i) {
    auto statement = Statement(chain, fmt::format("absent/{}", i), at);
    if (statement.proof().other_path().empty() != other_leaf) return statement;
  }
}

/// Four validators, blocks of several transactions, statements of every kind.
void WriteStatements(const fs::path& dir) {
  TestChain node;
  std::vector<Transaction> batch;
  for (int i = 0; i < 7; ++i) batch.push_back(node.Put(fmt::format("k{}", i), std::to_string(i)));
  node.Commit(batch);
  node.Commit({node.Put("k3", "new"), node.Make("Delete", "k1")});
  auto proof = BuildTransactionProof(*node.chain, batch[5].id).value();
  WriteCase(dir, "plain", node.genesis(), proof);
  *proof.add_statements() = Statement(*node.chain, "kv/k3", Height(2));
  *proof.add_statements() = Absence(*node.chain, Height(2), true);
  *proof.add_statements() = Absence(*node.chain, Height(1), false);
  WriteCase(dir, "statements", node.genesis(), proof);
  proof.clear_payload();
  WriteCase(dir, "withheld", node.genesis(), proof);
}

/// A chain that replaces a validator after height 5; the proof is of the epoch after.
void WriteEpochs(const fs::path& dir) {
  TestChain node;
  node.Commit({node.Make("EndEpoch", "5=v0,v1,v2,w3")});
  for (int height = 2; height <= 5; ++height) node.Commit({});
  const Transaction tx = node.Put("a", "1");
  node.Commit({tx, node.Put("b", "2")});
  const auto proof = BuildTransactionProof(*node.chain, tx.id).value();
  CHECK(proof.epochs_size() == 1, "{} epochs", proof.epochs_size());
  WriteCase(dir, "epochs", node.genesis(), proof);
}

/// One validator, one transaction, two state entries: small enough to print.
void WriteExamples(const fs::path& dir) {
  TestChain node(1);
  const Transaction tx = node.Put("name", "value");
  const ExecutedBlock block = node.Commit({tx});
  const auto proof = BuildTransactionProof(*node.chain, tx.id).value();
  const auto state = node.chain->ProveState("kv/name", Height(1)).value();
  std::string out;
  const auto add = [&](std::string_view name, BytesView bytes) {
    out += fmt::format("{} {}\n", name, ToHex(bytes));
  };
  add("chain", node.genesis().chain_id().View());
  add("validators_hash", node.genesis().validators().hash().View());
  add("salt", tx.salt);
  add("payload", tx.payload);
  add("payload_hash", tx.payload_hash.View());
  add("author_key", tx.author.View());
  add("envelope", tx.envelope_bytes);
  add("signature", tx.signature.View());
  add("tx_id", tx.id.View());
  add("receipt", proof.path().receipt());
  add("transactions_root", crypto::MerkleLeaf(tx.id.View()).View());
  add("receipts_root", crypto::MerkleLeaf(proof.path().receipt()).View());
  add("state_path", StatePath(state.key()).View());
  add("state_value_hash", StateValueHash(state.value()).View());
  for (const auto& sibling : state.siblings()) add("state_sibling", sibling);
  add("state_root", node.chain->head().state_root.View());
  add("header", block.header);
  add("block_hash", block.hash.View());
  add("seal", proof.header().certificate().seals(0).signature());
  Write(dir / "examples", out);
  Write(dir / "example.genesis", node.genesis().bytes());
  Write(dir / "example.proof", Encode(proof));
}

}  // namespace
}  // namespace talent::ledger

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: talent_make_proofs DIR\n");
    return 2;
  }
  const std::filesystem::path dir = argv[1];
  talent::ledger::WriteStatements(dir);
  talent::ledger::WriteEpochs(dir);
  talent::ledger::WriteExamples(dir);
  return 0;
}
