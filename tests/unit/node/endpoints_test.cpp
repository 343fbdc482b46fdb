#include "node/rpc/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/temp_dir.h"

namespace talent::node {
namespace {

class EndpointsTest : public testing::Test {
 protected:
  Error LoadError(const std::string& text) {
    EXPECT_TRUE(WriteFile(file_, text, 0600, IfExists::kReplace));
    const auto loaded = Endpoints::Load(file_);
    EXPECT_FALSE(loaded);
    return loaded ? Error{} : loaded.error();
  }

  TempDir temp_;
  const std::filesystem::path dir_ = temp_.path();
  const std::filesystem::path file_ = dir_ / "endpoints.json";
  const ChainId id_ = *ChainId::FromBytes(Bytes(32, 'i'));
};

TEST_F(EndpointsTest, WhatIsSaved_IsLoaded) {
  Endpoints endpoints;
  endpoints.chains.push_back({"centres-a", "private", id_, "genesis/centres-a.json"});
  endpoints.nodes.push_back(
      {"centre-1", "validator", 17, "127.0.0.1:1", "127.0.0.1:2", "/home/c1", "c1/grpc.crt"});
  ASSERT_TRUE(endpoints.Save(file_));
  const auto loaded = Endpoints::Load(file_);
  ASSERT_TRUE(loaded) << loaded.error().ToString();
  EXPECT_EQ(loaded->chains.at(0).id, id_);
  EXPECT_EQ(loaded->chains.at(0).genesis, (dir_ / "genesis/centres-a.json").string());
  EXPECT_EQ(loaded->nodes.at(0).pid, 17);
  EXPECT_EQ(loaded->nodes.at(0).home, "/home/c1");
  EXPECT_EQ(loaded->nodes.at(0).tls_ca, (dir_ / "c1/grpc.crt").string());
}

TEST_F(EndpointsTest, Chain_IsFoundByNameIdOrItsTierWhereThatIsOne) {
  Endpoints endpoints;
  const ChainId other = *ChainId::FromBytes(Bytes(32, 'j'));
  endpoints.chains = {{"private-a", "private", id_, ""},
                      {"private-b", "private", other, ""},
                      {"all", "public", ChainId(), ""}};
  EXPECT_EQ(endpoints.FindChain("private-b")->id, other);
  EXPECT_EQ(endpoints.FindChain(id_.Hex())->name, "private-a");
  EXPECT_EQ(endpoints.FindChain("public")->name, "all");
  EXPECT_EQ(endpoints.FindChain("private").error().code, Code::kNotFound);
}

TEST_F(EndpointsTest, DamagedFile_IsRefusedByFieldName) {
  EXPECT_EQ(LoadError("{").code, Code::kInvalidArgument);
  EXPECT_THAT(LoadError(R"({"chains":[],"nodes":[{"name":"a"}]})").message,
              testing::HasSubstr("nodes[0]"));
  EXPECT_THAT(LoadError(R"({"chains":[{"id":"zz","tier":"public"}],"nodes":[]})").message,
              testing::HasSubstr("chains[0].id"));
}

}  // namespace
}  // namespace talent::node
