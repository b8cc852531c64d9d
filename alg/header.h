// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_HEADER_H
#define ALG_HEADER_H
// Header fields that the message class leaves unparsed, by name. New values live in the message's
// own memory.

#include "alg/sofia.h"

// The first field of this name behind `after` (NULL: of all). NULL: there is none.
sip_unknown_t *header_find(const sip_t *sip, const char *name, const sip_unknown_t *after);
// Its value; NULL: it is not there.
const char *header_value(const sip_t *sip, const char *name);
// Appends a field. 0 or -ENOMEM.
int header_add(msg_t *msg, sip_t *sip, const char *name, const char *value);
// Gives a field another value where it stands. 0 or -ENOMEM.
int header_set(msg_t *msg, sip_unknown_t *field, const char *value);
void header_remove(msg_t *msg, sip_t *sip, sip_unknown_t *field);

#endif
