#include "node/web/explorer_files.h"

#include <algorithm>
#include <array>

#include "base/file.h"
#include "crypto/sha256.h"
#include "node/web/query_fields.h"

namespace talent::node {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIndex = "/index.html";
/// Where the build puts files whose names hold a hash of what is in them.
constexpr std::string_view kHashed = "/assets/";
/// Scripts, styles and requests of this origin only; nothing inline, no frames, no forms.
constexpr const char* kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kTypes = {{
    {".css", "text/css; charset=utf-8"},
    {".gif", "image/gif"},
    {".html", "text/html; charset=utf-8"},
    {".ico", "image/x-icon"},
    {".jpg", "image/jpeg"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".txt", "text/plain; charset=utf-8"},
    {".wasm", "application/wasm"},
    {".webmanifest", "application/manifest+json"},
    {".woff2", "font/woff2"},
}};

std::string TypeOf(const fs::path& file) {
  const std::string extension = file.extension().string();
  for (const auto& [ending, type] : kTypes) {
    if (ending == extension) return std::string(type);
  }
  return "application/octet-stream";
}

/// Errors: kInvalidArgument: a path that steps out of its folder, or that no page and no file has.
Status CheckPath(std::string_view path) {
  if (path.find('\\') != path.npos || path.find('\0') != path.npos) {
    return Fail(Code::kInvalidArgument, "path: backslashes and zero bytes stand in no path here");
  }
  while (!path.empty()) {
    path.remove_prefix(1);  // a slash
    const auto segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") {
      return Fail(Code::kInvalidArgument, "path: '{}' stands in no path here", segment);
    }
    path.remove_prefix(segment.size());
  }
  return {};
}

}  // namespace

Result<ExplorerFiles> ExplorerFiles::Load(const fs::path& folder) {
  ExplorerFiles out;
  std::error_code error;
  std::size_t bytes = 0;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (!fs::is_regular_file(it->symlink_status(error)) || error) continue;
    File file;
    file.bytes = TRY(ReadFile(it->path(), kMaxFileBytes));
    bytes += file.bytes.size();
    if (bytes > kMaxBytes || out.files_.size() == kMaxFiles) {
      return Fail(Code::kTooLarge,
                  "{}: more than {} files or {} MiB; is this the explorer's build?",
                  folder.string(), kMaxFiles, kMaxBytes >> 20);
    }
    file.content_type = TypeOf(it->path());
    file.tag = fmt::format("\"{}\"", crypto::Sha256({file.bytes}).Hex().substr(0, 32));
    out.files_.emplace("/" + it->path().lexically_relative(folder).generic_string(),
                       std::move(file));
  }
  if (error) {
    return Fail(Code::kNotFound, "cannot read the explorer's files in {}: {}", folder.string(),
                error.message());
  }
  if (!out.files_.contains(std::string(kIndex))) {
    return Fail(Code::kNotFound, "{} holds no index.html: build the explorer first",
                folder.string());
  }
  return out;
}

HttpResponse ExplorerFiles::Answer(const HttpRequest& request) const {
  auto path = PercentDecode(request.path);
  if (!path) return HttpError(path.error());
  if (const auto good = CheckPath(*path); !good) return HttpError(good.error());
  auto found = files_.find(*path);
  // A page's path: its last part has no ending.
  const bool page = path->find('.', path->rfind('/')) == path->npos;
  if (found == files_.end() && page) found = files_.find(std::string(kIndex));
  if (found == files_.end()) {
    return HttpError(Error{Code::kNotFound, "the explorer has no file of that name"});
  }
  const auto& [name, file] = *found;
  const bool known =
      request.if_none_match == "*" || request.if_none_match.find(file.tag) != std::string::npos;
  HttpResponse out{known ? 304u : 200u, file.content_type, known ? "" : file.bytes};
  out.headers = {{"ETag", file.tag},
                 {"Cache-Control",
                  name.starts_with(kHashed) ? "public, max-age=31536000, immutable" : "no-cache"},
                 {"Content-Security-Policy", kContentPolicy},
                 {"Cross-Origin-Opener-Policy", "same-origin"},
                 {"X-Frame-Options", "DENY"}};
  return out;
}

}  // namespace talent::node
