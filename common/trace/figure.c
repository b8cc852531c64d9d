// SPDX-License-Identifier: GPL-3.0-or-later
// The figures of TS 23.334 as tables: which key is which step (REQ-111). Charts of the
// specification give an Iq exchange three numbers: request, action of the AGW, reply. NOTE 3 of
// 6.2.10.4.3 pins the second table: 2 asks for latching, 10 is the ClientHello, 13 ends the
// Configure.
//
// Of the MSRP and BFCP figures only step 1 could be seen; the rest follows from the clauses. An
// incoming TCP connection is the trigger for the outgoing one in all of them.
//
// What is not in the table has step 0 and stands in a chart without a number.
#include "common/trace/printer.h"

#include <string.h>

struct step {
    unsigned number;
    const char *key;
};

struct figure {
    const char *title;
    const struct step *steps;
    size_t count;
};

static const struct step t38_orig[] = {
    {1, "sip.offer.received"},
    {2, "iq.reserve.T2.request"},
    {3, "iq.reserve.T2.action"},
    {4, "iq.reserve.T2.reply"},
    {5, "sip.offer.sent"},
    {6, "sip.answer.received"},
    {7, "iq.configure.T2.request"},
    {8, "iq.configure.T2.action"},
    {9, "iq.configure.T2.reply"},
    {10, "iq.reserve_configure.T1.request"},
    {11, "iq.reserve_configure.T1.action"},
    {12, "iq.reserve_configure.T1.reply"},
    {13, "sip.answer.sent"},
    {14, "dtls.client_hello"},
    {15, "dtls.established"},
    {16, "media"},
};

static const struct step t38_term[] = {
    {1, "sip.offer.received"},
    {2, "iq.reserve.T1.request"},
    {3, "iq.reserve.T1.action"},
    {4, "iq.reserve.T1.reply"},
    {5, "iq.reserve_configure.T2.request"},
    {6, "iq.reserve_configure.T2.action"},
    {7, "iq.reserve_configure.T2.reply"},
    {8, "sip.offer.sent"},
    {9, "sip.answer.received"},
    {10, "dtls.client_hello"},
    {11, "iq.configure.T1.request"},
    {12, "iq.configure.T1.action"},
    {13, "iq.configure.T1.reply"},
    {14, "sip.answer.sent"},
    {15, "dtls.established"},
    {16, "media"},
};

static const struct step tcp_orig[] = {
    {1, "sip.offer.received"},
    {2, "iq.reserve.T2.request"},
    {3, "iq.reserve.T2.action"},
    {4, "iq.reserve.T2.reply"},
    {5, "sip.offer.sent"},
    {6, "sip.answer.received"},
    {7, "iq.configure.T2.request"},
    {8, "iq.configure.T2.action"},
    {9, "iq.configure.T2.reply"},
    {10, "iq.reserve_configure.T1.request"},
    {11, "iq.reserve_configure.T1.action"},
    {12, "iq.reserve_configure.T1.reply"},
    {13, "sip.answer.sent"},
    {14, "tcp.connected.T1"},
    {15, "tcp.connected.T2"},
    {16, "dtls.client_hello"},
    {17, "media"},
};

static const struct step tcp_term[] = {
    {1, "sip.offer.received"},
    {2, "iq.reserve.T1.request"},
    {3, "iq.reserve.T1.action"},
    {4, "iq.reserve.T1.reply"},
    {5, "iq.reserve_configure.T2.request"},
    {6, "iq.reserve_configure.T2.action"},
    {7, "iq.reserve_configure.T2.reply"},
    {8, "sip.offer.sent"},
    {9, "sip.answer.received"},
    {10, "iq.configure.T1.request"},
    {11, "iq.configure.T1.action"},
    {12, "iq.configure.T1.reply"},
    {13, "iq.configure.T2.request"},
    {14, "iq.configure.T2.action"},
    {15, "iq.configure.T2.reply"},
    {16, "sip.answer.sent"},
    {17, "tcp.connected.T2"},
    {18, "tcp.connected.T1"},
    {19, "dtls.client_hello"},
};

#define STEPS(table) table, sizeof(table) / sizeof((table)[0])

static const struct figure figures[] = {
    [FIGURE_NONE] = {NULL, NULL, 0},
    [FIGURE_T38_ORIG] = {"T.38 fax from the IMS access network, TS 23.334 figure 6.2.10.4.2.1",
                         STEPS(t38_orig)},
    [FIGURE_T38_TERM] = {"T.38 fax towards the IMS access network, TS 23.334 figure 6.2.10.4.3.1",
                         STEPS(t38_term)},
    [FIGURE_MSRP_ORIG] = {"MSRP from the IMS access network, TS 23.334 figure 6.2.10.3.1.1.1.1",
                          STEPS(tcp_orig)},
    [FIGURE_MSRP_TERM] = {"MSRP towards the IMS access network, TS 23.334 figure 6.2.10.3.1.2.1.1",
                          STEPS(tcp_term)},
    [FIGURE_BFCP_ORIG] = {"BFCP from the IMS access network, TS 23.334 figure 6.2.10.3.2.1.1.1",
                          STEPS(tcp_orig)},
    [FIGURE_BFCP_TERM] = {"BFCP towards the IMS access network, TS 23.334 6.2.10.3.2",
                          STEPS(tcp_term)},
};

unsigned figure_step(enum trace_figure figure, const char *key)
{
    const struct figure *f = &figures[figure];

    for (size_t i = 0; key != NULL && i < f->count; i++)
        if (strcmp(f->steps[i].key, key) == 0)
            return f->steps[i].number;
    return 0;
}

const char *figure_title(enum trace_figure figure)
{
    return figures[figure].title;
}
