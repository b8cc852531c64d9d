// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: socket(), options, bind(). Options are wishes: a kernel that does not grant one still
// gives a socket that works. Only socket() and bind() can fail.

#include "agw/socket.h"

#include <errno.h>
#include <netinet/ip.h>
#include <sys/socket.h>
#include <unistd.h>

// Holds a burst of one flooded stream for as long as one turn of a busy worker may take.
#define SOCKET_RECEIVE_BUFFER (1 << 20)

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static void set_path_mtu_rule(int fd, int family, bool dont_fragment)
{
    if (family == AF_INET) {
        set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER,
                   dont_fragment ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
        return;
    }
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
               dont_fragment ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT);
}

int socket_open(const struct addr *local, bool dont_fragment)
{
    int fd = socket(addr_family(local), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_RECEIVE_BUFFER);
    set_path_mtu_rule(fd, addr_family(local), dont_fragment);
    if (bind(fd, &local->sa, local->len) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}
