// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_CONFIG_FILE_H
#define COMMON_CONFIG_FILE_H
// Private to the configuration: the shape of the file (config_schema.c), the file as a tree of
// nodes that know their lines (config_tree.c), and what joins the two (config.c).

#include "common/config.h"

#include <cyaml/cyaml.h>
#include <yaml.h>

// An address as text, before it is parsed.
#define CONFIG_ADDR_MAX 64
// One address per family.
#define CONFIG_MEDIA_MAX 2
// A configuration is a few KiB; what is larger is no configuration.
#define CONFIG_FILE_MAX (1024 * 1024)

struct file_side {
    char listen[CONFIG_LISTEN_MAX][CONFIG_ADDR_MAX];
    unsigned listen_count;
    char media[CONFIG_MEDIA_MAX][CONFIG_ADDR_MAX];
    unsigned media_count;
    char advertise[CONFIG_NAME_MAX + 16];
    char media_advertise[CONFIG_MEDIA_MAX][CONFIG_ADDR_MAX];
    unsigned media_advertise_count;
};

struct file_ue {
    char user[CONFIG_NAME_MAX];
    char contact[CONFIG_ADDR_MAX];
    unsigned mechanisms;
};

// What the file says. Values that need no conversion are loaded straight into cfg; the rest is text
// here. Empty text and a count of 0 mean: not given.
struct file {
    struct config cfg;
    struct file_side access;
    struct file_side core;
    char tls_listen[CONFIG_LISTEN_MAX][CONFIG_ADDR_MAX];
    unsigned tls_listen_count;
    char trusted[CONFIG_TRUSTED_MAX][CONFIG_ADDR_MAX];
    unsigned trusted_count;
    char next_hop[CONFIG_NAME_MAX + 16];
    char dns_servers[CONFIG_DNS_MAX][CONFIG_ADDR_MAX];
    unsigned dns_servers_count;
    char overhead[CONFIG_ADDR_MAX];
    char admin[CONFIG_ADDR_MAX];
    char hep[CONFIG_ADDR_MAX];
    struct file_ue ues[CONFIG_UES_MAX];
    unsigned ues_count;
};

// --- the schema -----------------------------------------------------------------------------

// What a value must be beyond its type.
struct config_rule {
    const char *path; // "access.ports.min", "access.listen[]"
    unsigned min;     // of a number
    unsigned max;
    const char *expected; // of a text: what valid() wants to see
    bool (*valid)(const char *text);
};

// The keys of struct file, for libcyaml and for the checks.
extern const cyaml_schema_value_t config_schema;
// "NAME", "NAME:PORT" or either behind "sip:", in its parts; port 0: none. False: it is neither.
bool config_name_port(const char *text, char name[static CONFIG_NAME_MAX], uint16_t *port);
// The same, and IP or IP:PORT; an IPv6 address keeps its brackets.
bool config_advertised(const char *text, char host[static CONFIG_NAME_MAX], uint16_t *port);
// "udp:IP:PORT" without its transport; "off" as it is.
const char *config_hep_address(const char *text);
// The rule for a path; indices in it do not matter. NULL: the type says all.
const struct config_rule *config_rule(const char *path);

// --- the tree -------------------------------------------------------------------------------

struct config_tree {
    const char *name; // of the file, for messages
    yaml_document_t document;
    bool loaded; // document is to be deleted
};

// Reads text into the tree. Returns 0, or -EINVAL with a sentence in error. In both cases
// config_tree_free() follows.
int config_tree_load(struct config_tree *tree, const char *name, const char *text, size_t len,
                     char error[static CONFIG_ERROR_MAX]);
void config_tree_free(struct config_tree *tree);

// Everything in the tree is known to the schema and obeys its rule. Returns 0, or -EINVAL with the
// first fault in error: "FILE:LINE: KEY: expected ..., got ...".
int config_tree_check(struct config_tree *tree, char error[static CONFIG_ERROR_MAX]);

// The file has this key ("agw.mtu", "ues[1].user").
bool config_tree_has(struct config_tree *tree, const char *path);

// Writes "FILE:LINE: KEY: text" with the line of the key, or of what is nearest above it. Returns
// -EINVAL.
__attribute__((format(printf, 4, 5))) int config_tree_fault(struct config_tree *tree,
                                                            char error[static CONFIG_ERROR_MAX],
                                                            const char *path, const char *fmt, ...);

// Copies from loaded to base what the tree has a key for: what libcyaml finds no key for it sets to
// zero.
void config_tree_overlay(struct config_tree *tree, struct file *base, const struct file *loaded);

#endif
