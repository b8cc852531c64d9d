// SPDX-License-Identifier: GPL-3.0-or-later
// Whole offer/answer exchanges through the IMS-ALG, with an AGW that only writes down what it is
// asked. A case is a script in tests/golden/alg: lines that begin with "> " are commands, the lines
// below a command are its text. <key> is a key of ours.
//
//   > config KEY VALUE       setup_offer, setup_answer, identity, notify_deferred, adjust_tias,
//                            policing, tcp_start, cema, sdes, suites (before the first offer)
//   > confidential           SIP towards the UE is (before the first offer)
//   > mediasec none|sdes     the UE agreed on no mechanism, or on that for RTP too
//   > agw full               the AGW has no port left from here on; "agw free": it has again
//   > offer access|core      a body from that side        > answer   the body of the other side
//   > gives                  the body that leaves the ALG, byte for byte; <...> stands for our
//   random
//                            identity and o= session id
//   > refused REASON         the offer or answer above fails with it
//   > iq                     the procedures the AGW saw since the last "iq", one per line
//   > show                   an answer that is only shown   > reopen access|core: before "show" or
//   another
//                            "answer", when one was committed
//   > commit   > rollback    > failed STREAM ALIVE: the AGW reports a failure, ALIVE media are left
#include "alg/negotiation.h"
#include "tests/unit/fake_agw.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- one script ---------------------------------------------------------------------------------

struct script {
    const char *file;
    unsigned line;
    struct config cfg;
    struct iq iq;
    struct negotiation *negotiation;
    unsigned mediasec;
    enum reason reason; // of the last offer or answer
    char *body;         // what it gave
};

// A key of ours: those of scripts begin with text.
static bool is_own_key(const char *line, size_t len)
{
    struct sdes_crypto c;
    const char *why;
    return memcmp(line, "a=crypto:", 9) == 0 && sdes_parse(&c, line + 9, len - 11, &why) == 0 &&
           memcmp(c.key, "key-", 4) != 0;
}

// Our random values, so that they can be named in a script: identity and o= session id.
static char *mask(const char *body)
{
    struct strbuf out = STRBUF_INIT;
    for (const char *line = body; *line;) {
        const char *end = strchr(line, '\n');
        size_t len = (size_t)(end - line) + 1;
        const char *version = strchr(line + 4, ' ');
        if (memcmp(line, "o=- ", 4) == 0)
            strbuf_printf(&out, "o=- <id>%.*s", (int)(line + len - version), version);
        else if (memcmp(line, "a=dtls-id:", 10) == 0 && len == 10 + IDENTITY_LEN + 2)
            strbuf_puts(&out, "a=dtls-id:<identity>\r\n");
        else if (memcmp(line, "a=tls-id:", 9) == 0 && len == 9 + IDENTITY_LEN + 2)
            strbuf_puts(&out, "a=tls-id:<identity>\r\n");
        else if (is_own_key(line, len))
            strbuf_printf(&out, "%.*s<key>\r\n", (int)(strstr(line, "inline:") + 7 - line), line);
        else
            strbuf_add(&out, line, len);
        line = end + 1;
    }
    return strbuf_take(&out);
}

static void open_negotiation(struct script *s)
{
    static const int family[2] = {AF_INET, AF_INET};
    if (!s->negotiation)
        s->negotiation = negotiation_open(&s->cfg, &s->iq, s->mediasec, family);
}

static void exchange(struct script *s, const char *text, const char *kind)
{
    struct sdp *sdp;
    struct sdp_error error;
    char why[NEGOTIATION_ERROR_MAX];
    size_t len;
    open_negotiation(s);
    ck_assert_msg(sdp_parse(&sdp, text, strlen(text), &error) == 0, "%s:%u: body line %u: %s",
                  s->file, s->line, error.line, error.text);
    if (strcmp(kind, "answer") == 0)
        s->reason = negotiation_answer(s->negotiation, sdp, why);
    else if (strcmp(kind, "show") == 0)
        s->reason = negotiation_show(s->negotiation, sdp, why);
    else
        s->reason = negotiation_offer(
            s->negotiation, strcmp(kind, "offer access") == 0 ? SIDE_ACCESS : SIDE_CORE, sdp, why);
    free(s->body);
    s->body = s->reason == REASON_NONE ? sdp_print(sdp, &len) : NULL;
    sdp_free(sdp);
}

static void expect_body(struct script *s, const char *text)
{
    ck_assert_msg(s->body, "%s:%u: no body: %s", s->file, s->line, reason_name(s->reason));
    char *masked = mask(s->body);
    ck_assert_msg(strcmp(masked, text) == 0, "%s:%u: expected\n%s\ngot\n%s", s->file, s->line, text,
                  masked);
    free(masked);
}

static void expect_asked(struct script *s, const char *text)
{
    char *got = strbuf_take(&asked);
    char *wanted = strdup(text);
    char *to = wanted;
    for (const char *from = text; *from; from++)
        if (*from != '\r')
            *to++ = *from;
    *to = '\0';
    ck_assert_msg(strcmp(got, wanted) == 0, "%s:%u: the AGW should see\n%s\nand saw\n%s", s->file,
                  s->line, wanted, got);
    free(wanted);
    free(got);
}

static void expect_failed(struct script *s, const char *arguments, bool lost)
{
    unsigned stream, alive;
    ck_assert_int_eq(sscanf(arguments, "%u %u", &stream, &alive), 2);
    ck_assert_msg(negotiation_stream_failed(s->negotiation, stream, lost) == alive, "%s:%u",
                  s->file, s->line);
}

static void set_config(struct script *s, const char *arguments)
{
    char key[32], value[32];
    ck_assert_int_eq(sscanf(arguments, "%31s %31s", key, value), 2);
    enum setup_choice setup = strcmp(value, "active") == 0    ? SETUP_CHOICE_ACTIVE
                              : strcmp(value, "passive") == 0 ? SETUP_CHOICE_PASSIVE
                                                              : SETUP_CHOICE_ACTPASS;
    if (strcmp(key, "setup_offer") == 0)
        s->cfg.t38.setup_offer = setup;
    else if (strcmp(key, "setup_answer") == 0)
        s->cfg.t38.setup_answer = setup;
    else if (strcmp(key, "identity") == 0)
        s->cfg.t38.identity = strcmp(value, "both") == 0 ? IDENTITY_BOTH : IDENTITY_TLS_ID;
    else if (strcmp(key, "notify_deferred") == 0)
        s->cfg.t38.notify_deferred = true;
    else if (strcmp(key, "adjust_tias") == 0)
        s->cfg.t38.adjust_tias = true;
    else if (strcmp(key, "tcp_start") == 0)
        s->cfg.tcp_start = TCP_START_EXPLICIT;
    else if (strcmp(key, "cema") == 0)
        s->cfg.msrp.cema = CEMA_AWARE;
    else if (strcmp(key, "sdes") == 0)
        s->cfg.sdes_over_plain_sip = strcmp(value, "refuse") == 0 ? SDES_REFUSE : SDES_ALLOW;
    else if (strcmp(key, "suites") == 0)
        s->cfg.srtp_suites =
            CONFIG_SUITE(SDES_AES_CM_128_HMAC_SHA1_80) | CONFIG_SUITE(SDES_AES_CM_128_HMAC_SHA1_32);
    else if (strcmp(key, "policing") == 0)
        s->cfg.agw.policing = true;
    else
        ck_abort_msg("%s:%u: no such key: %s", s->file, s->line, key);
}

static void command(struct script *s, const char *word, const char *text)
{
    if (strncmp(word, "offer ", 6) == 0 || strcmp(word, "answer") == 0 || strcmp(word, "show") == 0)
        exchange(s, text, word);
    else if (strncmp(word, "reopen ", 7) == 0)
        negotiation_reopen(s->negotiation, strcmp(word + 7, "core") == 0 ? SIDE_CORE : SIDE_ACCESS);
    else if (strcmp(word, "gives") == 0)
        expect_body(s, text);
    else if (strncmp(word, "refused ", 8) == 0)
        ck_assert_msg(strcmp(reason_name(s->reason), word + 8) == 0, "%s:%u: got %s", s->file,
                      s->line, reason_name(s->reason));
    else if (strcmp(word, "iq") == 0)
        expect_asked(s, text);
    else if (strcmp(word, "commit") == 0)
        negotiation_commit(s->negotiation);
    else if (strcmp(word, "retired") == 0)
        negotiation_drop_retired(s->negotiation);
    else if (strcmp(word, "rollback") == 0)
        negotiation_rollback(s->negotiation);
    else if (strncmp(word, "failed ", 7) == 0)
        expect_failed(s, word + 7, false);
    else if (strncmp(word, "lost ", 5) == 0)
        expect_failed(s, word + 5, true);
    else if (strncmp(word, "config ", 7) == 0)
        set_config(s, word + 7);
    else if (strcmp(word, "mediasec none") == 0)
        s->mediasec = 0;
    else if (strcmp(word, "confidential") == 0)
        negotiation_trust_signalling((open_negotiation(s), s->negotiation));
    else if (strcmp(word, "mediasec sdes") == 0)
        s->mediasec |= MEDIASEC_SDES_SRTP;
    else if (strncmp(word, "agw ", 4) == 0)
        agw_is_full = strcmp(word + 4, "full") == 0;
    else
        ck_abort_msg("%s:%u: no such command: %s", s->file, s->line, word);
}

static void run_lines(struct script *s, FILE *f)
{
    char line[1024], word[64] = "";
    unsigned number = 0;
    struct strbuf text = STRBUF_INIT;
    bool more = true;
    while (more) {
        more = fgets(line, sizeof(line), f) != NULL;
        number++;
        if (more && line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = '\0';
        if (more && strncmp(line, "> ", 2) != 0) {
            strbuf_printf(&text, "%s\r\n", line);
            continue;
        }
        char *body = strbuf_take(&text);
        if (word[0])
            command(s, word, body);
        free(body);
        s->line = number;
        snprintf(word, sizeof(word), "%.63s", line + 2);
    }
}

static glob_t scripts;

START_TEST(runs)
{
    struct script s = {.file = scripts.gl_pathv[_i],
                       .mediasec = MEDIASEC_UDPTL_DTLS | MEDIASEC_MSRP_TLS | MEDIASEC_BFCP_TLS};
    FILE *f = fopen(s.file, "r");
    ck_assert_ptr_nonnull(f);
    config_defaults(&s.cfg);
    run_lines(&s, f);
    fclose(f);
    negotiation_free(s.negotiation);
    strbuf_free(&asked);
    free(s.body);
}
END_TEST

int main(void)
{
    glob("tests/golden/alg/*.flow", 0, NULL, &scripts);
    Suite *suite = suite_create("negotiation");
    TCase *tcase = tcase_create("flows");
    tcase_add_loop_test(tcase, runs, 0, (int)scripts.gl_pathc);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = scripts.gl_pathc == 0 || srunner_ntests_failed(runner) > 0;
    srunner_free(runner);
    globfree(&scripts);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
