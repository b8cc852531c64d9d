// SPDX-License-Identifier: GPL-3.0-or-later
// A message is taken line by line until its body: the start line gives the transaction id and tells
// request from response, then come To-Path and From-Path (their order is the standard's, RFC 4975
// 7.1) and the other header fields, up to a blank line (a body follows) or the end-line (there is
// none). A line is held until it is there as a whole, judged, and put out, the paths with their new
// value. The bytes of a body are not held: they are copied as they come while the end-line is
// followed through them; it ends the message only as a whole line with this message's id
// (RFC 4975 7.1, REQ-056).
//
//   START -> TO_PATH -> FROM_PATH -> HEADER -> ... -> BODY -> START     (PUT after every line)
//
// The line feed of a line stays with the caller until the line is put out: so there is never
// anything to put out once all input was consumed.
//
// Failures: a line that is no MSRP where it stands, control bytes in a header, a header above
// MSRP_HEADER_MAX: -EPROTO, at once and for ever. No memory for a long line: -ENOMEM, likewise;
// when paths are set: nothing changes.
#include "agw/msrp.h"

#include "agw/msrp_path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ident (RFC 4975 9).
#define ID_MIN 4
#define ID_MAX 32

#define PROTOCOL "MSRP "
#define PROTOCOL_LEN (sizeof(PROTOCOL) - 1)

// The end-line up to its flag, with the line end before it, and what follows: flag, CR, LF.
#define HYPHENS "\r\n-------"
#define HYPHENS_LEN (sizeof(HYPHENS) - 1)
#define LINE_END_LEN 2
#define FLAG_AND_LINE_END 3

// Room for a line to begin with; longer ones are rare, and streams are idle most of the time.
#define LINE_ROOM 512

enum state { START, TO_PATH, FROM_PATH, HEADER, BODY, PUT, BROKEN, STATES };

// What a step says; or -EPROTO.
enum { STEP_WAITS, STEP_DONE };

enum { TO_MATCH, TO_VALUE, FROM_MATCH, FROM_VALUE, TEXTS };

struct paths {
    struct msrp_text text[TEXTS];
    char bytes[];
};

struct msrp_rewriter {
    struct paths *paths;
    struct paths *later; // for the messages after the present one; NULL: the same
    struct msrp_counts counts;
    enum state state;
    enum state after; // PUT: where it leads
    bool response;
    size_t header; // bytes of the present header that were put out
    size_t held;   // bytes of the present line
    size_t mark_len;
    size_t matched; // BODY: bytes of mark and of what follows it that were seen last
    unsigned piece; // PUT: the first that is not out yet
    struct msrp_text pieces[3];
    char mark[HYPHENS_LEN + ID_MAX];
    char *line;  // what is held
    size_t room; // for the line: grows when one needs it
};

// What is left of the caller's buffers.
struct flow {
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t out_len;
};

// Said where a text could stand and none does.
static const struct msrp_text nothing = {"", 0};

// --- paths --------------------------------------------------------------------------------------

static struct paths *copy_paths(const struct msrp_paths *from)
{
    const char *const texts[TEXTS] = {
        [TO_MATCH] = from->to_match,
        [TO_VALUE] = from->to_value,
        [FROM_MATCH] = from->from_match,
        [FROM_VALUE] = from->from_value,
    };
    size_t len = 0;

    for (size_t i = 0; i < TEXTS; i++)
        len += texts[i] ? strlen(texts[i]) : 0;
    struct paths *paths = malloc(sizeof(*paths) + len);
    if (paths == NULL)
        return NULL;
    char *to = paths->bytes;
    for (size_t i = 0; i < TEXTS; i++) {
        paths->text[i] = (struct msrp_text){to, texts[i] ? strlen(texts[i]) : 0};
        if (paths->text[i].len > 0)
            memcpy(to, texts[i], paths->text[i].len);
        to += paths->text[i].len;
    }
    return paths;
}

// At the first byte of a message.
static void adopt_paths(struct msrp_rewriter *r)
{
    if (r->later == NULL)
        return;
    free(r->paths);
    r->paths = r->later;
    r->later = NULL;
}

// What path becomes; empty when it is not ours. A path of one URI may be a hop that speaks for
// itself: responses go back hop by hop (RFC 4975 7.2), relays report in their own name.
static struct msrp_text replacement(const struct msrp_rewriter *r, struct msrp_text path,
                                    struct msrp_text match, struct msrp_text value)
{
    bool whole = msrp_path_equal(path, match);

    if ((r->response || !whole) && msrp_path_equal(path, msrp_path_first(match)))
        return msrp_path_first(value);
    return whole ? value : nothing;
}

// --- bytes --------------------------------------------------------------------------------------

static void take(struct flow *f, size_t len)
{
    f->in += len;
    f->in_len -= len;
}

static void put(struct flow *f, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    memcpy(f->out, bytes, len);
    f->out += len;
    f->out_len -= len;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_flag(char c)
{
    return c == '$' || c == '+' || c == '#';
}

// Whether one of eight bytes is below ' ' or DEL.
static bool hold_controls(const char bytes[static 8])
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    uint64_t del = word ^ (ones * 0x7f);
    return ((((word - ones * ' ') & ~word) | ((del - ones) & ~del)) & (ones << 7)) != 0;
}

// Header fields and comments are UTF-8 text (RFC 4975 9). Most of what the rewriter does for small
// messages is done here, hence eight bytes at a time.
static bool is_text(struct msrp_text line)
{
    for (size_t i = 0; i < line.len;) {
        if (line.len - i >= sizeof(uint64_t) && !hold_controls(line.at + i)) {
            i += sizeof(uint64_t);
            continue;
        }
        if (((unsigned char)line.at[i] < ' ' && line.at[i] != '\t') || line.at[i] == 0x7f)
            return false;
        i++;
    }
    return true;
}

// --- the start line -----------------------------------------------------------------------------

// What an id may hold behind its first character beside letters and digits.
static bool is_id_mark(char c)
{
    return c == '.' || c == '-' || c == '+' || c == '%' || c == '=';
}

// Length of the transaction id that text begins with; above ID_MAX: it is too long.
static size_t id_len(struct msrp_text text)
{
    size_t len = 0;

    while (len < text.len && len <= ID_MAX &&
           (is_letter(text.at[len]) || is_digit(text.at[len]) ||
            (len > 0 && is_id_mark(text.at[len]))))
        len++;
    return len;
}

// What is held can still become a start line: so garbage is refused before its line ends.
static bool may_start(const struct msrp_rewriter *r)
{
    if (memcmp(r->line, PROTOCOL, least(r->held, PROTOCOL_LEN)) != 0)
        return false;
    if (r->held <= PROTOCOL_LEN)
        return true;
    struct msrp_text rest = {r->line + PROTOCOL_LEN, r->held - PROTOCOL_LEN};
    size_t len = id_len(rest);
    return len <= ID_MAX && (len == rest.len || (len >= ID_MIN && rest.at[len] == ' '));
}

static bool is_method(struct msrp_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < 'A' || text.at[i] > 'Z')
            return false;
    return text.len > 0;
}

static bool is_status(struct msrp_text text)
{
    return text.len >= 3 && is_digit(text.at[0]) && is_digit(text.at[1]) && is_digit(text.at[2]) &&
           (text.len == 3 || text.at[3] == ' ');
}

// may_start() has seen to what stands before the method or status.
static int start_line(struct msrp_rewriter *r, struct msrp_text line)
{
    struct msrp_text id = {line.at + PROTOCOL_LEN, line.len - PROTOCOL_LEN};

    id.len = id_len(id);
    size_t begin = PROTOCOL_LEN + id.len + 1;
    struct msrp_text rest = {line.at + begin, line.len - begin};
    r->response = is_status(rest);
    if (!r->response && !is_method(rest))
        return -EPROTO;
    memcpy(r->mark, HYPHENS, HYPHENS_LEN);
    memcpy(r->mark + HYPHENS_LEN, id.at, id.len);
    r->mark_len = HYPHENS_LEN + id.len;
    *(r->response ? &r->counts.responses : &r->counts.requests) += 1;
    r->after = TO_PATH;
    return 0;
}

// --- header lines -------------------------------------------------------------------------------

// The value of the header field if it is the one named, without blanks at its ends; empty else.
static struct msrp_text field(struct msrp_text line, const char *name)
{
    size_t len = strlen(name);

    if (line.len <= len || strncasecmp(line.at, name, len) != 0 || line.at[len] != ':')
        return nothing;
    struct msrp_text value = {line.at + len + 1, line.len - len - 1};
    for (; value.len > 0 && is_blank(value.at[0]); value.len--)
        value.at++;
    while (value.len > 0 && is_blank(value.at[value.len - 1]))
        value.len--;
    return value;
}

static int path_line(struct msrp_rewriter *r, struct msrp_text path, struct msrp_text match,
                     struct msrp_text value)
{
    const char *end = r->line + r->held;

    if (path.len == 0)
        return -EPROTO;
    struct msrp_text becomes = replacement(r, path, match, value);
    if (becomes.len == 0) {
        r->counts.unmatched++;
    } else if (!msrp_path_equal(path, becomes)) {
        r->pieces[0] = (struct msrp_text){r->line, (size_t)(path.at - r->line)};
        r->pieces[1] = becomes;
        r->pieces[2].at = path.at + path.len;
        r->pieces[2].len = (size_t)(end - r->pieces[2].at);
    }
    return 0;
}

static int to_path_line(struct msrp_rewriter *r, struct msrp_text line)
{
    r->after = FROM_PATH;
    return path_line(r, field(line, "To-Path"), r->paths->text[TO_MATCH], r->paths->text[TO_VALUE]);
}

static int from_path_line(struct msrp_rewriter *r, struct msrp_text line)
{
    r->after = HEADER;
    return path_line(r, field(line, "From-Path"), r->paths->text[FROM_MATCH],
                     r->paths->text[FROM_VALUE]);
}

static bool is_end_line(const struct msrp_rewriter *r, struct msrp_text line)
{
    size_t len = r->mark_len - LINE_END_LEN;

    return line.len == len + 1 && memcmp(line.at, r->mark + LINE_END_LEN, len) == 0 &&
           is_flag(line.at[len]);
}

// A name and a colon; RFC 4975 knows no folding.
static bool is_field(struct msrp_text line)
{
    size_t len = 0;

    while (len < line.len && line.at[len] > ' ' && line.at[len] != ':')
        len++;
    return len > 0 && len < line.len && is_letter(line.at[0]) && line.at[len] == ':';
}

static int header_line(struct msrp_rewriter *r, struct msrp_text line)
{
    if (line.len == 0) {
        // The end-line of an empty body may follow at once: the line end before it was just seen.
        r->matched = LINE_END_LEN;
        r->after = BODY;
        return 0;
    }
    r->after = is_end_line(r, line) ? START : HEADER;
    return r->after == START || is_field(line) ? 0 : -EPROTO;
}

// --- steps --------------------------------------------------------------------------------------

// The whole line is held, its line feed included.
static int judge(struct msrp_rewriter *r)
{
    static int (*const judges[])(struct msrp_rewriter *, struct msrp_text) = {
        [START] = start_line,
        [TO_PATH] = to_path_line,
        [FROM_PATH] = from_path_line,
        [HEADER] = header_line,
    };
    struct msrp_text line = {r->line, r->held - LINE_END_LEN};

    if (r->held < LINE_END_LEN || line.at[line.len] != '\r' || !is_text(line))
        return -EPROTO;
    r->pieces[0] = (struct msrp_text){r->line, r->held};
    r->pieces[1] = r->pieces[2] = nothing;
    r->piece = 0;
    return judges[r->state](r, line);
}

// Room for len bytes behind what is held; whoever calls has seen that they may be held.
static bool make_room(struct msrp_rewriter *r, size_t len)
{
    size_t room = r->room;

    if (r->held + len <= room)
        return true;
    while (room < r->held + len)
        room *= 2;
    char *line = realloc(r->line, room);
    if (line == NULL)
        return false;
    r->line = line;
    r->room = room;
    return true;
}

static int take_line(struct msrp_rewriter *r, struct flow *f)
{
    if (f->in_len == 0)
        return STEP_WAITS;
    if (r->state == START && r->held == 0)
        adopt_paths(r);
    const uint8_t *end = memchr(f->in, '\n', f->in_len);
    size_t len = end ? (size_t)(end - f->in) : f->in_len;
    if (len + (end != NULL) > MSRP_HEADER_MAX - r->header - r->held)
        return -EPROTO;
    if (!make_room(r, len + 1)) // with the line feed
        return -ENOMEM;
    memcpy(r->line + r->held, f->in, len);
    r->held += len;
    take(f, len);
    if (r->state == START && !may_start(r))
        return -EPROTO;
    if (end == NULL)
        return STEP_WAITS;
    r->line[r->held++] = '\n';
    int rc = judge(r);
    r->state = PUT;
    return rc == 0 ? STEP_DONE : rc;
}

static int put_line(struct msrp_rewriter *r, struct flow *f)
{
    for (; r->piece < sizeof(r->pieces) / sizeof(r->pieces[0]); r->piece++) {
        struct msrp_text *piece = &r->pieces[r->piece];
        size_t len = least(piece->len, f->out_len);
        put(f, piece->at, len);
        piece->at += len;
        piece->len -= len;
        if (piece->len > 0)
            return STEP_WAITS;
    }
    if (f->in_len == 0)
        return STEP_WAITS;
    take(f, 1);
    r->header = r->after == START ? 0 : r->header + r->held;
    r->held = 0;
    r->state = r->after;
    return STEP_DONE;
}

// c is what the end-line has at this place, counted from the line end before it.
static bool fits(const struct msrp_rewriter *r, size_t place, char c)
{
    if (place < r->mark_len)
        return c == r->mark[place];
    if (place == r->mark_len)
        return is_flag(c);
    return c == (place == r->mark_len + 1 ? '\r' : '\n');
}

// Follows the end-line through body bytes. Returns how many belong to this message: up to its last
// byte, and then *ended, or all. No id holds a CR, so the end-line can begin again nowhere but at
// the byte that did not fit.
static size_t follow(struct msrp_rewriter *r, const uint8_t *in, size_t len, bool *ended)
{
    size_t i = 0, matched = r->matched;

    for (*ended = false; i < len && !*ended;) {
        if (matched == 0) {
            const uint8_t *cr = memchr(in + i, '\r', len - i);
            if (cr == NULL) {
                i = len;
                break;
            }
            i = (size_t)(cr - in);
        }
        char c = (char)in[i++];
        matched = fits(r, matched, c) ? matched + 1 : c == '\r';
        *ended = matched == r->mark_len + FLAG_AND_LINE_END;
    }
    r->matched = matched;
    return i;
}

static int pass_body(struct msrp_rewriter *r, struct flow *f)
{
    size_t len = least(f->in_len, f->out_len);
    bool ended = false;

    if (len == 0)
        return STEP_WAITS;
    len = follow(r, f->in, len, &ended);
    put(f, f->in, len);
    take(f, len);
    if (ended) {
        r->state = START;
        r->header = 0;
    }
    return STEP_DONE;
}

static int refuse(struct msrp_rewriter *r, struct flow *f)
{
    return -EPROTO;
}

// --- the rewriter -------------------------------------------------------------------------------

struct msrp_rewriter *msrp_rewriter_open(const struct msrp_paths *paths)
{
    struct msrp_rewriter *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->state = START;
    r->paths = copy_paths(paths);
    r->room = LINE_ROOM;
    r->line = malloc(r->room);
    if (r->paths != NULL && r->line != NULL)
        return r;
    msrp_rewriter_close(r);
    return NULL;
}

int msrp_rewriter_set_paths(struct msrp_rewriter *r, const struct msrp_paths *paths)
{
    struct paths *later = copy_paths(paths);

    if (later == NULL)
        return -ENOMEM;
    free(r->later);
    r->later = later;
    return 0;
}

void msrp_rewriter_close(struct msrp_rewriter *r)
{
    if (r == NULL)
        return;
    free(r->later);
    free(r->paths);
    free(r->line);
    free(r);
}

int msrp_rewrite(struct msrp_rewriter *r, const uint8_t *in, size_t in_len, size_t *consumed,
                 uint8_t *out, size_t out_len, size_t *produced)
{
    static int (*const steps[STATES])(struct msrp_rewriter *, struct flow *) = {
        [START] = take_line, [TO_PATH] = take_line, [FROM_PATH] = take_line, [HEADER] = take_line,
        [BODY] = pass_body,  [PUT] = put_line,      [BROKEN] = refuse,
    };
    struct flow f = {in, in_len, out, out_len};
    int rc;

    do
        rc = steps[r->state](r, &f);
    while (rc == STEP_DONE);
    if (rc < 0)
        r->state = BROKEN;
    *consumed = in_len - f.in_len;
    *produced = out_len - f.out_len;
    return rc < 0 ? rc : 0;
}

const struct msrp_counts *msrp_rewriter_counts(const struct msrp_rewriter *r)
{
    return &r->counts;
}
