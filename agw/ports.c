// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: two queues of free ports, linked through one table. Whole pairs wait in one queue
// under their even port; the other halves of broken pairs wait in the second. A single port is
// taken from a broken pair first. A half that comes back to its free neighbour makes a pair again.
//
// Failure paths: bind() refused because a foreign process has the port: the port goes to the end of
// its queue and the next one is tried, a bounded number of times. No descriptor left: everything is
// put back, AGW_NO_RESOURCE.

#include "agw/ports.h"

#include "agw/socket.h"
#include "agw/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

// Ports of foreign processes that one reservation passes over before it gives up.
#define PORTS_TRIES 64
// No port of the queue.
#define NONE UINT32_MAX

enum port_state { PORT_OUTSIDE, PORT_USED, PORT_FREE_SINGLE, PORT_FREE_PAIR };

// Ports are numbered from the even number at or below the smallest one; the last two entries of the
// table are the heads of the queues.

struct link {
    uint32_t next, prev;
};

struct ports {
    struct addr local;
    bool dont_fragment;
    uint16_t base;
    unsigned total, used;
    uint32_t head_pairs, head_singles;
    struct link *links;
    uint8_t *state; // enum port_state
};

static void queue_init(struct ports *p, uint32_t head)
{
    p->links[head] = (struct link){head, head};
}

static void queue_add(struct ports *p, uint32_t head, uint32_t port)
{
    uint32_t last = p->links[head].prev;
    p->links[port] = (struct link){head, last};
    p->links[last].next = port;
    p->links[head].prev = port;
}

static void queue_remove(struct ports *p, uint32_t port)
{
    struct link l = p->links[port];
    p->links[l.prev].next = l.next;
    p->links[l.next].prev = l.prev;
}

static void add_pair(struct ports *p, uint32_t even)
{
    p->state[even] = p->state[even + 1] = PORT_FREE_PAIR;
    queue_add(p, p->head_pairs, even);
}

static void add_single(struct ports *p, uint32_t port)
{
    uint32_t other = port ^ 1;
    if (p->state[other] == PORT_FREE_SINGLE) {
        queue_remove(p, other);
        add_pair(p, port & ~1u);
        return;
    }
    p->state[port] = PORT_FREE_SINGLE;
    queue_add(p, p->head_singles, port);
}

static uint32_t random_below(uint32_t bound)
{
    uint32_t r = 0;
    // Without randomness the order is merely predictable.
    (void)!getrandom(&r, sizeof r, GRND_NONBLOCK);
    return r % bound;
}

// Puts the ports numbered first..last into their queues, pairs in random order (Fisher and Yates).
static int fill(struct ports *p, uint32_t first, uint32_t last)
{
    uint32_t count = 0;
    uint16_t *order = calloc((last - first) / 2 + 1, sizeof *order);
    if (!order)
        return -ENOMEM;
    for (uint32_t even = (first + 1) & ~1u; even + 1 <= last; even += 2)
        order[count++] = (uint16_t)even;
    for (uint32_t i = count; i > 0; i--) {
        uint32_t j = random_below(i);
        add_pair(p, order[j]);
        order[j] = order[i - 1];
    }
    free(order);
    for (uint32_t port = first; port <= last; port++)
        if (p->state[port] == PORT_OUTSIDE)
            add_single(p, port); // an end of the range whose neighbour lies outside
    return 0;
}

int ports_open(struct ports **out, const struct addr *local, uint16_t min, uint16_t max,
               bool dont_fragment)
{
    if (min == 0 || min > max)
        return -EINVAL;
    uint16_t base = min & ~1u;
    uint32_t entries = (max - base + 2u) & ~1u; // whole pairs
    int rc = -ENOMEM;
    struct ports *p = calloc(1, sizeof *p);
    if (!p)
        goto out;
    *p = (struct ports){.local = *local,
                        .dont_fragment = dont_fragment,
                        .base = base,
                        .total = max - min + 1u,
                        .head_pairs = entries,
                        .head_singles = entries + 1,
                        .links = calloc(entries + 2, sizeof *p->links),
                        .state = calloc(entries, sizeof *p->state)};
    if (!p->links || !p->state)
        goto out;
    queue_init(p, p->head_pairs);
    queue_init(p, p->head_singles);
    rc = fill(p, min - base, max - base);
    if (rc == 0) {
        *out = p;
        p = NULL;
    }
out:
    ports_close(p);
    return rc;
}

void ports_close(struct ports *p)
{
    if (!p)
        return;
    free(p->links);
    free(p->state);
    free(p);
}

static bool is_empty(const struct ports *p, uint32_t head)
{
    return p->links[head].next == head;
}

// Takes the first free port out of its queue. A single one is a half of a broken pair, unless there
// is none or break_pair says that another pair should be broken.
static uint32_t dequeue(struct ports *p, bool pair, bool break_pair)
{
    bool whole =
        pair || is_empty(p, p->head_singles) || (break_pair && !is_empty(p, p->head_pairs));
    uint32_t head = whole ? p->head_pairs : p->head_singles;
    uint32_t port = p->links[head].next;
    if (port == head)
        return NONE;
    queue_remove(p, port);
    p->state[port] = PORT_USED;
    if (head == p->head_pairs) {
        p->state[port + 1] = PORT_USED;
        if (!pair)
            add_single(p, port + 1);
    }
    p->used += pair ? 2 : 1;
    return port;
}

// What is taken, and what its sockets are to be.
enum kind { KIND_UDP, KIND_UDP_PAIR, KIND_TCP, KIND_TCP_LISTENING };

static struct addr address_of(const struct ports *p, uint32_t port)
{
    struct addr local = p->local;
    addr_set_port(&local, (uint16_t)(p->base + port));
    return local;
}

static int open_on(const struct ports *p, uint32_t port)
{
    struct addr local = address_of(p, port);
    return socket_open(&local, p->dont_fragment);
}

static int open_tcp(const struct ports *p, uint32_t port, bool listening, int fd[static 2])
{
    struct addr local = address_of(p, port);
    int socket = tcp_open(&local);
    if (socket < 0)
        return socket;
    int rc = listening ? tcp_listen(socket) : 0;
    if (rc < 0)
        close(socket);
    else
        fd[0] = socket;
    return rc;
}

// Opens one or two sockets; 0 or a negative errno with nothing left open.
static int open_sockets(const struct ports *p, uint32_t port, enum kind kind, int fd[static 2])
{
    if (kind == KIND_TCP || kind == KIND_TCP_LISTENING)
        return open_tcp(p, port, kind == KIND_TCP_LISTENING, fd);
    int first = open_on(p, port);
    if (first < 0)
        return first;
    int second = -1;
    if (kind == KIND_UDP_PAIR) {
        second = open_on(p, port + 1);
        if (second < 0) {
            close(first);
            return second;
        }
        fd[1] = second;
    }
    fd[0] = first;
    return 0;
}

static void enqueue(struct ports *p, uint32_t port, bool pair)
{
    if (pair)
        add_pair(p, port);
    else
        add_single(p, port);
    p->used -= pair ? 2 : 1;
}

static enum reason take(struct ports *p, enum kind kind, int fd[static 2], uint16_t *port)
{
    bool pair = kind == KIND_UDP_PAIR;
    for (int i = 0; i < PORTS_TRIES; i++) {
        // Every other try looks among the pairs: all halves may be foreign.
        uint32_t candidate = dequeue(p, pair, i % 2 == 1);
        if (candidate == NONE)
            return REASON_AGW_NO_PORT;
        int rc = open_sockets(p, candidate, kind, fd);
        if (rc == 0) {
            *port = (uint16_t)(p->base + candidate);
            return REASON_NONE;
        }
        enqueue(p, candidate, pair);
        if (rc != -EADDRINUSE && rc != -EACCES)
            return REASON_AGW_NO_RESOURCE;
    }
    return REASON_AGW_NO_PORT;
}

enum reason ports_take(struct ports *p, bool pair, int fd[static 2], uint16_t *port)
{
    return take(p, pair ? KIND_UDP_PAIR : KIND_UDP, fd, port);
}

enum reason ports_take_tcp(struct ports *p, bool listening, int *fd, uint16_t *port)
{
    int taken[2];
    enum reason reason = take(p, listening ? KIND_TCP_LISTENING : KIND_TCP, taken, port);
    if (reason == REASON_NONE)
        *fd = taken[0];
    return reason;
}

enum reason ports_open_again(const struct ports *p, uint16_t port, int *fd)
{
    int rc = open_on(p, port - p->base);
    if (rc < 0)
        return rc == -EADDRINUSE ? REASON_AGW_NO_PORT : REASON_AGW_NO_RESOURCE;
    *fd = rc;
    return REASON_NONE;
}

void ports_give_back(struct ports *p, uint16_t port, bool pair)
{
    enqueue(p, port - p->base, pair);
}

bool ports_holds(const struct ports *p, const struct addr *address)
{
    uint32_t port = (uint32_t)addr_port(address) - p->base; // wraps below the range
    return addr_equal_host(&p->local, address) && port < p->head_pairs &&
           p->state[port] == PORT_USED;
}

const struct addr *ports_local(const struct ports *p)
{
    return &p->local;
}

unsigned ports_used(const struct ports *p)
{
    return p->used;
}

unsigned ports_total(const struct ports *p)
{
    return p->total;
}
