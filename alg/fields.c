// SPDX-License-Identifier: GPL-3.0-or-later
// One scanner finds the end of a piece: it steps over quoted strings and <URIs>.
//
// Failure: a quote or bracket that is never closed reaches to the end of the value.
#include "alg/fields.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct field trimmed(const char *at, size_t len)
{
    while (len > 0 && is_blank(*at)) {
        at++;
        len--;
    }
    while (len > 0 && is_blank(at[len - 1]))
        len--;
    return (struct field){at, len};
}

struct field field_whole(const char *value)
{
    return value ? trimmed(value, strlen(value)) : (struct field){"", 0};
}

bool field_is(struct field piece, const char *word)
{
    return strlen(word) == piece.len && strncasecmp(piece.at, word, piece.len) == 0;
}

// Just behind the quoted string that begins at i.
static size_t behind_quotes(struct field text, size_t i)
{
    for (i++; i < text.len && text.at[i] != '"'; i++)
        if (text.at[i] == '\\')
            i++;
    return i < text.len ? i + 1 : text.len;
}

static size_t behind_bracket(struct field text, size_t i)
{
    while (i < text.len && text.at[i] != '>')
        i++;
    return i < text.len ? i + 1 : text.len;
}

// Where `stop` stands outside of quotes and brackets; the length when it does not.
static size_t find(struct field text, size_t i, char stop)
{
    while (i < text.len && text.at[i] != stop) {
        if (text.at[i] == '"')
            i = behind_quotes(text, i);
        else if (text.at[i] == '<')
            i = behind_bracket(text, i);
        else
            i++;
    }
    return i < text.len ? i : text.len;
}

// Cuts what stands before the first `stop` off the front of rest, stop and all.
static struct field cut(struct field *rest, char stop)
{
    size_t end = find(*rest, 0, stop), next = end < rest->len ? end + 1 : end;
    struct field piece = trimmed(rest->at, end);
    *rest = (struct field){rest->at + next, rest->len - next};
    return piece;
}

bool field_next(struct field *rest, struct field *element)
{
    while (rest->len > 0) {
        *element = cut(rest, ',');
        if (element->len > 0)
            return true;
    }
    return false;
}

struct field field_head(struct field element)
{
    return cut(&element, ';');
}

struct field field_params(struct field element)
{
    cut(&element, ';');
    return element;
}

bool field_next_param(struct field *params, struct field *name, struct field *value)
{
    while (params->len > 0) {
        struct field param = cut(params, ';');
        if (param.len == 0)
            continue;
        size_t equals = find(param, 0, '=');
        *name = trimmed(param.at, equals);
        *value = equals < param.len ? trimmed(param.at + equals + 1, param.len - equals - 1)
                                    : (struct field){param.at + param.len, 0};
        return true;
    }
    return false;
}

bool field_param(struct field element, const char *name, struct field *value)
{
    struct field params = field_params(element), found;
    while (field_next_param(&params, &found, value))
        if (field_is(found, name))
            return true;
    return false;
}

struct field field_uri(struct field element)
{
    size_t open = find(element, 0, ';');
    for (size_t i = 0; i < open; i++) {
        if (element.at[i] == '"')
            i = behind_quotes(element, i) - 1;
        else if (element.at[i] == '<') {
            size_t end = behind_bracket(element, i);
            bool closed = element.at[end - 1] == '>';
            return trimmed(element.at + i + 1, end - i - 1 - closed);
        }
    }
    return field_head(element); // an addr-spec: its parameters belong to the field
}
