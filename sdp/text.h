// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef SDP_TEXT_H
#define SDP_TEXT_H
// Taking a line of SDP apart. Private to sdp/. A blank is a space or a tab; RFC 8866 allows one
// space between fields, real bodies have more of them.

#include "sdp/sdp.h"

// Cuts the next field, up to a blank, from the front of *rest. Empty when there is none.
struct sdp_text text_field(struct sdp_text *rest);
// Cuts the last field from the end of *rest. Empty when there is none.
struct sdp_text text_last_field(struct sdp_text *rest);
// Without blanks at both ends.
struct sdp_text text_trim(struct sdp_text text);
// Digits only, at least one, not above max. False: *out untouched.
bool text_number(struct sdp_text text, uint64_t max, uint64_t *out);
// What follows m= (RFC 8866 5.14). NULL when well formed, else what was expected; *out untouched.
const char *text_media(struct sdp_text value, struct sdp_media *out);

#endif
