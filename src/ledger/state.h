// What execution reads and writes: a map from byte-string keys to byte-string values.
//
// Keys are "<table>/<key>" (each tier lists its tables in its header); values are canonical
// protobuf. No personal text in either: hashes, ids, small integers (invariant: erasing a payload
// erases the person).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/bytes.h"
#include "base/result.h"

namespace talent::ledger {

class StateReader {
 public:
  virtual ~StateReader() = default;
  virtual std::optional<Bytes> Get(BytesView key) const = 0;
  /// Calls `visit(key, value)` in ascending order of key for every key with `prefix` that is >=
  /// `from`, until it returns false. `from` may be empty. The views last for the call; `visit` must
  /// not write to what is being scanned (collect, then write).
  virtual void Scan(BytesView prefix, BytesView from,
                    const std::function<bool(BytesView, BytesView)>& visit) const = 0;
  /// The first failure of the storage below, after which every answer of this reader is worthless.
  /// The executor asks after every block; whoever answers clients from a reader asks before.
  virtual Status status() const { return {}; }
};

/// Writes on top of a reader; what is not written here is read from below. Not thread-safe.
class StateOverlay final : public StateReader {
 public:
  /// nullopt: deleted.
  using Writes = std::map<Bytes, std::optional<Bytes>, std::less<>>;

  /// `below` must outlive the overlay.
  explicit StateOverlay(const StateReader& below) : below_(below) {}
  // A copy would read as an overlay on the original and be none.
  StateOverlay(const StateOverlay&) = delete;
  StateOverlay& operator=(const StateOverlay&) = delete;
  /// An overlay on this one, which must outlive it.
  StateOverlay Nested() const { return StateOverlay(static_cast<const StateReader&>(*this)); }

  std::optional<Bytes> Get(BytesView key) const override;
  void Scan(BytesView prefix, BytesView from,
            const std::function<bool(BytesView, BytesView)>& visit) const override;
  Status status() const override { return below_.status(); }
  void Put(BytesView key, Bytes value);
  void Delete(BytesView key);
  /// Takes back what was written here: `key` is read from below again.
  void Forget(BytesView key);

  const Writes& writes() const { return writes_; }
  /// Gives the writes away; none are left.
  Writes TakeWrites();
  /// Moves this overlay's writes to `below`, which must be the reader it was made on.
  void CommitTo(StateOverlay& below);

 private:
  Writes::const_iterator Find(BytesView key) const;
  void Set(BytesView key, std::optional<Bytes> value);
  void Index(Writes::const_iterator added);

  const StateReader& below_;
  Writes writes_;
  // Once there are many: what to find them by. Never iterated.
  std::unordered_map<BytesView, Writes::const_iterator> index_;
};

}  // namespace talent::ledger
