// SPDX-License-Identifier: GPL-3.0-or-later
// Lines of the log as they leave the process: for people, as JSON, with the journal's priorities.
// What a peer may have put into them changes neither.
#include "common/log.h"
#include "tests/unit/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char said[8192];
static int ends[2];

// Standard error becomes a pipe.
static void listen_to(void)
{
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
}

static const char *hear(void)
{
    ssize_t n = read(ends[0], said, sizeof(said) - 1);
    ck_assert_int_gt(n, 0);
    said[n] = '\0';
    return said;
}

// Time, level, object, text; control characters are no line ends.
START_TEST(a_line_is_for_people)
{
    listen_to();
    log_warn("session 3f2a", "from %s", "a\r\nb\033[2J\"\\");
    const char *line = hear();
    ck_assert_ptr_nonnull(strstr(line, "Z warn  session 3f2a: from a??b?[2J\"\\\n"));
    ck_assert_uint_eq(strcspn(line, "\n"), strlen(line) - 1);
}
END_TEST

// What the level leaves out is not written.
START_TEST(the_level_decides)
{
    listen_to();
    log_set_level(LOG_WARN);
    log_info("a", "nothing");
    log_error("a", "something");
    ck_assert_ptr_null(strstr(hear(), "nothing"));
}
END_TEST

// One JSON object a line, whatever is in the text; the session has a member of its own.
START_TEST(a_line_is_json)
{
    listen_to();
    log_set_format(LOG_JSON);
    log_info("session 3f2a", "from %s", "a\r\nb\033[2J\"\\\xc3\xa9\xff");
    log_error("config", "%s", "bad");
    char *line = strdup(hear()), *second = strchr(line, '\n') + 1;
    second[-1] = '\0';
    json_t *v = json_loads(line, 0, NULL);
    ck_assert_ptr_nonnull(v);
    ck_assert_str_eq(json_string_value(json_object_get(v, "level")), "info");
    ck_assert_str_eq(json_string_value(json_object_get(v, "object")), "session 3f2a");
    ck_assert_str_eq(json_string_value(json_object_get(v, "session")), "3f2a");
    ck_assert_str_eq(json_string_value(json_object_get(v, "text")), "from a??b?[2J\"\\???");
    json_decref(v);
    v = json_loads(second, 0, NULL);
    ck_assert_ptr_nonnull(v);
    ck_assert_ptr_null(json_object_get(v, "session"));
    json_decref(v);
    free(line);
}
END_TEST

// A text that is too long is cut and says so; the line is still one line, and still JSON.
START_TEST(long_lines_are_cut)
{
    char text[4000];
    memset(text, '"', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    listen_to();
    log_info("a", "%s", text);
    ck_assert_str_eq(hear() + strlen(said) - 4, "...\n");
    ck_assert_uint_lt(strlen(said), 1100);
    log_set_format(LOG_JSON);
    log_info("a", "%s", text);
    json_t *v = json_loads(hear(), 0, NULL);
    ck_assert_ptr_nonnull(v);
    const char *got = json_string_value(json_object_get(v, "text"));
    ck_assert_str_eq(got + strlen(got) - 3, "...");
    json_decref(v);
}
END_TEST

// Where standard error is the journal, each line begins with its priority (sd-daemon(3)), and has
// no time, which the journal shows in front of it.
START_TEST(the_journal_gets_priorities)
{
    char stream[64];
    struct stat st;
    listen_to();
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_error("a", "one");
    ck_assert_str_eq(hear(), "<3>error a: one\n");
    log_set_format(LOG_JSON);
    log_warn("a", "two");
    ck_assert_int_eq(strncmp(hear(), "<4>{\"time\"", 10), 0);
}
END_TEST

// Somebody else's JOURNAL_STREAM means nothing.
START_TEST(another_stream_is_no_journal)
{
    listen_to();
    setenv("JOURNAL_STREAM", "1:1", 1);
    log_error("a", "one");
    ck_assert_int_eq(strncmp(hear(), "20", 2), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_line_is_for_people, the_level_decides,           a_line_is_json,
        long_lines_are_cut,   the_journal_gets_priorities, another_stream_is_no_journal};
    return SUITE_RUN("log", tests);
}
