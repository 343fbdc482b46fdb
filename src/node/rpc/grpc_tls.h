// The X.509 certificate a node shows its gRPC clients, who pin it as their only root.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace talent::node {

/// PEM texts.
struct ServerCertificate {
  std::string certificate;
  std::string private_key;
};

/// A new self-signed ECDSA P-256 certificate for `names` (host names or IP addresses, put into
/// subjectAltName), valid for ten years from a day ago. P-256 because every TLS library takes it,
/// which is not so for Ed25519. Errors: kInternal (OpenSSL refused).
Result<ServerCertificate> MakeServerCertificate(const std::vector<std::string>& names);

/// Reads `<directory>/grpc.crt` and `grpc.key`, or makes and writes them (the key with mode 0600)
/// when neither is there. Errors: kIo, kPrecondition (one of the two is missing).
Result<ServerCertificate> LoadOrMakeServerCertificate(const std::filesystem::path& directory,
                                                      const std::vector<std::string>& names);

}  // namespace talent::node
