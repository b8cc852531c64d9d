// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef AGW_SENDQUEUE_H
#define AGW_SENDQUEUE_H
// Bytes on their way into a connection that the kernel has not taken yet. Holds memory only while
// there are such bytes. How many there may be is the business of whoever puts them in: it puts no
// more while some are waiting.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sendqueue {
    uint8_t *bytes; // NULL: nothing waits
    size_t at;      // the first that has not left
    size_t len;     // end of what waits
    size_t size;
};

// Sends data behind what waits and keeps what is not taken. Returns 0, -EPIPE and the like when the
// connection is broken, -ENOMEM.
int sendqueue_send(struct sendqueue *queue, int fd, const void *data, size_t len);
// Sends what waits. Returns the number of bytes that left, or a negative errno.
int sendqueue_flush(struct sendqueue *queue, int fd);
// Bytes that wait.
static inline size_t sendqueue_waiting(const struct sendqueue *queue)
{
    return queue->len - queue->at;
}
// Throws away what waits.
void sendqueue_clear(struct sendqueue *queue);

#endif
