// SPDX-License-Identifier: GPL-3.0-or-later
// Any text as the value of a header field: pieces lie within it; identities compare the same in
// either order, and what has the same key is the same.
#include "alg/charging.h"
#include "alg/fields.h"
#include "alg/identity.h"
#include "tests/fuzz/fuzz.h"

#define URIS_MAX 16
#define KEY_MAX 256

static void expect_within(struct field piece, const char *text, size_t len)
{
    require(piece.len == 0 || (piece.at >= text && piece.at + piece.len <= text + len),
            "a piece is part of the value");
}

static void walk_params(struct field element, const char *text, size_t len)
{
    struct field params = field_params(element), name, value, found;
    expect_within(field_head(element), text, len);
    while (field_next_param(&params, &name, &value)) {
        expect_within(name, text, len);
        expect_within(value, text, len);
    }
    (void)field_param(element, "tag", &found);
}

// Keys of numbers are wider than equality: two SIP URIs of one number are found by either.
static void compare(const struct field *a, const struct field *b)
{
    char key_a[KEY_MAX], key_b[KEY_MAX];
    bool same = identity_same(*a, *b);
    require(same == identity_same(*b, *a), "equality has no direction");
    size_t len_a = identity_key(*a, key_a, sizeof(key_a));
    size_t len_b = identity_key(*b, key_b, sizeof(key_b));
    if (len_a > 0 && len_a == len_b && memcmp(key_a, key_b, len_a) == 0)
        require(same || key_a[0] == 't', "one key means one identity or number");
}

static void read_charging(const char *text)
{
    struct charging charging = {{0}, {0}};
    char printed[CHARGING_STRLEN];
    charging_read(&charging, text);
    charging_print(&charging, charging.orig_ioi, "home.example", printed);
    require(strlen(printed) < sizeof(printed), "what is printed ends");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    size_t len = strlen(text);
    struct field rest = field_whole(text), element, uri[URIS_MAX];
    unsigned count = 0;
    while (field_next(&rest, &element)) {
        require(element.len > 0, "empty elements are passed over");
        expect_within(element, text, len);
        walk_params(element, text, len);
        struct field found = field_uri(element);
        expect_within(found, text, len);
        if (count < URIS_MAX)
            uri[count++] = found;
    }
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k <= i; k++)
            compare(&uri[i], &uri[k]);
    read_charging(text);
    free(text);
    return 0;
}
