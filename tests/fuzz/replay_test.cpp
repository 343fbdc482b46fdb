// Every input of the corpus, and some made of it, through its target: what was found once stays
// found. Real fuzzing is scripts/fuzz.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "base/file.h"
#include "fuzz/target.h"

namespace talent::fuzz {
namespace {

constexpr std::size_t kMaxInput = 1u << 20;
constexpr int kMutations = 3;  // of each input

std::vector<Bytes> Corpus(const std::string& target) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(TALENT_FUZZ_CORPUS) / target)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> out;
  for (const auto& path : paths) out.push_back(ReadFile(path, kMaxInput).value());
  return out;
}

std::vector<std::string> Names() {
  std::vector<std::string> out;
  for (const auto& [name, target] : Targets()) out.push_back(name);
  return out;
}

class FuzzReplay : public testing::TestWithParam<std::string> {};

TEST_P(FuzzReplay, CorpusIsTakenOrRefused) {
  const Target target = Targets().at(GetParam());
  std::mt19937 random(1);
  target("");
  for (const Bytes& input : Corpus(GetParam())) {
    target(input);
    for (int i = 0; i < kMutations && !input.empty(); ++i) {
      Bytes changed = input;
      changed[random() % changed.size()] = static_cast<char>(random());
      if (i == 0) changed.resize(random() % changed.size());
      target(changed);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FuzzReplay, testing::ValuesIn(Names()), [](const auto& target) {
  std::string name = target.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace talent::fuzz
