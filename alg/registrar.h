// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_REGISTRAR_H
#define ALG_REGISTRAR_H
// REGISTER through the P-CSCF (TS 24.229 5.2.2, 5.2.5): joins what the messages say (register.h,
// secagree.h) with the table of registrations.

#include "alg/facts.h"
#include "alg/registration.h"
#include "alg/side.h"
#include "alg/sofia.h"
#include "common/config.h"
#include "common/reason.h"

struct registrar;
struct wire;
struct regevents;

// proxy is borrowed; its listening points are open. With registration.store what was registered
// before the restart is registered still. Returns 0 or a negative errno with a sentence in error.
int registrar_open(struct registrar **out, struct proxy *proxy,
                   char error[static CONFIG_ERROR_MAX]);
void registrar_close(struct registrar *registrar); // NULL is allowed
struct registrations *registrar_all(const struct registrar *registrar);
struct regevents *registrar_regevents(const struct registrar *registrar); // NULL: off

// A REGISTER of f came from the access side, as facts say; msg is the copy that goes to the core.
// With a reason it must not be sent; f may have been answered already.
enum reason registrar_request(struct registrar *registrar, struct forward *f,
                              const struct sip_facts *facts, msg_t *msg, sip_t *sip,
                              const char **text);
// A final response to it came; msg is the copy that goes to the UE. NONE or INTERNAL.
enum reason registrar_response(struct registrar *registrar, struct forward *f,
                               const struct sip_facts *facts, msg_t *msg, sip_t *sip);
// Either has been sent: for the trace. Nothing when f is no REGISTER.
void registrar_sent(struct forward *f, enum side to, const struct wire *wire);
// The core has not answered: nothing changes for an earlier registration.
void registrar_unanswered(struct registrar *registrar, struct forward *f);
// Lets go of what f keeps of its REGISTER, if it is one.
void registrar_forget(struct forward *f);

#endif
