// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_PROXY_H
#define ALG_PROXY_H
// The SIP side: a transaction-stateful, record-routing proxy (RFC 3261 16) between the access and
// the core listening points. It forwards what it does not own untouched; what concerns a session it
// hands to session.h and does as told.

#include "agw/agw.h"
#include "common/config.h"

#include <sofia-sip/su_wait.h>
#include <stdbool.h>
#include <uv.h>

struct proxy;
struct registrations;
struct sessions;
struct tap;

// Opens all listening points. cfg, root and loop are borrowed and outlive the proxy. Returns 0 or a
// negative errno with a sentence in error (which address, why); *out untouched.
int proxy_open(struct proxy **out, const struct config *cfg, su_root_t *root, uv_loop_t *loop,
               char error[static CONFIG_ERROR_MAX]);
// Sessions need the AGW, and the AGW wants to report to sessions: it is given afterwards. tap NULL:
// nobody looks on. Both are borrowed. 0 or -ENOMEM.
int proxy_attach_agw(struct proxy *proxy, struct agw *agw, struct tap *tap);
// The callback for agw_open(); arg is the proxy.
void proxy_agw_notification(void *arg, const struct agw_notification *notification);
// Refuses new sessions (503) from now on.
void proxy_drain(struct proxy *proxy);
// Refuses new sessions (503) and releases those that stand.
void proxy_shut_down(struct proxy *proxy);
struct registrations *proxy_registrations(const struct proxy *proxy);
struct sessions *proxy_sessions(const struct proxy *proxy);
bool proxy_shutting_down(const struct proxy *proxy);
// Sessions not ended yet, and own requests without an answer.
unsigned proxy_busy(const struct proxy *proxy);
void proxy_close(struct proxy *proxy); // NULL is allowed

#endif
