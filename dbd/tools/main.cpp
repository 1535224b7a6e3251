// SPDX-License-Identifier: Apache-2.0
#include "dbd/tools/db_cmd.hpp"

int main(int argc, char** argv) {
    const std::string_view called = argc > 0 ? argv[0] : "db-cmd";
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return xb::dbd::runDbCmd(called.substr(called.rfind('/') + 1), words);
}
