#include "ledger/state_tree.h"

#include <algorithm>

#include "crypto/sha256.h"
#include "ledger/storage_keys.h"

namespace talent::ledger {
namespace {

constexpr std::size_t kNibbles = 64;     // in a path
constexpr std::size_t kVersionSize = 8;  // of a page's key, before its place
constexpr char kLeafPrefix = 0x02;
constexpr char kNodePrefix = 0x03;

std::size_t Nibble(const Hash& path, std::size_t depth) {
  const std::uint8_t byte = path.data()[depth / 2];
  return depth % 2 == 0 ? byte >> 4 : byte & 15;
}

/// SHA-256 of prefix and both, in one piece: most of a block's hashing is here.
Hash HashPair(char prefix, const Hash& first, const Hash& second) {
  std::array<char, 1 + 2 * Hash::kSize> input;
  input[0] = prefix;
  std::memcpy(input.data() + 1, first.data(), Hash::kSize);
  std::memcpy(input.data() + 1 + Hash::kSize, second.data(), Hash::kSize);
  return crypto::Sha256(BytesView(input.data(), input.size()));
}

TreeSlot Leaf(const Hash& path, const Hash& value_hash, Height version) {
  return {TreeSlot::Kind::kLeaf, version, StateLeafHash(path, value_hash), path, value_hash};
}

TreeNode Join(const TreeNode& left, const TreeNode& right) {
  using Kind = TreeSlot::Kind;
  if (left.kind == Kind::kEmpty && right.kind != Kind::kPage) return right;
  if (right.kind == Kind::kEmpty && left.kind != Kind::kPage) return left;
  return {Kind::kPage, StateNodeHash(left.hash, right.hash)};
}

/// Subtree over the places [low, high) of a page.
TreeNode RangeOf(const TreePage& page, std::size_t low, std::size_t high) {
  if (high - low == 1) return {page.slots[low].kind, page.slots[low].hash};
  const std::size_t middle = (low + high) / 2;
  return Join(RangeOf(page, low, middle), RangeOf(page, middle, high));
}

/// Brings the nodes above `changed` slots (bit 0 is the first) up to date.
void Rehash(TreePage& page, std::uint32_t changed) {
  constexpr std::size_t kSlots = std::tuple_size_v<decltype(page.slots)>;
  const auto node = [&](std::size_t i) {
    if (i < kSlots) return page.nodes[i];
    const TreeSlot& slot = page.slots[i - kSlots];
    return TreeNode{slot.kind, slot.hash};
  };
  std::uint32_t stale = page.hashed ? changed << kSlots : ~std::uint32_t{0};  // by number of node
  for (std::size_t i = kSlots - 1; i > 0; --i) {
    if ((stale >> (2 * i) & 3) == 0) continue;
    page.nodes[i] = Join(node(2 * i), node(2 * i + 1));
    stale |= std::uint32_t{1} << i;
  }
  page.hashed = true;
}

Hash PageHash(const TreePage& page) { return RangeOf(page, 0, page.slots.size()).hash; }

class Updater {
 public:
  Updater(const TreePages& pages, Height version) : pages_(pages), version_(version) {}

  /// The subtree `slot`, `depth` nibbles down, with `changes`, which all lie in it.
  Result<TreeSlot> Apply(const TreeSlot& slot, std::size_t depth,
                         std::span<const TreeChange> changes) {
    if (changes.empty()) return slot;
    if (slot.kind != TreeSlot::Kind::kPage) return Grow(slot, depth, changes);
    TreePage page = *TRY(pages_.Load(TreePageKey(slot.version, depth, changes.front().path)));
    const std::uint32_t changed = TRY(ApplyToPlaces(page, depth, changes));
    if (changed == 0) return slot;
    old_pages_.push_back(TreePageKey(slot.version, depth, changes.front().path));
    return Store(page, changed, depth, changes.front().path);
  }

  TreeUpdate Take(const TreeSlot& root) {
    return {root, std::move(written_), std::move(old_pages_), std::move(old_leaves_)};
  }

 private:
  /// The same where the subtree was empty or a single leaf.
  Result<TreeSlot> Grow(const TreeSlot& slot, std::size_t depth,
                        std::span<const TreeChange> changes) {
    const bool had_leaf = slot.kind == TreeSlot::Kind::kLeaf;
    std::size_t puts = 0;
    bool kept = had_leaf;
    const TreeChange* put = nullptr;
    for (const TreeChange& change : changes) {
      if (had_leaf && change.path == slot.path) kept = false;
      if (change.value_hash) {
        ++puts;
        put = &change;
      }
    }
    if (puts == 0) {
      if (had_leaf && !kept) old_leaves_.push_back(slot);
      return kept ? slot : TreeSlot();
    }
    if (puts == 1 && !kept) {
      if (had_leaf) old_leaves_.push_back(slot);
      return Leaf(put->path, *put->value_hash, version_);
    }
    CHECK(depth < kNibbles, "two keys with one path");
    TreePage page;
    if (had_leaf) page.slots[Nibble(slot.path, depth)] = slot;
    const std::uint32_t changed = TRY(ApplyToPlaces(page, depth, changes));
    return Store(page, changed, depth, changes.front().path);
  }

  /// Which slots of the page changed; bit 0 is the first.
  Result<std::uint32_t> ApplyToPlaces(TreePage& page, std::size_t depth,
                                      std::span<const TreeChange> changes) {
    std::uint32_t changed = 0;
    while (!changes.empty()) {
      const std::size_t place = Nibble(changes.front().path, depth);
      std::size_t count = 1;
      while (count < changes.size() && Nibble(changes[count].path, depth) == place) ++count;
      TreeSlot next = TRY(Apply(page.slots[place], depth + 1, changes.first(count)));
      if (next != page.slots[place]) changed |= std::uint32_t{1} << place;
      page.slots[place] = next;
      changes = changes.subspan(count);
    }
    return changed;
  }

  /// What a page leaves in its parent: nothing, its only leaf, or a reference to it.
  TreeSlot Store(TreePage& page, std::uint32_t changed, std::size_t depth, const Hash& path) {
    Rehash(page, changed);
    const TreeNode& whole = page.nodes[1];
    if (whole.kind == TreeSlot::Kind::kEmpty) return {};
    if (whole.kind == TreeSlot::Kind::kLeaf) {
      return *std::find_if(page.slots.begin(), page.slots.end(),
                           [](const TreeSlot& slot) { return slot.kind == TreeSlot::Kind::kLeaf; });
    }
    written_[TreePageKey(version_, depth, path)] = std::make_shared<const TreePage>(page);
    TreeSlot reference;
    reference.kind = TreeSlot::Kind::kPage;
    reference.version = version_;
    reference.hash = whole.hash;
    return reference;
  }

  const TreePages& pages_;
  Height version_;
  std::map<Bytes, TreePagePtr> written_;
  std::vector<Bytes> old_pages_;
  std::vector<TreeSlot> old_leaves_;
};

Result<TreePagePtr> LoadChecked(const TreePages& pages, const TreeSlot& slot, std::size_t depth,
                                const Hash& path) {
  if (depth == kNibbles) return Fail(Code::kCorruption, "state tree is deeper than its paths");
  TreePagePtr page = TRY(pages.Load(TreePageKey(slot.version, depth, path)));
  if (PageHash(*page) != slot.hash) {
    return Fail(Code::kCorruption, "page {} nibbles down at {} does not hash to its reference",
                depth, path.Hex());
  }
  return page;
}

Status CheckSlot(const TreePages& pages, const TreeSlot& slot, std::size_t depth, Hash path,
                 const std::function<Status(const TreeSlot&)>& visit) {
  if (slot.kind == TreeSlot::Kind::kEmpty) return {};
  if (slot.kind == TreeSlot::Kind::kLeaf) {
    for (std::size_t i = 0; i < depth; ++i) {
      if (Nibble(slot.path, i) != Nibble(path, i)) {
        return Fail(Code::kCorruption, "leaf {} lies at another place", slot.path.Hex());
      }
    }
    return visit(slot);
  }
  const TreePagePtr page = TRY(LoadChecked(pages, slot, depth, path));
  for (std::size_t place = 0; place < page->slots.size(); ++place) {
    std::uint8_t& byte = path.data()[depth / 2];
    byte = static_cast<std::uint8_t>(depth % 2 == 0 ? place << 4 : (byte & 0xf0) | place);
    TRY(CheckSlot(pages, page->slots[place], depth + 1, path, visit));
  }
  return {};
}

}  // namespace

Hash StatePath(BytesView key) { return crypto::TaggedHash(crypto::Domain::kStateKey, {key}); }

Hash StateValueHash(BytesView value) {
  return crypto::TaggedHash(crypto::Domain::kStateValue, {value});
}

Hash StateLeafHash(const Hash& path, const Hash& value_hash) {
  return HashPair(kLeafPrefix, path, value_hash);
}

Hash StateNodeHash(const Hash& left, const Hash& right) {
  return HashPair(kNodePrefix, left, right);
}

bool StatePathBit(const Hash& path, std::size_t depth) {
  return (path.data()[depth / 8] >> (7 - depth % 8) & 1) != 0;
}

Bytes TreePageKey(Height version, std::size_t depth, const Hash& path) {
  Bytes key = BigEndian(version.value);
  key.push_back(static_cast<char>(depth));
  key.append(path.View().substr(0, (depth + 1) / 2));
  if (depth % 2 != 0) key.back() = static_cast<char>(key.back() & 0xf0);
  return key;
}

namespace {

void AppendSlot(Bytes& out, const TreeSlot& slot) {
  out.push_back(static_cast<char>(slot.kind));
  if (slot.kind == TreeSlot::Kind::kEmpty) return;
  out.append(BigEndian(slot.version.value));
  if (slot.kind == TreeSlot::Kind::kPage) {
    out.append(slot.hash.View());
  } else {
    out.append(slot.path.View()).append(slot.value_hash.View());
  }
}

}  // namespace

Bytes EncodeTreeSlot(const TreeSlot& slot) {
  Bytes out;
  AppendSlot(out, slot);
  return out;
}

Bytes EncodeTreePage(const TreePage& page) {
  constexpr std::size_t kLargest = 16 * (1 + kVersionSize + 2 * Hash::kSize);
  Bytes out;
  out.reserve(kLargest);
  for (const TreeSlot& slot : page.slots) AppendSlot(out, slot);
  return out;
}

namespace {

/// Reads one slot and takes it off `bytes`.
Result<TreeSlot> TakeSlot(BytesView& bytes) {
  const auto take = [&](std::size_t n) -> Result<BytesView> {
    if (bytes.size() < n) return Fail(Code::kCorruption, "state tree page is cut short");
    const BytesView head = bytes.substr(0, n);
    bytes.remove_prefix(n);
    return head;
  };
  TreeSlot slot;
  const char kind = TRY(take(1)).front();
  if (kind == static_cast<char>(TreeSlot::Kind::kEmpty)) return slot;
  slot.version = Height(ReadBigEndian(TRY(take(8))));
  if (kind == static_cast<char>(TreeSlot::Kind::kPage)) {
    slot.kind = TreeSlot::Kind::kPage;
    slot.hash = TRY(Hash::FromBytes(TRY(take(Hash::kSize))));
    return slot;
  }
  if (kind != static_cast<char>(TreeSlot::Kind::kLeaf)) {
    return Fail(Code::kCorruption, "state tree page names an unknown kind of node");
  }
  const Hash path = TRY(Hash::FromBytes(TRY(take(Hash::kSize))));
  return Leaf(path, TRY(Hash::FromBytes(TRY(take(Hash::kSize)))), slot.version);
}

}  // namespace

Result<TreeSlot> DecodeTreeSlot(BytesView bytes) {
  const TreeSlot slot = TRY(TakeSlot(bytes));
  if (!bytes.empty()) return Fail(Code::kCorruption, "state tree node is too long");
  return slot;
}

Result<TreePage> DecodeTreePage(BytesView bytes) {
  TreePage page;
  for (TreeSlot& slot : page.slots) slot = TRY(TakeSlot(bytes));
  if (!bytes.empty()) return Fail(Code::kCorruption, "state tree page is too long");
  return page;
}

Result<TreePagePtr> TreePageCache::Load(const Bytes& key) const {
  const auto found = by_place_.find(key.substr(kVersionSize));
  if (found != by_place_.end() && found->second.key == key) return found->second.page;
  TreePagePtr page = TRY(stored_.Load(key));
  Put(key, page);
  return page;
}

void TreePageCache::Put(const Bytes& key, TreePagePtr page) const {
  if (static_cast<std::size_t>(key[kVersionSize]) >= kLevels) return;
  by_place_[key.substr(kVersionSize)] = {key, std::move(page)};
}

Result<TreeUpdate> UpdateTree(const TreePages& pages, const TreeSlot& root, Height version,
                              std::span<const TreeChange> changes) {
  const auto unordered = [](const TreeChange& a, const TreeChange& b) { return a.path >= b.path; };
  CHECK(std::adjacent_find(changes.begin(), changes.end(), unordered) == changes.end(),
        "changes of the state tree ascend by path");
  Updater updater(pages, version);
  const TreeSlot updated = TRY(updater.Apply(root, 0, changes));
  return updater.Take(updated);
}

Result<TreeWalk> WalkTree(const TreePages& pages, const TreeSlot& root, const Hash& path) {
  TreeWalk walk;
  walk.end = root;
  for (std::size_t depth = 0; walk.end.kind == TreeSlot::Kind::kPage; ++depth) {
    if (depth == kNibbles) return Fail(Code::kCorruption, "state tree is deeper than its paths");
    const TreePagePtr page = TRY(pages.Load(TreePageKey(walk.end.version, depth, path)));
    std::size_t low = 0;
    std::size_t high = page->slots.size();
    // Down the page's four levels, or to where a single leaf or nothing is left.
    for (std::size_t bit = 4 * depth;
         high - low > 1 && RangeOf(*page, low, high).kind == TreeSlot::Kind::kPage; ++bit) {
      const std::size_t middle = (low + high) / 2;
      const bool right = StatePathBit(path, bit);
      walk.siblings.push_back(
          (right ? RangeOf(*page, low, middle) : RangeOf(*page, middle, high)).hash);
      (right ? low : high) = middle;
    }
    const auto end = page->slots.begin() + static_cast<std::ptrdiff_t>(high);
    const auto found =
        std::find_if(page->slots.begin() + static_cast<std::ptrdiff_t>(low), end,
                     [](const TreeSlot& slot) { return slot.kind != TreeSlot::Kind::kEmpty; });
    walk.end = found == end ? TreeSlot() : *found;
  }
  std::reverse(walk.siblings.begin(), walk.siblings.end());
  return walk;
}

Status CheckRootPage(const TreePages& pages, const TreeSlot& root) {
  TRY(LoadChecked(pages, root, 0, Hash()));
  return {};
}

Status CheckTree(const TreePages& pages, const TreeSlot& root,
                 const std::function<Status(const TreeSlot&)>& visit) {
  return CheckSlot(pages, root, 0, Hash(), visit);
}

bool StateSubtree::Holds(const Hash& path) const {
  const std::size_t whole = depth / 8;
  if (std::memcmp(path.data(), first.data(), whole) != 0) return false;
  const std::size_t rest = depth % 8;
  return rest == 0 || (path.data()[whole] ^ first.data()[whole]) >> (8 - rest) == 0;
}

StateSubtree StateSubtree::Parent() const {
  CHECK(depth > 0, "the whole tree is no half");
  StateSubtree parent{depth - 1, first};
  parent.first.data()[parent.depth / 8] &= static_cast<std::uint8_t>(~(0x80 >> parent.depth % 8));
  return parent;
}

std::pair<StateSubtree, StateSubtree> StateSubtree::Halves() const {
  CHECK(depth < kStateTreeDepth, "a single place has no halves");
  StateSubtree left{depth + 1, first};
  StateSubtree right = left;
  right.first.data()[depth / 8] |= static_cast<std::uint8_t>(0x80 >> depth % 8);
  return {left, right};
}

std::optional<Hash> StateSubtree::Next() const {
  Hash next = first;
  for (std::size_t bit = depth; bit-- > 0;) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> bit % 8);
    next.data()[bit / 8] ^= mask;
    if ((next.data()[bit / 8] & mask) != 0) return next;
  }
  return std::nullopt;
}

Result<std::vector<Hash>> CheckSubtree(const TreePages& pages, const TreeSlot& root,
                                       const StateSubtree& place,
                                       const std::function<Status(const TreeSlot&)>& visit) {
  std::vector<Hash> siblings;
  TreePage page;  // the one that holds the place
  page.slots[0] = root;
  std::size_t low = 0;
  std::size_t high = 1;
  for (std::size_t bit = 0; bit < place.depth; ++bit) {
    if (RangeOf(page, low, high).kind != TreeSlot::Kind::kPage) {
      return Fail(Code::kInvalidArgument, "the state does not branch {} bits down at {}", bit,
                  place.first.Hex());
    }
    if (bit % 4 == 0) {
      page = *TRY(LoadChecked(pages, page.slots[low], bit / 4, place.first));
      low = 0;
      high = page.slots.size();
    }
    const std::size_t middle = (low + high) / 2;
    const bool right = StatePathBit(place.first, bit);
    siblings.push_back((right ? RangeOf(page, low, middle) : RangeOf(page, middle, high)).hash);
    (right ? low : high) = middle;
  }
  const std::size_t depth = (place.depth + 3) / 4;  // in nibbles, of the slots
  for (; low < high; ++low) {
    Hash path = place.first;
    if (depth > 0) {
      std::uint8_t& byte = path.data()[(depth - 1) / 2];
      byte = static_cast<std::uint8_t>(depth % 2 == 1 ? low << 4 : (byte & 0xf0) | low);
    }
    TRY(CheckSlot(pages, page.slots[low], depth, path, visit));
  }
  std::reverse(siblings.begin(), siblings.end());
  return siblings;
}

}  // namespace talent::ledger
