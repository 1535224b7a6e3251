// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/rules/rule_set.hpp"
#include <gtest/gtest.h>
