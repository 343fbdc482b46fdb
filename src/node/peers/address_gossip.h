// Members of a chain tell each other where they can be reached: who knows one comes to know all.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <set>

#include "base/env.h"
#include "node/peers/address_book.h"

namespace talent::node {

/// Confined to the thread that runs the network's io_context. Announces this node, passes on what
/// is new, keeps it in a file, and has the network dial the validators.
class AddressGossip {
 public:
  struct Options {
    const crypto::KeyPair* self = nullptr;
    std::string advertise;  // empty: says nothing of itself
    std::filesystem::path file;
    std::vector<ChainId> chains;
    const Clock* clock = nullptr;
    /// Does the chain know this node, as validator or follower? Only its addresses are kept, and
    /// only it is told others.
    AddressBook::IsMember is_member;
    /// Nodes that vote now or next: those worth a connection.
    std::function<std::vector<NodeKey>(const ChainId&)> validators;
    /// Runs a job that writes to the disk, on another thread, in order.
    std::function<void(std::function<void()>)> store;
    /// Told why an address was refused.
    std::function<void(const ChainId&, const Error&)> refused;
    std::shared_ptr<spdlog::logger> log;
  };

  /// Reads the file, if there is one. `network` and `io` must outlive it. Errors: kIo,
  /// kInvalidArgument (the file is none of ours: remove it, it comes again).
  static Result<std::unique_ptr<AddressGossip>> Start(boost::asio::io_context& io,
                                                      PeerNetwork& network, Options options);

  void OnPeer(const NodeKey& peer, bool up);
  /// False: the peer passes on what it has not checked.
  bool OnAddress(const NodeKey& from, const ChainId& chain, const v1::SignedAddress& announced);

 private:
  AddressGossip(boost::asio::io_context& io, PeerNetwork& network, Options options,
                AddressBook book);
  void Tick();
  void Tell(const ChainId& chain, const v1::SignedAddress& announced, const NodeKey& peer);
  void Repeat(const ChainId& chain);
  void Plan();
  void Save();

  PeerNetwork& network_;
  const Options options_;
  AddressBook book_;
  std::map<ChainId, std::size_t> repeat_from_;  // place in the book
  boost::asio::steady_timer timer_;
  std::set<NodeKey> peers_;
  std::map<NodeKey, std::string> learned_;  // what the network was told last
  bool changed_ = false;                    // since the file was written
  std::uint64_t ticks_ = 0;
};

}  // namespace talent::node
