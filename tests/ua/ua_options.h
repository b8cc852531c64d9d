// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_OPTIONS_H
#define UA_OPTIONS_H
// The command line of e2ae-ua.

#include "common/log.h"
#include "tests/ua/ua_sdp.h"
#include "tests/ua/ua_sip.h"

enum ua_side { SIDE_UE, SIDE_CORE };
enum ua_media { MEDIA_FAX, MEDIA_NONE, MEDIA_ECHO, MEDIA_COUNT };
enum ua_audio { AUDIO_TONE, AUDIO_COUNT, AUDIO_ECHO };
enum ua_switch { SWITCH_NO, SWITCH_IN_PLACE, SWITCH_SECOND_LINE };
enum ua_id_name { ID_DTLS, ID_TLS, ID_NONE };
enum ua_reinvite {
    REINVITE_NO,
    REINVITE_SAME,
    REINVITE_NEW_ID,
    REINVITE_NEW_FINGERPRINT,
    REINVITE_NEW_PORT,
    REINVITE_HOLD,
    REINVITE_REFUSE,
};

// What goes wrong on purpose, as a set of bits. The words and sentences stand in ua_options.c.
enum ua_misbehave {
    MIS_WRONG_FINGERPRINT = 1 << 0,
    MIS_NO_FINGERPRINT = 1 << 1,
    MIS_MD5_FINGERPRINT = 1 << 2,
    MIS_NO_CERTIFICATE = 1 << 3,
    MIS_LATE_HELLO = 1 << 4,
    MIS_NEVER_HELLO = 1 << 5,
    MIS_EARLY_HELLO = 1 << 6,
    MIS_CLEAR_UDPTL = 1 << 7,
    MIS_HOLDCONN = 1 << 8,
    MIS_ACTPASS_ANSWER = 1 << 9,
    MIS_SAME_ROLE = 1 << 10,
    MIS_PLAIN_ANSWER = 1 << 11,
    MIS_CHANGED_ID = 1 << 12,
    MIS_RENEGOTIATE = 1 << 13,
    MIS_REBIND = 1 << 14,
    MIS_LOSSY = 1 << 15,
    MIS_DROP_LAST_FLIGHT = 1 << 16,
    MIS_JUNK = 1 << 17,
    MIS_BAD_SDP = 1 << 18,
    MIS_NO_SETUP = 1 << 19,
    MIS_NO_ACK = 1 << 20,
    MIS_COALESCE = 1 << 21,
    MIS_RESTART = 1 << 22,
    MIS_TCP_NEVER = 1 << 23,
    MIS_HALF_CLOSE = 1 << 24,
    MIS_RESET = 1 << 25,
    MIS_GARBAGE = 1 << 26,
    MIS_BYTE_BY_BYTE = 1 << 27,
    MIS_STALLED = 1 << 28,
    MIS_SECOND_CONNECTION = 1 << 29,
    MIS_TLS_CLEAR = 1 << 30,
    MIS_REPLAY = 1U << 31,
};

#define MILLISECONDS_MAX 3600000
#define TEXTS_MAX 16 // --say, --expect-text

struct ua_options {
    enum ua_side side;
    struct sip_options sip;
    char *call; // SIP URI
    bool answer;
    unsigned calls;
    bool reg;

    char *send, *receive;
    enum ua_media media;
    unsigned speed;
    unsigned datagrams, datagram_ms, tolerance, start_after_ms;

    enum medium_kind offer[MEDIA_MAX]; // the lines of the first offer
    unsigned offer_count;              // 0: one fax line, or audio with audio_first
    enum sdp_setup tcp_role, answer_tcp;
    const char *say[TEXTS_MAX], *expect_text[TEXTS_MAX];
    unsigned say_count, expect_count;
    char *send_file, *receive_file;
    char *expect_sha256;
    unsigned chunk; // bytes of a message in one request
    bool cema;
    enum ua_floor { FLOOR_CLIENT, FLOOR_SERVER } floor;
    unsigned hold_ms;

    bool srtp; // offer RTP/SAVP
    enum sdes_suite suite;
    enum ua_audio audio;
    bool rtcp_mux;
    bool nat; // SDP names ports that are not ours
    bool audio_first;
    enum ua_switch switch_to;
    unsigned switch_after_ms;

    enum sdp_setup setup, answer_setup;
    enum ua_id_name id_name;
    enum cert_hash_choice { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512 } hash;
    bool extra_fingerprint, no_3ge2ae;
    struct sdp_extras extras;
    char *priority; // GnuTLS priority string
    unsigned retransmit_ms, handshake_ms;

    bool offerless, update;
    enum ua_reinvite reinvite;
    unsigned reinvite_after_ms;
    unsigned reject; // status; 0: no
    bool port_zero, cancel_after_ringing, expect_bye;
    unsigned ring_ms;
    enum ua_hangup { HANGUP_BY_ROLE, HANGUP_AFTER_MEDIA, HANGUP_AFTER_MS } hangup;
    unsigned hangup_after_ms;

    unsigned misbehave;
    unsigned misbehave_in; // set of 1 << enum medium_kind; 0: all lines
    unsigned stall_ms;
    unsigned late_ms, loss_percent;
    unsigned timeout_s;
    enum log_level log_level;

    char *make_page;
    unsigned pages;
    bool fine;
    char *compare, *compare_with;
};

enum options_end { OPTIONS_GO, OPTIONS_DONE, OPTIONS_BAD };

// Fills *out from the command line. OPTIONS_DONE: help was printed. OPTIONS_BAD: a sentence that
// names the option was printed to stderr. Texts point into argv.
enum options_end options_parse(struct ua_options *out, int argc, char **argv);

#endif
