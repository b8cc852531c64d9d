// SPDX-License-Identifier: GPL-3.0-or-later
// A file is created under a name that did not exist, for its owner alone whatever the umask. Of
// many sessions only some files are open at a time: one that was not used for longest is closed and
// opened again when it is needed.
//
// Failures: what the system refuses (disk full, no permission) is the caller's to tell; a file that
// cannot be removed to make room is left alone.
#include "common/capture/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#define PREFIX "pcscf-"
#define SUFFIX ".pcapng"
#define NAME_SIZE 96
#define MIB (1024u * 1024u)
// Descriptors of session files that are open at a time; the rest of the process needs its own.
#define OPEN_MAX_FILES 64
// Written together.
#define BUFFER_SIZE 65536

struct file {
    struct files *all;
    struct file *prev, *next; // among those that are open, the longest unused first
    FILE *stream;             // NULL: not open now
    uint64_t size;
    bool created;
    char name[NAME_SIZE];
};

struct files {
    int folder;
    uint64_t size_max;
    unsigned count_max;
    struct file *open;
    unsigned open_count;
    unsigned serial; // tells files of one second apart
};

static int check_folder(int fd, const char *path, char *error)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if ((st.st_uid == geteuid() || st.st_uid == 0) && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return 0;
    snprintf(error, CONFIG_ERROR_MAX,
             "capture.directory: %s must belong to this user and be writable by nobody else", path);
    return -EPERM;
}

int files_open(struct files **out, const struct config *cfg, char error[static CONFIG_ERROR_MAX])
{
    const char *path = cfg->capture.directory;
    struct files *all = calloc(1, sizeof(*all));
    int rc = -ENOMEM;

    snprintf(error, CONFIG_ERROR_MAX, "capture: out of memory");
    if (all == NULL)
        return rc;
    all->size_max = (uint64_t)cfg->capture.max_mib * MIB;
    all->count_max = cfg->capture.files;
    all->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = all->folder < 0 ? -errno : 0;
    if (rc < 0 || faccessat(all->folder, ".", W_OK | X_OK, AT_EACCESS) < 0) {
        rc = -errno;
        snprintf(error, CONFIG_ERROR_MAX, "capture.directory: %s: %s", path, strerror(-rc));
    } else {
        rc = check_folder(all->folder, path, error);
    }
    if (rc == 0)
        *out = all;
    else
        files_close(all);
    return rc;
}

// --- making room --------------------------------------------------------------------------------

static int is_ours(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name), suffix = strlen(SUFFIX);

    return strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 && len > suffix &&
           strcmp(entry->d_name + len - suffix, SUFFIX) == 0;
}

// Names begin with the time: the first is the oldest.
static void make_room(struct files *all)
{
    struct dirent **list = NULL;
    int count = scandirat(all->folder, ".", &list, is_ours, alphasort);
    int excess = count - (int)all->count_max + 1;

    for (int i = 0; i < count; i++) {
        if (i < excess)
            (void)unlinkat(all->folder, list[i]->d_name, 0);
        free(list[i]);
    }
    free(list);
}

// --- one file -----------------------------------------------------------------------------------

struct file *file_open(struct files *all, const char *name)
{
    struct file *f = calloc(1, sizeof(*f));
    char stamp[24];
    time_t now = time(NULL);
    struct tm tm;

    if (f == NULL)
        return NULL;
    f->all = all;
    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
    snprintf(f->name, sizeof(f->name), PREFIX "%s-%04u-%.40s" SUFFIX, stamp, all->serial++ % 10000,
             name);
    return f;
}

static int let_go(struct file *f)
{
    int rc = fclose(f->stream) == 0 ? 0 : -errno;

    DL_DELETE(f->all->open, f);
    f->all->open_count--;
    f->stream = NULL;
    return rc;
}

void file_close(struct file *f)
{
    if (f == NULL)
        return;
    if (f->stream != NULL)
        (void)let_go(f);
    free(f);
}

void files_close(struct files *all)
{
    if (all == NULL)
        return;
    while (all->open != NULL)
        (void)let_go(all->open);
    if (all->folder >= 0)
        close(all->folder);
    free(all);
}

static int open_stream(struct file *f)
{
    int how = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (f->created ? 0 : O_CREAT | O_EXCL);
    int fd;

    if (!f->created)
        make_room(f->all);
    fd = openat(f->all->folder, f->name, how, 0600);
    if (fd < 0)
        return -errno;
    f->created = true;
    f->stream = fchmod(fd, 0600) == 0 ? fdopen(fd, "a") : NULL;
    if (f->stream == NULL) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    setvbuf(f->stream, NULL, _IOFBF, BUFFER_SIZE);
    f->all->open_count++;
    DL_APPEND(f->all->open, f);
    return 0;
}

static int use(struct file *f)
{
    int rc = 0;

    if (f->stream != NULL) {
        DL_DELETE(f->all->open, f);
        DL_APPEND(f->all->open, f);
        return 0;
    }
    if (f->all->open_count >= OPEN_MAX_FILES)
        rc = let_go(f->all->open);
    return rc == 0 ? open_stream(f) : rc;
}

int file_append(struct file *f, const struct strbuf *blocks)
{
    int rc;

    if (f->size + blocks->len > f->all->size_max)
        return FILE_FULL;
    rc = use(f);
    if (rc < 0)
        return rc;
    if (fwrite(blocks->text, 1, blocks->len, f->stream) != blocks->len)
        return -errno;
    f->size += blocks->len;
    return 0;
}

bool file_is_begun(const struct file *f)
{
    return f->size > 0;
}

int files_flush(struct files *all)
{
    struct file *f;

    DL_FOREACH(all->open, f)
    {
        if (fflush(f->stream) != 0)
            return -errno;
    }
    return 0;
}
