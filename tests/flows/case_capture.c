// SPDX-License-Identifier: GPL-3.0-or-later
// Captures as a reader opens them: tshark, without settings and without key files.
#include "tests/flows/agent.h"
#include "tests/flows/suite.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "captures"
#define EVERYTHING "directory: " FOLDER ", plaintext: true, keys: true"

static const struct pcscf_options everything = {.capture = EVERYTHING},
                                  packets_only = {.capture = "directory: " FOLDER};

static const char *make_folder(struct flow *f)
{
    const char *path = flow_path(f, FOLDER);

    ck_assert_int_eq(mkdir(path, 0700), 0);
    return path;
}

// The only file of the folder, and how many there are.
static const char *only_file(struct flow *f, unsigned *count)
{
    const char *path = flow_path(f, FOLDER), *name = NULL;
    DIR *folder = opendir(path);

    ck_assert_ptr_nonnull(folder);
    *count = 0;
    for (struct dirent *e; (e = readdir(folder)) != NULL;)
        if (e->d_name[0] != '.') {
            name = flow_copy(f, e->d_name, strlen(e->d_name));
            (*count)++;
        }
    closedir(folder);
    return name ? flow_text(f, "%s/%s", path, name) : NULL;
}

// What tshark makes of a file; blanks separate arguments.
static const char *shown(struct flow *f, const char *file, const char *arguments)
{
    struct program *tshark =
        program_run(f, "tshark", "tshark", flow_text(f, "-n -r %s %s", file, arguments));

    flow_check(f, program_wait(tshark) == 0, "tshark: %s", program_text(tshark));
    return flow_copy(f, program_text(tshark), strlen(program_text(tshark)));
}

// Runs a call under a P-CSCF that records, and gives the file of its session.
static const char *recorded(struct flow *f, const struct pcscf_options *options, struct call *call)
{
    unsigned count;

    make_folder(f);
    struct pcscf *p = pcscf_start(f, options);
    must_say(f, program_text(pcscf_program(p)), " warn  capture: SIP and media of every call ");
    call_run(p, call);
    pcscf_stop(p);
    ck_assert_uint_eq(pcscf_counter(p, "capture_lost"), 0);
    const char *file = only_file(f, &count);
    ck_assert_uint_eq(count, 1);
    struct stat st;
    ck_assert_int_eq(stat(file, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    return file;
}

#define SUMMARY "-T fields -e frame.protocols -e ip.src -e ip.dst -e frame.comment"

// One file has SIP of both sides, the DTLS of the UE decrypted by the keys inside, and the fax both
// as it was in clear towards the core and as it was inside the DTLS; every packet says whose it is.
START_TEST(a_fax_is_read_without_settings)
{
    struct flow *f = flow_open("capture-fax");
    struct call call = {.caller = HOST_UE};
    const char *file = recorded(f, &everything, &call);
    const char *all = shown(f, file, SUMMARY);

    must_say(
        f, all,
        flow_text(f, "^raw:ip:udp:sip:sdp.*\t%s\t.* SIP, from the UE$", flow_host(f, HOST_UE)));
    must_say(
        f, all,
        flow_text(f, "^raw:ip:udp:sip:sdp.*\t%s\t.* SIP, from the core$", flow_host(f, HOST_CORE)));
    must_say(f, all, "^raw:ip:udp:t38.*session [A-Za-z0-9]{20}, stream 1, T2, to the core$");
    must_say(f, all, "^exported_pdu:t38.* stream 1, T1, from the UE$");
    must_say(f, all, "^exported_pdu:t38.* stream 1, T1, to the UE$");
    must_say(f, all, "^raw:ip:udp:dtls:data.* stream 1, T1, from the UE$");
    flow_check(f, text_count(all, "exported_pdu:t38.* from the UE$") > 50,
               "few packets of the fax");
    flow_check(
        f, text_count(all, "^(raw|exported_pdu)") == text_count(all, "session [A-Za-z0-9]{20}, "),
        "a packet without a comment");
    // visible only when decrypted, in both directions
    const char *finished = shown(f, file, "-Y dtls.handshake.type==20 -T fields -e ip.src");
    must_say(f, finished, flow_text(f, "^%s$", flow_host(f, HOST_UE)));
    must_say(f, finished, flow_text(f, "^%s$", flow_host(f, HOST_PCSCF)));
    must_say(f, shown(f, file, "-Y exported_pdu&&t30 -T fields -e frame.protocols"), ":t30");
    flow_close(f);
}
END_TEST

static const struct {
    const char *ue, *core, *dissector, *what;
} streams[] = {
    {"--offer msrp --say hello-world", "--expect-text hello-world", "msrp", "SEND"},
    {"--offer bfcp", "--floor server", "bfcp", ""},
};

// MSRP and BFCP are read inside TLS, message by message, and the TLS itself is decrypted.
START_TEST(messages_and_floors_are_read_without_settings)
{
    struct flow *f = flow_open("capture-tcp");
    struct call call = {
        .caller = HOST_UE, .no_fax = true, .ue = streams[_i].ue, .core = streams[_i].core};
    const char *file = recorded(f, &everything, &call);
    const char *all = shown(f, file, SUMMARY);
    const char *dissector = streams[_i].dissector;

    must_say(f, all, flow_text(f, "^exported_pdu:%s.* stream 1, T1, from the UE$", dissector));
    must_say(f, all, flow_text(f, "^exported_pdu:%s.* stream 1, T1, to the UE$", dissector));
    must_not_say(f, all, "exported_pdu:data");
    const char *finished = shown(f, file, "-Y tls.handshake.type==20 -T fields -e ip.src");
    must_say(f, finished, flow_text(f, "^%s$", flow_host(f, HOST_UE)));
    must_say(f, finished, flow_text(f, "^%s$", flow_host(f, HOST_PCSCF)));
    must_not_say(f, shown(f, file, "-q -z expert"), "Malformed|previous segment|out-of-order");
    if (streams[_i].what[0]) {
        must_say(f, shown(f, file, "-Y exported_pdu&&msrp -T fields -e msrp.method -e msrp.data"),
                 "^SEND\t");
        must_say(f, all, "^raw:ip:tcp:msrp.* T2, to the core$");
    }
    flow_close(f);
}
END_TEST

#define VOICE(count, pause)                                                                        \
    {                                                                                              \
        .caller = HOST_UE, .no_fax = true,                                                         \
        .ue = "--offer audio --srtp --audio count --datagrams " count " --datagram-ms " pause      \
              " --hangup-after media",                                                             \
        .core = "--audio echo"                                                                     \
    }

static const struct pcscf_options voice_options = {.capture = EVERYTHING,
                                                   .e2ae = "unregistered: [sdes-srtp]"};

// SRTP is dissected as such, tag and all, by what SDP says of it; the same packets are there in
// clear, towards the core as they were and towards the UE as PDUs; of the SDES keys nothing is,
// keys or no keys (REQ-112).
START_TEST(voice_is_read_without_settings)
{
    struct flow *f = flow_open("capture-voice");
    struct call call = VOICE("50", "2");
    const char *file = recorded(f, &voice_options, &call);
    const char *all = shown(f, file, SUMMARY " -e srtp.auth_tag -e rtp.payload");

    must_say(f, all, "^raw:ip:udp:rtp\t.* T1, from the UE\t[0-9a-f]{20}\t");
    must_say(f, all, "^raw:ip:udp:rtp\t.* T1, to the UE\t[0-9a-f]{20}\t");
    must_say(f, all, "^raw:ip:udp:rtp\t.* T2, to the core\t\t[0-9a-f]{320}$");
    flow_check(f, text_count(all, "^exported_pdu:rtp\t.* T1, from the UE\t\t[0-9a-f]{320}$") == 50,
               "not all of the voice of the UE is there");
    flow_check(f, text_count(all, "^exported_pdu:rtp\t.* T1, to the UE\t\t[0-9a-f]{320}$") == 50,
               "not all of the voice to the UE is there");
    must_say(f, all, "^exported_pdu:rtcp\t.* T1, from the UE");
    const char *keys = shown(f, file, "-Y sdp -T fields -e sdp.media_attr");
    must_say(f, keys, "crypto:1 AES_CM_128_HMAC_SHA1_80 \\*{20}");
    must_not_say(f, keys, "inline:[A-Za-z0-9+/]");
    must_not_say(f, shown(f, file, "-q -z expert"), "\\(Exception occurred\\)");
    flow_close(f);
}
END_TEST

// The files of the folder in the order of time.
static unsigned list_files(struct flow *f, const char **files, unsigned max)
{
    const char *path = flow_path(f, FOLDER);
    struct dirent **list;
    int count = scandir(path, &list, NULL, alphasort);
    unsigned kept = 0;

    ck_assert_int_ge(count, 0);
    for (int i = 0; i < count; i++) {
        if (list[i]->d_name[0] != '.' && kept < max)
            files[kept++] = flow_text(f, "%s/%s", path, list[i]->d_name);
        free(list[i]);
    }
    free(list);
    return kept;
}

static const struct {
    struct call call;
    const char *options, *opened;
} long_calls[] = {
    {{.caller = HOST_UE,
      .no_fax = true,
      .ue = "--media count --datagrams 1500 --datagram-ms 1 --hangup-after media",
      .core = "--media echo"},
     NULL,
     "^raw:ip:udp:dtls:data\t.* stream 1, T1, from the UE$"},
    {VOICE("1500", "1"), "unregistered: [sdes-srtp]",
     "^raw:ip:udp:rtp\t.* stream 1, T1, from the UE$"},
};

// A call goes on in a second and a third file, and each of them can be read without the others: the
// handshakes with the keys to them, and SDP, stand before the packets that need them.
START_TEST(each_file_is_read_by_itself)
{
    struct flow *f = flow_open("capture-rotation");
    struct pcscf_options options = {.capture = EVERYTHING ", per: time, max_mib: 1",
                                    .e2ae = long_calls[_i].options};
    struct call call = long_calls[_i].call;
    const char *files[16];

    make_folder(f);
    struct pcscf *p = pcscf_start(f, &options);
    call_run(p, &call);
    pcscf_stop_at_once(p); // a file is open as long as it runs
    unsigned count = list_files(f, files, 16);
    ck_assert_uint_ge(count, 3);
    for (unsigned i = 0; i < count; i++) {
        const char *all = shown(f, files[i], SUMMARY);
        must_say(f, all, long_calls[_i].opened);
        must_not_say(f, all, "^raw:ip:udp:data");
        flow_check(f, (i > 0) == text_matches(all, ", again from an earlier file$"),
                   "%s: repeated packets", files[i]);
        if (!long_calls[_i].options)
            must_say(f, shown(f, files[i], "-Y dtls.handshake.type==20 -T fields -e ip.src"),
                     flow_text(f, "^%s$", flow_host(f, HOST_UE)));
    }
    flow_close(f);
}
END_TEST

// Without being asked, neither keys nor anything in clear: SIP and protected packets only.
START_TEST(keys_and_plaintext_are_recorded_when_asked_only)
{
    struct flow *f = flow_open("capture-safe");
    struct call call = {.caller = HOST_UE, .datagrams = true};
    const char *file = recorded(f, &packets_only, &call);
    const char *all = shown(f, file, SUMMARY);

    must_say(f, all, "^raw:ip:udp:dtls\t.* stream 1, T1, from the UE$");
    must_not_say(f, all, "t38|, T2,|exported_pdu");
    must_not_say(f, shown(f, file, "-Y dtls.handshake.type==20 -T fields -e ip.src"), "^127\\.");
    flow_close(f);
}
END_TEST

// SSLKEYLOGFILE in the environment and agw.keylog give a key log that opens such a capture.
START_TEST(a_key_log_opens_a_capture)
{
    struct flow *f = flow_open("capture-keylog");
    struct pcscf_options options = {.capture = "directory: " FOLDER,
                                    .agw = _i ? "certificate_pool: 4"
                                              : "certificate_pool: 4, keylog: keys"};
    struct call call = {.caller = HOST_UE, .datagrams = true};
    unsigned count;

    make_folder(f);
    if (_i)
        setenv("SSLKEYLOGFILE", flow_path(f, "keys"), 1);
    struct pcscf *p = pcscf_start(f, &options);
    unsetenv("SSLKEYLOGFILE");
    call_run(p, &call);
    (void)pcscf_chart(p); // the session is over; GnuTLS keeps the file of the environment open
    pcscf_stop_at_once(p);
    const char *opened = shown(f, only_file(f, &count),
                               "-o tls.keylog_file:keys -Y dtls.handshake.type==20 -T fields "
                               "-e ip.src");
    must_say(f, opened, flow_text(f, "^%s$", flow_host(f, HOST_UE)));
    flow_close(f);
}
END_TEST

// A folder that others may write to, or that is not there, ends the start with a sentence.
START_TEST(an_unsafe_folder_is_refused)
{
    struct flow *f = flow_open("capture-folder");

    flow_write(f, "pcscf.yaml",
               flow_text(f,
                         "access: {listen: [\"%s:5060\"], media: [\"%s\"]}\n"
                         "capture: {directory: " FOLDER "}\nadmin: {listen: \"off\"}\n",
                         flow_host(f, HOST_PCSCF), flow_host(f, HOST_PCSCF)));
    struct program *p = program_run(f, "pcscf", flow_binary(f, "pcscf"), "--config pcscf.yaml");
    ck_assert_int_eq(program_wait(p), 2);
    must_say(f, program_text(p), "capture.directory: " FOLDER ": No such file or directory$");
    ck_assert_int_eq(chmod(make_folder(f), 0777), 0);
    p = program_run(f, "pcscf", flow_binary(f, "pcscf"), "--config pcscf.yaml");
    ck_assert_int_eq(program_wait(p), 2);
    must_say(f, program_text(p), "must belong to this user and be writable by nobody else$");
    flow_close(f);
}
END_TEST

static const int ways[] = {0, 1};

void suite_capture(struct suite *s)
{
    ONCE(s, a_fax_is_read_without_settings);
    EACH(s, messages_and_floors_are_read_without_settings, streams);
    ONCE(s, voice_is_read_without_settings);
    EACH(s, each_file_is_read_by_itself, long_calls);
    ONCE(s, keys_and_plaintext_are_recorded_when_asked_only);
    EACH(s, a_key_log_opens_a_capture, ways);
    ONCE(s, an_unsafe_folder_is_refused);
}
