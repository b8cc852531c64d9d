// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UA_PIN_H
#define TESTS_UA_PIN_H
// Who vouches for the certificate of the SIP peer over TLS: its fingerprint, given by hand. The SIP
// stack asks the TLS library for the result of its verification; here that is whether the
// fingerprint is the one expected.

#include "common/fingerprint.h"

// The one expected from now on, SHA-256; copied; with len 0 any will do. on_other(arg) is called
// for a peer that shows another one, and is sent nothing.
void pin_set(const struct fingerprint *expected, void (*on_other)(void *arg), void *arg);

#endif
