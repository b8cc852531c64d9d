// SPDX-License-Identifier: GPL-3.0-or-later
// REGISTER of a UE.
//
// Happy path: REGISTER with Security-Client, 401 (its Security-Server is kept), REGISTER with
// credentials and Security-Verify, 200. Without a challenge the first one is the last.
// Failure: any other answer, or a second challenge, is handed on as it is.

#define NTA_LEG_MAGIC_T struct sip
#define NTA_OUTGOING_MAGIC_T struct sip
#include "tests/ua/ua_sip_internal.h"

#include "common/random.h"
#include "common/strbuf.h"
#include "tests/ua/ua_digest.h"

#include <errno.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CNONCE_LEN 16
// One REGISTER answers one challenge: the count of a nonce never goes on.
#define NONCE_COUNT "00000001"

static int send_register(struct sip *sip, const char *authorization);

// A parameter of a challenge without its quotes, in home; "" when it is not there.
static const char *parameter(su_home_t *home, sip_www_authenticate_t const *challenge,
                             const char *name)
{
    const char *value = msg_params_find((msg_param_t const *)challenge->au_params, name);
    size_t len = value ? strlen(value) : 0;

    if (len >= 2 && value[0] == '"')
        return su_strndup(home, value + 1, (isize_t)len - 2);
    return value ? value : "";
}

// Of a list "auth,auth-int" the one that is served.
static const char *quality(const char *offered)
{
    return strstr(offered, "auth") ? "auth" : "";
}

static char *credentials(struct sip *sip, su_home_t *home, sip_www_authenticate_t const *challenge)
{
    char cnonce[CNONCE_LEN + 1], response[DIGEST_LEN + 1];
    struct strbuf out = STRBUF_INIT;
    struct digest d = {.user = sip->options.user,
                       .password = sip->options.password,
                       .realm = parameter(home, challenge, "realm="),
                       .nonce = parameter(home, challenge, "nonce="),
                       .method = "REGISTER",
                       .uri = sip->registrar,
                       .qop = quality(parameter(home, challenge, "qop=")),
                       .cnonce = cnonce,
                       .nc = NONCE_COUNT};

    random_alnum(cnonce, sizeof(cnonce));
    if (!digest_response(&d, response))
        return NULL;
    strbuf_printf(&out,
                  "Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
                  "response=\"%s\", algorithm=MD5",
                  d.user, d.realm, d.nonce, d.uri, response);
    if (d.qop[0])
        strbuf_printf(&out, ", qop=%s, nc=%s, cnonce=\"%s\"", d.qop, d.nc, cnonce);
    return strbuf_take(&out);
}

// What Security-Server says is what Security-Verify repeats (RFC 3329 2.3.1).
static void keep_agreement(struct sip *sip, su_home_t *home, sip_t const *response)
{
    struct strbuf all = STRBUF_INIT;

    for (sip_security_server_t const *s = response->sip_security_server; s; s = s->sa_next)
        strbuf_printf(&all, "%s%s", all.len ? ", " : "",
                      sip_header_as_string(home, (sip_header_t const *)s));
    free(sip->agreement);
    sip->agreement = strbuf_take(&all);
}

static bool answer_challenge(struct sip *sip, sip_t const *response)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    char *authorization = NULL;

    if (response->sip_www_authenticate && sip->options.password && !sip->challenged)
        authorization = credentials(sip, home, response->sip_www_authenticate);
    su_home_deinit(home);
    if (!authorization)
        return false;
    sip->challenged = true;
    int rc = send_register(sip, authorization);
    free(authorization);
    return rc == 0;
}

static int on_registered(struct sip *sip, nta_outgoing_t *orq, sip_t const *response)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};
    int status = nta_outgoing_status(orq);

    if (status < 200 || orq != sip->registration)
        return 0;
    if (response && response->sip_security_server)
        keep_agreement(sip, home, response);
    su_home_deinit(home);
    if (status == 401 && response && answer_challenge(sip, response))
        return 0;
    sip->user.on_register(sip->user.arg, status,
                          response ? response->sip_status->st_phrase : "no answer",
                          sip->agreement ? sip->agreement : "");
    return 0;
}

static int send_register(struct sip *sip, const char *authorization)
{
    const char *client = sip->options.mediasec;
    const char *verify = client && sip->agreement && sip->agreement[0] ? sip->agreement : NULL;
    char expires[16];

    snprintf(expires, sizeof(expires), "%u", sip->options.expires_s);
    if (sip->registration)
        nta_outgoing_destroy(sip->registration);
    sip->registration = nta_outgoing_tcreate(
        sip->register_leg, on_registered, sip, NULL, SIP_METHOD_REGISTER,
        URL_STRING_MAKE(sip->registrar), TAG_IF(sip->route[0], SIPTAG_ROUTE_STR(sip->route)),
        SIPTAG_CONTACT_STR(sip->contact), SIPTAG_EXPIRES_STR(expires), SIPTAG_SUPPORTED_STR("path"),
        TAG_IF(client, SIPTAG_SECURITY_CLIENT_STR(client)),
        TAG_IF(client, SIPTAG_REQUIRE_STR("mediasec")),
        TAG_IF(client, SIPTAG_PROXY_REQUIRE_STR("mediasec")),
        TAG_IF(verify, SIPTAG_SECURITY_VERIFY_STR(verify)),
        TAG_IF(authorization, SIPTAG_AUTHORIZATION_STR(authorization)), TAG_END());
    return sip->registration ? 0 : -EIO;
}

int sip_register(struct sip *sip)
{
    const char *domain = strchr(sip->options.identity, '@');

    snprintf(sip->registrar, sizeof(sip->registrar), "sip:%s", domain ? domain + 1 : sip->address);
    sip->register_leg =
        nta_leg_tcreate(sip->agent, NULL, NULL, SIPTAG_FROM_STR(sip->options.identity),
                        SIPTAG_TO_STR(sip->options.identity), TAG_END());
    if (!sip->register_leg)
        return -EIO;
    nta_leg_tag(sip->register_leg, NULL);
    return send_register(sip, NULL);
}
