// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: nothing waits, the kernel takes everything. Else the rest is copied and leaves with
// the next flush; memory goes when nothing is left.
//
// Failure paths: a broken connection or no memory is the caller's to deal with; what waits stays
// until it is cleared.

#include "agw/sendqueue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// Bytes the kernel takes now, or a negative errno.
static ssize_t offer(int fd, const void *data, size_t len)
{
    ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static int keep(struct sendqueue *q, const uint8_t *data, size_t len)
{
    if (q->len + len > q->size) {
        size_t waiting = sendqueue_waiting(q);
        uint8_t *bytes = malloc(waiting + len);
        if (!bytes)
            return -ENOMEM;
        if (waiting > 0)
            memcpy(bytes, q->bytes + q->at, waiting);
        free(q->bytes);
        *q = (struct sendqueue){.bytes = bytes, .len = waiting, .size = waiting + len};
    }
    memcpy(q->bytes + q->len, data, len);
    q->len += len;
    return 0;
}

int sendqueue_send(struct sendqueue *q, int fd, const void *data, size_t len)
{
    ssize_t n = 0;
    if (sendqueue_waiting(q) == 0) {
        n = offer(fd, data, len);
        if (n < 0)
            return (int)n;
    }
    if ((size_t)n == len)
        return 0;
    return keep(q, (const uint8_t *)data + n, len - (size_t)n);
}

int sendqueue_flush(struct sendqueue *q, int fd)
{
    if (sendqueue_waiting(q) == 0)
        return 0;
    ssize_t n = offer(fd, q->bytes + q->at, sendqueue_waiting(q));
    if (n < 0)
        return (int)n;
    q->at += (size_t)n;
    if (sendqueue_waiting(q) == 0)
        sendqueue_clear(q);
    return (int)n;
}

void sendqueue_clear(struct sendqueue *q)
{
    free(q->bytes);
    *q = (struct sendqueue){0};
}
