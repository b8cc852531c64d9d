// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: the priority string becomes a shared priority cache, the worst suite in it gives the
// overhead, the key log is opened if the configuration asks for one.
// Failure paths: GnuTLS refuses the string, the key log cannot be opened: said in the log, and what
// was opened is closed. Suites that GnuTLS does not know by name add no overhead.

#include "agw/suites.h"

#include "agw/keylog.h"
#include "common/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

// RFC 9325 4.1: finite-field Diffie-Hellman has 2048 bits at least.
#define DH_BITS_MIN 2048

static unsigned worst_overhead(gnutls_priority_t priority, gnutls_protocol_t version)
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

static int open_keylog(struct suites *suites, const struct suites_policy *policy, const char *path)
{
    int fd = path[0] ? keylog_open(path) : -1;
    if (path[0] && fd < 0) {
        log_error(policy->protocol, "key log %s: %s", path, strerror(-fd));
        return fd;
    }
    suites->keylog_fd = fd;
    return 0;
}

int suites_open(struct suites *suites, const struct suites_policy *policy, const struct config *cfg)
{
    const char *priority = cfg->agw.legacy_suites ? policy->legacy : policy->strict;
    *suites = (struct suites){.keylog_fd = -1};
    int rc = gnutls_priority_init2(&suites->priority, priority, NULL, 0);
    if (rc < 0) {
        log_error(policy->protocol, "no profile: %s", gnutls_strerror(rc));
        suites->priority = NULL;
        return -EINVAL;
    }
    suites->overhead = worst_overhead(suites->priority, policy->version);
    rc = open_keylog(suites, policy, cfg->agw.keylog);
    if (rc < 0)
        suites_close(suites);
    return rc;
}

void suites_close(struct suites *suites)
{
    if (suites->priority)
        gnutls_priority_deinit(suites->priority);
    if (suites->keylog_fd >= 0)
        close(suites->keylog_fd);
    *suites = (struct suites){.keylog_fd = -1};
}

int suites_apply(const struct suites *suites, gnutls_session_t session,
                 const struct certificate *certificate)
{
    int rc = gnutls_priority_set(session, suites->priority);
    if (rc >= 0)
        rc = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
                                    certificate_credentials(certificate));
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    gnutls_dh_set_prime_bits(session, DH_BITS_MIN);
    return rc;
}
