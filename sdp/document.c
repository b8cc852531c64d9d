// SPDX-License-Identifier: GPL-3.0-or-later
// A document is an array of lines that point into blocks of text. The first block is a copy of the
// body with room for what edits add, so that most documents never allocate text again. An edit
// makes a new text, points the line at it and keeps the old one for the journal.
//
// Failure paths: every edit first takes the memory it needs for lines, journal and text, then
// changes the document, which cannot fail. What was taken in vain stays as room for the next edit.

#include "sdp/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Text and lines that the edits of one media line take: o=, m=, c=, b= and four attributes, one of
// them a fingerprint. More only costs another allocation.
#define EDIT_TEXT_ROOM 1024
#define EDIT_LINE_ROOM 16
#define EDITS_FIRST 16

static const struct sdp_text line_ends[] = {
    [END_NONE] = {"", 0},
    [END_LF] = {"\n", 1},
    [END_CRLF] = {"\r\n", 2},
};

// --- text ---------------------------------------------------------------------------------------

static int reserve_text(struct sdp *sdp, size_t size)
{
    struct text_block *block = sdp->texts;
    if (block && block->size - block->used >= size)
        return 0;
    size_t room = size + EDIT_TEXT_ROOM;
    block = malloc(sizeof(*block) + room);
    if (!block)
        return -ENOMEM;
    *block = (struct text_block){.older = sdp->texts, .size = room};
    sdp->texts = block;
    return 0;
}

// From reserved room.
static char *copy_text(struct sdp *sdp, const char *bytes, size_t len)
{
    struct text_block *block = sdp->texts;
    char *copy = block->bytes + block->used;
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    block->used += len + 1;
    return copy;
}

// --- life ---------------------------------------------------------------------------------------

struct sdp *document_create(const char *body, size_t len, size_t line_count, char **copy)
{
    struct sdp *sdp = calloc(1, sizeof(*sdp));
    if (!sdp)
        return NULL;
    sdp->line_room = line_count + EDIT_LINE_ROOM;
    sdp->lines = malloc(sdp->line_room * sizeof(*sdp->lines));
    if (!sdp->lines || reserve_text(sdp, len + 1) != 0) {
        sdp_free(sdp);
        return NULL;
    }
    *copy = copy_text(sdp, body, len);
    return sdp;
}

void sdp_free(struct sdp *sdp)
{
    if (!sdp)
        return;
    while (sdp->texts) {
        struct text_block *block = sdp->texts;
        sdp->texts = block->older;
        free(block);
    }
    free(sdp->edits);
    free(sdp->lines);
    free(sdp);
}

char *sdp_print(const struct sdp *sdp, size_t *len)
{
    size_t size = 0;
    for (size_t i = 0; i < sdp->line_count; i++)
        size += sdp->lines[i].len + line_ends[sdp->lines[i].end].len;
    char *body = malloc(size + 1);
    if (!body)
        return NULL;
    char *p = body;
    for (size_t i = 0; i < sdp->line_count; i++) {
        const struct line *line = &sdp->lines[i];
        p = mempcpy(p, line->text, line->len);
        p = mempcpy(p, line_ends[line->end].at, line_ends[line->end].len);
    }
    *p = '\0';
    *len = size;
    return body;
}

// A printed document always parses: edits keep the bounds and rules of sdp_parse().
struct sdp *sdp_clone(const struct sdp *sdp)
{
    struct sdp *clone = NULL;
    struct sdp_error error;
    size_t len = 0;
    char *body = sdp_print(sdp, &len);
    if (body && sdp_parse(&clone, body, len, &error) != 0)
        clone = NULL;
    free(body);
    return clone;
}

// --- finding lines ------------------------------------------------------------------------------

size_t sdp_media_count(const struct sdp *sdp)
{
    return sdp->media_count;
}

// The first media description behind a section.
static size_t next_media(int section)
{
    return section == SDP_SESSION ? 0 : (size_t)section + 1;
}

struct line_range document_section(const struct sdp *sdp, int section)
{
    if (section < SDP_SESSION || section >= (int)sdp->media_count)
        return (struct line_range){0, 0};
    size_t next = next_media(section);
    struct line_range range = {
        .begin = section == SDP_SESSION ? 0 : sdp->media_at[section],
        .end = next < sdp->media_count ? sdp->media_at[next] : sdp->line_count,
    };
    while (range.end > range.begin && sdp->lines[range.end - 1].len == 0)
        range.end--;
    return range;
}

static bool name_is(const char *at, const char *name, size_t len)
{
    bool any_case = strncasecmp(name, "T38", 3) == 0;
    return (any_case ? strncasecmp(at, name, len) : strncmp(at, name, len)) == 0;
}

static bool line_matches(const struct line *line, char type, const char *name,
                         struct sdp_text *value)
{
    if (line->text[0] != type)
        return false;
    const char *after = line->text + 2;
    if (name) {
        size_t len = strlen(name);
        if (!name_is(after, name, len) || (after[len] != ':' && after[len] != '\0'))
            return false;
        after += len;
        if (*after == ':')
            after++;
    }
    if (value)
        *value = (struct sdp_text){after, (size_t)(line->text + line->len - after)};
    return true;
}

ssize_t document_next(const struct sdp *sdp, struct line_range *range, char type, const char *name,
                      struct sdp_text *value)
{
    while (range->begin < range->end) {
        size_t at = range->begin++;
        if (line_matches(&sdp->lines[at], type, name, value))
            return (ssize_t)at;
    }
    return -1;
}

// --- changing lines -----------------------------------------------------------------------------

static int reserve_line(struct sdp *sdp)
{
    if (sdp->line_count >= SDP_LINES_MAX)
        return -ENOSPC;
    if (sdp->line_count < sdp->line_room)
        return 0;
    size_t room = sdp->line_room * 2;
    struct line *lines = realloc(sdp->lines, room * sizeof(*lines));
    if (!lines)
        return -ENOMEM;
    sdp->lines = lines;
    sdp->line_room = room;
    return 0;
}

static int reserve_edits(struct sdp *sdp, size_t more)
{
    size_t room = sdp->edit_room ? sdp->edit_room : EDITS_FIRST;
    while (room < sdp->edit_count + more)
        room *= 2;
    if (room == sdp->edit_room)
        return 0;
    struct sdp_edit *edits = realloc(sdp->edits, room * sizeof(*edits));
    if (!edits)
        return -ENOMEM;
    sdp->edits = edits;
    sdp->edit_room = room;
    return 0;
}

int document_reserve(struct sdp *sdp, size_t edits, size_t text)
{
    int rc = reserve_edits(sdp, edits);
    return rc == 0 ? reserve_text(sdp, text) : rc;
}

static void note(struct sdp *sdp, int section, const char *before, const char *after,
                 const char *clause)
{
    sdp->edits[sdp->edit_count++] =
        (struct sdp_edit){.section = section, .before = before, .after = after, .clause = clause};
}

static void move_media(struct sdp *sdp, int section, int lines)
{
    for (size_t i = next_media(section); i < sdp->media_count; i++)
        sdp->media_at[i] = (uint16_t)(sdp->media_at[i] + lines);
}

int document_replace(struct sdp *sdp, int section, size_t at, struct sdp_text text,
                     const char *clause)
{
    struct line *line = &sdp->lines[at];
    if (text.len == line->len && memcmp(text.at, line->text, text.len) == 0)
        return 0;
    int rc = document_reserve(sdp, 1, text.len + 1);
    if (rc != 0)
        return rc;
    const char *copy = copy_text(sdp, text.at, text.len);
    note(sdp, section, line->text, copy, clause);
    line->text = copy;
    line->len = (uint16_t)text.len;
    return 0;
}

// A line that ended with the body gets the end of the line before it. There is one: a body has at
// least v= and o=.
static uint8_t take_line_end(struct line *before)
{
    if (before->end == END_NONE)
        before->end = before[-1].end;
    return before->end;
}

int document_insert(struct sdp *sdp, int section, size_t at, struct sdp_text text,
                    const char *clause)
{
    int rc = reserve_line(sdp);
    if (rc == 0)
        rc = document_reserve(sdp, 1, text.len + 1);
    if (rc != 0)
        return rc;
    const char *copy = copy_text(sdp, text.at, text.len);
    struct line *line = &sdp->lines[at];
    uint8_t end = take_line_end(line - 1);
    memmove(line + 1, line, (sdp->line_count - at) * sizeof(*line));
    *line = (struct line){.text = copy, .len = (uint16_t)text.len, .end = end, .inserted = true};
    sdp->line_count++;
    move_media(sdp, section, 1);
    note(sdp, section, NULL, copy, clause);
    return 0;
}

int document_drop(struct sdp *sdp, int section, struct line_range range, char type,
                  const char *name, const char *clause)
{
    int count = 0;
    for (struct line_range r = range; document_next(sdp, &r, type, name, NULL) >= 0;)
        count++;
    if (count == 0)
        return 0;
    int rc = reserve_edits(sdp, (size_t)count);
    if (rc != 0)
        return rc;
    size_t to = range.begin;
    for (size_t from = range.begin; from < sdp->line_count; from++) {
        struct line *line = &sdp->lines[from];
        if (from < range.end && line_matches(line, type, name, NULL))
            note(sdp, section, line->text, NULL, clause);
        else
            sdp->lines[to++] = *line;
    }
    sdp->line_count = to;
    move_media(sdp, section, -count);
    return count;
}

// --- the journal --------------------------------------------------------------------------------

size_t sdp_edit_count(const struct sdp *sdp)
{
    return sdp->edit_count;
}

struct sdp_edit sdp_edit_at(const struct sdp *sdp, size_t index)
{
    if (index >= sdp->edit_count)
        return (struct sdp_edit){0};
    return sdp->edits[index];
}
