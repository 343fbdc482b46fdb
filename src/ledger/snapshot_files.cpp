#include "ledger/snapshot_files.h"

#include "base/canonical.h"
#include "base/file.h"
#include "ledger/storage_keys.h"

namespace talent::ledger {
namespace {

constexpr mode_t kFileMode = 0640;
/// Ten thousand changes of validators, as many as a proof may have.
constexpr std::size_t kMaxManifestBytes = 256u << 20;
/// 64 GiB of state and more: what a manifest may make a reader look for.
constexpr std::uint32_t kMaxChunks = 1u << 20;

std::string StateFile(std::uint32_t i) { return fmt::format("state-{:05}", i); }
std::string WindowFile(std::uint32_t i) { return fmt::format("window-{:05}", i); }

double Fraction(const std::optional<Hash>& next) {
  if (!next) return 1;
  return static_cast<double>(ReadBigEndian(next->View().substr(0, 8))) / 18446744073709551616.0;
}

Status PrepareDirectory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error && !std::filesystem::is_empty(directory, error) && !error) {
    return Fail(Code::kPrecondition, "{} is not empty; a snapshot gets a directory of its own",
                directory.string());
  }
  if (error) return Fail(Code::kIo, "{}: {}", directory.string(), error.message());
  return {};
}

Result<Height> FirstHeight(BytesView window_chunk) {
  const auto message = TRY(Decode<pb::WindowChunk>(TRY(InflateChunk(window_chunk))));
  if (message.blocks().empty()) return Fail(Code::kInvalidArgument, "a window chunk of no blocks");
  return Height(TRY(Decode<pb::BlockHeader>(message.blocks(0).header())).height());
}

/// A chunk below what is wanted next is here since an earlier run.
Status CheckSkipped(const StateChunk& chunk, const std::optional<Hash>& next) {
  if (!next || chunk.place.first < *next) return {};
  return Fail(Code::kCorruption, "begins at {}, where {} follows", chunk.place.first.Hex(),
              next->Hex());
}

/// A chunk's file; what is wrong with it is said by its name.
template <class Take>
Status WithFile(const std::filesystem::path& path, SnapshotProgress& done, const Take& take) {
  const Bytes packed = TRY(ReadFile(path, kMaxPackedChunk));
  const Status taken = take(packed);
  if (!taken) return Within(path.filename().string(), taken.error());
  done.bytes += packed.size();
  return {};
}

/// Until all are here, or the restore has ended its check of them.
Status AddWindowFiles(SnapshotRestore& restore, const pb::SnapshotManifest& manifest,
                      const std::filesystem::path& directory, SnapshotProgress& done) {
  const bool checking = restore.checking();
  for (std::uint32_t i = 0; i < manifest.window_chunks() && restore.checking() == checking; ++i) {
    TRY(WithFile(directory / WindowFile(i), done, [&](BytesView packed) -> Status {
      const auto next = restore.next_window();
      const auto first = TRY(FirstHeight(packed));
      if (!next || first > *next) return {};  // is here since an earlier run
      return restore.AddWindow(packed);
    }));
  }
  return {};
}

}  // namespace

Result<pb::SnapshotManifest> WriteSnapshot(const SnapshotSource& source,
                                           const std::filesystem::path& directory,
                                           const OnSnapshotProgress& progress) {
  TRY(PrepareDirectory(directory));
  pb::SnapshotManifest manifest;
  *manifest.mutable_head() = TRY(source.Head());
  const auto write = [&](const std::string& name, const Bytes& packed) -> Status {
    manifest.set_packed_bytes(manifest.packed_bytes() + packed.size());
    return WriteFile(directory / name, packed, kFileMode, IfExists::kFail);
  };
  TRY(WalkStatePlaces([&](const StateSubtree& place) -> Status {
    const SnapshotSource::Chunk chunk = TRY(source.StateChunk(place));
    TRY(write(StateFile(manifest.state_chunks()), chunk.packed));
    manifest.set_state_chunks(manifest.state_chunks() + 1);
    manifest.set_state_entries(manifest.state_entries() + chunk.count);
    manifest.set_inflated_bytes(manifest.inflated_bytes() + chunk.inflated);
    if (progress) {
      progress({Fraction(place.Next()), manifest.state_entries(), manifest.packed_bytes()});
    }
    return {};
  }));
  for (Height newest = source.height(); newest >= source.window_start();) {
    const SnapshotSource::Chunk chunk = TRY(source.WindowChunk(newest));
    TRY(write(WindowFile(manifest.window_chunks()), chunk.packed));
    manifest.set_window_chunks(manifest.window_chunks() + 1);
    manifest.set_inflated_bytes(manifest.inflated_bytes() + chunk.inflated);
    newest = newest - chunk.count;
    if (progress) progress({1, manifest.state_entries(), manifest.packed_bytes()});
  }
  TRY(WriteFile(directory / "manifest", Encode(manifest), kFileMode, IfExists::kFail));
  return manifest;
}

Result<pb::SnapshotManifest> ReadManifest(const std::filesystem::path& directory) {
  const Bytes bytes = TRY(ReadFile(directory / "manifest", kMaxManifestBytes));
  auto manifest = Decode<pb::SnapshotManifest>(bytes);
  if (!manifest) return Within((directory / "manifest").string(), manifest.error());
  if (manifest->state_chunks() > kMaxChunks || manifest->window_chunks() > kMaxChunks) {
    return Fail(Code::kTooLarge, "manifest: {} and {} chunks; at most {} of each are read",
                manifest->state_chunks(), manifest->window_chunks(), kMaxChunks);
  }
  return manifest;
}

Result<TrustedHeader> VerifySnapshot(const Genesis& genesis, const std::filesystem::path& directory,
                                     const OnSnapshotProgress& progress) {
  const auto manifest = TRY(ReadManifest(directory));
  auto trusted = VerifySnapshotHead(genesis, manifest.head());
  if (!trusted) return Within("manifest", trusted.error());
  const Hash root = TRY(Hash::FromBytes(trusted->header.state_root()));
  SnapshotProgress done;
  std::optional<Hash> next = Hash();
  for (std::uint32_t i = 0; i < manifest.state_chunks(); ++i) {
    TRY(WithFile(directory / StateFile(i), done, [&](BytesView packed) -> Status {
      const StateChunk chunk = TRY(ReadStateChunk(packed, root));
      if (!next || chunk.place.first != *next) {
        return Fail(Code::kCorruption, "begins at {}, where {} follows", chunk.place.first.Hex(),
                    next ? next->Hex() : "nothing");
      }
      next = chunk.place.Next();
      done.entries += chunk.changes.size();
      done.done = Fraction(next);
      return {};
    }));
    if (progress) progress(done);
  }
  if (next)
    return Fail(Code::kCorruption, "manifest: the state from {} on is missing", next->Hex());
  Height height(trusted->header.height());
  const Height start = WindowStart(genesis, height);
  Hash expected = trusted->hash;
  for (std::uint32_t i = 0; i < manifest.window_chunks(); ++i) {
    TRY(WithFile(directory / WindowFile(i), done, [&](BytesView packed) -> Status {
      const auto heights = TRY(ReadWindowChunk(packed, height, expected));
      height = heights.back().height - 1;
      expected = heights.back().previous_hash;
      return {};
    }));
    if (progress) progress(done);
  }
  if (height >= start) {
    return Fail(Code::kCorruption, "manifest: the window from height {} down is missing", height);
  }
  return std::move(*trusted);
}

Result<TrustedHeader> RestoreSnapshot(Database& database, const Genesis& genesis,
                                      const Application& application,
                                      const std::filesystem::path& directory,
                                      const std::optional<PinnedBlock>& pinned,
                                      const OnSnapshotProgress& progress) {
  const auto manifest = TRY(ReadManifest(directory));
  auto restore =
      TRY(SnapshotRestore::Begin(database, genesis, application, manifest.head(), pinned));
  const Hash root = TRY(Hash::FromBytes(restore.header().header.state_root()));
  SnapshotProgress done;
  // The window first: it shows the pinned block, and a node without it is of no use.
  if (restore.checking()) TRY(AddWindowFiles(restore, manifest, directory, done));
  TRY(AddWindowFiles(restore, manifest, directory, done));
  for (std::uint32_t i = 0; i < manifest.state_chunks(); ++i) {
    TRY(WithFile(directory / StateFile(i), done, [&](BytesView packed) -> Status {
      const StateChunk chunk = TRY(ReadStateChunk(packed, root));
      const auto next = restore.next_state();
      if (!next || !chunk.place.Holds(*next)) return CheckSkipped(chunk, next);
      return restore.AddState(chunk);
    }));
    done.entries = restore.entries();
    done.done = restore.state_done();
    if (progress) progress(done);
  }
  TRY(restore.Finish());
  return restore.header();
}

}  // namespace talent::ledger
