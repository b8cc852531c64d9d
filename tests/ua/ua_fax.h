// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_FAX_H
#define UA_FAX_H
// A fax machine behind UDPTL: spandsp's T.38 terminal, its clock and our framing.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct fax;

struct fax_result {
    bool ok;
    const char *text; // spandsp's completion text, static
    int pages;
    int bit_rate;
    bool ecm;
    unsigned long packets, recovered, lost; // UDPTL received
};

struct fax_options {
    const char *send;    // TIFF file; exactly one of send and receive is set
    const char *receive; // TIFF file to be written
    unsigned speed;      // fax time runs that many times faster than the clock
};

// Called from the loop; fax_close is allowed in done.
struct fax_user {
    void *arg;
    void (*packet)(void *arg, const uint8_t *bytes, size_t len); // UDPTL to be sent
    void (*page)(void *arg, int pages);
    void (*done)(void *arg, const struct fax_result *result);
};

// The sender is the calling fax machine of T.30 whoever called in SIP. NULL: out of memory or
// spandsp refuses.
struct fax *fax_open(uv_loop_t *loop, const struct fax_options *options,
                     const struct fax_user *user);
// Time begins. Packets that came earlier were taken all the same.
void fax_start(struct fax *fax);
// Stops and goes on (hold).
void fax_pause(struct fax *fax, bool pause);
void fax_receive(struct fax *fax, const uint8_t *packet, size_t len);
// Before done: the fax is broken off, and a file being received stays incomplete. NULL allowed.
void fax_close(struct fax *fax);

#endif
