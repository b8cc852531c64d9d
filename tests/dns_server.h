// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_DNS_SERVER_H
#define TESTS_DNS_SERVER_H
// A name server for tests, in a process of its own: UDP and TCP on one loopback address. It serves
// a zone of lines; what a name does beside answering is a line too:
//   NAME TTL A|AAAA ADDRESS           NAME TTL CNAME NAME
//   NAME TTL SRV PRIORITY WEIGHT PORT NAME
//   NAME TTL NAPTR ORDER PREFERENCE FLAG SERVICE NAME
//   NAME 0 SILENT      no answer
//   NAME 0 TRUNCATED   over UDP an answer that is cut; the whole one over TCP
//   NAME 0 GARBAGE     an answer whose records end in the middle and whose names point at
//   themselves NAME 0 REFUSED     an answer that says so
// A name without lines does not exist.

#include "common/addr.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DNS_MESSAGE_MAX 4096
#define DNS_HEADER 12
#define DNS_LINES_MAX 64
// Room for a line of a zone, and for each of its words.
#define DNS_LINE_MAX 512
#define DNS_WORDS_MAX 8
// Free ports that are tried.
#define DNS_BIND_TRIES 16

struct dns_message {
    unsigned char bytes[DNS_MESSAGE_MAX];
    size_t len;
};

static void dns_put16(struct dns_message *m, unsigned value)
{
    m->bytes[m->len++] = (unsigned char)(value >> 8);
    m->bytes[m->len++] = (unsigned char)value;
}

// "a.b" as labels.
static void dns_put_name(struct dns_message *m, const char *name)
{
    while (*name && strcmp(name, ".") != 0) {
        size_t len = strcspn(name, ".");
        m->bytes[m->len++] = (unsigned char)len;
        memcpy(m->bytes + m->len, name, len);
        m->len += len;
        name += len + (name[len] == '.');
    }
    m->bytes[m->len++] = 0;
}

static void dns_put_string(struct dns_message *m, const char *text)
{
    m->bytes[m->len++] = (unsigned char)strlen(text);
    memcpy(m->bytes + m->len, text, strlen(text));
    m->len += strlen(text);
}

static unsigned dns_type_of(const char *word)
{
    static const struct {
        const char *word;
        unsigned type;
    } types[] = {{"A", 1}, {"CNAME", 5}, {"AAAA", 28}, {"SRV", 33}, {"NAPTR", 35}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].word, word) == 0)
            return types[i].type;
    return 0;
}

static void dns_put_data(struct dns_message *m, unsigned type, char **word)
{
    struct addr addr;
    switch (type) {
    case 1:
        addr_parse(&addr, word[3], 0);
        memcpy(m->bytes + m->len, &addr.v4.sin_addr, 4);
        m->len += 4;
        break;
    case 28:
        addr_parse(&addr, word[3], 0);
        memcpy(m->bytes + m->len, &addr.v6.sin6_addr, 16);
        m->len += 16;
        break;
    case 5:
        dns_put_name(m, word[3]);
        break;
    case 33:
        for (int i = 3; i < 6; i++)
            dns_put16(m, (unsigned)atoi(word[i]));
        dns_put_name(m, word[6]);
        break;
    default:
        dns_put16(m, (unsigned)atoi(word[3]));
        dns_put16(m, (unsigned)atoi(word[4]));
        dns_put_string(m, word[5]);
        dns_put_string(m, word[6]);
        dns_put_string(m, "");
        dns_put_name(m, word[7]);
    }
}

static void dns_put_record(struct dns_message *m, unsigned type, char **word)
{
    dns_put_name(m, word[0]);
    dns_put16(m, type);
    dns_put16(m, 1);
    dns_put16(m, 0);
    dns_put16(m, (unsigned)atoi(word[1]));
    size_t at = m->len;
    dns_put16(m, 0);
    dns_put_data(m, type, word);
    m->bytes[at] = (unsigned char)((m->len - at - 2) >> 8);
    m->bytes[at + 1] = (unsigned char)(m->len - at - 2);
}

static unsigned dns_words(char *line, char *word[DNS_WORDS_MAX])
{
    unsigned count = 0;
    for (char *w = strtok(line, " "); w && count < DNS_WORDS_MAX; w = strtok(NULL, " "))
        word[count++] = w;
    return count;
}

// The records of a name; a CNAME leads on to those of another.
static void dns_put_answers(struct dns_message *m, const char *const *all, const char *name,
                            unsigned type, unsigned *count, bool *exists)
{
    char alias[DNS_LINE_MAX] = "";
    for (const char *const *zone = all; *zone && m->len < DNS_MESSAGE_MAX - 2 * DNS_LINE_MAX;
         zone++) {
        char line[DNS_LINE_MAX], *word[DNS_WORDS_MAX];
        snprintf(line, sizeof(line), "%s", *zone);
        if (dns_words(line, word) < 3 || strcasecmp(word[0], name) != 0)
            continue;
        unsigned its = dns_type_of(word[2]);
        *exists = true;
        if (its == 0 || (its != type && its != 5))
            continue;
        dns_put_record(m, its, word);
        ++*count;
        if (its == 5)
            snprintf(alias, sizeof(alias), "%s", word[3]);
    }
    if (alias[0] && *count < DNS_LINES_MAX)
        dns_put_answers(m, all, alias, type, count, exists);
}

static bool dns_does(const char *const *zone, const char *name, const char *what)
{
    char line[2 * DNS_LINE_MAX];
    snprintf(line, sizeof(line), "%s 0 %s", name, what);
    for (; *zone; zone++)
        if (strcasecmp(*zone, line) == 0)
            return true;
    return false;
}

// The name in the question. Returns what follows it, or 0: it is none.
static size_t dns_read_name(const struct dns_message *query, char *name, size_t size)
{
    size_t at = DNS_HEADER, out = 0;
    while (at < query->len && query->bytes[at]) {
        size_t len = query->bytes[at++];
        if (at + len > query->len || out + len + 2 > size)
            return 0;
        if (out)
            name[out++] = '.';
        memcpy(name + out, query->bytes + at, len);
        out += len;
        at += len;
    }
    name[out] = '\0';
    return at + 1;
}

// A record whose name points at itself, and one that ends in the middle.
static void dns_put_garbage(struct dns_message *m)
{
    dns_put16(m, 0xc000 | (unsigned)m->len);
    dns_put16(m, 33);
    dns_put16(m, 1);
    dns_put16(m, 0xffff);
}

// An answer to the query; empty: none.
static void dns_answer_query(const char *const *zone, const struct dns_message *query, bool tcp,
                             struct dns_message *m)
{
    char name[DNS_LINE_MAX];
    unsigned count = 0, code = 0;
    bool exists = false;
    m->len = 0;
    size_t end = dns_read_name(query, name, sizeof(name));
    if (end == 0 || end + 4 > query->len || dns_does(zone, name, "SILENT"))
        return;
    unsigned type = (unsigned)query->bytes[end] << 8 | query->bytes[end + 1];
    memcpy(m->bytes, query->bytes, end + 4);
    m->len = end + 4;
    bool cut = !tcp && dns_does(zone, name, "TRUNCATED");
    if (dns_does(zone, name, "GARBAGE")) {
        dns_put_garbage(m);
        count = 7;
        exists = true;
    } else if (!cut) {
        dns_put_answers(m, zone, name, type, &count, &exists);
    }
    code = dns_does(zone, name, "REFUSED") ? 5 : exists || cut ? 0 : 3;
    m->bytes[2] = (unsigned char)(0x85 | (cut ? 2 : 0));
    m->bytes[3] = (unsigned char)(0x80 | code);
    memset(m->bytes + 4, 0, 8);
    m->bytes[5] = 1;
    m->bytes[7] = (unsigned char)count;
}

static void dns_serve_datagram(int fd, const char *const *zone)
{
    struct dns_message query, reply;
    struct addr from = {.len = sizeof(from.v6)};
    ssize_t got = recvfrom(fd, query.bytes, sizeof(query.bytes), 0, &from.sa, &from.len);
    query.len = got > 0 ? (size_t)got : 0;
    dns_answer_query(zone, &query, false, &reply);
    if (reply.len > 0)
        sendto(fd, reply.bytes, reply.len, 0, &from.sa, from.len);
}

// All questions of one connection.
static void dns_serve_connection(int listener, const char *const *zone)
{
    struct dns_message query = {.len = 0}, reply;
    unsigned char size[2];
    int fd = accept(listener, NULL, NULL);
    while (fd >= 0 && recv(fd, size, 2, MSG_WAITALL) == 2) {
        query.len = (size_t)size[0] << 8 | size[1];
        if (query.len > sizeof(query.bytes) ||
            recv(fd, query.bytes, query.len, MSG_WAITALL) != (ssize_t)query.len)
            break;
        dns_answer_query(zone, &query, true, &reply);
        size[0] = (unsigned char)(reply.len >> 8);
        size[1] = (unsigned char)reply.len;
        send(fd, size, 2, MSG_NOSIGNAL | MSG_MORE);
        send(fd, reply.bytes, reply.len, MSG_NOSIGNAL);
    }
    if (fd >= 0)
        close(fd);
}

static int dns_bind(struct addr *at, int type)
{
    int fd = socket(addr_family(at), type | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, &at->sa, at->len) == 0 &&
        getsockname(fd, &at->sa, &(socklen_t){sizeof(at->v6)}) == 0)
        return fd;
    close(fd);
    return -1;
}

// Sockets on one port; a port that is free for UDP may be taken for TCP.
static bool dns_bind_both(struct addr *at, int *udp, int *tcp)
{
    const struct addr wanted = *at;
    for (int i = 0; i < DNS_BIND_TRIES; i++) {
        *at = wanted;
        *udp = dns_bind(at, SOCK_DGRAM);
        *tcp = *udp >= 0 ? dns_bind(at, SOCK_STREAM) : -1;
        if (*tcp >= 0 && listen(*tcp, 8) == 0)
            return true;
        close(*udp);
        close(*tcp);
    }
    return false;
}

// Begins to serve the lines of zone, up to a NULL, at the host of at and a free port, which is put
// into it, or at its port. Returns the process; -1: it cannot be.
static inline pid_t dns_server_start(struct addr *at, const char *const *zone)
{
    int udp, tcp;
    if (!dns_bind_both(at, &udp, &tcp))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct pollfd fds[2] = {{.fd = udp, .events = POLLIN}, {.fd = tcp, .events = POLLIN}};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (poll(fds, 2, -1) > 0) {
            if (fds[0].revents)
                dns_serve_datagram(udp, zone);
            if (fds[1].revents)
                dns_serve_connection(tcp, zone);
        }
        _exit(0);
    }
    close(udp);
    close(tcp);
    return pid;
}

static inline void dns_server_stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

#endif
