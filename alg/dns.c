// SPDX-License-Identifier: GPL-3.0-or-later
// c-ares asks and repeats; its descriptors are polled by the signalling loop, its deadlines are one
// timer.
//
// Failure paths: what cannot be asked, comes too late or cannot be read is FAILED.
#include "alg/dns.h"

#include "alg/dns_read.h"

#include "common/strbuf.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

// How often a server is asked before the next; each time c-ares waits longer.
#define TRIES 2

struct polled {
    uv_poll_t handle;
    struct dns *dns;
    int fd;
    struct polled *prev, *next;
};

struct dns {
    ares_channel channel;
    uv_loop_t *loop;
    uv_timer_t *timer; // frees itself when closed
    struct polled *polled;
    bool closing;
};

struct question {
    enum dns_type type;
    dns_done_f *done;
    void *arg;
};

// --- the loop ---------------------------------------------------------------------------------

static void on_timer(uv_timer_t *timer);

static void plan(struct dns *dns)
{
    struct timeval wait;
    if (!ares_timeout(dns->channel, NULL, &wait)) {
        uv_timer_stop(dns->timer);
        return;
    }
    uint64_t ms = (uint64_t)wait.tv_sec * 1000 + (uint64_t)(wait.tv_usec + 999) / 1000;
    uv_timer_start(dns->timer, on_timer, ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct dns *dns = timer->data;
    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    plan(dns);
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
    const struct polled *polled = handle->data;
    struct dns *dns = polled->dns;
    ares_socket_t fd = polled->fd;
    bool failed = status < 0; // then c-ares is to find out by itself
    ares_process_fd(dns->channel, failed || (events & UV_READABLE) ? fd : ARES_SOCKET_BAD,
                    failed || (events & UV_WRITABLE) ? fd : ARES_SOCKET_BAD);
    plan(dns);
}

static void free_polled(uv_handle_t *handle)
{
    free(handle->data);
}

static struct polled *poll_anew(struct dns *dns, int fd)
{
    struct polled *polled = calloc(1, sizeof(*polled));
    if (!polled || uv_poll_init(dns->loop, &polled->handle, fd)) {
        free(polled);
        return NULL;
    }
    polled->dns = dns;
    polled->fd = fd;
    polled->handle.data = polled;
    DL_APPEND(dns->polled, polled);
    return polled;
}

// c-ares opens, uses and closes a descriptor. Without memory the question runs into its timeout.
static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns *dns = arg;
    struct polled *polled;
    DL_SEARCH_SCALAR(dns->polled, polled, fd, fd);
    if (!polled && (readable || writable))
        polled = poll_anew(dns, fd);
    if (!polled)
        return;
    if (readable || writable) {
        uv_poll_start(&polled->handle, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                      on_ready);
        return;
    }
    DL_DELETE(dns->polled, polled);
    uv_close((uv_handle_t *)&polled->handle, free_polled);
}

// --- answers ----------------------------------------------------------------------------------

static enum dns_result result_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return DNS_FOUND;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
        return DNS_NONE;
    default:
        return DNS_FAILED;
    }
}

static void finish(struct question *question, struct dns_answer *answer)
{
    if (answer->result == DNS_FOUND && answer->count == 0)
        answer->result = DNS_NONE;
    question->done(question->arg, answer);
    free(question);
}

static void on_message(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
    struct question *question = arg;
    struct dns_answer answer = {.result = result_of(status)};
    if (answer.result == DNS_FOUND)
        dns_read(&answer, question->type, bytes, len);
    finish(question, &answer);
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct dns_answer answer = {.result = result_of(status)};
    for (const struct ares_addrinfo_node *n = info ? info->nodes : NULL;
         n && answer.count < DNS_RECORDS_MAX; n = n->ai_next) {
        struct addr addr = addr_from_sockaddr(n->ai_addr, n->ai_addrlen);
        if (!addr_is_set(&addr))
            continue;
        dns_note_ttl(&answer, n->ai_ttl > 0 ? (uint32_t)n->ai_ttl : 0);
        answer.record[answer.count++] = (struct dns_record){.addr = addr};
    }
    if (info)
        ares_freeaddrinfo(info);
    finish(arg, &answer);
}

// --- life -------------------------------------------------------------------------------------

static char *servers_text(const struct config *cfg)
{
    struct strbuf text = STRBUF_INIT;
    char at[ADDR_STRLEN];
    for (size_t i = 0; i < cfg->dns.server_count; i++)
        strbuf_printf(&text, "%s%s", i ? "," : "", addr_format(&cfg->dns.servers[i], at));
    return strbuf_take(&text);
}

// Names are whole names: no search list.
static int open_channel(struct dns *dns, const struct config *cfg)
{
    struct ares_options options = {.flags = ARES_FLAG_NOSEARCH,
                                   .timeout = (int)cfg->dns.timeout_ms,
                                   .tries = TRIES,
                                   .sock_state_cb = on_socket,
                                   .sock_state_cb_data = dns};
    char *servers = servers_text(cfg);
    int rc = servers ? ares_library_init(ARES_LIB_INIT_ALL) : ARES_ENOMEM;
    if (rc == ARES_SUCCESS)
        rc = ares_init_options(&dns->channel, &options,
                               ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                   ARES_OPT_SOCK_STATE_CB);
    if (rc == ARES_SUCCESS && servers[0])
        rc = ares_set_servers_ports_csv(dns->channel, servers);
    free(servers);
    return rc;
}

int dns_open(struct dns **out, uv_loop_t *loop, const struct config *cfg,
             char error[static CONFIG_ERROR_MAX])
{
    struct dns *dns = calloc(1, sizeof(*dns));
    uv_timer_t *timer = calloc(1, sizeof(*timer));
    int rc = dns && timer ? open_channel(dns, cfg) : ARES_ENOMEM;
    if (rc != ARES_SUCCESS) {
        snprintf(error, CONFIG_ERROR_MAX, "dns: names cannot be resolved: %s", ares_strerror(rc));
        if (dns && dns->channel)
            ares_destroy(dns->channel);
        free(timer);
        free(dns);
        return rc == ARES_ENOMEM ? -ENOMEM : -EIO;
    }
    dns->loop = loop;
    dns->timer = timer;
    uv_timer_init(loop, timer);
    timer->data = dns;
    *out = dns;
    return 0;
}

static void free_timer(uv_handle_t *handle)
{
    free(handle);
}

void dns_close(struct dns *dns)
{
    if (!dns)
        return;
    dns->closing = true;
    ares_destroy(dns->channel);
    ares_library_cleanup();
    uv_close((uv_handle_t *)dns->timer, free_timer);
    free(dns);
}

void dns_ask(struct dns *dns, enum dns_type type, const char *name, dns_done_f *done, void *arg)
{
    static const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
                                                     .ai_flags = ARES_AI_NOSORT};
    struct question *question = dns->closing ? NULL : malloc(sizeof(*question));
    if (!question) {
        done(arg, &(struct dns_answer){.result = DNS_FAILED});
        return;
    }
    *question = (struct question){type, done, arg};
    if (type == DNS_HOST)
        ares_getaddrinfo(dns->channel, name, NULL, &hints, on_addresses, question);
    else
        ares_query(dns->channel, name, ns_c_in, type == DNS_SRV ? ns_t_srv : ns_t_naptr, on_message,
                   question);
    plan(dns);
}
