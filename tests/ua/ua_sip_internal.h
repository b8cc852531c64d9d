// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_SIP_INTERNAL_H
#define UA_SIP_INTERNAL_H
// What the agent and the dialogs know of each other.

#include "tests/ua/ua_sip.h"

#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sip.h>

#define SIP_TEXT_MAX 256
#define NONCE_LEN 20

struct sip {
    struct sip_options options;
    struct sip_user user;
    nta_agent_t *agent;
    nta_leg_t *default_leg;
    nta_outgoing_t *registration;
    nta_leg_t *register_leg;
    bool challenged;           // one 401 was answered
    char *agreement;           // Security-Server as it came; NULL: none
    char nonce[NONCE_LEN + 1]; // of our challenge; "": none yet
    char address[ADDR_STRLEN];
    char contact[SIP_TEXT_MAX];   // "<sip:user@address>"
    char route[SIP_TEXT_MAX];     // "<sip:proxy;lr>", or the Path of who registered here; "": none
    char registrar[SIP_TEXT_MAX]; // Request-URI of REGISTER
};

// An INVITE outside any dialog. Returns what a nta request callback returns.
int dialog_incoming(struct sip *sip, nta_incoming_t *irq, sip_t const *request);

// A REGISTER for the registrar. Likewise.
int registrar_incoming(struct sip *sip, nta_incoming_t *irq, sip_t const *request);

#endif
