#include "node/chain/vote_log.h"

#include <cstring>
#include <optional>
#include <utility>

#include "base/file.h"
#include "crypto/ed25519.h"
#include "crypto/sha256.h"

namespace talent::node {
namespace {

// Header: magic (16) ‖ state (1) ‖ zero (15) ‖ lineage (16) ‖ owner (32) ‖ checksum (16). The owner
// is the chain; of a prepared log the key, since the chain may not exist yet.
constexpr BytesView kMagic("talent-votes/v1\0", 16);
constexpr std::size_t kLineageAt = 32, kOwnerAt = 48, kHeaderChecksumAt = 80, kHeaderSize = 96;
constexpr std::size_t kChecksumSize = 16;
// A rewritten file was put in place with its first batch: without it, it is damaged.
// A prepared one is replaced as a whole by the first batch.
enum State : char { kFresh = 0, kAfterDamage = 1, kRewritten = 2, kPrepared = 3 };

// Batch: length of the payload (4) ‖ sequence (8) ‖ checksum (16) ‖ payload, which is for each
// record its length (4) and bytes. Integers are little-endian. The checksum covers the file's
// lineage, so that blocks of an older file on the same disk do not pass for this one's.
constexpr std::size_t kBatchHeader = 4 + 8 + kChecksumSize;

template <class T>
void PutInteger(Bytes& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}
template <class T>
T GetInteger(BytesView in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  return value;
}

Bytes Checksum(BytesView lineage, BytesView prefix, BytesView payload) {
  return Bytes(crypto::Sha256({lineage, prefix, payload}).View().substr(0, kChecksumSize));
}

Bytes MakeHeader(BytesView owner, State state, Random& random) {
  Bytes out(kMagic);
  out.push_back(state);
  out.resize(kLineageAt, '\0');
  out += random.Draw(kOwnerAt - kLineageAt);
  out += owner;
  out += Checksum({}, out, {});
  return out;
}

Result<Bytes> MakeBatch(BytesView lineage, std::uint64_t sequence,
                        const std::vector<Bytes>& records) {
  Bytes payload;
  for (const Bytes& record : records) {
    if (payload.size() + record.size() + 4 > VoteLog::kMaxBatchBytes) {
      return Fail(Code::kTooLarge, "vote records of over {} bytes at once",
                  VoteLog::kMaxBatchBytes);
    }
    PutInteger(payload, static_cast<std::uint32_t>(record.size()));
    payload += record;
  }
  Bytes out;
  PutInteger(out, static_cast<std::uint32_t>(payload.size()));
  PutInteger(out, sequence);
  out += Checksum(lineage, out, payload);
  return out + payload;
}

// The payload of the batch `sequence` at the start of `bytes`, if a whole one is there.
std::optional<BytesView> ReadBatch(BytesView bytes, BytesView lineage, std::uint64_t sequence) {
  if (bytes.size() < kBatchHeader || GetInteger<std::uint64_t>(bytes.substr(4)) != sequence) {
    return std::nullopt;
  }
  const std::size_t length = GetInteger<std::uint32_t>(bytes);
  if (length > bytes.size() - kBatchHeader) return std::nullopt;
  const BytesView payload = bytes.substr(kBatchHeader, length);
  const Bytes expected = Checksum(lineage, bytes.substr(0, 12), payload);
  return bytes.substr(12, kChecksumSize) == expected ? std::optional(payload) : std::nullopt;
}

bool SplitRecords(BytesView payload, std::vector<Bytes>& out) {
  while (!payload.empty()) {
    if (payload.size() < 4) return false;
    const std::size_t length = GetInteger<std::uint32_t>(payload);
    payload.remove_prefix(4);
    if (length > payload.size()) return false;
    out.emplace_back(payload.substr(0, length));
    payload.remove_prefix(length);
  }
  return true;
}

// A later batch behind the first unreadable byte shows that what lies between had been promised.
bool LaterBatchFollows(BytesView bytes, BytesView lineage, std::uint64_t sequence) {
  for (std::size_t at = 1; at + kBatchHeader <= bytes.size(); ++at) {
    const auto found = GetInteger<std::uint64_t>(bytes.substr(at + 4));
    if (found < sequence || found - sequence > bytes.size()) continue;
    if (ReadBatch(bytes.substr(at), lineage, found)) return true;
  }
  return false;
}

struct Contents {
  std::vector<Bytes> records;
  std::uint64_t next_sequence = 0;
  std::size_t good_bytes = 0;
  bool damaged = false;
};

Contents ReadBatches(BytesView bytes, BytesView lineage) {
  Contents out;
  out.good_bytes = kHeaderSize;
  while (out.good_bytes < bytes.size()) {
    const BytesView rest = bytes.substr(out.good_bytes);
    const auto payload = ReadBatch(rest, lineage, out.next_sequence);
    if (!payload || !SplitRecords(*payload, out.records)) {
      out.damaged = LaterBatchFollows(rest, lineage, out.next_sequence);
      break;
    }
    ++out.next_sequence;
    out.good_bytes += kBatchHeader + payload->size();
  }
  return out;
}

}  // namespace

struct VoteLog::Impl {
  std::unique_ptr<VoteFile> file;
  ChainId chain;
  Random* random = nullptr;
  Bytes lineage;
  std::uint64_t next_sequence = 0;
  bool prepared = false;
  bool failed = false;

  Status Begin(State state, const std::vector<Bytes>* records) {
    const Bytes header = MakeHeader(chain.View(), state, *random);
    const Bytes new_lineage = header.substr(kLineageAt, kOwnerAt - kLineageAt);
    const Bytes batch = records ? TRY(MakeBatch(new_lineage, 0, *records)) : Bytes();
    TRY(file->Replace(header + batch));
    lineage = new_lineage;
    next_sequence = records ? 1 : 0;
    prepared = false;
    return {};
  }

  Status Append(const std::vector<Bytes>& records) {
    if (prepared) return Begin(kRewritten, &records);
    TRY(file->Append(TRY(MakeBatch(lineage, next_sequence, records))));
    ++next_sequence;
    return {};
  }

  Status Load(const crypto::PublicKey& key, Opened& out) {
    const VoteFile::Found found = TRY(file->Read());
    if (!found.bytes) {
      // Between setting a damaged file aside and beginning anew the process may have died.
      out.created = true;
      out.damaged = found.set_aside;
      return Begin(out.damaged ? kAfterDamage : kFresh, nullptr);
    }
    const Bytes& bytes = *found.bytes;
    const BytesView view(bytes);
    if (view.size() >= kMagic.size() && view.substr(0, 13) == kMagic.substr(0, 13) &&
        view.substr(0, kMagic.size()) != kMagic) {
      return Fail(Code::kFormatVersion, "{} was written by another version", file->name());
    }
    const bool header_good = view.size() >= kHeaderSize &&
                             view.substr(0, kMagic.size()) == kMagic &&
                             view.substr(kHeaderChecksumAt, kChecksumSize) ==
                                 Checksum({}, view.substr(0, kHeaderChecksumAt), {});
    if (header_good && view.size() == kHeaderSize && view[kMagic.size()] == kPrepared) {
      out.created = true;
      // Of another key this log knows nothing.
      out.unused = prepared = view.substr(kOwnerAt, Hash::kSize) == key.View();
      return prepared ? file->Keep(view.size()) : Begin(kFresh, nullptr);
    }
    Contents contents;
    contents.damaged = !header_good;
    if (header_good) {
      if (view.substr(kOwnerAt, ChainId::kSize) != chain.View()) {
        return Fail(Code::kWrongGenesis, "{} holds the votes of chain {}, not of {}", file->name(),
                    ToHex(view.substr(kOwnerAt, ChainId::kSize)), chain.Hex());
      }
      lineage = bytes.substr(kLineageAt, kOwnerAt - kLineageAt);
      contents = ReadBatches(view, lineage);
    }
    if (header_good && contents.next_sequence == 0) {
      contents.damaged = contents.damaged || bytes[kMagic.size()] == kRewritten;
    }
    if (contents.damaged) {
      out.damaged = true;
      TRY(file->SetAside());
      return Begin(kAfterDamage, nullptr);
    }
    next_sequence = contents.next_sequence;
    out.records = std::move(contents.records);
    out.torn_bytes = bytes.size() - contents.good_bytes;
    out.created = next_sequence == 0;
    out.damaged = next_sequence == 0 && bytes[kMagic.size()] == kAfterDamage;
    return file->Keep(contents.good_bytes);
  }
};

VoteLog::VoteLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VoteLog::~VoteLog() = default;

Status VoteLog::Prepare(const std::filesystem::path& path, const crypto::PublicKey& key) {
  crypto::SystemRandom random;
  return Prepare(*TRY(OpenVoteFile(path)), key, random);
}

Status VoteLog::Prepare(VoteFile& file, const crypto::PublicKey& key, Random& random) {
  const VoteFile::Found found = TRY(file.Read());
  if (found.bytes || found.set_aside) return {};
  return file.Replace(MakeHeader(key.View(), kPrepared, random));
}

bool VoteLog::IsUnused(const std::filesystem::path& path) {
  const auto header = ReadFile(path, kHeaderSize);
  if (!header) return header.error().code == Code::kNotFound;
  return header->size() == kHeaderSize && (*header)[kMagic.size()] == kPrepared;
}

Result<VoteLog::Opened> VoteLog::Open(const std::filesystem::path& path, const ChainId& chain,
                                      const crypto::PublicKey& key) {
  static crypto::SystemRandom random;
  return Open(TRY(OpenVoteFile(path)), chain, key, random);
}

Result<VoteLog::Opened> VoteLog::Open(std::unique_ptr<VoteFile> file, const ChainId& chain,
                                      const crypto::PublicKey& key, Random& random) {
  auto impl = std::make_unique<Impl>();
  impl->file = std::move(file);
  impl->chain = chain;
  impl->random = &random;
  Opened out;
  TRY(impl->Load(key, out));
  out.log.reset(new VoteLog(std::move(impl)));
  return out;
}

Status VoteLog::Append(const std::vector<Bytes>& records) {
  CHECK(!records.empty());
  if (impl_->failed) return Fail(Code::kIo, "{} failed before", impl_->file->name());
  Status status = impl_->Append(records);
  impl_->failed = !status;
  return status;
}

Status VoteLog::Rewrite(const std::vector<Bytes>& records) {
  if (impl_->failed) return Fail(Code::kIo, "{} failed before", impl_->file->name());
  Status status = impl_->Begin(kRewritten, &records);
  impl_->failed = !status;
  return status;
}

}  // namespace talent::node
