// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: certificates and a configuration are written, the program is started in the
// foreground. Failure paths: not installed; a file cannot be written.

#include "tests/bench/peer.h"

#include "tests/bench/bench.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 512
#define CIPHER "ECDHE-ECDSA-AES128-GCM-SHA256"
#define NGINX_MODULE "/usr/lib/nginx/modules/ngx_stream_module.so"

// Where things are, for the configurations.
struct place {
    const char *folder;
    unsigned target;
};

static const struct {
    const char *name, *program, *needs;
} programs[PEERS] = {
    [PEER_HAPROXY] = {"haproxy", "/usr/sbin/haproxy", "/usr/sbin/haproxy"},
    [PEER_NGINX] = {"nginx", "/usr/sbin/nginx", NGINX_MODULE},
    [PEER_STUNNEL] = {"stunnel", "/usr/bin/stunnel", "/usr/bin/stunnel"},
};

const char *peer_name(enum peer peer)
{
    return programs[peer].name;
}

// --- configurations -----------------------------------------------------------------------------

static void configure_haproxy(FILE *f, const struct place *p)
{
    fputs("global\n nbthread 1\n maxconn 4000\ndefaults\n mode tcp\n timeout connect 5s\n"
          " timeout client 60s\n timeout server 60s\n",
          f);
    fprintf(f,
            "frontend f\n bind 127.4.%u.%u:%u ssl crt %s/peer.pem ca-file %s/ue.crt"
            " verify required ssl-min-ver TLSv1.2 ciphers " CIPHER
            " ciphersuites TLS_AES_128_GCM_SHA256 curves P-256 no-tls-tickets\n",
            p->target, HOST_ACCESS, BENCH_PORT_TLS, p->folder, p->folder);
    fprintf(f, " default_backend b\nbackend b\n server s 127.4.%u.%u:%u\n", p->target, HOST_FAR,
            BENCH_PORT_FAR);
}

static void configure_nginx(FILE *f, const struct place *p)
{
    fprintf(f,
            "load_module " NGINX_MODULE ";\ndaemon off; master_process off;\nworker_processes 1;\n"
            "error_log stderr crit; pid %s/nginx.pid;\nevents { worker_connections 4096; }\n",
            p->folder);
    fprintf(f, "stream { server { listen 127.4.%u.%u:%u ssl; proxy_pass 127.4.%u.%u:%u;\n",
            p->target, HOST_ACCESS, BENCH_PORT_TLS, p->target, HOST_FAR, BENCH_PORT_FAR);
    fprintf(f,
            "ssl_certificate %s/peer.pem; ssl_certificate_key %s/peer.pem;\n"
            "ssl_client_certificate %s/ue.crt; ssl_verify_client on;\n"
            "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers " CIPHER "; ssl_ecdh_curve prime256v1;\n"
            "ssl_session_tickets off; ssl_session_cache off; tcp_nodelay on; } }\n",
            p->folder, p->folder, p->folder);
}

static void configure_stunnel(FILE *f, const struct place *p)
{
    fputs("foreground = yes\npid =\ndebug = 2\nsocket = l:TCP_NODELAY=1\n"
          "socket = r:TCP_NODELAY=1\n[x]\n",
          f);
    fprintf(f, "accept = 127.4.%u.%u:%u\nconnect = 127.4.%u.%u:%u\n", p->target, HOST_ACCESS,
            BENCH_PORT_TLS, p->target, HOST_FAR, BENCH_PORT_FAR);
    fprintf(f,
            "cert = %s/peer.pem\nkey = %s/peer.pem\nCAfile = %s/ue.crt\nverifyPeer = yes\n"
            "sslVersionMin = TLSv1.2\nciphers = " CIPHER "\ncurves = prime256v1\n"
            "sessionCacheSize = 1\n",
            p->folder, p->folder, p->folder);
}

static int configure(enum peer peer, const struct place *place, char path[static PATH_SIZE])
{
    static void (*const write[PEERS])(FILE *, const struct place *) = {
        configure_haproxy, configure_nginx, configure_stunnel};
    snprintf(path, PATH_SIZE, "%s/%s.conf", place->folder, programs[peer].name);
    FILE *f = fopen(path, "we");
    if (!f)
        return -errno;
    write[peer](f, place);
    return fclose(f) == 0 ? 0 : -errno;
}

// --- certificates -------------------------------------------------------------------------------

static int write_datum(const char *folder, const char *name, const gnutls_datum_t parts[2])
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "we");
    if (!f)
        return -errno;
    for (int i = 0; i < 2; i++)
        fwrite(parts[i].data, 1, parts[i].size, f);
    return fclose(f) == 0 ? 0 : -errno;
}

// Certificate in PEM, and its key when with_key.
static int write_identity(const struct identity *identity, bool with_key, const char *folder,
                          const char *name)
{
    gnutls_datum_t parts[2] = {{NULL, 0}, {NULL, 0}};
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t *chain = NULL;
    unsigned count = 0;
    int rc = gnutls_certificate_get_x509_crt(identity->credentials, 0, &chain, &count);
    if (rc >= 0)
        rc = gnutls_x509_crt_export2(chain[0], GNUTLS_X509_FMT_PEM, &parts[0]);
    if (rc >= 0 && with_key)
        rc = gnutls_certificate_get_x509_key(identity->credentials, 0, &key);
    if (rc >= 0 && with_key)
        rc = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &parts[1]);
    rc = rc < 0 ? -EINVAL : write_datum(folder, name, parts);
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    gnutls_x509_privkey_deinit(key);
    gnutls_free(parts[0].data);
    gnutls_free(parts[1].data);
    return rc;
}

// --- starting -----------------------------------------------------------------------------------

int peer_start(struct child *child, enum peer peer, unsigned target, const char *folder,
               const struct identity *own, const struct identity *ue)
{
    char path[PATH_SIZE], *real = realpath(folder, NULL);
    char *program = (char *)programs[peer].program;
    int rc = -ENOENT;
    if (access(program, X_OK) < 0 || access(programs[peer].needs, R_OK) < 0 || !real)
        goto out;
    struct place place = {real, target};
    rc = configure(peer, &place, path);
    if (rc == 0)
        rc = write_identity(own, true, real, "peer.pem");
    if (rc == 0)
        rc = write_identity(ue, false, real, "ue.crt");
    if (rc < 0)
        goto out;
    char *const argv[PEERS][8] = {
        [PEER_HAPROXY] = {program, "-db", "-q", "-f", path, NULL},
        [PEER_NGINX] = {program, "-p", real, "-c", path, "-e", "stderr", NULL},
        [PEER_STUNNEL] = {program, path, NULL},
    };
    rc = child_start(child, argv[peer]);
out:
    free(real);
    return rc;
}
