// SPDX-License-Identifier: GPL-3.0-or-later
// What a peer has written into a header may be anything, also what moves a cursor or retitles a
// window: control characters of ASCII and, as UTF-8, of Latin 1 never reach the terminal.
#include "common/admin/ctl/ctl.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Bytes of the character at text, and whether it may be shown.
static size_t character(const unsigned char *text, bool *harmless)
{
    size_t len = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    *harmless = text[0] >= ' ' && text[0] != 0x7f && !(text[0] == 0xc2 && text[1] < 0xa0);
    for (size_t i = 1; i < len; i++)
        if ((text[i] & 0xc0) != 0x80)
            return *harmless = false, i;
    return len;
}

static void put(const unsigned char *text, size_t len, bool harmless)
{
    if (harmless)
        fwrite(text, 1, len, stdout);
    else
        putchar('?');
}

void screen_text(const char *text)
{
    bool harmless;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0';) {
        size_t len = character(c, &harmless);
        put(c, len, harmless || *c == '\n' || *c == '\t');
        c += len;
    }
}

int screen_cut(const char *text, int most)
{
    bool harmless;
    int shown = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0' && shown < most;
         shown++) {
        size_t len = character(c, &harmless);
        put(c, len, harmless);
        c += len;
    }
    return shown;
}

void screen_column(const char *text, int width, bool cut)
{
    int shown = screen_cut(text, cut ? width : INT_MAX);
    printf("%*s", shown < width ? width - shown : 0, "");
}

void screen_look(enum look look)
{
    static const char *const codes[] = {"1", "32", "31", "2", "0"};
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool dumb = !term || strcmp(term, "dumb") == 0;
    if (isatty(STDOUT_FILENO) && !(no_color && no_color[0]) && !dumb)
        printf("\033[%sm", codes[look]);
}
