// SPDX-License-Identifier: GPL-3.0-or-later
// The configuration file: defaults, every key, and each class of mistake with its exact message.
#include "common/config.h"
#include "common/config_file.h"
#include "common/trace/trace.h"
#include "tests/unit/capture.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// --- helpers --------------------------------------------------------------------------------

static char path[64];
static char error[CONFIG_ERROR_MAX];

static void write_bytes(const char *bytes, size_t len)
{
    int fd;

    snprintf(path, sizeof(path), "build/test-config-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, bytes, len), (int)len);
    ck_assert_int_eq(close(fd), 0);
}

static int load_bytes(struct config *cfg, const char *bytes, size_t len)
{
    int rc;

    error[0] = '\0';
    write_bytes(bytes, len);
    rc = config_load(cfg, path, error);
    unlink(path);
    return rc;
}

static void load(struct config *cfg, const char *text)
{
    ck_assert_msg(load_bytes(cfg, text, strlen(text)) == 0, "%s", error);
}

static void expect_same(const struct config *a, const struct config *b)
{
    const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;
    size_t same = 0;

    while (same < sizeof(*a) && x[same] == y[same])
        same++;
    ck_assert_msg(same == sizeof(*a), "configurations differ at byte %zu", same);
}

// The file is refused with its name and this text, and *cfg is left alone.
static void expect_refused(const char *text, const char *message)
{
    static struct config before, after;
    char whole[CONFIG_ERROR_MAX];

    memset(&before, 0x5a, sizeof(before));
    memcpy(&after, &before, sizeof(after));
    ck_assert_int_eq(load_bytes(&after, text, strlen(text)), -EINVAL);
    snprintf(whole, sizeof(whole), "%s:%s", path, message);
    ck_assert_str_eq(error, whole);
    expect_same(&before, &after);
}

static void expect_addr(const struct addr *a, const char *text)
{
    char buf[ADDR_STRLEN];

    ck_assert_str_eq(addr_format(a, buf), text);
}

// --- defaults -------------------------------------------------------------------------------

// Without a file everything is on loopback: access 5060, core 5070, next hop 5080, admin 8060.
START_TEST(defaults_are_loopback)
{
    struct config cfg;

    config_defaults(&cfg);
    ck_assert_uint_eq(cfg.access.listen_count, 1);
    expect_addr(&cfg.access.listen[0], "127.0.0.1:5060");
    expect_addr(&cfg.access.realm.media_v4, "127.0.0.1:0");
    expect_addr(&cfg.access.realm.media_v6, "-");
    ck_assert_uint_eq(cfg.access.realm.port_min, 16000);
    ck_assert_uint_eq(cfg.access.realm.port_max, 23999);
    ck_assert_int_eq(cfg.access.realm.latching, LATCHING_AFTER_DTLS);
    ck_assert_uint_eq(cfg.core.listen_count, 1);
    expect_addr(&cfg.core.listen[0], "127.0.0.1:5070");
    ck_assert_int_eq(cfg.core.realm.latching, LATCHING_OFF);
    ck_assert_uint_eq(cfg.core.realm.port_max, 31999);
    expect_addr(&cfg.next_hop, "127.0.0.1:5080");
    expect_addr(&cfg.admin, "127.0.0.1:8060");
    ck_assert_uint_eq(cfg.mediasec_unregistered,
                      MEDIASEC_UDPTL_DTLS | MEDIASEC_MSRP_TLS | MEDIASEC_BFCP_TLS);
    ck_assert_uint_eq(cfg.mediasec, cfg.mediasec_unregistered | MEDIASEC_SDES_SRTP);
    ck_assert_uint_eq(cfg.ue_count, 0);
    ck_assert_int_eq(cfg.t38.overhead_override, -1);
    ck_assert_int_eq(cfg.t38.setup_answer, SETUP_CHOICE_PASSIVE);
    ck_assert_uint_eq(cfg.agw.handshake_timeout_ms, 10000);
    ck_assert_uint_eq(cfg.sip.timer_c_s, 185);
    ck_assert_uint_eq(cfg.sip.call_max_s, 0);
    ck_assert_int_eq(cfg.trace.messages, TRACE_MESSAGES_SIP);
    ck_assert_int_eq(cfg.log_level, LOG_INFO);
}
END_TEST

// The annotated reference says exactly what the defaults are.
START_TEST(the_reference_is_the_defaults)
{
    static struct config def, file;

    config_defaults(&def);
    memset(&file, 0xff, sizeof(file));
    ck_assert_msg(config_load(&file, "configs/pcscf.yaml", error) == 0, "%s", error);
    expect_same(&def, &file);
}
END_TEST

static bool is_comment(const char *line)
{
    return line[strspn(line, " ")] == '#';
}

// Keys and sections that the schema has.
static unsigned count_keys(const cyaml_schema_field_t *fields)
{
    unsigned count = 0;

    for (; fields->key != NULL; fields++) {
        count++;
        if (fields->value.type == CYAML_MAPPING)
            count += count_keys(fields->value.mapping.fields);
    }
    return count;
}

// The reference has every key and explains it: the line above it is a comment.
START_TEST(the_reference_explains_every_key)
{
    FILE *f = fopen("configs/pcscf.yaml", "r");
    char line[200], above[200] = "";
    unsigned keys = 0;

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strchr(line, ':') != NULL && !is_comment(line)) {
            ck_assert_msg(is_comment(above), "no comment above: %s", line);
            keys++;
        }
        memcpy(above, line, sizeof(above));
    }
    fclose(f);
    ck_assert_uint_eq(keys, count_keys(config_schema.mapping.fields));
}
END_TEST

// A file with one key changes that one and leaves the defaults.
START_TEST(one_key_changes_one_value)
{
    static struct config def, cfg;

    config_defaults(&def);
    load(&cfg, "agw: {mtu: 1280}\n");
    ck_assert_uint_eq(cfg.agw.mtu, 1280);
    cfg.agw.mtu = def.agw.mtu;
    expect_same(&def, &cfg);
    load(&cfg, "core: {ports: {max: 30999}}\n");
    ck_assert_uint_eq(cfg.core.realm.port_min, 24000);
    ck_assert_uint_eq(cfg.core.realm.port_max, 30999);
    ck_assert_uint_eq(cfg.access.realm.port_max, 23999);
}
END_TEST

// --- every key ------------------------------------------------------------------------------

static const char every_key[] =
    "access:\n"
    "  listen: [\"192.0.2.1:5060\", \"[2001:db8::1]:5061\"]\n"
    "  media: [\"2001:db8::2\", 192.0.2.2]\n"
    "  ports: {min: 40000, max: 40999}\n"
    "  latching: first-packet\n"
    "core: {listen: [\"198.51.100.1:5070\"], media: [198.51.100.2], ports: {min: 2000, max: "
    "2003},\n"
    "       latching: after-dtls, next_hop: \"[2001:db8::9]:5090\",\n"
    "       next_hop_tcp: true}\n"
    "e2ae: {mechanisms: [udptl-dtls, msrp-tls, bfcp-tls], unregistered: [msrp-tls]}\n"
    "ues:\n"
    "  - {user: alice, contact: \"127.0.0.1:5062\", mechanisms: [udptl-dtls]}\n"
    "  - {user: bob}\n"
    "  - {user: eve, mechanisms: []}\n"
    "t38: {setup_offer: passive, setup_answer: active, identity: both, notify_deferred: true,\n"
    "      udptl_interval_ms: 20, overhead: 64, adjust_tias: true}\n"
    "tcp: {start: explicit}\n"
    "msrp: {cema: aware, record_bytes: 4096}\n"
    "bfcp: {messages_per_s: 9, role_guard_ms: 50}\n"
    "agw: {workers: 3, certificates: ecdsa-p256+rsa-2048, certificate_pool: 5,\n"
    "      legacy_suites: true, mtu: 1400, drop_oversize: true, handshake_timeout_ms: 7000,\n"
    "      retransmit_ms: 400, half_open_max: 9, rekey_hold_ms: 0, gather_us: 0,\n"
    "      media_timeout_s: 30, policing: true, keylog: /run/keys}\n"
    "sip: {sessions_max: 77, media_lines_max: 4, message_max: 8192, t1_ms: 100, timer_c_s: 200,\n"
    "      call_max_s: 3600}\n"
    "trace: {directory: charts, formats: [html, text], events_max: 0, messages: sdp,\n"
    "        hep: \"udp:[::1]:9060\"}\n"
    "capture: {directory: caps, per: time, max_mib: 7, files: 8, plaintext: true, keys: true}\n"
    "log: {level: debug}\n"
    "admin: {listen: \"[::1]:9000\"}\n";

// Every key of the SIP sides, of e2ae and of the UEs reaches its place.
START_TEST(every_key_of_the_sides)
{
    static struct config c;

    load(&c, every_key);
    ck_assert_uint_eq(c.access.listen_count, 2);
    expect_addr(&c.access.listen[0], "192.0.2.1:5060");
    expect_addr(&c.access.listen[1], "[2001:db8::1]:5061");
    expect_addr(&c.access.realm.media_v4, "192.0.2.2:0");
    expect_addr(&c.access.realm.media_v6, "[2001:db8::2]:0");
    ck_assert_uint_eq(c.access.realm.port_min, 40000);
    ck_assert_uint_eq(c.access.realm.port_max, 40999);
    ck_assert_int_eq(c.access.realm.latching, LATCHING_FIRST_PACKET);
    expect_addr(&c.core.listen[0], "198.51.100.1:5070");
    ck_assert_uint_eq(c.core.realm.port_min, 2000);
    ck_assert_uint_eq(c.core.realm.port_max, 2003);
    ck_assert_int_eq(c.core.realm.latching, LATCHING_AFTER_DTLS);
    expect_addr(&c.next_hop, "[2001:db8::9]:5090");
    ck_assert(c.next_hop_tcp);
    ck_assert_uint_eq(c.mediasec, 7);
    ck_assert_uint_eq(c.mediasec_unregistered, MEDIASEC_MSRP_TLS);
    ck_assert_uint_eq(c.ue_count, 3);
    ck_assert_str_eq(c.ues[0].user, "alice");
    expect_addr(&c.ues[0].contact, "127.0.0.1:5062");
    ck_assert(c.ues[0].decided);
    ck_assert_uint_eq(c.ues[0].mediasec, MEDIASEC_UDPTL_DTLS);
    ck_assert_str_eq(c.ues[1].user, "bob");
    expect_addr(&c.ues[1].contact, "-");
    ck_assert(!c.ues[1].decided);
    ck_assert(c.ues[2].decided);
    ck_assert_uint_eq(c.ues[2].mediasec, 0);
    ck_assert_int_eq(c.log_level, LOG_DEBUG);
    expect_addr(&c.admin, "[::1]:9000");
}
END_TEST

// Every key of media and SIP reaches its place.
START_TEST(every_key_of_the_rest)
{
    static struct config c;

    load(&c, every_key);
    ck_assert_int_eq(c.t38.setup_offer, SETUP_CHOICE_PASSIVE);
    ck_assert_int_eq(c.t38.setup_answer, SETUP_CHOICE_ACTIVE);
    ck_assert_int_eq(c.t38.identity, IDENTITY_BOTH);
    ck_assert(c.t38.notify_deferred);
    ck_assert_uint_eq(c.t38.udptl_interval_ms, 20);
    ck_assert_int_eq(c.t38.overhead_override, 64);
    ck_assert(c.t38.adjust_tias);
    ck_assert_uint_eq(c.agw.workers, 3);
    ck_assert_int_eq(c.agw.certificates, CERTIFICATE_ECDSA_RSA);
    ck_assert_uint_eq(c.agw.certificate_pool, 5);
    ck_assert(c.agw.legacy_suites);
    ck_assert_uint_eq(c.agw.mtu, 1400);
    ck_assert(c.agw.drop_oversize);
    ck_assert_uint_eq(c.agw.handshake_timeout_ms, 7000);
    ck_assert_uint_eq(c.agw.retransmit_ms, 400);
    ck_assert_uint_eq(c.agw.half_open_max, 9);
    ck_assert_uint_eq(c.agw.rekey_hold_ms, 0);
    ck_assert_uint_eq(c.agw.gather_us, 0);
    ck_assert_uint_eq(c.agw.media_timeout_s, 30);
    ck_assert_str_eq(c.agw.keylog, "/run/keys");
    ck_assert_uint_eq(c.sip.sessions_max, 77);
    ck_assert_uint_eq(c.sip.media_lines_max, 4);
    ck_assert_uint_eq(c.sip.message_max, 8192);
    ck_assert_uint_eq(c.sip.t1_ms, 100);
    ck_assert_uint_eq(c.sip.timer_c_s, 200);
    ck_assert_uint_eq(c.sip.call_max_s, 3600);
    ck_assert_str_eq(c.trace.directory, "charts");
    ck_assert_uint_eq(c.trace.formats, CONFIG_FORM(TRACE_FORM_HTML) | CONFIG_FORM(TRACE_FORM_TEXT));
    ck_assert_int_eq(c.tcp_start, TCP_START_EXPLICIT);
    ck_assert_int_eq(c.msrp.cema, CEMA_AWARE);
    ck_assert_uint_eq(c.msrp.record_bytes, 4096);
    ck_assert_uint_eq(c.bfcp.messages_per_s, 9);
    ck_assert_uint_eq(c.bfcp.role_guard_ms, 50);
    ck_assert(c.agw.policing);
    ck_assert_uint_eq(c.trace.events_max, 0);
    ck_assert_int_eq(c.trace.messages, TRACE_MESSAGES_SDP);
    ck_assert_uint_eq(addr_port(&c.trace.hep), 9060);
    ck_assert_str_eq(c.capture.directory, "caps");
    ck_assert_int_eq(c.capture.per, CAPTURE_PER_TIME);
    ck_assert_uint_eq(c.capture.max_mib, 7);
    ck_assert_uint_eq(c.capture.files, 8);
    ck_assert(c.capture.plaintext && c.capture.keys);
}
END_TEST

// Words and numbers that mean none: request-uri, off, overhead auto and 0.
START_TEST(some_words_mean_none)
{
    static struct config c;

    load(&c, "core: {next_hop: request-uri}\nadmin: {listen: off}\nt38: {overhead: 0}\nues: []\n");
    ck_assert(!addr_is_set(&c.next_hop));
    ck_assert_uint_eq(addr_port(&c.admin), 0);
    ck_assert_int_eq(c.t38.overhead_override, 0);
    load(&c, "t38: {overhead: auto}\n");
    ck_assert_int_eq(c.t38.overhead_override, -1);
}
END_TEST

// An IPv6-only realm has no IPv4 address left from the defaults.
START_TEST(media_replaces_the_default)
{
    static struct config c;

    load(&c, "access: {media: [\"::1\"]}\n");
    expect_addr(&c.access.realm.media_v4, "-");
    expect_addr(&c.access.realm.media_v6, "[::1]:0");
    expect_addr(&c.core.realm.media_v4, "127.0.0.1:0");
}
END_TEST

// Anchors and aliases are YAML and stand for what they name.
START_TEST(aliases_are_followed)
{
    static struct config c;

    load(&c, "access: {media: &here [192.0.2.7]}\ncore: {media: *here}\n");
    expect_addr(&c.access.realm.media_v4, "192.0.2.7:0");
    expect_addr(&c.core.realm.media_v4, "192.0.2.7:0");
}
END_TEST

// --- mistakes -------------------------------------------------------------------------------

// A file that is missing, a folder, or far too large: one clear sentence.
START_TEST(unreadable_files)
{
    static char large[1024 * 1024 + 1];
    static struct config cfg;

    ck_assert_int_eq(config_load(&cfg, "no/such/file.yaml", error), -EINVAL);
    ck_assert_str_eq(error, "no/such/file.yaml: cannot be read: No such file or directory");
    ck_assert_int_eq(config_load(&cfg, "configs", error), -EINVAL);
    ck_assert_str_eq(error, "configs: cannot be read: Is a directory");
    memset(large, '#', sizeof(large));
    ck_assert_int_eq(load_bytes(&cfg, large, sizeof(large)), -EINVAL);
    ck_assert_str_eq(error + strlen(path), ": cannot be read: larger than 1 MiB");
    write_bytes("", 0);
    ck_assert_int_eq(chmod(path, 0), 0);
    if (geteuid() != 0) {
        ck_assert_int_eq(config_load(&cfg, path, error), -EINVAL);
        ck_assert_str_eq(error + strlen(path), ": cannot be read: Permission denied");
    }
    unlink(path);
}
END_TEST

// A file without anything in it, with something that is no mapping, or with two documents.
START_TEST(files_of_another_shape)
{
    expect_refused("", "1: expected keys and values, got an empty file");
    expect_refused("# only a comment\n", "1: expected keys and values, got an empty file");
    expect_refused("\n- a\n- b\n", "2: expected keys and values, got something else");
    expect_refused("listen\n", "1: expected keys and values, got something else");
    expect_refused("log: {level: info}\n---\nlog: {level: warn}\n",
                   "3: expected one document, got a second one");
}
END_TEST

// What is not YAML is told with the line where reading ended.
START_TEST(files_that_are_not_yaml)
{
    static struct config cfg;

    expect_refused("log:\n  level: info\n bad\n",
                   "3: not YAML: did not find expected key, while parsing a block mapping");
    expect_refused("log: {level: info\n", "2: not YAML: did not find expected ',' or '}', while "
                                          "parsing a flow mapping");
    expect_refused("log: \"info\n",
                   "2: not YAML: found unexpected end of stream, while scanning a quoted scalar");
    expect_refused("log:\n\tlevel: info\n", "2: not YAML: found character that cannot start any "
                                            "token, while scanning for the next token");
    expect_refused("log: *nowhere\n", "1: not YAML: found undefined alias");
    ck_assert_int_eq(load_bytes(&cfg, "log: \0info", 10), -EINVAL);
    ck_assert_str_eq(error + strlen(path), ":1: not YAML: control characters are not allowed");
    ck_assert_int_eq(load_bytes(&cfg, "\177ELF\2\1\1", 7), -EINVAL);
    ck_assert_str_eq(error + strlen(path), ":1: not YAML: control characters are not allowed");
}
END_TEST

// A key that is not known is refused with those that are.
START_TEST(unknown_keys)
{
    expect_refused(
        "log: {level: info}\nacces: {}\n",
        "2: acces: unknown key, expected one of access, core, network, registration, emergency, "
        "e2ae, ues, t38, tcp, "
        "msrp, bfcp, agw, sip, dns, "
        "trace, capture, log, admin");
    expect_refused("access:\n  ports:\n    min: 20000\n    top: 1\n",
                   "4: access.ports.top: unknown key, expected one of min, max");
    expect_refused("access: {next_hop: request-uri}\n",
                   "1: access.next_hop: unknown key, expected one of listen, advertise, media, "
                   "media_advertise, tls, ports, latching");
    expect_refused("ues:\n  - user: a\n    name: b\n",
                   "3: ues[0].name: unknown key, expected one of user, contact, mechanisms");
    expect_refused("? [a]\n: b\n", "1: : expected a key, got a list");
}
END_TEST

// A key that stands twice, and one that is missing where it must not be.
START_TEST(keys_once)
{
    expect_refused("agw:\n  mtu: 1500\n  mtu: 1400\n", "3: agw.mtu: expected once, got it again");
    expect_refused("log: {level: info}\nlog: {level: info}\n",
                   "2: log: expected once, got it again");
    expect_refused("ues:\n  - user: a\n  - contact: \"127.0.0.1:1\"\n",
                   "3: ues[1]: expected a key user, got none");
    expect_refused("ues:\n  - user: a\n  - user: b\n  - user: a\n",
                   "4: ues[2].user: expected each user once, got \"a\" again");
}
END_TEST

// Values of the wrong kind.
START_TEST(wrong_kinds)
{
    expect_refused("access: 5060\n", "1: access: expected keys and values, got \"5060\"");
    expect_refused("access:\n", "1: access: expected keys and values, got nothing");
    expect_refused("access:\n  listen: \"127.0.0.1:5060\"\n",
                   "2: access.listen: expected a list, got \"127.0.0.1:5060\"");
    expect_refused("access:\n  listen: {a: b}\n",
                   "2: access.listen: expected a list, got keys and values");
    expect_refused("e2ae: {mechanisms: udptl-dtls}\n",
                   "1: e2ae.mechanisms: expected a list, got \"udptl-dtls\"");
    expect_refused("agw: {mtu: [1500]}\n",
                   "1: agw.mtu: expected a number from 576 to 9216, got a list");
    expect_refused("log: {level: {a: b}}\n",
                   "1: log.level: expected one of error, warn, info, debug, got keys and values");
    expect_refused("core: {next_hop: [a]}\n",
                   "1: core.next_hop: expected request-uri, IP:PORT, or NAME[:PORT], got a "
                   "list");
    expect_refused("ues: [alice]\n", "1: ues[0]: expected keys and values, got \"alice\"");
}
END_TEST

// Numbers: decimal, in range, and not what C or YAML 1.1 take for another number.
START_TEST(wrong_numbers)
{
    static const char *const bad[] = {"",       "x",   "-1",   "+1500",
                                      "1500.0", "1e3", "010",  "0x5dc",
                                      "1500k",  "575", "9217", "99999999999999999999"};
    char text[64], message[128];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), "sip: {t1_ms: 500}\nagw:\n  mtu: %s\n", bad[i]);
        snprintf(message, sizeof(message),
                 "3: agw.mtu: expected a number from 576 to 9216, got %s%s%s",
                 bad[i][0] == '\0' ? "" : "\"", bad[i][0] == '\0' ? "nothing" : bad[i],
                 bad[i][0] == '\0' ? "" : "\"");
        expect_refused(text, message);
    }
    expect_refused("access: {ports: {min: 70000}}\n",
                   "1: access.ports.min: expected a number from 1024 to 65535, got \"70000\"");
    expect_refused("t38: {overhead: 129}\n",
                   "1: t38.overhead: expected auto, or a number from 0 to 128, got \"129\"");
    expect_refused("t38: {overhead: 007}\n",
                   "1: t38.overhead: expected auto, or a number from 0 to 128, got \"007\"");
}
END_TEST

// Words that are none of the choices, and switches that are neither true nor false.
START_TEST(wrong_words)
{
    expect_refused("core:\n  latching: no\n",
                   "2: core.latching: expected one of off, first-packet, after-dtls, got \"no\"");
    expect_refused("log: {level: INFO}\n",
                   "1: log.level: expected one of error, warn, info, debug, got \"INFO\"");
    expect_refused("t38: {setup_answer: actpass}\n",
                   "1: t38.setup_answer: expected one of active, passive, got \"actpass\"");
    expect_refused("agw: {certificates: 0}\n",
                   "1: agw.certificates: expected one of ecdsa-p256, rsa-2048, "
                   "ecdsa-p256+rsa-2048, got \"0\"");
    expect_refused("agw: {legacy_suites: yes}\n",
                   "1: agw.legacy_suites: expected true or false, got \"yes\"");
    expect_refused("e2ae:\n  mechanisms:\n    - udptl-dtls\n    - dtls-srtp\n",
                   "4: e2ae.mechanisms: expected one of udptl-dtls, msrp-tls, bfcp-tls, sdes-srtp, "
                   "got \"dtls-srtp\"");
}
END_TEST

// Addresses: names, missing ports, IPv6 without brackets, addresses that mean no single host.
START_TEST(wrong_addresses)
{
    static const char *const bad[] = {
        "localhost:5060", "127.0.0.1",    "127.0.0.1:65536", "::1:5060",       "[::1]",
        "127.0.0.1:",     "0.0.0.0:5060", "[::]:5060",       "127.0.0.1:5060 "};
    char text[96], message[128];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), "access:\n  listen:\n    - \"127.0.0.1:1\"\n    - \"%s\"\n",
                 bad[i]);
        snprintf(message, sizeof(message),
                 "4: access.listen[1]: expected IP:PORT, IPv6 in brackets, got \"%s\"", bad[i]);
        expect_refused(text, message);
    }
    expect_refused(
        "core: {media: [example.com]}\n",
        "1: core.media[0]: expected the IP address of an interface, got \"example.com\"");
    expect_refused("core: {media: [\"0.0.0.0\"]}\n",
                   "1: core.media[0]: expected the IP address of an interface, got \"0.0.0.0\"");
    expect_refused("core: {next_hop: \"127.0.0.1:0\"}\n",
                   "1: core.next_hop: expected request-uri, IP:PORT, or NAME[:PORT], got "
                   "\"127.0.0.1:0\"");
    expect_refused("admin: {listen: 8060}\n",
                   "1: admin.listen: expected off, or IP:PORT, IPv6 in brackets, got \"8060\"");
    expect_refused("trace: {hep: \"127.0.0.1:9060\"}\n",
                   "1: trace.hep: expected off, or udp:IP:PORT, IPv6 in brackets, got "
                   "\"127.0.0.1:9060\"");
    expect_refused("ues: [{user: a, contact: \"::1:5\"}]\n",
                   "1: ues[0].contact: expected IP:PORT, IPv6 in brackets, got \"::1:5\"");
}
END_TEST

// Lists that are too short or too long, texts that are too long or no user part.
START_TEST(wrong_sizes)
{
    char text[512] = "trace:\n  directory: ";

    expect_refused("access:\n  listen: []\n",
                   "2: access.listen: expected a list of 1 to 8 entries, got 0");
    expect_refused("core: {media: [127.0.0.1, 127.0.0.2, 127.0.0.3]}\n",
                   "1: core.media: expected a list of 1 to 2 entries, got 3");
    memset(text + strlen(text), 'd', 128);
    expect_refused(text, "2: trace.directory: expected a text of at most 127 bytes, got "
                         "\"dddddddddddddddddddddddddddddddddddddddd...\"");
    expect_refused("ues: [{user: \"\"}]\n",
                   "1: ues[0].user: expected the user part of a SIP URI, got nothing");
    expect_refused("ues: [{user: \"sip:a@b\"}]\n",
                   "1: ues[0].user: expected the user part of a SIP URI, got \"sip:a@b\"");
    expect_refused("trace: {directory: \"a\\0b\"}\n",
                   "1: trace.directory: expected a text of at most 127 bytes, got \"a\"");
}
END_TEST

// Values that do not fit each other: port ranges, addresses given twice, timers.
START_TEST(values_that_do_not_fit)
{
    expect_refused("access:\n  ports:\n    min: 20000\n    max: 20002\n",
                   "2: access.ports: expected min to max to be at least 4 ports, got 20000-20002");
    expect_refused("core: {ports: {max: 23000}}\n",
                   "1: core.ports: expected min to max to be at least 4 ports, got 24000-23000");
    expect_refused("log: {level: info}\naccess: {ports: {max: 24000}}\n",
                   "2: access.ports: expected no overlap on one media address, got access "
                   "16000-24000 and core 24000-31999");
    expect_refused("access: {media: [192.0.2.1, \"::1\"]}\ncore:\n  media: [\"::1\"]\n"
                   "  ports: {min: 20000}\n",
                   "4: core.ports: expected no overlap on one media address, got access "
                   "16000-23999 and core 20000-31999");
    expect_refused("core:\n  media:\n    - 127.0.0.1\n    - 127.0.0.2\n",
                   "2: core.media: expected one address per family, got \"127.0.0.1\" and "
                   "\"127.0.0.2\"");
    expect_refused("access: {listen: [\"127.0.0.1:5070\"]}\n",
                   "1: core.listen[0]: expected another address than access.listen[0], got "
                   "127.0.0.1:5070 again");
    expect_refused("core:\n  listen:\n    - \"[::1]:1\"\n    - \"[::1]:1\"\n",
                   "4: core.listen[1]: expected another address than core.listen[0], got [::1]:1 "
                   "again");
    expect_refused("agw:\n  handshake_timeout_ms: 1000\n",
                   "2: agw.handshake_timeout_ms: expected retransmit_ms to be less than "
                   "handshake_timeout_ms, got 1000 and 1000");
}
END_TEST

// The same ports on other addresses are no clash; one must be able to tell others where to send.
START_TEST(values_that_do_fit)
{
    static struct config c;

    load(&c, "access: {media: [127.0.0.2], ports: {min: 24000, max: 31999}}\n");
    ck_assert_uint_eq(c.access.realm.port_min, 24000);
    expect_refused("access: {listen: [\"127.0.0.1:0\"]}\n",
                   "1: access.listen[0]: expected IP:PORT, IPv6 in brackets, got \"127.0.0.1:0\"");
}
END_TEST

// What a file holds is shown cut and without control characters.
START_TEST(shown_values_are_harmless)
{
    expect_refused("log: {level: \"a\\e[2Jb\\n\"}\n",
                   "1: log.level: expected one of error, warn, info, debug, got \"a?[2Jb?\"");
    expect_refused(
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: 1\n",
        "1: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: unknown key, expected one of access, "
        "core, network, registration, emergency, e2ae, ues, t38, tcp, msrp, bfcp, agw, sip, dns, "
        "trace, capture, log, admin");
}
END_TEST

// --- advice ---------------------------------------------------------------------------------

// Port ranges that the kernel hands out too are warned of, others are not.
START_TEST(ephemeral_ports_are_warned_of)
{
    static struct config cfg;
    struct capture c;
    unsigned first, last;
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%u %u", &first, &last), 2);
    fclose(f);
    config_defaults(&cfg);
    cfg.access.realm.port_min = cfg.core.realm.port_min = 1024;
    cfg.access.realm.port_max = cfg.core.realm.port_max = (uint16_t)(first - 1);
    capture_start(&c);
    config_warn(&cfg);
    ck_assert_str_eq(capture_end(&c), "");
    cfg.core.realm.port_max = (uint16_t)first;
    capture_start(&c);
    config_warn(&cfg);
    ck_assert_ptr_nonnull(strstr(capture_end(&c), "warn  config: core.ports 1024-"));
}
END_TEST

// --- reading it again -------------------------------------------------------------------------

static const char *kept_keys[8];
static unsigned kept_count;

static void keep(void *arg, const char *key)
{
    ck_assert_uint_lt(kept_count, 8);
    kept_keys[kept_count++] = key;
}

// What sockets and threads were made of stays and is named; what each call reads anew changes.
START_TEST(some_keys_change_while_it_runs)
{
    static struct config now, fresh;
    config_defaults(&now);
    config_defaults(&fresh);
    config_reload(&now, &fresh, keep, NULL);
    ck_assert_uint_eq(kept_count, 0);
    fresh.t38.setup_answer = SETUP_CHOICE_ACTIVE;
    fresh.log_level = LOG_DEBUG;
    fresh.sip.sessions_max = 7;
    fresh.trace.recent = 3;
    snprintf(fresh.ues[0].user, sizeof(fresh.ues[0].user), "alice");
    fresh.ue_count = 1;
    config_reload(&now, &fresh, keep, NULL);
    ck_assert_uint_eq(kept_count, 0);
    ck_assert_int_eq(now.t38.setup_answer, SETUP_CHOICE_ACTIVE);
    ck_assert_int_eq(now.log_level, LOG_DEBUG);
    ck_assert_uint_eq(now.sip.sessions_max, 7);
    ck_assert_uint_eq(now.trace.recent, 3);
    ck_assert_str_eq(now.ues[0].user, "alice");
    addr_parse_hostport(&fresh.access.listen[0], "127.0.0.1:5066");
    fresh.agw.workers = 3;
    fresh.sip.t1_ms = 100;
    addr_parse_hostport(&fresh.admin, "127.0.0.1:1234");
    addr_parse_hostport(&fresh.trace.hep, "127.0.0.1:9060");
    fresh.capture.keys = true;
    config_reload(&now, &fresh, keep, NULL);
    ck_assert_uint_eq(kept_count, 6);
    ck_assert_str_eq(kept_keys[0], "access.listen");
    ck_assert_str_eq(kept_keys[1], "agw.workers");
    ck_assert_str_eq(kept_keys[2], "sip.t1_ms");
    ck_assert_str_eq(kept_keys[3], "trace.hep");
    ck_assert_str_eq(kept_keys[4], "capture");
    ck_assert_str_eq(kept_keys[5], "admin.listen");
    ck_assert_int_eq(addr_port(&now.access.listen[0]), 5060);
    ck_assert_uint_eq(now.agw.workers, 0);
    ck_assert_uint_eq(now.sip.t1_ms, 500);
}
END_TEST

// Beyond loopback the admin endpoint needs a token, and a token is long enough not to be guessed.
START_TEST(the_admin_endpoint_needs_a_token)
{
    static struct config cfg;
    expect_refused("admin: {listen: \"192.0.2.1:8060\"}\n",
                   "1: admin.listen: expected a loopback address, or admin.token beside it, got "
                   "\"192.0.2.1:8060\"");
    expect_refused("admin: {token: short}\n", "1: admin.token: expected 16 or more letters, digits "
                                              "and -._~+/=, got \"short\"");
    expect_refused("admin: {token: \"with blanks in it\"}\n",
                   "1: admin.token: expected 16 or more letters, digits and -._~+/=, got "
                   "\"with blanks in it\"");
    config_defaults(&cfg);
    load(&cfg, "admin: {listen: \"192.0.2.1:8060\", token: 0123456789abcdef}\n");
    ck_assert_str_eq(cfg.admin_token, "0123456789abcdef");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        defaults_are_loopback,
        the_reference_is_the_defaults,
        the_reference_explains_every_key,
        one_key_changes_one_value,
        every_key_of_the_sides,
        every_key_of_the_rest,
        some_words_mean_none,
        media_replaces_the_default,
        aliases_are_followed,
        unreadable_files,
        files_of_another_shape,
        files_that_are_not_yaml,
        unknown_keys,
        keys_once,
        wrong_kinds,
        wrong_numbers,
        wrong_words,
        wrong_addresses,
        wrong_sizes,
        values_that_do_not_fit,
        values_that_do_fit,
        shown_values_are_harmless,
        ephemeral_ports_are_warned_of,
        some_keys_change_while_it_runs,
        the_admin_endpoint_needs_a_token,
    };

    return SUITE_RUN("config", tests);
}
