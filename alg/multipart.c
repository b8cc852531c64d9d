// SPDX-License-Identifier: GPL-3.0-or-later
// Delimiter by delimiter: what stands between two is a part, its header ends with an empty line.
// Lines may end with CRLF or LF. Failure: a body without a second delimiter has no part.
#include "alg/multipart.h"

#include <string.h>
#include <strings.h>

struct text {
    const char *at;
    size_t len;
};

// The next line of *rest, without its end. False: there is none.
static bool take_line(struct text *rest, struct text *line)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->at, '\n', rest->len);
    size_t whole = end ? (size_t)(end - rest->at) + 1 : rest->len;
    *line = (struct text){rest->at, end ? whole - 1 : whole};
    if (line->len > 0 && line->at[line->len - 1] == '\r')
        line->len--;
    rest->at += whole;
    rest->len -= whole;
    return true;
}

// "--boundary", perhaps with "--" for the end and blanks behind.
static bool is_delimiter(struct text line, struct text boundary)
{
    if (line.len < boundary.len + 2 || memcmp(line.at, "--", 2) != 0 ||
        memcmp(line.at + 2, boundary.at, boundary.len) != 0)
        return false;
    for (size_t i = boundary.len + 2; i < line.len; i++)
        if (line.at[i] != '-' && line.at[i] != ' ' && line.at[i] != '\t')
            return false;
    return true;
}

// Moves *rest behind the next delimiter. Returns where the delimiter begins, its line end before
// it included, or NULL.
static const char *skip_to_delimiter(struct text *rest, struct text boundary)
{
    struct text line;
    const char *start = rest->at;
    while (take_line(rest, &line)) {
        if (!is_delimiter(line, boundary))
            continue;
        const char *at = line.at;
        at -= at > start && at[-1] == '\n';
        at -= at > start && at[-1] == '\r';
        return at;
    }
    return NULL;
}

static bool is_field(struct text line, const char *name, struct text *value)
{
    size_t len = strlen(name);
    if (line.len <= len || strncasecmp(line.at, name, len) != 0 || line.at[len] != ':')
        return false;
    *value = (struct text){line.at + len + 1, line.len - len - 1};
    while (value->len > 0 && (*value->at == ' ' || *value->at == '\t')) {
        value->at++;
        value->len--;
    }
    return true;
}

// The value begins with the word, and parameters or nothing follow.
static bool says(struct text value, const char *word)
{
    size_t len = strlen(word);
    return value.len >= len && strncasecmp(value.at, word, len) == 0 &&
           (value.len == len || strchr("; \t", value.at[len]));
}

// Reads the header of a part; *content then begins behind it. True: the SDP of the session.
static bool read_header(struct text *content, bool *encoded)
{
    bool sdp = false, session = true;
    struct text line, value;
    *encoded = false;
    while (take_line(content, &line) && line.len > 0) {
        if (is_field(line, "Content-Type", &value))
            sdp = says(value, "application/sdp");
        else if (is_field(line, "Content-Disposition", &value))
            session = says(value, "session");
        else if (is_field(line, "Content-Transfer-Encoding", &value))
            *encoded = says(value, "base64") || says(value, "quoted-printable");
    }
    return sdp && session;
}

static struct text without_quotes(const char *boundary)
{
    struct text t = {boundary, strlen(boundary)};
    if (t.len >= 2 && t.at[0] == '"' && t.at[t.len - 1] == '"')
        return (struct text){t.at + 1, t.len - 2};
    return t;
}

bool multipart_find_sdp(const char *boundary, const char *body, size_t len,
                        struct multipart_part *out)
{
    struct text mark = without_quotes(boundary), rest = {body, len};
    if (mark.len == 0 || mark.len > MULTIPART_BOUNDARY_MAX)
        return false;
    const char *whole = skip_to_delimiter(&rest, mark);
    for (int i = 0; whole && i < MULTIPART_PARTS_MAX; i++) {
        struct text content = rest;
        const char *end = skip_to_delimiter(&rest, mark);
        if (!end)
            return false;
        content.len = end > content.at ? (size_t)(end - content.at) : 0;
        bool encoded;
        if (read_header(&content, &encoded)) {
            *out = (struct multipart_part){.at = (size_t)(content.at - body),
                                           .len = content.len,
                                           .whole = (size_t)(whole - body),
                                           .next = (size_t)(end - body),
                                           .encoded = encoded};
            return true;
        }
        whole = end;
    }
    return false;
}
