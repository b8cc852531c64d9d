// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_DIALOGS_H
#define ALG_DIALOGS_H
// Dialogs that are no sessions: those of SUBSCRIBE and REFER. Of each the trust boundary keeps one
// memory, so that all requests of it carry one icid (TS 24.229 5.2.6.3.9), found by the token of
// our Record-Route entries.
//
// Nobody says when such a dialog ends. Their number is bounded; beyond it the one that was quiet
// the longest is forgotten, and a request that still comes in it gets a new icid.

#include "alg/policy_memory.h"

#include <stdbool.h>

#define DIALOG_TOKEN_LEN 20 // 119 bits
// Several for each registration that a lab has; 10 MB at most.
#define DIALOGS_MAX 16384

struct dialogs;

struct dialogs *dialogs_open(void);          // NULL: no memory
void dialogs_close(struct dialogs *dialogs); // NULL is allowed

// The token of a new dialog.
void dialogs_token(char token[static DIALOG_TOKEN_LEN + 1]);
// What is kept under it. False: nothing, *memory untouched.
bool dialogs_recall(struct dialogs *dialogs, const char *token, struct policy_memory *memory);
// Keeps it; without memory it is as if it had been forgotten. An empty token keeps nothing.
void dialogs_keep(struct dialogs *dialogs, const char *token, const struct policy_memory *memory);
unsigned dialogs_count(const struct dialogs *dialogs);

#endif
