// SPDX-License-Identifier: GPL-3.0-or-later
// Any text as a stored registration: it is put back or refused; what was put back can be stored and
// put back again, as the same.
#include "alg/registration_record.h"
#include "tests/fuzz/fuzz.h"

#define TOKEN "0123456789abcdefghij"
#define LEFT_S 60

static bool find_listen(void *arg, const struct addr *local, unsigned *listen)
{
    *(struct addr *)arg = *local;
    *listen = 0;
    return addr_port(local) != 0;
}

static struct registrations *table(void)
{
    struct registrations_setup setup = {.max = 2};
    struct registrations *all = registrations_open(&setup);
    require(all != NULL, "there is memory");
    return all;
}

// The record of what this text becomes; NULL: it is none, or holds what is no UTF-8 any more.
static char *through(const char *text)
{
    struct addr local;
    char *record = NULL;
    struct registrations *all = table();
    if (registration_from_record(all, TOKEN, text, LEFT_S, 1000, find_listen, &local) == 0) {
        const struct registration *r = registrations_by_token(all, TOKEN);
        require(r && registrations_count(all) == 1, "what was put back is there");
        require(registration_expires_ms(r) == 1000 + LEFT_S * 1000, "for as long as was said");
        record = registration_to_record(r, &local);
    } else {
        require(registrations_count(all) == 0, "what was refused leaves nothing");
    }
    registrations_close(all);
    return record;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *record = through(text), *again = record ? through(record) : NULL;
    require(!record || (again && strcmp(record, again) == 0), "a record is that of what it makes");
    free(again);
    free(record);
    free(text);
    return 0;
}
