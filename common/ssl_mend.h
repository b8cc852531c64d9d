// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_SSL_MEND_H
#define COMMON_SSL_MEND_H
// What Sofia-SIP 1.12.11, as Debian has it, gets wrong with the TLS library, put right between the
// two. A program that is linked with this module has a few functions of the TLS library of its own,
// which the dynamic linker prefers to the library's for all others in the process:
//
//   SSL_shutdown, SSL_free  A connection that ends is shut down and never freed: 75 kB, for
//                           strangers to pile up. Here it is freed, once, whoever does it. Errors
//                           of a broken handshake are cleared away: they would end the connection
//                           that is looked at next (SSL_get_error(3)).
//   SSL_read                A record that is longer than the longest SIP message ends the process.
//                           Here it comes in small pieces. A keep-alive from a client is answered
//                           (RFC 5626 4.4.1): Sofia does so over TCP only.
//
// One thread only: that of the SIP stack.

// Finds the functions of the TLS library; to be called before the SIP stack opens TLS. 0, or
// -ENOSYS: there is no TLS library in the process.
int ssl_mend_start(void);

#endif
