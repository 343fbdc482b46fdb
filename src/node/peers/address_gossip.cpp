#include "node/peers/address_gossip.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/file.h"

namespace talent::node {
namespace {

// How soon a change of validators is followed by connections to them.
constexpr std::chrono::seconds kGossipTick{1};
// Every so many ticks this node says again where it is, and where some of the others are: a peer
// may have heard it before it knew them for members. As often a node is believed another address.
constexpr std::uint64_t kTicksBetweenAnnouncements = 20;
// Of a chain and peer at a time; what comes next is said the next time.
constexpr std::size_t kRepeated = 128;
// A full book of each of the chains a node can host, with room.
constexpr std::size_t kMaxAddressFile = 32u << 20;

}  // namespace

Result<std::unique_ptr<AddressGossip>> AddressGossip::Start(boost::asio::io_context& io,
                                                            PeerNetwork& network, Options options) {
  AddressBook book;
  if (const auto bytes = ReadFile(options.file, kMaxAddressFile)) {
    auto parsed = AddressBook::Parse(*bytes, options.is_member);
    if (!parsed) return Within(options.file.string(), parsed.error());
    book = *std::move(parsed);
  } else if (bytes.error().code != Code::kNotFound) {
    return tl::unexpected(bytes.error());
  }
  std::unique_ptr<AddressGossip> gossip(
      new AddressGossip(io, network, std::move(options), std::move(book)));
  gossip->Tick();
  return gossip;
}

AddressGossip::AddressGossip(boost::asio::io_context& io, PeerNetwork& network, Options options,
                             AddressBook book)
    : network_(network), options_(std::move(options)), book_(std::move(book)), timer_(io) {
  if (options_.advertise.empty()) return;
  for (const ChainId& chain : options_.chains) {
    (void)book_.Announce(chain, *options_.self, options_.advertise, options_.clock->Now());
  }
}

void AddressGossip::OnPeer(const NodeKey& peer, bool up) {
  if (!up) {
    peers_.erase(peer);
    return;
  }
  peers_.insert(peer);
  for (const ChainId& chain : options_.chains) {
    for (const v1::SignedAddress& known : book_.Of(chain)) Tell(chain, known, peer);
  }
}

bool AddressGossip::OnAddress(const NodeKey& from, const ChainId& chain,
                              const v1::SignedAddress& announced) {
  if (!options_.is_member(chain, from)) {
    options_.refused(chain, {Code::kUnauthorized, "from a node that is no member"});
    return true;  // it may know more of the chain than we do
  }
  const auto news = book_.Learn(chain, announced, options_.is_member);
  if (!news) {
    options_.refused(chain, news.error());
    options_.log->warn("peer {}: {}", from.Hex().substr(0, 12), news.error().ToString());
    return false;
  }
  if (!*news) return true;
  for (const NodeKey& peer : peers_) {
    if (peer != from) Tell(chain, announced, peer);
  }
  changed_ = true;
  return true;
}

void AddressGossip::Tell(const ChainId& chain, const v1::SignedAddress& announced,
                         const NodeKey& peer) {
  if (!options_.is_member(chain, peer)) return;
  v1::Frame frame;
  frame.set_chain_id(chain.ToBytes());
  *frame.mutable_address() = announced;
  network_.Send(peer, frame);
}

void AddressGossip::Tick() {
  if (ticks_++ % kTicksBetweenAnnouncements == 0) {
    changed_ |= book_.Forget([this](const ChainId& chain, const NodeKey& key) {
      return key == options_.self->public_key() || options_.is_member(chain, key);
    });
    for (const ChainId& chain : options_.chains) Repeat(chain);
    book_.Settle();
  }
  Plan();
  if (std::exchange(changed_, false)) Save();
  timer_.expires_after(kGossipTick);
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec) Tick();
  });
}

void AddressGossip::Repeat(const ChainId& chain) {
  std::vector<v1::SignedAddress> again = book_.Of(chain);
  if (again.size() > kRepeated) {
    std::size_t& from = repeat_from_[chain];
    std::rotate(again.begin(), again.begin() + static_cast<std::ptrdiff_t>(from % again.size()),
                again.end());
    from = (from + kRepeated) % again.size();
    again.resize(kRepeated);
    if (const auto own = book_.AnnouncementOf(chain, options_.self->public_key())) {
      again.push_back(*own);
    }
  }
  for (const NodeKey& peer : peers_) {
    for (const v1::SignedAddress& known : again) Tell(chain, known, peer);
  }
}

void AddressGossip::Plan() {
  std::map<NodeKey, std::string> wanted;
  for (const ChainId& chain : options_.chains) {
    for (const NodeKey& key : options_.validators(chain)) {
      if (key == options_.self->public_key()) continue;
      if (const auto address = book_.Find(chain, key)) wanted[key] = *address;
    }
  }
  if (wanted == learned_) return;
  learned_ = wanted;
  network_.SetLearned(std::move(wanted));
}

void AddressGossip::Save() {
  options_.store([file = options_.file, bytes = book_.Serialize(), log = options_.log] {
    if (const Status saved = WriteFile(file, bytes, 0600, IfExists::kReplace); !saved) {
      log->warn("addresses of nodes are not kept: {}", saved.error().ToString());
    }
  });
}

}  // namespace talent::node
