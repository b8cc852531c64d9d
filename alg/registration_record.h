// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_REGISTRATION_RECORD_H
#define ALG_REGISTRATION_RECORD_H
// An accepted registration as the text of a record that outlives the process, and back.

#include "alg/registration.h"

// local: the address of the listening point of its flow. malloc'ed; NULL: no memory.
char *registration_to_record(const struct registration *r, const struct addr *local);

// Finds the listening point of that address again. False: there is none any more.
typedef bool registration_find_listen(void *arg, const struct addr *local, unsigned *listen);
// Puts it back under its token, for the seconds that are left. A connection is gone with the
// process: such a flow is lost until the UE registers again. 0; -EINVAL: the text is no such
// record; -ENOENT: no such listening point; else as registrations_restore().
int registration_from_record(struct registrations *all, const char *token, const char *text,
                             uint32_t expires_s, uint64_t now_ms, registration_find_listen *find,
                             void *arg);

#endif
