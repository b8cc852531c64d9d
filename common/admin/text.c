// SPDX-License-Identifier: GPL-3.0-or-later
// jansson refuses what is no UTF-8, and SIP headers of test tools are not always: such a text is
// better shown with gaps than not at all.
#include "common/admin/text.h"

#include <stdlib.h>
#include <string.h>

json_t *text_json(const char *text)
{
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    char *copy = value ? NULL : strdup(text);
    for (char *c = copy; c && *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    if (copy)
        value = json_string(copy);
    free(copy);
    return value;
}
