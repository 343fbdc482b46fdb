// What the market costs: the rule of every kind, a round of review, and a person's place in the
// state.
#include <benchmark/benchmark.h>

#include <set>

#include "unit/tiers/kinds_lives.h"

namespace talent::tiers {
namespace {

/// A transaction and the state it is executed on.
struct Sample {
  std::string name;
  const ledger::Application* application;
  ledger::Transaction tx;
  ledger::BlockContext block;
  std::unique_ptr<ledger::StateReader> state;
};

/// One of every line of the table of kinds, as the first who may submit it does.
class Samples {
 public:
  Samples() {
    life_ = std::make_unique<KindsLife>(
        "centre-a", std::vector<KindsColumn>{{"", "centre-a"}, {"", "acme"}, {"", "centre-c"}},
        Taker("private"));
    consortium_.ConsortiumTable(Taker("consortium"));
    public_.PublicTable(Taker("public"));
  }
  const std::vector<Sample>& All() const { return all_; }

 private:
  KindsTable::OnAccepted Taker(const std::string& tier_name) {
    return [this, tier_name](const std::string& line, const TestTier& tier,
                             const ledger::Transaction& tx, const ledger::BlockContext& block) {
      const std::string name = tier_name + "/" + line;
      if (!names_.insert(name).second) return;
      all_.push_back({name, &tier.application(), tx, block, tier.chain().SealedState()});
    };
  }

  std::unique_ptr<KindsLife> life_;
  KindsNetwork consortium_, public_;
  std::vector<Sample> all_;  // on their chains, which outlive them
  std::set<std::string> names_;
};

// The signature, which is checked before, and the block, which is written after, are not in it.
void BM_Execute(benchmark::State& state, const Sample& sample) {
  std::size_t entries = 0;
  for (auto _ : state) {
    ledger::StateOverlay overlay(*sample.state);
    const Status done = sample.application->Execute(sample.tx, sample.block, overlay);
    if (!done) state.SkipWithError(done.error().ToString().c_str());
    entries = overlay.writes().size();
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes"] = static_cast<double>(sample.tx.size());
  state.counters["writes"] = static_cast<double>(entries);
}

/// Bytes of transactions as they are stored: envelope, signature, salt and payload.
std::size_t BytesOf(const std::vector<ledger::Transaction>& transactions) {
  std::size_t bytes = 0;
  for (const auto& tx : transactions) bytes += tx.size();
  return bytes;
}

/// Promotion, review by so many, settlement; every step of all reviewers in one block.
class ReviewRound : public Network {
 public:
  explicit ReviewRound(int reviewers)
      : Network(Centres(reviewers)), reviewers_(Centres(reviewers)) {
    Enrol();
  }
  void Run(std::uint32_t score) {
    const TxId record = Must(source.Write("centre-a", Assessment(score)));
    const Height height = source.chain().FindTransaction(record).value()->height;
    Seal({consortium.Make("centre-a", HeaderOf(source, height)),
          consortium.Make("centre-a", PromotionOf(record))});
    std::vector<ledger::Transaction> commits, reveals;
    for (const auto& member : reviewers_) {
      const auto opening = OpeningOf(record, member, false);
      pb::ReviewCommitted commit;
      commit.set_record_id(record.ToBytes());
      commit.set_commitment(ReviewCommitment(opening).ToBytes());
      commits.push_back(consortium.Make(member, commit));
      pb::ReviewRevealed reveal;
      reveal.set_record_id(record.ToBytes());
      *reveal.mutable_verdict() = opening.verdict();
      reveal.set_salt(opening.salt());
      reveals.push_back(consortium.Make(member, reveal));
    }
    Seal(commits);
    CloseCommits(record);
    Seal(reveals);
    CloseReveals(record);
    CHECK(StateOf(record).status() == pb::RECORD_STATUS_VERIFIED, "two or more confirm");
  }
  std::size_t transactions() const { return transactions_; }
  std::size_t bytes() const { return bytes_; }

 private:
  static std::vector<std::string> Centres(int reviewers) {
    std::vector<std::string> names;
    for (int i = 0; i < reviewers; ++i) names.push_back(fmt::format("reviewer-{}", i));
    return names;
  }
  void Seal(const std::vector<ledger::Transaction>& transactions) {
    for (const auto receipt : consortium.Commit(transactions)) {
      CHECK(receipt == ledger::pb::RECEIPT_CODE_OK, "it is as the rules want it");
    }
    transactions_ += transactions.size();
    bytes_ += BytesOf(transactions);
  }

  std::vector<std::string> reviewers_;
  std::size_t transactions_ = 0, bytes_ = 0;
};

void BM_ReviewRound(benchmark::State& state) {
  ReviewRound round(static_cast<int>(state.range(0)));
  std::uint32_t score = 0;
  for (auto _ : state) round.Run(score++ % 10000);
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["transactions"] = static_cast<double>(round.transactions()) / rounds;
  state.counters["bytes"] = static_cast<double>(round.bytes()) / rounds;
}
BENCHMARK(BM_ReviewRound)->Arg(2)->Arg(5)->Arg(48)->Unit(benchmark::kMillisecond);

struct Size {
  double entries = 0, bytes = 0;
};
Size SizeOf(const TestTier& tier) {
  Size size;
  tier.chain().SealedState()->Scan({}, {}, [&](BytesView key, BytesView value) {
    size.entries += 1;
    size.bytes += static_cast<double>(key.size() + value.size());
    return true;
  });
  return size;
}

/// A registered, assessed and consented person on every tier: keys and values of the state.
void BM_StateOfAPerson(benchmark::State& state) {
  constexpr int kPeople = 50;
  for (auto _ : state) {
    Network network;
    const std::pair<const char*, TestTier*> tiers[] = {{"private", &network.source},
                                                       {"consortium", &network.consortium},
                                                       {"public", &network.outlet}};
    std::map<std::string, Size> before;
    for (const auto& [name, tier] : tiers) before[name] = SizeOf(*tier);
    for (int i = 0; i < kPeople; ++i) {
      const std::string person = fmt::format("person {}", i);
      Network::Must(network.source.Write("centre-a", Registration(person)));
      Network::Must(network.source.Write("centre-a", ConsentToAll(person)));
      const TxId record = Network::Must(network.source.Write("centre-a", Assessment(7000, person)));
      network.Promote(record);
      network.Review(record, {{"acme", false}, {"globex", false}});
      Network::Must(network.Publish(record));
    }
    for (const auto& [name, tier] : tiers) {
      const Size size = SizeOf(*tier);
      state.counters[fmt::format("{}_entries", name)] =
          (size.entries - before[name].entries) / kPeople;
      state.counters[fmt::format("{}_bytes", name)] = (size.bytes - before[name].bytes) / kPeople;
    }
  }
}
BENCHMARK(BM_StateOfAPerson)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace talent::tiers

int main(int argc, char** argv) {
  using namespace talent::tiers;
  benchmark::Initialize(&argc, argv);
  const Samples samples;
  for (const Sample& sample : samples.All()) {
    benchmark::RegisterBenchmark(sample.name.c_str(),
                                 [&sample](benchmark::State& state) { BM_Execute(state, sample); });
  }
  benchmark::RunSpecifiedBenchmarks();
}
