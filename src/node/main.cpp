#include "node/cli/commands.h"

int main(int argc, char** argv) { return talent::node::cli::Main(argc, argv); }
