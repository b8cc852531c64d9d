// SPDX-License-Identifier: GPL-3.0-or-later
// The command line, as one table: it parses, it checks and it is the help text.
//
// Happy path: --name value, --name=value or --name; each value is checked where it is read.
// Failure: one sentence on stderr with the option, what was given and what was expected; then the
// combinations that make no sense.

#include "tests/ua/ua_options.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
    FLAG,    // bool
    NUMBER,  // unsigned, min..max
    WORD,    // enum: min + place in words
    TEXT,    // char *
    ADDRESS, // struct addr "ADDR:PORT"
    SPECIAL, // take() does it
};

struct row {
    const char *name;
    enum kind kind;
    size_t at;
    unsigned min, max;
    const char *argument; // in the help; words for WORD
    const char *help;     // NULL argument and name: a heading
    bool (*take)(struct ua_options *o, char *value);
};

#define AT(field) offsetof(struct ua_options, field)
#define HEADING(text)                                                                              \
    {                                                                                              \
        .help = (text)                                                                             \
    }

static bool take_listen(struct ua_options *o, char *value)
{
    return addr_parse_hostport(&o->sip.listen, value) == 0 ||
           addr_parse(&o->sip.listen, value, 0) == 0;
}

static bool take_identity(struct ua_options *o, char *value)
{
    o->sip.identity = value;
    return strncmp(value, "sip:", 4) == 0 && strpbrk(value, " <>\"") == NULL;
}

static bool take_tls_fingerprint(struct ua_options *o, char *value)
{
    char text[FINGERPRINT_STRLEN];
    int len = snprintf(text, sizeof(text), "SHA-256 %s", value);

    return len < (int)sizeof(text) &&
           fingerprint_parse(&o->sip.tls_fingerprint, text, (size_t)len) == 0;
}

static bool take_bandwidth(struct ua_options *o, char *value)
{
    if (o->extras.bandwidth_count == BANDWIDTH_MAX || !strchr(value, ':'))
        return false;
    o->extras.bandwidth[o->extras.bandwidth_count++] = value;
    return true;
}

static bool take_maxprate(struct ua_options *o, char *value)
{
    char *end;
    o->extras.maxprate = value;
    strtod(value, &end);
    return end != value && *end == '\0';
}

static bool number_in(const char *value, unsigned min, unsigned max, unsigned *out)
{
    char *end;
    errno = 0;
    unsigned long n = strtoul(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end || errno || n < min || n > max)
        return false;
    *out = (unsigned)n;
    return true;
}

static bool take_hangup(struct ua_options *o, char *value)
{
    bool media = strcmp(value, "media") == 0;
    o->hangup = media ? HANGUP_AFTER_MEDIA : HANGUP_AFTER_MS;
    return media || number_in(value, 0, MILLISECONDS_MAX, &o->hangup_after_ms);
}

static bool add_text(const char **list, unsigned *count, const char *value)
{
    if (*count == TEXTS_MAX || *value == '\0')
        return false;
    list[(*count)++] = value;
    return true;
}

static bool take_say(struct ua_options *o, char *value)
{
    return add_text(o->say, &o->say_count, value);
}

static bool take_expect_text(struct ua_options *o, char *value)
{
    return add_text(o->expect_text, &o->expect_count, value);
}

static bool kind_of(const char *word, size_t len, enum medium_kind *out)
{
    static const struct {
        const char *word;
        enum medium_kind kind;
    } kinds[] = {
        {"t38", MEDIUM_FAX}, {"audio", MEDIUM_AUDIO}, {"msrp", MEDIUM_MSRP}, {"bfcp", MEDIUM_BFCP}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i].word) != len || memcmp(kinds[i].word, word, len) != 0)
            continue;
        *out = kinds[i].kind;
        return true;
    }
    return false;
}

static bool take_offer(struct ua_options *o, char *value)
{
    for (char *word = value; *word;) {
        size_t len = strcspn(word, ",");
        if (o->offer_count == MEDIA_MAX || !kind_of(word, len, &o->offer[o->offer_count++]))
            return false;
        word += len + (word[len] == ',');
    }
    return o->offer_count > 0;
}

static bool take_misbehave_in(struct ua_options *o, char *value)
{
    enum medium_kind kind;

    if (!kind_of(value, strlen(value), &kind))
        return false;
    o->misbehave_in |= 1U << kind;
    return true;
}

static bool take_compare(struct ua_options *o, char *value)
{
    o->compare = value; // the second file is the plain word that follows
    return true;
}

static const struct {
    const char *word;
    unsigned bit;
    const char *help;
} misbehaviours[] = {
    {"wrong-fingerprint", MIS_WRONG_FINGERPRINT,
     "SDP shows another fingerprint than the certificate's"},
    {"wrong-key", MIS_WRONG_FINGERPRINT, "SDP shows another SRTP key than is used"},
    {"no-fingerprint", MIS_NO_FINGERPRINT, "SDP shows none"},
    {"no-key", MIS_NO_FINGERPRINT, "no a=crypto line"},
    {"md5-fingerprint", MIS_MD5_FINGERPRINT, "SDP shows an MD5 value only"},
    {"no-certificate", MIS_NO_CERTIFICATE, "the handshake shows no certificate"},
    {"late-hello", MIS_LATE_HELLO, "the ClientHello comes --late-ms late"},
    {"never-hello", MIS_NEVER_HELLO, "no ClientHello is sent, none is answered"},
    {"tls-never", MIS_NEVER_HELLO, "the same: TCP comes up, TLS never does"},
    {"early-hello", MIS_EARLY_HELLO, "the ClientHello leaves before the SDP answer"},
    {"clear-udptl", MIS_CLEAR_UDPTL, "each payload is sent in clear as well"},
    {"clear-rtp", MIS_CLEAR_UDPTL, "the same: each RTP packet"},
    {"replay", MIS_REPLAY, "each SRTP packet twice"},
    {"holdconn", MIS_HOLDCONN, "a=setup:holdconn"},
    {"actpass-answer", MIS_ACTPASS_ANSWER, "a=setup:actpass in an answer"},
    {"same-role", MIS_SAME_ROLE, "the answer repeats the role of the offer"},
    {"no-setup", MIS_NO_SETUP, "no a=setup line"},
    {"plain-answer", MIS_PLAIN_ANSWER, "answers udptl to UDP/TLS/UDPTL"},
    {"changed-id", MIS_CHANGED_ID, "each offer and answer shows a new identity for no reason"},
    {"renegotiate", MIS_RENEGOTIATE, "asks for a TLS renegotiation once secured"},
    {"rebind", MIS_REBIND, "goes on from another local port in the middle, as behind a NAT"},
    {"lossy", MIS_LOSSY, "drops --loss percent of datagrams both ways"},
    {"drop-last-flight", MIS_DROP_LAST_FLIGHT, "the first flight with ChangeCipherSpec is lost"},
    {"junk", MIS_JUNK, "random datagrams in between"},
    {"coalesce", MIS_COALESCE, "two DTLS records in each datagram"},
    {"restart", MIS_RESTART,
     "a second handshake in the middle, without an offer, as after a crash"},
    {"bad-sdp", MIS_BAD_SDP, "a body that is no SDP"},
    {"tcp-never", MIS_TCP_NEVER, "opens no TCP connection and takes none"},
    {"tls-clear", MIS_TLS_CLEAR, "speaks without TLS where TLS was agreed"},
    {"half-close", MIS_HALF_CLOSE, "ends its sending direction when all is said, and reads on"},
    {"reset", MIS_RESET, "RST in the middle of the exchange"},
    {"garbage-msrp", MIS_GARBAGE, "what is no MSRP, or no BFCP, once connected"},
    {"byte-by-byte", MIS_BYTE_BY_BYTE, "one byte per TCP segment"},
    {"stalled", MIS_STALLED, "stops reading once connected"},
    {"second-connection", MIS_SECOND_CONNECTION,
     "as TCP client opens a second one beside the first"},
    {"no-ack", MIS_NO_ACK, "the 200 to the INVITE is not acknowledged"},
};
#define MISBEHAVIOURS (sizeof(misbehaviours) / sizeof(misbehaviours[0]))

static void print_misbehaviours(void)
{
    for (size_t i = 0; i < MISBEHAVIOURS; i++)
        printf("  %-18s %s\n", misbehaviours[i].word, misbehaviours[i].help);
}

static bool take_misbehave(struct ua_options *o, char *value)
{
    for (char *save, *word = strtok_r(value, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        size_t i = 0;
        while (i < MISBEHAVIOURS && strcmp(misbehaviours[i].word, word) != 0)
            i++;
        if (i == MISBEHAVIOURS)
            return false;
        o->misbehave |= misbehaviours[i].bit;
    }
    return true;
}

#define MS "MS"
static const struct row rows[] = {
    HEADING("Who and where"),
    {"side", WORD, AT(side), 0, 0, "ue|core",
     "secured as an IMS UE, or plain as the IMS core (default ue)"},
    {"listen", SPECIAL, 0, 0, 0, "ADDR[:PORT]",
     "SIP and media address; port 0 or none: a free one, printed (default 127.0.0.1)", take_listen},
    {"transport", WORD, AT(sip.transport), SIP_UDP, 0, "udp|tcp|tls",
     "SIP transport (default udp)"},
    {"tls-fingerprint", SPECIAL, 0, 0, 0, "HEX",
     "over TLS, the SHA-256 of the peer's certificate, AB:CD:... (default: any will do)",
     take_tls_fingerprint},
    {"proxy", ADDRESS, AT(sip.proxy), 0, 0, "ADDR:PORT",
     "where first requests go; default: where the URI says"},
    {"identity", SPECIAL, 0, 0, 0, "sip:USER@DOMAIN",
     "own public identity (default sip:e2ae-ua@example.net)", take_identity},

    HEADING("What to do"),
    {"call", TEXT, AT(call), 0, 0, "SIP-URI", "call it"},
    {"answer", FLAG, AT(answer), 0, 0, NULL, "answer calls"},
    {"calls", NUMBER, AT(calls), 1, 1000000, "N", "end after N calls (default 1)"},
    {"timeout", NUMBER, AT(timeout_s), 1, 86400, "S",
     "end with status 7 after S seconds (default 60)"},
    {"log", WORD, AT(log_level), LOG_ERROR, 0, "error|warn|info|debug", "on stderr (default warn)"},

    HEADING("Registration"),
    {"register", FLAG, AT(reg), 0, 0, NULL, "register first, and go on when it is accepted"},
    {"registrar", FLAG, AT(sip.registrar), 0, 0, NULL,
     "take a registration, as the core; --call then waits for it and goes by its Path"},
    {"user", TEXT, AT(sip.user), 0, 0, "NAME",
     "private identity of both (default: --identity without sip:)"},
    {"password", TEXT, AT(sip.password), 0, 0, "WORD",
     "of SIP digest; a registrar without it challenges nobody"},
    {"realm", TEXT, AT(sip.realm), 0, 0, "NAME", "of the challenge (default example.net)"},
    {"mediasec", TEXT, AT(sip.mediasec), 0, 0, "LIST",
     "Security-Client, as \"sdes-srtp;mediasec, msrp-tls;mediasec\""},
    {"expires", NUMBER, AT(sip.expires_s), 0, 1000000, "S", "asked for (default 3600)"},

    {"loss", NUMBER, AT(sip.loss), 0, 999, "N",
     "drop N of 1000 SIP messages that arrive over UDP (default 0)"},

    HEADING("Media"),
    {"send", TEXT, AT(send), 0, 0, "FILE.tif", "send this fax"},
    {"receive", TEXT, AT(receive), 0, 0, "FILE.tif", "receive a fax into this file"},
    {"speed", NUMBER, AT(speed), 1, 100, "N",
     "fax time runs N times faster (default 1; 10 to 20 is sane through a relay)"},
    {"media", WORD, AT(media), MEDIA_NONE, 0, "none|echo|count",
     "no fax: nothing (default), send back what comes, or send --datagrams and count"},
    {"datagrams", NUMBER, AT(datagrams), 0, 10000000, "N",
     "how many for --media count (default 100; 0: count only)"},
    {"datagram-ms", NUMBER, AT(datagram_ms), 0, 10000, MS,
     "pause between them (default 1; 0: 20 at once)"},

    {"tolerance", NUMBER, AT(tolerance), 0, 10000000, "N",
     "that many of them may be lost (default 0)"},
    {"start-after", NUMBER, AT(start_after_ms), 0, MILLISECONDS_MAX, MS,
     "media begins that late, so that the peer is ready as well (default 0)"},

    HEADING("Chat and floor control"),
    {"offer", SPECIAL, 0, 0, 0, "KIND[,KIND...]",
     "lines of the first offer: t38, msrp, bfcp, audio (default t38)", take_offer},
    {"say", SPECIAL, 0, 0, 0, "TEXT", "send this message; repeatable", take_say},
    {"expect-text", SPECIAL, 0, 0, 0, "TEXT", "wait for this message; repeatable",
     take_expect_text},
    {"send-file", TEXT, AT(send_file), 0, 0, "FILE", "send it, after the messages"},
    {"receive-file", TEXT, AT(receive_file), 0, 0, "FILE", "wait for a file and write it"},
    {"expect-sha256", TEXT, AT(expect_sha256), 0, 0, "HEX", "of the file received"},
    {"chunk", NUMBER, AT(chunk), 1, 16777216, "BYTES",
     "of a message in one MSRP request (default 2048)"},
    {"cema", FLAG, AT(cema), 0, 0, NULL, "connect by c= and m=, with a=msrp-cema (RFC 6714)"},
    {"floor", WORD, AT(floor), FLOOR_CLIENT, 0, "client|server", "BFCP role (default client)"},
    {"hold-ms", NUMBER, AT(hold_ms), 0, MILLISECONDS_MAX, MS,
     "the client holds the floor that long (default 200)"},
    {"tcp-role", WORD, AT(tcp_role), SDP_SETUP_ACTIVE, 0, "active|passive|actpass",
     "a=setup of MSRP and BFCP in offers (default actpass)"},
    {"answer-tcp", WORD, AT(answer_tcp), SDP_SETUP_ACTIVE, 0, "active|passive",
     "a=setup of them in answers to actpass (default passive)"},

    HEADING("Audio"),
    {"srtp", FLAG, AT(srtp), 0, 0, NULL, "a UE offers RTP/SAVP with an SDES key"},
    {"suite", WORD, AT(suite), SDES_NONE + 1, 0,
     "AES_CM_128_HMAC_SHA1_80|AES_CM_128_HMAC_SHA1_32|AEAD_AES_128_GCM|AEAD_AES_256_GCM",
     "of the key, in offers and answers (default the first)"},
    {"audio", WORD, AT(audio), AUDIO_TONE, 0, "tone|count|echo",
     "packets all the time (default), --datagrams of them that are to come back, or send back what "
     "comes"},
    {"nat", FLAG, AT(nat), 0, 0, NULL, "SDP names ports where nobody is, as behind a NAT"},
    {"rtcp-mux", FLAG, AT(rtcp_mux), 0, 0, NULL, "RTCP on the port of RTP"},
    {"audio-first", FLAG, AT(audio_first), 0, 0, NULL, "offer audio; the fax comes by re-INVITE"},
    {"switch", WORD, AT(switch_to), SWITCH_IN_PLACE, 0, "in-place|second-line",
     "this side sends that re-INVITE"},
    {"switch-after", NUMBER, AT(switch_after_ms), 0, MILLISECONDS_MAX, MS,
     "after the call is up (default 300)"},

    HEADING("Offer and answer"),
    {"setup", WORD, AT(setup), SDP_SETUP_ACTIVE, 0, "active|passive|actpass",
     "a=setup in offers (default actpass)"},
    {"answer-setup", WORD, AT(answer_setup), SDP_SETUP_ACTIVE, 0, "active|passive",
     "a=setup in answers to actpass (default active)"},
    {"id-name", WORD, AT(id_name), 0, 0, "dtls-id|tls-id|none",
     "name of the association identity in offers (default dtls-id)"},
    {"hash", WORD, AT(hash), 0, 0, "sha-1|sha-256|sha-384|sha-512",
     "of the fingerprint (default sha-256)"},
    {"extra-fingerprint", FLAG, AT(extra_fingerprint), 0, 0, NULL,
     "another value before the right one"},
    {"no-3ge2ae", FLAG, AT(no_3ge2ae), 0, 0, NULL, "no a=3ge2ae:requested (secured end to end)"},
    {"bandwidth", SPECIAL, 0, 0, 0, "AS:60",
     "a b= line of the media; session:AS:60 for the session level; repeatable", take_bandwidth},
    {"maxprate", SPECIAL, 0, 0, 0, "PPS", "an a=maxprate line", take_maxprate},
    {"offerless", FLAG, AT(offerless), 0, 0, NULL, "INVITE without SDP, answer in the ACK"},
    {"reliable", FLAG, AT(sip.reliable), 0, 0, NULL,
     "100rel: announce it; as callee answer in a reliable 183"},
    {"port-zero", FLAG, AT(port_zero), 0, 0, NULL, "answer offers with port 0"},

    HEADING("DTLS"),
    {"priority", TEXT, AT(priority), 0, 0, "STRING", "GnuTLS priority string (suites, versions)"},
    {"retransmit", NUMBER, AT(retransmit_ms), 10, 60000, MS, "first retransmission (default 1000)"},
    {"handshake", NUMBER, AT(handshake_ms), 100, 600000, MS,
     "give a handshake up after (default 10000)"},

    HEADING("Course of the call"),
    {"ring", NUMBER, AT(ring_ms), 0, MILLISECONDS_MAX, MS, "from 180 to 200 (default 0)"},
    {"reject", NUMBER, AT(reject), 300, 699, "CODE", "answer INVITE with it"},
    {"cancel-after-ringing", FLAG, AT(cancel_after_ringing), 0, 0, NULL, "CANCEL on the first 18x"},
    {"update", FLAG, AT(update), 0, 0, NULL,
     "send an UPDATE with an offer, --reinvite-after the start"},
    {"reinvite", WORD, AT(reinvite), REINVITE_SAME, 0,
     "same|new-id|new-fingerprint|new-port|hold|refuse-this",
     "send a re-INVITE (new-fingerprint: of SRTP a new key; hold: and resume); refuse-this: answer "
     "488 to the peer's"},
    {"reinvite-after", NUMBER, AT(reinvite_after_ms), 0, MILLISECONDS_MAX, MS,
     "after media began (default 500)"},
    {"hangup-after", SPECIAL, 0, 0, 0, "MS|media",
     "who gives it hangs up; default for a caller: media", take_hangup},
    {"expect-bye", FLAG, AT(expect_bye), 0, 0, NULL,
     "wait for the peer's BYE and take it for a good end"},

    HEADING("Going wrong on purpose"),
    {"misbehave", SPECIAL, 0, 0, 0, "WHAT[,WHAT...]", "--misbehave=help lists them",
     take_misbehave},
    {"misbehave-in", SPECIAL, 0, 0, 0, "KIND",
     "only in lines of this kind (as in --offer); repeatable", take_misbehave_in},
    {"late-ms", NUMBER, AT(late_ms), 0, MILLISECONDS_MAX, MS, "for late-hello (default 3000)"},
    {"stall-ms", NUMBER, AT(stall_ms), 0, MILLISECONDS_MAX, MS,
     "for stalled: reads again after (default 0: never)"},
    {"loss", NUMBER, AT(loss_percent), 1, 99, "PERCENT", "for lossy (default 5)"},

    HEADING("Fax documents (no call)"),
    {"make-page", TEXT, AT(make_page), 0, 0, "FILE.tif", "write a test document"},
    {"pages", NUMBER, AT(pages), 1, 999, "N", "its pages (default 1)"},
    {"fine", FLAG, AT(fine), 0, 0, NULL, "204 x 196 dpi instead of 204 x 98"},
    {"compare", SPECIAL, 0, 0, 0, "A.tif B.tif",
     "pixel by pixel; status 0 when they show the same, else 5", take_compare},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const char usage[] = "e2ae-ua: the reference user agent of pcscf, for either side of it.\n"
                            "usage: e2ae-ua [--side ue|core] --call SIP-URI | --answer [options]\n";

static const char examples[] =
    "\nExamples\n"
    "  The core waits for a fax:\n"
    "    e2ae-ua --side core --listen 127.0.0.1:5080 --answer --receive got.tif\n"
    "  A UE sends it, secured, through the P-CSCF, ten times faster:\n"
    "    e2ae-ua --side ue --proxy 127.0.0.1:5060 --call sip:fax@127.0.0.1:5080 \\\n"
    "            --send doc.tif --speed 10\n"
    "  A UE whose certificate is not the one it announced:\n"
    "    e2ae-ua --proxy 127.0.0.1:5060 --call sip:fax@127.0.0.1:5080 \\\n"
    "            --misbehave=wrong-fingerprint\n"
    "  A chat with a file, and the same UE asks for the floor:\n"
    "    e2ae-ua --proxy 127.0.0.1:5060 --call sip:bob@127.0.0.1:5080 --offer msrp,bfcp \\\n"
    "            --say hello --send-file doc.pdf\n"
    "\nOutput: one line per event, the first word names it, key=value pairs follow; the last is\n"
    "'result'. Exit status: 0 what was asked for happened, 1 usage, 2 refused by the system,\n"
    "3 call refused, 4 TCP, TLS or DTLS failed, 5 fax, datagrams, chat or floor request failed,\n"
    "6 unexpected end, 7 timeout.\n"
    "SIGTERM hangs up and ends.\n";

static void print_help(void)
{
    fputs(usage, stdout);
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        char left[128];
        if (!r->name) {
            printf("\n%s\n", r->help);
            continue;
        }
        snprintf(left, sizeof(left), "--%s %s", r->name, r->argument ? r->argument : "");
        printf(strlen(left) > 26 ? "  %s\n%28s %s\n" : "  %-26s%s %s\n", left, "", r->help);
    }
    fputs(examples, stdout);
}

static void set_defaults(struct ua_options *o)
{
    memset(o, 0, sizeof(*o));
    addr_parse(&o->sip.listen, "127.0.0.1", 0);
    o->sip.identity = "sip:e2ae-ua@example.net";
    o->sip.realm = "example.net";
    o->sip.expires_s = 3600;
    o->calls = 1;
    o->media = MEDIA_NONE;
    o->speed = 1;
    o->datagrams = 100;
    o->datagram_ms = 1;
    o->switch_after_ms = 300;
    o->chunk = 2048;
    o->hold_ms = 200;
    o->tcp_role = SDP_SETUP_ACTPASS;
    o->answer_tcp = SDP_SETUP_PASSIVE;
    o->setup = SDP_SETUP_ACTPASS;
    o->answer_setup = SDP_SETUP_ACTIVE;
    o->hash = HASH_SHA256;
    o->suite = SDES_AES_CM_128_HMAC_SHA1_80;
    o->retransmit_ms = 1000;
    o->handshake_ms = 10000;
    o->reinvite_after_ms = 500;
    o->late_ms = 3000;
    o->loss_percent = 5;
    o->timeout_s = 60;
    o->log_level = LOG_WARN;
    o->pages = 1;
}

static bool word_in(const char *words, const char *value, unsigned *place)
{
    *place = 0;
    for (const char *w = words;; ++*place) {
        size_t len = strcspn(w, "|");
        if (strlen(value) == len && strncmp(w, value, len) == 0)
            return true;
        if (w[len] == '\0')
            return false;
        w += len + 1;
    }
}

static bool apply(struct ua_options *o, const struct row *r, char *value)
{
    void *field = (char *)o + r->at;
    unsigned n;

    switch (r->kind) {
    case NUMBER:
        return number_in(value, r->min, r->max, field);
    case WORD:
        if (!word_in(r->argument, value, &n))
            return false;
        *(unsigned *)field = r->min + n;
        return true;
    case TEXT:
        *(char **)field = value;
        return *value != '\0';
    case ADDRESS:
        return addr_parse_hostport(field, value) == 0;
    case SPECIAL:
        return r->take(o, value);
    case FLAG:
        break;
    }
    return false;
}

static const struct row *find_row(const char *name, size_t len)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].name && strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    return NULL;
}

static void complain_value(const struct row *r, const char *value)
{
    if (r->kind == NUMBER)
        fprintf(stderr, "e2ae-ua: --%s: '%s' is not a number from %u to %u\n", r->name, value,
                r->min, r->max);
    else
        fprintf(stderr, "e2ae-ua: --%s: '%s' is not what is expected: %s\n", r->name, value,
                r->argument);
}

static enum options_end take_value(struct ua_options *o, const struct row *r, char *value)
{
    if (r->take == take_misbehave && strcmp(value, "help") == 0) {
        print_misbehaviours();
        return OPTIONS_DONE;
    }
    if (apply(o, r, value))
        return OPTIONS_GO;
    complain_value(r, value);
    return OPTIONS_BAD;
}

static enum options_end take_flag(struct ua_options *o, const struct row *r, const char *value)
{
    if (value) {
        fprintf(stderr, "e2ae-ua: --%s takes no value\n", r->name);
        return OPTIONS_BAD;
    }
    *(bool *)((char *)o + r->at) = true;
    return OPTIONS_GO;
}

// Takes argv[*i] and perhaps its value behind it.
static enum options_end take_option(struct ua_options *o, int argc, char **argv, int *i)
{
    char *name = argv[*i] + 2;
    size_t len = strcspn(name, "=");
    char *value = name[len] == '=' ? name + len + 1 : NULL;
    const struct row *r = find_row(name, len);

    if (!r) {
        fprintf(stderr, "e2ae-ua: --%.*s is no option; see --help\n", (int)len, name);
        return OPTIONS_BAD;
    }
    if (r->kind == FLAG)
        return take_flag(o, r, value);
    if (!value && *i + 1 < argc)
        value = argv[++*i];
    if (!value) {
        fprintf(stderr, "e2ae-ua: --%s needs a value: %s\n", r->name, r->argument);
        return OPTIONS_BAD;
    }
    return take_value(o, r, value);
}

static enum options_end take_word(struct ua_options *o, char *word)
{
    if (o->compare && !o->compare_with) {
        o->compare_with = word;
        return OPTIONS_GO;
    }
    fprintf(stderr, "e2ae-ua: '%s' belongs to no option; see --help\n", word);
    return OPTIONS_BAD;
}

static const char *contradiction(const struct ua_options *o)
{
    if (o->compare)
        return o->compare_with ? NULL : "--compare: a second file is missing";
    if (o->make_page)
        return NULL;
    if (o->sip.registrar && (o->reg || (!o->call && !o->answer)))
        return "--registrar goes with --call or --answer";
    if (!o->call && !o->answer && !o->reg)
        return "--call or --answer: one of them is needed (or --register, --make-page, --compare)";
    if (o->call && o->answer)
        return "--call and --answer exclude each other";
    if (o->send && o->receive)
        return "--send and --receive exclude each other";
    if ((o->send || o->receive) && o->calls > 1 && o->receive)
        return "--receive: one file cannot hold the faxes of several --calls";
    if (o->call && strncmp(o->call, "sip:", 4) != 0)
        return "--call: a SIP URI is expected, sip:...";
    if (o->offer_count > 0 && o->audio_first)
        return "--offer and --audio-first exclude each other";
    if (o->offerless && o->answer)
        return "--offerless belongs to --call";
    return NULL;
}

enum options_end options_parse(struct ua_options *o, int argc, char **argv)
{
    enum options_end end = OPTIONS_GO;

    set_defaults(o);
    for (int i = 1; i < argc && end == OPTIONS_GO; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help();
            return OPTIONS_DONE;
        }
        end =
            strncmp(argv[i], "--", 2) == 0 ? take_option(o, argc, argv, &i) : take_word(o, argv[i]);
    }
    const char *why = end == OPTIONS_GO ? contradiction(o) : NULL;
    if (why) {
        fprintf(stderr, "e2ae-ua: %s\n", why);
        return OPTIONS_BAD;
    }
    if (!o->sip.user)
        o->sip.user = strchr(o->sip.identity, ':') + 1;
    if (o->send || o->receive)
        o->media = MEDIA_FAX;
    if (o->call && o->hangup == HANGUP_BY_ROLE && !o->expect_bye)
        o->hangup = HANGUP_AFTER_MEDIA;
    return end;
}
