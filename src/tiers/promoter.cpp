#include "tiers/promoter.h"

#include <algorithm>
#include <map>

#include "tiers/consortium_state.h"
#include "tiers/delivery.h"
#include "tiers/outbox.h"
#include "tiers/private_rules.h"
#include "tiers/public_rules.h"
#include "tiers/sources.h"

namespace talent::tiers {
namespace {

// One Step's share of work, so that it neither blocks its thread nor fills the memory.
constexpr std::uint64_t kMaxScannedPerStep = 256;  // source blocks, or settlements
constexpr std::size_t kMaxVisitedPerStep = 4096;   // outbox entries
constexpr std::size_t kMaxEpochsPerStep = 16;      // headers that end one
// What the target keeps refusing is offered ever more rarely, so that it takes no place from the
// rest: the pause doubles up to 64 times retry_after.
constexpr std::uint32_t kMaxDoublings = 6;
constexpr std::size_t kMaxFlights = 65536;  // remembered; beyond, resting ones start anew

}  // namespace

struct Promoter::Impl {
  Impl(const Options& o, Outbox box)
      : options(o), outbox(std::move(box)), progress(std::max(o.promoters, 1u)) {}

  bool FromPrivate() const { return options.source->genesis().tier() == ledger::Tier::kPrivate; }

  // Scanning.
  Status Scan();
  Status ScanBlock(const ledger::StateReader& state, Height height, std::vector<OutboxItem>& found);
  Status ScanBlocks();
  Status ScanSettlements();

  // Offering.
  struct Round {
    Timestamp now;
    Height source_head;
    std::unique_ptr<ledger::StateReader> source;
    std::unique_ptr<ledger::StateReader> target;
    pb::Source source_there;  // what the target knows of the source
    std::vector<ledger::Transaction> out;
    std::vector<OutboxItem> delivered;
    std::vector<OutboxItem> dropped;
  };
  bool HasArrived(const ledger::StateReader& target, const OutboxItem& item) const;
  std::optional<std::string> WhyNever(const ledger::StateReader& target,
                                      const OutboxItem& item) const;
  bool IsMyTurn(Timestamp now, const OutboxItem& item) const;
  Status Consider(Round& round, const OutboxItem& item);
  Status Offer(Round& round, const OutboxItem& item);
  Status OfferWaiting(Round& round);
  Status OfferEpochs(Round& round);
  Status OfferHeaders(Round& round, const std::set<Height>& heights);
  Result<std::optional<ledger::Transaction>> Sign(const std::string& kind, Bytes payload);
  void Drop(Round& round, const OutboxItem& item, std::string_view why);
  bool IsResting(Timestamp now, const OutboxItem& item) const;
  Status Land(Round& round);
  void NoteArrival(Round& round, const OutboxItem& item);
  void CountFlights(Timestamp now);

  Options options;
  Outbox outbox;
  crypto::SystemRandom random;
  struct Flight {
    OutboxItem item;
    Timestamp offered;
    std::uint32_t times = 0;
  };
  std::map<Bytes, Flight> flights;  // by record id and status, until it has arrived
  std::size_t in_flight = 0;        // offered less than retry_after ago
  std::map<Height, Timestamp> headers_in_flight;
  // By turn: when one of its entries last arrived. Backups count from then, so that a long queue
  // is no reason to step in.
  std::vector<Timestamp> progress;
  bool started = false;
  std::string last_dropped;
  std::uint64_t skipped = 0;
  std::array<Millis, Outbox::kPriorities> oldest_age{};
};

namespace {

Bytes FlightKey(const OutboxItem& item) {
  return Concat({item.entry.record_id(), std::to_string(item.entry.status())});
}

}  // namespace

Status Promoter::Impl::Scan() { return FromPrivate() ? ScanBlocks() : ScanSettlements(); }

Status Promoter::Impl::ScanBlocks() {
  const std::uint64_t scanned = outbox.cursor().scanned();
  const std::uint64_t head = options.source->head().height.value;
  const std::uint64_t last = std::min(head, scanned + kMaxScannedPerStep);
  if (last == scanned) return {};
  const auto state = options.source->SealedState();
  std::vector<OutboxItem> found;
  for (std::uint64_t height = scanned + 1; height <= last; ++height) {
    TRY(ScanBlock(*state, Height(height), found));
  }
  TRY(state->status());
  return outbox.Append(found, last);
}

// The chain decided when it executed the record ("promote/<id>"); here the decision is only read.
Status Promoter::Impl::ScanBlock(const ledger::StateReader& state, Height height,
                                 std::vector<OutboxItem>& found) {
  auto stored = options.source->GetSealedBlock(height);
  // Left to the promoters that have it: here nothing of it could be proven.
  if (!stored && stored.error().code == Code::kPruned) {
    ++skipped;
    return {};
  }
  const auto [block, receipts] = TRY(std::move(stored));
  const auto header = TRY(Decode<ledger::pb::BlockHeader>(block.header()));
  for (int i = 0; i < block.transactions_size(); ++i) {
    // Not the index of transactions: it does not tell an unreadable entry from a later copy, and
    // the cursor would pass the record for ever.
    if (receipts[static_cast<std::size_t>(i)] != ledger::pb::RECEIPT_CODE_OK) continue;
    const Bytes& envelope = block.transactions(i).envelope();
    // What is private never leaves. Most records are; each decision that is not there is a search.
    const auto read = Decode<ledger::pb::Envelope>(envelope);
    if (read && read->disclosure() == ledger::pb::DISCLOSURE_PRIVATE) continue;
    const TxId id = ledger::TransactionId(envelope);
    const auto decision = kDecisions.Get(state, id.View());
    if (!decision) continue;
    OutboxItem item;
    item.priority = decision->priority();
    item.entry.set_record_id(id.ToBytes());
    item.entry.set_height(height.value);
    item.entry.set_index(static_cast<std::uint32_t>(i));
    item.entry.set_sealed_ms(header.time_ms());
    item.entry.set_after(decision->supersedes().empty() ? decision->contests()
                                                        : decision->supersedes());
    found.push_back(std::move(item));
  }
  return {};
}

Status Promoter::Impl::ScanSettlements() {
  // The state may be a block ahead of the head that is read first; that block's settlements cannot
  // be proven under it and wait for the next scan.
  const std::uint64_t head = options.source->head().height.value;
  const auto state = options.source->SealedState();
  std::uint64_t scanned = outbox.cursor().scanned();
  const std::uint64_t last = scanned + kMaxScannedPerStep;
  std::vector<OutboxItem> found;
  kSettled.Scan(*state, {}, BigEndian(scanned + 1), [&](BytesView key, const pb::Settled& settled) {
    if (settled.height() > head) return false;
    scanned = FromBigEndian(key);
    OutboxItem item;
    item.entry.set_record_id(settled.record_id());
    item.entry.set_height(scanned);
    item.entry.set_sealed_ms(settled.time_ms());
    item.entry.set_status(settled.status());
    found.push_back(std::move(item));
    return scanned < last;
  });
  for (OutboxItem& item : found) {
    const auto status = item.entry.status();  // 0: corrections and erasures first
    if (status == pb::RECORD_STATUS_CORRECTED || status == pb::RECORD_STATUS_ERASED) continue;
    const auto record = kConsortiumRecords.Get(*state, item.entry.record_id());
    CHECK(record.has_value(), "a settlement names a record");
    item.priority = record->priority();
  }
  TRY(state->status());
  return found.empty() ? Status{} : outbox.Append(found, scanned);
}

bool Promoter::Impl::HasArrived(const ledger::StateReader& target, const OutboxItem& item) const {
  const std::string& id = item.entry.record_id();
  if (FromPrivate()) return FindPromoted(target, options.source->id().View(), id).has_value();
  const auto published = kPublished.Get(target, id);
  if (!published || published->consortium() != options.source->id().View()) return false;
  if (!published->erased_by().empty()) return true;  // for good, whatever came first
  if (item.entry.status() == pb::RECORD_STATUS_ERASED) return false;
  return item.entry.status() != pb::RECORD_STATUS_CORRECTED || !published->superseded_by().empty();
}

// The first consortium that speaks about a record on the public chain is the only one: another
// one's word is refused there for ever, and its operators have to hear of it.
std::optional<std::string> Promoter::Impl::WhyNever(const ledger::StateReader& target,
                                                    const OutboxItem& item) const {
  if (FromPrivate()) return std::nullopt;
  const auto published = kPublished.Get(target, item.entry.record_id());
  if (!published || published->consortium() == options.source->id().View()) return std::nullopt;
  return fmt::format("consortium {} has published or erased it first, and alone speaks about it",
                     ToHex(published->consortium()));
}

bool Promoter::Impl::IsMyTurn(Timestamp now, const OutboxItem& item) const {
  const auto count = static_cast<std::uint32_t>(progress.size());
  const auto turn = static_cast<std::uint32_t>(item.entry.height() % count);
  const std::uint32_t distance = (options.rank % count + count - turn) % count;
  if (distance == 0) return true;
  const Timestamp since = std::max(progress[turn], Timestamp(item.entry.sealed_ms()));
  return now >= since + Millis(options.backup_delay.value * distance);
}

bool Promoter::Impl::IsResting(Timestamp now, const OutboxItem& item) const {
  const auto flight = flights.find(FlightKey(item));
  if (flight == flights.end()) return false;
  const std::uint32_t doublings = std::min(flight->second.times - 1, kMaxDoublings);
  return now < flight->second.offered + Millis(options.retry_after.value << doublings);
}

void Promoter::Impl::NoteArrival(Round& round, const OutboxItem& item) {
  progress[item.entry.height() % progress.size()] = round.now;
  round.delivered.push_back(item);
}

// What was offered and has arrived leaves the outbox, wherever it stands in the queue.
Status Promoter::Impl::Land(Round& round) {
  for (const auto& [key, flight] : flights) {
    if (HasArrived(*round.target, flight.item)) NoteArrival(round, flight.item);
  }
  TRY(round.target->status());
  TRY(outbox.Remove(round.delivered, {}));
  for (const OutboxItem& item : round.delivered) flights.erase(FlightKey(item));
  round.delivered.clear();
  return {};
}

void Promoter::Impl::CountFlights(Timestamp now) {
  const auto is_late = [&](Timestamp offered) { return now >= offered + options.retry_after; };
  std::erase_if(headers_in_flight, [&](const auto& header) { return is_late(header.second); });
  if (flights.size() > kMaxFlights) {
    std::erase_if(flights, [&](const auto& flight) { return is_late(flight.second.offered); });
  }
  in_flight = static_cast<std::size_t>(std::ranges::count_if(
      flights, [&](const auto& flight) { return !is_late(flight.second.offered); }));
}

void Promoter::Impl::Drop(Round& round, const OutboxItem& item, std::string_view why) {
  // What a correction takes along is met a second time in its own place.
  const auto is_same = [&](const OutboxItem& d) { return FlightKey(d) == FlightKey(item); };
  if (std::ranges::any_of(round.dropped, is_same)) return;
  flights.erase(FlightKey(item));
  last_dropped = fmt::format("record {}: {}", ToHex(item.entry.record_id()), why);
  round.dropped.push_back(item);
}

Result<std::optional<ledger::Transaction>> Promoter::Impl::Sign(const std::string& kind,
                                                                Bytes payload) {
  const ledger::ConsensusRules& rules = options.target->genesis().consensus();
  // Half of what is allowed, since other nodes may be behind this one's head.
  const Height valid_until =
      options.target->head().height + std::max<std::uint64_t>(rules.max_valid_for / 2, 1);
  auto tx = ledger::MakeTransaction(options.target->id(), kind, std::move(payload),
                                    ledger::pb::DISCLOSURE_UNSPECIFIED, valid_until,
                                    *options.author, random);
  if (tx.size() > rules.max_transaction_bytes) return std::nullopt;
  return tx;
}

// Where the target takes nothing of the source, not yet or not any more, everything waits.
Status Promoter::Impl::OfferWaiting(Round& round) {
  auto source_there = RequireSource(*round.target, options.source->id().View());
  if (!source_there) return {};
  round.source_there = *std::move(source_there);
  TRY(OfferEpochs(round));
  CountFlights(round.now);
  std::size_t visited = 0;
  Status status;
  TRY(outbox.Visit(round.now, kAgeingStep, [&](const OutboxItem& item) {
    status = Consider(round, item);
    return status.has_value() && in_flight < options.max_in_flight &&
           ++visited < kMaxVisitedPerStep;
  }));
  return status;
}

// At once, even where no record waits: until the target knows that an epoch has ended it would
// believe its old validators' seals. By every promoter, since it is rare and must not be late;
// before anything that cites a header of the epoch after.
Status Promoter::Impl::OfferEpochs(Round& round) {
  const Epoch now = options.source->epoch()->number();
  const auto state = options.source->SealedState();
  std::set<Height> ends;
  for (Epoch at(round.source_there.epoch()); at < now && ends.size() < kMaxEpochsPerStep; ++at) {
    ends.insert(TRY(ledger::ReadEndedEpoch(*state, at)).end->last);
  }
  return OfferHeaders(round, ends);
}

Status Promoter::Impl::OfferHeaders(Round& round, const std::set<Height>& heights) {
  for (const Height height : heights) {
    const Bytes key = HeaderKey(options.source->id().View(), height);
    if (headers_in_flight.contains(height) || kHeaders.Has(*round.target, key)) continue;
    auto tx = TRY(Sign("SourceHeaderAccepted", TRY(CarryHeader(*options.source, height))));
    if (!tx) return Fail(Code::kTooLarge, "header {} does not fit the target's limits", height);
    headers_in_flight.emplace(height, round.now);
    round.out.push_back(*std::move(tx));
  }
  return {};
}

Status Promoter::Impl::Offer(Round& round, const OutboxItem& item) {
  if (FromPrivate() && IsStopped(*round.source, item.entry.record_id())) {
    Drop(round, item, "it was erased, or consent was withdrawn, before it left");
    return {};
  }
  auto delivery = FromPrivate() ? PromoteRecord(*options.source, item.entry)
                                : PublishSettlement(*options.source, item.entry, round.source_head);
  if (!delivery) {
    const Code code = delivery.error().code;
    if (code != Code::kNotFound && code != Code::kPruned && code != Code::kPrecondition) {
      return tl::unexpected<Error>(std::move(delivery).error());
    }
    Drop(round, item, delivery.error().message);
    return {};
  }
  if (!delivery->cites.empty() &&
      *delivery->cites.begin() < Height(round.source_there.first_height())) {
    Drop(round, item, "it is from before the target took records of this chain");
    return {};
  }
  auto tx = TRY(Sign(delivery->kind, std::move(delivery->payload)));
  if (!tx) {
    Drop(round, item, "it is larger with its evidence than the target takes");
    return {};
  }
  // Both at once: the urgent lane orders a header before what cites it, in the same block, where
  // waiting for its seal would cost every record a block. Nodes check signatures in parallel, so
  // that now and then a record is ordered first all the same: it takes no effect (NOT_FOUND) and is
  // offered again after retry_after.
  TRY(OfferHeaders(round, delivery->cites));
  Flight& flight = flights[FlightKey(item)];
  flight.item = item;
  flight.offered = round.now;
  ++flight.times;
  ++in_flight;
  round.out.push_back(*std::move(tx));
  return {};
}

Status Promoter::Impl::Consider(Round& round, const OutboxItem& item) {
  if (HasArrived(*round.target, item)) {  // by another promoter, or before a restart
    NoteArrival(round, item);
    return {};
  }
  if (const auto why = WhyNever(*round.target, item)) {
    Drop(round, item, *why);
    return {};
  }
  if (in_flight >= options.max_in_flight || IsResting(round.now, item) ||
      !IsMyTurn(round.now, item)) {
    return {};
  }
  // What it corrects goes first, and now, whatever its own priority.
  OutboxItem first = item;
  while (!first.entry.after().empty() &&
         !FindPromoted(*round.target, options.source->id().View(), first.entry.after())) {
    // Its erasure is on the way, and stands there for it.
    if (IsErased(*round.source, first.entry.after())) return {};
    auto original = TRY(outbox.Find(first.entry.after()));
    if (!original) {
      Drop(round, item, "what it corrects neither arrived nor waits");
      return {};
    }
    first = *std::move(original);
  }
  if (IsResting(round.now, first)) return {};
  return Offer(round, first);
}

Promoter::Promoter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Promoter::~Promoter() = default;

Result<std::unique_ptr<Promoter>> Promoter::Open(ledger::Database& database, Options options) {
  CHECK(options.source != nullptr && options.target != nullptr && options.author != nullptr);
  auto outbox = TRY(Outbox::Open(database, options.source->id(), options.target->id()));
  return std::unique_ptr<Promoter>(
      new Promoter(std::make_unique<Impl>(options, std::move(outbox))));
}

Result<std::vector<ledger::Transaction>> Promoter::Step(Timestamp now) {
  Impl& impl = *impl_;
  if (!impl.started) {  // what happened before is unknown: backups wait their delay from here
    std::ranges::fill(impl.progress, now);
    impl.started = true;
  }
  TRY(impl.Scan());
  Impl::Round round{now,
                    impl.options.source->head().height,
                    impl.options.source->SealedState(),
                    impl.options.target->SealedState(),
                    {},
                    {},
                    {},
                    {}};
  TRY(impl.Land(round));
  TRY(impl.OfferWaiting(round));
  TRY(round.source->status());
  TRY(round.target->status());
  TRY(impl.outbox.Remove(round.delivered, round.dropped));
  const auto oldest = TRY(impl.outbox.OldestSealed());
  for (std::size_t priority = 0; priority < oldest.size(); ++priority) {
    impl.oldest_age[priority] = Millis(now - std::min(oldest[priority].value_or(now), now));
  }
  return std::move(round.out);
}

Promoter::Stats Promoter::stats() const {
  Stats stats;
  stats.scanned = Height(impl_->outbox.cursor().scanned());
  stats.waiting_by_priority = impl_->outbox.waiting();
  for (const std::uint64_t n : stats.waiting_by_priority) stats.waiting += n;
  stats.oldest_age_by_priority = impl_->oldest_age;
  stats.delivered = impl_->outbox.cursor().delivered();
  stats.dropped = impl_->outbox.cursor().dropped();
  stats.last_dropped = impl_->last_dropped;
  stats.skipped = impl_->skipped;
  return stats;
}

}  // namespace talent::tiers
