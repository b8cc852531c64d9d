// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_UNIT_CAPTURE_H
#define TESTS_UNIT_CAPTURE_H
// What a piece of code writes to standard error, as text: the log is part of what is promised.

#include <check.h>
#include <stdio.h>
#include <unistd.h>

struct capture {
    int saved;
    FILE *file;
    char text[8192];
};

static inline void capture_start(struct capture *c)
{
    c->file = tmpfile();
    ck_assert_ptr_nonnull(c->file);
    c->saved = dup(STDERR_FILENO);
    ck_assert_int_ge(c->saved, 0);
    ck_assert_int_ge(dup2(fileno(c->file), STDERR_FILENO), 0);
}

// Gives standard error back. Returns what was written, cut to what fits.
static inline const char *capture_end(struct capture *c)
{
    size_t got;

    fflush(stderr);
    ck_assert_int_ge(dup2(c->saved, STDERR_FILENO), 0);
    close(c->saved);
    rewind(c->file);
    got = fread(c->text, 1, sizeof(c->text) - 1, c->file);
    c->text[got] = '\0';
    fclose(c->file);
    return c->text;
}

#endif
