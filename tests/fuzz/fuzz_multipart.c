// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as a multipart body: the first line is the boundary. What is found lies within the body
// and in order; with another content in its place it is found again, and that content in it.
#include "alg/multipart.h"
#include "tests/fuzz/fuzz.h"

static const char content[] = {'v', '=', '0'};

static void expect_found_again(const char *boundary, const char *body, size_t len,
                               const struct multipart_part *part)
{
    struct multipart_part again;
    size_t after = part->at + part->len, put = sizeof(content);
    char *other = malloc(len + put);
    require(other != NULL, "there is memory");
    memcpy(other, body, part->at);
    memcpy(other + part->at, content, put);
    memcpy(other + part->at + put, body + after, len - after);
    require(multipart_find_sdp(boundary, other, len - part->len + put, &again),
            "an exchanged part is there");
    require(again.at == part->at && again.len == put, "it is where it was");
    free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct multipart_part part;
    char *boundary = fuzz_text(data, size), *end = strchr(boundary, '\n');
    size_t head = end ? (size_t)(end - boundary) + 1 : size, len = size - head;
    char *body = fuzz_bytes(data + head, len);
    if (end)
        *end = '\0';
    if (multipart_find_sdp(boundary, body, len, &part)) {
        require(part.whole <= part.at && part.at + part.len <= part.next && part.next <= len,
                "a part is within its body");
        if (part.len > 0)
            expect_found_again(boundary, body, len, &part);
    }
    free(body);
    free(boundary);
    return 0;
}
