#include "node/peers/address_book.h"

#include "base/canonical.h"
#include "node/peers/address.h"

namespace talent::node {
namespace {

Status CheckAddress(const std::string& text) {
  if (text.size() > AddressBook::kMaxAddressBytes) {
    return Fail(Code::kInvalidArgument, "an address of {} bytes", text.size());
  }
  const auto address = TRY(ParseAddress(text));
  if (address.port == 0 || address.ToString() != text) {
    return Fail(Code::kInvalidArgument, "'{}' is no address to connect to", text);
  }
  return {};
}

}  // namespace

Result<AddressBook> AddressBook::Parse(BytesView bytes, const IsMember& is_member) {
  const auto known = TRY(Decode<v1::KnownAddresses>(bytes));
  AddressBook book;
  for (const auto& of_chain : known.chains()) {
    const auto chain = TRY(ChainId::FromBytes(of_chain.chain_id()));
    for (const auto& announced : of_chain.addresses()) {
      TRY(book.Learn(chain, announced, is_member));
    }
  }
  return book;
}

Bytes AddressBook::Serialize() const {
  v1::KnownAddresses known;
  for (const auto& [chain, entries] : chains_) {
    auto& of_chain = *known.add_chains();
    of_chain.set_chain_id(chain.ToBytes());
    for (const auto& [key, entry] : entries) *of_chain.add_addresses() = entry.announced;
  }
  return Encode(known);
}

// What costs a signature check is asked last.
Result<bool> AddressBook::Learn(const ChainId& chain, const v1::SignedAddress& announced,
                                const IsMember& is_member) {
  const auto statement = TRY(Decode<v1::AddressStatement>(announced.statement()));
  const auto key = TRY(NodeKey::FromBytes(statement.node_key()));
  const auto signature = TRY(crypto::Signature::FromBytes(announced.signature()));
  TRY(CheckAddress(statement.address()));
  if (!is_member(chain, key)) return false;
  auto& entries = chains_[chain];
  const auto it = entries.find(key);
  if (it == entries.end()) {
    if (entries.size() >= kMaxPerChain) return false;
  } else if (!it->second.settled || statement.sequence() <= it->second.sequence) {
    return false;
  }
  if (!crypto::Verify(key, crypto::Domain::kAddressSignature, chain, announced.statement(),
                      signature)) {
    return Fail(Code::kBadSignature, "the address of {} is not signed by it", key.Hex());
  }
  entries[key] = {statement.address(), statement.sequence(), announced, false};
  return true;
}

void AddressBook::Settle() {
  for (auto& [chain, entries] : chains_) {
    for (auto& [key, entry] : entries) entry.settled = true;
  }
}

const v1::SignedAddress& AddressBook::Announce(const ChainId& chain, const crypto::KeyPair& self,
                                               const std::string& address, Timestamp now) {
  Entry& entry = chains_[chain][self.public_key()];
  // Also where the clock has been set back, or the file of addresses is younger than the clock.
  entry.sequence = std::max(now.value, entry.sequence + 1);
  entry.address = address;
  v1::AddressStatement statement;
  statement.set_node_key(self.public_key().ToBytes());
  statement.set_address(address);
  statement.set_sequence(entry.sequence);
  entry.announced.set_statement(Encode(statement));
  entry.announced.set_signature(
      self.Sign(crypto::Domain::kAddressSignature, chain, entry.announced.statement()).ToBytes());
  return entry.announced;
}

const AddressBook::Entry* AddressBook::FindEntry(const ChainId& chain, const NodeKey& key) const {
  const auto entries = chains_.find(chain);
  if (entries == chains_.end()) return nullptr;
  const auto it = entries->second.find(key);
  return it == entries->second.end() ? nullptr : &it->second;
}

std::optional<std::string> AddressBook::Find(const ChainId& chain, const NodeKey& key) const {
  const Entry* const entry = FindEntry(chain, key);
  return entry == nullptr ? std::nullopt : std::optional(entry->address);
}

std::optional<v1::SignedAddress> AddressBook::AnnouncementOf(const ChainId& chain,
                                                             const NodeKey& key) const {
  const Entry* const entry = FindEntry(chain, key);
  return entry == nullptr ? std::nullopt : std::optional(entry->announced);
}

std::vector<v1::SignedAddress> AddressBook::Of(const ChainId& chain) const {
  std::vector<v1::SignedAddress> out;
  const auto entries = chains_.find(chain);
  if (entries == chains_.end()) return out;
  for (const auto& [key, entry] : entries->second) out.push_back(entry.announced);
  return out;
}

bool AddressBook::Forget(const IsMember& is_member) {
  bool any = false;
  for (auto& [chain, entries] : chains_) {
    any |= std::erase_if(entries, [&, id = chain](const auto& entry) {
             return !is_member(id, entry.first);
           }) > 0;
  }
  return any;
}

}  // namespace talent::node
