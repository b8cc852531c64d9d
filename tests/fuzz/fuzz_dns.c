// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as a DNS message, after a byte that says what was asked: what is read stays within its
// bounds, and every text in it ends.
#include "alg/dns_read.h"
#include "tests/fuzz/fuzz.h"

static void expect_sense(const struct dns_answer *answer, enum dns_type type)
{
    require(answer->count <= DNS_RECORDS_MAX, "records are bounded");
    require(answer->result == DNS_FOUND || answer->count == 0, "what failed has no records");
    for (unsigned i = 0; i < answer->count; i++) {
        const struct dns_record *record = &answer->record[i];
        require(memchr(record->name, '\0', DNS_NAME_MAX) != NULL, "names end");
        require(memchr(record->service, '\0', DNS_SERVICE_MAX) != NULL, "services end");
        require(type == DNS_NAPTR || record->flag == '\0', "flags are those of NAPTR");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_answer answer = {.result = DNS_FOUND};
    if (size == 0 || size > 65536)
        return 0;
    enum dns_type type = data[0] & 1 ? DNS_SRV : DNS_NAPTR;
    unsigned char *bytes = fuzz_bytes(data + 1, size - 1);
    dns_read(&answer, type, bytes, (int)size - 1);
    expect_sense(&answer, type);
    free(bytes);
    return 0;
}
