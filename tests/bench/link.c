// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: sockets block; one thread writes, at its rate or as fast as the target takes it, the
// caller reads, and both hash what they see where that is asked for.
//
// Failure paths: whatever takes longer than PATIENCE_S, or breaks, ends the load: it is not whole.

#include "tests/bench/link.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_S 10
#define BACKLOG 16
#define PING 500
#define PINGS_MAX 10000
#define LINKS_MAX 4
#define SHA256 32

// --- one connection -----------------------------------------------------------------------------

static void set_options(int fd)
{
    int one = 1;
    struct timeval patience = {.tv_sec = PATIENCE_S};
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

int link_listen(unsigned target)
{
    struct sockaddr_in local = bench_address(target, HOST_FAR, BENCH_PORT_FAR);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    set_options(fd);
    if (bind(fd, (const struct sockaddr *)&local, sizeof(local)) < 0 || listen(fd, BACKLOG) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static int connect_ue(unsigned target, uint16_t port)
{
    struct sockaddr_in ue = bench_address(target, HOST_UE, 0);
    struct sockaddr_in to = bench_address(target, HOST_ACCESS, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    set_options(fd);
    if (bind(fd, (const struct sockaddr *)&ue, sizeof(ue)) == 0 &&
        connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    close(fd);
    return -1;
}

static const char *priority_of(enum link_version version)
{
    return version == LINK_TLS13
               ? "NONE:+VERS-TLS1.3:+AES-128-GCM:+AEAD:+SIGN-ECDSA-SECP256R1-SHA256"
                 ":+GROUP-SECP256R1:+COMP-NULL:+CTYPE-X509"
               : "NONE:+VERS-TLS1.2:+ECDHE-ECDSA:+AES-128-GCM:+AEAD:+SIGN-ECDSA-SHA256"
                 ":+SIGN-ECDSA-SECP256R1-SHA256:+GROUP-SECP256R1:+COMP-NULL:+CTYPE-X509"
                 ":%SAFE_RENEGOTIATION";
}

static int secure(gnutls_session_t *session, int fd, const struct identity *identity,
                  enum link_version version)
{
    int rc = gnutls_init(session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS);
    if (rc < 0)
        return rc;
    gnutls_priority_set_direct(*session, priority_of(version), NULL);
    gnutls_credentials_set(*session, GNUTLS_CRD_CERTIFICATE, identity->credentials);
    gnutls_handshake_set_timeout(*session, PATIENCE_S * 1000);
    gnutls_transport_set_int(*session, fd);
    rc = gnutls_handshake(*session);
    if (rc < 0)
        gnutls_deinit(*session);
    return rc;
}

int link_open(struct link *link, unsigned target, uint16_t port, int listener,
              const struct identity *identity, enum link_version version)
{
    struct link l = {.ue = connect_ue(target, port), .far = -1};
    if (l.ue < 0)
        return -1;
    if (secure(&l.session, l.ue, identity, version) < 0) {
        close(l.ue);
        return -1;
    }
    l.far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (l.far < 0) {
        gnutls_deinit(l.session);
        close(l.ue);
        return -1;
    }
    set_options(l.far);
    *link = l;
    return 0;
}

void link_close(struct link *link)
{
    struct linger reset = {.l_onoff = 1};
    if (!link->session)
        return;
    (void)gnutls_bye(link->session, GNUTLS_SHUT_WR);
    gnutls_deinit(link->session);
    (void)setsockopt(link->ue, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    (void)setsockopt(link->far, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(link->ue);
    close(link->far);
    *link = (struct link){.ue = -1, .far = -1};
}

static bool write_all(struct link *link, bool down, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t at = 0; at < len;) {
        ssize_t n = down ? send(link->far, bytes + at, len - at, MSG_NOSIGNAL)
                         : gnutls_record_send(link->session, bytes + at, len - at);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static ssize_t read_some(struct link *link, bool down, void *data, size_t size)
{
    return down ? gnutls_record_recv(link->session, data, size) : recv(link->far, data, size, 0);
}

// --- loads --------------------------------------------------------------------------------------

struct run {
    struct link *links;
    const struct link_load *load;
    uint64_t due[LINKS_MAX], got[LINKS_MAX]; // bytes
    gnutls_hash_hd_t sent[LINKS_MAX], seen[LINKS_MAX];
};

static size_t length(const char *text)
{
    return text ? strlen(text) : 0;
}

static void wait_for_turn(uint64_t from_ns, unsigned rate, unsigned block)
{
    if (rate == 0)
        return;
    uint64_t due = from_ns + block * (1000000000ull / rate);
    struct timespec t = {.tv_sec = (time_t)(due / 1000000000u),
                         .tv_nsec = (long)(due % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

static bool write_block(struct run *run, unsigned i, uint8_t *buffer, uint64_t number)
{
    const struct link_text *text = &run->load->text[i];
    if (!text->stamped)
        return write_all(&run->links[i], run->load->down, text->block, text->block_len);
    memcpy(buffer, text->block, text->block_len);
    memcpy(buffer, &number, sizeof(number));
    gnutls_hash(run->sent[i], buffer, text->block_len);
    return write_all(&run->links[i], run->load->down, buffer, text->block_len);
}

static bool write_edge(struct run *run, bool tail)
{
    for (unsigned i = 0; i < run->load->links; i++) {
        const struct link_text *text = &run->load->text[i];
        const char *edge = tail ? text->tail : text->head;
        if (edge && !write_all(&run->links[i], run->load->down, edge, strlen(edge)))
            return false;
        if (edge && tail && text->stamped)
            gnutls_hash(run->sent[i], edge, strlen(edge));
    }
    return true;
}

static void *write_load(void *arg)
{
    static uint8_t buffer[LINK_BLOCK_MAX];
    struct run *run = arg;
    uint64_t from = bench_ns(CLOCK_MONOTONIC);
    prctl(PR_SET_TIMERSLACK, 1000ul);
    bool well = write_edge(run, false);
    for (unsigned b = 0; well && b < run->load->blocks; b++) {
        wait_for_turn(from, run->load->rate, b);
        well = write_block(run, b % run->load->links, buffer, b);
    }
    if (well)
        (void)write_edge(run, true);
    return NULL;
}

static void look_at(struct run *run, unsigned i, const uint8_t *data, size_t len)
{
    size_t head = length(run->load->text[i].head);
    size_t skip = run->got[i] < head ? head - (size_t)run->got[i] : 0;
    if (run->load->text[i].stamped && len > skip)
        gnutls_hash(run->seen[i], data + skip, len - skip);
    run->got[i] += len;
}

// Takes what link i has now.
static bool read_link(struct run *run, unsigned i)
{
    static uint8_t buffer[LINK_BLOCK_MAX];
    struct link *link = &run->links[i];
    bool down = run->load->down;
    do {
        ssize_t n = read_some(link, down, buffer, sizeof(buffer));
        if (n <= 0)
            return false;
        look_at(run, i, buffer, (size_t)n);
    } while (down && gnutls_record_check_pending(link->session) > 0);
    return true;
}

static void read_load(struct run *run)
{
    struct pollfd fds[LINKS_MAX];
    for (;;) {
        unsigned open = 0;
        for (unsigned i = 0; i < run->load->links; i++) {
            int fd = run->load->down ? run->links[i].ue : run->links[i].far;
            bool wants = run->got[i] < run->due[i];
            open += wants;
            fds[i] = (struct pollfd){.fd = wants ? fd : -1, .events = POLLIN};
        }
        if (open == 0 || poll(fds, run->load->links, PATIENCE_S * 1000) <= 0)
            return;
        for (unsigned i = 0; i < run->load->links; i++)
            if (fds[i].revents && !read_link(run, i))
                return;
    }
}

static void begin(struct run *run)
{
    const struct link_load *load = run->load;
    for (unsigned i = 0; i < load->links; i++) {
        const struct link_text *text = &load->text[i];
        unsigned blocks = load->blocks / load->links + (i < load->blocks % load->links);
        run->due[i] = blocks * text->block_len + length(text->head) + length(text->tail);
        gnutls_hash_init(&run->sent[i], GNUTLS_DIG_SHA256);
        gnutls_hash_init(&run->seen[i], GNUTLS_DIG_SHA256);
    }
}

static bool is_whole(struct run *run)
{
    bool whole = true;
    for (unsigned i = 0; i < run->load->links; i++) {
        uint8_t sent[SHA256], seen[SHA256];
        gnutls_hash_deinit(run->sent[i], sent);
        gnutls_hash_deinit(run->seen[i], seen);
        whole = whole && run->got[i] == run->due[i] && memcmp(sent, seen, SHA256) == 0;
    }
    return whole;
}

struct link_result link_run(struct link *links, const struct link_load *load,
                            const struct child *target)
{
    struct run run = {.links = links, .load = load};
    pthread_t writer;
    begin(&run);
    uint64_t before = child_cpu_ns(target);
    if (pthread_create(&writer, NULL, write_load, &run) != 0)
        abort();
    read_load(&run);
    uint64_t after = child_cpu_ns(target);
    pthread_join(writer, NULL);
    struct link_result result = {.cpu_ns = after - before};
    for (unsigned i = 0; i < load->links; i++)
        result.bytes += run.got[i];
    result.whole = is_whole(&run);
    return result;
}

// --- round trips --------------------------------------------------------------------------------

static bool read_all(struct link *link, bool down, uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = read_some(link, down, data + at, len - at);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static bool round_trip(struct link *link)
{
    uint8_t data[PING] = {0};
    return write_all(link, false, data, sizeof(data)) &&
           read_all(link, false, data, sizeof(data)) && write_all(link, true, data, sizeof(data)) &&
           read_all(link, true, data, sizeof(data));
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

struct link_latency link_ping(struct link *link, unsigned count)
{
    static uint64_t taken[PINGS_MAX];
    struct link_latency latency = {.whole = count > 0 && count <= PINGS_MAX};
    for (unsigned i = 0; i < count && latency.whole; i++) {
        uint64_t from = bench_ns(CLOCK_MONOTONIC);
        latency.whole = round_trip(link);
        taken[i] = bench_ns(CLOCK_MONOTONIC) - from;
    }
    if (!latency.whole)
        return latency;
    qsort(taken, count, sizeof(taken[0]), compare);
    size_t p50 = count / 2, p99 = count * 99ul / 100;
    latency.p50_us = (double)taken[p50] / 1e3;
    latency.p99_us = (double)taken[p99] / 1e3;
    return latency;
}
