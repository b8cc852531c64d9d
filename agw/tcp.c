// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: socket(), options, bind(); then listen() and accept4(), or connect().
//
// Failure paths: whatever the kernel refuses comes back as a negative errno. Options are wishes.

#include "agw/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

// Connections the kernel keeps ready. A point takes one; more of them are there to be refused.
#define TCP_BACKLOG 8

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

int tcp_open(const struct addr *local)
{
    int fd = socket(addr_family(local), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (addr_family(local) == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (bind(fd, &local->sa, local->len) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

int tcp_listen(int fd)
{
    return listen(fd, TCP_BACKLOG) < 0 ? -errno : 0;
}

void tcp_unlisten(int fd)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    (void)connect(fd, &none, sizeof none);
}

int tcp_accept(int fd, struct addr *peer)
{
    struct addr from = {.len = sizeof from.v6};
    int connection = accept4(fd, &from.sa, &from.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0)
        return errno == EWOULDBLOCK || errno == ECONNABORTED ? -EAGAIN : -errno;
    set_option(connection, IPPROTO_TCP, TCP_NODELAY, 1);
    *peer = from;
    return connection;
}

int tcp_connect(int fd, const struct addr *remote)
{
    return connect(fd, &remote->sa, remote->len) < 0 ? -errno : 0;
}

int tcp_connect_result(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    struct addr peer = {.len = sizeof peer.v6};
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return -errno;
    if (error != 0)
        return -error;
    return getpeername(fd, &peer.sa, &peer.len) < 0 ? -EINPROGRESS : 0;
}

void tcp_abort(int fd)
{
    struct linger reset = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
}
