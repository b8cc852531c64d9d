// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef SDP_DOCUMENT_H
#define SDP_DOCUMENT_H
// The lines behind struct sdp, where they live and how they change. Private to sdp/.

#include "sdp/sdp.h"

#include <sys/types.h>

enum line_end { END_NONE, END_LF, END_CRLF };

struct line {
    const char *text; // zero-terminated, without line end; "" only behind the last section
    uint16_t len;
    uint8_t end;   // enum line_end; END_NONE only on the last line
    bool inserted; // by an edit: received attributes follow the inserted ones
};
_Static_assert(SDP_LINE_MAX <= UINT16_MAX, "struct line counts in 16 bits");
_Static_assert(SDP_LINES_MAX <= UINT16_MAX, "media_at counts in 16 bits");

// Texts are never moved and never freed before the document: views and journal point at them.
struct text_block {
    struct text_block *older;
    size_t used, size;
    char bytes[];
};

struct sdp {
    struct line *lines;
    size_t line_count, line_room;
    size_t media_count;
    uint16_t media_at[SDP_MEDIA_MAX]; // where each m= line stands
    struct sdp_edit *edits;
    size_t edit_count, edit_room;
    struct text_block *texts;
};

// Lines begin..end-1.
struct line_range {
    size_t begin, end;
};

// A document without lines that owns a copy of body, with room for some lines more than line_count.
// *copy is zero-terminated. NULL: out of memory.
struct sdp *document_create(const char *body, size_t len, size_t line_count, char **copy);

// The lines of a section, without empty lines at the end of the body. Empty when there is no such
// section; never empty when there is.
struct line_range document_section(const struct sdp *sdp, int section);

// The next line "type=name" or "type=name:value" (name NULL: any) of *range, which then begins
// after it. Names are compared as RFC 8866 says, exactly, but for T38... in any case mix (RFC 5347
// 2.5.2). Returns where it stands, or -1. value may be NULL.
ssize_t document_next(const struct sdp *sdp, struct line_range *range, char type, const char *name,
                      struct sdp_text *value);

// Memory for so many journal entries and one text with its zero: the next edits within it cannot
// fail. Returns 0 or -ENOMEM.
int document_reserve(struct sdp *sdp, size_t edits, size_t text);

// The line edits: journal included, document untouched on failure. The new text is copied; it has
// no line end inside and at most SDP_LINE_MAX bytes. Returns 0 or -ENOMEM.
int document_replace(struct sdp *sdp, int section, size_t at, struct sdp_text text,
                     const char *clause);
// Before line at, which is inside the section or its end. Also -ENOSPC at SDP_LINES_MAX lines.
int document_insert(struct sdp *sdp, int section, size_t at, struct sdp_text text,
                    const char *clause);
// Drops what document_next() would find in range, a part of the section. Returns how many.
int document_drop(struct sdp *sdp, int section, struct line_range range, char type,
                  const char *name, const char *clause);

#endif
