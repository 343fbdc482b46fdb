// Requests and answers of the HTTP servers.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace talent::node {

/// A GET; what HEAD asks for is answered likewise and sent without its body.
struct HttpRequest {
  std::string path;           // "/v1/chains/ab12", as sent: percent-escapes are left in
  std::string query;          // after '?', as sent
  std::string if_none_match;  // the header of that name
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};  // besides those
  std::string_view route = {};  // under which it is counted; a literal
};

/// As RFC 9457 has it, with the code's name as "reason", under the HTTP status that fits the code.
HttpResponse HttpError(const Error& error);
/// The same under another status.
HttpResponse HttpError(unsigned status, Code code, std::string message);

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

}  // namespace talent::node
