// SPDX-License-Identifier: GPL-3.0-or-later
// The configuration file as libyaml's tree of nodes, each with its line. It is checked against the
// schema that libcyaml will load it with, so that every complaint can name file, line, key, what
// was expected and what is there. A file that passes loads.
//
// Failures: the first fault ends the check. A file that is not YAML, is empty, or holds more than
// one document is told by libyaml's own words or by ours.
#include "common/config_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// "access.listen[7]" is among the longest; what the file makes longer is cut.
#define PATH_SIZE 96
// As much of a wrong value as is shown.
#define SHOWN_MAX 40

struct check {
    struct config_tree *tree;
    char *error;
};

// --- loading --------------------------------------------------------------------------------

static int syntax_fault(const struct config_tree *tree, const yaml_parser_t *parser, char *error)
{
    snprintf(error, CONFIG_ERROR_MAX, "%s:%zu: not YAML: %s%s%s", tree->name,
             parser->problem_mark.line + 1, parser->problem == NULL ? "?" : parser->problem,
             parser->context == NULL ? "" : ", ", parser->context == NULL ? "" : parser->context);
    return -EINVAL;
}

static int simple_fault(const struct config_tree *tree, size_t line, const char *text, char *error)
{
    snprintf(error, CONFIG_ERROR_MAX, "%s:%zu: expected %s", tree->name, line, text);
    return -EINVAL;
}

// One document with a mapping on top.
static int load_only_document(struct config_tree *tree, yaml_parser_t *parser, char *error)
{
    yaml_document_t second;
    yaml_node_t *root;
    size_t line;

    if (!yaml_parser_load(parser, &tree->document))
        return syntax_fault(tree, parser, error);
    tree->loaded = true;
    root = yaml_document_get_root_node(&tree->document);
    if (root == NULL)
        return simple_fault(tree, 1, "keys and values, got an empty file", error);
    if (root->type != YAML_MAPPING_NODE)
        return simple_fault(tree, root->start_mark.line + 1, "keys and values, got something else",
                            error);
    if (!yaml_parser_load(parser, &second))
        return syntax_fault(tree, parser, error);
    root = yaml_document_get_root_node(&second);
    line = root == NULL ? 0 : root->start_mark.line + 1;
    yaml_document_delete(&second);
    return line == 0 ? 0 : simple_fault(tree, line, "one document, got a second one", error);
}

int config_tree_load(struct config_tree *tree, const char *name, const char *text, size_t len,
                     char error[static CONFIG_ERROR_MAX])
{
    yaml_parser_t parser;
    int rc;

    *tree = (struct config_tree){.name = name};
    if (!yaml_parser_initialize(&parser)) {
        snprintf(error, CONFIG_ERROR_MAX, "%s: out of memory", name);
        return -EINVAL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    rc = load_only_document(tree, &parser, error);
    yaml_parser_delete(&parser);
    return rc;
}

void config_tree_free(struct config_tree *tree)
{
    if (tree->loaded)
        yaml_document_delete(&tree->document);
    tree->loaded = false;
}

// --- finding --------------------------------------------------------------------------------

static yaml_node_t *node(struct config_tree *tree, int id)
{
    return yaml_document_get_node(&tree->document, id);
}

static bool key_is(const yaml_node_t *key, const char *name, size_t len)
{
    return key->type == YAML_SCALAR_NODE && key->data.scalar.length == len &&
           memcmp(key->data.scalar.value, name, len) == 0;
}

// The pair of a mapping with this key; NULL when there is none, or no mapping.
static yaml_node_pair_t *find_pair(struct config_tree *tree, yaml_node_t *mapping, const char *name,
                                   size_t len)
{
    if (mapping == NULL || mapping->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start;
         p < mapping->data.mapping.pairs.top; p++)
        if (key_is(node(tree, p->key), name, len))
            return p;
    return NULL;
}

static yaml_node_t *find_item(struct config_tree *tree, yaml_node_t *sequence, unsigned long index)
{
    if (sequence->type != YAML_SEQUENCE_NODE ||
        index >= (unsigned long)(sequence->data.sequence.items.top -
                                 sequence->data.sequence.items.start))
        return NULL;
    return node(tree, sequence->data.sequence.items.start[index]);
}

// Follows the path as far as the file has it. *line is that of the last key or item found. Returns
// the value at the end of the path, NULL when the file does not have it.
static yaml_node_t *follow(struct config_tree *tree, const char *path, size_t *line)
{
    yaml_node_t *at = yaml_document_get_root_node(&tree->document);

    *line = at->start_mark.line + 1;
    while (at != NULL && *path != '\0') {
        size_t len = strcspn(path, ".[");
        if (*path == '[') {
            char *end;
            at = find_item(tree, at, strtoul(path + 1, &end, 10));
            *line = at == NULL ? *line : at->start_mark.line + 1;
            path = *end == ']' ? end + 1 : end;
        } else {
            yaml_node_pair_t *pair = find_pair(tree, at, path, len);
            at = pair == NULL ? NULL : node(tree, pair->value);
            *line = pair == NULL ? *line : node(tree, pair->key)->start_mark.line + 1;
            path += len;
        }
        path += *path == '.' ? 1 : 0;
    }
    return at;
}

bool config_tree_has(struct config_tree *tree, const char *path)
{
    size_t line;

    return follow(tree, path, &line) != NULL;
}

static int fault_at(const struct config_tree *tree, char *error, size_t line, const char *path,
                    const char *fmt, va_list ap)
{
    int len = snprintf(error, CONFIG_ERROR_MAX, "%s:%zu: %s: ", tree->name, line, path);

    if (len > 0 && len < CONFIG_ERROR_MAX)
        vsnprintf(error + len, CONFIG_ERROR_MAX - (size_t)len, fmt, ap);
    return -EINVAL;
}

int config_tree_fault(struct config_tree *tree, char error[static CONFIG_ERROR_MAX],
                      const char *path, const char *fmt, ...)
{
    size_t line;
    va_list ap;

    follow(tree, path, &line);
    va_start(ap, fmt);
    fault_at(tree, error, line, path, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

// --- checking -------------------------------------------------------------------------------

static int check_value(struct check *c, const cyaml_schema_value_t *schema, yaml_node_t *value,
                       const char *path, size_t line);

__attribute__((format(printf, 4, 5))) static int fault(const struct check *c, size_t line,
                                                       const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fault_at(c->tree, c->error, line, path, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

// What is there, for "got ...".
static const char *shown(const yaml_node_t *value, char buf[static SHOWN_MAX + 8])
{
    int len = (int)value->data.scalar.length;

    if (value->type == YAML_MAPPING_NODE)
        return "keys and values";
    if (value->type == YAML_SEQUENCE_NODE)
        return "a list";
    if (len == 0)
        return "nothing";
    snprintf(buf, SHOWN_MAX + 8, "\"%.*s%s\"", len < SHOWN_MAX ? len : SHOWN_MAX,
             (const char *)value->data.scalar.value, len <= SHOWN_MAX ? "" : "...");
    for (char *at = buf; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    return buf;
}

static int unexpected(const struct check *c, const yaml_node_t *value, const char *path,
                      size_t line, const char *expected)
{
    char buf[SHOWN_MAX + 8];

    return fault(c, line, path, "expected %s, got %s", expected, shown(value, buf));
}

// "one of a, b, c"
static void join_words(const cyaml_schema_value_t *schema, char *buf, size_t size)
{
    size_t at = 0;

    for (uint32_t i = 0; i < schema->enumeration.count && at < size; i++)
        at += (size_t)snprintf(buf + at, size - at, "%s%s", i == 0 ? "one of " : ", ",
                               schema->enumeration.strings[i].str);
}

static int check_word(struct check *c, const cyaml_schema_value_t *schema, const yaml_node_t *value,
                      const char *path, size_t line)
{
    char words[160];

    for (uint32_t i = 0; i < schema->enumeration.count; i++) {
        const char *word = schema->enumeration.strings[i].str;
        if (key_is(value, word, strlen(word)))
            return 0;
    }
    join_words(schema, words, sizeof(words));
    return unexpected(c, value, path, line, words);
}

static int check_switch(struct check *c, const yaml_node_t *value, const char *path, size_t line)
{
    if (key_is(value, "true", 4) || key_is(value, "false", 5))
        return 0;
    return unexpected(c, value, path, line, "true or false");
}

// Decimal digits only: libcyaml would take 010 for eight.
static int check_number(struct check *c, const yaml_node_t *value, const char *path, size_t line)
{
    const struct config_rule *rule = config_rule(path);
    const char *text = (const char *)value->data.scalar.value;
    char expected[64];

    if (value->type == YAML_SCALAR_NODE) {
        size_t len = value->data.scalar.length;
        bool decimal = len > 0 && len <= 9 && strspn(text, "0123456789") == len &&
                       (text[0] != '0' || len == 1);
        unsigned long number = decimal ? strtoul(text, NULL, 10) : 0;
        if (decimal && number >= rule->min && number <= rule->max)
            return 0;
    }
    snprintf(expected, sizeof(expected), "a number from %u to %u", rule->min, rule->max);
    return unexpected(c, value, path, line, expected);
}

static int check_text(struct check *c, const cyaml_schema_value_t *schema, const yaml_node_t *value,
                      const char *path, size_t line)
{
    const struct config_rule *rule = config_rule(path);
    char expected[64];
    size_t len = value->data.scalar.length;

    if (value->type == YAML_SCALAR_NODE && len <= schema->string.max &&
        strlen((const char *)value->data.scalar.value) == len &&
        (rule == NULL || rule->valid((const char *)value->data.scalar.value)))
        return 0;
    snprintf(expected, sizeof(expected), "a text of at most %u bytes", schema->string.max);
    return unexpected(c, value, path, line, rule == NULL ? expected : rule->expected);
}

// A list of words that are bits of a set.
static int check_set(struct check *c, const cyaml_schema_value_t *schema, yaml_node_t *value,
                     const char *path, size_t line)
{
    yaml_node_item_t *item;
    int rc = 0;

    if (value->type != YAML_SEQUENCE_NODE)
        return unexpected(c, value, path, line, "a list");
    for (item = value->data.sequence.items.start; rc == 0 && item < value->data.sequence.items.top;
         item++) {
        const yaml_node_t *word = node(c->tree, *item);
        rc = check_word(c, schema, word, path, word->start_mark.line + 1);
    }
    return rc;
}

static int check_list(struct check *c, const cyaml_schema_value_t *schema, yaml_node_t *value,
                      const char *path, size_t line)
{
    char item_path[PATH_SIZE];
    long count = 0;

    if (value->type != YAML_SEQUENCE_NODE)
        return unexpected(c, value, path, line, "a list");
    count = value->data.sequence.items.top - value->data.sequence.items.start;
    if (count < schema->sequence.min || count > schema->sequence.max)
        return fault(c, line, path, "expected a list of %u to %u entries, got %ld",
                     schema->sequence.min, schema->sequence.max, count);
    for (long i = 0; i < count; i++) {
        yaml_node_t *item = node(c->tree, value->data.sequence.items.start[i]);
        snprintf(item_path, sizeof(item_path), "%.*s[%ld]", PATH_SIZE - 16, path, i);
        if (check_value(c, schema->sequence.entry, item, item_path, item->start_mark.line + 1) != 0)
            return -EINVAL;
    }
    return 0;
}

static const cyaml_schema_field_t *find_field(const cyaml_schema_field_t *fields,
                                              const yaml_node_t *key)
{
    for (; fields->key != NULL; fields++)
        if (key_is(key, fields->key, strlen(fields->key)))
            return fields;
    return NULL;
}

// "expected one of a, b, c" for a key that is none of them.
static int unknown_key(const struct check *c, const cyaml_schema_field_t *fields, const char *path,
                       size_t line)
{
    char known[320] = "";
    size_t at = 0;

    for (; fields->key != NULL && at < sizeof(known); fields++)
        at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", at == 0 ? "" : ", ",
                               fields->key);
    return fault(c, line, path, "unknown key, expected one of %s", known);
}

static int check_pair(struct check *c, const cyaml_schema_field_t *fields, yaml_node_t *mapping,
                      const yaml_node_pair_t *pair, const char *path)
{
    const yaml_node_t *key = node(c->tree, pair->key);
    const cyaml_schema_field_t *field = find_field(fields, key);
    size_t line = key->start_mark.line + 1;
    char below[PATH_SIZE], buf[SHOWN_MAX + 8];

    if (key->type != YAML_SCALAR_NODE)
        return fault(c, line, path, "expected a key, got %s", shown(key, buf));
    snprintf(below, sizeof(below), "%.*s%s%.32s", PATH_SIZE - 40, path, path[0] == '\0' ? "" : ".",
             (const char *)key->data.scalar.value);
    if (field == NULL)
        return unknown_key(c, fields, below, line);
    if (find_pair(c->tree, mapping, field->key, strlen(field->key)) != pair)
        return fault(c, line, below, "expected once, got it again");
    return check_value(c, &field->value, node(c->tree, pair->value), below, line);
}

static int check_mapping(struct check *c, const cyaml_schema_value_t *schema, yaml_node_t *value,
                         const char *path, size_t line)
{
    const cyaml_schema_field_t *field = schema->mapping.fields;
    yaml_node_pair_t *pair;

    if (value->type != YAML_MAPPING_NODE)
        return unexpected(c, value, path, line, "keys and values");
    for (pair = value->data.mapping.pairs.start; pair < value->data.mapping.pairs.top; pair++)
        if (check_pair(c, field, value, pair, path) != 0)
            return -EINVAL;
    for (; field->key != NULL; field++)
        if ((field->value.flags & CYAML_FLAG_OPTIONAL) == 0 &&
            find_pair(c->tree, value, field->key, strlen(field->key)) == NULL)
            return fault(c, line, path, "expected a key %s, got none", field->key);
    return 0;
}

static int check_value(struct check *c, const cyaml_schema_value_t *schema, yaml_node_t *value,
                       const char *path, size_t line)
{
    switch (schema->type) {
    case CYAML_MAPPING:
        return check_mapping(c, schema, value, path, line);
    case CYAML_SEQUENCE:
        return check_list(c, schema, value, path, line);
    case CYAML_FLAGS:
        return check_set(c, schema, value, path, line);
    case CYAML_ENUM:
        return check_word(c, schema, value, path, line);
    case CYAML_BOOL:
        return check_switch(c, value, path, line);
    case CYAML_UINT:
        return check_number(c, value, path, line);
    default:
        return check_text(c, schema, value, path, line);
    }
}

int config_tree_check(struct config_tree *tree, char error[static CONFIG_ERROR_MAX])
{
    struct check c = {tree, error};

    return check_value(&c, &config_schema, yaml_document_get_root_node(&tree->document), "", 1);
}

// --- over the defaults ----------------------------------------------------------------------

static size_t size_of(const cyaml_schema_value_t *schema)
{
    bool list = schema->type == CYAML_SEQUENCE;

    return list ? (size_t)schema->data_size * schema->sequence.max : schema->data_size;
}

static void overlay(struct config_tree *tree, yaml_node_t *mapping,
                    const cyaml_schema_field_t *fields, char *base, const char *loaded)
{
    for (; fields->key != NULL; fields++) {
        yaml_node_pair_t *pair = find_pair(tree, mapping, fields->key, strlen(fields->key));
        if (pair == NULL)
            continue;
        if (fields->value.type == CYAML_MAPPING) {
            overlay(tree, node(tree, pair->value), fields->value.mapping.fields, base, loaded);
            continue;
        }
        memcpy(base + fields->data_offset, loaded + fields->data_offset, size_of(&fields->value));
        memcpy(base + fields->count_offset, loaded + fields->count_offset, fields->count_size);
    }
}

void config_tree_overlay(struct config_tree *tree, struct file *base, const struct file *loaded)
{
    overlay(tree, yaml_document_get_root_node(&tree->document), config_schema.mapping.fields,
            (char *)base, (const char *)loaded);
}
