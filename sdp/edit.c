// SPDX-License-Identifier: GPL-3.0-or-later
// An edit finds its line, drafts the new text and has it replaced, inserted or dropped; the
// document keeps the journal. Parts of a line that an edit is not about are copied byte for byte.
//
// Failure paths: a draft that cannot be one line (-EINVAL), a section or line that is not there
// (-ENOENT), no memory or no room (from the document). Nothing has changed then.

#include "sdp/document.h"
#include "sdp/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// A line in the making.
struct draft {
    size_t len;
    char text[SDP_LINE_MAX + 1];
};

static int draft_vprint(struct draft *draft, const char *fmt, va_list ap)
{
    size_t room = sizeof(draft->text) - draft->len;
    int n = vsnprintf(draft->text + draft->len, room, fmt, ap);
    if (n < 0 || (size_t)n >= room || strpbrk(draft->text + draft->len, "\r\n"))
        return -EINVAL;
    draft->len += (size_t)n;
    return 0;
}

__attribute__((format(printf, 2, 3))) static int draft_print(struct draft *draft, const char *fmt,
                                                             ...)
{
    va_list ap;
    draft->len = 0;
    va_start(ap, fmt);
    int rc = draft_vprint(draft, fmt, ap);
    va_end(ap);
    return rc;
}

static struct sdp_text draft_text(const struct draft *draft)
{
    return (struct sdp_text){draft->text, draft->len};
}

// --- m=, o=, c= ---------------------------------------------------------------------------------

// Length as printf's ".*" wants it.
static int width(const char *from, const char *to)
{
    return (int)(to - from);
}

int sdp_set_media(struct sdp *sdp, size_t media, uint16_t port, const char *proto,
                  const char *clause)
{
    struct draft draft;
    if (media >= sdp->media_count)
        return -ENOENT;
    if (proto && (*proto == '\0' || strpbrk(proto, " \t")))
        return -EINVAL;
    size_t at = sdp->media_at[media];
    const char *text = sdp->lines[at].text;
    const char *end = text + sdp->lines[at].len;
    struct sdp_text rest = {text + 2, sdp->lines[at].len - (size_t)2};
    text_field(&rest);
    struct sdp_text old_port = text_field(&rest);
    struct sdp_text old_proto = text_field(&rest);
    const char *gap = old_port.at + old_port.len;
    const char *tail = proto ? rest.at : old_proto.at;
    int rc = draft_print(&draft, "%.*s%u%.*s%s%.*s", width(text, old_port.at), text, port,
                         width(gap, old_proto.at), gap, proto ? proto : "", width(tail, end), tail);
    if (rc != 0)
        return rc;
    return document_replace(sdp, (int)media, at, draft_text(&draft), clause);
}

static const char *address_type(const struct addr *address)
{
    return addr_family(address) == AF_INET6 ? "IP6" : "IP4";
}

int sdp_set_origin(struct sdp *sdp, const char *username, uint64_t session_id, uint64_t version,
                   const struct addr *address, const char *clause)
{
    struct draft draft;
    char host[ADDR_STRLEN];
    if (!addr_is_set(address))
        return -EINVAL;
    int rc = draft_print(&draft, "o=%s %" PRIu64 " %" PRIu64 " IN %s %s", username, session_id,
                         version, address_type(address), addr_host(address, host));
    if (rc != 0)
        return rc;
    struct line_range session = document_section(sdp, SDP_SESSION);
    ssize_t at = document_next(sdp, &session, 'o', NULL, NULL);
    return document_replace(sdp, SDP_SESSION, (size_t)at, draft_text(&draft), clause);
}

// c= follows m= and i= of a media description, v= to p= at the session level (RFC 8866 5).
static size_t connection_place(const struct sdp *sdp, int section, struct line_range range)
{
    const char *before = section == SDP_SESSION ? "vosiuep" : "mi";
    size_t at = range.begin;
    while (at < range.end && strchr(before, sdp->lines[at].text[0]))
        at++;
    return at;
}

int sdp_set_connection(struct sdp *sdp, int section, const struct addr *address, const char *clause)
{
    struct draft draft;
    char host[ADDR_STRLEN];
    struct line_range range = document_section(sdp, section);
    if (range.begin == range.end)
        return -ENOENT;
    if (!addr_is_set(address))
        return -EINVAL;
    int rc = draft_print(&draft, "c=IN %s %s", address_type(address), addr_host(address, host));
    if (rc != 0)
        return rc;
    struct line_range rest = range;
    ssize_t at = document_next(sdp, &rest, 'c', NULL, NULL);
    if (at < 0)
        return document_insert(sdp, section, connection_place(sdp, section, range),
                               draft_text(&draft), clause);
    // One reservation for both steps: either the others go as well or nothing changes.
    rc = document_reserve(sdp, range.end - (size_t)at, draft.len + 1);
    if (rc != 0)
        return rc;
    document_replace(sdp, section, (size_t)at, draft_text(&draft), clause);
    document_drop(sdp, section, rest, 'c', NULL, clause);
    return 0;
}

// --- b= and a= ----------------------------------------------------------------------------------

// Replaces what follows the name of the first such line; its name keeps its spelling.
static int set_value(struct sdp *sdp, int section, char type, const char *name, const char *value,
                     const char *clause)
{
    struct draft draft;
    struct line_range range = document_section(sdp, section);
    ssize_t at = document_next(sdp, &range, type, name, NULL);
    if (at < 0)
        return -ENOENT;
    const char *text = sdp->lines[at].text;
    int rc = draft_print(&draft, "%.*s:%s", (int)(2 + strlen(name)), text, value);
    if (rc != 0)
        return rc;
    return document_replace(sdp, section, (size_t)at, draft_text(&draft), clause);
}

int sdp_set_bandwidth(struct sdp *sdp, int section, const char *type, uint64_t value,
                      const char *clause)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRIu64, value);
    return set_value(sdp, section, 'b', type, digits, clause);
}

int sdp_drop_bandwidth(struct sdp *sdp, int section, const char *type, const char *clause)
{
    struct line_range range = document_section(sdp, section);
    int rc = document_drop(sdp, section, range, 'b', type, clause);
    return rc < 0 ? rc : 0;
}

int sdp_set_attribute(struct sdp *sdp, int section, const char *name, const char *value,
                      const char *clause)
{
    return set_value(sdp, section, 'a', name, value, clause);
}

int sdp_drop_attribute(struct sdp *sdp, int section, const char *name, const char *clause)
{
    return document_drop(sdp, section, document_section(sdp, section), 'a', name, clause);
}

// Before the first received attribute, so after those inserted earlier.
static size_t attribute_place(const struct sdp *sdp, struct line_range range)
{
    size_t end = range.end;
    ssize_t at;
    while ((at = document_next(sdp, &range, 'a', NULL, NULL)) >= 0) {
        if (!sdp->lines[at].inserted)
            return (size_t)at;
    }
    return end;
}

int sdp_add_attribute(struct sdp *sdp, int section, const char *clause, const char *fmt, ...)
{
    struct draft draft;
    struct line_range range = document_section(sdp, section);
    if (range.begin == range.end)
        return -ENOENT;
    draft_print(&draft, "a=");
    va_list ap;
    va_start(ap, fmt);
    int rc = draft_vprint(&draft, fmt, ap);
    va_end(ap);
    if (rc != 0)
        return rc;
    return document_insert(sdp, section, attribute_place(sdp, range), draft_text(&draft), clause);
}
