// Commands against a node that answers over gRPC.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "crypto/key_file.h"
#include "node/rpc/grpc_server.h"
#include "unit/node/captured_command.h"
#include "unit/node/one_node_chain.h"
#include "unit/node/test_env.h"

namespace talent::node {

/// A chain of one node behind gRPC, and the key files of its centre and of acme.
class CliNode : public testing::Test {
 protected:
  void SetUp() override {
    auto certificate = MakeServerCertificate({"localhost", "127.0.0.1"});
    ASSERT_TRUE(certificate);
    ASSERT_TRUE(WriteFile(Path("ca"), certificate->certificate, 0600, IfExists::kFail));
    server_ = GrpcServer::Start({"127.0.0.1:0", std::move(*certificate), {"n", "1", nullptr}},
                                {&chain_}, clock_, random_)
                  .value();
    ASSERT_TRUE(WriteFile(Path("pass"), "correct horse", 0600, IfExists::kFail));
    for (const auto& [name, key] :
         {std::pair("centre", &chain_.centre()), std::pair("acme", &chain_.acme())}) {
      ASSERT_TRUE(crypto::WriteKeyFile(Path(name), *key, std::string("party:") + name,
                                       "correct horse", crypto::KdfCost::kInteractive, random_));
    }
  }

  std::string Path(const std::string& name) const { return (dir_.path() / name).string(); }

  /// Against that node; with `key`, as the party of that name on the chain. Prints JSON.
  int Run(std::vector<std::string> arguments, const std::string& key = "") {
    for (const std::string& more :
         {std::string("--address"), server_->listen_address(), std::string("--tls-ca"), Path("ca"),
          std::string("--output"), std::string("json")}) {
      arguments.push_back(more);
    }
    if (!key.empty()) {
      for (const std::string& more :
           {std::string("--chain"), std::string("test"), std::string("--key"), Path(key),
            std::string("--passphrase-file"), Path("pass")}) {
        arguments.push_back(more);
      }
    }
    auto captured = RunCaptured(std::move(arguments));
    out_ = std::move(captured.out);
    err_ = std::move(captured.err);
    return captured.code;
  }
  nlohmann::json Said() const { return nlohmann::json::parse(out_); }

  TempDir dir_;
  ManualClock clock_;
  crypto::SystemRandom random_;
  OneNodeChain chain_;
  std::unique_ptr<GrpcServer> server_;
  std::string out_, err_;
};

}  // namespace talent::node
