// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: every few milliseconds the thread looks at what each ring has published by then;
// names and secrets are taken out first, then everything else in the order of time across rings;
// the places are released, the files flushed.
//
// Failure paths: what the system refuses, a full disk above all, is said in one line; then the
// rings take nothing more in, and the thread only waits for the end. Calls do not notice.
#include "common/capture/capture.h"

#include "common/capture/writer.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// One per media worker, of which there may be 256, and one for signalling.
#define RINGS_MAX 257
// A quarter of a second of a worker with 1000 voice streams, both sides and plaintext.
#define RING_SIZE (4u << 20)
#define PAUSE_NS 20000000l

struct capture {
    const struct config *cfg;
    struct writer *writer;
    struct ring *rings[RINGS_MAX];
    _Atomic unsigned ring_count;
    _Atomic bool stop;
    bool failed;
    pthread_t thread;
    bool running;
};

// --- the thread ---------------------------------------------------------------------------------

struct source {
    struct ring *ring;
    struct ring_cursor cursor;
    struct record next;
    bool has_next;
};

struct batch {
    struct source sources[RINGS_MAX];
    unsigned count;
};

static void fail(struct capture *c, int rc)
{
    c->failed = true;
    log_error("capture", "%s cannot be written: %s; nothing more is recorded, calls go on",
              c->cfg->capture.directory, strerror(-rc));
    for (unsigned i = 0; i < atomic_load(&c->ring_count); i++)
        ring_stop(c->rings[i]);
}

static void take(struct capture *c, const struct record *record)
{
    int rc = c->failed ? 0 : writer_take(c->writer, record);

    if (rc < 0)
        fail(c, rc);
}

static bool comes_first(const struct record *record)
{
    return record->kind == RECORD_NAME || record->kind == RECORD_SECRET;
}

static void take_first(struct capture *c, struct batch *b)
{
    struct record record;

    for (int kind = RECORD_NAME; kind >= RECORD_SECRET; kind--)
        for (unsigned i = 0; i < b->count; i++)
            for (struct ring_cursor at = b->sources[i].cursor;
                 ring_next(b->sources[i].ring, &at, &record);)
                if (record.kind == kind)
                    take(c, &record);
}

static void advance(struct source *s)
{
    do
        s->has_next = ring_next(s->ring, &s->cursor, &s->next);
    while (s->has_next && comes_first(&s->next));
}

// The source whose next record is the oldest; NULL: all are empty.
static struct source *oldest(struct batch *b)
{
    struct source *best = NULL;

    for (unsigned i = 0; i < b->count; i++)
        if (b->sources[i].has_next &&
            (best == NULL || b->sources[i].next.time_us < best->next.time_us))
            best = &b->sources[i];
    return best;
}

static void take_rest(struct capture *c, struct batch *b)
{
    struct source *s;

    for (unsigned i = 0; i < b->count; i++)
        advance(&b->sources[i]);
    while ((s = oldest(b)) != NULL) {
        take(c, &s->next);
        advance(s);
    }
}

static void drain(struct capture *c, struct batch *b)
{
    int rc;

    b->count = atomic_load_explicit(&c->ring_count, memory_order_acquire);
    for (unsigned i = 0; i < b->count; i++)
        b->sources[i] = (struct source){.ring = c->rings[i], .cursor = ring_begin(c->rings[i])};
    take_first(c, b);
    take_rest(c, b);
    for (unsigned i = 0; i < b->count; i++)
        ring_release(b->sources[i].ring, &b->sources[i].cursor);
    rc = c->failed ? 0 : writer_flush(c->writer, clock_now_us());
    if (rc < 0)
        fail(c, rc);
}

static void *run(void *arg)
{
    struct capture *c = arg;
    struct batch batch;
    bool last = false;

    while (!last) {
        struct timespec pause = {.tv_nsec = PAUSE_NS};
        last = atomic_load_explicit(&c->stop, memory_order_acquire);
        drain(c, &batch);
        if (!last)
            nanosleep(&pause, NULL);
    }
    return NULL;
}

// --- life ---------------------------------------------------------------------------------------

// Signals are the signalling thread's.
static int start_thread(struct capture *c)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&c->thread, NULL, run, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    c->running = rc == 0;
    return -rc;
}

static void announce(const struct config *cfg)
{
    log_warn(
        "capture", "SIP and media of every call are recorded in %s%s%s", cfg->capture.directory,
        cfg->capture.plaintext ? ", in clear: whoever reads the files reads the media" : "",
        cfg->capture.keys ? ", with the keys: whoever reads the files can decrypt the media" : "");
}

int capture_open(struct capture **out, const struct config *cfg,
                 char error[static CONFIG_ERROR_MAX])
{
    struct capture *c = calloc(1, sizeof(*c));
    int rc;

    snprintf(error, CONFIG_ERROR_MAX, "capture: out of memory");
    if (c == NULL)
        return -ENOMEM;
    c->cfg = cfg;
    rc = writer_open(&c->writer, cfg, error);
    if (rc == 0)
        rc = start_thread(c);
    if (rc < 0) {
        capture_close(c);
        return rc;
    }
    announce(cfg);
    *out = c;
    return 0;
}

void capture_close(struct capture *c)
{
    if (c == NULL)
        return;
    atomic_store_explicit(&c->stop, true, memory_order_release);
    if (c->running)
        pthread_join(c->thread, NULL);
    for (unsigned i = 0; i < c->ring_count; i++)
        ring_close(c->rings[i]);
    writer_close(c->writer);
    free(c);
}

struct ring *capture_ring(struct capture *c)
{
    unsigned count = c->ring_count;
    struct ring *ring = count < RINGS_MAX ? ring_open(RING_SIZE) : NULL;

    if (ring == NULL)
        return NULL;
    c->rings[count] = ring;
    atomic_store_explicit(&c->ring_count, count + 1, memory_order_release);
    return ring;
}
