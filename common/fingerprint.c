// SPDX-License-Identifier: GPL-3.0-or-later
// A value is a hash name, one blank, and pairs of hex digits with colons between (RFC 8122 5). A
// hash we know must have its digest's length; one we do not know is kept, with strength 0.
//
// Failures: anything else is -EINVAL and leaves the result alone.
#include "common/fingerprint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// RFC 8122 5: the hash functions a value may name, and that MD5 and MD2 must not be used.
static const struct known {
    const char *name;
    unsigned bytes;
    int strength;
} known[] = {
    {"SHA-512", 64, 5}, {"SHA-384", 48, 4}, {"SHA-256", 32, 3}, {"SHA-224", 28, 2},
    {"SHA-1", 20, 1},   {"MD5", 16, 0},     {"MD2", 16, 0},
};

static const struct known *find(const char *hash)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(hash, known[i].name) == 0)
            return &known[i];
    return NULL;
}

// The name of the hash in upper case; its length, or 0 when it is no token that fits.
static size_t parse_hash(struct fingerprint *fp, const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len && text[i] != ' '; i++) {
        char c = text[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (i + 1 >= sizeof(fp->hash) || c <= ' ' || c >= 0x7f)
            return 0;
        fp->hash[i] = c;
    }
    return i;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static int parse_digest(struct fingerprint *fp, const char *text, size_t len)
{
    if (len % 3 != 2 || len / 3 + 1 > FINGERPRINT_BYTES_MAX)
        return -EINVAL;
    for (size_t i = 0; i < len; i += 3) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0 || (i + 2 < len && text[i + 2] != ':'))
            return -EINVAL;
        fp->value[fp->len++] = (uint8_t)(high * 16 + low);
    }
    return 0;
}

int fingerprint_parse(struct fingerprint *out, const char *text, size_t len)
{
    struct fingerprint fp = {.len = 0};
    const struct known *hash;
    size_t name;

    if (len > 0 && text[0] == ' ') {
        text++;
        len--;
    }
    name = parse_hash(&fp, text, len);
    if (name == 0 || name == len)
        return -EINVAL;
    if (parse_digest(&fp, text + name + 1, len - name - 1) != 0)
        return -EINVAL;
    hash = find(fp.hash);
    if (hash != NULL && hash->bytes != fp.len)
        return -EINVAL;
    *out = fp;
    return 0;
}

const char *fingerprint_format(const struct fingerprint *fp, char buf[static FINGERPRINT_STRLEN])
{
    static const char digits[] = "0123456789ABCDEF";
    char *at = buf + snprintf(buf, FINGERPRINT_STRLEN, "%s ", fp->hash);

    // Digit by digit: a printf() for each byte was a tenth of a call's instructions.
    for (unsigned i = 0; i < fp->len && i < FINGERPRINT_BYTES_MAX; i++) {
        if (i > 0)
            *at++ = ':';
        *at++ = digits[fp->value[i] >> 4];
        *at++ = digits[fp->value[i] & 0xf];
    }
    *at = '\0';
    return buf;
}

int fingerprint_strength(const struct fingerprint *fp)
{
    const struct known *hash = find(fp->hash);

    return hash == NULL ? 0 : hash->strength;
}

bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b)
{
    return a->len == b->len && strcmp(a->hash, b->hash) == 0 &&
           memcmp(a->value, b->value, a->len) == 0;
}

// Every value of a is in b.
static bool contained(const struct fingerprints *a, const struct fingerprints *b)
{
    for (unsigned i = 0; i < a->count; i++) {
        bool found = false;
        for (unsigned k = 0; k < b->count && !found; k++)
            found = fingerprint_equal(&a->list[i], &b->list[k]);
        if (!found)
            return false;
    }
    return true;
}

bool fingerprints_equal(const struct fingerprints *a, const struct fingerprints *b)
{
    return contained(a, b) && contained(b, a);
}

bool fingerprints_usable(const struct fingerprints *f)
{
    for (unsigned i = 0; i < f->count; i++)
        if (fingerprint_strength(&f->list[i]) > 0)
            return true;
    return false;
}

static size_t size_of(const struct fingerprints *f)
{
    return offsetof(struct fingerprints, list) + f->count * sizeof(f->list[0]);
}

void fingerprints_set(struct fingerprints *to, const struct fingerprints *from)
{
    memcpy(to, from, size_of(from));
}

// NULL: no memory.
static struct fingerprints *copy_of(const struct fingerprints *f)
{
    size_t size = size_of(f);
    struct fingerprints *copy = malloc(size);

    if (copy != NULL)
        memcpy(copy, f, size);
    return copy;
}

bool fingerprints_learn(struct fingerprints **kept, const struct fingerprints *said)
{
    struct fingerprints *copy = NULL;

    if (said->count > 0 && (*kept == NULL || !fingerprints_equal(*kept, said)))
        copy = copy_of(said);
    if (copy == NULL)
        return false;
    free(*kept);
    *kept = copy;
    return true;
}
