// Whole small files: read with a bound, written durably.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "base/bytes.h"
#include "base/result.h"

namespace talent {

/// The bytes of a regular file.
/// Errors: kNotFound, kTooLarge (over `max_bytes`), kIo (names the path and the reason).
Result<Bytes> ReadFile(const std::filesystem::path& path, std::size_t max_bytes);

/// Makes `directory` and those above it that are missing; on return their entries are on disk: a
/// directory that a crash forgets takes its files along. Errors: kIo.
Status MakeDirectories(const std::filesystem::path& directory);

enum class IfExists { kFail, kReplace };

/// Writes `bytes` to `path` with permissions `mode` (umask does not apply). Readers see the old
/// file, none, or all of the new one; on return it is on disk, its directory entry too. Errors:
/// kPrecondition (the file exists and may not be replaced), kIo.
Status WriteFile(const std::filesystem::path& path, BytesView bytes, mode_t mode,
                 IfExists if_exists);

}  // namespace talent
