// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: a procedure is checked, takes what it needs (port, socket, certificate), answers, and
// posts an order to the worker of the context. Notes come back through one mailbox; the last note
// of a stream gives its ports back before the ALG hears of it.
//
// Failure paths: a request that makes no sense is refused with a line in the log, since it is a
// mistake of the ALG; one for which something is lacking is refused and leaves nothing reserved.
// What a worker reports about a released stream is dropped, except for milestones, which happened
// before and belong into the trace (REQ-106).

#include "agw/agw.h"

#include "agw/certificate.h"
#include "agw/context.h"
#include "agw/dtls.h"
#include "agw/rtcp_port.h"
#include "agw/socket.h"
#include "agw/statistics.h"
#include "agw/tls.h"
#include "common/capture/capture.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utlist.h>

// Descriptors beside those of connection points: loops, SIP, logs, the admin endpoint.
#define DESCRIPTORS_SPARE 256
#define WORKERS_MAX 256

struct agw {
    struct config cfg;
    void (*notify)(void *arg, const struct agw_notification *notification);
    void *arg;
    struct mailbox *notes;
    struct certificate_pool *certificates;
    struct dtls_profile *profile;
    struct tls_profile *tls_profile;
    struct ports *ports[2][2]; // per realm: IPv4, IPv6; NULL: no address of this family
    struct contexts contexts;
    struct agw_totals totals; // of streams that have ended
    struct line *leaving;     // released, and not reported yet
    struct place *places;     // one per worker
    unsigned place_count;
};

static const struct config_realm *realm(const struct agw *agw, int termination)
{
    return termination == AGW_T1 ? &agw->cfg.access.realm : &agw->cfg.core.realm;
}

static const char *const realm_names[] = {"access", "core"};

// --- notifications ------------------------------------------------------------------------------

static void deliver(void *arg, struct letter *letter)
{
    struct agw *agw = arg;
    struct note *note = (struct note *)letter;
    struct line *line = note->line;
    struct agw_notification what = note->what;
    bool farewell = note == &line->farewell;
    statistics_learn(line, &what, &agw->totals);
    bool late = line->released && agw_event_is_procedure(what.event);
    if (farewell) {
        DL_DELETE(agw->leaving, line);
        line_free(line);
    } else
        free(note);
    if (late)
        reason_count(REASON_LATE_NOTIFICATION);
    else
        agw->notify(agw->arg, &what);
}

// --- orders -------------------------------------------------------------------------------------

struct reserve_order {
    struct order order;
    struct stream *stream;
    struct agw_request request;
    int fd[2];
    struct certificate *certificate;
};

struct configure_order {
    struct order order;
    struct stream *stream;
    struct agw_request request;
};

// The paths in a request are borrowed for the call: an order has its own. False: no memory, and it
// has none.
static bool own_paths(struct agw_request *request)
{
    const char *local = request->msrp_local, *remote = request->msrp_remote;
    request->msrp_local = local ? strdup(local) : NULL;
    request->msrp_remote = remote ? strdup(remote) : NULL;
    return (!local || request->msrp_local) && (!remote || request->msrp_remote);
}

// What a request holds beside itself, and its keys.
static void clear_request(struct agw_request *request)
{
    free((char *)request->msrp_local);
    free((char *)request->msrp_remote);
    explicit_bzero(request, sizeof *request);
}

static void run_reserve(struct order *order, struct media *media)
{
    struct reserve_order *o = (struct reserve_order *)order;
    stream_reserve(o->stream, media, &o->request, o->fd, o->certificate);
    clear_request(&o->request);
    free(o);
}

static void free_configure_order(struct configure_order *o)
{
    clear_request(&o->request);
    free(o);
}

static void run_configure(struct order *order, struct media *media)
{
    struct configure_order *o = (struct configure_order *)order;
    stream_configure(o->stream, &o->request);
    free_configure_order(o);
}

static void run_release(struct order *order, struct media *media)
{
    struct line *line = (struct line *)((char *)order - offsetof(struct line, release));
    stream_release(line->stream, media, &line->farewell);
}

// --- checks -------------------------------------------------------------------------------------

static enum reason refuse(const struct agw_request *r, const char *why)
{
    char id[STREAM_ID_MAX];
    snprintf(id, sizeof id, "context %u stream %u", r->context, r->stream);
    log_error(id, "Iq request for T%d refused: %s", r->termination == AGW_T1 ? 1 : 2, why);
    return REASON_AGW_BAD_REQUEST;
}

// The address of ports under which others know them, behind a NAT; not set: their own.
static const struct addr *shown_host(const struct config_realm *realm, int family)
{
    return family == AF_INET6 ? &realm->shown_v6 : &realm->shown_v4;
}

// A UE that names a connection point of ours would make datagrams run in a circle. Towards the core
// it is a call between two UEs of this P-CSCF.
static bool is_own(const struct agw *agw, const struct addr *a)
{
    for (int i = 0; i < 4; i++) {
        const struct ports *ports = agw->ports[i & 1][i >> 1];
        if (!ports)
            continue;
        struct addr inside = *ports_local(ports);
        const struct addr *shown = shown_host(realm(agw, i & 1), addr_family(&inside));
        addr_set_port(&inside, addr_port(a));
        bool by_shown = addr_is_set(shown) && addr_equal_host(shown, a);
        if (ports_holds(ports, by_shown ? &inside : a))
            return true;
    }
    return false;
}

static bool fits_family(const struct addr *a, int family)
{
    return !addr_is_set(a) || addr_family(a) == family;
}

static bool wants_dtls(const struct agw_request *r)
{
    return r->local_fingerprint_request || r->remote_fingerprints.count > 0 || r->establish_dtls ||
           r->notify_dtls_failure || r->new_association;
}

static bool wants_tcp(const struct agw_request *r)
{
    return r->tcp_setup != AGW_TCP_UNDECIDED || r->establish_tcp || r->tcp_trigger ||
           r->new_connection;
}

static enum reason check_sdes(const struct agw_request *r, enum agw_transport transport)
{
    bool given = r->local_sdes.suite != SDES_NONE || r->remote_sdes.suite != SDES_NONE;
    bool known = r->local_sdes.suite < SDES_SUITES && r->remote_sdes.suite < SDES_SUITES;
    if (given && (transport != AGW_RTP_SAVP || !known))
        return refuse(r, "SDES attributes for a transport without SRTP, or of an unknown suite");
    return REASON_NONE;
}

static enum reason check_tcp(const struct agw_request *r, enum agw_transport transport)
{
    bool tcp = agw_transport_is_tcp(transport);
    bool aware = transport == AGW_TCP_MSRP || transport == AGW_TCP_TLS_MSRP;
    if (!tcp && wants_tcp(r))
        return refuse(r, "TCP elements for a transport over UDP");
    if (!aware && (r->msrp_local || r->msrp_remote))
        return refuse(r, "MSRP paths for a transport that does not look into MSRP");
    if (r->establish_tcp && r->tcp_setup != AGW_TCP_CLIENT)
        return refuse(r, "Establish TCP connection for what is no TCP client");
    return REASON_NONE;
}

// What holds for every request, for a termination of the given kind.
static enum reason check(const struct agw *agw, const struct agw_request *r,
                         enum agw_transport transport, int family, bool fingerprints_known)
{
    if (r->termination == AGW_T1 && (is_own(agw, &r->remote) || is_own(agw, &r->remote_rtcp)))
        return refuse(r, "the remote address is a connection point of this AGW");
    if (!fits_family(&r->remote, family) || !fits_family(&r->remote_rtcp, family))
        return refuse(r, "the remote address is of another family than the local one");
    if (!agw_transport_is_secured(transport) && wants_dtls(r))
        return refuse(r, "(D)TLS elements for a transport without (D)TLS");
    if (r->remote_fingerprints.count > 0 && !fingerprints_usable(&r->remote_fingerprints))
        return REASON_WEAK_FINGERPRINT;
    if (r->establish_dtls && !fingerprints_known && r->remote_fingerprints.count == 0)
        return refuse(r, "Establish (D)TLS session without a remote fingerprint");
    enum reason reason = check_sdes(r, transport);
    return reason != REASON_NONE ? reason : check_tcp(r, transport);
}

static enum reason check_reserve(const struct agw *agw, const struct agw_request *r)
{
    if (r->termination != AGW_T1 && r->termination != AGW_T2)
        return refuse(r, "no such termination");
    if (r->stream < 1 || r->stream > AGW_STREAMS_MAX)
        return refuse(r, "stream number out of range");
    if (r->family != AF_INET && r->family != AF_INET6)
        return refuse(r, "no such address family");
    if (r->transport >= AGW_TRANSPORT_COUNT)
        return refuse(r, "no such transport");
    bool secured = agw_transport_is_secured(r->transport);
    if ((secured || r->transport == AGW_RTP_SAVP) && r->termination != AGW_T1)
        return refuse(r, "media security exists towards the access network only");
    if ((secured || agw_transport_is_tcp(r->transport)) && r->rtcp)
        return refuse(r, "RTCP over (D)TLS or TCP");
    if (secured && !r->local_fingerprint_request)
        return refuse(r, "(D)TLS without Local certificate fingerprint Request");
    return check(agw, r, r->transport, r->family, false);
}

// --- Reserve ------------------------------------------------------------------------------------

static struct place *least_loaded(struct agw *agw)
{
    struct place *best = &agw->places[0];
    for (unsigned i = 1; i < agw->place_count; i++)
        if (agw->places[i].contexts < best->contexts)
            best = &agw->places[i];
    return best;
}

// Removes what was created for a request that fails: lines without terminations, then a context
// without lines.
static void tidy(struct agw *agw, struct context *context, struct line *line)
{
    if (line && !line->end[AGW_T1].ports && !line->end[AGW_T2].ports) {
        line_detach(context, line);
        line_free(line);
    }
    if (context && !context->lines)
        context_remove(&agw->contexts, context);
}

// Takes port, sockets and certificate for one termination into *o and *end.
static enum reason take(struct agw *agw, struct reserve_order *o, struct line_end *end)
{
    const struct agw_request *r = &o->request;
    struct ports *ports = agw->ports[r->termination][r->family == AF_INET6];
    if (!ports)
        return REASON_AGW_NO_ADDRESS;
    if (agw_transport_is_secured(r->transport)) {
        o->certificate = certificate_take(agw->certificates);
        if (!o->certificate)
            return REASON_AGW_NO_RESOURCE;
    }
    uint16_t port;
    bool listening = r->tcp_setup == AGW_TCP_SERVER || r->tcp_setup == AGW_TCP_UNDECIDED;
    enum reason reason = agw_transport_is_tcp(r->transport)
                             ? ports_take_tcp(ports, listening, o->fd, &port)
                             : ports_take(ports, r->rtcp, o->fd, &port);
    if (reason != REASON_NONE)
        return reason;
    *end = (struct line_end){.ports = ports,
                             .port = port,
                             .rtcp = r->rtcp,
                             .rtcp_mux = r->rtcp_mux,
                             .transport = r->transport,
                             .family = r->family,
                             .remote = r->remote};
    return REASON_NONE;
}

// What the other side is to send to: behind a NAT that is not where the termination lives.
static struct addr shown_address(const struct config_realm *realm, const struct line_end *end)
{
    const struct addr *shown = shown_host(realm, end->family);
    return addr_is_set(shown) ? *shown : *ports_local(end->ports);
}

static void fill_reply(struct agw_reply *reply, const struct context *context,
                       const struct config_realm *realm, const struct line_end *end,
                       const struct reserve_order *o)
{
    *reply = (struct agw_reply){.context = context->id, .local = shown_address(realm, end)};
    addr_set_port(&reply->local, end->port);
    if (end->rtcp) {
        reply->local_rtcp = reply->local;
        addr_set_port(&reply->local_rtcp, (uint16_t)(end->port + 1));
    }
    if (o->certificate)
        reply->local_fingerprints = *certificate_fingerprints(o->certificate);
}

static void free_order(struct reserve_order *o)
{
    if (!o)
        return;
    certificate_free(o->certificate);
    clear_request(&o->request);
    free(o);
}

static struct reserve_order *create_order(const struct agw_request *request)
{
    struct reserve_order *o = malloc(sizeof *o);
    if (!o)
        return NULL;
    *o = (struct reserve_order){.order = {.run = run_reserve}, .request = *request, .fd = {-1, -1}};
    if (own_paths(&o->request))
        return o;
    free_order(o);
    return NULL;
}

// Streams over TCP are joined with streams over TCP, which may look into MSRP on both sides only.
static bool fits_other_end(const struct line *line, const struct agw_request *r)
{
    const struct line_end *other = &line->end[!r->termination];
    bool aware = r->transport == AGW_TCP_MSRP || r->transport == AGW_TCP_TLS_MSRP;
    bool other_aware = other->transport == AGW_TCP_MSRP || other->transport == AGW_TCP_TLS_MSRP;
    return !other->ports ||
           (agw_transport_is_tcp(r->transport) == agw_transport_is_tcp(other->transport) &&
            aware == other_aware);
}

static enum reason reserve(struct agw *agw, const struct agw_request *request,
                           struct agw_reply *reply)
{
    struct context *context = NULL;
    struct line *line = NULL;
    struct reserve_order *o = NULL;
    enum reason reason = check_reserve(agw, request);
    if (reason != REASON_NONE)
        goto out;
    reason = REASON_AGW_NO_CONTEXT;
    if (request->context != 0 && !(context = context_find(&agw->contexts, request->context)))
        goto out;
    reason = REASON_AGW_NO_RESOURCE;
    if (!context && !(context = context_create(&agw->contexts, least_loaded(agw))))
        goto out;
    line = line_find(context, request->stream);
    if (!line && !(line = line_create(context, request->stream)))
        goto out;
    if (line->end[request->termination].ports) {
        reason = refuse(request, "the termination exists already");
        goto out;
    }
    if (!fits_other_end(line, request)) {
        reason = refuse(request, "the transport does not go with that of the other termination");
        goto out;
    }
    o = create_order(request);
    if (!o)
        goto out;
    reason = take(agw, o, &line->end[request->termination]);
    if (reason != REASON_NONE)
        goto out;
    line->fingerprints_known |= request->remote_fingerprints.count > 0;
    o->stream = line->stream;
    fill_reply(reply, context, realm(agw, request->termination), &line->end[request->termination],
               o);
    worker_post(context->place->worker, &o->order);
    (void)rtcp_port_follow(line, context->place->worker); // nothing was closed that it could need
    return REASON_NONE;
out:
    free_order(o);
    tidy(agw, context, line);
    return reason;
}

enum reason agw_reserve(struct agw *agw, const struct agw_request *request, struct agw_reply *reply)
{
    if (addr_is_set(&request->remote) || request->remote_fingerprints.count > 0 ||
        request->establish_dtls)
        return refuse(request, "Reserve has no remote elements (TS 23.334 8.3)");
    return reserve(agw, request, reply);
}

enum reason agw_reserve_and_configure(struct agw *agw, const struct agw_request *request,
                                      struct agw_reply *reply)
{
    return reserve(agw, request, reply);
}

// --- Configure, Release -------------------------------------------------------------------------

static struct configure_order *create_configure_order(const struct line *line,
                                                      const struct agw_request *request)
{
    struct configure_order *o = malloc(sizeof *o);
    if (!o)
        return NULL;
    *o = (struct configure_order){
        .order = {.run = run_configure}, .stream = line->stream, .request = *request};
    if (own_paths(&o->request))
        return o;
    free_configure_order(o);
    return NULL;
}

enum reason agw_configure(struct agw *agw, const struct agw_request *request)
{
    const struct context *context = context_find(&agw->contexts, request->context);
    struct line *line = context ? line_find(context, request->stream) : NULL;
    if (!line || request->termination > AGW_T2 || !line->end[request->termination].ports)
        return REASON_AGW_NO_CONTEXT;
    struct line_end *end = &line->end[request->termination], before = *end;
    enum reason reason = check(agw, request, end->transport, end->family, line->fingerprints_known);
    if (reason != REASON_NONE)
        return reason;
    struct configure_order *o = create_configure_order(line, request);
    if (!o)
        return REASON_AGW_NO_RESOURCE;
    end->rtcp_mux = request->rtcp_mux;
    if (addr_is_set(&request->remote))
        end->remote = request->remote;
    reason = rtcp_port_follow(line, context->place->worker);
    if (reason != REASON_NONE) {
        *end = before;
        free_configure_order(o);
        return reason;
    }
    line->fingerprints_known |= request->remote_fingerprints.count > 0;
    worker_post(context->place->worker, &o->order);
    return REASON_NONE;
}

static void release_line(struct agw *agw, struct context *context, struct line *line)
{
    line_detach(context, line);
    DL_APPEND(agw->leaving, line);
    line->released = true;
    line->release.run = run_release;
    worker_post(context->place->worker, &line->release);
}

void agw_release(struct agw *agw, uint32_t id, unsigned stream)
{
    struct context *context = context_find(&agw->contexts, id);
    if (!context)
        return;
    struct line *line = line_find(context, stream);
    if (line)
        release_line(agw, context, line);
    while (stream == 0 && context->lines)
        release_line(agw, context, context->lines);
    if (!context->lines)
        context_remove(&agw->contexts, context);
}

// --- figures ------------------------------------------------------------------------------------

enum reason agw_statistics(const struct agw *agw, uint32_t id, unsigned stream,
                           struct agw_statistics *out)
{
    const struct context *context = context_find(&agw->contexts, id);
    const struct line *line = context ? line_find(context, stream) : NULL;
    if (!line)
        return REASON_AGW_NO_CONTEXT;
    statistics_read(line, out);
    return REASON_NONE;
}

void agw_totals(const struct agw *agw, struct agw_totals *out)
{
    const struct line *line;
    *out = agw->totals;
    contexts_each(&agw->contexts, statistics_add, out);
    DL_FOREACH(agw->leaving, line)
    {
        statistics_add(line, out);
    }
}

unsigned agw_workers(const struct agw *agw)
{
    return agw->place_count;
}

unsigned agw_ports_used(const struct agw *agw, enum agw_termination termination)
{
    unsigned n = 0;
    for (int f = 0; f < 2; f++)
        if (agw->ports[termination][f])
            n += ports_used(agw->ports[termination][f]);
    return n;
}

unsigned agw_ports_total(const struct agw *agw, enum agw_termination termination)
{
    unsigned n = 0;
    for (int f = 0; f < 2; f++)
        if (agw->ports[termination][f])
            n += ports_total(agw->ports[termination][f]);
    return n;
}

unsigned agw_dtls_overhead(const struct agw *agw)
{
    return dtls_profile_overhead(agw->profile);
}

unsigned agw_tls_overhead(const struct agw *agw)
{
    return tls_profile_overhead(agw->tls_profile);
}

// --- opening and closing ------------------------------------------------------------------------

static int open_range(struct agw *agw, int termination, const struct addr *local,
                      char error[static CONFIG_ERROR_MAX])
{
    const struct config_realm *r = realm(agw, termination);
    char text[ADDR_STRLEN];
    if (!addr_is_set(local))
        return 0;
    int fd = socket_open(local, false);
    if (fd < 0) {
        snprintf(error, CONFIG_ERROR_MAX, "%s media address %s cannot be bound: %s",
                 realm_names[termination], addr_host(local, text), strerror(-fd));
        return fd;
    }
    close(fd);
    int rc = ports_open(&agw->ports[termination][addr_family(local) == AF_INET6], local,
                        r->port_min, r->port_max, agw->cfg.agw.drop_oversize);
    if (rc < 0)
        snprintf(error, CONFIG_ERROR_MAX, "%s media ports %u to %u cannot be used: %s",
                 realm_names[termination], r->port_min, r->port_max, strerror(-rc));
    return rc;
}

static int open_ranges(struct agw *agw, char error[static CONFIG_ERROR_MAX])
{
    int rc = 0;
    for (int t = AGW_T1; t <= AGW_T2 && rc == 0; t++) {
        rc = open_range(agw, t, &realm(agw, t)->media_v4, error);
        if (rc == 0)
            rc = open_range(agw, t, &realm(agw, t)->media_v6, error);
    }
    return rc;
}

// A connection point takes one descriptor, over TCP two: one listens, one talks. How many of them
// will be over TCP is not known.
static void raise_descriptor_limit(const struct agw *agw)
{
    struct rlimit limit;
    rlim_t wanted = agw_ports_total(agw, AGW_T1) + agw_ports_total(agw, AGW_T2) + DESCRIPTORS_SPARE;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < wanted)
        log_warn("agw",
                 "%lu descriptors are allowed but the media ports need %lu: calls will be "
                 "refused before the ports are used up",
                 (unsigned long)limit.rlim_max, (unsigned long)wanted);
}

static int open_workers(struct agw *agw)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted =
        agw->cfg.agw.workers ? agw->cfg.agw.workers : (unsigned)(cores > 0 ? cores : 1);
    wanted = wanted > WORKERS_MAX ? WORKERS_MAX : wanted;
    agw->places = calloc(wanted, sizeof *agw->places);
    if (!agw->places)
        return -ENOMEM;
    int rc = 0;
    while (agw->place_count < wanted && rc == 0) {
        rc = worker_open(&agw->places[agw->place_count].worker, &agw->cfg, agw->profile,
                         agw->tls_profile, agw->notes);
        agw->place_count += rc == 0;
    }
    return rc;
}

// Everything after the port ranges; what names the step that failed.
static int open_rest(struct agw *agw, uv_loop_t *loop, const char **what)
{
    const struct config *cfg = &agw->cfg;
    *what = "table of contexts";
    int rc = contexts_open(&agw->contexts, cfg->sip.sessions_max);
    if (rc < 0)
        return rc;
    *what = "DTLS profile";
    rc = dtls_profile_open(&agw->profile, cfg);
    if (rc < 0)
        return rc;
    *what = "TLS profile";
    rc = tls_profile_open(&agw->tls_profile, cfg);
    if (rc < 0)
        return rc;
    *what = "certificates";
    rc =
        certificate_pool_open(&agw->certificates, cfg->agw.certificates, cfg->agw.certificate_pool);
    if (rc < 0)
        return rc;
    *what = "notifications";
    rc = mailbox_open(&agw->notes, loop, deliver, agw);
    if (rc < 0)
        return rc;
    *what = "media workers";
    return open_workers(agw);
}

int agw_open(struct agw **out, const struct config *cfg, uv_loop_t *loop,
             void (*notify)(void *arg, const struct agw_notification *notification), void *arg,
             char error[static CONFIG_ERROR_MAX])
{
    struct agw *agw = calloc(1, sizeof *agw);
    const char *what = NULL;
    if (!agw) {
        snprintf(error, CONFIG_ERROR_MAX, "no memory for the media plane");
        return -ENOMEM;
    }
    agw->cfg = *cfg;
    agw->notify = notify;
    agw->arg = arg;
    int rc = open_ranges(agw, error);
    if (rc < 0)
        goto out;
    raise_descriptor_limit(agw);
    rc = open_rest(agw, loop, &what);
    if (rc < 0)
        snprintf(error, CONFIG_ERROR_MAX, "media plane: %s: %s", what, strerror(-rc));
out:
    if (rc < 0)
        agw_close(agw);
    else
        *out = agw;
    return rc;
}

struct record_order {
    struct order order;
    struct ring *ring;
};

static void run_record(struct order *order, struct media *media)
{
    struct record_order *o = (struct record_order *)order;
    media->ring = o->ring;
    free(o);
}

int agw_record(struct agw *agw, struct capture *capture)
{
    for (unsigned i = 0; i < agw->place_count; i++) {
        struct ring *ring = capture_ring(capture);
        struct record_order *o = ring ? malloc(sizeof *o) : NULL;
        if (!o)
            return -ENOMEM;
        *o = (struct record_order){.order = {.run = run_record}, .ring = ring};
        worker_post(agw->places[i].worker, &o->order);
    }
    return 0;
}

void agw_close(struct agw *agw)
{
    if (!agw)
        return;
    struct context *context;
    while ((context = contexts_any(&agw->contexts)))
        agw_release(agw, context->id, 0);
    for (unsigned i = 0; i < agw->place_count; i++)
        worker_close(agw->places[i].worker);
    mailbox_close(agw->notes); // delivers what is still inside
    free(agw->places);
    certificate_pool_close(agw->certificates);
    dtls_profile_close(agw->profile);
    tls_profile_close(agw->tls_profile);
    contexts_close(&agw->contexts);
    for (int i = 0; i < 4; i++)
        ports_close(agw->ports[i & 1][i >> 1]);
    free(agw);
}
