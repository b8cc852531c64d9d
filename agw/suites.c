// SPDX-License-Identifier: GPL-3.0-or-later
// Goes through all suites of the list. Those that GnuTLS does not know by name add nothing.

#include "agw/suites.h"

unsigned suites_worst_overhead(gnutls_priority_t priority, gnutls_protocol_t version)
{
    unsigned worst = 0, index;
    for (unsigned i = 0;; i++) {
        int rc = gnutls_priority_get_cipher_suite_index(priority, i, &index);
        if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return worst;
        gnutls_cipher_algorithm_t cipher;
        gnutls_mac_algorithm_t mac;
        if (rc < 0 || !gnutls_cipher_suite_info(index, NULL, NULL, &cipher, &mac, NULL))
            continue;
        unsigned overhead =
            (unsigned)gnutls_est_record_overhead_size(version, cipher, mac, GNUTLS_COMP_NULL, 0);
        if (overhead > worst)
            worst = overhead;
    }
}
