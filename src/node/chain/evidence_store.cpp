#include "node/chain/evidence_store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/canonical.h"
#include "base/file.h"

namespace talent::node {
namespace {

// Messages, and names and numbers beside them.
constexpr std::size_t kMaxEvidenceFile =
    EvidenceStore::kMaxBytes + EvidenceStore::kMaxEntries * 1024;

std::size_t SizeOf(const v1::Evidence& evidence) {
  return evidence.first().size() + evidence.second().size();
}

Result<consensus::EvidenceFacts> FactsOf(const v1::Evidence& evidence) {
  for (int k = 0; k <= static_cast<int>(consensus::EvidenceKind::kNewView); ++k) {
    const auto kind = static_cast<consensus::EvidenceKind>(k);
    if (consensus::EvidenceKindName(kind) != evidence.kind()) continue;
    return consensus::EvidenceFacts{Epoch(evidence.epoch()), ValidatorIndex(evidence.validator()),
                                    kind, View(evidence.view()), Height(evidence.height())};
  }
  return Fail(Code::kCorruption, "evidence of kind '{}'", evidence.kind());
}

}  // namespace

Result<std::unique_ptr<EvidenceStore>> EvidenceStore::Open(std::filesystem::path path) {
  auto store = std::make_unique<EvidenceStore>();
  const auto bytes = ReadFile(path, kMaxEvidenceFile);
  if (!bytes && bytes.error().code == Code::kIo) return tl::unexpected(bytes.error());
  auto file = bytes ? Decode<v1::EvidenceFile>(*bytes) : Result<v1::EvidenceFile>();
  if (bytes && file) {
    for (const v1::Evidence& evidence : file->evidence()) {
      const auto facts = FactsOf(evidence);
      if (!facts) {
        file = tl::unexpected(facts.error());
        break;
      }
      (void)store->Add(*facts, evidence);
    }
  }
  if ((!bytes && bytes.error().code != Code::kNotFound) || !file) {
    std::filesystem::path aside = path;
    aside += ".damaged";
    std::error_code error;
    std::filesystem::rename(path, aside, error);
    if (error) return Fail(Code::kIo, "cannot rename {}: {}", path.string(), error.message());
    spdlog::warn("{} cannot be read as evidence; it is {} now", path.string(), aside.string());
    store = std::make_unique<EvidenceStore>();
  }
  store->unsaved_ = false;
  store->path_ = std::move(path);
  return store;
}

bool EvidenceStore::Add(const consensus::EvidenceFacts& facts, v1::Evidence evidence) {
  const std::lock_guard lock(mutex_);
  const std::size_t size = SizeOf(evidence);
  if (entries_.size() >= kMaxEntries || bytes_ + size > kMaxBytes) return false;
  const auto of_culprit = std::count_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
    return entry.first.epoch == facts.epoch && entry.first.culprit == facts.culprit;
  });
  if (std::cmp_greater_equal(of_culprit, kMaxOfOne)) return false;
  if (!entries_.emplace(facts, std::move(evidence)).second) return false;
  bytes_ += size;
  unsaved_ = true;
  return true;
}

Status EvidenceStore::Save() {
  const std::lock_guard one_at_a_time(saving_);
  v1::EvidenceFile file;
  {
    const std::lock_guard lock(mutex_);
    if (path_.empty() || !unsaved_) return {};
    for (const auto& [facts, evidence] : entries_) *file.add_evidence() = evidence;
    unsaved_ = false;
  }
  Status saved = MakeDirectories(path_.parent_path());
  if (saved) saved = WriteFile(path_, Encode(file), 0600, IfExists::kReplace);
  if (!saved) {
    const std::lock_guard lock(mutex_);
    unsaved_ = true;
  }
  return saved;
}

bool EvidenceStore::unsaved() const {
  const std::lock_guard lock(mutex_);
  return unsaved_ && !path_.empty();
}

std::vector<v1::Evidence> EvidenceStore::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<v1::Evidence> out;
  out.reserve(entries_.size());
  for (const auto& [facts, evidence] : entries_) out.push_back(evidence);
  return out;
}

std::size_t EvidenceStore::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace talent::node
