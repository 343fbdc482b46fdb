// Names for hashes, and messages as a reader of a story sees and writes them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "consensus/codec.h"
#include "consensus/messages.h"

namespace talent::scenarios {

using Words = std::vector<std::string>;

Words Split(std::string_view text, char separator = ' ');
/// Errors: kInvalidArgument (no number of 64 bits after `prefix`).
Result<std::uint64_t> Number(std::string_view word, std::string_view prefix = "");
/// "0,2" or "all" of `n` validators.
Result<std::vector<std::uint32_t>> Validators(std::string_view word, std::uint32_t n);

/// "PRE-PREPARE" and so on, as docs/consensus.md has them.
std::string_view KindOf(const consensus::Content& content);

/// What batches and blocks are called in a story. A block is called as its batch; where a validator
/// executes it differently, "A~twist"; on top of such a block, "A'".
class Names {
 public:
  Names();
  void AddBatch(std::string_view name);
  void AddBlock(Height height, const Hash& hash, std::string name);
  std::string Batch(const Hash& digest) const;
  std::string Block(const Hash& hash) const;
  /// The block of that name, or a hash no block has.
  Hash BlockHash(Height height, const std::string& name) const;

 private:
  std::map<Hash, std::string> batches_, blocks_;
  std::map<std::pair<Height, std::string>, Hash> block_hashes_;
};

/// "PREPARE v0 h1 A".
std::string Describe(const consensus::Content& content, const Names& names);
/// As above, of the signed part alone: evidence comes without proposals.
std::string DescribeSigned(BytesView message, const Names& names);
/// "accepted v0 h1 A".
std::string DescribeRecord(BytesView record, const Names& names);

}  // namespace talent::scenarios
