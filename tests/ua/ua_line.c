// SPDX-License-Identifier: GPL-3.0-or-later
// Media lines.
//
// Each call goes on to the one of the two that is there; on the way back, done is remembered.

#include "tests/ua/ua_line.h"

#include "tests/ua/ua_link.h"
#include "tests/ua/ua_voice.h"

#include <errno.h>
#include <stdlib.h>

struct line {
    enum medium_kind kind;
    struct ua_options options; // without --misbehave when that is for lines of other kinds
    struct media_user user;
    struct media *media; // one of these
    struct link *link;
    struct voice *voice;
    bool done;
};

static void on_began(void *arg)
{
    struct line *l = arg;
    l->user.began(l->user.arg);
}

static void on_done(void *arg, bool ok)
{
    struct line *l = arg;

    l->done = true;
    l->user.done(l->user.arg, ok);
}

static void on_failed(void *arg)
{
    struct line *l = arg;
    l->user.dtls_failed(l->user.arg);
}

int line_open(struct line **out, uv_loop_t *loop, const struct ua_options *options,
              enum medium_kind kind, const struct media_user *user)
{
    struct line *l = calloc(1, sizeof(*l));
    struct media_user own = {l, on_began, on_done, on_failed};

    if (!l)
        return -ENOMEM;
    l->kind = kind;
    l->user = *user;
    l->options = *options;
    if (options->misbehave_in != 0 && !(options->misbehave_in & 1U << kind))
        l->options.misbehave = 0;
    int rc = medium_is_stream(kind) ? link_open(&l->link, loop, &l->options, kind, &own)
             : kind == MEDIUM_AUDIO ? voice_open(&l->voice, loop, &l->options, &own)
                                    : media_open(&l->media, loop, &l->options, kind, &own);
    if (rc != 0) {
        free(l);
        return rc;
    }
    *out = l;
    return 0;
}

void line_close(struct line *l)
{
    if (!l)
        return;
    media_close(l->media);
    link_close(l->link);
    voice_close(l->voice);
    free(l);
}

enum medium_kind line_kind(const struct line *l)
{
    return l->kind;
}

bool line_is_through(const struct line *l)
{
    return l->done || (l->voice && l->options.audio != AUDIO_COUNT);
}

bool line_is_work(const struct line *l)
{
    return !l->voice || l->options.audio != AUDIO_TONE;
}

void line_offer(struct line *l, enum ua_reinvite change, struct medium *out)
{
    if (l->link)
        link_offer(l->link, change, out);
    else if (l->voice)
        voice_offer(l->voice, change, out);
    else
        media_offer(l->media, change, out);
}

int line_answered(struct line *l, const struct medium *answer, const char **why)
{
    return l->link    ? link_answered(l->link, answer, why)
           : l->voice ? voice_answered(l->voice, answer, why)
                      : media_answered(l->media, answer, why);
}

int line_answer(struct line *l, const struct medium *offer, struct medium *out, const char **why)
{
    return l->link    ? link_answer(l->link, offer, out, why)
           : l->voice ? voice_answer(l->voice, offer, out, why)
                      : media_answer(l->media, offer, out, why);
}

void line_commit(struct line *l)
{
    if (l->link)
        link_commit(l->link);
    else if (l->voice)
        voice_commit(l->voice);
    else
        media_commit(l->media);
}

void line_restore(struct line *l)
{
    if (l->link)
        link_restore(l->link);
    else if (l->voice)
        voice_restore(l->voice);
    else
        media_restore(l->media);
}

void line_run(struct line *l)
{
    if (l->link)
        link_run(l->link);
    else if (l->voice)
        voice_run(l->voice);
    else
        media_run(l->media);
}

void line_report(const struct line *l)
{
    if (l->link)
        link_report(l->link);
    else if (l->voice)
        voice_report(l->voice);
    else
        media_report(l->media);
}
