// SPDX-License-Identifier: GPL-3.0-or-later
// An XML parser calls back for each element; contacts gather in a table of fixed size.
//
// Failure paths: what is no XML, has another root, or declares entities is refused; what does not
// fit stops the parser.
#include "alg/reginfo.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE "urn:ietf:params:xml:ns:reginfo"
#define SEPARATOR '|'

struct parsing {
    XML_Parser parser;
    struct reginfo *out;
    struct reginfo_entry now; // the registration, then one of its contacts
    unsigned depth, contacts;
    bool rooted, in_uri;
    int err;
};

static void stop(struct parsing *p, int err)
{
    p->err = err;
    XML_StopParser(p->parser, XML_FALSE);
}

// The local name in our namespace; NULL: another one, of an extension.
static const char *local_name(const char *name)
{
    size_t len = strlen(NAMESPACE);
    bool ours = strncmp(name, NAMESPACE, len) == 0 && name[len] == SEPARATOR;
    return ours ? name + len + 1 : NULL;
}

static const char *attribute(const char **attributes, const char *name)
{
    for (; *attributes; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

static bool is(const char *value, const char *word)
{
    return value && strcmp(value, word) == 0;
}

static uint32_t number(const char *text)
{
    unsigned long long value =
        text && text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : 0;
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static enum reginfo_event event_of(const char *word)
{
    static const struct {
        const char *word;
        enum reginfo_event event;
    } events[] = {{"shortened", REGINFO_SHORTENED}, {"deactivated", REGINFO_DEACTIVATED},
                  {"rejected", REGINFO_REJECTED},   {"unregistered", REGINFO_UNREGISTERED},
                  {"expired", REGINFO_EXPIRED},     {"probation", REGINFO_PROBATION}};
    for (size_t i = 0; word && i < sizeof(events) / sizeof(events[0]); i++)
        if (strcmp(events[i].word, word) == 0)
            return events[i].event;
    return REGINFO_OTHER;
}

static void begin_root(struct parsing *p, const char *name, const char **attributes)
{
    const char *version = attribute(attributes, "version"), *state = attribute(attributes, "state");
    p->rooted = is(name, "reginfo") && version && state;
    p->out->version = number(version);
    p->out->full = is(state, "full");
    if (!p->rooted)
        stop(p, -EINVAL);
}

static void begin_registration(struct parsing *p, const char **attributes)
{
    const char *aor = attribute(attributes, "aor");
    p->now = (struct reginfo_entry){.registration_terminated =
                                        is(attribute(attributes, "state"), "terminated")};
    p->contacts = 0;
    if (!aor || strlen(aor) >= sizeof(p->now.aor)) {
        stop(p, aor ? -E2BIG : -EINVAL);
        return;
    }
    memcpy(p->now.aor, aor, strlen(aor) + 1);
}

static void begin_contact(struct parsing *p, const char **attributes)
{
    p->contacts++;
    p->now.uri[0] = '\0';
    p->now.contact_terminated = is(attribute(attributes, "state"), "terminated");
    p->now.event = event_of(attribute(attributes, "event"));
    p->now.expires_s = number(attribute(attributes, "expires"));
}

static void XMLCALL on_begin(void *arg, const char *element, const char **attributes)
{
    struct parsing *p = arg;
    const char *name = local_name(element);
    p->depth++;
    p->in_uri = false;
    if (p->depth == 1)
        begin_root(p, name, attributes);
    else if (p->depth == 2 && is(name, "registration"))
        begin_registration(p, attributes);
    else if (p->depth == 3 && is(name, "contact"))
        begin_contact(p, attributes);
    else if (p->depth == 4 && is(name, "uri"))
        p->in_uri = true;
}

static void XMLCALL on_text(void *arg, const char *text, int len)
{
    struct parsing *p = arg;
    size_t have = strlen(p->now.uri);
    for (int i = 0; p->in_uri && i < len; i++) {
        if (strchr(" \t\r\n", text[i]))
            continue;
        if (have + 1 >= sizeof(p->now.uri)) {
            stop(p, -E2BIG);
            return;
        }
        p->now.uri[have++] = text[i];
        p->now.uri[have] = '\0';
    }
}

static void keep(struct parsing *p)
{
    if (p->out->count == REGINFO_ENTRIES_MAX)
        stop(p, -E2BIG);
    else
        p->out->entry[p->out->count++] = p->now;
}

static void XMLCALL on_end(void *arg, const char *element)
{
    struct parsing *p = arg;
    const char *name = local_name(element);
    bool contact = p->depth == 3 && is(name, "contact");
    bool bare = p->depth == 2 && is(name, "registration") && p->contacts == 0;
    if (contact || bare)
        keep(p);
    p->in_uri = false;
    p->depth--;
}

// Entities could make a small document large; reginfo has no use for them.
static void XMLCALL on_doctype(void *arg, const char *name, const char *system, const char *public,
                               int subset)
{
    stop(arg, -EINVAL);
}

int reginfo_parse(struct reginfo *out, const char *text, size_t len)
{
    struct parsing p = {.out = out, .parser = XML_ParserCreateNS(NULL, SEPARATOR)};
    if (!p.parser)
        return -ENOMEM;
    out->count = 0;
    XML_SetUserData(p.parser, &p);
    XML_SetElementHandler(p.parser, on_begin, on_end);
    XML_SetCharacterDataHandler(p.parser, on_text);
    XML_SetStartDoctypeDeclHandler(p.parser, on_doctype);
    bool ok = len <= INT_MAX && XML_Parse(p.parser, text, (int)len, 1) == XML_STATUS_OK;
    XML_ParserFree(p.parser);
    if (p.err)
        return p.err;
    return ok && p.rooted ? 0 : -EINVAL;
}
