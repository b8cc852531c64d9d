// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_SSL_RELEASE_H
#define COMMON_SSL_RELEASE_H
// Sofia-SIP 1.12.11, as Debian has it, ends a TLS connection by SSL_shutdown() and never by
// SSL_free(): about 75 kB stay behind, for strangers to pile up. A program that is linked with this
// module has an SSL_shutdown() and an SSL_free() of its own, which the dynamic linker prefers to
// those of the TLS library for every library in the process; they free what was shut down and not
// freed. A Sofia-SIP that frees by itself is left to do so.
//
// One thread only: that of the SIP stack.

// Finds the functions of the TLS library; to be called before the SIP stack opens TLS. 0, or
// -ENOSYS: there is no TLS library in the process.
int ssl_release_start(void);

#endif
