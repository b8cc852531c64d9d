// SPDX-License-Identifier: GPL-3.0-or-later
// A value is read by its parameters and printed anew. What does not fit is left alone, never cut:
// half an icid would correlate with nothing.
#include "alg/charging.h"

#include "alg/fields.h"
#include "common/random.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

// 119 bits beside the second in which it was made.
#define RANDOM_LEN 20

void charging_new(struct charging *c)
{
    char random[RANDOM_LEN + 1];
    random_alnum(random, sizeof(random));
    snprintf(c->icid, sizeof(c->icid), "%llx-%s", (unsigned long long)time(NULL), random);
}

static void keep(char *to, size_t size, struct field value)
{
    if (value.len == 0 || value.len >= size)
        return;
    memcpy(to, value.at, value.len);
    to[value.len] = '\0';
}

void charging_read(struct charging *c, const char *value)
{
    struct field params = field_whole(value), name, text;
    bool first = !c->icid[0];
    c->orig_ioi[0] = '\0';
    while (field_next_param(&params, &name, &text)) {
        if (first && field_is(name, "icid-value"))
            keep(c->icid, sizeof(c->icid), text);
        else if (field_is(name, "orig-ioi"))
            keep(c->orig_ioi, sizeof(c->orig_ioi), text);
    }
}

const char *charging_print(const struct charging *c, const char *orig_ioi, const char *term_ioi,
                           char buf[static CHARGING_STRLEN])
{
    int len = snprintf(buf, CHARGING_STRLEN, "icid-value=%s", c->icid);
    if (orig_ioi && orig_ioi[0])
        len += snprintf(buf + len, CHARGING_STRLEN - (size_t)len, ";orig-ioi=%.*s",
                        CHARGING_IOI_MAX - 1, orig_ioi);
    if (term_ioi && term_ioi[0])
        snprintf(buf + len, CHARGING_STRLEN - (size_t)len, ";term-ioi=%.*s", CHARGING_IOI_MAX - 1,
                 term_ioi);
    return buf;
}
