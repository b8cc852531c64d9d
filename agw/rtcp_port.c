// SPDX-License-Identifier: GPL-3.0-or-later
// What both ends say is compared with what was done last; an order closes both sockets, or brings
// new ones for both. What is only offered counts for nothing: the other side is not known yet.
//
// Failure paths: without memory for the order the sockets stay as they are, open ones without a
// word; a port that a foreign process took meanwhile refuses the Configure that needs it.
#include "agw/rtcp_port.h"

#include <stdlib.h>
#include <unistd.h>

struct rtcp_order {
    struct order order;
    struct stream *stream;
    int fd[2]; // -1: close
    int family[2];
};

static void run(struct order *order, struct media *media)
{
    struct rtcp_order *o = (struct rtcp_order *)order;
    for (int t = AGW_T1; t <= AGW_T2; t++)
        stream_rtcp_port(o->stream, t, o->fd[t], o->family[t]);
    free(o);
}

static bool is_agreed(const struct line_end *end)
{
    return end->ports && end->rtcp && end->rtcp_mux && addr_is_set(&end->remote);
}

static enum reason open_both(const struct line *line, int fd[static 2])
{
    for (int t = AGW_T1; t <= AGW_T2; t++) {
        const struct line_end *end = &line->end[t];
        enum reason reason = ports_open_again(end->ports, (uint16_t)(end->port + 1), &fd[t]);
        if (reason == REASON_NONE)
            continue;
        if (t == AGW_T2)
            close(fd[AGW_T1]);
        return reason;
    }
    return REASON_NONE;
}

enum reason rtcp_port_follow(struct line *line, struct worker *worker)
{
    bool shut = is_agreed(&line->end[AGW_T1]) && is_agreed(&line->end[AGW_T2]);
    if (shut == line->rtcp_shut)
        return REASON_NONE;
    struct rtcp_order *o = malloc(sizeof *o);
    if (!o)
        return shut ? REASON_NONE : REASON_AGW_NO_RESOURCE;
    *o = (struct rtcp_order){.order = {.run = run},
                             .stream = line->stream,
                             .fd = {-1, -1},
                             .family = {line->end[AGW_T1].family, line->end[AGW_T2].family}};
    enum reason reason = shut ? REASON_NONE : open_both(line, o->fd);
    if (reason != REASON_NONE) {
        free(o);
        return reason;
    }
    line->rtcp_shut = shut;
    worker_post(worker, &o->order);
    return REASON_NONE;
}
