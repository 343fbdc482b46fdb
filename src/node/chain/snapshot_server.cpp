#include "node/chain/snapshot_server.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "base/canonical.h"

namespace talent::node {
namespace {

v1::SnapshotRefusal RefusalOf(const Error& error) {
  switch (error.code) {
    case Code::kTooLarge:
      return v1::SNAPSHOT_REFUSAL_DIVIDE;
    case Code::kNotFound:  // not sealed here yet
    case Code::kExhausted:
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

Result<v1::SnapshotResponse> HeadOrChunk(const ledger::Database& database,
                                         const ledger::Genesis& genesis,
                                         const v1::SnapshotRequest& request, Height head) {
  v1::SnapshotResponse response;
  const Height height = request.height() == 0 ? head : Height(request.height());
  const auto source = TRY(ledger::SnapshotSource::Open(database, genesis, height));
  if (request.height() != 0) {
    response.set_chunk(TRY(ChunkOf(source, request)));
    return response;
  }
  response.set_head(Encode(TRY(source.Head())));
  if (response.head().size() > SnapshotServer::kMaxHeadBytes) {
    return Fail(Code::kPruned, "a head of {} bytes, {} are the most that is offered",
                response.head().size(), SnapshotServer::kMaxHeadBytes);
  }
  return response;
}

v1::SnapshotResponse Refusal(const Error& why, const SnapshotServer::Refused& refused) {
  v1::SnapshotResponse response;
  response.set_refusal(RefusalOf(why));
  if (refused && response.refusal() != v1::SNAPSHOT_REFUSAL_DIVIDE) refused(why);
  return response;
}

}  // namespace

v1::SnapshotResponse SnapshotServer::Answer(const ledger::Database& database,
                                            const ledger::Genesis& genesis,
                                            const v1::SnapshotRequest& request, Height head,
                                            const Refused& refused) {
  auto answer = HeadOrChunk(database, genesis, request, head);
  auto response = answer ? *std::move(answer) : Refusal(answer.error(), refused);
  response.set_id(request.id());
  return response;
}

bool SnapshotServer::Admit(const NodeKey& from) {
  Peer& peer = peers_[from];
  const std::uint64_t second = clock_.Now().value / 1000;
  if (std::exchange(peer.second, second) != second) peer.chunks = 0;
  if (std::exchange(second_, second) != second) chunks_ = 0;
  if (peer.waiting || waiting_ >= kMaxWaiting || peer.chunks >= kChunksPerSecond ||
      chunks_ >= kAllChunksPerSecond) {
    return false;
  }
  peer.waiting = true;
  peer.gone = false;
  ++peer.chunks;
  ++chunks_;
  ++waiting_;
  return true;
}

bool SnapshotServer::Served(const NodeKey& from) {
  const std::lock_guard lock(mutex_);
  --waiting_;
  const auto peer = peers_.find(from);
  peer->second.waiting = false;
  if (!peer->second.gone) return !stopped_;
  peers_.erase(peer);
  return false;
}

void SnapshotServer::OnRequest(const NodeKey& from, const v1::SnapshotRequest& request,
                               Height head) {
  {
    const std::lock_guard lock(mutex_);  // held while posting: nothing comes after Stop
    if (stopped_) return;
    if (Admit(from)) {
      boost::asio::post(strand_, [self = shared_from_this(), from, request, head] {
        if (self->IsStopped()) return;
        auto response = Answer(self->database_, self->genesis_, request, head, self->refused_);
        if (self->Served(from)) self->send_(from, std::move(response));
      });
      return;
    }
  }
  v1::SnapshotResponse busy = Refusal({Code::kExhausted, "too many at a time"}, refused_);
  busy.set_id(request.id());
  send_(from, std::move(busy));
}

void SnapshotServer::OnPeerDown(const NodeKey& peer) {
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  found->second.gone = true;
  if (!found->second.waiting) peers_.erase(found);
}

void SnapshotServer::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

bool SnapshotServer::IsStopped() {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

}  // namespace talent::node
