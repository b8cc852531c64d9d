// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_DTLS_COOKIE_H
#define AGW_DTLS_COOKIE_H
// Private to the DTLS room: the cookie exchange with the time as an argument.

#include "agw/dtls.h"

// A secret is used for this long and accepted for as long again (REQ-077): a client answers a
// HelloVerifyRequest within a round trip, also after a few losses.
#define COOKIE_PERIOD_US (60 * 1000000ull)

// dtls_cookie_check() at a given time.
bool dtls_cookie_check_at(const struct dtls_profile *profile, uint64_t now_us, const void *peer,
                          size_t peer_len, const uint8_t *datagram, size_t len,
                          struct dtls_hello *hello, uint8_t reply[static DTLS_COOKIE_REPLY_MAX],
                          size_t *reply_len);

#endif
