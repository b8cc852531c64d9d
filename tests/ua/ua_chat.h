// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_CHAT_H
#define UA_CHAT_H
// One MSRP session of ours (RFC 4975 5, 7): texts and a file out, in chunks; texts and a file in,
// with success reports both ways. Session matching is strict (RFC 4975 6.1, 7.3).

#include "tests/ua/ua_talk.h"

// Opens the files of options. NULL: out of memory, or a file cannot be opened (printed).
struct talk *chat_open(const struct ua_options *options, const struct talk_user *user);

#endif
