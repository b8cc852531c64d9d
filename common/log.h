// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_LOG_H
#define COMMON_LOG_H
// One line per event on standard error: time, level, object id, text. Safe from every thread.
// Key material and media are never handed to this module.

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
// How a line looks: for people, or as one JSON object {"time", "level", "object", "session" where
// the object is one, "text"}. Where standard error is the journal each line begins with its
// priority ("<4>", sd-daemon(3)).
enum log_format { LOG_TEXT, LOG_JSON };

void log_set_format(enum log_format format);

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
// "error", "warn", "info", "debug". Returns 0 or -EINVAL, *out untouched.
int log_level_parse(enum log_level *out, const char *word);

const char *log_level_name(enum log_level level);

// id names the object the line is about ("session 3f2a", "context 7", "config").
__attribute__((format(printf, 3, 4))) void log_line(enum log_level level, const char *id,
                                                    const char *fmt, ...);

#define log_error(id, ...) log_line(LOG_ERROR, (id), __VA_ARGS__)
#define log_warn(id, ...) log_line(LOG_WARN, (id), __VA_ARGS__)
#define log_info(id, ...) log_line(LOG_INFO, (id), __VA_ARGS__)
#define log_debug(id, ...)                                                                         \
    do {                                                                                           \
        if (log_get_level() >= LOG_DEBUG)                                                          \
            log_line(LOG_DEBUG, (id), __VA_ARGS__);                                                \
    } while (0)

#endif
