#include "node/peers/p2p.h"

#include "node/peers/peer_network_impl.h"

namespace talent::node {

namespace asio = boost::asio;

Result<std::unique_ptr<PeerNetwork>> PeerNetwork::Start(asio::io_context& io,
                                                        const crypto::KeyPair& node_key,
                                                        Options options) {
  auto impl = std::make_shared<Impl>(io, node_key.public_key(), TRY(MakeTlsContext(node_key)),
                                     std::move(options));
  TRY(impl->Listen());
  TRY(impl->StartCoroutines());
  return std::unique_ptr<PeerNetwork>(new PeerNetwork(std::move(impl)));
}

PeerNetwork::PeerNetwork(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

PeerNetwork::~PeerNetwork() { impl_->Stop(); }

std::string PeerNetwork::listen_address() const { return impl_->listen_address(); }

void PeerNetwork::SetLearned(std::map<NodeKey, std::string> addresses) {
  impl_->SetLearned(std::move(addresses));
}

bool PeerNetwork::Send(const NodeKey& to, const v1::Frame& frame) {
  return impl_->Queue({&to, 1}, frame) == 1;
}

std::size_t PeerNetwork::SendToAll(const std::vector<NodeKey>& to, const v1::Frame& frame) {
  return impl_->Queue(to, frame);
}

std::vector<PeerNetwork::PeerInfo> PeerNetwork::peers() const { return impl_->Peers(); }

PeerNetwork::Totals PeerNetwork::totals() const { return impl_->GetTotals(); }

}  // namespace talent::node
