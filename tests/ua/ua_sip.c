// SPDX-License-Identifier: GPL-3.0-or-later
// The SIP agent: one address, requests outside dialogs.
//
// Happy path: INVITE opens a dialog, OPTIONS is answered, REGISTER goes to the registrar.
// Failure: an address in use comes back as -EADDRINUSE; requests that belong to nothing get 481,
// unknown methods 405; stray responses are swallowed by nta.

#define NTA_LEG_MAGIC_T struct sip
#define NTA_OUTGOING_MAGIC_T struct sip
#define NTA_AGENT_MAGIC_T struct sip
#include "tests/ua/ua_sip_internal.h"

#include "common/log.h"
#include "common/ssl_mend.h"
#include "tests/ua/ua_cert.h"
#include "tests/ua/ua_pin.h"

#include <errno.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/tport_tag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Never switch a large request from UDP to TCP by itself: --transport decides.
#define UDP_MTU 65535
#define LOG_LINE_MAX 1024 // of Sofia's own messages; longer ones are cut

static int on_request(struct sip *sip, nta_leg_t *leg, nta_incoming_t *irq, sip_t const *request)
{
    switch (request->sip_request->rq_method) {
    case sip_method_invite:
        return dialog_incoming(sip, irq, request);
    case sip_method_ack:
        return 200; // of a call that is no more
    case sip_method_options:
        nta_incoming_treply(irq, SIP_200_OK, SIPTAG_ACCEPT_STR("application/sdp"), TAG_END());
        return 200;
    case sip_method_register:
        if (sip->options.registrar)
            return registrar_incoming(sip, irq, request);
        return 405;
    case sip_method_bye:
    case sip_method_cancel:
    case sip_method_prack:
    case sip_method_update:
        return 481;
    default:
        nta_incoming_treply(irq, SIP_405_METHOD_NOT_ALLOWED,
                            SIPTAG_ALLOW_STR("INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE"),
                            TAG_END());
        return 405;
    }
}

const char *sip_transport_name(enum sip_transport transport)
{
    static const char *const names[] = {"udp", "tcp", "tls"};

    return names[transport];
}

static void note_addresses(struct sip *sip)
{
    static const char *const parameters[] = {"", ";transport=tcp", ";transport=tls"};
    const char *transport = parameters[sip->options.transport];
    const char *user = strchr(sip->options.identity, ':') + 1;
    int user_len = (int)strcspn(user, "@");
    url_t const *own = nta_agent_contact(sip->agent)->m_url;
    struct addr at = sip->options.listen;

    addr_set_port(&at, own->url_port ? (uint16_t)strtoul(own->url_port, NULL, 10) : 5060);
    addr_format(&at, sip->address);
    snprintf(sip->contact, sizeof(sip->contact), "<sip:%.*s@%s%s>", user_len, user, sip->address,
             transport);
    if (addr_is_set(&sip->options.proxy)) {
        char proxy[ADDR_STRLEN];
        snprintf(sip->route, sizeof(sip->route), "<sip:%s%s;lr>",
                 addr_format(&sip->options.proxy, proxy), transport);
    }
}

// nta says little about why an address cannot be had; asking the system first says it all.
static int probe_address(const struct sip_options *options)
{
    int type = options->transport == SIP_UDP ? SOCK_DGRAM : SOCK_STREAM, on = 1;
    int fd = socket(addr_family(&options->listen), type | SOCK_CLOEXEC, 0);
    int rc = 0;

    if (fd < 0)
        return -errno;
    if (type == SOCK_STREAM) // as nta does: a port in TIME_WAIT is free
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, &options->listen.sa, options->listen.len) != 0)
        rc = -errno;
    close(fd);
    return rc;
}

static void on_sofia_log(void *stream, char const *fmt, va_list ap)
{
    char line[LOG_LINE_MAX];
    int len = vsnprintf(line, sizeof(line), fmt, ap);

    if (len > 0 && len < (int)sizeof(line) && line[len - 1] == '\n')
        line[len - 1] = '\0';
    log_debug("sofia", "%s", line);
}

// Where Sofia looks for what it shows over TLS, while it is being opened.
struct folder {
    char path[64], file[80];
};

static int folder_make(struct folder *folder)
{
    struct cert *cert = cert_new();

    snprintf(folder->path, sizeof(folder->path), P_tmpdir "/e2ae-ua-XXXXXX");
    int rc = !cert ? -ENOMEM : mkdtemp(folder->path) ? 0 : -errno;
    snprintf(folder->file, sizeof(folder->file), "%s/agent.pem", folder->path);
    if (rc == 0)
        rc = cert_write(cert, folder->file);
    cert_free(cert);
    return rc;
}

static void folder_remove(const struct folder *folder)
{
    unlink(folder->file);
    rmdir(folder->path);
}

static nta_agent_t *open_agent(su_root_t *root, const struct sip_options *options, const char *url)
{
    struct folder folder = {.path = ""};
    bool tls = options->transport == SIP_TLS;

    if (tls && (ssl_mend_start() != 0 || folder_make(&folder) != 0))
        return NULL;
    nta_agent_t *agent = nta_agent_create(
        root, URL_STRING_MAKE(url), NULL, NULL, NTATAG_UA(1), NTATAG_USE_NAPTR(0),
        NTATAG_USE_SRV(0), NTATAG_UDP_MTU(UDP_MTU), NTATAG_DEBUG_DROP_PROB(options->loss),
        TPTAG_REUSE(1), TAG_IF(tls, TPTAG_CERTIFICATE(folder.path)),
        TAG_IF(options->tls_fingerprint.len, TPTAG_TLS_VERIFY_POLICY(TPTLS_VERIFY_OUT)), TAG_END());
    if (tls)
        folder_remove(&folder);
    return agent;
}

int sip_open(struct sip **out, su_root_t *root, const struct sip_options *options,
             const struct sip_user *user)
{
    struct sip *sip = calloc(1, sizeof(*sip));
    struct addr at = options->listen;
    char text[ADDR_STRLEN], url[SIP_TEXT_MAX];
    uint16_t port = addr_port(&at);
    int rc = sip ? probe_address(options) : -ENOMEM;

    if (rc != 0) {
        free(sip);
        return rc;
    }
    su_log_redirect(NULL, on_sofia_log, NULL);
    pin_set(&options->tls_fingerprint, user->on_other_peer, user->arg);
    sip->options = *options;
    sip->user = *user;
    addr_format(&at, text);
    if (port == 0)
        *strrchr(text, ':') = '\0';
    snprintf(url, sizeof(url), "%s:%s%s;transport=%s",
             options->transport == SIP_TLS ? "sips" : "sip", text, port == 0 ? ":*" : "",
             sip_transport_name(options->transport));
    sip->agent = open_agent(root, options, url);
    if (sip->agent)
        sip->default_leg =
            nta_leg_tcreate(sip->agent, on_request, sip, NTATAG_NO_DIALOG(1), TAG_END());
    if (!sip->default_leg) {
        sip_close(sip);
        return -EADDRINUSE;
    }
    note_addresses(sip);
    *out = sip;
    return 0;
}

void sip_close(struct sip *sip)
{
    if (!sip)
        return;
    if (sip->registration)
        nta_outgoing_destroy(sip->registration);
    if (sip->register_leg)
        nta_leg_destroy(sip->register_leg);
    if (sip->default_leg)
        nta_leg_destroy(sip->default_leg);
    if (sip->agent)
        nta_agent_destroy(sip->agent);
    free(sip->agreement);
    free(sip);
}

const char *sip_address(const struct sip *sip)
{
    return sip->address;
}
