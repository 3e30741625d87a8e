#include "client/cli/context.h"

int main(int argc, char** argv) { return warder::cli::RunApp(argc, argv); }
