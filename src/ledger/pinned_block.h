// A block that is known to be its chain's before anything of the chain is.
#pragma once

#include "base/bytes.h"
#include "base/strong.h"

namespace talent::ledger {

/// A block that an operator knows to be the chain's. Validators that have left could seal another
/// history with their old keys; it does not contain this block.
struct PinnedBlock {
  Height height;
  Hash hash;

  /// "HEIGHT:HASH". Errors: kInvalidArgument.
  static Result<PinnedBlock> Parse(std::string_view text);
  std::string Text() const;

  bool operator==(const PinnedBlock&) const = default;
};

}  // namespace talent::ledger
