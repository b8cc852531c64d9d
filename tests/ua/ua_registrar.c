// SPDX-License-Identifier: GPL-3.0-or-later
// As much of an S-CSCF as one registered UE needs.
//
// Happy path: REGISTER, 401 with a nonce (when a password is given), REGISTER with the right
// response, 200 with Path, Service-Route and P-Associated-URI (RFC 3327, RFC 3608); from then on
// calls of this side go by the Path. Failure: a wrong response gets another challenge.

#define NTA_INCOMING_MAGIC_T struct sip
#include "tests/ua/ua_sip_internal.h"

#include "common/random.h"
#include "common/strbuf.h"
#include "tests/ua/ua_digest.h"

#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A parameter of the credentials without its quotes.
static const char *parameter(su_home_t *home, sip_authorization_t const *a, const char *name)
{
    const char *value = msg_params_find((msg_param_t const *)a->au_params, name);
    size_t len = value ? strlen(value) : 0;

    if (len >= 2 && value[0] == '"')
        return su_strndup(home, value + 1, (isize_t)len - 2);
    return value ? value : "";
}

static bool is_right(struct sip *sip, su_home_t *home, sip_authorization_t const *a)
{
    char expected[DIGEST_LEN + 1];
    struct digest d = {.user = sip->options.user,
                       .password = sip->options.password,
                       .realm = sip->options.realm,
                       .nonce = sip->nonce,
                       .method = "REGISTER",
                       .uri = parameter(home, a, "uri="),
                       .qop = parameter(home, a, "qop="),
                       .cnonce = parameter(home, a, "cnonce="),
                       .nc = parameter(home, a, "nc=")};

    return sip->nonce[0] && strcmp(parameter(home, a, "username="), d.user) == 0 &&
           strcmp(parameter(home, a, "nonce="), d.nonce) == 0 && digest_response(&d, expected) &&
           strcmp(parameter(home, a, "response="), expected) == 0;
}

static void challenge(struct sip *sip, nta_incoming_t *irq)
{
    char value[SIP_TEXT_MAX];

    random_alnum(sip->nonce, sizeof(sip->nonce));
    snprintf(value, sizeof(value), "Digest realm=\"%s\", nonce=\"%s\", algorithm=MD5, qop=\"auth\"",
             sip->options.realm, sip->nonce);
    nta_incoming_treply(irq, SIP_401_UNAUTHORIZED, SIPTAG_WWW_AUTHENTICATE_STR(value), TAG_END());
}

static const char *joined_path(su_home_t *home, sip_path_t const *path)
{
    struct strbuf all = STRBUF_INIT;

    for (; path; path = path->r_next)
        strbuf_printf(&all, "%s%s", all.len ? ", " : "",
                      sip_header_as_string(home, (sip_header_t const *)path));
    char *text = strbuf_take(&all);
    const char *kept = text ? su_strdup(home, text) : "";
    free(text);
    return kept;
}

static void accept_it(struct sip *sip, su_home_t *home, nta_incoming_t *irq, sip_t const *request)
{
    const char *path = joined_path(home, request->sip_path);
    const char *aor = url_as_string(home, request->sip_to->a_url);
    const char *contact =
        request->sip_contact ? url_as_string(home, request->sip_contact->m_url) : "";
    char expires[16], granted[2 * SIP_TEXT_MAX], service[SIP_TEXT_MAX], associated[SIP_TEXT_MAX];

    snprintf(expires, sizeof(expires), "%lu",
             request->sip_expires ? request->sip_expires->ex_delta : 3600UL);
    snprintf(granted, sizeof(granted), "<%s>;expires=%s", contact, expires);
    snprintf(service, sizeof(service), "<sip:orig@%s;lr>", sip->address);
    snprintf(associated, sizeof(associated), "P-Associated-URI: <%s>", aor);
    nta_incoming_treply(irq, SIP_200_OK, SIPTAG_CONTACT_STR(granted),
                        TAG_IF(path[0], SIPTAG_PATH_STR(path)), SIPTAG_SERVICE_ROUTE_STR(service),
                        SIPTAG_HEADER_STR(associated), TAG_END());
    snprintf(sip->route, sizeof(sip->route), "%s", path);
    sip->user.on_registrar(sip->user.arg, aor, contact, path);
}

int registrar_incoming(struct sip *sip, nta_incoming_t *irq, sip_t const *request)
{
    su_home_t home[1] = {SU_HOME_INIT(home)};

    if (sip->options.password &&
        !(request->sip_authorization && is_right(sip, home, request->sip_authorization)))
        challenge(sip, irq);
    else
        accept_it(sip, home, irq, request);
    su_home_deinit(home);
    return 200;
}
