// SPDX-License-Identifier: GPL-3.0-or-later
// A URI is split into scheme, user and host; parameters matter for user=phone alone. Display names
// of a UE are never taken over.
//
// Failures: what is no sip, sips or tel URI equals nothing but its own spelling.
#include "alg/identity.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct identity_uri {
    bool tel;   // or a sip URI with user=phone
    bool phone; // a sip URI that names a number
    struct field user, host;
};

static struct field behind(struct field text, size_t n)
{
    return (struct field){text.at + n, text.len - n};
}

static bool has_scheme(struct field uri, const char *scheme)
{
    size_t len = strlen(scheme);
    return uri.len > len && strncasecmp(uri.at, scheme, len) == 0 && uri.at[len] == ':';
}

static size_t up_to(struct field text, const char *stops)
{
    size_t i = 0;
    while (i < text.len && !strchr(stops, text.at[i]))
        i++;
    return i;
}

// The port stays with the host: sip:a@h and sip:a@h:5060 are two URIs (RFC 3261 19.1.4).
static void split_sip(struct field rest, struct identity_uri *out)
{
    struct field value;
    const char *at = memchr(rest.at, '@', rest.len);
    if (at) {
        out->user = (struct field){rest.at, (size_t)(at - rest.at)};
        rest = behind(rest, out->user.len + 1);
    }
    out->host = (struct field){rest.at, up_to(rest, ";?")};
    out->phone = field_param(rest, "user", &value) && field_is(value, "phone");
    if (out->phone) // its user part may carry parameters of the number
        out->user.len = up_to(out->user, ";");
}

static bool split(struct field uri, struct identity_uri *out)
{
    *out = (struct identity_uri){.user = {"", 0}, .host = {"", 0}};
    if (has_scheme(uri, "tel")) {
        struct field number = behind(uri, 4);
        out->tel = true;
        out->user = (struct field){number.at, up_to(number, ";")};
        return true;
    }
    size_t scheme = has_scheme(uri, "sip") ? 4 : has_scheme(uri, "sips") ? 5 : 0;
    if (scheme)
        split_sip(behind(uri, scheme), out);
    return scheme > 0;
}

static bool is_separator(char c)
{
    return c == '-' || c == '.' || c == '(' || c == ')'; // visual-separator of RFC 3966 3
}

static bool same_number(struct field a, struct field b)
{
    size_t i = 0, k = 0;
    for (;;) {
        while (i < a.len && is_separator(a.at[i]))
            i++;
        while (k < b.len && is_separator(b.at[k]))
            k++;
        if (i == a.len || k == b.len)
            return i == a.len && k == b.len;
        if (a.at[i++] != b.at[k++])
            return false;
    }
}

static bool same_text(struct field a, struct field b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

bool identity_same(struct field a, struct field b)
{
    struct identity_uri x, y;
    if (!split(a, &x) || !split(b, &y))
        return same_text(a, b);
    if (x.tel || y.tel)
        return (x.tel || x.phone) && (y.tel || y.phone) && same_number(x.user, y.user);
    return same_text(x.user, y.user) && x.host.len == y.host.len &&
           strncasecmp(x.host.at, y.host.at, x.host.len) == 0;
}

static void put(char *buf, size_t *len, char c)
{
    buf[(*len)++] = c;
}

static size_t key_of_number(struct field number, char *buf)
{
    size_t len = 0;
    put(buf, &len, 't');
    for (size_t i = 0; i < number.len; i++)
        if (!is_separator(number.at[i]))
            put(buf, &len, number.at[i]);
    return len;
}

size_t identity_key(struct field uri, char *buf, size_t size)
{
    struct identity_uri parts;
    size_t len = 0;
    if (uri.len + 3 > size) // a letter for the kind, and "@" where the URI has none
        return 0;
    if (!split(uri, &parts)) {
        put(buf, &len, 'o');
        memcpy(buf + len, uri.at, uri.len);
        return len + uri.len;
    }
    if (parts.tel || parts.phone)
        return key_of_number(parts.user, buf);
    put(buf, &len, 's');
    memcpy(buf + len, parts.user.at, parts.user.len);
    len += parts.user.len;
    put(buf, &len, '@');
    for (size_t i = 0; i < parts.host.len; i++)
        put(buf, &len, (char)tolower((unsigned char)parts.host.at[i]));
    return len;
}

const char *identity_find(const struct identities *user, struct field uri)
{
    for (unsigned i = 0; uri.len > 0 && i < user->count; i++)
        if (identity_same(field_whole(user->uri[i]), uri))
            return user->uri[i];
    return NULL;
}

static void choose(struct identity_choice *choice, const char *registered)
{
    const char **slot = has_scheme(field_whole(registered), "tel") ? &choice->tel : &choice->sip;
    if (!*slot)
        *slot = registered;
}

void identity_prefer(struct identity_choice *choice, const struct identities *user,
                     const char *value)
{
    struct field rest = field_whole(value), element;
    while (field_next(&rest, &element)) {
        const char *registered = identity_find(user, field_uri(element));
        if (registered)
            choose(choice, registered);
    }
}

void identity_default(struct identity_choice *choice, const struct identities *user,
                      const char *from)
{
    const char *registered = from ? identity_find(user, field_uri(field_whole(from))) : NULL;
    if (!registered && user->count > 0)
        registered = user->uri[0];
    if (registered && !choice->sip && !choice->tel)
        choose(choice, registered);
}
