// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_SIDE_H
#define ALG_SIDE_H
// The two sides of the P-CSCF: Gm towards the UE, Mw towards the IMS core.

#include "agw/agw.h"
#include "common/trace/trace.h"

enum side { SIDE_ACCESS, SIDE_CORE };

static inline enum side side_other(enum side side)
{
    return side == SIDE_ACCESS ? SIDE_CORE : SIDE_ACCESS;
}

// T1 lies in the access realm, T2 in the core realm.
static inline enum agw_termination side_termination(enum side side)
{
    return side == SIDE_ACCESS ? AGW_T1 : AGW_T2;
}

static inline enum trace_party side_party(enum side side)
{
    return side == SIDE_ACCESS ? PARTY_UE : PARTY_CORE;
}

static inline const char *side_name(enum side side)
{
    return side == SIDE_ACCESS ? "access" : "core";
}

#endif
