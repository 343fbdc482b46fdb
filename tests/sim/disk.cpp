#include "sim/disk.h"

#include <rocksdb/env.h>

#include <algorithm>

#include "sim/disk_env.h"

namespace talent::sim {
namespace {

constexpr char kVotes[] = "/votes/log";
constexpr char kNewVotes[] = "/votes/log.new";
constexpr char kDamagedVotes[] = "/votes/log.damaged";

std::uint64_t HashOf(std::string_view name) {  // FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

Status ToStatus(Disk::Result result) {
  switch (result) {
    case Disk::Result::kOk:
      return {};
    case Disk::Result::kFull:
      return Fail(Code::kIo, "no space left on device");
    case Disk::Result::kDead:
      break;
  }
  return Fail(Code::kIo, "this process is dead");
}

class Votes final : public node::VoteFile {
 public:
  Votes(Disk& disk, std::function<void(BytesView, bool)> durable)
      : disk_(disk), durable_(std::move(durable)) {}

  std::string name() const override { return kVotes; }
  talent::Result<Found> Read() override {
    Found found;
    found.set_aside = disk_.Find(kDamagedVotes) != nullptr;
    file_ = disk_.Find(kVotes);
    if (file_) found.bytes = disk_.Read(file_, 0, Bytes::npos);
    return found;
  }
  Status Keep(std::size_t size) override {
    TRY(ToStatus(disk_.Truncate(file_, size)));
    return Sync(false, size);
  }
  Status Append(BytesView bytes) override {
    const std::size_t before = file_->data.size();
    TRY(ToStatus(disk_.Append(file_, bytes)));
    return Sync(false, before);
  }
  Status Replace(BytesView bytes) override {
    const Disk::FilePtr fresh = disk_.Create(kNewVotes);
    if (!fresh) return ToStatus(Disk::Result::kDead);
    TRY(ToStatus(disk_.Append(fresh, bytes)));
    TRY(ToStatus(disk_.Sync(fresh)));
    TRY(ToStatus(disk_.Rename(kNewVotes, kVotes)));
    TRY(ToStatus(disk_.SyncNames()));
    file_ = fresh;
    durable_(disk_.Read(file_, 0, Bytes::npos), true);
    return {};
  }
  Status SetAside() override { return ToStatus(disk_.Rename(kVotes, kDamagedVotes)); }

 private:
  Status Sync(bool replaced, std::size_t from) {
    const Disk::Result synced = disk_.Sync(file_);
    // On disk, whether or not the process lives to hear of it.
    if (file_->synced > from) durable_(disk_.Read(file_, from, Bytes::npos), replaced);
    return ToStatus(synced);
  }

  Disk& disk_;
  const std::function<void(BytesView, bool)> durable_;
  Disk::FilePtr file_;
};

}  // namespace

Disk::Disk() = default;
Disk::~Disk() { AwaitBackground(); }

bool Disk::Boundary() {
  if (std::this_thread::get_id() != owner_ || !boundary || boundary()) return true;
  Die();
  return false;
}

Disk::Result Disk::Writable() const {
  if (dead_) return Result::kDead;
  const bool faulty = full_ && std::this_thread::get_id() == owner_;
  return faulty ? Result::kFull : Result::kOk;
}

void Disk::Change(std::function<void(Names&)> change) {
  change(names_);
  journal_.push_back({std::move(change), std::this_thread::get_id() == owner_});
}

void Disk::SetFull(bool full) {
  const std::lock_guard lock(mutex_);
  full_ = full;
}

void Disk::Die() {
  const std::lock_guard lock(mutex_);
  dead_ = true;
}

void Disk::Revive() {
  const std::lock_guard lock(mutex_);
  dead_ = false;
}

// One number of the run's is taken whatever is on the disk, and a file's fate follows from it and
// the file's name: what RocksDB's background threads have come to at this moment must not show in
// the run.
void Disk::LosePower(Rng& rng) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t luck = rng.Next();
  const auto own = static_cast<std::uint64_t>(std::ranges::count_if(journal_, &Journalled::own));
  std::uint64_t left = Rng(luck).Below(own + 1);
  for (const Journalled& entry : journal_) {
    if (entry.own && left-- == 0) break;
    entry.change(durable_);
  }
  journal_.clear();
  for (const auto& [name, file] : durable_) {
    Rng of_file(luck ^ HashOf(name));
    const std::size_t unsynced = file->data.size() - std::min(file->synced, file->data.size());
    const std::size_t torn = unsynced == 0 ? 0 : of_file.Below(unsynced + 1);
    file->data.resize(file->data.size() - unsynced + torn);
    // The last sector may hold anything.
    if (torn > 0 && of_file.Percent(50)) {
      file->data.back() ^= static_cast<char>(of_file.Between(1, 255));
    }
    file->synced = file->data.size();
  }
  names_ = durable_;
}

std::string Disk::Rot(Rng& rng, std::string_view prefix) {
  const std::lock_guard lock(mutex_);
  Rng luck(rng.Next());
  const std::uint64_t choice = luck.Next();
  const std::string* chosen = nullptr;
  for (const auto& [name, file] : names_) {
    if (!name.starts_with(prefix) || file->data.empty()) continue;
    const auto rank = [&](const std::string& of) { return Rng(choice ^ HashOf(of)).Next(); };
    if (chosen == nullptr || rank(name) < rank(*chosen)) chosen = &name;
  }
  if (chosen == nullptr) return "";
  Bytes& data = names_.at(*chosen)->data;
  data[luck.Below(data.size())] ^= static_cast<char>(1 << luck.Below(8));
  return *chosen;
}

void Disk::BackgroundJobs(int more) {
  const std::lock_guard lock(mutex_);
  background_ += more;
  background_done_.notify_all();
}

void Disk::AwaitBackground() {
  std::unique_lock lock(mutex_);
  background_done_.wait(lock, [this] { return background_ == 0; });
}

void Disk::Erase(std::string_view prefix) {
  const std::lock_guard lock(mutex_);
  std::erase_if(names_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
  durable_ = names_;
  journal_.clear();
}

void Disk::CopyFrom(const Disk& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  names_.clear();
  for (const auto& [name, file] : other.names_) {
    names_[name] = std::make_shared<File>(File{file->data, file->data.size()});
  }
  durable_ = names_;
  journal_.clear();
}

rocksdb::Env* Disk::env() {
  if (!env_) env_ = MakeEnv(*this);
  return env_.get();
}

std::unique_ptr<node::VoteFile> Disk::OpenVotes(std::function<void(BytesView, bool)> durable) {
  return std::make_unique<Votes>(*this, std::move(durable));
}

Disk::FilePtr Disk::Find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

std::vector<std::string> Disk::List(const std::string& directory) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, file] : names_) {
    if (name.starts_with(directory + "/")) out.push_back(name.substr(directory.size() + 1));
  }
  return out;
}

Disk::FilePtr Disk::Create(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (Writable() == Result::kDead) return nullptr;
  auto file = std::make_shared<File>();
  Change([name, file](Names& names) { names[name] = file; });
  return file;
}

Disk::Result Disk::Append(const FilePtr& file, BytesView bytes) {
  const std::lock_guard lock(mutex_);
  const Result result = Writable();
  if (result == Result::kOk) file->data += bytes;
  return result;
}

Disk::Result Disk::Truncate(const FilePtr& file, std::size_t size) {
  const std::lock_guard lock(mutex_);
  const Result result = Writable();
  if (result == Result::kOk) file->data.resize(std::min(size, file->data.size()));
  return result;
}

Disk::Result Disk::Sync(const FilePtr& file) {
  if (!Boundary()) return Result::kDead;
  {
    const std::lock_guard lock(mutex_);
    if (dead_) return Result::kDead;
    file->synced = file->data.size();
  }
  return Boundary() ? Result::kOk : Result::kDead;
}

Disk::Result Disk::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (dead_) return Result::kDead;
  Change([from, to, file = names_.at(from)](Names& names) {
    names.erase(from);
    names[to] = file;
  });
  return Result::kOk;
}

Disk::Result Disk::Remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (dead_) return Result::kDead;
  Change([name](Names& names) { names.erase(name); });
  return Result::kOk;
}

Disk::Result Disk::SyncNames() {
  if (!Boundary()) return Result::kDead;
  {
    const std::lock_guard lock(mutex_);
    if (dead_) return Result::kDead;
    durable_ = names_;
    journal_.clear();
  }
  return Boundary() ? Result::kOk : Result::kDead;
}

Bytes Disk::Read(const FilePtr& file, std::size_t offset, std::size_t size) const {
  const std::lock_guard lock(mutex_);
  if (offset >= file->data.size()) return {};
  return file->data.substr(offset, size);
}

}  // namespace talent::sim
