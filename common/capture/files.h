// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CAPTURE_FILES_H
#define COMMON_CAPTURE_FILES_H
// The files of a capture: in one folder, named pcscf-TIME-NAME.pcapng, readable by their owner
// alone, bounded in size and number. When there would be too many, the oldest of that name goes,
// also from earlier runs.

#include "common/config.h"
#include "common/strbuf.h"

struct files;
struct file;

// Looks at the folder: it must exist, belong to this user or root and be writable by nobody else.
// 0 or a negative errno with a sentence in error.
int files_open(struct files **out, const struct config *cfg, char error[static CONFIG_ERROR_MAX]);
// Closes what is open. NULL is allowed.
void files_close(struct files *all);

// A new file. It is made with the first block.
struct file *file_open(struct files *all, const char *name); // NULL: no memory
void file_close(struct file *file);                          // NULL is allowed
#define FILE_FULL 1
// Appends blocks. 0, FILE_FULL when the bound on its size is reached (nothing was written), or the
// negative errno of the system.
int file_append(struct file *file, const struct strbuf *blocks);
// The file has its head.
bool file_is_begun(const struct file *file);
// Hands over what was appended. 0 or a negative errno.
int files_flush(struct files *all);

#endif
