// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: bind, send, poll, receive; what programs say is read meanwhile. Failure: whatever the
// system refuses, or a datagram that does not come, fails the test.
#include "tests/flows/socket.h"

#include "tests/flows/program.h"

#include "common/addr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// /proc has no events: how often it is looked at while something is awaited there.
#define LOOK_MS 20

int socket_bind(struct flow *f, enum host host, uint16_t port)
{
    return socket_bind_at(f, flow_text(f, "%s:%u", flow_host(f, host), port));
}

int socket_bind_at(struct flow *f, const char *at)
{
    struct addr own;

    ck_assert_int_eq(addr_parse_hostport(&own, at), 0);
    int fd = socket(addr_family(&own), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    flow_check(f, bind(fd, &own.sa, own.len) == 0, "%s: %s", at, strerror(errno));
    return fd;
}

uint16_t socket_port(int fd)
{
    struct addr at = {.len = sizeof(at.v6)};

    ck_assert_int_eq(getsockname(fd, &at.sa, &at.len), 0);
    return addr_port(&at);
}

// The tables of the kernel show addresses in its own byte order. A port of TCP is waited for until
// somebody listens there: connections of who was there before may still be in the table.
static bool is_bound(const struct addr *at)
{
    static const struct {
        const char *path;
        unsigned state; // of include/net/tcp_states.h: closed, for UDP, and listening
    } tables[] = {{"/proc/net/udp", 7}, {"/proc/net/tcp", 10}};
    char line[256];
    bool found = false;

    for (int i = 0; i < 2 && !found; i++) {
        FILE *table = fopen(tables[i].path, "re");
        while (table && !found && fgets(line, sizeof(line), table)) {
            unsigned host, port, state;
            found = sscanf(line, " %*u: %8X:%4X %*8X:%*4X %2X ", &host, &port, &state) == 3 &&
                    host == at->v4.sin_addr.s_addr && port == addr_port(at) &&
                    state == tables[i].state;
        }
        if (table)
            fclose(table);
    }
    return found;
}

void socket_await(struct flow *f, enum host host, uint16_t port)
{
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();
    struct addr at;

    ck_assert_int_eq(addr_parse(&at, flow_host(f, host), port), 0);
    while (!is_bound(&at)) {
        flow_check(f, flow_now_ms() < deadline, "nobody binds %s port %u", flow_host(f, host),
                   port);
        programs_poll(f, -1, flow_now_ms() + LOOK_MS);
    }
}

void socket_send(int fd, const char *to, const void *bytes, size_t len)
{
    struct addr at;

    ck_assert_int_eq(addr_parse_hostport(&at, to), 0);
    ck_assert_int_eq(sendto(fd, bytes, len, 0, &at.sa, at.len), (ssize_t)len);
}

size_t socket_receive(struct flow *f, int fd, void *bytes, size_t size)
{
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();
    ssize_t got;

    while ((got = recv(fd, bytes, size, MSG_DONTWAIT)) < 0)
        flow_check(f, programs_poll(f, fd, deadline), "no datagram comes");
    return (size_t)got;
}

int socket_listen(struct flow *f, enum host host)
{
    struct addr at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ck_assert_int_eq(addr_parse(&at, flow_host(f, host), 0), 0);
    ck_assert_int_eq(bind(fd, &at.sa, at.len), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    return fd;
}

int socket_accept(struct flow *f, int listener)
{
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
        flow_check(f, programs_poll(f, listener, deadline), "nobody connects");
    return fd;
}

int socket_connect(struct flow *f, enum host from, const char *to)
{
    struct addr own, peer;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(addr_parse(&own, flow_host(f, from), 0), 0);
    ck_assert_int_eq(addr_parse_hostport(&peer, to), 0);
    ck_assert_int_eq(bind(fd, &own.sa, own.len), 0);
    flow_check(f, connect(fd, &peer.sa, peer.len) == 0, "%s: %s", to, strerror(errno));
    return fd;
}

void socket_write(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

const char *socket_read(struct flow *f, int fd)
{
    char bytes[4096];
    size_t got = socket_receive(f, fd, bytes, sizeof(bytes));

    flow_check(f, got > 0, "the connection was closed");
    return flow_copy(f, bytes, got);
}

const char *socket_await_end(struct flow *f, int fd)
{
    uint64_t deadline = flow_now_ms() + (uint64_t)flow_patience();
    struct strbuf all = STRBUF_INIT;
    char bytes[4096];
    ssize_t got;

    while ((got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0 ||
           (got < 0 && errno == EAGAIN)) {
        if (got > 0)
            strbuf_add(&all, bytes, (size_t)got);
        else
            flow_check(f, programs_poll(f, fd, deadline), "the connection stays open");
    }
    return flow_take(f, &all);
}
