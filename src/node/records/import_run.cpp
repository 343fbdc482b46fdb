#include "node/records/import_run.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <map>
#include <mutex>

#include "base/canonical.h"
#include "base/file.h"

namespace talent::node {
namespace {

using Steady = std::chrono::steady_clock;
namespace pb = ::talent::tiers::v1;

constexpr std::size_t kMaxMappingBytes = 1u << 20;
constexpr std::size_t kMaxSaltBytes = 256;
constexpr std::uint32_t kPage = 1000;             // most that a node gives
constexpr std::size_t kMaxKnown = 4'000'000;      // records on the chain; about 600 MB
constexpr std::chrono::milliseconds kPause{250};  // before trying again
constexpr std::chrono::milliseconds kReport{500};
constexpr std::chrono::milliseconds kLook{250};  // at one node after the other
/// A node asked after another has not always sealed what that one has: ten seconds of pauses.
constexpr std::size_t kTriesWhileBehind = 40;
constexpr std::string_view kRecords = "rec/";

/// One record of a person, to be signed.
struct Step {
  std::string_view kind;
  Bytes payload;
  ledger::pb::Disclosure disclosure;
};

/// A person being imported: one record after the other, since each rests on those before it.
struct ImportLane {
  bool busy = false;
  ImportedPerson person;
  std::deque<Step> steps;  // still to be done, the front one under way
  Bytes transaction;       // of the front step
  TxId id;
  std::size_t client = 0;  // one node as long as it answers: another may be a block behind it
  std::size_t tries = 0;
  Steady::time_point begun;     // the front step
  Steady::time_point retry_at;  // while paused
  bool paused = false;
};

std::deque<Step> StepsOf(const ImportedPerson& person, ledger::pb::Disclosure disclosure) {
  std::deque<Step> out;
  // Who is registered and what they agreed to concerns the centre alone.
  out.push_back({"SubjectRegistered", Encode(person.registered), ledger::pb::DISCLOSURE_PRIVATE});
  if (person.consent) {
    out.push_back({"ConsentGiven", Encode(*person.consent), ledger::pb::DISCLOSURE_PRIVATE});
  }
  out.push_back({"AbilityAssessed", Encode(person.assessed), disclosure});
  if (person.training) {
    out.push_back({"TrainingCompleted", Encode(*person.training), disclosure});
  }
  return out;
}

Result<Hash> LoadOrMakeSalt(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    crypto::SystemRandom random;
    TRY(WriteFile(path, ToHex(random.Draw(Hash::kSize)) + "\n", 0600, IfExists::kFail));
  }
  std::string text = TRY(ReadFile(path, kMaxSaltBytes));
  text.erase(text.find_last_not_of(" \r\n") + 1);
  const auto salt = Hash::FromHexString(text);
  if (!salt) return Within(path.string(), salt.error());
  return *salt;
}

class ImportRun {
 public:
  ImportRun(const ImportOptions& options, const crypto::KeyPair& centre,
            const std::vector<std::unique_ptr<Client>>& clients)
      : options_(options),
        centre_(centre),
        clients_(clients),
        outboxes_(clients.size()),
        lanes_(options.in_flight) {
    for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_[i].client = i;
  }

  Result<ImportCounts> Run() {
    TRY(Open());
    TRY(LookAtChain());
    Status read;  // of the file; what is under way is brought to its end all the same
    bool more = true;
    while ((more && !stands_still_) || AnyBusy()) {
      LookAtNodes();
      for (ImportLane& lane : lanes_) {
        while (more && !lane.busy && !counts_.held &&
               !stands_still_) {  // people who are all there take no time
          const auto begun = Begin(lane);
          more = begun.value_or(false);
          if (!begun) read = tl::unexpected<Error>(begun.error());
          Report(false);
        }
        if (lane.paused && Steady::now() >= lane.retry_at) Submit(lane);
      }
      for (auto& [lane, result] : TakeAnswers()) Handle(*lane, result);
      Report(false);
    }
    Report(true);
    if (!read) return Within(options_.csv.string(), read.error());
    if (!rejects_.flush())
      return Fail(Code::kIo, "{}: cannot be written", options_.rejects.string());
    if (more) {
      return Fail(Code::kUnavailable,
                  "the chain has {} for {} s; stopped after {} rows. Run it again once it goes on: "
                  "what is there is left alone",
                  counts_.held ? fmt::format("carried none of {} records on", counts_.outbox)
                               : "sealed nothing",
                  options_.patience.value / 1000, counts_.rows);
    }
    return counts_;
  }

 private:
  struct Answer {
    ImportLane* lane;
    Result<Submitted> result;
  };

  Status Open() {
    auto mapping = TRY(ImportMapping::Parse(TRY(ReadFile(options_.mapping, kMaxMappingBytes)),
                                            options_.mapping.string()));
    if (!options_.custodian.empty()) mapping.custodian = options_.custodian;
    csv_.open(options_.csv, std::ios::binary);
    if (!csv_) return Fail(Code::kIo, "{}: cannot be opened", options_.csv.string());
    rejects_.open(options_.rejects, std::ios::trunc);
    if (!rejects_) return Fail(Code::kIo, "{}: cannot be written", options_.rejects.string());
    rejects_ << ImportReject::CsvHeader();
    const Hash salt = TRY(LoadOrMakeSalt(options_.salt_file));
    auto importer = Importer::Open(csv_, std::move(mapping), {salt, SystemClock().Now()});
    if (!importer) return Within(options_.csv.string(), std::move(importer).error());
    importer_ = std::move(*importer);
    return {};
  }

  /// What an earlier run put there.
  Status LookAtChain() {
    Bytes from;
    do {
      const auto page = TRY(clients_.front()->ScanState(options_.chain, kRecords, from, kPage));
      height_ = std::max(height_, page.as_of_height());
      for (const auto& entry : page.entries()) {
        const auto record = TRY(Decode<pb::PrivateRecord>(entry.value()));
        known_.insert_or_assign(
            {record.subject_id(), record.kind()},
            TRY(RecordId::FromBytes(BytesView(entry.key()).substr(kRecords.size()))));
      }
      if (known_.size() > kMaxKnown) {
        return Fail(Code::kTooLarge, "the chain holds more than {} records", kMaxKnown);
      }
      from = page.next_key();
    } while (!from.empty());
    return {};
  }

  /// How far the chain is, and how much waits to be carried on: all that promote hold the same,
  /// some do not promote.
  void LookAtNodes() {
    const auto now = Steady::now();
    if (now < next_look_) return;
    next_look_ = now + kLook;
    const std::size_t node = looks_++ % clients_.size();
    const auto status = clients_[node]->GetStatus().value_or(v1::GetStatusResponse());
    outboxes_[node] = 0;
    for (const auto& chain : status.chains()) {
      if (chain.chain_id() != options_.chain.View()) continue;
      outboxes_[node] = chain.outbox();
      NoteHeight(chain.height());
    }
    counts_.outbox = *std::ranges::max_element(outboxes_);
    counts_.held = counts_.outbox > options_.max_outbox &&
                   options_.disclosure != ledger::pb::DISCLOSURE_PRIVATE;
    if (!counts_.held || counts_.outbox < least_waiting_) {
      least_waiting_ = counts_.held ? counts_.outbox : UINT64_MAX;
      carried_on_ = now;
    }
    if (now >= carried_on_ + std::chrono::milliseconds(options_.patience.value)) {
      stands_still_ = true;
    }
  }

  void NoteHeight(std::uint64_t height) {
    if (height > height_) last_block_ = Steady::now();
    height_ = std::max(height_, height);
  }

  bool AnyBusy() const {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [](const ImportLane& lane) { return lane.busy; });
  }

  /// Puts the next good row into `lane`; false at the end of the file.
  Result<bool> Begin(ImportLane& lane) {
    auto person = TRY(importer_->Next([this](const ImportReject& reject) { Reject(reject); }));
    counts_.rows = importer_->rows_read();
    counts_.refused = importer_->rows_refused();
    if (!person) return false;
    lane.busy = true;
    lane.person = std::move(*person);
    lane.steps = StepsOf(lane.person, options_.disclosure);
    Advance(lane);
    return true;
  }

  /// Goes on to the first step that is not on the chain yet.
  void Advance(ImportLane& lane) {
    const Bytes& subject = lane.person.registered.subject_id();
    while (!lane.steps.empty()) {
      const auto known = known_.find({subject, std::string(lane.steps.front().kind)});
      if (known == known_.end()) {
        Sign(lane);
        lane.tries = 0;
        lane.begun = Steady::now();
        Submit(lane);
        return;
      }
      ++counts_.already_there;
      Finished(lane, known->second);
    }
    ++counts_.people;
    lane.busy = false;
  }

  /// The front step is on the chain as `id`.
  void Finished(ImportLane& lane, const RecordId& id) {
    if (lane.steps.front().kind == "AbilityAssessed" && lane.person.training) {
      lane.person.training->set_before_assessment(id.ToBytes());
      lane.steps.back().payload = Encode(*lane.person.training);
    }
    lane.steps.pop_front();
  }

  void Sign(ImportLane& lane) {
    const Step& step = lane.steps.front();
    const auto tx =
        ledger::MakeTransaction(options_.chain, step.kind, step.payload, step.disclosure,
                                Height(height_ + options_.valid_for), centre_, random_);
    lane.id = tx.id;
    lane.transaction = ledger::Serialize(tx);
  }

  Client& ClientOf(const ImportLane& lane) { return *clients_[lane.client % clients_.size()]; }

  /// Where the front step's transaction stands. A node that has restarted has forgotten our login.
  Result<v1::GetTransactionResponse> Ask(const ImportLane& lane) {
    Client& client = ClientOf(lane);
    auto answer = client.GetTransaction(options_.chain, lane.id);
    if (answer ||
        (answer.error().code != Code::kUnauthorized && answer.error().code != Code::kExpired)) {
      return answer;
    }
    TRY(client.Login(options_.chain, centre_));
    return client.GetTransaction(options_.chain, lane.id);
  }

  void Submit(ImportLane& lane) {
    lane.paused = false;
    ++lane.tries;
    ClientOf(lane).SubmitAndWait(options_.chain, lane.transaction, kOutcomeWait,
                                 [this, &lane](Result<Submitted> result) {
                                   const std::lock_guard lock(mutex_);
                                   answers_.push_back({&lane, std::move(result)});
                                   answered_.notify_one();
                                 });
  }

  std::vector<Answer> TakeAnswers() {
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, kPause, [this] { return !answers_.empty(); });
    return std::exchange(answers_, {});
  }

  void Handle(ImportLane& lane, const Result<Submitted>& result) {
    if (!result) {
      HandleError(lane, result.error());
      return;
    }
    const auto& state = result->state;
    NoteHeight(state.height());
    switch (state.status()) {
      case v1::TRANSACTION_STATUS_SEALED:
        Sealed(lane);
        return;
      case v1::TRANSACTION_STATUS_REJECTED:
        HandleError(lane,
                    {state.receipt() == ledger::pb::RECEIPT_CODE_DUPLICATE ? Code::kDuplicate
                                                                           : Code::kPrecondition,
                     fmt::format("the chain sealed it without effect: {}",
                                 ledger::pb::ReceiptCode_Name(state.receipt()))});
        return;
      case v1::TRANSACTION_STATUS_EXPIRED:
        SignAnew(lane, {Code::kExpired, "expired before it was sealed"});
        return;
      default:
        ++lane.client;
        Pause(lane, {Code::kUnavailable, "not sealed in time"});
    }
  }

  /// That the front step's transaction has expired is definite: the node has every block that could
  /// hold it (else it says PRUNED). So another may be signed in its place.
  void SignAnew(ImportLane& lane, const Error& expired) {
    if (const auto read = Ask(lane)) NoteHeight(read->as_of_height());
    Sign(lane);
    Pause(lane, expired);
  }

  void Sealed(ImportLane& lane) {
    ++counts_.sealed;
    Finished(lane, lane.id);
    Advance(lane);
  }

  void HandleError(ImportLane& lane, const Error& error) {
    switch (error.code) {
      case Code::kUnavailable:
        ++lane.client;
        Pause(lane, error);
        return;
      case Code::kExhausted:
        ++counts_.no_room;
        ++lane.client;
        Pause(lane, error);
        return;
      case Code::kExpired:
        SignAnew(lane, error);
        return;
      case Code::kNotFound:
        if (lane.tries < kTriesWhileBehind) {
          Pause(lane, error);
        } else {
          GiveUp(lane, error);
        }
        return;
      case Code::kDuplicate:
        HandleDuplicate(lane, error);
        return;
      default:
        GiveUp(lane, error);
    }
  }

  /// Our own transaction, sealed though an answer was lost; or a subject registered by another run.
  void HandleDuplicate(ImportLane& lane, const Error& error) {
    const auto read = Ask(lane);
    if (!read && lane.tries < kTriesWhileBehind) {
      ++lane.client;
      Pause(lane, read.error());
    } else if (!read) {
      GiveUp(lane, read.error());
    } else if (read->state().status() == v1::TRANSACTION_STATUS_SEALED) {
      Sealed(lane);
    } else if (lane.steps.front().kind == "SubjectRegistered") {
      ++counts_.already_there;
      lane.steps.pop_front();
      Advance(lane);
    } else {
      GiveUp(lane, error);
    }
  }

  void Pause(ImportLane& lane, const Error& error) {
    const std::chrono::milliseconds patience(options_.patience.value);
    if (Steady::now() >= std::max(lane.begun, last_block_) + patience) {
      stands_still_ = true;
      GiveUp(lane, error);
      return;
    }
    lane.paused = true;
    lane.retry_at = Steady::now() + kPause;
  }

  void GiveUp(ImportLane& lane, const Error& error) {
    ++counts_.failed;
    Reject({lane.person.row, "", fmt::format("{}: {}", lane.steps.front().kind, error.ToString())});
    lane.busy = false;
  }

  void Reject(const ImportReject& reject) { rejects_ << reject.CsvLine(); }

  void Report(bool now) {
    if (!options_.progress || (!now && Steady::now() < next_report_)) return;
    options_.progress(counts_);
    next_report_ = Steady::now() + kReport;
  }

  const ImportOptions& options_;
  const crypto::KeyPair& centre_;
  const std::vector<std::unique_ptr<Client>>& clients_;
  crypto::SystemRandom random_;
  std::ifstream csv_;
  std::ofstream rejects_;
  std::optional<Importer> importer_;
  std::map<std::pair<Bytes, std::string>, RecordId> known_;  // by subject and kind
  std::uint64_t height_ = 0;                                 // highest seen
  Steady::time_point last_block_;                            // when it was first seen
  bool stands_still_ = false;
  ImportCounts counts_;
  std::vector<std::uint64_t> outboxes_;       // of the nodes, when last asked
  std::uint64_t least_waiting_ = UINT64_MAX;  // since new people were held up
  Steady::time_point carried_on_;             // when it was least
  std::size_t looks_ = 0;
  Steady::time_point next_look_;
  Steady::time_point next_report_;
  std::vector<ImportLane> lanes_;  // never resized: calls under way point into it

  std::mutex mutex_;
  std::condition_variable answered_;
  std::vector<Answer> answers_;  // guarded by mutex_
};

}  // namespace

Result<ImportCounts> RunImport(const ImportOptions& options, const crypto::KeyPair& centre,
                               const std::vector<std::unique_ptr<Client>>& clients) {
  if (clients.empty()) return Fail(Code::kUnavailable, "no node to import through");
  return ImportRun(options, centre, clients).Run();
}

}  // namespace talent::node
