// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_SOFIA_H
#define ALG_SOFIA_H
// Sofia-SIP as the proxy uses it: the types of its callback arguments must be named before its
// headers are read, and the same way everywhere.

struct proxy;
struct forward;
#define NTA_AGENT_MAGIC_T struct proxy
#define NTA_LEG_MAGIC_T struct proxy
#define NTA_INCOMING_MAGIC_T struct forward
#define NTA_OUTGOING_MAGIC_T struct forward

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_stateless.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport.h>
#include <sofia-sip/tport_tag.h>

#endif
