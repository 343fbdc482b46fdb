// The read API over HTTP/JSON (docs/openapi.json): what anybody may read of a node's public chains.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/ops/http_message.h"
#include "node/rpc/chain_access.h"
#include "node/rpc/node_service.h"
#include "node/web/held_states.h"
#include "node/web/query_fields.h"
#include "node/web/record_index.h"

namespace talent::node {

/// Thread-safe; reads never wait for a chain's strand.
class ReadApi {
 public:
  /// Chains, clock and random source must outlive it.
  ReadApi(NodeInfo info, const std::vector<ChainRunner*>& chains, const Clock& clock,
          Random& random);

  /// Of a path below "/api/".
  HttpResponse Answer(const HttpRequest& request);

  /// Lets go of states that nobody turns pages in any more; to be called now and then.
  void DropOldStates();

  /// "/api/v1/chains/{chain}/blocks/{height}" and so on, as the description has them.
  static std::vector<std::string_view> Routes();

 private:
  /// A chain that may be read, and what is kept for its readers.
  struct Readable {
    explicit Readable(const ChainRunner& r, const Clock& clock)
        : runner(&r), states(r.chain(), clock), records(r.chain()) {}
    const ledger::Chain& chain() const { return runner->chain(); }
    const std::string& name() const { return chain().genesis().name(); }

    const ChainRunner* runner;
    HeldStates states;
    RecordIndex records;
  };
  struct Asked {
    std::vector<std::string> path;  // values of the route's {…}, in order
    QueryFields query;
    Readable* chain = nullptr;  // where the route names one
  };
  /// How long an answer may be kept.
  enum class Fresh {
    kHead,    // until the next block
    kSealed,  // says what is sealed, with payloads that may be erased one day
    kFixed,   // for ever
  };
  struct Reply {
    std::string body;
    Fresh fresh = Fresh::kHead;
    std::string content_type = "application/json";
  };
  struct Route {
    std::string_view pattern;
    Result<Reply> (ReadApi::*answer)(Asked& asked);
  };
  static const std::vector<Route>& Table();

  Result<Reply> Dispatch(const Route& route, std::vector<std::string> path, std::string_view query);
  Result<Readable*> FindChain(const std::string& name_or_id);

  Result<Reply> Status(Asked& asked);
  Result<Reply> Chain(Asked& asked);
  Result<Reply> Genesis(Asked& asked);
  Result<Reply> Blocks(Asked& asked);
  Result<Reply> Block(Asked& asked);
  Result<Reply> Transaction(Asked& asked);
  Result<Reply> Proof(Asked& asked);
  Result<Reply> State(Asked& asked);
  Result<Reply> StateEntry(Asked& asked);
  // read_api_records.cpp.
  Result<Reply> Records(Asked& asked);
  Result<Reply> Record(Asked& asked);

  const NodeInfo info_;
  const ChainAccess access_;
  std::map<std::string, std::unique_ptr<Readable>> readable_;  // by name
};

/// As JSON text; what is not UTF-8 is replaced.
std::string JsonText(const nlohmann::json& json);

}  // namespace talent::node
