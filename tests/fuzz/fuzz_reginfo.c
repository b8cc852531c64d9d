// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as the body of a NOTIFY: what is taken stays within the bounds, and every text in it
// ends.
#include "alg/reginfo.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reginfo info;
    if (reginfo_parse(&info, (const char *)data, size))
        return 0;
    if (info.count > REGINFO_ENTRIES_MAX)
        abort();
    for (unsigned i = 0; i < info.count; i++)
        if (!memchr(info.entry[i].aor, '\0', REGINFO_URI_MAX) ||
            !memchr(info.entry[i].uri, '\0', REGINFO_URI_MAX))
            abort();
    return 0;
}
