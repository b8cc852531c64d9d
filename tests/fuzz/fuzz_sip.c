// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as one SIP message, after a byte that says which way it goes: what the stack would hand
// over is read as the proxy reads it, crosses the trust boundary, gets another body, and what
// leaves is a message again, without what must not cross.
#include "alg/branch.h"
#include "alg/message.h"
#include "alg/policy.h"
#include "alg/register.h"
#include "alg/sofia.h"
#include "tests/fuzz/fuzz.h"

#include <strings.h>

#define BODY "v=0\r\n"

static msg_mclass_t *class;
static struct config cfg;

static const char *const uris[] = {"sip:alice@home.example", "tel:+15551234"};
static const struct identities alice = {uris, 2};

// A field that comes in is one, though it may be folded.
static void note(void *arg, const char *before, const char *after, const char *clause)
{
    require((before || after) && clause[0], "a change has a side and a clause");
    for (const char *at = after ? strpbrk(after, "\r\n") : NULL; at; at = strpbrk(at, "\r\n")) {
        at += strspn(at, "\r\n");
        require(*at == ' ' || *at == '\t', "what comes in is one field");
    }
}

// What a transaction layer would take: single fields may make no sense. NULL: it would not.
static msg_t *take(const char *bytes, size_t len)
{
    msg_t *msg = msg_make(class, 0, bytes, (ssize_t)len);
    sip_t *sip = msg ? sip_object(msg) : NULL;
    if (sip && (sip->sip_request || sip->sip_status) && sip_sanity_check(sip) >= 0)
        return msg;
    msg_destroy(msg);
    return NULL;
}

static void expect_reading(msg_t *msg, const sip_t *sip, su_home_t *home)
{
    struct sip_facts facts;
    message_facts(msg, sip, home, &facts);
    require(facts.call_id && facts.from && facts.to && facts.method, "every message has these");
    require(facts.record_route_count <= SIP_ROUTES_MAX, "routes are bounded");
    (void)message_is_encoded(sip);
    (void)message_unknown_extension(sip);
    if (sip->sip_request) {
        free(message_transaction(sip));
        uint64_t hash = branch_hash(1, sip, SIDE_ACCESS);
        require(hash == branch_hash(1, sip, SIDE_ACCESS), "a request has one hash");
        (void)branch_is_loop(hash, sip);
        (void)message_hop(sip->sip_request->rq_url);
    }
}

static void cross_register(msg_t *msg, sip_t *sip, su_home_t *home)
{
    struct register_edit edit = {msg, sip, note, NULL};
    struct register_facts facts;
    if (!sip->sip_request) {
        struct register_facts asked = {.kind = REGISTER_BINDING};
        struct registration_grant grant;
        register_grant(&grant, &asked, sip, home);
        require(register_to_ue(&edit, &asked, "sdes-srtp;mediasec") == 0, "there is memory");
        return;
    }
    if (register_read(&facts, sip, home))
        require(register_to_core(&edit, &facts, "sip:token@pcscf.example;lr",
                                 register_integrity(&facts, false), &cfg) == 0,
                "there is memory");
}

static void cross(msg_t *msg, sip_t *sip, bool from_ue, bool known)
{
    bool request = sip->sip_request != NULL;
    struct policy_memory memory = {0};
    struct policy policy = {
        .cfg = &cfg,
        .way = from_ue ? (request ? POLICY_REQUEST_FROM_UE : POLICY_RESPONSE_FROM_UE)
                       : (request ? POLICY_REQUEST_TO_UE : POLICY_RESPONSE_TO_UE),
        .initial = !sip->sip_to->a_tag,
        .dialog = sip->sip_cseq->cs_method == sip_method_invite,
        .memory = &memory,
        .user = known ? &alice : NULL,
        .changed = note,
    };
    snprintf(memory.charging.icid, sizeof(memory.charging.icid), "icid1");
    require(policy_apply(&policy, msg, sip) == 0, "there is memory");
}

// How often a field is in the text of a message, before its body.
static unsigned count(const char *text, const char *name)
{
    unsigned n = 0;
    size_t len = strlen(name);
    for (const char *line = text; line && *line && *line != '\r'; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (*line == '\r')
            break;
        n += strncasecmp(line, name, len) == 0 && strchr(": \t", line[len]) && line[len];
    }
    return n;
}

static void expect_boundary(const char *text, bool from_ue, bool known)
{
    require(count(text, "P-Charging-Function-Addresses") == 0, "the core's functions stay in it");
    if (from_ue && !known)
        require(count(text, "P-Asserted-Identity") == 0, "nobody asserts a stranger");
    if (from_ue)
        require(count(text, "P-Charging-Vector") <= 1, "there is one charging vector");
    else
        require(count(text, "P-Charging-Vector") == 0, "charging is not the UE's");
}

// Nothing comes before it, nothing was cut. (Of URIs that make no sense, such as sip with a path,
// the library leaves out what it did not understand: they may not parse again.)
static void expect_same_start(const sip_t *sip, const char *text, size_t len)
{
    if (sip->sip_request && sip->sip_request->rq_url->url_path)
        return;
    msg_t *msg = msg_make(class, 0, text, (ssize_t)len);
    const sip_t *again = msg ? sip_object(msg) : NULL;
    require(again && !again->sip_request == !sip->sip_request &&
                !again->sip_status == !sip->sip_status && again->sip_separator,
            "what leaves is a message of its kind");
    require(again->sip_call_id && strcmp(again->sip_call_id->i_id, sip->sip_call_id->i_id) == 0,
            "it has the same Call-ID");
    msg_destroy(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!class) {
        config_defaults(&cfg);
        class = message_class();
    }
    msg_t *msg = size > 1 ? take((const char *)data + 1, size - 1) : NULL;
    if (!msg)
        return 0;
    sip_t *sip = sip_object(msg);
    bool from_ue = data[0] & 1, known = data[0] & 2;
    su_home_t home[1] = {SU_HOME_INIT(home)};
    su_home_init(home);
    expect_reading(msg, sip, home);
    bool registers = sip->sip_cseq->cs_method == sip_method_register;
    if (registers)
        cross_register(msg, sip, home);
    else
        cross(msg, sip, from_ue, known);
    require(message_set_body(msg, sip, data[0] & 4 ? BODY : "", data[0] & 4 ? strlen(BODY) : 0) ==
                0,
            "there is memory");
    require(sip_complete_message(msg) == 0, "there is memory"); // the stack does so
    size_t len = 0;
    char *text = msg_as_string(home, msg, NULL, 0, &len);
    require(text != NULL, "what leaves is a message");
    if (!registers)
        expect_boundary(text, from_ue, known);
    expect_same_start(sip, text, len);
    su_home_deinit(home);
    msg_destroy(msg);
    return 0;
}
