// SPDX-License-Identifier: GPL-3.0-or-later
// One SQLite table. Orders gather in a table of their own, keyed like the records, so that only the
// last word about a key is written; once a second the thread takes them all and commits them in one
// transaction. The file belongs to the thread from the first order on.
//
// Failure paths: what is no database, is torn, or has another layout is renamed to FILE.damaged-N
// and a new file is begun; a write that fails is logged and counted, and the records of that batch
// are lost.
#include "alg/regstore.h"

#include "alg/index.h"
#include "common/log.h"
#include "common/reason.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

// How long orders gather: what a crash of the machine may cost.
#define GATHER_NS (1000u * 1000 * 1000)
// Of the layout of the table, kept in the file's user_version.
#define LAYOUT "1"
#define LAYOUT_NUMBER 1
// Names tried for a damaged file.
#define DAMAGED_MAX 1000

struct order {
    int64_t expires;
    char *record; // NULL: remove
    char key[];
};

struct regstore {
    sqlite3 *db;
    sqlite3_stmt *put, *remove;
    uv_thread_t thread;
    uv_mutex_t mutex; // of what follows
    uv_cond_t wake;
    struct index *orders; // by key
    bool stop;
};

// --- the file ---------------------------------------------------------------------------------

static int step(sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int is_first_word(void *arg, int columns, char **values, char **names)
{
    *(bool *)arg = columns > 0 && values[0] && strcmp(values[0], "ok") == 0;
    return 0;
}

static int read_number(void *arg, int columns, char **values, char **names)
{
    *(int *)arg = columns > 0 && values[0] ? atoi(values[0]) : -1;
    return 0;
}

// Every page is read once: a file that was cut or overwritten does not pass.
static int check(sqlite3 *db)
{
    bool sound = false;
    int layout = -1;
    int rc = sqlite3_exec(db, "PRAGMA integrity_check(1)", is_first_word, &sound, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "PRAGMA user_version", read_number, &layout, NULL);
    if (rc != SQLITE_OK)
        return rc;
    return sound && (layout == 0 || layout == LAYOUT_NUMBER) ? SQLITE_OK : SQLITE_CORRUPT;
}

static int prepare(struct regstore *store)
{
    int rc = check(store->db);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(store->db,
                          "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                          "CREATE TABLE IF NOT EXISTS registration"
                          " (key TEXT PRIMARY KEY, expires INTEGER NOT NULL, record TEXT NOT NULL);"
                          "PRAGMA user_version=" LAYOUT,
                          NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(store->db, "INSERT OR REPLACE INTO registration VALUES (?, ?, ?)",
                                -1, &store->put, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(store->db, "DELETE FROM registration WHERE key = ?", -1,
                                &store->remove, NULL);
    return rc;
}

static void close_file(struct regstore *store)
{
    sqlite3_finalize(store->put);
    sqlite3_finalize(store->remove);
    sqlite3_close(store->db);
    store->put = store->remove = NULL;
    store->db = NULL;
}

static int open_file(struct regstore *store, const char *file)
{
    int rc = sqlite3_open(file, &store->db);
    if (rc == SQLITE_OK)
        rc = prepare(store);
    if (rc != SQLITE_OK)
        close_file(store);
    return rc;
}

static bool is_damage(int rc)
{
    return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB || rc == SQLITE_ERROR;
}

// The write-ahead log goes with its file: it belongs to no other one.
static int rename_all(const char *file, const char *name)
{
    static const char *const tails[] = {"-wal", "-shm"};
    if (rename(file, name))
        return -errno;
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        char from[CONFIG_NAME_MAX + 32], to[CONFIG_NAME_MAX + 64];
        snprintf(from, sizeof(from), "%s%s", file, tails[i]);
        snprintf(to, sizeof(to), "%s%s", name, tails[i]);
        if (rename(from, to) && errno != ENOENT)
            return -errno;
    }
    return 0;
}

static int set_aside(const char *file)
{
    char name[CONFIG_NAME_MAX + 32];
    for (unsigned i = 1; i <= DAMAGED_MAX; i++) {
        snprintf(name, sizeof(name), "%s.damaged-%u", file, i);
        if (access(name, F_OK) == 0)
            continue;
        int err = rename_all(file, name);
        if (!err) {
            reason_count(REASON_STORE_DAMAGED);
            log_error("regstore",
                      "%s is damaged or no store of registrations: set aside as %s; all UEs must "
                      "register anew",
                      file, name);
        }
        return err;
    }
    return -EEXIST;
}

// --- the thread -------------------------------------------------------------------------------

static int carry_out(struct regstore *store, const struct order *order)
{
    sqlite3_stmt *statement = order->record ? store->put : store->remove;
    sqlite3_bind_text(statement, 1, order->key, -1, SQLITE_STATIC);
    if (order->record) {
        sqlite3_bind_int64(statement, 2, order->expires);
        sqlite3_bind_text(statement, 3, order->record, -1, SQLITE_STATIC);
    }
    return step(statement);
}

static void order_free(void *object, void *unused)
{
    struct order *order = object;
    if (!order)
        return;
    free(order->record);
    free(order);
}

struct batch {
    struct regstore *store;
    int rc;
};

static void write_one(void *object, void *arg)
{
    struct batch *batch = arg;
    if (batch->rc == SQLITE_OK)
        batch->rc = carry_out(batch->store, object);
}

static void commit(struct regstore *store, struct index *orders)
{
    struct batch batch = {store, sqlite3_exec(store->db, "BEGIN", NULL, NULL, NULL)};
    index_each(orders, write_one, &batch);
    if (batch.rc == SQLITE_OK)
        batch.rc = sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    if (batch.rc != SQLITE_OK) {
        reason_count(REASON_STORE_WRITE);
        log_error("regstore", "%u changes could not be written: %s", index_count(orders),
                  sqlite3_errmsg(store->db));
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    index_each(orders, order_free, NULL);
    index_close(orders);
}

// Waits for orders, and then for a second more: whatever comes until then goes with them. Returns
// what there is, for the caller; NULL: nothing, or no memory for another table.
static struct index *gather(struct regstore *store, bool *stop)
{
    uv_mutex_lock(&store->mutex);
    while (index_count(store->orders) == 0 && !store->stop)
        uv_cond_wait(&store->wake, &store->mutex);
    if (!store->stop)
        uv_cond_timedwait(&store->wake, &store->mutex, GATHER_NS);
    struct index *next = index_count(store->orders) > 0 ? index_open() : NULL;
    struct index *orders = next ? store->orders : NULL;
    if (next)
        store->orders = next;
    *stop = store->stop;
    uv_mutex_unlock(&store->mutex);
    return orders;
}

static void run(void *arg)
{
    struct regstore *store = arg;
    bool stop = false;
    while (!stop) {
        struct index *orders = gather(store, &stop);
        if (orders)
            commit(store, orders);
    }
}

// --- from outside -----------------------------------------------------------------------------

static int start(struct regstore *store)
{
    store->orders = index_open();
    if (!store->orders || uv_mutex_init(&store->mutex))
        return -ENOMEM;
    if (uv_cond_init(&store->wake)) {
        uv_mutex_destroy(&store->mutex);
        return -ENOMEM;
    }
    int err = uv_thread_create(&store->thread, run, store);
    if (err) {
        uv_cond_destroy(&store->wake);
        uv_mutex_destroy(&store->mutex);
    }
    return err;
}

int regstore_open(struct regstore **out, const char *file, char error[static CONFIG_ERROR_MAX])
{
    struct regstore *store = calloc(1, sizeof(*store));
    if (!store) {
        snprintf(error, CONFIG_ERROR_MAX, "registration.store: out of memory");
        return -ENOMEM;
    }
    int rc = open_file(store, file), err = 0;
    if (is_damage(rc) && !(err = set_aside(file)))
        rc = open_file(store, file);
    if (rc != SQLITE_OK || err) {
        snprintf(error, CONFIG_ERROR_MAX, "registration.store: %s cannot be used: %s", file,
                 err ? strerror(-err) : sqlite3_errstr(rc));
        free(store);
        return err ? err : -EIO;
    }
    if ((err = start(store))) {
        snprintf(error, CONFIG_ERROR_MAX, "registration.store: no thread");
        index_close(store->orders);
        close_file(store);
        free(store);
        return err;
    }
    *out = store;
    return 0;
}

void regstore_close(struct regstore *store)
{
    if (!store)
        return;
    uv_mutex_lock(&store->mutex);
    store->stop = true;
    uv_cond_signal(&store->wake);
    uv_mutex_unlock(&store->mutex);
    uv_thread_join(&store->thread);
    uv_cond_destroy(&store->wake);
    uv_mutex_destroy(&store->mutex);
    index_each(store->orders, order_free, NULL);
    index_close(store->orders);
    close_file(store);
    free(store);
}

void regstore_load(struct regstore *store, int64_t now,
                   void (*visit)(void *arg, const char *key, int64_t expires, const char *record),
                   void *arg)
{
    static const char query[] = "SELECT key, expires, record FROM registration"
                                " WHERE expires > ? AND key IS NOT NULL";
    sqlite3_stmt *rows = NULL;
    char purge[80];
    int rc = sqlite3_prepare_v2(store->db, query, -1, &rows, NULL);
    if (rc == SQLITE_OK)
        sqlite3_bind_int64(rows, 1, now);
    while (rc == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        visit(arg, (const char *)sqlite3_column_text(rows, 0), sqlite3_column_int64(rows, 1),
              (const char *)sqlite3_column_text(rows, 2));
        rc = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    snprintf(purge, sizeof(purge), "DELETE FROM registration WHERE expires <= %lld",
             (long long)now);
    if (rc != SQLITE_DONE || sqlite3_exec(store->db, purge, NULL, NULL, NULL) != SQLITE_OK)
        log_error("regstore", "the file cannot be read: %s", sqlite3_errmsg(store->db));
}

static struct order *order_make(const char *key, int64_t expires, const char *record)
{
    size_t size = strlen(key) + 1;
    struct order *order = calloc(1, sizeof(*order) + size);
    if (!order)
        return NULL;
    memcpy(order->key, key, size);
    order->expires = expires;
    order->record = record ? strdup(record) : NULL;
    if (!record || order->record)
        return order;
    free(order);
    return NULL;
}

// False: it could not be taken.
static bool take(struct regstore *store, struct order *order)
{
    size_t len = strlen(order->key);
    struct order *former = index_get(store->orders, order->key, len);
    if (!former && index_count(store->orders) >= REGSTORE_WAITING_MAX)
        return false;
    index_remove(store->orders, order->key, len);
    order_free(former, NULL);
    return index_put(store->orders, order->key, len, order) == 0;
}

static void place(struct regstore *store, const char *key, int64_t expires, const char *record)
{
    struct order *order = order_make(key, expires, record);
    bool taken = false;
    if (order) {
        uv_mutex_lock(&store->mutex);
        bool first = index_count(store->orders) == 0;
        taken = take(store, order);
        if (first)
            uv_cond_signal(&store->wake);
        uv_mutex_unlock(&store->mutex);
    }
    if (taken)
        return;
    reason_count(REASON_STORE_WRITE);
    order_free(order, NULL);
}

void regstore_put(struct regstore *store, const char *key, int64_t expires, const char *record)
{
    place(store, key, expires, record);
}

void regstore_remove(struct regstore *store, const char *key)
{
    place(store, key, 0, NULL);
}
