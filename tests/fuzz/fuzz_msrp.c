// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as one direction of an MSRP connection. However they are divided over calls, answer and
// output are the same, and no call takes or gives more than it may; with paths that become
// themselves the output is the input; what came out once is framed as before: it goes through
// again.
#include "tests/fuzz/fuzz.h"
#include "tests/unit/msrp_feed.h"

// Those of the seeds.
#define T1_OWN "msrps://192.0.2.1:10014/UMLCWMpv0boh85yQ;tcp"
#define T1_REMOTE "msrps://[2001:db8::a]:2855/ezxne8Ms50qtBDww;tcp msrps://ue.example.com:1/s;tcp"
#define T2_OWN "msrp://[2001:db8:1::1]:20014/ezxne8Ms50qtBDww;tcp"
#define T2_REMOTE "msrp://relay.example.com:9000/a;tcp msrp://peer.example.com:7394/b;tcp"

static const struct msrp_paths rewriting = {T1_OWN, T2_REMOTE, T1_REMOTE, T2_OWN};
static const struct msrp_paths identity = {T1_OWN, T1_OWN, T1_REMOTE, T1_REMOTE};
static const struct msrp_paths nothing = {NULL, NULL, NULL, NULL};

static const struct feed_pieces whole = {.in = FEED_ALL, .out = FEED_ALL};

// A number that depends on all of the input.
static uint32_t digest(const uint8_t *data, size_t size)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 16777619U;
    return hash | 1;
}

static void expect_same(struct feed_result a, struct feed_result b)
{
    feed_require(a.rc == b.rc, "the answer does not depend on the split");
    feed_require(a.len == b.len && memcmp(a.out, b.out, a.len) == 0,
                 "the output does not depend on the split");
    free(b.out);
}

// Returns the answer.
static int check_splits(const uint8_t *data, size_t size)
{
    uint32_t seed = digest(data, size);
    struct feed_result one = feed_new(&rewriting, data, size, whole);

    expect_same(one, feed_new(&rewriting, data, size, (struct feed_pieces){.in = 1, .out = 1}));
    expect_same(one,
                feed_new(&rewriting, data, size,
                         (struct feed_pieces){.first = 1 + seed % 512, .in = FEED_ALL, .out = 3}));
    expect_same(one, feed_new(&rewriting, data, size,
                              (struct feed_pieces){.in = 1 + seed % 61, .out = 67, .seed = seed}));
    if (one.rc == 0) {
        struct feed_result again = feed_new(&nothing, one.out, one.len, whole);
        expect_same(one, again);
    }
    free(one.out);
    return one.rc;
}

static void check_wire(const struct msrp_paths *paths, const uint8_t *data, size_t size, int rc)
{
    struct feed_result got = feed_new(paths, data, size, whole);

    feed_require(got.rc == rc, "framing does not depend on paths");
    feed_require(got.len <= size && memcmp(got.out, data, got.len) == 0, "a wire changes nothing");
    free(got.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int rc = check_splits(data, size);

    check_wire(&identity, data, size, rc);
    check_wire(&nothing, data, size, rc);
    return 0;
}
