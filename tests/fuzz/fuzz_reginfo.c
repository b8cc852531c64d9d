// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as the body of a NOTIFY: what is taken stays within the bounds, and every text in it
// ends.
#include "alg/reginfo.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reginfo info;
    if (reginfo_parse(&info, (const char *)data, size))
        return 0;
    require(info.count <= REGINFO_ENTRIES_MAX, "entries are bounded");
    for (unsigned i = 0; i < info.count; i++)
        require(memchr(info.entry[i].aor, '\0', REGINFO_URI_MAX) &&
                    memchr(info.entry[i].uri, '\0', REGINFO_URI_MAX),
                "URIs end");
    return 0;
}
