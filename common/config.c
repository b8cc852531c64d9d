// SPDX-License-Identifier: GPL-3.0-or-later
// Reading the file, in order: the whole file into memory; libyaml makes a tree of it; the tree is
// checked against the schema; libcyaml loads it; what it says is laid over the defaults; addresses
// are parsed; values that must fit each other are compared.
//
// Failures: each step ends with one sentence in error and leaves *cfg untouched. The steps before
// libcyaml find all that it could refuse, so its own message is the last resort.
#include "common/config_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A pair of ports for RTP and RTCP begins at an even one: it fits wherever the range begins.
#define PORTS_LEAST 4

// --- the file -------------------------------------------------------------------------------

static int read_fault(const char *path, const char *why, char *error)
{
    snprintf(error, CONFIG_ERROR_MAX, "%s: cannot be read: %s", path, why);
    return -EINVAL;
}

// The whole file in *text, for the caller to free.
static int read_file(const char *path, char **text, size_t *len, char *error)
{
    FILE *f = fopen(path, "rb");
    int rc = -EINVAL;

    *text = NULL;
    if (f == NULL)
        return read_fault(path, strerror(errno), error);
    *text = malloc(CONFIG_FILE_MAX + 1);
    if (*text == NULL) {
        read_fault(path, strerror(ENOMEM), error);
        goto out;
    }
    *len = fread(*text, 1, CONFIG_FILE_MAX + 1, f);
    if (ferror(f))
        read_fault(path, strerror(errno), error);
    else if (*len > CONFIG_FILE_MAX)
        read_fault(path, "larger than 1 MiB", error);
    else
        rc = 0;
out:
    fclose(f);
    return rc;
}

// --- addresses ------------------------------------------------------------------------------
// All texts have passed their rules: they parse.

static void take_side(struct config_side *side, const struct file_side *text)
{
    if (text->listen_count > 0)
        side->listen_count = text->listen_count;
    for (unsigned i = 0; i < text->listen_count; i++)
        addr_parse_hostport(&side->listen[i], text->listen[i]);
    if (text->media_count > 0)
        side->realm.media_v4 = side->realm.media_v6 = (struct addr){.len = 0};
    for (unsigned i = 0; i < text->media_count; i++) {
        struct addr a;
        addr_parse(&a, text->media[i], 0);
        *(addr_family(&a) == AF_INET ? &side->realm.media_v4 : &side->realm.media_v6) = a;
    }
}

static void take_advertised(struct config_side *side, const struct file_side *text)
{
    if (text->advertise[0] != '\0')
        config_advertised(text->advertise, side->advertise, &side->advertise_port);
    for (unsigned i = 0; i < text->media_advertise_count; i++) {
        struct addr a;
        addr_parse(&a, text->media_advertise[i], 0);
        *(addr_family(&a) == AF_INET ? &side->realm.shown_v4 : &side->realm.shown_v6) = a;
    }
}

static void take_tls(struct config_tls *tls, const struct file *file)
{
    tls->listen_count = file->tls_listen_count;
    for (unsigned i = 0; i < file->tls_listen_count; i++)
        addr_parse_hostport(&tls->listen[i], file->tls_listen[i]);
}

static void take_trusted(struct config *cfg, const struct file *file)
{
    for (unsigned i = 0; i < file->trusted_count; i++)
        addr_prefix_parse(&cfg->trusted[i], file->trusted[i]);
    cfg->trusted_count = file->trusted_count;
}

static void take_ues(struct config *cfg, const struct file *file, struct config_tree *tree)
{
    for (unsigned i = 0; i < file->ues_count; i++) {
        struct config_ue *ue = &cfg->ues[i];
        char path[32];
        snprintf(path, sizeof(path), "ues[%u].mechanisms", i);
        memcpy(ue->user, file->ues[i].user, sizeof(ue->user));
        if (file->ues[i].contact[0] != '\0')
            addr_parse_hostport(&ue->contact, file->ues[i].contact);
        ue->decided = config_tree_has(tree, path);
        ue->mediasec = file->ues[i].mechanisms;
    }
    cfg->ue_count = file->ues_count;
}

// "" keeps the default; the word, or port 0 for admin, means none.
static void take_optional(struct addr *out, const char *text, const char *none)
{
    if (strcmp(text, none) == 0)
        *out = (struct addr){.len = 0};
    else if (text[0] != '\0')
        addr_parse_hostport(out, text);
}

static void take_next_hop(struct config *cfg, const char *text)
{
    const char *scheme = "sip:";
    const char *address = strncmp(text, scheme, strlen(scheme)) == 0 ? text + strlen(scheme) : text;

    if (text[0] == '\0')
        return;
    cfg->next_hop = (struct addr){.len = 0};
    if (strcmp(text, "request-uri") != 0 && addr_parse_hostport(&cfg->next_hop, address) != 0)
        config_name_port(text, cfg->next_hop_name, &cfg->next_hop_port);
}

static void take_servers(struct config *cfg, const struct file *file)
{
    cfg->dns.server_count = file->dns_servers_count;
    for (unsigned i = 0; i < file->dns_servers_count; i++)
        addr_parse_hostport(&cfg->dns.servers[i], file->dns_servers[i]);
}

static void take_texts(struct config *cfg, const struct file *file, struct config_tree *tree)
{
    take_side(&cfg->access, &file->access);
    take_side(&cfg->core, &file->core);
    take_advertised(&cfg->access, &file->access);
    take_advertised(&cfg->core, &file->core);
    take_tls(&cfg->access_tls, file);
    take_trusted(cfg, file);
    take_next_hop(cfg, file->next_hop);
    take_servers(cfg, file);
    take_optional(&cfg->admin, file->admin, "off");
    if (file->hep[0] != '\0')
        take_optional(&cfg->trace.hep, config_hep_address(file->hep), "off");
    take_ues(cfg, file, tree);
    if (file->overhead[0] != '\0')
        cfg->t38.overhead_override = file->overhead[0] == 'a' ? -1 : atoi(file->overhead);
}

// --- values that must fit each other --------------------------------------------------------

static int check_ports(struct config_tree *tree, const struct config_realm *realm, const char *path,
                       char *error)
{
    if (realm->port_max >= realm->port_min + PORTS_LEAST - 1)
        return 0;
    return config_tree_fault(tree, error, path,
                             "expected min to max to be at least %d ports, got %u-%u", PORTS_LEAST,
                             realm->port_min, realm->port_max);
}

static int check_families(struct config_tree *tree, char (*text)[CONFIG_ADDR_MAX], unsigned count,
                          const char *path, char *error)
{
    struct addr a[CONFIG_MEDIA_MAX];

    for (unsigned i = 0; i < count; i++)
        addr_parse(&a[i], text[i], 0);
    if (count < 2 || addr_family(&a[0]) != addr_family(&a[1]))
        return 0;
    return config_tree_fault(tree, error, path,
                             "expected one address per family, got \"%s\" and \"%s\"", text[0],
                             text[1]);
}

static int check_media(struct config_tree *tree, struct file_side *side, const char *name,
                       char *error)
{
    char path[32];

    snprintf(path, sizeof(path), "%s.media", name);
    int rc = check_families(tree, side->media, side->media_count, path, error);
    snprintf(path, sizeof(path), "%s.media_advertise", name);
    return rc != 0 ? rc
                   : check_families(tree, side->media_advertise, side->media_advertise_count, path,
                                    error);
}

// One port cannot stand for two listening points.
static int check_advertised(struct config_tree *tree, const struct config_side *side,
                            const char *path, char *error)
{
    if (side->advertise_port == 0 || side->listen_count == 1)
        return 0;
    return config_tree_fault(tree, error, path,
                             "expected no port beside several listening points, got %u",
                             side->advertise_port);
}

static bool same_host(const struct addr *a, const struct addr *b)
{
    return addr_is_set(a) && addr_equal_host(a, b);
}

// Two realms on one address must not take each other's ports.
static int check_overlap(struct config_tree *tree, const struct config *cfg, char *error)
{
    const struct config_realm *a = &cfg->access.realm, *c = &cfg->core.realm;
    bool core_given = config_tree_has(tree, "core.ports");

    if (!same_host(&a->media_v4, &c->media_v4) && !same_host(&a->media_v6, &c->media_v6))
        return 0;
    if (a->port_max < c->port_min || c->port_max < a->port_min)
        return 0;
    return config_tree_fault(tree, error, core_given ? "core.ports" : "access.ports",
                             "expected no overlap on one media address, got access %u-%u and core "
                             "%u-%u",
                             a->port_min, a->port_max, c->port_min, c->port_max);
}

// The n-th listening point of all together; NULL past the end.
static const struct addr *listen_at(const struct config *cfg, size_t n, char path[static 32])
{
    const struct {
        const char *name;
        const struct addr *listen;
        size_t count;
    } lists[] = {{"access", cfg->access.listen, cfg->access.listen_count},
                 {"access.tls", cfg->access_tls.listen, cfg->access_tls.listen_count},
                 {"core", cfg->core.listen, cfg->core.listen_count}};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        snprintf(path, 32, "%s.listen[%zu]", lists[i].name, n);
        if (n < lists[i].count)
            return &lists[i].listen[n];
        n -= lists[i].count;
    }
    return NULL;
}

static int check_listen(struct config_tree *tree, const struct config *cfg, char *error)
{
    char path[32], earlier[32], text[ADDR_STRLEN];
    const struct addr *a, *b;

    for (size_t i = 0; (a = listen_at(cfg, i, path)) != NULL; i++)
        for (size_t k = 0; k < i; k++) {
            b = listen_at(cfg, k, earlier);
            if (addr_equal(a, b))
                return config_tree_fault(tree, error, path,
                                         "expected another address than %s, got %s again", earlier,
                                         addr_format(a, text));
        }
    return 0;
}

static int check_tls(struct config_tree *tree, const struct config *cfg, char *error)
{
    const struct config_tls *tls = &cfg->access_tls;

    if ((tls->certificate[0] == '\0') == (tls->key[0] == '\0'))
        return 0;
    return config_tree_fault(tree, error, "access.tls",
                             "expected certificate and key, or neither of them");
}

static int check_ues(struct config_tree *tree, const struct config *cfg, char *error)
{
    char path[32];

    for (size_t i = 0; i < cfg->ue_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(cfg->ues[i].user, cfg->ues[k].user) == 0) {
                snprintf(path, sizeof(path), "ues[%zu].user", i);
                return config_tree_fault(tree, error, path,
                                         "expected each user once, got \"%s\" again",
                                         cfg->ues[i].user);
            }
    return 0;
}

static int check_timers(struct config_tree *tree, const struct config *cfg, char *error)
{
    bool given = config_tree_has(tree, "agw.retransmit_ms");

    if (cfg->agw.retransmit_ms < cfg->agw.handshake_timeout_ms)
        return 0;
    return config_tree_fault(tree, error, given ? "agw.retransmit_ms" : "agw.handshake_timeout_ms",
                             "expected retransmit_ms to be less than handshake_timeout_ms, got %u "
                             "and %u",
                             cfg->agw.retransmit_ms, cfg->agw.handshake_timeout_ms);
}

// Whoever is not on this machine has to prove who he is.
static int check_admin(struct config_tree *tree, const struct config *cfg, char *error)
{
    char text[ADDR_STRLEN];

    if (!addr_is_set(&cfg->admin) || addr_is_loopback(&cfg->admin) || cfg->admin_token[0] != '\0')
        return 0;
    return config_tree_fault(tree, error, "admin.listen",
                             "expected a loopback address, or admin.token beside it, got \"%s\"",
                             addr_format(&cfg->admin, text));
}

static int check_together(struct config_tree *tree, const struct config *cfg, struct file *file,
                          char *error)
{
    int rc = check_ports(tree, &cfg->access.realm, "access.ports", error);

    rc = rc != 0 ? rc : check_ports(tree, &cfg->core.realm, "core.ports", error);
    rc = rc != 0 ? rc : check_media(tree, &file->access, "access", error);
    rc = rc != 0 ? rc : check_media(tree, &file->core, "core", error);
    rc = rc != 0 ? rc : check_advertised(tree, &cfg->access, "access.advertise", error);
    rc = rc != 0 ? rc : check_advertised(tree, &cfg->core, "core.advertise", error);
    rc = rc != 0 ? rc : check_overlap(tree, cfg, error);
    rc = rc != 0 ? rc : check_listen(tree, cfg, error);
    rc = rc != 0 ? rc : check_tls(tree, cfg, error);
    rc = rc != 0 ? rc : check_ues(tree, cfg, error);
    rc = rc != 0 ? rc : check_admin(tree, cfg, error);
    return rc != 0 ? rc : check_timers(tree, cfg, error);
}

// --- all of it ------------------------------------------------------------------------------

static const cyaml_config_t cyaml = {.mem_fn = cyaml_mem, .flags = CYAML_CFG_DEFAULT};

// Loads the file over what is in *base.
static int load_over(struct file *base, struct config_tree *tree, const char *text, size_t len,
                     char *error)
{
    cyaml_data_t *loaded = NULL;
    cyaml_err_t err;

    err = cyaml_load_data((const uint8_t *)text, len, &cyaml, &config_schema, &loaded, NULL);
    if (err != CYAML_OK) {
        snprintf(error, CONFIG_ERROR_MAX, "%s: %s", tree->name, cyaml_strerror(err));
        return -EINVAL;
    }
    config_tree_overlay(tree, base, loaded);
    cyaml_free(&cyaml, &config_schema, loaded, 0);
    return 0;
}

// From the text of a file to a configuration.
static int read_text(struct file *base, const char *path, const char *text, size_t len, char *error)
{
    struct config_tree tree;
    int rc = config_tree_load(&tree, path, text, len, error);

    config_defaults(&base->cfg);
    if (rc == 0)
        rc = config_tree_check(&tree, error);
    if (rc == 0)
        rc = load_over(base, &tree, text, len, error);
    if (rc == 0) {
        take_texts(&base->cfg, base, &tree);
        rc = check_together(&tree, &base->cfg, base, error);
    }
    config_tree_free(&tree);
    return rc;
}

int config_load(struct config *cfg, const char *path, char error[static CONFIG_ERROR_MAX])
{
    struct file *base = NULL;
    char *text = NULL;
    size_t len;
    int rc = read_file(path, &text, &len, error);

    if (rc != 0)
        goto out;
    base = calloc(1, sizeof(*base));
    if (base == NULL)
        rc = read_fault(path, strerror(ENOMEM), error);
    else
        rc = read_text(base, path, text, len, error);
    if (rc == 0)
        *cfg = base->cfg;
out:
    free(base);
    free(text);
    return rc;
}

// --- what is allowed but unwise -------------------------------------------------------------

// The ports the kernel gives to sockets that ask for any. Returns false when it does not say.
static bool ephemeral_range(unsigned *first, unsigned *last)
{
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
    char line[64] = "", *end;

    if (f == NULL)
        return false;
    if (fgets(line, sizeof(line), f) == NULL)
        line[0] = '\0';
    fclose(f);
    *first = (unsigned)strtoul(line, &end, 10);
    *last = (unsigned)strtoul(end, NULL, 10);
    return *last != 0;
}

static void warn_ephemeral(const struct config_realm *realm, const char *side)
{
    unsigned first, last;

    if (!ephemeral_range(&first, &last) || realm->port_max < first || realm->port_min > last)
        return;
    log_warn("config",
             "%s.ports %u-%u overlaps the ports %u-%u that the kernel hands out "
             "(net.ipv4.ip_local_port_range): some may be taken",
             side, realm->port_min, realm->port_max, first, last);
}

void config_warn(const struct config *cfg)
{
    warn_ephemeral(&cfg->access.realm, "access");
    warn_ephemeral(&cfg->core.realm, "core");
}
