// How long a new node takes until it is live: from a snapshot, and by replaying blocks.
//
//   talent_snapshot_bench [RECORDS [REPLAYED]]
//
// Builds a chain of so many records in blocks of 500, each writing three keys as a record with an
// index and a due entry does; makes a snapshot of it; restores that into another database; and
// replays the first REPLAYED records' blocks into a third. Wall and CPU seconds of each.
#include <sys/resource.h>

#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "crypto/sha256.h"
#include "ledger/chain.h"
#include "ledger/snapshot_files.h"
#include "support/temp_dir.h"

namespace talent::ledger {
namespace {

constexpr std::uint64_t kBlockRecords = 500;

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
        {"max_batch_transactions", 512},
        {"max_batch_bytes", 4 << 20},
        {"max_transaction_bytes", 1 << 18},
        {"view_timeout_ms", 2000},
        {"view_timeout_cap_ms", 32000},
        {"max_clock_drift_ms", 10000},
        {"max_valid_for", 10000}}},
      {"validators",
       {{{"name", "v"},
         {"vote_key", KeyOf("vote").public_key().Hex()},
         {"node_key", KeyOf("node").public_key().Hex()}}}},
      {"followers", nlohmann::json::array()},
      {"app", nlohmann::json::object()},
  };
  return Genesis::Parse(text.dump()).value();
}

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

class HashRandom final : public Random {
 public:
  Bytes Draw(std::size_t n) override {
    return crypto::Sha256({"bench random ", std::to_string(next_++)}).ToBytes().substr(0, n);
  }

 private:
  std::uint64_t next_ = 0;
};

/// Prints what a step took.
class Step {
 public:
  explicit Step(std::string name) : name_(std::move(name)), wall_(Wall()), cpu_(Cpu()) {}
  void Done(const std::string& what) const {
    fmt::print("{:<10} {:8.1f} s wall {:8.1f} s CPU   {}\n", name_, Wall() - wall_, Cpu() - cpu_,
               what);
    std::fflush(stdout);
  }

 private:
  static double Wall() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  static double Cpu() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
  }
  const std::string name_;
  const double wall_, cpu_;
};

struct Node {
  explicit Node(const Genesis& g) : genesis(g) { Open(); }
  void Open() {
    chain.reset();
    if (!database) database = Database::Open(dir.path(), Database::Mode::kScratch).value();
    chain = Chain::Open(*database, genesis, app).value();
  }
  std::uintmax_t DiskBytes() const {
    std::uintmax_t sum = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(dir.path())) {
      if (file.is_regular_file()) sum += file.file_size();
    }
    return sum;
  }

  TempDir dir;
  Genesis genesis;
  ThreeWrites app;
  std::unique_ptr<Database> database;
  std::unique_ptr<Chain> chain;
};

void Grow(Node& node, std::uint64_t records) {
  HashRandom random;
  const crypto::KeyPair author = KeyOf("author");
  const crypto::KeyPair vote = KeyOf("vote");
  for (std::uint64_t done = 0; done < records; done += kBlockRecords) {
    pb::Batch batch;
    pb::Payloads payloads;
    batch.set_time_ms(2 + done);
    for (std::uint64_t i = 0; i < kBlockRecords; ++i) {
      const Transaction tx =
          MakeTransaction(node.genesis.chain_id(), "Put", Bytes(256, 'p'), pb::DISCLOSURE_FULL,
                          node.chain->head().height + 100, author, random);
      auto& envelope = *batch.add_transactions();
      envelope.set_envelope(tx.envelope_bytes);
      envelope.set_signature(tx.signature.ToBytes());
      auto& payload = *payloads.add_payloads();
      payload.set_salt(tx.salt);
      payload.set_data(tx.payload);
    }
    const auto block = node.chain->Execute(Encode(batch), Encode(payloads)).value();
    crypto::Certificate certificate;
    certificate.seals[ValidatorIndex(0)] =
        crypto::SignSeal(vote, node.genesis.chain_id(), block.hash);
    CHECK(node.chain->Seal(block.height, certificate).has_value());
  }
}

void Run(std::uint64_t records, std::uint64_t replayed) {
  constexpr double kMiB = 1 << 20;
  const Genesis genesis = MakeGenesis();
  Node node(genesis);
  {
    const Step step("build");
    Grow(node, records);
    step.Done(fmt::format("{} records, {} blocks, {:.0f} MiB on disk", records,
                          node.chain->head().height.value,
                          static_cast<double>(node.DiskBytes()) / kMiB));
  }
  const TempDir dir;
  {
    const Step step("create");
    const auto source =
        SnapshotSource::Open(*node.database, genesis, node.chain->head().height).value();
    const auto manifest = WriteSnapshot(source, dir.path() / "snapshot", {}).value();
    step.Done(fmt::format("{} entries, {} chunks, {:.0f} MiB, {:.0f} MiB inflated",
                          manifest.state_entries(),
                          manifest.state_chunks() + manifest.window_chunks(),
                          static_cast<double>(manifest.packed_bytes()) / kMiB,
                          static_cast<double>(manifest.inflated_bytes()) / kMiB));
  }
  {
    Node joined(genesis);
    joined.chain.reset();
    const Step step("restore");
    const auto restored = RestoreSnapshot(*joined.database, genesis, joined.app,
                                          dir.path() / "snapshot", std::nullopt, {});
    CHECK(restored.has_value(), "{}", restored.error().ToString());
    joined.Open();
    CHECK(joined.chain->head().hash == node.chain->head().hash);
    step.Done(fmt::format("live at height {}, {:.0f} MiB on disk",
                          joined.chain->head().height.value,
                          static_cast<double>(joined.DiskBytes()) / kMiB));
  }
  Node replaying(genesis);
  const Step step("replay");
  for (Height at(1); at.value * kBlockRecords <= replayed; ++at) {
    const Status applied = replaying.chain->Apply(node.chain->GetBlockWithPayloads(at).value());
    CHECK(applied.has_value(), "{}", applied.error().ToString());
  }
  step.Done(fmt::format("the first {} records", replayed));
}

}  // namespace
}  // namespace talent::ledger

int main(int argc, char** argv) {
  std::uint64_t numbers[] = {1'000'000, 100'000};
  for (int i = 1; i < argc && i <= 2; ++i) {
    const std::string_view text = argv[i];
    const auto read = std::from_chars(text.data(), text.data() + text.size(), numbers[i - 1]);
    if (read.ec != std::errc() || numbers[i - 1] == 0) {
      fmt::print(stderr, "usage: talent_snapshot_bench [RECORDS [REPLAYED]]\n");
      return 2;
    }
  }
  talent::ledger::Run(numbers[0], std::min(numbers[0], numbers[1]));
  return 0;
}
