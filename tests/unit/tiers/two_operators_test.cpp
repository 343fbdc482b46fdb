// Two operators promote into one consortium at once, from outboxes that are full: nothing is lost,
// nothing arrives twice, what is urgent overtakes. TALENT_QUEUED_RECORDS=100000 makes it a long run
// that prints its figures.

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>

#include "network.h"

namespace talent::tiers {
namespace {

constexpr std::size_t kBatch = 500;      // records of a block
constexpr std::size_t kShortRun = 1200;  // records of both operators, in CI

constexpr Millis kRound{50};  // between two blocks; nothing rises with age

std::size_t QueuedRecords() {
  const char* const set = std::getenv("TALENT_QUEUED_RECORDS");
  return set == nullptr ? kShortRun : std::strtoul(set, nullptr, 10);
}

double PeakMiB() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

ledger::Genesis OperatorGenesis(const std::string& name) {
  nlohmann::json genesis = TierGenesis("private");
  genesis["name"] = name;
  genesis["consensus"]["max_batch_transactions"] = kBatch;
  return ledger::Genesis::Parse(genesis.dump()).value();
}

ledger::Genesis SharedGenesis(const ledger::Genesis& a, const ledger::Genesis& b) {
  nlohmann::json genesis = TierGenesis("consortium");
  genesis["consensus"]["max_batch_transactions"] = 2 * kBatch;
  genesis["app"]["sources"] = {SourceJson(a), SourceJson(b)};
  genesis["app"]["sources"][1]["centres"] = {"centre-b"};
  return ledger::Genesis::Parse(genesis.dump()).value();
}

/// A private chain, its centre and its promoter.
struct Operator {
  Operator(ledger::Database& database, const std::string& id, const ledger::Genesis& genesis)
      : centre(id), key(KeyOf(id)), chain(database, genesis) {}

  /// A person with consent, and `records` assessments of it, sealed in full blocks.
  void Write(std::size_t records) {
    auto registration = Registration();
    registration.set_custodian(centre);
    ASSERT_TRUE(chain.Write(centre, registration));
    ASSERT_TRUE(chain.Write(centre, ConsentToAll()));
    for (std::size_t done = 0; done < records; done += kBatch) {
      std::vector<ledger::Transaction> batch;
      for (std::size_t i = done; i < std::min(records, done + kBatch); ++i) {
        batch.push_back(chain.Make(centre, Assessment(static_cast<std::uint32_t>(i % 10000))));
      }
      if (done == 0) first = batch.front().id;
      chain.Commit(batch);
    }
  }
  /// To be called once both chains are there.
  void OpenPromoter(ledger::Database& database, const ledger::Chain& target) {
    promoter =
        Promoter::Open(database, {.source = &chain.chain(), .target = &target, .author = &key})
            .value();
  }

  std::string centre;
  crypto::KeyPair key;
  TestTier chain;
  TxId first;
  std::unique_ptr<Promoter> promoter;
};

class TwoOperators : public ::testing::Test {
 protected:
  TwoOperators()
      : database_(
            ledger::Database::Open(dir_.path() / "db", ledger::Database::Mode::kScratch).value()),
        a_(*database_, "centre-a", OperatorGenesis("operator-a")),
        b_(*database_, "centre-b", OperatorGenesis("operator-b")),
        consortium_(*database_, SharedGenesis(a_.chain.genesis(), b_.chain.genesis())) {
    for (Operator* const op : {&a_, &b_}) op->OpenPromoter(*database_, consortium_.chain());
  }

  /// What both promoters offer, in the order they offer it, in one block.
  std::size_t CarryOnce() {
    now_ = now_ + kRound;
    std::vector<ledger::Transaction> offers;
    for (Operator* const op : {&a_, &b_}) {
      auto own = op->promoter->Step(now_).value();
      std::move(own.begin(), own.end(), std::back_inserter(offers));
    }
    std::size_t promoted = 0;
    if (offers.empty()) return 0;
    const auto receipts = consortium_.Commit(offers);
    for (std::size_t i = 0; i < offers.size(); ++i) {
      EXPECT_EQ(receipts[i], ledger::pb::RECEIPT_CODE_OK);
      promoted += offers[i].kind == "RecordPromoted";
    }
    return promoted;
  }
  std::uint64_t Waiting() const {
    return a_.promoter->stats().waiting + b_.promoter->stats().waiting;
  }

  TempDir dir_;
  std::unique_ptr<ledger::Database> database_;
  Operator a_, b_;
  TestTier consortium_;
  Timestamp now_{kStart};
};

using Clock = std::chrono::steady_clock;
double SecondsSince(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

TEST_F(TwoOperators, FullOutboxes_ArriveWholeAndOnceAndTheUrgentFirst) {
  const std::size_t records = QueuedRecords();
  const bool measured = records != kShortRun;
  for (Operator* const op : {&a_, &b_}) op->Write(records / 2);
  // The consortium is down: everything piles up in the outboxes, and what is offered is lost.
  const double before_mib = PeakMiB();
  auto begun = Clock::now();
  for (Operator* const op : {&a_, &b_}) {
    while (op->promoter->stats().scanned < op->chain.chain().head().height) {
      ASSERT_TRUE(op->promoter->Step(now_));
    }
  }
  const std::uint64_t queued = Waiting();
  ASSERT_GE(queued, records);
  if (measured) {
    fmt::print("{} queued in {:.1f} s; peak memory {:.0f} MiB, {:.0f} before\n", queued,
               SecondsSince(begun), PeakMiB(), before_mib);
  }

  now_ = now_ + Promoter::Options().retry_after;

  // One that everybody waits for comes last into the longer queue.
  const TxId urgent =
      a_.chain.Write("centre-a", Correction(a_.first, Assessment(9999))).value_or(TxId());
  begun = Clock::now();
  std::size_t carried = 0, blocks = 0, ahead = 0;
  for (; Waiting() > 0; ++blocks) {
    ASSERT_LE(blocks, records) << "it stands still";
    if (!consortium_.Read(kConsortiumRecords, urgent.View())) ahead = carried;
    carried += CarryOnce();
  }
  const double seconds = SecondsSince(begun);
  // What was under way when it came, and its original; of 256 in flight a promoter.
  EXPECT_LE(ahead, 4u * 256) << "before the correction";

  std::size_t arrived = 0;
  kConsortiumRecords.Scan(*consortium_.chain().SealedState(), {}, {},
                          [&](BytesView, const pb::ConsortiumRecord&) { return ++arrived > 0; });
  EXPECT_EQ(arrived, queued + 1) << "with the correction, none lost";
  EXPECT_EQ(carried, arrived) << "none twice";
  for (const Operator* const op : {&a_, &b_}) {
    EXPECT_EQ(op->promoter->stats().waiting, 0u);
    EXPECT_EQ(op->promoter->stats().dropped, 0u);
  }
  EXPECT_EQ(a_.promoter->stats().delivered + b_.promoter->stats().delivered, arrived);
  if (measured) {
    fmt::print(
        "{} carried in {:.1f} s, {:.0f}/s, {} blocks; {} before the correction; peak {:.0f} "
        "MiB\n",
        carried, seconds, static_cast<double>(carried) / seconds, blocks, ahead, PeakMiB());
  }
}

}  // namespace
}  // namespace talent::tiers
