// SPDX-License-Identifier: GPL-3.0-or-later
// Two paths are walked side by side, URI by URI. Most URIs come spelled as the SDP spelled them;
// only those that do not are taken apart:
//
//   scheme "://" [userinfo "@"] host [":" port] ["/" session-id] ";" transport *(";" parameter)
//
// Failure: text without one of the parts that must be there is no MSRP URI and equals nothing but
// itself. Nothing is allocated.
#include "agw/msrp_path.h"

#include "common/addr.h"

#include <string.h>
#include <strings.h>

#define PORT_MAX 65535

struct uri {
    struct msrp_text scheme, host, transport;
    struct msrp_text session; // with its "/"; empty: none
    long port;                // -1: none
};

// --- text ---------------------------------------------------------------------------------------

static struct msrp_text skip(struct msrp_text text, size_t len)
{
    return (struct msrp_text){text.at + len, text.len - len};
}

static bool is_one_of(char c, const char *set)
{
    while (*set != '\0' && *set != c)
        set++;
    return *set != '\0';
}

// Bytes before the first one that is in stops; all when there is none.
static size_t span(struct msrp_text text, const char *stops)
{
    size_t len = 0;

    while (len < text.len && !is_one_of(text.at[len], stops))
        len++;
    return len;
}

// Cuts what stands before the first of stops off *rest.
static struct msrp_text cut(struct msrp_text *rest, const char *stops)
{
    struct msrp_text head = {rest->at, span(*rest, stops)};

    *rest = skip(*rest, head.len);
    return head;
}

static bool same(struct msrp_text a, struct msrp_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static bool same_in_any_case(struct msrp_text a, struct msrp_text b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

static bool begins(struct msrp_text text, char c)
{
    return text.len > 0 && text.at[0] == c;
}

// --- URIs ---------------------------------------------------------------------------------------

static bool parse_scheme(struct uri *uri, struct msrp_text *rest)
{
    static const struct msrp_text divider = {"://", 3};

    uri->scheme = cut(rest, ":");
    if (rest->len < divider.len || !same((struct msrp_text){rest->at, divider.len}, divider))
        return false;
    *rest = skip(*rest, divider.len);
    return uri->scheme.len > 0;
}

// "@" stands nowhere else before the session-id (RFC 4975 9).
static void skip_userinfo(struct msrp_text *rest)
{
    struct msrp_text head = {rest->at, span(*rest, "/")};

    for (size_t len = head.len; len > 0; len--) {
        if (head.at[len - 1] == '@') {
            *rest = skip(*rest, len);
            return;
        }
    }
}

static bool parse_host(struct uri *uri, struct msrp_text *rest)
{
    uri->host = cut(rest, begins(*rest, '[') ? "]/;" : ":/;");
    if (begins(uri->host, '[')) {
        if (!begins(*rest, ']'))
            return false;
        uri->host.len++;
        *rest = skip(*rest, 1);
    }
    return uri->host.len > 0;
}

static bool parse_port(struct uri *uri, struct msrp_text *rest)
{
    uri->port = -1;
    if (!begins(*rest, ':'))
        return true;
    *rest = skip(*rest, 1);
    struct msrp_text digits = cut(rest, "/;");
    uri->port = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9' || uri->port > PORT_MAX)
            return false;
        uri->port = uri->port * 10 + (digits.at[i] - '0');
    }
    return digits.len > 0 && uri->port <= PORT_MAX;
}

// What follows the scheme.
static bool parse_rest(struct uri *uri, struct msrp_text rest)
{
    skip_userinfo(&rest);
    if (!parse_host(uri, &rest) || !parse_port(uri, &rest))
        return false;
    uri->session = cut(&rest, ";");
    if (!begins(rest, ';') || (uri->session.len > 0 && !begins(uri->session, '/')))
        return false;
    rest = skip(rest, 1);
    uri->transport = cut(&rest, ";");
    return uri->transport.len > 0;
}

static bool parse_literal(struct addr *out, struct msrp_text host)
{
    char text[ADDR_STRLEN];

    if (host.len >= sizeof(text))
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    return addr_parse(out, text, 0) == 0;
}

static bool same_host(struct msrp_text a, struct msrp_text b)
{
    struct addr addr_a, addr_b;

    if (same_in_any_case(a, b))
        return true;
    return parse_literal(&addr_a, a) && parse_literal(&addr_b, b) &&
           addr_equal_host(&addr_a, &addr_b);
}

static bool equivalent(struct msrp_text text_a, struct msrp_text text_b)
{
    struct uri a, b;

    if (same(text_a, text_b))
        return true;
    // The schemes first: in e2ae they are what differs between the two sides.
    return parse_scheme(&a, &text_a) && parse_scheme(&b, &text_b) &&
           same_in_any_case(a.scheme, b.scheme) && parse_rest(&a, text_a) &&
           parse_rest(&b, text_b) && same_host(a.host, b.host) && a.port == b.port &&
           same(a.session, b.session) && same_in_any_case(a.transport, b.transport);
}

// --- paths --------------------------------------------------------------------------------------

// Cuts the next URI off *rest; empty when there is none.
static struct msrp_text next(struct msrp_text *rest)
{
    while (begins(*rest, ' '))
        *rest = skip(*rest, 1);
    const char *blank = rest->len > 0 ? memchr(rest->at, ' ', rest->len) : NULL;
    struct msrp_text uri = {rest->at, blank ? (size_t)(blank - rest->at) : rest->len};
    *rest = skip(*rest, uri.len);
    return uri;
}

bool msrp_path_equal(struct msrp_text a, struct msrp_text b)
{
    if (same(a, b))
        return true;
    for (;;) {
        struct msrp_text uri_a = next(&a), uri_b = next(&b);
        if (uri_a.len == 0 || uri_b.len == 0)
            return uri_a.len == uri_b.len;
        if (!equivalent(uri_a, uri_b))
            return false;
    }
}

struct msrp_text msrp_path_first(struct msrp_text path)
{
    return next(&path);
}
