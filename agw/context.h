// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_CONTEXT_H
#define AGW_CONTEXT_H
// What the control side remembers: contexts, and in them the streams ("lines", so as not to mix
// them up with the worker's half) with what must be given back when they go. Signalling thread.

#include "agw/agw.h"
#include "agw/ports.h"
#include "agw/stream.h"
#include "agw/worker.h"

// A worker and how many contexts it has.
struct place {
    struct worker *worker;
    unsigned contexts;
};

// One termination of one line.
struct line_end {
    struct ports *ports; // NULL: not reserved
    uint16_t port;
    bool rtcp;
    bool rtcp_mux; // as configured last
    enum agw_transport transport;
    int family;
    struct addr remote;  // as configured last
    struct addr latched; // as notified last
};

// The (D)TLS session of a line, as notified.
struct line_dtls {
    enum agw_dtls_state state;
    bool client;
    uint64_t hello_us; // when the handshake under way began; 0: none is
    char text[192];
};

struct line {
    struct line *prev, *next; // in its context (next only); among those that leave, once released
    unsigned number;
    struct line_end end[2];
    struct line_dtls dtls;
    bool fingerprints_known;
    bool rtcp_shut; // rtcp_port.h
    bool released;  // on its way out: only its farewell is still to come
    struct stream *stream;
    struct order release; // memory for the end is there from the start
    struct note farewell;
};

struct context {
    struct context *next; // in its bucket
    uint32_t id;
    struct place *place;
    struct line *lines;
};

struct contexts {
    struct context **buckets;
    uint32_t mask;
    uint32_t last_id;
};

// expected: how many contexts there may be at a time; sizes the table. 0 or -ENOMEM.
int contexts_open(struct contexts *contexts, unsigned expected);
void contexts_close(struct contexts *contexts); // empty by then

struct context *context_find(const struct contexts *contexts, uint32_t id);
// A new context at place. NULL: no memory.
struct context *context_create(struct contexts *contexts, struct place *place);
void context_remove(struct contexts *contexts, struct context *context);
// Any context; NULL when there is none.
struct context *contexts_any(const struct contexts *contexts);

// All lines of all contexts.
void contexts_each(const struct contexts *contexts,
                   void (*visit)(const struct line *line, void *arg), void *arg);

struct line *line_find(const struct context *context, unsigned number);
// A new line without terminations. NULL: no memory.
struct line *line_create(struct context *context, unsigned number);
// Takes the line out of its context; it lives on until line_free().
void line_detach(struct context *context, struct line *line);
// Gives its ports back and frees it.
void line_free(struct line *line);

#endif
