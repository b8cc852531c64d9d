// SPDX-License-Identifier: GPL-3.0-or-later
// An attribute is read from left to right: tag, suite, key parameters, session parameters; only
// when all of it is understood is it taken.
//
// Failure paths: each part that is wrong ends the reading with a static text; what was read of the
// key so far is wiped.
#include "common/sdes.h"

#include "common/random.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// A packet index has 48 bits (RFC 3711 3.3.1), so no key protects more packets.
#define LIFETIME_MAX (UINT64_C(1) << 48)
#define TAG_DIGITS 9
// Shorter than the base64 of any key.
#define SUITE_NAME_MAX 32

static const struct {
    const char *name;
    uint8_t key, salt, tag; // bytes
} suites[SDES_SUITES] = {
    [SDES_NONE] = {"none", 0, 0, 0},
    [SDES_AES_CM_128_HMAC_SHA1_80] = {"AES_CM_128_HMAC_SHA1_80", 16, 14, 10},
    [SDES_AES_CM_128_HMAC_SHA1_32] = {"AES_CM_128_HMAC_SHA1_32", 16, 14, 4},
    [SDES_AEAD_AES_128_GCM] = {"AEAD_AES_128_GCM", 16, 12, 16},
    [SDES_AEAD_AES_256_GCM] = {"AEAD_AES_256_GCM", 32, 12, 16},
};

const char *sdes_suite_name(enum sdes_suite suite)
{
    return suites[suite].name;
}

unsigned sdes_key_len(enum sdes_suite suite)
{
    return suites[suite].key;
}

unsigned sdes_salt_len(enum sdes_suite suite)
{
    return suites[suite].salt;
}

unsigned sdes_tag_len(enum sdes_suite suite)
{
    return suites[suite].tag;
}

static size_t master_len(enum sdes_suite suite)
{
    return (size_t)suites[suite].key + suites[suite].salt;
}

// --- reading ------------------------------------------------------------------------------------

struct piece {
    const char *at;
    size_t len;
};

static bool is(struct piece piece, const char *word)
{
    return piece.len == strlen(word) && strncasecmp(piece.at, word, piece.len) == 0;
}

static bool begins(struct piece piece, const char *word)
{
    return piece.len >= strlen(word) && strncasecmp(piece.at, word, strlen(word)) == 0;
}

// Cuts what stands before the next mark from the front of *rest. False: *rest has no mark, and the
// piece is all of it.
static bool cut(struct piece *rest, char mark, struct piece *out)
{
    const char *at = rest->len > 0 ? memchr(rest->at, mark, rest->len) : NULL;
    *out = *rest;
    if (!at)
        return false;
    out->len = (size_t)(at - rest->at);
    rest->at = at + 1;
    rest->len -= out->len + 1;
    return true;
}

static struct piece field(struct piece *rest)
{
    struct piece out;
    while (rest->len > 0 && rest->at[0] == ' ') {
        rest->at++;
        rest->len--;
    }
    if (!cut(rest, ' ', &out))
        *rest = (struct piece){"", 0};
    return out;
}

// Digits only, at least one, not above max.
static bool number(struct piece piece, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < piece.len; i++) {
        if (piece.at[i] < '0' || piece.at[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(piece.at[i] - '0');
        if (value > max)
            return false;
    }
    *out = value;
    return piece.len > 0;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Base64 of exactly len bytes, padding included (RFC 4648 4).
static bool decode(struct piece text, uint8_t *out, size_t len)
{
    size_t digits = (len * 8 + 5) / 6, done = 0;
    unsigned bits = 0, have = 0;
    if (text.len != (len + 2) / 3 * 4)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.at[i] ? strchr(alphabet, text.at[i]) : NULL;
        if (i >= digits) {
            if (text.at[i] != '=')
                return false;
            continue;
        }
        if (!at)
            return false;
        bits = bits << 6 | (unsigned)(at - alphabet);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[done++] = (uint8_t)(bits >> have);
        }
    }
    return (bits & ((1U << have) - 1)) == 0; // no bits beyond the last byte
}

static bool read_lifetime(struct piece text, uint64_t *out)
{
    uint64_t power;
    if (!begins(text, "2^"))
        return number(text, LIFETIME_MAX, out) && *out > 0;
    if (!number((struct piece){text.at + 2, text.len - 2}, 48, &power))
        return false;
    *out = UINT64_C(1) << power;
    return true;
}

static int read_mki(struct sdes_crypto *c, struct piece text, const char **why)
{
    struct piece value;
    uint64_t mki, len;
    *why = "an MKI is VALUE:LENGTH";
    if (!cut(&text, ':', &value) || !number(text, 128, &len) || len == 0)
        return -EINVAL;
    if (!number(value, UINT32_MAX, &mki) || len > SDES_MKI_MAX) {
        *why = "an MKI of more than 4 bytes is not served";
        return -ENOTSUP;
    }
    if (len < SDES_MKI_MAX && mki >> (8 * len))
        return -EINVAL;
    c->mki_len = (uint8_t)len;
    for (unsigned i = 0; i < len; i++)
        c->mki[i] = (uint8_t)(mki >> (8 * (len - 1 - i)));
    return 0;
}

static int read_key_extras(struct sdes_crypto *c, struct piece rest, const char **why)
{
    struct piece lifetime, mki = rest;
    bool both = cut(&mki, '|', &lifetime);
    bool only_mki = !both && rest.len > 0 && memchr(rest.at, ':', rest.len);
    *why = "the lifetime is no number of packets up to 2^48";
    if (!only_mki && !read_lifetime(lifetime, &c->lifetime))
        return -EINVAL;
    return both || only_mki ? read_mki(c, mki, why) : 0;
}

// "inline:" key||salt ["|" lifetime] ["|" MKI ":" length]
static int read_key(struct sdes_crypto *c, struct piece text, const char **why)
{
    struct piece part, rest = text;
    *why = "the key is not \"inline:\"";
    if (!begins(text, "inline:"))
        return -EINVAL;
    if (memchr(text.at, ';', text.len)) {
        *why = "several keys in one attribute are not served";
        return -ENOTSUP;
    }
    rest.at += strlen("inline:");
    rest.len -= strlen("inline:");
    bool more = cut(&rest, '|', &part);
    *why = "the key is not base64 of the length its suite needs";
    if (!decode(part, c->key, master_len(c->suite)))
        return -EINVAL;
    return more ? read_key_extras(c, rest, why) : 0;
}

// A window size hint may be read over; what weakens protection or is not known makes the line
// invalid unless "-" says that it may be ignored (RFC 4568 6.3).
static int read_session_parameters(struct piece rest, const char **why)
{
    for (struct piece p = field(&rest); p.len > 0; p = field(&rest)) {
        if (p.at[0] == '-' || begins(p, "WSH="))
            continue;
        *why = "a session parameter is not served";
        return -ENOTSUP;
    }
    return 0;
}

static enum sdes_suite find_suite(struct piece name)
{
    for (enum sdes_suite s = SDES_NONE + 1; s < SDES_SUITES; s++)
        if (is(name, suites[s].name))
            return s;
    return SDES_NONE;
}

static int read_all(struct sdes_crypto *c, struct piece rest, const char **why)
{
    uint64_t tag;
    struct piece text = field(&rest);
    *why = "the tag is no number of up to 9 digits";
    if (text.len > TAG_DIGITS || !number(text, UINT32_MAX, &tag))
        return -EINVAL;
    c->tag = (uint32_t)tag;
    struct piece suite = field(&rest);
    struct piece key = field(&rest);
    *why = "expected TAG SUITE inline:KEY";
    if (suite.len == 0 || key.len == 0)
        return -EINVAL;
    c->suite = find_suite(suite);
    *why = "the crypto suite is not served";
    if (c->suite == SDES_NONE)
        return -ENOTSUP;
    int err = read_key(c, key, why);
    return err ? err : read_session_parameters(rest, why);
}

int sdes_parse(struct sdes_crypto *out, const char *text, size_t len, const char **why)
{
    struct sdes_crypto c = {.suite = SDES_NONE};
    int err = read_all(&c, (struct piece){text, len}, why);
    if (!err)
        *out = c;
    explicit_bzero(&c, sizeof(c));
    return err;
}

// --- writing ------------------------------------------------------------------------------------

const char *sdes_format(const struct sdes_crypto *c, char buf[static SDES_STRLEN])
{
    char *at = buf + snprintf(buf, SDES_STRLEN, "%u %s inline:", c->tag % 1000000000U,
                              sdes_suite_name(c->suite));
    size_t len = master_len(c->suite);
    for (size_t i = 0; i < len; i += 3) {
        unsigned bits = (unsigned)c->key[i] << 16;
        bits |= i + 1 < len ? (unsigned)c->key[i + 1] << 8 : 0;
        bits |= i + 2 < len ? c->key[i + 2] : 0;
        *at++ = alphabet[bits >> 18];
        *at++ = alphabet[bits >> 12 & 63];
        *at++ = alphabet[bits >> 6 & 63];
        *at++ = alphabet[bits & 63];
    }
    for (size_t i = 0; i < (3 - len % 3) % 3; i++)
        at[-1 - (ptrdiff_t)i] = '=';
    *at = '\0';
    return buf;
}

void sdes_generate(struct sdes_crypto *out, enum sdes_suite suite, uint32_t tag)
{
    *out = (struct sdes_crypto){.suite = suite, .tag = tag};
    random_bytes(out->key, master_len(suite));
}

bool sdes_same_key(const struct sdes_crypto *a, const struct sdes_crypto *b)
{
    return a->suite == b->suite && a->mki_len == b->mki_len &&
           memcmp(a->key, b->key, master_len(a->suite)) == 0 &&
           memcmp(a->mki, b->mki, a->mki_len) == 0;
}

// --- redacting ----------------------------------------------------------------------------------

// What follows tag and suite; NULL: nothing. A field that is too long for either may be a key.
static const char *after_suite(struct piece rest)
{
    for (int i = 0; i < 2; i++) {
        struct piece next = rest;
        if (field(&next).len > SUITE_NAME_MAX)
            break;
        rest = next;
    }
    return rest.len > 0 ? rest.at : NULL;
}

// Where in the line a secret may begin; NULL: it has none. Only lines of SDP have any: SIP ones end
// here at once.
static const char *secret_of(struct piece line, const char **instead)
{
    *instead = "(present)";
    if (line.len < 2 || line.at[1] != '=')
        return NULL;
    if (begins(line, "k="))
        return line.at + 2;
    if (begins(line, "a=key-mgmt:"))
        return line.at + strlen("a=key-mgmt:");
    const char *end = line.at + line.len;
    for (const char *at = line.at, *colon; (colon = memchr(at, ':', (size_t)(end - at)));
         at = colon + 1) {
        if (colon - line.at < 6 || strncasecmp(colon - 6, "crypto", 6) != 0)
            continue;
        *instead = "inline:(present)";
        return after_suite((struct piece){colon + 1, (size_t)(end - colon - 1)});
    }
    return NULL;
}

void sdes_put_redacted(struct strbuf *out, const char *line, size_t len)
{
    const char *instead;
    const char *secret = secret_of((struct piece){line, len}, &instead);
    strbuf_add(out, line, secret ? (size_t)(secret - line) : len);
    if (secret)
        strbuf_puts(out, instead);
}

void sdes_mask(char *text, size_t len)
{
    for (char *line = text, *end = text + len, *stop; line < end; line = stop + 1) {
        const char *instead;
        stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop ? stop : end;
        const char *last = stop > line && stop[-1] == '\r' ? stop - 1 : stop;
        const char *secret = secret_of((struct piece){line, (size_t)(last - line)}, &instead);
        if (secret)
            memset(line + (secret - line), '*', (size_t)(last - secret));
    }
}
