// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_TLS_IDENTITY_H
#define ALG_TLS_IDENTITY_H
// The certificate that the P-CSCF shows to UEs over TLS (TS 33.203 Annex O). The SIP stack reads it
// once, when it begins to listen, from a folder of its own making; the folder is private and goes
// as soon as it was read.

#include "common/config.h"

struct tls_identity {
    char folder[CONFIG_NAME_MAX]; // "": none
};

// Makes the folder from the files of cfg, or from a certificate made on the spot when none is
// named; what it made or read is logged with its fingerprint. 0, or a negative errno with a
// sentence in error: a file that cannot be read, is no certificate or key, or a pair that does not
// belong together.
int tls_identity_make(struct tls_identity *id, const struct config_tls *cfg,
                      char error[static CONFIG_ERROR_MAX]);
// Removes the folder. May be called twice.
void tls_identity_remove(struct tls_identity *id);

#endif
