// SPDX-License-Identifier: MIT
// What every translation unit pays for the umbrella header.

#include <mpar/mpar.hpp>

int main() {}
