// SPDX-License-Identifier: GPL-3.0-or-later
// What a body must be to become a document, and what the typed views say about it.
#include "tests/unit/sdp_body.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

// As the header says: 1..256 characters.
#define IDENTITY_LONGEST 256
#define SHA1 "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB"

// --- parsing ------------------------------------------------------------------------------------

// Nothing that can pass untouched is refused, and it prints as it came: values may be missing or
// blank, lines unknown, in odd order or repeated, line ends mixed or missing (architecture: sdp/).
START_TEST(lenient_and_exact)
{
    static const char *const bodies[] = {
        HEAD,
        HEAD FAX,
        "v=0\r\no=\r\n",
        "v=0\no=-\n",
        "v=0\r\no=-",
        "v=0 \r\no=-\r\ns=\r\ns= \r\n",
        "v=0\r\ns=-\r\nt=0 0\r\na=x\r\no=- 1 1 IN IP4 h\r\nb=AS:1\r\nb=AS:1\r\nx=\r\nX=y\r\n",
        HEAD "a=\r\na=:\r\na= \r\nb=\r\nb=AS\r\nc=\r\n" FAX "s=in media\r\nt=0 0\r\n",
        HEAD "m=image\t5004   udptl \t t38 \r\n",
        HEAD "m=video 49170/2 RTP/AVP 31\r\nm=audio 0 x y\r\nm=audio 65535 x y\r\n",
        "v=0\r\no=- 1 1 IN IP4 h\ns=-\r\nt=0 0\n\r\n\n\r\n",
        "v=0\r\no=-\r\nA=\r\nZ=\r\na=\r\nz=\r\n",
        "v=0\r\no=\xc3\xa9\xff\x01 1 1 IN IP4 h\r\n",
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct sdp *sdp = sdp_of(bodies[i]);
        expect_body(sdp, bodies[i]);
        ck_assert_uint_eq(sdp_edit_count(sdp), 0);
        sdp_free(sdp);
    }
}
END_TEST

static void expect_refusal(const char *body, size_t len, unsigned line, const char *text)
{
    struct sdp *untouched = (struct sdp *)1;
    struct sdp *sdp = untouched;
    struct sdp_error error = {0};

    ck_assert_int_eq(sdp_parse(&sdp, body, len, &error), -EINVAL);
    ck_assert_ptr_eq(sdp, untouched);
    ck_assert_str_eq(error.text, text);
    ck_assert_uint_eq(error.line, line);
}

// What an edit could not keep safe is refused, naming line and reason (RFC 8866 5).
START_TEST(strict_where_it_matters)
{
#define FORM "expected a letter and \"=\", got "
    static const struct {
        const char *body;
        unsigned line;
        const char *text;
    } bad[] = {
        {"", 0, "the body is empty"},
        {"\r\n", 1, "line 1: " FORM "\"\""},
        {"v=1\r\no=-\r\n", 1, "line 1: expected v=0, got \"v=1\""},
        {"o=-\r\nv=0\r\n", 1, "line 1: expected v=0, got \"o=-\""},
        {"v=0\r\ns=-\r\n", 0, "no o= line"},
        {"v=0\r\n" FAX "o=-\r\n", 3, "line 3: o= must stand once, before the first m="},
        {"v=0\r\no=-\r\no=-\r\n", 3, "line 3: o= must stand once, before the first m="},
        {HEAD "v=0\r\n", 5, "line 5: a second v= line"},
        {HEAD "nonsense\r\n", 5, "line 5: " FORM "\"nonsense\""},
        {HEAD "=x\r\n", 5, "line 5: " FORM "\"=x\""},
        {HEAD "1=x\r\n", 5, "line 5: " FORM "\"1=x\""},
        {HEAD " a=x\r\n", 5, "line 5: " FORM "\" a=x\""},
        {HEAD "a\r\n", 5, "line 5: " FORM "\"a\""},
        {HEAD "exactly twenty-four chars\r\n", 5,
         "line 5: " FORM "\"exactly twenty-four char...\""},
        {HEAD "exactly twenty-four char\r\n", 5, "line 5: " FORM "\"exactly twenty-four char\""},
        {HEAD "\x1b[31mevil words that go on and on\r\n", 5,
         "line 5: " FORM "\"?[31mevil words that go ...\""},
        {HEAD "\r\na=x\r\n", 5, "line 5: an empty line before other lines"},
        {HEAD "a=x\ra=y\r\n", 5, "line 5: CR without LF"},
        {HEAD "a=x\r\r\n", 5, "line 5: CR without LF"},
        {HEAD "a=x\r", 5, "line 5: CR without LF"},
#define FIELDS "line 5: expected m= with media, port, proto and format, got "
        {HEAD "m=\r\n", 5, FIELDS "\"\""},
        {HEAD "m=image 5004 udptl\r\n", 5, FIELDS "\"image 5004 udptl\""},
        {HEAD "m=image 5004 udptl \r\n", 5, FIELDS "\"image 5004 udptl \""},
#define PORT "line 5: expected a port from 0 to 65535 in m=, got "
        {HEAD "m=image x udptl t38\r\n", 5, PORT "\"image x udptl t38\""},
        {HEAD "m=image 65536 udptl t38\r\n", 5, PORT "\"image 65536 udptl t38\""},
        {HEAD "m=image 99999999999999999999 u t\r\n", 5, PORT "\"image 999999999999999999...\""},
        {HEAD "m=image -1 udptl t38\r\n", 5, PORT "\"image -1 udptl t38\""},
        {HEAD "m=image +1 udptl t38\r\n", 5, PORT "\"image +1 udptl t38\""},
        {HEAD "m=image 5004/ udptl t38\r\n", 5, PORT "\"image 5004/ udptl t38\""},
        {HEAD "m=image 5004/0 udptl t38\r\n", 5, PORT "\"image 5004/0 udptl t38\""},
        {HEAD "m=image /2 udptl t38\r\n", 5, PORT "\"image /2 udptl t38\""},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_refusal(bad[i].body, strlen(bad[i].body), bad[i].line, bad[i].text);
    expect_refusal("v=0\r\no=a\0b\r\n", 12, 2, "line 2: a zero byte");
}
END_TEST

// Repeats line until the body has that many of them; the caller frees.
static char *body_of(const char *line, size_t count, const char *tail)
{
    char *body = malloc(sizeof(HEAD) + count * strlen(line) + strlen(tail));
    char *at = stpcpy(body, HEAD);

    while (count-- > 0)
        at = stpcpy(at, line);
    stpcpy(at, tail);
    return body;
}

// A body whose last line has so many bytes.
static char *long_body(size_t len)
{
    char *body = body_of("=", len, "\r\n");

    body[strlen(HEAD)] = 'a';
    return body;
}

// The named bounds hold to the line and to the byte.
START_TEST(bounds)
{
    static const struct {
        const char *line;
        size_t most;
        const char *text;
    } cases[] = {
        {"a=x\r\n", SDP_LINES_MAX - 4, "line 1025: more than 1024 lines"},
        {"\n", SDP_LINES_MAX - 4, "line 1025: more than 1024 lines"},
        {FAX, SDP_MEDIA_MAX, "line 69: more than 64 m= lines"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *most = body_of(cases[i].line, cases[i].most, "");
        char *more = body_of(cases[i].line, cases[i].most, cases[i].line);
        struct sdp *sdp = sdp_of(most);
        expect_body(sdp, most);
        expect_refusal(more, strlen(more), (unsigned)atoi(cases[i].text + 5), cases[i].text);
        sdp_free(sdp);
        free(most);
        free(more);
    }
    char *longest = long_body(SDP_LINE_MAX);
    sdp_free(sdp_of(longest));
    free(longest);
    static const size_t lengths[] = {SDP_LINE_MAX + 1, UINT16_MAX, UINT16_MAX + 1, UINT16_MAX + 3};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char *longer = long_body(lengths[i]);
        expect_refusal(longer, strlen(longer), 5, "line 5: longer than 4096 bytes");
        free(longer);
    }
}
END_TEST

// --- m=, o=, c= ---------------------------------------------------------------------------------

// m= in parts (RFC 8866 5.14); port 0 and port 9 are ports like others here; proto compares without
// case (REQ-014).
START_TEST(media_lines)
{
    struct sdp *sdp = sdp_of(HEAD FAX "m=video 49170/2 RTP/AVP 31 32\r\na=x\r\n"
                                      "m=image 0 Udptl  t38 \r\nm=message 9 TCP/TLS/MSRP *\r\n");
    struct sdp_media fax = sdp_media(sdp, 0), video = sdp_media(sdp, 1);
    struct sdp_media refused = sdp_media(sdp, 2), active = sdp_media(sdp, 3);

    ck_assert_uint_eq(sdp_media_count(sdp), 4);
    expect_text(fax.media, "image");
    ck_assert_uint_eq(fax.port, 5004);
    ck_assert_uint_eq(fax.port_count, 1);
    expect_text(fax.proto, "UDP/TLS/UDPTL");
    expect_text(fax.fmt, "t38");
    ck_assert_uint_eq(video.port, 49170);
    ck_assert_uint_eq(video.port_count, 2);
    expect_text(video.fmt, "31 32");
    ck_assert_uint_eq(refused.port, 0);
    ck_assert(sdp_text_is(refused.proto, "UDPTL"));
    ck_assert(!sdp_text_is(refused.proto, "UDPT"));
    ck_assert(!sdp_text_is(refused.proto, "UDPTLS"));
    expect_text(refused.fmt, "t38");
    ck_assert_uint_eq(active.port, 9);
    expect_text(active.fmt, "*");
    sdp_free(sdp);
}
END_TEST

// A section that does not exist has no lines, and a media line that does not exist is empty.
START_TEST(no_such_section)
{
    struct sdp *sdp = sdp_of(HEAD "a=x\r\n" FAX);

    ck_assert(!sdp_has_line(sdp, 1, 'm'));
    ck_assert(!sdp_has_line(sdp, -2, 'v'));
    ck_assert(!sdp_attribute(sdp, 1, "x", NULL));
    ck_assert_uint_eq(sdp_media(sdp, 1).port, 0);
    expect_text(sdp_media(sdp, 1).proto, "");
    sdp_free(sdp);
}
END_TEST

// o= is read from its end, because user names with blanks exist (REQ-121 needs the version).
START_TEST(origin)
{
    static const struct {
        const char *body, *username, *session_id, *version, *address;
    } cases[] = {
        {"v=0\no=- 1 2 IN IP4 192.0.2.10\n", "-", "1", "2", "192.0.2.10"},
        {"v=0\no=Jane  Doe 1 2 IN IP6 ::1 \n", "Jane  Doe", "1", "2", "::1"},
        {"v=0\no= 1 2 IN IP4 ue.example.com\n", "", "1", "2", "ue.example.com"},
        {"v=0\no=2 IN IP4 h", "", "", "2", "h"},
        {"v=0\no=\n", "", "", "", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sdp *sdp = sdp_of(cases[i].body);
        struct sdp_origin o = sdp_origin(sdp);
        expect_text(o.username, cases[i].username);
        expect_text(o.session_id, cases[i].session_id);
        expect_text(o.version, cases[i].version);
        expect_text(o.address, cases[i].address);
        sdp_free(sdp);
    }
}
END_TEST

// As long as the buffer for an address.
#define HOST_TOO_LONG "11111111111111111111111111111111111111111111111111111111"
_Static_assert(sizeof(HOST_TOO_LONG) == ADDR_STRLEN + 1, "one byte more than fits with its zero");

// c= counts at media level first, then at session level; TTL and address count are no part of the
// address; names are not resolved (RFC 8866 5.7).
START_TEST(connection)
{
    static const struct {
        const char *session, *media;
        int rc;
        const char *address;
    } cases[] = {
        {"", "", -ENOENT, NULL},
        {"c=IN IP4 192.0.2.1\r\n", "", 0, "192.0.2.1:5004"},
        {"", "c=IN IP4 192.0.2.1\r\n", 0, "192.0.2.1:5004"},
        {"c=IN IP4 192.0.2.1\r\n", "c=IN IP6 2001:db8::1\r\n", 0, "[2001:db8::1]:5004"},
        {"c=IN IP4 192.0.2.1\r\n", "c=IN IP4 ue.example.com\r\n", -EINVAL, NULL},
        {"", "c=IN IP4 224.2.1.1/127\r\n", 0, "224.2.1.1:5004"},
        {"", "c=IN IP4 224.2.1.1/127/3\r\n", 0, "224.2.1.1:5004"},
        {"", "c=IN IP6 ff15::101/3\r\n", 0, "[ff15::101]:5004"},
        {"", "c=IN  IP4\t0.0.0.0 \r\n", 0, "0.0.0.0:5004"},
        {"", "c=IN IP6 192.0.2.1\r\n", -EINVAL, NULL},
        {"", "c=IN IP4 2001:db8::1\r\n", -EINVAL, NULL},
        {"", "c=ATM IP4 192.0.2.1\r\n", -EINVAL, NULL},
        {"", "c=IN IP4\r\n", -EINVAL, NULL},
        {"", "c=\r\n", -EINVAL, NULL},
        {"", "c=IN IP4 /\r\n", -EINVAL, NULL},
        {"", "c=IN IP4 " HOST_TOO_LONG "\r\n", -EINVAL, NULL},
        {"", "c=IN IP4 " HOST_TOO_LONG "1\r\n", -EINVAL, NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[512], text[ADDR_STRLEN];
        struct addr address = {.len = 0};
        snprintf(body, sizeof(body), HEAD "%s" FAX "%s", cases[i].session, cases[i].media);
        struct sdp *sdp = sdp_of(body);
        ck_assert_msg(sdp_connection(sdp, 0, &address) == cases[i].rc, "case %zu", i);
        if (cases[i].address)
            ck_assert_str_eq(addr_format(&address, text), cases[i].address);
        else
            ck_assert(!addr_is_set(&address));
        sdp_free(sdp);
    }
}
END_TEST

// --- attributes ---------------------------------------------------------------------------------

// Names compare exactly, values come byte for byte; the n-th of a name is counted within its
// section (RFC 8866 6).
START_TEST(attributes)
{
    struct sdp *sdp = sdp_of(HEAD "a=tool: x \r\n" FAX "a=setupx:no\r\na=Setup:no\r\na=setup\r\n"
                                  "a=setup:one\r\na=setup:two:2\r\n" FAX "a=setup:three\r\n");
    struct sdp_text value;

    ck_assert(sdp_has_line(sdp, 0, 'a'));
    ck_assert(!sdp_has_line(sdp, 0, 'c'));
    ck_assert(sdp_attribute(sdp, SDP_SESSION, "tool", &value));
    expect_text(value, " x ");
    ck_assert(sdp_attribute_effective(sdp, 1, "tool", &value));
    ck_assert(!sdp_attribute(sdp, 1, "tool", &value));
    ck_assert(sdp_attribute(sdp, 0, "setup", &value));
    expect_text(value, "");
    ck_assert(sdp_attribute_nth(sdp, 0, "setup", 1, &value));
    expect_text(value, "one");
    ck_assert(sdp_attribute_nth(sdp, 0, "setup", 2, &value));
    expect_text(value, "two:2");
    ck_assert(!sdp_attribute_nth(sdp, 0, "setup", 3, &value));
    ck_assert(!sdp_attribute_nth(sdp, 0, "setup", UINT_MAX, &value));
    expect_text(value, "two:2");
    ck_assert(sdp_attribute_nth(sdp, 1, "setup", 0, &value));
    expect_text(value, "three");
    ck_assert(!sdp_attribute(sdp, 0, "set", &value));
    sdp_free(sdp);
}
END_TEST

// T.38 names are met in any mix of cases (RFC 5347 2.5.2).
START_TEST(t38_names_in_any_case)
{
    struct sdp *sdp = sdp_of(HEAD FAX "a=T38maxBitRate:14400\r\na=t38faxfillbitremoval\r\n");
    struct sdp_text value;

    ck_assert(sdp_attribute(sdp, 0, "T38MaxBitRate", &value));
    expect_text(value, "14400");
    ck_assert(sdp_attribute(sdp, 0, "T38FaxFillBitRemoval", &value));
    ck_assert(!sdp_attribute(sdp, 0, "T38FaxVersion", &value));
    sdp_free(sdp);
}
END_TEST

// A view of the first media line of HEAD session FAX media, as an int.
static int viewed(int (*view)(const struct sdp *, size_t), const char *session, const char *media)
{
    char body[512];

    snprintf(body, sizeof(body), HEAD "%s" FAX "%s", session, media);
    struct sdp *sdp = sdp_of(body);
    int value = view(sdp, 0);
    sdp_free(sdp);
    return value;
}

static int setup_of(const struct sdp *sdp, size_t media)
{
    return (int)sdp_setup(sdp, media);
}

// a=setup at session level counts for every line without its own (RFC 4145 4, REQ-120).
START_TEST(setup)
{
    ck_assert_int_eq(viewed(setup_of, "", ""), SDP_SETUP_NONE);
    ck_assert_int_eq(viewed(setup_of, "a=setup:active\r\n", ""), SDP_SETUP_ACTIVE);
    ck_assert_int_eq(viewed(setup_of, "a=setup:active\r\n", "a=setup:passive\r\n"),
                     SDP_SETUP_PASSIVE);
    ck_assert_int_eq(viewed(setup_of, "", "a=setup:actpass\r\n"), SDP_SETUP_ACTPASS);
    ck_assert_int_eq(viewed(setup_of, "", "a=setup: holdconn \r\n"), SDP_SETUP_HOLDCONN);
    ck_assert_int_eq(viewed(setup_of, "a=setup:active\r\n", "a=setup:\r\n"), SDP_SETUP_UNKNOWN);
    ck_assert_int_eq(viewed(setup_of, "", "a=setup:activepassive\r\n"), SDP_SETUP_UNKNOWN);
    ck_assert_int_eq(viewed(setup_of, "", "a=setup:none\r\n"), SDP_SETUP_UNKNOWN);
    ck_assert_str_eq(sdp_setup_name(SDP_SETUP_ACTPASS), "actpass");
    ck_assert_str_eq(sdp_setup_name(SDP_SETUP_NONE), "none");
}
END_TEST

static int indicator_of(const struct sdp *sdp, size_t media)
{
    return (int)sdp_3ge2ae(sdp, media);
}

// a=3ge2ae is media level only and unknown values are told apart (TS 24.229 7.5.2, REQ-006).
START_TEST(indicator)
{
    ck_assert_int_eq(viewed(indicator_of, "a=3ge2ae:requested\r\n", ""), SDP_3GE2AE_NONE);
    ck_assert_int_eq(viewed(indicator_of, "", "a=3ge2ae:requested\r\n"), SDP_3GE2AE_REQUESTED);
    ck_assert_int_eq(viewed(indicator_of, "", "a=3ge2ae: requested \r\n"), SDP_3GE2AE_REQUESTED);
    ck_assert_int_eq(viewed(indicator_of, "", "a=3ge2ae:applied\r\n"), SDP_3GE2AE_APPLIED);
    ck_assert_int_eq(viewed(indicator_of, "", "a=3ge2ae:wanted\r\n"), SDP_3GE2AE_OTHER);
    ck_assert_int_eq(viewed(indicator_of, "", "a=3ge2ae\r\n"), SDP_3GE2AE_OTHER);
}
END_TEST

static int direction_of(const struct sdp *sdp, size_t media)
{
    return (int)sdp_direction(sdp, media);
}

// Direction: media level, else session level, else sendrecv (RFC 8866 6.7).
START_TEST(direction)
{
    ck_assert_int_eq(viewed(direction_of, "", "a=sendonlyx\r\na=x\r\n"), SDP_SENDRECV);
    ck_assert_int_eq(viewed(direction_of, "a=inactive\r\n", ""), SDP_INACTIVE);
    ck_assert_int_eq(viewed(direction_of, "a=inactive\r\n", "a=x\r\na=sendonly\r\n"), SDP_SENDONLY);
    ck_assert_int_eq(viewed(direction_of, "a=inactive\r\n", "a=sendrecv\r\n"), SDP_SENDRECV);
    ck_assert_int_eq(viewed(direction_of, "", "a=recvonly \r\na=inactive\r\n"), SDP_RECVONLY);
}
END_TEST

// Several fingerprints, a blank after the colon and lower-case hex are taken, malformed ones are
// left out but counted; session level only when the media description has none at all (RFC 8122 5,
// RFC 7345 A.2, REQ-011, REQ-012, REQ-148).
START_TEST(fingerprints)
{
    struct sdp *sdp = sdp_of(HEAD "a=fingerprint: SHA-1 " SHA1 "\r\n" FAX "a=fingerprint:sha-1 "
                                  "4a:ad:b9:b1:3f:82:18:3b:54:02:12:df:3e:5d:49:6b:19:e5:7c:ab\r\n"
                                  "a=fingerprint:SHA-256 " SHA1 "\r\n"
                                  "a=fingerprint:  X-HASH 01:02 \r\n" FAX FAX "a=fingerprint:\r\n");
    struct fingerprints found;
    char text[FINGERPRINT_STRLEN];

    ck_assert_uint_eq(sdp_fingerprints(sdp, 0, &found), 3);
    ck_assert_uint_eq(found.count, 2);
    ck_assert_str_eq(fingerprint_format(&found.list[0], text), "SHA-1 " SHA1);
    ck_assert_str_eq(found.list[1].hash, "X-HASH");
    ck_assert_uint_eq(sdp_fingerprints(sdp, 1, &found), 1);
    ck_assert_str_eq(fingerprint_format(&found.list[0], text), "SHA-1 " SHA1);
    ck_assert_uint_eq(sdp_fingerprints(sdp, 2, &found), 1);
    ck_assert_uint_eq(found.count, 0);
    sdp_free(sdp);
}
END_TEST

// More fingerprints than the table holds are counted, not kept.
START_TEST(too_many_fingerprints)
{
    char *body = body_of("a=fingerprint:SHA-1 " SHA1 "\r\n", FINGERPRINTS_MAX + 3, FAX);
    struct sdp *sdp = sdp_of(body);
    struct fingerprints found;

    ck_assert_uint_eq(sdp_fingerprints(sdp, 0, &found), FINGERPRINTS_MAX + 3);
    ck_assert_uint_eq(found.count, FINGERPRINTS_MAX);
    sdp_free(sdp);
    free(body);
}
END_TEST

static const char *identity_name(const char *session, const char *media, char *value, size_t size)
{
    char body[1024];
    const char *name = "none";
    struct sdp_text found = {"", 0};

    snprintf(body, sizeof(body), HEAD "%s" FAX "%s", session, media);
    struct sdp *sdp = sdp_of(body);
    bool any = sdp_identity(sdp, 0, &name, &found);
    snprintf(value, size, "%.*s", (int)found.len, found.at);
    sdp_free(sdp);
    ck_assert(any == (strcmp(name, "none") != 0));
    return name;
}

// The identity is media level only, under either name and any grammar it ever had (RFC 8842 4;
// values like those of RFC 8856 11 are in the field).
START_TEST(identity)
{
    char value[300], line[400], longest[IDENTITY_LONGEST + 2];

    ck_assert_str_eq(identity_name("a=tls-id:abc3dl\r\n", "", value, sizeof(value)), "none");
    ck_assert_str_eq(identity_name("", "a=tls-id:abc3dl\r\n", value, sizeof(value)), "tls-id");
    ck_assert_str_eq(value, "abc3dl");
    ck_assert_str_eq(identity_name("", "a=tls-id:a\r\na=dtls-id: 0aA+/-_zZ9 \r\n", value, 300),
                     "dtls-id");
    ck_assert_str_eq(value, "0aA+/-_zZ9");
    ck_assert_str_eq(identity_name("", "a=tls-id:a\r\na=dtls-id:\r\n", value, 300), "tls-id");
    ck_assert_str_eq(identity_name("", "a=dtls-id:a b\r\n", value, sizeof(value)), "none");
    ck_assert_str_eq(identity_name("", "a=dtls-id:\"a\"\r\n", value, sizeof(value)), "none");

    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    snprintf(line, sizeof(line), "a=dtls-id:%s\r\n", longest);
    ck_assert_str_eq(identity_name("", line, value, sizeof(value)), "none");
    snprintf(line, sizeof(line), "a=dtls-id:%s\r\n", longest + 1);
    ck_assert_str_eq(identity_name("", line, value, sizeof(value)), "dtls-id");
}
END_TEST

// --- bandwidth ----------------------------------------------------------------------------------

// b= by exact type and section; what is no number is not there (RFC 8866 5.8).
START_TEST(bandwidth)
{
    struct sdp *sdp = sdp_of(HEAD "b=CT:512\r\n" FAX "b=as:1\r\nb=ASX:2\r\nb=AS:60\r\nb=AS:70\r\n"
                                  "b=TIAS:18446744073709551615\r\nb=RS:18446744073709551616\r\n"
                                  "b=RR:-1\r\nb=X:\r\nb=Y\r\nb=Z:6.5\r\nb=W: 7 \r\n");
    uint64_t value = 99;

    ck_assert(sdp_bandwidth(sdp, SDP_SESSION, "CT", &value));
    ck_assert_uint_eq(value, 512);
    ck_assert(!sdp_bandwidth(sdp, 0, "CT", &value));
    ck_assert(sdp_bandwidth(sdp, 0, "AS", &value));
    ck_assert_uint_eq(value, 60);
    ck_assert(sdp_bandwidth(sdp, 0, "TIAS", &value));
    ck_assert(value == UINT64_MAX);
    static const char *const bad[] = {"RS", "RR", "X", "Y", "Z", "V"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!sdp_bandwidth(sdp, 0, bad[i], &value), "%s", bad[i]);
    ck_assert(value == UINT64_MAX);
    ck_assert(sdp_bandwidth(sdp, 0, "W", &value));
    ck_assert_uint_eq(value, 7);
    sdp_free(sdp);
}
END_TEST

// packet-rate = 1*DIGIT ["." 1*DIGIT] (RFC 3890 6.4, REQ-096).
START_TEST(maxprate)
{
    static const struct {
        const char *session, *media;
        bool there;
        double rate;
    } cases[] = {
        {"", "", false, 0},
        {"a=maxprate:50\r\n", "", true, 50},
        {"a=maxprate:50\r\n", "a=maxprate:33.25\r\n", true, 33.25},
        {"", "a=maxprate: 0.509 \r\n", true, 0.509},
        {"", "a=maxprate:1000000.999\r\n", true, 1000000.999},
        {"", "a=maxprate:1000001\r\n", false, 0},
        {"", "a=maxprate:.5\r\n", false, 0},
        {"", "a=maxprate:5.\r\n", false, 0},
        {"", "a=maxprate:5.5.5\r\n", false, 0},
        {"", "a=maxprate:5,5\r\n", false, 0},
        {"", "a=maxprate:1e3\r\n", false, 0},
        {"", "a=maxprate:-1\r\n", false, 0},
        {"", "a=maxprate\r\n", false, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[512];
        double rate = 0;
        snprintf(body, sizeof(body), HEAD "%s" FAX "%s", cases[i].session, cases[i].media);
        struct sdp *sdp = sdp_of(body);
        ck_assert_msg(sdp_maxprate(sdp, 0, &rate) == cases[i].there, "case %zu", i);
        ck_assert_double_eq_tol(rate, cases[i].rate, 1e-9);
        sdp_free(sdp);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sdp");
    TCase *tc = tcase_create("sdp");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, lenient_and_exact);
    tcase_add_test(tc, strict_where_it_matters);
    tcase_add_test(tc, bounds);
    tcase_add_test(tc, media_lines);
    tcase_add_test(tc, no_such_section);
    tcase_add_test(tc, origin);
    tcase_add_test(tc, connection);
    tcase_add_test(tc, attributes);
    tcase_add_test(tc, t38_names_in_any_case);
    tcase_add_test(tc, setup);
    tcase_add_test(tc, indicator);
    tcase_add_test(tc, direction);
    tcase_add_test(tc, fingerprints);
    tcase_add_test(tc, too_many_fingerprints);
    tcase_add_test(tc, identity);
    tcase_add_test(tc, bandwidth);
    tcase_add_test(tc, maxprate);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
