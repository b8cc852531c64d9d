// SPDX-License-Identifier: GPL-3.0-or-later
// The capture below its packets: the ring, the headers that are made up, messages of streams, files
// with their bounds and what becomes of a full disk.
#include "common/capture/capture.h"
#include "common/capture/conversation.h"
#include "common/capture/files.h"
#include "common/capture/ip.h"
#include "common/capture/pcapng.h"
#include "common/capture/pdu.h"
#include "common/capture/preamble.h"
#include "common/clock.h"
#include "common/reason.h"
#include "tests/unit/suite.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct addr address(const char *text)
{
    struct addr a = {.len = 0};

    ck_assert_int_eq(addr_parse_hostport(&a, text), 0);
    return a;
}

// --- ring ---------------------------------------------------------------------------------------

static void put_number(struct ring *ring, uint32_t number, size_t len)
{
    uint8_t data[512];

    memset(data, (int)number, sizeof(data));
    ring_put(ring, &(struct record){.context = number, .data = data, .len = (uint32_t)len});
}

// Takes all that is there. Returns how many records; they must be numbered from *next on.
static unsigned read_numbers(struct ring *ring, uint32_t *next)
{
    struct ring_cursor cursor = ring_begin(ring);
    struct record r;
    unsigned count = 0;

    while (ring_next(ring, &cursor, &r)) {
        ck_assert_uint_eq(r.context, *next);
        for (uint32_t i = 0; i < r.len; i++)
            ck_assert_uint_eq(((const uint8_t *)r.data)[i], (uint8_t)*next);
        (*next)++;
        count++;
    }
    ring_release(ring, &cursor);
    return count;
}

// Records come out whole and in order, many times around; what was not published is not seen.
START_TEST(records_pass_in_order)
{
    struct ring *ring = ring_open(4096);
    uint32_t put = 0, got = 0;

    for (int turn = 0; turn < 200; turn++) {
        for (int i = 0; i < 5; i++, put++)
            put_number(ring, put, put * 37 % 300);
        ck_assert_uint_eq(read_numbers(ring, &got), 0);
        ring_publish(ring);
        ck_assert_uint_eq(read_numbers(ring, &got), 5);
    }
    ck_assert_uint_eq(reason_total(REASON_CAPTURE_LOST), 0);
    ring_close(ring);
    ring_close(NULL);
}
END_TEST

// What does not fit is lost and counted, and the rest is not harmed; a stopped ring takes nothing.
START_TEST(a_full_ring_loses_what_comes)
{
    struct ring *ring = ring_open(4096);
    uint32_t got = 0;
    unsigned kept;

    for (uint32_t i = 0; i < 100; i++)
        put_number(ring, i, 100);
    ring_publish(ring);
    kept = read_numbers(ring, &got);
    ck_assert_uint_gt(kept, 5);
    ck_assert_uint_eq(reason_total(REASON_CAPTURE_LOST), 100 - kept);
    put_number(ring, kept, 1);
    ring_stop(ring);
    put_number(ring, kept + 1, 1);
    ring_publish(ring);
    ck_assert_uint_eq(read_numbers(ring, &got), 1);
    ck_assert_uint_eq(reason_total(REASON_CAPTURE_LOST), 100 - kept);
    ring_close(ring);
}
END_TEST

#define CROSSING 20000

static void *produce(void *arg)
{
    for (uint32_t i = 0; i < CROSSING;) {
        uint64_t before = reason_total(REASON_CAPTURE_LOST);
        put_number(arg, i, i % 200);
        ring_publish(arg);
        i += reason_total(REASON_CAPTURE_LOST) == before;
    }
    return NULL;
}

// One thread puts, another one reads, at the same time.
START_TEST(records_cross_threads)
{
    struct ring *ring = ring_open(16384);
    pthread_t thread;
    uint32_t got = 0;

    ck_assert_int_eq(pthread_create(&thread, NULL, produce, ring), 0);
    while (got < CROSSING)
        read_numbers(ring, &got);
    pthread_join(thread, NULL);
    ring_close(ring);
}
END_TEST

// --- headers ------------------------------------------------------------------------------------

static uint16_t sum_of(const uint8_t *bytes, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

// IPv4 and UDP: lengths, addresses, and sums that come out as all ones (RFC 1071).
START_TEST(udp_has_headers_and_sums)
{
    struct addr from = address("192.0.2.1:5060"), to = address("192.0.2.200:40000");
    struct strbuf out = STRBUF_INIT;

    ip_put_udp(&out, &from, &to, "hello", 5);
    const uint8_t *p = (const uint8_t *)out.text;
    static const uint8_t start[] = {0x45, 0, 0, 33, 0, 0, 0, 0, 64, 17};
    static const uint8_t ports[] = {0x13, 0xc4, 0x9c, 0x40, 0, 13};
    ck_assert_uint_eq(out.len, 33);
    ck_assert_mem_eq(p, start, sizeof(start));
    ck_assert_mem_eq(p + 20, ports, sizeof(ports));
    ck_assert_mem_eq(p + 28, "hello", 5);
    ck_assert_uint_eq(sum_of(p, 20, 0), 0xffff);
    ck_assert_uint_eq(sum_of(p + 20, 13, sum_of(p + 12, 8, 17 + 13)), 0xffff);
    strbuf_free(&out);
}
END_TEST

// IPv6 and TCP, and numbers that go on from segment to segment; SYN and FIN count as one.
START_TEST(tcp_numbers_go_on)
{
    struct addr a = address("[2001:db8::1]:1000"), b = address("[2001:db8::2]:2000");
    struct conversations *all = conversations_open();
    struct strbuf out = STRBUF_INIT;

    conversation_begin(all, &a, &b);
    ck_assert_uint_eq(conversation_step(all, &a, &b, 1).sequence, 0);
    ck_assert_uint_eq(conversation_step(all, &b, &a, 1).acknowledged, 1);
    ck_assert_uint_eq(conversation_step(all, &a, &b, 700).sequence, 1);
    struct tcp_numbers n = conversation_step(all, &a, &b, 3);
    ck_assert_uint_eq(n.sequence, 701);
    ck_assert_uint_eq(n.acknowledged, 1);
    ip_put_tcp(&out, &a, &b, n, TCP_PUSH | TCP_ACK, "abc", 3);
    const uint8_t *p = (const uint8_t *)out.text;
    static const uint8_t tcp[] = {3, 0xe8, 7, 0xd0, 0, 0, 2, 0xbd, 0, 0, 0, 1, 0x50, 0x18};
    ck_assert_uint_eq(out.len, 63);
    ck_assert_uint_eq(p[0], 0x60);
    ck_assert_uint_eq(p[6], 6);
    ck_assert_mem_eq(p + 40, tcp, sizeof(tcp));
    ck_assert_uint_eq(sum_of(p + 40, 23, sum_of(p + 8, 32, 6 + 23)), 0xffff);
    // never begun: begins at 1
    ck_assert_uint_eq(conversation_step(all, &b, &a, 10).sequence, 1);
    conversation_begin(all, &b, &a);
    ck_assert_uint_eq(conversation_step(all, &a, &b, 1).sequence, 0);
    conversations_close(all);
    conversations_close(NULL);
    strbuf_free(&out);
}
END_TEST

// A packet block: type, length twice, time in two halves, data and comment padded.
START_TEST(blocks_are_padded)
{
    static const uint8_t expected[] = {
        6,   0,   0,   0,   52,  0, 0, 0,                   // enhanced packet, length
        1,   0,   0,   0,   2,   0, 0, 0,  1, 0, 0, 0,      // interface, time
        5,   0,   0,   0,   5,   0, 0, 0,                   // captured, original
        'h', 'e', 'l', 'l', 'o', 0, 0, 0,  1, 0, 2, 0, 'c', // data, comment
        'd', 0,   0,   0,   0,   0, 0, 52, 0, 0, 0};
    struct strbuf out = STRBUF_INIT;

    pcapng_put_packet(&out, PCAPNG_PLAIN, (UINT64_C(2) << 32) + 1, "hello", 5, "cd");
    ck_assert_uint_eq(out.len, sizeof(expected));
    ck_assert_mem_eq(out.text, expected, sizeof(expected));
    strbuf_free(&out);
    pcapng_put_secrets(&out, "CLIENT_RANDOM 0 1\n", 18);
    ck_assert_uint_eq(out.len, 40);
    ck_assert_mem_eq(out.text + 8, "KSLT\x12\0\0\0CLIENT_RANDOM 0 1\n\0\0", 28);
    strbuf_free(&out);
}
END_TEST

// --- messages of streams ------------------------------------------------------------------------

static void note_pdu(void *arg, const char *dissector, const uint8_t *pdu, size_t len)
{
    strbuf_printf(arg, "%s:%zu ", dissector, len);
}

static const struct {
    const char *bytes;
    size_t len;
    const char *pdus;
} streams[] = {
    {"MSRP a1 SEND\r\nTo-Path: x\r\n\r\n-------b\r\n-------a1x\r\n-------a1$\r\nMSRP b 200 OK\r\n"
     "-------b$\r\nMSRP c",
     93, "msrp:62 msrp:26 "},
    {"\x20\x01\0\1\0\0\0\0\0\0\0\0abcd\x20\x01\0\0\0\0\0\0\0\0\0\0\x20\x01\0", 31,
     "bfcp:16 bfcp:12 "},
    {"GET / HTTP/1.1", 14, "data:14 "},
    {"MSRP ", 5, ""},
};

// However the bytes come, messages come out one by one; the unfinished last one stays.
START_TEST(messages_are_told_apart)
{
    const uint8_t *bytes = (const uint8_t *)streams[_i].bytes;
    bool known = streams[_i].pdus[0] != 'd';

    for (size_t step = 1; step <= streams[_i].len; step++) {
        struct pdu_stream s = {0};
        struct strbuf out = STRBUF_INIT;
        if (!known)
            step = streams[_i].len;
        for (size_t at = 0; at < streams[_i].len; at += step) {
            size_t len = streams[_i].len - at < step ? streams[_i].len - at : step;
            pdu_take(&s, bytes + at, len, note_pdu, &out);
        }
        char *text = strbuf_take(&out);
        ck_assert_str_eq(text, streams[_i].pdus);
        free(text);
        pdu_clear(&s);
    }
}
END_TEST

// A message without an end is handed out in bounded pieces.
START_TEST(endless_messages_are_bounded)
{
    struct pdu_stream s = {0};
    struct strbuf out = STRBUF_INIT;
    uint8_t *bytes = malloc(PDU_MAX + 5);

    memset(bytes, 'x', PDU_MAX + 5);
    bytes[0] = 'M', bytes[1] = 'S', bytes[2] = 'R', bytes[3] = 'P', bytes[4] = ' ';
    pdu_take(&s, bytes, PDU_MAX + 5, note_pdu, &out);
    ck_assert_str_eq(out.text, "msrp:65536 data:5 ");
    pdu_clear(&s);
    strbuf_free(&out);
    free(bytes);
}
END_TEST

// --- sessions that go on in another file --------------------------------------------------------

static void keep_packet(struct preambles *all, unsigned file, enum preamble_part part,
                        const char *data, size_t len)
{
    struct strbuf block = STRBUF_INIT;

    pcapng_put_packet(&block, PCAPNG_IP, 0, data, len, "");
    preamble_keep(all, "one", file, part, &block);
    strbuf_free(&block);
}

static size_t put_preamble(struct preambles *all, unsigned file, struct strbuf *out)
{
    strbuf_free(out);
    preamble_put(all, "one", file, out);
    return out->len;
}

// Keys stand before what they open, each file has it once, the one it happened in not at all; a
// session that has ended leaves nothing.
START_TEST(a_session_is_introduced_once_in_each_file)
{
    struct preambles *all = preambles_open();
    struct strbuf out = STRBUF_INIT;

    keep_packet(all, 1, PREAMBLE_SDP, "sdp!", 4);
    keep_packet(all, 1, PREAMBLE_HANDSHAKES, "hand", 4);
    keep_packet(all, 1, PREAMBLE_KEYS, "keys", 4);
    ck_assert_uint_eq(put_preamble(all, 1, &out), 0);
    ck_assert_uint_eq(put_preamble(all, 2, &out), 3 * 36);
    ck_assert_mem_eq(out.text + 28, "keys", 4);
    ck_assert_mem_eq(out.text + 36 + 28, "hand", 4);
    ck_assert_mem_eq(out.text + 72 + 28, "sdp!", 4);
    ck_assert_uint_eq(put_preamble(all, 2, &out), 0);
    preamble_end(all, "one", 1000);
    preamble_end(all, "two", 1000);
    preambles_sweep(all, 1000);
    ck_assert_uint_gt(put_preamble(all, 3, &out), 0);
    preambles_sweep(all, 1001);
    ck_assert_uint_eq(put_preamble(all, 4, &out), 0);
    preambles_close(all);
    preambles_close(NULL);
    strbuf_free(&out);
}
END_TEST

// However many re-INVITEs there are, the last ones are kept and the handshake stays.
START_TEST(what_introduces_a_session_is_bounded)
{
    struct preambles *all = preambles_open();
    struct strbuf out = STRBUF_INIT;
    char message[2000] = "";

    keep_packet(all, 1, PREAMBLE_HANDSHAKES, "hand", 4);
    for (int i = 0; i < 100; i++) {
        message[0] = (char)i;
        keep_packet(all, 1, PREAMBLE_SDP, message, sizeof(message));
    }
    ck_assert_uint_gt(put_preamble(all, 2, &out), 20000);
    ck_assert_uint_lt(out.len, 30000);
    ck_assert_mem_eq(out.text + 28, "hand", 4);
    ck_assert_int_eq(out.text[out.len - sizeof(message) - 4], 99);
    // longer than its part: left out
    char *huge = calloc(1, 65536);
    keep_packet(all, 2, PREAMBLE_SDP, huge, 65536);
    ck_assert_uint_lt(put_preamble(all, 3, &out), 30000);
    free(huge);
    preambles_close(all);
    strbuf_free(&out);
}
END_TEST

// --- files --------------------------------------------------------------------------------------

static char folder[64];

static struct config config_in(mode_t mode)
{
    static struct config cfg;

    config_defaults(&cfg);
    snprintf(folder, sizeof(folder), "build/capture-%d", (int)getpid());
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(chmod(folder, mode), 0);
    snprintf(cfg.capture.directory, sizeof(cfg.capture.directory), "%s", folder);
    cfg.capture.max_mib = 1;
    cfg.capture.files = 3;
    return cfg;
}

// Counts the files, adds up their sizes, and removes all of it when asked.
static unsigned count_files(bool remove, off_t *size)
{
    DIR *d = opendir(folder);
    unsigned count = 0;

    *size = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[400];
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        *size += st.st_size;
        count++;
        if (remove)
            unlink(path);
    }
    closedir(d);
    if (remove)
        rmdir(folder);
    return count;
}

static void put_sip(struct ring *ring, const char *session, size_t len)
{
    struct record r = {.kind = RECORD_SIP, .time_us = clock_now_us(), .len = (uint32_t)len};
    char *data = calloc(1, len);

    snprintf(r.session, sizeof(r.session), "%s", session);
    r.from = address("127.0.0.1:5060");
    r.to = address("127.0.0.1:5062");
    r.data = data;
    ring_put(ring, &r);
    ring_publish(ring);
    free(data);
}

// Files are their owner's alone whatever the umask; of many only the newest stay.
START_TEST(files_are_private_and_few)
{
    struct config cfg = config_in(0700);
    struct capture *capture = NULL;
    char error[CONFIG_ERROR_MAX] = "";
    off_t size;

    umask(0);
    ck_assert_msg(capture_open(&capture, &cfg, error) == 0, "%s", error);
    struct ring *ring = capture_ring(capture);
    for (int i = 0; i < 7; i++) {
        char session[8];
        snprintf(session, sizeof(session), "s%d", i);
        put_sip(ring, session, 100);
    }
    put_sip(ring, "", 100); // outside any session: in no file of a session
    capture_close(capture);
    ck_assert_uint_eq(count_files(true, &size), 3);
}
END_TEST

// The file of a session ends at its bound; files by time follow each other.
START_TEST(files_are_bounded_in_size)
{
    for (int shared = 0; shared < 2; shared++) {
        struct config cfg = config_in(0700);
        struct capture *capture = NULL;
        char error[CONFIG_ERROR_MAX] = "";
        off_t size;
        cfg.capture.per = shared ? CAPTURE_PER_TIME : CAPTURE_PER_SESSION;
        ck_assert_int_eq(capture_open(&capture, &cfg, error), 0);
        struct ring *ring = capture_ring(capture);
        for (int i = 0; i < 50; i++)
            put_sip(ring, "one", 50000);
        capture_close(capture);
        ck_assert_uint_eq(count_files(true, &size), shared ? 3 : 1);
        ck_assert_int_ge(size, shared ? 50 * 50000 : 1000000);
        ck_assert_int_le(size, (shared ? 3 : 1) * 1048576);
    }
}
END_TEST

// A disk that is full ends the capture and nothing else; nothing is lost any more, since nothing is
// taken.
START_TEST(a_full_disk_ends_the_capture)
{
    struct config cfg = config_in(0700);
    struct capture *capture = NULL;
    char error[CONFIG_ERROR_MAX] = "";
    struct rlimit limit = {.rlim_cur = 200000, .rlim_max = RLIM_INFINITY};
    off_t size;

    ck_assert_int_eq(capture_open(&capture, &cfg, error), 0);
    struct ring *ring = capture_ring(capture);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; i < 100; i++) // more than the ring holds
        put_sip(ring, "one", 60000);
    capture_close(capture);
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_uint_eq(count_files(true, &size), 1);
    ck_assert_int_le(size, 200000);
}
END_TEST

// A folder that somebody else may write to is no place for keys.
START_TEST(an_unsafe_folder_is_refused)
{
    struct config cfg = config_in(0770);
    struct capture *capture = NULL;
    char error[CONFIG_ERROR_MAX] = "";
    off_t size;

    ck_assert_int_lt(capture_open(&capture, &cfg, error), 0);
    ck_assert_ptr_nonnull(strstr(error, "writable by nobody else"));
    count_files(true, &size);
    ck_assert_int_lt(capture_open(&capture, &cfg, error), 0);
    ck_assert_ptr_nonnull(strstr(error, "No such file or directory"));
    ck_assert_ptr_null(capture);
    capture_close(NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        records_pass_in_order,
        a_full_ring_loses_what_comes,
        records_cross_threads,
        udp_has_headers_and_sums,
        tcp_numbers_go_on,
        blocks_are_padded,
        endless_messages_are_bounded,
        a_session_is_introduced_once_in_each_file,
        what_introduces_a_session_is_bounded,
        files_are_private_and_few,
        files_are_bounded_in_size,
        a_full_disk_ends_the_capture,
        an_unsafe_folder_is_refused,
    };
    Suite *suite = suite_create("capture");
    TCase *tc = tcase_create("capture");

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, tests[i]);
    tcase_add_loop_test(tc, messages_are_told_apart, 0, sizeof(streams) / sizeof(streams[0]));
    tcase_set_timeout(tc, SUITE_TIMEOUT);
    suite_add_tcase(suite, tc);
    return suite_finish(suite);
}
