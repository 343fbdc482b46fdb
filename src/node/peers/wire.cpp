#include "node/peers/wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <vector>

namespace talent::node {
namespace {

// A buffer that held a large frame is given back once empty: 128 idle peers must not hold 2 GiB.
constexpr std::size_t kKeptBufferBytes = 256u << 10;

std::uint32_t ReadLength(const char* p) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < kFrameHeaderBytes; ++i) {
    out = out << 8 | static_cast<std::uint8_t>(p[i]);
  }
  return out;
}

/// Calls `on_field` with what each length-delimited field number `number` of a message holds.
template <class OnField>
void ForEachField(BytesView message, int number, OnField on_field) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(message.data()),
                                            static_cast<int>(message.size()));
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag != WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED)) {
      if (!WireFormatLite::SkipField(&in, tag)) return;
      continue;
    }
    std::uint32_t length = 0;
    if (!in.ReadVarint32(&length)) return;
    const auto begin = static_cast<std::size_t>(in.CurrentPosition());
    if (length > message.size() - begin || !in.Skip(static_cast<int>(length))) return;
    on_field(message.substr(begin, length));
  }
}

/// In a serialised Frame, over all the sync responses that parsing would merge into one. Stops at
/// what is malformed, which parsing will refuse.
std::size_t CountBlocks(BytesView frame) {
  std::size_t blocks = 0;
  ForEachField(frame, v1::Frame::kSyncResponseFieldNumber, [&](BytesView response) {
    ForEachField(response, v1::SyncResponse::kBlocksFieldNumber, [&](BytesView) { ++blocks; });
  });
  return blocks;
}

Result<v1::Frame> ParseFrame(BytesView bytes) {
  if (CountBlocks(bytes) > kMaxBlocksPerResponse) {
    return Fail(Code::kTooLarge, "a sync response of more than {} blocks", kMaxBlocksPerResponse);
  }
  v1::Frame frame;
  if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Fail(Code::kInvalidArgument, "{} bytes that are no Frame", bytes.size());
  }
  if (frame.body_case() == v1::Frame::BODY_NOT_SET || frame.chain_id().size() != ChainId::kSize) {
    return Fail(Code::kInvalidArgument, "a Frame without body or chain id");
  }
  return frame;
}

}  // namespace

WireFrame ToWire(const v1::Frame& frame, std::size_t max_bytes) {
  const std::size_t size = frame.ByteSizeLong();
  if (size > max_bytes) return nullptr;
  auto out = std::make_shared<std::string>();
  out->reserve(kFrameHeaderBytes + size);
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(size >> shift));
  frame.AppendToString(out.get());
  return out;
}

Status FrameDecoder::Feed(BytesView arrived, const std::function<Status(v1::Frame&&)>& on_frame) {
  buffer_.append(arrived);
  std::size_t done = 0;
  while (buffer_.size() - done >= kFrameHeaderBytes) {
    const std::size_t length = ReadLength(buffer_.data() + done);
    if (length > max_frame_bytes_) {
      return Fail(Code::kTooLarge, "a frame of {} bytes; at most {} are accepted", length,
                  max_frame_bytes_);
    }
    if (buffer_.size() - done - kFrameHeaderBytes < length) break;
    if (length > 0) {
      TRY(on_frame(TRY(ParseFrame(BytesView(buffer_).substr(done + kFrameHeaderBytes, length)))));
    }
    done += kFrameHeaderBytes + length;
  }
  buffer_.erase(0, done);
  if (buffer_.empty() && buffer_.capacity() > kKeptBufferBytes) buffer_.shrink_to_fit();
  return {};
}

Lane LaneOf(const v1::Frame& frame) {
  return frame.has_sync_response() || frame.has_snapshot_response() ? Lane::kBulk : Lane::kUrgent;
}

SendQueue::Pushed SendQueue::Push(Lane lane, WireFrame frame) {
  const std::size_t size = frame->size();
  const std::lock_guard lock(mutex_);
  const bool bulk = lane == Lane::kBulk;
  if (bytes_ + size > max_bytes_ || (bulk && bulk_bytes_ + size > max_bytes_ / 2)) {
    return Pushed::kFull;
  }
  bytes_ += size;
  if (bulk) bulk_bytes_ += size;
  (bulk ? bulk_ : urgent_).push_back(std::move(frame));
  return std::exchange(writer_waits_, false) ? Pushed::kQueuedWake : Pushed::kQueued;
}

std::size_t SendQueue::Take(std::size_t max_bytes, std::string& out) {
  std::vector<WireFrame> taken;
  std::size_t size = 0;
  {
    const std::lock_guard lock(mutex_);
    for (auto* lane : {&urgent_, &bulk_}) {
      while (!lane->empty() && (size == 0 || size + lane->front()->size() <= max_bytes)) {
        size += lane->front()->size();
        if (lane == &bulk_) bulk_bytes_ -= lane->front()->size();
        taken.push_back(std::move(lane->front()));
        lane->pop_front();
      }
      if (!lane->empty()) break;  // no room left: bulk does not overtake
    }
    bytes_ -= size;
    writer_waits_ = taken.empty();
  }
  // One contiguous buffer: the TLS layer writes a record per buffer it is given.
  out.clear();
  out.reserve(size);
  for (const WireFrame& frame : taken) out += *frame;
  return taken.size();
}

}  // namespace talent::node
