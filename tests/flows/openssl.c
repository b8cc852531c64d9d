// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: the openssl command makes a certificate and names its fingerprint. Failure: another
// exit status than 0, or a message without media, fails the test.
#include "tests/flows/openssl.h"

#include "tests/flows/sip.h"

#include <string.h>

static const char *run(struct flow *f, const char *arguments)
{
    struct program *p = program_run(f, "openssl", "openssl", arguments);
    int status = program_wait(p);

    flow_check(f, status == 0, "openssl %s: %d", arguments, status);
    return program_text(p);
}

const char *openssl_certificate(struct flow *f)
{
    run(f, "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 "
           "-subj /CN=ue -keyout key.pem -out cert.pem");
    const char *said = run(f, "x509 -in cert.pem -noout -fingerprint -sha256");
    const char *fingerprint = flow_value(f, said, "Fingerprint=", "Fingerprint=");
    flow_check(f, fingerprint != NULL, "no fingerprint in: %s", said);
    return fingerprint;
}

const char *openssl_wrong(struct flow *f, const char *fingerprint)
{
    return flow_replace(f, fingerprint, flow_copy(f, fingerprint, 2),
                        strncmp(fingerprint, "00", 2) == 0 ? "01" : "00");
}

const char *openssl_peer(struct flow *f, const char *message, const char *type)
{
    const char *body = sip_body(message), *media = strstr(body, "\nm=");
    const char *host = flow_value(f, media ? media : body, "^c=IN IP4 ", "IP4 ");
    const char *line = flow_text(f, "m=%s ", type);
    const char *port = flow_value(f, body, flow_text(f, "^%s", line), line);

    flow_check(f, port != NULL, "no media in:\n%s", message);
    host = host ? host : flow_value(f, body, "^c=IN IP4 ", "IP4 ");
    return flow_text(f, "%s:%s", host, port);
}

struct program *openssl_client(struct flow *f, const char *version, const char *to, unsigned port)
{
    return program_run(f, "s_client", "openssl",
                       flow_text(f,
                                 "s_client -%s -connect %s -bind %s:%u -cert cert.pem -key key.pem",
                                 version, to, flow_host(f, HOST_UE), port));
}

struct program *openssl_server(struct flow *f, const char *version, unsigned port)
{
    struct program *p =
        program_run(f, "s_server", "openssl",
                    flow_text(f, "s_server -%s -accept %s:%u -cert cert.pem -key key.pem -verify 1",
                              version, flow_host(f, HOST_UE), port));
    program_line(p, "^ACCEPT");
    return p;
}
