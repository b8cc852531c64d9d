// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_H248_H
#define ALG_H248_H
// How an Iq procedure would look on an operator's wire (TS 29.334), for people who read the trace.
// Package and signal names are a best effort; nothing ever parses this.

#include "agw/agw.h"
#include "common/strbuf.h"

enum h248_command { H248_ADD, H248_MODIFY };

// Each begins with a blank line: what follows is for those who want to see it (trace.h).
void h248_request(struct strbuf *out, unsigned transaction, enum h248_command command,
                  const struct agw_request *request);
void h248_reply(struct strbuf *out, unsigned transaction, enum h248_command command,
                const struct agw_request *request, const struct agw_reply *reply,
                enum reason reason);
void h248_notify(struct strbuf *out, unsigned transaction,
                 const struct agw_notification *notification);

#endif
