// TLS for nodes: a certificate made from the node key, and the key found in a peer's certificate.
//
// Certificates carry a key and nothing else that is believed: names, dates and issuers are not
// looked at. That the peer holds the key is proved by the TLS 1.3 handshake itself.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>
#include <optional>

#include "base/result.h"
#include "crypto/ed25519.h"

namespace talent::node {

/// Version of the p2p protocol, agreed by ALPN: nodes of different versions do not connect.
inline constexpr std::string_view kP2pProtocol = "talent/1";

/// A context for both ends of mutual TLS 1.3 with an in-memory certificate self-signed by `key`.
/// Only Ed25519, X25519 and kP2pProtocol; no session resumption, so that every connection proves
/// both keys anew. Which peers to accept is for the stream's verify callback.
/// Errors: kInternal (OpenSSL refused; says what).
Result<boost::asio::ssl::context> MakeTlsContext(const crypto::KeyPair& key);

/// The Ed25519 key in a certificate; nullopt where it has another kind of key.
std::optional<crypto::PublicKey> KeyOfCertificate(const X509* certificate);

/// True once the handshake has agreed on kP2pProtocol.
bool SpeaksP2p(const SSL* ssl);

}  // namespace talent::node
