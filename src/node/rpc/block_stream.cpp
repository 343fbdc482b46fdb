#include "node/rpc/block_stream.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "node/rpc/rpc_error.h"

namespace talent::node {
namespace {
class BlockStream;
}

/// Thread-safe.
class BlockStreams::OpenStreams {
 public:
  /// Errors: kExhausted, kUnavailable (stopping).
  Status Add(const std::shared_ptr<BlockStream>& stream);
  void Remove(const BlockStream* stream);
  void StopAll();

 private:
  std::mutex mutex_;
  // Guarded by mutex_.
  bool stopping_ = false;
  std::map<const BlockStream*, std::weak_ptr<BlockStream>> streams_;
};

namespace {

using Reactor = grpc::ServerWriteReactor<v1::StreamBlocksResponse>;

/// A stream that is over before it began.
class RefusedStream final : public Reactor {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }  // gRPC has no other owner to give it to
};

/// Wakes on three threads: the reader's when a block was sealed or the chain halted, gRPC's when a
/// write is done or the call is cancelled. At any time one of them owns the writing (`busy_`).
class BlockStream final : public Reactor, public std::enable_shared_from_this<BlockStream> {
 public:
  BlockStream(const ChainAccess& access, boost::asio::thread_pool& readers, ChainRunner& runner,
              const Caller& caller, Height from, std::function<void(const BlockStream*)> on_done)
      : access_(access),
        readers_(readers),
        runner_(runner),
        caller_(caller),
        next_(from),
        on_done_(std::move(on_done)) {}

  void Start() {
    self_ = shared_from_this();
    change_guard_ = runner_.OnChange([weak = weak_from_this()] {
      if (const auto stream = weak.lock()) stream->Wake();
    });
    Wake();
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    busy_ = false;
    ++next_;
    if (ok && !ended_) {
      Wake();
    } else {
      EndLocked(grpc::Status::CANCELLED);
    }
  }

  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    EndLocked(grpc::Status::CANCELLED);
  }

  void Stop() {
    const std::lock_guard lock(mutex_);
    EndLocked(ToGrpcStatus({Code::kUnavailable, "the node is stopping"}));
  }

  void OnDone() override {
    change_guard_.reset();
    on_done_(this);
    self_.reset();
  }

 private:
  /// Reads on the readers' thread: the caller may be a chain's strand.
  void Wake() {
    if (woken_.exchange(true)) return;
    boost::asio::post(readers_, [self = shared_from_this()] {
      self->woken_ = false;
      self->WriteNext();
    });
  }

  void WriteNext() {
    Height height;
    {
      const std::lock_guard lock(mutex_);
      if (busy_ || ended_) return;
      if (next_ > runner_.chain().head().height) {
        if (runner_.status().halted) EndLocked(HaltedStatus());
        return;
      }
      busy_ = true;
      height = next_;
    }
    const grpc::Status read = Read(height);  // not under the lock: OnCancel need not wait for it
    const std::lock_guard lock(mutex_);
    if (read.ok() && !ended_) {
      StartWrite(&response_);
    } else {
      busy_ = false;
      EndLocked(read);
    }
  }

  grpc::Status HaltedStatus() const {
    return ToGrpcStatus(
        {Code::kUnavailable,
         fmt::format("chain {} is halted on this node, which has its blocks up to "
                     "{}; go on from {} on another",
                     runner_.chain().genesis().name(), runner_.chain().head().height, next_)});
  }

  /// Fills response_. Only the owner of busy_ may call it.
  grpc::Status Read(Height height) {
    if (caller_.key && access_.clock().Now() > caller_.expires) {
      return UnauthenticatedStatus({Code::kExpired, "the bearer token has ended: log in again"});
    }
    auto block = access_.ReadBlock(runner_, height, caller_);
    if (!block) return ToGrpcStatus(block.error());
    response_.set_hash(block->hash());
    *response_.mutable_block() = std::move(*block->mutable_block());
    *response_.mutable_erased() = std::move(*block->mutable_erased());
    return grpc::Status::OK;
  }

  /// The first to end it says how; while a block is read or written, whoever does that finishes.
  void EndLocked(const grpc::Status& status) {
    if (!ended_) end_status_ = status;
    ended_ = true;
    if (!busy_ && !std::exchange(finished_, true)) Finish(end_status_);
  }

  const ChainAccess& access_;
  boost::asio::thread_pool& readers_;
  ChainRunner& runner_;
  const Caller caller_;
  std::shared_ptr<void> change_guard_;
  std::atomic<bool> woken_ = false;

  std::mutex mutex_;
  // Guarded by mutex_.
  bool busy_ = false;      // a block is being read or written
  bool ended_ = false;     // nothing more will be written
  bool finished_ = false;  // gRPC has been told
  grpc::Status end_status_;
  Height next_;

  v1::StreamBlocksResponse response_;  // of whoever is busy
  const std::function<void(const BlockStream*)> on_done_;
  std::shared_ptr<BlockStream> self_;  // gRPC's share, until OnDone
};

}  // namespace

Status BlockStreams::OpenStreams::Add(const std::shared_ptr<BlockStream>& stream) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return Fail(Code::kUnavailable, "the node is stopping");
  if (streams_.size() >= kMaxStreams) {
    return Fail(Code::kExhausted, "{} block streams are open, which is all this node takes",
                kMaxStreams);
  }
  streams_.emplace(stream.get(), stream);
  return {};
}

void BlockStreams::OpenStreams::Remove(const BlockStream* stream) {
  const std::lock_guard lock(mutex_);
  streams_.erase(stream);
}

void BlockStreams::OpenStreams::StopAll() {
  std::vector<std::shared_ptr<BlockStream>> running;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [key, stream] : streams_) running.push_back(stream.lock());
  }
  for (const auto& stream : running) {
    if (stream) stream->Stop();
  }
}

BlockStreams::BlockStreams(ChainAccess& access, boost::asio::thread_pool& readers)
    : access_(access), readers_(readers), open_(std::make_shared<OpenStreams>()) {}

void BlockStreams::Stop() { open_->StopAll(); }

Reactor* BlockStreams::Open(const CallMetadata& metadata, const v1::StreamBlocksRequest& request) {
  const auto runner = access_.Find(request.chain_id());
  if (!runner) return new RefusedStream(ToGrpcStatus(runner.error(), "chain_id"));
  const auto caller = access_.Identify(**runner, metadata);
  if (!caller) return new RefusedStream(UnauthenticatedStatus(caller.error()));
  if (request.from_height() == 0) {
    return new RefusedStream(ToGrpcStatus(
        {Code::kInvalidArgument, "from_height is 0; the first block is 1"}, "from_height"));
  }
  auto stream = std::make_shared<BlockStream>(
      access_, readers_, **runner, *caller, Height(request.from_height()),
      [open = open_](const BlockStream* done) { open->Remove(done); });
  if (const Status added = open_->Add(stream); !added) {
    return new RefusedStream(ToGrpcStatus(added.error()));
  }
  stream->Start();
  return stream.get();
}

}  // namespace talent::node
