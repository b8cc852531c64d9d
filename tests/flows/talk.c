// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: arguments are joined; a file of pseudo-random bytes is written and compared with what
// arrived. Failure: a byte that differs fails the test.
#include "tests/flows/talk.h"

#include <stdio.h>

#define MEBIBYTE (1U << 20)
// Of the generator of the files: any number but 0.
#define SEED 0x9e3779b97f4a7c15U

const struct talk chat = {.caller = "--offer msrp --say up --expect-text down",
                          .callee = "--expect-text up --say down"};
const struct talk floor_request = {.caller = "--offer bfcp --floor client",
                                   .callee = "--floor server"};

struct call talk_call(struct flow *f, const struct talk *talk, enum host caller, const char *ue,
                      const char *core)
{
    bool from_ue = caller == HOST_UE;

    return (struct call){.caller = caller,
                         .no_fax = true,
                         .ue = flow_text(f, "%s %s", from_ue ? talk->caller : talk->callee, ue),
                         .core =
                             flow_text(f, "%s %s", from_ue ? talk->callee : talk->caller, core)};
}

void file_make(struct flow *f, unsigned mebibytes)
{
    static uint64_t block[MEBIBYTE / sizeof(uint64_t)];
    FILE *file = fopen(flow_path(f, FILE_SENT), "w");
    uint64_t x = SEED;

    ck_assert_ptr_nonnull(file);
    for (unsigned n = 0; n < mebibytes; n++) {
        for (size_t i = 0; i < sizeof(block) / sizeof(block[0]); i++) {
            x ^= x << 13; // xorshift: no pattern that a relay could hit by chance
            x ^= x >> 7;
            x ^= x << 17;
            block[i] = x;
        }
        ck_assert_uint_eq(fwrite(block, 1, sizeof(block), file), sizeof(block));
    }
    ck_assert_int_eq(fclose(file), 0);
}

void file_check(struct flow *f)
{
    struct program *cmp = program_run(f, "cmp", "cmp", FILE_SENT " " FILE_GOT);
    int status = program_wait(cmp);

    flow_check(f, status == 0, "the file differs: %s", program_text(cmp));
}
