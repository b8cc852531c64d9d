// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_FIELDS_H
#define ALG_FIELDS_H
// Values of SIP header fields as lists with parameters (RFC 3261 7.3.1, 25.1), for the fields that
// the SIP library leaves alone. Commas and semicolons within quotes or angle brackets belong to the
// text. Nothing is copied and nothing is changed; broken input yields broken pieces, never more
// than there is.

#include <stdbool.h>
#include <stddef.h>

// A piece of a value, without blanks round it.
struct field {
    const char *at;
    size_t len;
};

struct field field_whole(const char *value);         // NULL: empty
bool field_is(struct field piece, const char *word); // whatever the case of ASCII letters

// Takes the next element of a comma-separated list off the front. False: there is none left.
// Empty elements are passed over.
bool field_next(struct field *rest, struct field *element);
// The element without its parameters: the URI with its brackets, the token.
struct field field_head(struct field element);
// Takes the next parameter off; at first params is what fields_params() gave. False: none left.
struct field field_params(struct field element);
bool field_next_param(struct field *params, struct field *name, struct field *value);
// The value of a parameter. False: it is not there; a parameter without value has an empty one.
bool field_param(struct field element, const char *name, struct field *value);
// The URI of a name-addr or addr-spec.
struct field field_uri(struct field element);

#endif
