// SPDX-License-Identifier: GPL-3.0-or-later
// A lookup goes through up to three steps, each of which asks all its questions at once: NAPTR for
// the services of the name, SRV for the hosts of each service, addresses of each host. A name with
// a port, or one for which nobody has published services, is a host itself.
//
// Failure paths: a question that fails leaves a gap; the lookup has failed when no address is left,
// and is told apart from a name that does not exist.
#include "alg/locate.h"

#include "alg/index.h"
#include "common/fsm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

// RFC 3261 19.1.2
#define DEFAULT_PORT 5060
// Addresses of one host that are kept.
#define ADDRESSES_MAX 4
// "host 65535 2"
#define KEY_MAX (DNS_NAME_MAX + 16)

// One host that offers the service.
struct host {
    unsigned service; // rank of its NAPTR
    uint16_t priority, weight, port;
    bool tcp;
    unsigned address_count;
    struct addr address[ADDRESSES_MAX];
};

struct known {
    struct known *prev, *next;
    uint64_t until_ms;
    unsigned count;
    struct host host[LOCATE_TARGETS_MAX];
    char key[KEY_MAX];
};

struct locator {
    struct locator_setup setup;
    struct index *known_by_key, *lookups;
    struct known *known;
};

struct service {
    char name[DNS_NAME_MAX]; // what SRV is asked for, or a host
    bool tcp, is_host;
};

// A question on its way to the DNS, with its place in the lookup.
struct errand {
    struct lookup *lookup;
    unsigned place;
};

struct lookup {
    struct locator *locator;
    char key[KEY_MAX];
    struct locate_question question;
    struct locate_wait *waits;
    int state;
    unsigned open; // questions without an answer
    bool failed;   // one of them has failed
    bool none;     // SRV says that there is no such service
    uint32_t ttl_s;
    unsigned service_count, host_count;
    struct service service[LOCATE_TARGETS_MAX];
    struct host host[LOCATE_TARGETS_MAX];
    char host_name[LOCATE_TARGETS_MAX][DNS_NAME_MAX];
    struct errand errand[LOCATE_TARGETS_MAX];
};

// --- what is known ----------------------------------------------------------------------------

struct locator *locator_open(const struct locator_setup *setup)
{
    struct locator *locator = calloc(1, sizeof(*locator));
    if (!locator)
        return NULL;
    locator->setup = *setup;
    locator->known_by_key = index_open();
    locator->lookups = index_open();
    if (locator->known_by_key && locator->lookups)
        return locator;
    index_close(locator->known_by_key);
    index_close(locator->lookups);
    free(locator);
    return NULL;
}

static void free_lookup(void *object, void *arg)
{
    struct lookup *lookup = object;
    struct locate_wait *wait, *next;
    DL_FOREACH_SAFE(lookup->waits, wait, next)
    {
        wait->lookup = NULL;
    }
    free(lookup);
}

static void forget(struct locator *locator, struct known *known)
{
    index_remove(locator->known_by_key, known->key, strlen(known->key));
    DL_DELETE(locator->known, known);
    free(known);
}

void locator_close(struct locator *locator)
{
    if (!locator)
        return;
    while (locator->known)
        forget(locator, locator->known);
    index_each(locator->lookups, free_lookup, NULL);
    index_close(locator->lookups);
    index_close(locator->known_by_key);
    free(locator);
}

unsigned locator_cached(const struct locator *locator)
{
    return index_count(locator->known_by_key);
}

// Names are the same in any case of their letters.
static void key_of(const struct locate_question *q, char key[static KEY_MAX])
{
    snprintf(key, KEY_MAX, "%s %u %d", q->host, q->port, (int)q->transport);
    for (char *c = key; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
}

static void make_room(struct locator *locator)
{
    struct known *known, *first = locator->known;
    if (!first || index_count(locator->known_by_key) < LOCATE_CACHE_MAX)
        return;
    DL_FOREACH(locator->known, known)
    {
        if (known->until_ms < first->until_ms)
            first = known;
    }
    forget(locator, first);
}

static uint32_t bounded(uint32_t ttl_s)
{
    return ttl_s < LOCATE_TTL_MIN_S   ? LOCATE_TTL_MIN_S
           : ttl_s > LOCATE_TTL_MAX_S ? LOCATE_TTL_MAX_S
                                      : ttl_s;
}

static int remember(struct locator *locator, const struct lookup *lookup)
{
    struct known *known = index_get(locator->known_by_key, lookup->key, strlen(lookup->key));
    if (known)
        forget(locator, known);
    make_room(locator);
    known = calloc(1, sizeof(*known));
    if (!known || index_put(locator->known_by_key, lookup->key, strlen(lookup->key), known)) {
        free(known);
        return -ENOMEM;
    }
    memcpy(known->key, lookup->key, sizeof(known->key));
    known->until_ms = locator->setup.now_ms() + (uint64_t)bounded(lookup->ttl_s) * 1000;
    for (unsigned i = 0; i < lookup->host_count; i++)
        if (lookup->host[i].address_count > 0)
            known->host[known->count++] = lookup->host[i];
    DL_APPEND(locator->known, known);
    return 0;
}

// --- order ------------------------------------------------------------------------------------

static bool comes_before(const struct host *a, const struct host *b)
{
    return a->service != b->service ? a->service < b->service : a->priority < b->priority;
}

static bool is_equal(const struct host *a, const struct host *b)
{
    return a->service == b->service && a->priority == b->priority;
}

// Of the hosts left, one of those that come first: by chance, in proportion to their weights; those
// without weight have a small chance too (RFC 2782).
static unsigned choose(const struct host *host, unsigned count, uint32_t (*random)(void))
{
    unsigned first = 0;
    uint32_t sum = 0;
    for (unsigned i = 1; i < count; i++)
        if (comes_before(&host[i], &host[first]))
            first = i;
    for (unsigned i = 0; i < count; i++)
        sum += is_equal(&host[i], &host[first]) ? host[i].weight + 1U : 0;
    uint32_t at = sum > 1 ? random() % sum : 0;
    for (unsigned i = 0; i < count; i++) {
        if (!is_equal(&host[i], &host[first]))
            continue;
        if (at < host[i].weight + 1U)
            return i;
        at -= host[i].weight + 1U;
    }
    return first;
}

static void put_host(struct locate_answer *answer, const struct host *host)
{
    for (unsigned i = 0; i < host->address_count && answer->count < LOCATE_TARGETS_MAX; i++) {
        struct locate_target *target = &answer->target[answer->count++];
        *target = (struct locate_target){.addr = host->address[i], .tcp = host->tcp};
        addr_set_port(&target->addr, host->port);
    }
}

bool locator_find(struct locator *locator, const struct locate_question *question,
                  struct locate_answer *answer)
{
    char key[KEY_MAX];
    key_of(question, key);
    struct known *known = index_get(locator->known_by_key, key, strlen(key));
    if (known && known->until_ms <= locator->setup.now_ms()) {
        forget(locator, known);
        known = NULL;
    }
    if (!known)
        return false;
    struct host left[LOCATE_TARGETS_MAX];
    unsigned count = known->count;
    memcpy(left, known->host, sizeof(left));
    answer->count = 0;
    while (count > 0) {
        unsigned i = choose(left, count, locator->setup.random);
        put_host(answer, &left[i]);
        left[i] = left[--count];
    }
    return true;
}

// --- the steps --------------------------------------------------------------------------------

enum state { STATE_NEW, STATE_NAPTR, STATE_SRV, STATE_HOST, STATE_DONE, STATES };
enum event {
    EVENT_NAME,     // a name without port and transport: which services has it?
    EVENT_SERVICES, // services: which hosts offer them?
    EVENT_HOSTS,    // hosts: which addresses have they?
    EVENT_END,      // nothing is left to ask
    EVENTS
};

static void feed(struct lookup *lookup, enum event event);

static void add_service(struct lookup *lookup, const char *name, bool tcp, bool is_host)
{
    if (lookup->service_count == LOCATE_TARGETS_MAX || !name[0])
        return;
    struct service *service = &lookup->service[lookup->service_count++];
    *service = (struct service){.tcp = tcp, .is_host = is_host};
    snprintf(service->name, sizeof(service->name), "%s", name);
}

static void add_host(struct lookup *lookup, const struct host *host, const char *name)
{
    unsigned i = lookup->host_count;
    if (i == LOCATE_TARGETS_MAX)
        return;
    lookup->host[i] = *host;
    memcpy(lookup->host_name[i], name, strnlen(name, DNS_NAME_MAX - 1) + 1);
    lookup->host_name[i][DNS_NAME_MAX - 1] = '\0';
    lookup->host_count++;
}

// SRV names of what this node speaks towards the core, where nobody says what is preferred.
static void add_usual_services(struct lookup *lookup)
{
    const struct locate_question *q = &lookup->question;
    char name[DNS_NAME_MAX + 16];
    for (int tcp = 0; tcp < 2; tcp++) {
        if (q->transport == (tcp ? LOCATE_UDP : LOCATE_TCP))
            continue;
        snprintf(name, sizeof(name), "_sip._%s.%s", tcp ? "tcp" : "udp", q->host);
        if (strlen(name) < DNS_NAME_MAX)
            add_service(lookup, name, tcp, false);
    }
}

// The name is a host.
static void add_itself(struct lookup *lookup)
{
    const struct locate_question *q = &lookup->question;
    struct host host = {.port = q->port ? q->port : DEFAULT_PORT,
                        .tcp = q->transport == LOCATE_TCP};
    add_host(lookup, &host, q->host);
}

// The last answer of a step has come: what it is good for.
static void go_on(struct lookup *lookup)
{
    if (lookup->state == STATE_NAPTR) {
        if (lookup->service_count == 0)
            add_usual_services(lookup);
        feed(lookup, EVENT_SERVICES);
    } else if (lookup->state == STATE_SRV) {
        if (lookup->host_count == 0 && !lookup->none)
            add_itself(lookup);
        feed(lookup, lookup->host_count > 0 ? EVENT_HOSTS : EVENT_END);
    } else {
        feed(lookup, EVENT_END);
    }
}

static void answered(struct lookup *lookup, const struct dns_answer *answer)
{
    if (answer->result == DNS_FAILED)
        lookup->failed = true;
    if (answer->result == DNS_FOUND && answer->ttl_s < lookup->ttl_s)
        lookup->ttl_s = answer->ttl_s;
    if (--lookup->open == 0)
        go_on(lookup);
}

static bool naptr_before(const struct dns_record *a, const struct dns_record *b)
{
    return a->order != b->order ? a->order < b->order : a->weight < b->weight;
}

static bool is_served(const struct dns_record *r)
{
    return (r->flag == 's' || r->flag == 'a') &&
           (strcasecmp(r->service, "SIP+D2U") == 0 || strcasecmp(r->service, "SIP+D2T") == 0);
}

// Services in the order of the records (RFC 3263 4.1); those that need TLS or SCTP are not served.
static void on_naptr(void *arg, const struct dns_answer *answer)
{
    struct lookup *lookup = ((struct errand *)arg)->lookup;
    bool used[DNS_RECORDS_MAX] = {false};
    for (unsigned n = 0; n < answer->count; n++) {
        const struct dns_record *best = NULL;
        for (unsigned i = 0; i < answer->count; i++)
            if (!used[i] && (!best || naptr_before(&answer->record[i], best)))
                best = &answer->record[i];
        used[best - answer->record] = true;
        if (is_served(best))
            add_service(lookup, best->name, (best->service[6] | 0x20) == 't', best->flag == 'a');
    }
    answered(lookup, answer);
}

static void on_srv(void *arg, const struct dns_answer *answer)
{
    const struct errand *errand = arg;
    struct lookup *lookup = errand->lookup;
    for (unsigned i = 0; i < answer->count; i++) {
        const struct dns_record *r = &answer->record[i];
        struct host host = {.service = errand->place,
                            .priority = r->order,
                            .weight = r->weight,
                            .port = r->port,
                            .tcp = lookup->service[errand->place].tcp};
        lookup->none = lookup->none || !r->name[0];
        if (r->name[0] && r->port > 0)
            add_host(lookup, &host, r->name);
    }
    answered(lookup, answer);
}

static void on_host(void *arg, const struct dns_answer *answer)
{
    const struct errand *errand = arg;
    struct lookup *lookup = errand->lookup;
    const struct locator_setup *setup = &lookup->locator->setup;
    struct host *host = &lookup->host[errand->place];
    for (unsigned i = 0; i < answer->count && host->address_count < ADDRESSES_MAX; i++)
        if (addr_family(&answer->record[i].addr) == AF_INET ? setup->v4 : setup->v6)
            host->address[host->address_count++] = answer->record[i].addr;
    answered(lookup, answer);
}

// open counts one more while questions are being put, so that answers from within end nothing.
static void ask(struct lookup *lookup, unsigned place, enum dns_type type, const char *name,
                dns_done_f *done)
{
    lookup->errand[place] = (struct errand){lookup, place};
    lookup->open++;
    dns_ask(lookup->locator->setup.dns, type, name, done, &lookup->errand[place]);
}

static void asked(struct lookup *lookup)
{
    if (--lookup->open == 0)
        go_on(lookup);
}

static void ask_naptr(void *object, void *argument)
{
    struct lookup *lookup = object;
    lookup->open = 1;
    ask(lookup, 0, DNS_NAPTR, lookup->question.host, on_naptr);
    asked(lookup);
}

static void ask_srv(void *object, void *argument)
{
    struct lookup *lookup = object;
    lookup->open = 1;
    for (unsigned i = 0; i < lookup->service_count; i++) {
        const struct service *service = &lookup->service[i];
        struct host host = {.service = i, .port = DEFAULT_PORT, .tcp = service->tcp};
        if (service->is_host)
            add_host(lookup, &host, service->name);
        else
            ask(lookup, i, DNS_SRV, service->name, on_srv);
    }
    asked(lookup);
}

static void ask_hosts(void *object, void *argument)
{
    struct lookup *lookup = object;
    lookup->open = 1;
    for (unsigned i = 0; i < lookup->host_count; i++) {
        struct addr literal; // some publish an address as target
        if (addr_parse(&literal, lookup->host_name[i], 0) == 0)
            lookup->host[i].address[lookup->host[i].address_count++] = literal;
        else
            ask(lookup, i, DNS_HOST, lookup->host_name[i], on_host);
    }
    asked(lookup);
}

static enum dns_result outcome(struct lookup *lookup)
{
    for (unsigned i = 0; i < lookup->host_count; i++)
        if (lookup->host[i].address_count > 0)
            return remember(lookup->locator, lookup) ? DNS_FAILED : DNS_FOUND;
    return lookup->failed ? DNS_FAILED : DNS_NONE;
}

static void end(void *object, void *argument)
{
    struct lookup *lookup = object;
    struct locate_wait *wait;
    enum dns_result result = outcome(lookup);
    index_remove(lookup->locator->lookups, lookup->key, strlen(lookup->key));
    while ((wait = lookup->waits)) {
        locator_forget(wait);
        wait->done(wait->arg, result);
    }
    free(lookup);
}

static const char *const state_names[STATES] = {"new", "asking NAPTR", "asking SRV",
                                                "asking addresses", "done"};
static const char *const event_names[EVENTS] = {"name", "services", "hosts", "end"};

static const struct fsm_row rows[] = {
    {STATE_NEW, EVENT_NAME, ask_naptr, STATE_NAPTR},
    {STATE_NEW, EVENT_SERVICES, ask_srv, STATE_SRV},
    {STATE_NEW, EVENT_HOSTS, ask_hosts, STATE_HOST},
    {STATE_NAPTR, EVENT_SERVICES, ask_srv, STATE_SRV},
    {STATE_SRV, EVENT_HOSTS, ask_hosts, STATE_HOST},
    {STATE_SRV, EVENT_END, end, STATE_DONE},
    {STATE_HOST, EVENT_END, end, STATE_DONE},
};

static const struct fsm machine = {
    .name = "lookup",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .state_names = state_names,
    .event_names = event_names,
};

static void feed(struct lookup *lookup, enum event event)
{
    (void)fsm_feed(&machine, &lookup->state, (int)event, lookup, NULL, lookup->question.host);
}

// RFC 3263 4.1, 4.2: a port stands for itself; a transport leaves SRV to ask; else NAPTR comes
// first.
static void start(struct lookup *lookup)
{
    const struct locate_question *q = &lookup->question;
    if (q->port > 0) {
        add_itself(lookup);
        feed(lookup, EVENT_HOSTS);
    } else if (q->transport != LOCATE_ANY) {
        add_usual_services(lookup);
        feed(lookup, EVENT_SERVICES);
    } else {
        feed(lookup, EVENT_NAME);
    }
}

static struct lookup *open_lookup(struct locator *locator, const struct locate_question *question,
                                  const char *key)
{
    struct lookup *lookup = calloc(1, sizeof(*lookup));
    if (!lookup || index_put(locator->lookups, key, strlen(key), lookup)) {
        free(lookup);
        return NULL;
    }
    lookup->locator = locator;
    lookup->question = *question;
    lookup->ttl_s = LOCATE_TTL_MAX_S;
    snprintf(lookup->key, sizeof(lookup->key), "%s", key);
    return lookup;
}

int locator_ask(struct locator *locator, const struct locate_question *question,
                struct locate_wait *wait)
{
    char key[KEY_MAX];
    key_of(question, key);
    struct lookup *lookup = index_get(locator->lookups, key, strlen(key));
    bool is_new = !lookup;
    if (is_new && index_count(locator->lookups) >= LOCATE_LOOKUPS_MAX)
        return -EBUSY;
    if (is_new && !(lookup = open_lookup(locator, question, key)))
        return -ENOMEM;
    wait->lookup = lookup;
    DL_APPEND(lookup->waits, wait);
    if (is_new)
        start(lookup);
    return 0;
}

void locator_forget(struct locate_wait *wait)
{
    if (!wait->lookup)
        return;
    DL_DELETE(wait->lookup->waits, wait);
    wait->lookup = NULL;
}
