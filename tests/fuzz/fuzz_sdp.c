// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as an SDP body. What is accepted prints as it came; all views answer; after edits,
// whose choice the bytes decide, the body still parses, has as many media lines as before, and the
// journal accounts for every line that came or went.
#include "sdp/sdp.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>

#define CLAUSE "fuzz"

static size_t count_lines(const char *body, size_t len)
{
    size_t count = len > 0 && body[len - 1] != '\n';

    for (size_t i = 0; i < len; i++)
        count += body[i] == '\n';
    return count;
}

// --- views --------------------------------------------------------------------------------------

// Reads every byte, so that the sanitizers see one that is not there.
static void check_text(struct sdp_text text)
{
    for (size_t i = 0; i < text.len; i++)
        require(text.at[i] != '\0' && text.at[i] != '\r' && text.at[i] != '\n',
                "a text is part of one line");
}

// A key that was taken is written and read again; a refusal names its line. No key survives in what
// the trace may show.
static void view_rtp(const struct sdp *sdp, size_t media)
{
    struct sdes_crypto crypto, again;
    struct sdp_error error = {.line = 0};
    struct addr addr;
    unsigned ptime;
    const char *why;
    int rc;

    for (unsigned n = 0; (rc = sdp_crypto(sdp, media, n, &crypto, &error)) != -ENOENT; n++) {
        char text[SDES_STRLEN], line[SDES_STRLEN + 16];
        require(rc == 0 || (error.line > 0 && error.text[0] != '\0'), "a refusal has its reason");
        if (rc != 0)
            continue;
        sdes_format(&crypto, text);
        require(sdes_parse(&again, text, strlen(text), &why) == 0, "a written key is read");
        again.mki_len = crypto.mki_len; // is not written
        memcpy(again.mki, crypto.mki, sizeof(again.mki));
        require(sdes_same_key(&crypto, &again), "a key survives");
        struct strbuf shown = STRBUF_INIT;
        int len = snprintf(line, sizeof(line), "a=crypto:%s", text);
        sdes_put_redacted(&shown, line, (size_t)len);
        require(strstr(shown.text, "inline:(present)") &&
                    !strstr(shown.text, strrchr(text, ':') + 1),
                "no key is shown");
        strbuf_free(&shown);
    }
    if (sdp_rtcp(sdp, media, &addr) == 0)
        require(addr_port(&addr) > 0, "RTCP has a port");
    if (sdp_ptime(sdp, media, &ptime))
        require(ptime >= 1 && ptime <= 1000, "ptime is bounded");
    sdp_rtcp_mux(sdp, media);
}

static void view_media(const struct sdp *sdp, size_t media)
{
    static const char *const names[] = {"setup", "T38FaxVersion", "fingerprint", "path", "x"};
    struct sdp_media m = sdp_media(sdp, media);
    struct sdp_text value;
    struct fingerprints fingerprints;
    struct addr addr;
    const char *name;
    double rate;

    check_text(m.media);
    check_text(m.proto);
    check_text(m.fmt);
    require(m.proto.len > 0 && m.fmt.len > 0 && m.port_count > 0, "m= is well formed");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (unsigned n = 0; sdp_attribute_nth(sdp, (int)media, names[i], n, &value); n++)
            check_text(value);
        if (sdp_attribute_effective(sdp, media, names[i], &value))
            check_text(value);
    }
    require(sdp_setup_name(sdp_setup(sdp, media)) != NULL, "every setup has a name");
    require(sdp_fingerprints(sdp, media, &fingerprints) >= fingerprints.count, "lines are counted");
    if (sdp_connection(sdp, media, &addr) == 0)
        require(addr_port(&addr) == m.port, "c= comes with the port of m=");
    if (sdp_identity(sdp, media, &name, &value))
        require(value.len >= 1 && value.len <= 256, "identity is bounded");
    if (sdp_maxprate(sdp, media, &rate))
        require(rate >= 0 && rate <= 1000001, "maxprate is bounded");
    require(sdp_direction(sdp, media) <= SDP_INACTIVE, "direction is known");
    view_rtp(sdp, media);
    require(sdp_3ge2ae(sdp, media) <= SDP_3GE2AE_OTHER, "indicator is known");
}

static void view_all(const struct sdp *sdp)
{
    struct sdp_origin origin = sdp_origin(sdp);
    uint64_t value;

    check_text(origin.username);
    check_text(origin.session_id);
    check_text(origin.version);
    check_text(origin.address);
    for (size_t media = 0; media < sdp_media_count(sdp); media++)
        view_media(sdp, media);
    for (int section = SDP_SESSION; section <= (int)sdp_media_count(sdp); section++) {
        sdp_bandwidth(sdp, section, "AS", &value);
        sdp_has_line(sdp, section, 'c');
    }
}

// --- edits --------------------------------------------------------------------------------------

static struct addr address(bool v6)
{
    struct addr addr;

    require(addr_parse(&addr, v6 ? "2001:db8::1" : "198.51.100.1", 0) == 0, "literals parse");
    return addr;
}

static void edit_section(struct sdp *sdp, int section, unsigned choice)
{
    struct addr addr = address(choice & 1);

    if (choice & 2)
        sdp_set_connection(sdp, section, &addr, CLAUSE);
    if (choice & 4)
        sdp_set_bandwidth(sdp, section, "AS", choice, CLAUSE);
    if (choice & 8)
        sdp_drop_bandwidth(sdp, section, "TIAS", CLAUSE);
    if (choice & 16)
        sdp_add_attribute(sdp, section, CLAUSE, "setup:%s", choice & 1 ? "active" : "passive");
    if (choice & 32)
        sdp_drop_attribute(sdp, section, "fingerprint", CLAUSE);
    if (choice & 64)
        sdp_set_attribute(sdp, section, "T38FaxMaxDatagram", "200", CLAUSE);
    if (choice & 128)
        sdp_drop_attribute(sdp, section, "setup", CLAUSE);
    if (section != SDP_SESSION && (choice & 256))
        sdp_set_media(sdp, (size_t)section, (uint16_t)choice, choice & 1 ? "udptl" : NULL, CLAUSE);
    if (choice & 512)
        sdp_add_attribute(sdp, section, CLAUSE, "%s", "3ge2ae:applied");
}

static void edit_all(struct sdp *sdp, unsigned choice)
{
    struct addr addr = address(choice & 1);
    int sections = (int)sdp_media_count(sdp);

    if (choice & 2)
        sdp_set_origin(sdp, "-", choice, 1, &addr, CLAUSE);
    for (int section = SDP_SESSION; section < sections; section++) {
        choice = choice * 1103515245U + 12345U;
        edit_section(sdp, section, choice >> 8);
    }
}

static long journal_balance(const struct sdp *sdp)
{
    long balance = 0;

    for (size_t i = 0; i < sdp_edit_count(sdp); i++) {
        struct sdp_edit edit = sdp_edit_at(sdp, i);
        require(edit.before || edit.after, "an edit has a line");
        require(!edit.before || !edit.after || strcmp(edit.before, edit.after) != 0,
                "an edit changes something");
        balance += (edit.before == NULL) - (edit.after == NULL);
    }
    return balance;
}

// --- round trips --------------------------------------------------------------------------------

static char *print(const struct sdp *sdp, size_t *len)
{
    char *body = sdp_print(sdp, len);

    require(body != NULL, "there is memory");
    return body;
}

static void expect_same(const struct sdp *sdp, const char *body, size_t len)
{
    size_t got_len;
    char *got = print(sdp, &got_len);

    require(got_len == len && memcmp(got, body, len) == 0, "bodies are equal");
    free(got);
}

// What was printed parses to the same document, and so does a clone.
static void expect_stable(const struct sdp *sdp, const char *body, size_t len)
{
    struct sdp *again = NULL;
    struct sdp_error error;

    require(sdp_parse(&again, body, len, &error) == 0, "an edited body parses");
    require(sdp_media_count(again) == sdp_media_count(sdp), "media lines stay");
    expect_same(again, body, len);
    view_all(again);
    sdp_free(again);
    struct sdp *clone = sdp_clone(sdp);
    require(clone != NULL, "an edited body can be cloned");
    expect_same(clone, body, len);
    sdp_free(clone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sdp_error error = {.line = 0};
    struct sdp *sdp = NULL;
    unsigned choice = 2166136261U;

    int rc = sdp_parse(&sdp, (const char *)data, size, &error);
    if (rc != 0) {
        require(rc == -EINVAL && error.text[0] != '\0' && !sdp, "a refusal has its reason");
        return 0;
    }
    expect_same(sdp, (const char *)data, size);
    view_all(sdp);
    for (size_t i = 0; i < size; i++)
        choice = (choice ^ data[i]) * 16777619U;
    edit_all(sdp, choice);

    size_t len;
    char *body = print(sdp, &len);
    long before = (long)count_lines((const char *)data, size);
    require((long)count_lines(body, len) == before + journal_balance(sdp),
            "the journal is complete");
    view_all(sdp);
    expect_stable(sdp, body, len);
    free(body);
    sdp_free(sdp);
    return 0;
}
