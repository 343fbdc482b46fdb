// Frames as they travel: a length (4 bytes, big-endian) and that many bytes of v1::Frame.
// A length of 0 carries nothing: it opens a connection and keeps an idle one alive.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/bytes.h"
#include "talent/node/v1/p2p.pb.h"

namespace talent::node {

inline constexpr std::size_t kFrameHeaderBytes = 4;
/// Sync responses with more are refused before they are parsed: two bytes on the wire can stand for
/// a block that takes a hundred in memory.
inline constexpr std::uint32_t kMaxBlocksPerResponse = 64;

/// A frame with its length in front, shared by the queues of all peers it goes to.
using WireFrame = std::shared_ptr<const std::string>;

/// nullptr where the frame is larger than `max_bytes`.
WireFrame ToWire(const v1::Frame& frame, std::size_t max_bytes);

/// Cuts a stream of bytes into frames. Memory grows with the bytes that arrived, not with the
/// length a peer announced.
class FrameDecoder {
 public:
  explicit FrameDecoder(std::size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  /// Adds what arrived and calls `on_frame` for each frame completed by it, in order, until it
  /// returns an error, which is returned. After an error the stream is of no use.
  /// Errors: kTooLarge (bytes, or blocks), kInvalidArgument (no Frame, no body, no chain id).
  Status Feed(BytesView arrived, const std::function<Status(v1::Frame&&)>& on_frame);

 private:
  std::size_t max_frame_bytes_;
  std::string buffer_;
};

enum class Lane {
  kUrgent,  // consensus, status, transactions, requests
  kBulk,    // answers to sync and snapshot requests
};
Lane LaneOf(const v1::Frame& frame);

/// What waits to be written to one peer. Bounded in bytes, of which bulk may take half, so that a
/// slow bulk transfer neither delays votes nor crowds them out. Thread-safe.
class SendQueue {
 public:
  explicit SendQueue(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  enum class Pushed {
    kQueued,
    kQueuedWake,  // and the writer had found the queue empty: wake it
    kFull,
  };
  Pushed Push(Lane lane, WireFrame frame);

  /// Replaces `out` by the next frames, urgent ones first: as many as fit into `max_bytes`, but at
  /// least one where any waits. Returns how many; 0 means the next Push says kQueuedWake.
  std::size_t Take(std::size_t max_bytes, std::string& out);

 private:
  const std::size_t max_bytes_;
  std::mutex mutex_;  // guards all below
  std::deque<WireFrame> urgent_, bulk_;
  std::size_t bytes_ = 0, bulk_bytes_ = 0;
  bool writer_waits_ = false;
};

}  // namespace talent::node
