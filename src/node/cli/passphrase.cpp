#include "node/cli/passphrase.h"

#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <map>

#include "base/file.h"

namespace talent::node::cli {
namespace {

constexpr std::size_t kMaxPassphraseBytes = 1024;

/// Turns the terminal's echo off for as long as it lives.
class NoEcho {
 public:
  NoEcho() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~NoEcho() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

std::string Ask(const char* prompt) {
  const NoEcho no_echo;
  std::cerr << prompt << std::flush;
  std::string line;
  std::getline(std::cin, line);
  std::cerr << '\n';
  return line;
}

Result<std::string> AskOnTerminal(bool twice) {
  if (isatty(STDIN_FILENO) == 0) {
    return Fail(Code::kPrecondition,
                "no passphrase: give --passphrase-file FILE or set TALENT_PASSPHRASE");
  }
  std::string passphrase = Ask("Passphrase: ");
  if (twice && Ask("The same again: ") != passphrase) {
    return Fail(Code::kInvalidArgument, "the two passphrases differ");
  }
  return passphrase;
}

Result<std::string> FromSomewhere(const PassphraseOptions& options, bool twice) {
  if (!options.file.empty()) {
    std::string text = TRY(ReadFile(options.file, kMaxPassphraseBytes));
    text.erase(text.find_last_not_of("\r\n") + 1);
    return text;
  }
  if (const char* text = std::getenv("TALENT_PASSPHRASE")) return std::string(text);
  return AskOnTerminal(twice);
}

}  // namespace

void AddPassphraseOptions(CLI::App* command, PassphraseOptions& options) {
  command->add_option(
      "--passphrase-file", options.file,
      "File with the key's passphrase (default: $TALENT_PASSPHRASE, then a prompt)");
}

Result<std::string> ReadPassphrase(const PassphraseOptions& options, bool twice) {
  auto passphrase = TRY(FromSomewhere(options, twice));
  if (passphrase.empty()) return Fail(Code::kInvalidArgument, "the passphrase is empty");
  return passphrase;
}

void AddKdfOption(CLI::App* command, crypto::KdfCost& cost) {
  static const std::map<std::string, crypto::KdfCost> kCosts{
      {"interactive", crypto::KdfCost::kInteractive},
      {"moderate", crypto::KdfCost::kModerate},
      {"sensitive", crypto::KdfCost::kSensitive}};
  command
      ->add_option(
          "--kdf", cost,
          "What guessing the passphrase costs: interactive (tenths of a second), moderate, "
          "sensitive (seconds and 1 GiB)")
      ->transform(CLI::CheckedTransformer(kCosts))
      ->option_text("interactive|moderate|sensitive");
}

Result<crypto::KeyPair> ReadKey(const std::filesystem::path& key_file,
                                const PassphraseOptions& options) {
  return crypto::ReadKeyFile(key_file, TRY(ReadPassphrase(options, false)));
}

}  // namespace talent::node::cli
