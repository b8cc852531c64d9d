// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_RANDOM_H
#define COMMON_RANDOM_H
// Unguessable bytes and text from the kernel's generator. Ends the process when the kernel gives no
// random bytes: nothing here is safe without them.

#include <stddef.h>

// Fills buf with n-1 characters of [A-Za-z0-9] and a terminating zero (n >= 1). 32 of them carry
// about 190 bits, enough under every grammar of the association identity (RFC 8842 4).
void random_alnum(char *buf, size_t n);
// Fills buf with len bytes, good enough for keys.
void random_bytes(void *buf, size_t len);

#endif
