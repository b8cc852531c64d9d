// SPDX-License-Identifier: GPL-3.0-or-later
// jansson refuses what is no UTF-8, and SIP headers of test tools are not always: such a text is
// better shown with gaps than not at all.
#include "common/text_json.h"

#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

json_t *text_json(const char *text)
{
    struct strbuf clean = STRBUF_INIT;

    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    for (const char *end = text + strlen(text); text < end;)
        utf8_put(&clean, utf8_next(&text, end));
    char *copy = strbuf_take(&clean);
    value = copy ? json_string(copy) : NULL;
    free(copy);
    return value;
}
