// SPDX-License-Identifier: GPL-3.0-or-later
// INVITE transactions that a 2xx has ended, and the branch that tells loops from spirals.
#include "alg/accepted.h"
#include "alg/branch.h"
#include "alg/message.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// PCSCF-097, RFC 6026 7.1: known for the time it was opened with, from when it was added first.
START_TEST(a_transaction_is_known_for_its_time)
{
    struct accepted *a = accepted_open(100);
    accepted_add(a, "one", 1000);
    accepted_add(a, "two", 1050);
    accepted_add(a, "one", 1060);
    ck_assert(accepted_knows(a, "one", 1099));
    ck_assert(!accepted_knows(a, "one", 1100));
    ck_assert(accepted_knows(a, "two", 1149));
    ck_assert(!accepted_knows(a, "two", 1150));
    ck_assert(!accepted_knows(a, "three", 1050));
    accepted_close(a);
}
END_TEST

// Never more than the bound: the oldest goes.
START_TEST(the_number_is_bounded)
{
    struct accepted *a = accepted_open(UINT64_MAX / 2);
    char key[32];
    for (unsigned i = 0; i <= ACCEPTED_MAX; i++) {
        snprintf(key, sizeof(key), "key %u", i);
        accepted_add(a, key, i);
    }
    ck_assert(!accepted_knows(a, "key 0", ACCEPTED_MAX));
    ck_assert(accepted_knows(a, key, ACCEPTED_MAX));
    accepted_close(a);
}
END_TEST

#define HEAD(uri, via)                                                                             \
    "MESSAGE " uri " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=" via "\r\n"                     \
    "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: i\r\nCSeq: 1 MESSAGE\r\n"

static uint64_t hash_of(uint64_t secret, const char *text, enum side from, bool *loop,
                        uint64_t looked_for)
{
    msg_mclass_t *class = message_class();
    msg_t *msg = msg_make(class, 0, text, (ssize_t)strlen(text));
    ck_assert_ptr_nonnull(msg);
    uint64_t hash = branch_hash(secret, sip_object(msg), from);
    if (loop)
        *loop = branch_is_loop(looked_for, sip_object(msg));
    msg_destroy(msg);
    free(class);
    return hash;
}

// PCSCF-092, RFC 3261 16.6 item 8: whatever routing looks at makes another hash; so does another
// process.
START_TEST(the_hash_sees_what_routing_sees)
{
    static const char plain[] = HEAD("sip:c@d", "z9hG4bKx") "\r\n";
    static const char *const others[] = {
        HEAD("sip:c@e", "z9hG4bKx") "\r\n",
        HEAD("sip:c@d;x=y", "z9hG4bKx") "\r\n",
        HEAD("sip:c@d", "z9hG4bKx") "Route: <sip:r;lr>\r\n\r\n",
        HEAD("sip:c@d", "z9hG4bKx") "Proxy-Require: x\r\n\r\n",
    };
    uint64_t hash = hash_of(1, plain, SIDE_ACCESS, NULL, 0);
    ck_assert_uint_eq(hash_of(1, plain, SIDE_ACCESS, NULL, 0), hash);
    ck_assert_uint_ne(hash_of(2, plain, SIDE_ACCESS, NULL, 0), hash);
    ck_assert_uint_ne(hash_of(1, plain, SIDE_CORE, NULL, 0), hash);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_uint_ne(hash_of(1, others[i], SIDE_ACCESS, NULL, 0), hash);
}
END_TEST

// PCSCF-092: a Via below the top is found by its branch, and by nothing less than all of it.
START_TEST(our_branch_is_found_again)
{
    char branch[BRANCH_STRLEN], text[600];
    bool loop;
    branch_make(0x0123456789abcdefu, branch);
    ck_assert_int_eq(strncmp(branch, "z9hG4bK", 7), 0);
    snprintf(text, sizeof(text), "%sVia: SIP/2.0/UDP h;branch=%s\r\n\r\n",
             HEAD("sip:c@d", "z9hG4bKx"), branch);
    hash_of(1, text, SIDE_CORE, &loop, 0x0123456789abcdefu);
    ck_assert(loop);
    hash_of(1, text, SIDE_CORE, &loop, 0x0123456789abcdeeu);
    ck_assert(!loop);
    snprintf(text, sizeof(text), "%sVia: SIP/2.0/UDP h;branch=z9hG4bK.0123456789abcdef\r\n\r\n",
             HEAD("sip:c@d", "z9hG4bKx"));
    hash_of(1, text, SIDE_CORE, &loop, 0x0123456789abcdefu);
    ck_assert(!loop);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_transaction_is_known_for_its_time,
        the_number_is_bounded,
        the_hash_sees_what_routing_sees,
        our_branch_is_found_again,
    };
    return SUITE_RUN("accepted", tests);
}
