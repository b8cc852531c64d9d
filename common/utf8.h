// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H
// Text of strangers, one character at a time (RFC 3629).

#include "common/strbuf.h"

#include <stdint.h>

// Stands for what is no character.
#define UTF8_REPLACEMENT 0xfffdU

// Takes the next character from *text, which is before end. A byte that begins no whole and
// shortest form of a character is taken alone and answered with UTF8_REPLACEMENT.
uint32_t utf8_next(const char **text, const char *end);
void utf8_put(struct strbuf *out, uint32_t character);

#endif
