#include "node/ops/http_message.h"

#include <boost/beast/http/status.hpp>
#include <nlohmann/json.hpp>

namespace talent::node {
namespace {

unsigned HttpStatusOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kBadSignature:
    case Code::kWrongChain:
      return 400;
    case Code::kUnauthorized:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kDuplicate:
    case Code::kPrecondition:
    case Code::kExpired:
      return 409;
    case Code::kPruned:
      return 410;
    case Code::kTooLarge:
      return 413;
    case Code::kExhausted:
      return 429;
    case Code::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

HttpResponse HttpError(const Error& error) {
  return HttpError(HttpStatusOf(error.code), error.code, error.message);
}

HttpResponse HttpError(unsigned status, Code code, std::string message) {
  const nlohmann::json json = {
      {"type", "about:blank"},
      {"title", boost::beast::http::obsolete_reason(boost::beast::http::status(status))},
      {"status", status},
      {"detail", std::move(message)},
      {"reason", CodeName(code)}};
  return {status, "application/problem+json",
          json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

}  // namespace talent::node
