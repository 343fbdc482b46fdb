// Chains, blocks and transactions as docs/openapi.json describes them.
#pragma once

#include <nlohmann/json.hpp>

#include "node/rpc/chain_access.h"

namespace talent::node {

/// Schema "Chain".
nlohmann::json ChainJson(const ChainRunner& runner);
/// What "ChainDetail" has besides.
nlohmann::json ChainDetailJson(const ledger::Chain& chain);

/// Schema "BlockSummary". Errors: kNotFound, kPruned, kCorruption, kIo.
Result<nlohmann::json> BlockSummaryJson(const ledger::Chain& chain, Height height);

/// Of payloads in one block's answer; more are left out, each can be asked for by itself.
inline constexpr std::size_t kMaxBlockPayloadBytes = 1u << 20;

/// Schema "Block". Errors: as BlockSummaryJson.
Result<nlohmann::json> BlockJson(const ChainAccess& access, const ChainRunner& runner,
                                 Height height);

/// Schema "TransactionAnswer". Errors: also kNotFound (unknown here).
Result<nlohmann::json> TransactionAnswerJson(const ChainAccess& access, const ChainRunner& runner,
                                             const TxId& id);

/// Schema "ErasedInfo".
nlohmann::json ErasedJson(const ledger::pb::ErasedEntry& erased);

/// Hexadecimal text; null where there are no bytes.
nlohmann::json HexOrNull(BytesView bytes);
/// "FULL" of DISCLOSURE_FULL.
std::string ShortName(const std::string& name, std::string_view prefix);

}  // namespace talent::node
