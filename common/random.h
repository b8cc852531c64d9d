// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_RANDOM_H
#define COMMON_RANDOM_H
// Unguessable text from the kernel's generator.

#include <stddef.h>

// Fills buf with n-1 characters of [A-Za-z0-9] and a terminating zero (n >= 1). 32 of them carry
// about 190 bits, enough under every grammar of the association identity (RFC 8842 4).
// Ends the process when the kernel gives no random bytes: nothing here is safe without them.
void random_alnum(char *buf, size_t n);

#endif
