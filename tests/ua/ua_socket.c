// SPDX-License-Identifier: GPL-3.0-or-later
// Opened and bound; what the system refuses is a negative errno.

#include "tests/ua/ua_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int socket_udp(const struct addr *local)
{
    struct addr at = *local;

    addr_set_port(&at, 0);
    int fd = socket(addr_family(&at), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, &at.sa, at.len) == 0)
        return fd;
    int rc = -errno;
    close(fd);
    return rc;
}
