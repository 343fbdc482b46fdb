// The state tree: one hash over the whole state, and short proofs that a key has a value or none.
//
// A binary Merkle tree of 2^256 places, most of them empty. A key lives at the place
//   path  = TaggedHash("talent/state-key/v1", key)          first bit first, 0 left, 1 right
// with
//   value = TaggedHash("talent/state-value/v1", value bytes).
// The hash of a subtree is
//   32 zero bytes                          if it holds no key,
//   SHA-256(0x02 ‖ path ‖ value)           if it holds one key, however high the subtree is,
//   SHA-256(0x03 ‖ left ‖ right)           if it holds two or more.
// The prefixes keep leaves, nodes and the RFC 6962 trees (0x00, 0x01) apart; a leaf names its whole
// path, so it can stand for one place only. The state root is the hash of the whole tree.
//
// A proof lists the siblings from the depth where the walk along the path ends up to the root. The
// walk ends at the key's own leaf (presence), at an empty subtree, or at another key's leaf whose
// path agrees with the walk so far (both absence).
//
// Storage: four levels of the tree are one page of 16 places. Pages are written once, under the
// height that wrote them, and refer to pages of that height or lower; so every old root stays
// readable, and what no kept root reaches can be dropped.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/strong.h"

namespace talent::ledger {

/// Levels of the tree, and so most siblings of a proof.
inline constexpr std::size_t kStateTreeDepth = 256;

Hash StatePath(BytesView key);
Hash StateValueHash(BytesView value);
Hash StateLeafHash(const Hash& path, const Hash& value_hash);
Hash StateNodeHash(const Hash& left, const Hash& right);
/// Bit `depth` of `path`, the first being 0.
bool StatePathBit(const Hash& path, std::size_t depth);

/// What a subtree on a page's border is.
struct TreeSlot {
  enum class Kind : std::uint8_t { kEmpty, kLeaf, kPage };
  Kind kind = Kind::kEmpty;
  Height version;   // which wrote the page, or the leaf's value
  Hash hash;        // of the subtree; zero where empty
  Hash path;        // of a leaf
  Hash value_hash;  // of a leaf

  bool operator==(const TreeSlot&) const = default;
};

/// A subtree inside a page. A single leaf keeps its own hash however high the subtree is.
struct TreeNode {
  TreeSlot::Kind kind = TreeSlot::Kind::kEmpty;
  Hash hash;
};

/// Four levels of the tree.
struct TreePage {
  std::array<TreeSlot, 16> slots;
  /// What lies above the slots: 1 is the whole page, the halves of i are 2i and 2i + 1. Not stored:
  /// only where UpdateTree made the page (`hashed`), so that the next change hashes little.
  std::array<TreeNode, 16> nodes;
  bool hashed = false;
};
using TreePagePtr = std::shared_ptr<const TreePage>;  // shared by cache, staged blocks and readers

/// A page's key: height that wrote it (8 bytes, big endian) ‖ depth in nibbles ‖ path down to it.
Bytes TreePageKey(Height version, std::size_t depth, const Hash& path);
Bytes EncodeTreeSlot(const TreeSlot& slot);
Bytes EncodeTreePage(const TreePage& page);
/// Errors: kCorruption.
Result<TreeSlot> DecodeTreeSlot(BytesView bytes);
Result<TreePage> DecodeTreePage(BytesView bytes);

/// Where pages are read from.
class TreePages {
 public:
  virtual ~TreePages() = default;
  /// Errors: kNotFound (no such page: pruned), kCorruption, kIo.
  virtual Result<TreePagePtr> Load(const Bytes& key) const = 0;
};

/// The last used versions of the uppermost pages, in front of where pages are stored: every block
/// changes some of them, while a page further down is rarely met twice. Confined to one thread.
class TreePageCache final : public TreePages {
 public:
  static constexpr std::size_t kLevels = 4;  // of pages: at most 4,369 of them, 9 MB

  /// `stored` must outlive the cache.
  explicit TreePageCache(const TreePages& stored) : stored_(stored) {}
  Result<TreePagePtr> Load(const Bytes& key) const override;
  void Put(const Bytes& key, TreePagePtr page) const;

 private:
  struct Entry {
    Bytes key;
    TreePagePtr page;
  };
  const TreePages& stored_;
  mutable std::unordered_map<Bytes, Entry> by_place_;  // never iterated
};

struct TreeChange {
  Hash path;
  std::optional<Hash> value_hash;  // nullopt: removed
};

/// What a block makes of the tree.
struct TreeUpdate {
  TreeSlot root;
  std::map<Bytes, TreePagePtr> pages;  // new ones by key
  // What the new root does not refer to any more:
  std::vector<Bytes> old_pages;      // their keys
  std::vector<TreeSlot> old_leaves;  // whose values are other ones now, or none
};

/// The tree below `root` with `changes` (ascending by path, each path once; checked), written as
/// `version`. Reads each page on the changed paths once and hashes it once. Errors: those of Load.
Result<TreeUpdate> UpdateTree(const TreePages& pages, const TreeSlot& root, Height version,
                              std::span<const TreeChange> changes);

/// The places of the tree whose paths begin with the same `depth` bits.
struct StateSubtree {
  std::size_t depth = 0;
  Hash first;  // its lowest path

  bool Holds(const Hash& path) const;
  /// The place it is a half of. Requires depth > 0.
  StateSubtree Parent() const;
  /// Its two halves. Requires depth < kStateTreeDepth.
  std::pair<StateSubtree, StateSubtree> Halves() const;
  /// Lowest path above it; nullopt where it ends with the tree.
  std::optional<Hash> Next() const;
  bool operator==(const StateSubtree&) const = default;
};

/// Visits the leaves of `place` as CheckTree does. Returns the siblings from the place up to the
/// root. Errors: as CheckTree; kInvalidArgument (a subtree above the place holds one key or none).
Result<std::vector<Hash>> CheckSubtree(const TreePages& pages, const TreeSlot& root,
                                       const StateSubtree& place,
                                       const std::function<Status(const TreeSlot&)>& visit);

/// Where the walk along a path ends.
struct TreeWalk {
  TreeSlot end;                // leaf (of this path or another) or empty
  std::vector<Hash> siblings;  // from the end up to the root
};
/// Errors: those of Load.
Result<TreeWalk> WalkTree(const TreePages& pages, const TreeSlot& root, const Hash& path);

/// Checks that the page `root` refers to hashes to it. Errors: those of Load, kCorruption.
Status CheckRootPage(const TreePages& pages, const TreeSlot& root);

/// Visits every leaf below `root` in order of path and checks that every page hashes to what refers
/// to it, until `visit` fails. Errors: those of Load and of `visit`, kCorruption (a hash differs).
Status CheckTree(const TreePages& pages, const TreeSlot& root,
                 const std::function<Status(const TreeSlot&)>& visit);

}  // namespace talent::ledger
