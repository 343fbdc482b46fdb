// The ledger's hot paths: updating the state tree, and making a block durable.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "crypto/sha256.h"
#include "ledger/chain.h"
#include "ledger/chain_store.h"
#include "support/temp_dir.h"

namespace talent::ledger {
namespace {

crypto::KeyPair KeyOf(std::string_view name) {
  return crypto::KeyPair::FromSeed(
      crypto::Seed::FromBytes(crypto::Sha256({"bench key ", name}).View()).value());
}

Genesis MakeGenesis() {
  const nlohmann::json text = {
      {"format", 1},
      {"name", "bench"},
      {"tier", "private"},
      {"suite", "ed25519-sha256"},
      {"time_ms", 1},
      {"consensus",
       {{"window", 16},
        {"max_batch_transactions", 10000},
        {"max_batch_bytes", 14 << 20},
        {"max_transaction_bytes", 1 << 18},
        {"view_timeout_ms", 2000},
        {"view_timeout_cap_ms", 32000},
        {"max_clock_drift_ms", 10000},
        {"max_valid_for", 1000000}}},
      {"validators",
       {{{"name", "v"},
         {"vote_key", KeyOf("vote").public_key().Hex()},
         {"node_key", KeyOf("node").public_key().Hex()}}}},
      {"followers", nlohmann::json::array()},
      {"app", nlohmann::json::object()},
  };
  return Genesis::Parse(text.dump()).value();
}

/// Writes three keys a transaction, as a record with an index and a due entry does.
class ThreeWrites final : public Application {
 public:
  Status InitGenesis(const Genesis&, StateOverlay&) const override { return {}; }
  Status Check(const Transaction&, const BlockContext&, const StateReader&) const override {
    return {};
  }
  Status Execute(const Transaction& tx, const BlockContext&, StateOverlay& state) const override {
    for (const char* table : {"record/", "by-subject/", "due/"}) {
      state.Put(table + tx.id.ToBytes(), Bytes(64, 'v'));
    }
    return {};
  }
  void BeginBlock(const BlockContext&, StateOverlay&) const override {}
  bool HasDueWork(Timestamp, const StateReader&) const override { return false; }
};

Bytes KeyAt(std::uint64_t i) { return "record/" + std::to_string(i); }

/// A tree of `keys` keys on disk.
struct StoredTree {
  explicit StoredTree(std::uint64_t keys)
      : database(Database::Open(dir.path() / "db", Database::Mode::kScratch).value()),
        store(ChainStore::Open(*database, ChainId()).value()),
        pages(store) {
    for (std::uint64_t i = 0; i < keys; i += 1000) Update(i, 1000);
    CHECK(database->db().Flush(rocksdb::FlushOptions(), store.family(Use::kTree)).ok());
  }

  void Update(std::uint64_t first, std::uint64_t count) {
    StateOverlay::Writes writes;
    for (std::uint64_t i = first; i < first + count; ++i) {
      writes[KeyAt(i)] = std::to_string(version.value);
    }
    const TreeUpdate update = UpdateTree(pages, root, version, TreeChanges(writes)).value();
    root = update.root;
    rocksdb::WriteBatch batch;
    store.PutState(batch, version, writes, update);
    CHECK(database->Commit(batch).has_value());
    ++version;
  }

  TempDir dir;
  std::unique_ptr<Database> database;
  ChainStore store;
  StoredPages pages;
  TreeSlot root;
  Height version{1};
};

/// Updates of 1000 random keys of the tree: reading, hashing; nothing is stored. `cached`: as the
/// chain does it, through its page cache; otherwise every page comes from RocksDB.
void BM_StateTreeUpdate(benchmark::State& state, bool cached) {
  const auto keys = static_cast<std::uint64_t>(state.range(0));
  StoredTree tree(keys);
  const TreePageCache cache(tree.pages);
  const TreePages& pages = cached ? static_cast<const TreePages&>(cache) : tree.pages;
  std::uint64_t next = 1;
  for (auto _ : state) {
    state.PauseTiming();
    StateOverlay::Writes writes;
    while (writes.size() < 1000) {
      next = next * 6364136223846793005u + 1442695040888963407u;
      writes[KeyAt((next >> 33) % keys)] = std::to_string(next);
    }
    state.ResumeTiming();
    const auto update = UpdateTree(pages, tree.root, tree.version, TreeChanges(writes));
    CHECK(update.has_value());
    benchmark::DoNotOptimize(update->root);
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK_CAPTURE(BM_StateTreeUpdate, cached, true)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_StateTreeUpdate, from_disk, false)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);

/// Executes and seals blocks of N transactions of 512 bytes, three state keys each, on disk.
void BM_ExecuteAndSeal(benchmark::State& state) {
  const TempDir dir;
  const Genesis genesis = MakeGenesis();
  const ThreeWrites app;
  const auto database = Database::Open(dir.path() / "db", Database::Mode::kReadWrite).value();
  const auto chain = Chain::Open(*database, genesis, app).value();
  const crypto::KeyPair author = KeyOf("author");
  crypto::SystemRandom random;
  const std::int64_t count = state.range(0);
  for (auto _ : state) {
    state.PauseTiming();
    pb::Batch batch;
    pb::Payloads payloads;
    batch.set_time_ms(1000);
    for (std::int64_t i = 0; i < count; ++i) {
      const Transaction tx =
          MakeTransaction(genesis.chain_id(), "Note", Bytes(512, 'p'), pb::DISCLOSURE_FULL,
                          chain->head().height + 10, author, random);
      auto& envelope = *batch.add_transactions();
      envelope.set_envelope(tx.envelope_bytes);
      envelope.set_signature(tx.signature.ToBytes());
      auto& payload = *payloads.add_payloads();
      payload.set_salt(tx.salt);
      payload.set_data(tx.payload);
    }
    const Bytes batch_bytes = Encode(batch);
    const Bytes payload_bytes = Encode(payloads);
    state.ResumeTiming();
    const auto block = chain->Execute(batch_bytes, payload_bytes);
    CHECK(block.has_value());
    crypto::Certificate certificate;
    certificate.seals[ValidatorIndex(0)] =
        crypto::SignSeal(KeyOf("vote"), genesis.chain_id(), block->hash);
    CHECK(chain->Seal(block->height, certificate).has_value());
  }
  state.SetItemsProcessed(state.iterations() * count);
  state.counters["blocks/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_ExecuteAndSeal)
    ->Arg(1)
    ->Arg(100)
    ->Arg(500)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace talent::ledger
