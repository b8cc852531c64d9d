// SPDX-License-Identifier: GPL-3.0-or-later
// What survives a restart: records in a file, files that are damaged, and registrations as records.
#include "alg/registration_record.h"
#include "alg/regstore.h"
#include "tests/unit/suite.h"

#include "common/config.h"
#include "common/reason.h"
#include "common/strbuf.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "build/regstore-XXXXXX";
static char file[64], aside[80];
static struct strbuf seen;

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/regs", folder);
    snprintf(aside, sizeof(aside), "%s.damaged-1", file);
}

static void teardown(void)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char path[96];
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", file, tails[i]);
        unlink(path);
        snprintf(path, sizeof(path), "%s%s", aside, tails[i]);
        unlink(path);
    }
    rmdir(folder);
    strbuf_free(&seen);
}

static struct regstore *opened(void)
{
    char error[CONFIG_ERROR_MAX] = "";
    struct regstore *store = NULL;
    ck_assert_msg(regstore_open(&store, file, error) == 0, "%s", error);
    return store;
}

static void note(void *arg, const char *key, int64_t expires, const char *record)
{
    strbuf_printf(&seen, "%s=%s@%lld ", key, record, (long long)expires);
}

// What is in the file at this time.
static const char *content(int64_t now)
{
    struct regstore *store = opened();
    strbuf_free(&seen);
    strbuf_puts(&seen, "");
    regstore_load(store, now, note, NULL);
    regstore_close(store);
    return seen.text ? seen.text : "";
}

START_TEST(the_last_word_about_a_key_is_there_after_a_restart)
{
    struct regstore *store = opened();
    regstore_put(store, "a", 100, "one");
    regstore_put(store, "b", 100, "two");
    regstore_put(store, "c", 100, "three");
    regstore_put(store, "b", 200, "four");
    regstore_remove(store, "c");
    regstore_close(store);
    ck_assert_str_eq(content(50), "a=one@100 b=four@200 ");
    store = opened();
    regstore_remove(store, "a");
    regstore_close(store);
    ck_assert_str_eq(content(50), "b=four@200 ");
}
END_TEST

START_TEST(what_has_expired_meanwhile_is_not_restored)
{
    struct regstore *store = opened();
    regstore_put(store, "a", 100, "one");
    regstore_put(store, "b", 200, "two");
    regstore_close(store);
    ck_assert_str_eq(content(100), "b=two@200 ");
    ck_assert_str_eq(content(50), "b=two@200 "); // and is gone for good
}
END_TEST

static void fill(unsigned records)
{
    struct regstore *store = opened();
    char key[16], record[512];
    memset(record, 'x', sizeof(record) - 1);
    record[sizeof(record) - 1] = '\0';
    for (unsigned i = 0; i < records; i++) {
        snprintf(key, sizeof(key), "key%u", i);
        regstore_put(store, key, 100, record);
    }
    regstore_close(store);
}

static void overwrite(long offset, const char *with, size_t len)
{
    FILE *f = fopen(file, "r+b");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, offset, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(with, 1, len, f), len);
    fclose(f);
}

static void write_garbage(void)
{
    FILE *f = fopen(file, "wb");
    ck_assert_ptr_nonnull(f);
    for (unsigned i = 0; i < 1000; i++)
        fprintf(f, "this is no store of registrations %u\n", i);
    fclose(f);
}

static void tear(void)
{
    struct stat status;
    ck_assert_int_eq(stat(file, &status), 0);
    ck_assert_int_eq(truncate(file, status.st_size / 2 + 100), 0);
}

static void scribble(void)
{
    char noise[4096];
    memset(noise, 0x5a, sizeof(noise));
    overwrite(8192, noise, sizeof(noise));
}

static void another_layout(void)
{
    overwrite(60, "\0\0\0\7", 4); // user_version of the header
}

static void (*const damages[])(void) = {write_garbage, tear, scribble, another_layout};

// SQLite lets a primary key be NULL: a row that no store of ours has written is passed over.
START_TEST(a_row_without_a_key_is_passed_over)
{
    sqlite3 *db = NULL;
    struct regstore *store = opened();
    regstore_put(store, "a", 100, "one");
    regstore_close(store);
    ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(db, "INSERT INTO registration VALUES (NULL, 100, 'two')", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    ck_assert_str_eq(content(50), "a=one@100 ");
}
END_TEST

START_TEST(a_damaged_file_is_set_aside_and_a_new_one_begun)
{
    fill(500);
    damages[_i]();
    uint64_t before = reason_total(REASON_STORE_DAMAGED);
    ck_assert_str_eq(content(50), "");
    ck_assert_uint_eq(reason_total(REASON_STORE_DAMAGED), before + 1);
    ck_assert_int_eq(access(aside, F_OK), 0);
    struct regstore *store = opened();
    regstore_put(store, "a", 100, "one");
    regstore_close(store);
    ck_assert_str_eq(content(50), "a=one@100 ");
}
END_TEST

START_TEST(a_place_where_no_file_can_be_is_told)
{
    char error[CONFIG_ERROR_MAX] = "";
    struct regstore *store = NULL;
    ck_assert_int_lt(regstore_open(&store, "build/no/such/folder/regs", error), 0);
    ck_assert_ptr_null(store);
    ck_assert_ptr_nonnull(strstr(error, "registration.store: build/no/such/folder/regs"));
}
END_TEST

// --- registrations as records -----------------------------------------------------------------

static const char *const uris[] = {"sip:alice@home.example", "tel:+15551234"};
static const char *const route[] = {"<sip:scscf.home.example;lr>"};
#define TOKEN "0123456789abcdefghij"

static bool find_listen(void *arg, const struct addr *local, unsigned *listen)
{
    *listen = 3;
    return addr_port(local) == 5060;
}

static struct registrations *table(void)
{
    struct registrations_setup settings = {.max = 10};
    struct registrations *all = registrations_open(&settings);
    ck_assert_ptr_nonnull(all);
    return all;
}

static char *record_of(enum flow_transport transport)
{
    struct registrations *all = table();
    struct registration_request request = {.impi = "alice",
                                           .aor = uris[0],
                                           .contact = "sip:alice@192.0.2.1",
                                           .instance = "<urn:uuid:1>",
                                           .reg_id = 2,
                                           .outbound = true,
                                           .mediasec = MEDIASEC_MSRP_TLS | MEDIASEC_UDPTL_DTLS,
                                           .sec_agree = true};
    struct registration_grant grant = {.expires_s = 600,
                                       .uri = uris,
                                       .uri_count = 2,
                                       .route = route,
                                       .route_count = 1,
                                       .term_ioi = "home"};
    struct addr local;
    request.flow.transport = transport;
    addr_parse_hostport(&request.flow.remote, "192.0.2.1:7777");
    addr_parse_hostport(&local, "192.0.2.9:5060");
    ck_assert_int_eq(registrations_restore(all, &request, TOKEN, &grant, 1000), 0);
    char *text = registration_to_record(registrations_by_token(all, TOKEN), &local);
    ck_assert_ptr_nonnull(text);
    registrations_close(all);
    return text;
}

START_TEST(a_registration_comes_back_as_it_was)
{
    struct registrations *all = table();
    char *text = record_of(FLOW_UDP);
    unsigned count;
    ck_assert_int_eq(registration_from_record(all, TOKEN, text, 60, 5000, find_listen, NULL), 0);
    struct registration *r = registrations_by_token(all, TOKEN);
    ck_assert_ptr_nonnull(r);
    ck_assert_str_eq(registration_impi(r), "alice");
    ck_assert_str_eq(registration_instance(r), "<urn:uuid:1>");
    ck_assert_uint_eq(registration_reg_id(r), 2);
    ck_assert(registration_outbound(r) && registration_sec_agree(r));
    ck_assert_uint_eq(registration_mediasec(r), MEDIASEC_MSRP_TLS | MEDIASEC_UDPTL_DTLS);
    ck_assert_str_eq(registration_identities(r).uri[1], uris[1]);
    ck_assert_str_eq(registration_service_route(r, &count)[0], route[0]);
    ck_assert_str_eq(registration_term_ioi(r), "home");
    ck_assert_uint_eq(registration_flow(r)->listen, 3);
    ck_assert_uint_eq(registration_expires_ms(r), 65000);
    ck_assert(!registration_flow_lost(r));
    registrations_close(all);
    free(text);
}
END_TEST

START_TEST(a_connection_does_not_survive)
{
    struct registrations *all = table();
    char *text = record_of(FLOW_TCP);
    ck_assert_int_eq(registration_from_record(all, TOKEN, text, 60, 5000, find_listen, NULL), 0);
    ck_assert(registration_flow_lost(registrations_by_token(all, TOKEN)));
    registrations_close(all);
    free(text);
}
END_TEST

static const char *const broken[] = {
    "",
    "{",
    "[]",
    "null",
    "{\"impi\":1}",
    "{\"impi\":\"a\",\"aor\":\"sip:a@b\",\"contact\":\"sip:a@c\",\"local\":\"192.0.2.9:5060\"}",
    "{\"impi\":\"a\",\"aor\":\"sip:a@b\",\"contact\":\"sip:a@c\",\"local\":\"192.0.2.9:5060\","
    "\"transport\":\"sctp\",\"remote\":\"192.0.2.1:1\"}",
    "{\"impi\":\"a\",\"aor\":\"sip:a@b\",\"contact\":\"sip:a@c\",\"local\":\"nowhere\","
    "\"transport\":\"udp\",\"remote\":\"192.0.2.1:1\"}",
};

START_TEST(a_broken_record_is_none)
{
    struct registrations *all = table();
    ck_assert_int_eq(registration_from_record(all, TOKEN, broken[_i], 60, 0, find_listen, NULL),
                     -EINVAL);
    ck_assert_uint_eq(registrations_count(all), 0);
    registrations_close(all);
}
END_TEST

START_TEST(a_record_of_a_listening_point_that_is_gone_is_not_restored)
{
    struct registrations *all = table();
    char *text = record_of(FLOW_UDP), *port = strstr(text, "192.0.2.9:5060");
    ck_assert_ptr_nonnull(port);
    port[strlen("192.0.2.9:506")] = '1';
    ck_assert_int_eq(registration_from_record(all, TOKEN, text, 60, 0, find_listen, NULL), -ENOENT);
    registrations_close(all);
    free(text);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("regstore");
    TCase *tc = tcase_create("regstore");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_last_word_about_a_key_is_there_after_a_restart);
    tcase_add_test(tc, what_has_expired_meanwhile_is_not_restored);
    tcase_add_test(tc, a_row_without_a_key_is_passed_over);
    tcase_add_loop_test(tc, a_damaged_file_is_set_aside_and_a_new_one_begun, 0, ROWS(damages));
    tcase_add_test(tc, a_place_where_no_file_can_be_is_told);
    tcase_add_test(tc, a_registration_comes_back_as_it_was);
    tcase_add_test(tc, a_connection_does_not_survive);
    tcase_add_loop_test(tc, a_broken_record_is_none, 0, ROWS(broken));
    tcase_add_test(tc, a_record_of_a_listening_point_that_is_gone_is_not_restored);
    tcase_set_timeout(tc, SUITE_TIMEOUT);
    suite_add_tcase(suite, tc);
    return suite_finish(suite);
}
