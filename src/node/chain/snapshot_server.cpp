#include "node/chain/snapshot_server.h"

#include <boost/asio/post.hpp>

namespace talent::node {
namespace {

v1::SnapshotRefusal RefusalOf(const Error& error) {
  switch (error.code) {
    case Code::kTooLarge:
      return v1::SNAPSHOT_REFUSAL_DIVIDE;
    case Code::kNotFound:  // not sealed here yet
      return v1::SNAPSHOT_REFUSAL_BUSY;
    default:
      return v1::SNAPSHOT_REFUSAL_GONE;
  }
}

Result<Bytes> ChunkOf(const ledger::SnapshotSource& source, const v1::SnapshotRequest& request) {
  if (request.window() != 0) return TRY(source.WindowChunk(Height(request.window()))).packed;
  if (request.depth() > ledger::kStateTreeDepth) {
    return Fail(Code::kInvalidArgument, "depth {}", request.depth());
  }
  ledger::StateSubtree place{request.depth(), TRY(Hash::FromBytes(request.path()))};
  auto chunk = source.StateChunk(place);
  // Somebody else had the asker go too far down: there is one key or none. The chunk above holds
  // it.
  while (!chunk && chunk.error().code == Code::kInvalidArgument && place.depth > 0) {
    place = place.Parent();
    chunk = source.StateChunk(place);
  }
  return std::move(TRY(std::move(chunk)).packed);
}

}  // namespace

v1::SnapshotResponse SnapshotServer::Answer(const ledger::Database& database,
                                            const ledger::Genesis& genesis,
                                            const v1::SnapshotRequest& request, Height head) {
  v1::SnapshotResponse response;
  response.set_id(request.id());
  const Height height = request.height() == 0 ? head : Height(request.height());
  const auto source = ledger::SnapshotSource::Open(database, genesis, height);
  if (!source) {
    response.set_refusal(RefusalOf(source.error()));
  } else if (request.height() == 0) {
    *response.mutable_head() = source->head();
  } else if (auto chunk = ChunkOf(*source, request)) {
    response.set_chunk(std::move(*chunk));
  } else {
    response.set_refusal(RefusalOf(chunk.error()));
  }
  return response;
}

bool SnapshotServer::Admit(const NodeKey& from) {
  const std::lock_guard lock(mutex_);
  Served& peer = served_[from];
  const std::uint64_t second = clock_.Now().value / 1000;
  if (peer.second != second) {
    peer.second = second;
    peer.chunks = 0;
  }
  if (peer.waiting || waiting_ >= kMaxWaiting || peer.chunks >= kChunksPerSecond) return false;
  peer.waiting = true;
  ++peer.chunks;
  ++waiting_;
  return true;
}

void SnapshotServer::OnRequest(const NodeKey& from, const v1::SnapshotRequest& request,
                               Height head) {
  if (!Admit(from)) {
    v1::SnapshotResponse busy;
    busy.set_id(request.id());
    busy.set_refusal(v1::SNAPSHOT_REFUSAL_BUSY);
    send_(from, std::move(busy));
    return;
  }
  boost::asio::post(strand_, [self = shared_from_this(), from, request, head] {
    auto response = Answer(self->database_, self->genesis_, request, head);
    {
      const std::lock_guard lock(self->mutex_);
      self->served_[from].waiting = false;
      --self->waiting_;
    }
    self->send_(from, std::move(response));
  });
}

void SnapshotServer::OnPeerDown(const NodeKey& peer) {
  const std::lock_guard lock(mutex_);
  const auto found = served_.find(peer);
  if (found != served_.end() && !found->second.waiting) served_.erase(found);
}

}  // namespace talent::node
