// The main job told on a running devnet: from an assessment to the public chain, and proven.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "node/devnet/network.h"

namespace talent::node {

struct StoryOptions {
  std::filesystem::path talentd;                // this program, whose commands the story uses
  std::filesystem::path csv;                    // people of the first operator to import
  std::filesystem::path csv_b;                  // and of the second
  std::filesystem::path mapping;                // how columns become records
  std::function<void(const std::string&)> say;  // one line of the story
};

/// Plays every stage in turn; each waits for what it needs to see on the chains. Can be told again
/// on the same network: what is imported already is said to be there, the rest is new. Errors name
/// the stage.
Status TellStory(const DevnetNetwork& network, const StoryOptions& options);

}  // namespace talent::node
