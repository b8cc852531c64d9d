// SPDX-License-Identifier: GPL-3.0-or-later
// Connect, send, read until the other end closes. A head is read byte by byte, so that a body that
// is followed begins where it begins.
//
// Failures: an endpoint that says nothing for PATIENCE_S, one that closes early, and an answer
// without a head or beyond its bound are errors; nothing is tried again.
#include "common/admin/ctl/http.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S 10
#define HEAD_MAX 8192
#define DEFAULT_PORT "8060"

int http_server_parse(struct http_server *server, const char *url)
{
    const char *host = strncasecmp(url, "http://", 7) == 0 ? url + 7 : url;
    const char *end = host[0] == '[' ? strchr(host, ']') : host + strcspn(host, ":/");
    if (!end)
        return -EINVAL;
    size_t skip = host[0] == '[', len = (size_t)(end - host) - skip;
    const char *port = end + skip;
    size_t port_len = port[0] == ':' ? strcspn(port + 1, "/") : 0;
    const char *rest = port + (port[0] == ':') + port_len;
    if (len == 0 || len >= sizeof(server->host) || port_len >= sizeof(server->port) ||
        (rest[0] != '\0' && strcmp(rest, "/") != 0) ||
        (port[0] == ':' && (port_len == 0 || strspn(port + 1, "0123456789") != port_len)))
        return -EINVAL;
    snprintf(server->host, sizeof(server->host), "%.*s", (int)len, host + skip);
    snprintf(server->port, sizeof(server->port), "%.*s", port_len ? (int)port_len : 4,
             port_len ? port + 1 : DEFAULT_PORT);
    return 0;
}

static int dial(const struct http_server *server)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = -EHOSTUNREACH;
    if (getaddrinfo(server->host, server->port, &hints, &found) != 0)
        return fd;
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd < 0) {
            fd = -errno;
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            int err = errno;
            close(fd);
            fd = -err;
        }
    }
    freeaddrinfo(found);
    return fd;
}

static int send_request(int fd, const struct http_server *server, const char *method,
                        const char *path)
{
    char request[1024];
    int six = strchr(server->host, ':') != NULL;
    int len = snprintf(
        request, sizeof(request), "%s %s HTTP/1.0\r\nHost: %s%s%s:%s\r\n%s%s%s%s\r\n", method, path,
        six ? "[" : "", server->host, six ? "]" : "", server->port,
        server->token[0] ? "Authorization: Bearer " : "", server->token,
        server->token[0] ? "\r\n" : "", strcmp(method, "POST") == 0 ? "Content-Length: 0\r\n" : "");
    if (len >= (int)sizeof(request))
        return -EMSGSIZE;
    ssize_t sent = send(fd, request, (size_t)len, MSG_NOSIGNAL);
    return sent == len ? 0 : sent < 0 ? -errno : -EIO;
}

// The status, or a negative errno.
static int read_head(int fd)
{
    char head[HEAD_MAX + 1];
    size_t len = 0;
    while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0) {
        ssize_t n = len < HEAD_MAX ? recv(fd, head + len, 1, 0) : 0;
        if (n <= 0)
            return n < 0 ? -errno : -EPROTO;
        len++;
    }
    head[len] = '\0';
    if (strncmp(head, "HTTP/1.", 7) != 0 || len < 12)
        return -EPROTO;
    return (int)strtol(head + 9, NULL, 10);
}

static int read_body(int fd, char **out)
{
    size_t len = 0, cap = 0;
    char *body = NULL;
    for (;;) {
        if (len + 1 >= cap) {
            cap = cap ? cap * 2 : 16384;
            char *more = cap <= HTTP_BODY_MAX ? realloc(body, cap) : NULL;
            if (!more) {
                free(body);
                return -ENOMEM;
            }
            body = more;
        }
        ssize_t n = recv(fd, body + len, cap - len - 1, 0);
        if (n < 0) {
            int err = errno;
            free(body);
            return -err;
        }
        if (n == 0)
            break;
        len += (size_t)n;
    }
    body[len] = '\0';
    *out = body;
    return 0;
}

int http_ask(const struct http_server *server, const char *method, const char *path,
             struct http_answer *answer)
{
    int fd = dial(server), status = 0, rc;
    char *body = NULL;
    if (fd < 0)
        return fd;
    rc = send_request(fd, server, method, path);
    if (rc == 0)
        rc = status = read_head(fd);
    if (rc > 0)
        rc = read_body(fd, &body);
    close(fd);
    if (rc == 0)
        *answer = (struct http_answer){status, body};
    return rc;
}

int http_follow(const struct http_server *server, const char *path)
{
    int fd = dial(server);
    if (fd < 0)
        return fd;
    int rc = send_request(fd, server, "GET", path);
    if (rc == 0)
        rc = read_head(fd);
    if (rc == 200)
        return fd;
    close(fd);
    return rc < 0 ? rc : -EPROTO;
}
