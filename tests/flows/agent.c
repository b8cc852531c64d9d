// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: the callee is ready, the caller calls, both end by themselves, pages are compared.
// Failure: another exit status or another page fails the test, with what both agents said.
#include "tests/flows/agent.h"

#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

// A document that fax machines take, small enough for ten seconds of fax time a page.
#define PAGE_WIDTH 1728
#define PAGE_ROWS 128

// --- documents ---------------------------------------------------------------------------------

// Stripes that change from row to row and from page to page: no two rows look alike.
static void draw_row(uint8_t row[static PAGE_WIDTH / 8], unsigned y, unsigned page)
{
    for (unsigned i = 0; i < PAGE_WIDTH / 8; i++)
        row[i] = (i / 8 + y / 8 + page) % 3 == 0 ? (uint8_t)(i * page + y) : 0;
}

static void write_page(TIFF *tif, unsigned page, unsigned pages)
{
    TIFFSetField(tif, TIFFTAG_SUBFILETYPE, FILETYPE_PAGE);
    TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, PAGE_WIDTH);
    TIFFSetField(tif, TIFFTAG_IMAGELENGTH, PAGE_ROWS);
    TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, 1);
    TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(tif, TIFFTAG_COMPRESSION, COMPRESSION_CCITT_T6);
    TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
    TIFFSetField(tif, TIFFTAG_FILLORDER, FILLORDER_LSB2MSB);
    TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, PAGE_ROWS);
    TIFFSetField(tif, TIFFTAG_XRESOLUTION, 204.0);
    TIFFSetField(tif, TIFFTAG_YRESOLUTION, 98.0);
    TIFFSetField(tif, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
    TIFFSetField(tif, TIFFTAG_PAGENUMBER, page - 1, pages);
    for (unsigned y = 0; y < PAGE_ROWS; y++) {
        uint8_t row[PAGE_WIDTH / 8];
        draw_row(row, y, page);
        ck_assert_int_ge(TIFFWriteScanline(tif, row, y, 0), 0);
    }
    ck_assert_int_eq(TIFFWriteDirectory(tif), 1);
}

void document_make(struct flow *f, unsigned pages)
{
    TIFF *tif = TIFFOpen(flow_path(f, DOCUMENT), "w");

    ck_assert_ptr_nonnull(tif);
    for (unsigned page = 1; page <= pages; page++)
        write_page(tif, page, pages);
    TIFFClose(tif);
}

void document_check(struct flow *f, const char *received, unsigned pages)
{
    const char *argv[] = {flow_binary(f, "e2ae-ua"), "--compare", DOCUMENT, received, NULL};
    struct program *compare = program_start(f, "compare", argv);
    int status = program_wait(compare);

    flow_check(f, status == 0, "the pages differ: %s", program_text(compare));
    must_say(f, program_text(compare), flow_text(f, "equal=yes pages=%u ", pages));
}

// --- agents ------------------------------------------------------------------------------------

static const char *at(struct flow *f, enum host host, bool v6)
{
    return v6 ? flow_text(f, "[::1]:%u", flow_port(f, host)) : flow_at(f, host);
}

static struct program *start(struct flow *f, enum host host, const char *side, bool v6,
                             const char *arguments)
{
    bool ue = host == HOST_UE;

    return program_run(f, ue ? "ue" : "core", flow_binary(f, "e2ae-ua"),
                       flow_text(f,
                                 "--side %s --listen %s --identity sip:%s@example.net "
                                 "--speed " SPEED " --timeout %d %s",
                                 side, at(f, host, v6), ue ? UE_USER : "core",
                                 flow_patience() / 1000, arguments));
}

struct program *agent_start(struct flow *f, enum host host, const char *arguments)
{
    return start(f, host, host == HOST_UE ? "ue" : "core", false, arguments);
}

struct program *agent_answer(struct flow *f, enum host host, const char *arguments)
{
    struct program *p = agent_start(f, host, flow_text(f, "--answer %s", arguments));

    program_line(p, "^ready ");
    return p;
}

// --- calls -------------------------------------------------------------------------------------

static enum host callee(const struct call *call)
{
    return call->caller == HOST_UE ? HOST_CORE : HOST_UE;
}

static unsigned page_count(const struct call *call)
{
    return call->pages ? call->pages : 1;
}

static enum host sender(const struct call *call)
{
    return call->sender ? call->sender : call->caller;
}

static const char *side_name(const struct call *call, enum host host)
{
    const char *given = host == HOST_UE ? call->ue_side : call->core_side;

    return given ? given : host == HOST_UE ? "ue" : "core";
}

static bool carries_fax(const struct call *call)
{
    return !call->no_fax && !call->datagrams;
}

// What its media are to be. Whoever counts hangs up: the UE, which knows when both legs are open.
static const char *media_arguments(const struct call *call, enum host host)
{
    if (call->datagrams)
        return host == HOST_UE ? "--media count --datagrams 20 --hangup-after media"
                               : "--media echo";
    if (call->no_fax)
        return "";
    return sender(call) == host ? "--send " DOCUMENT : "--receive " RECEIVED;
}

// Everything one agent is told.
static const char *arguments(struct flow *f, const struct call *call, enum host host)
{
    const char *own = host == HOST_UE ? call->ue : call->core;

    return flow_text(f, "%s %s", media_arguments(call, host), own ? own : "");
}

static const char *target(struct flow *f, const struct call *call)
{
    if (call->target)
        return call->target;
    if (call->caller == HOST_UE)
        return flow_text(f, "sip:core@%s", at(f, HOST_CORE, call->core_v6));
    return "sip:" UE_USER "@example.net";
}

static struct program *start_agent(struct flow *f, const struct call *call, enum host host,
                                   const char *role)
{
    bool v6 = host == HOST_UE ? call->ue_v6 : call->core_v6;

    return start(f, host, side_name(call, host), v6,
                 flow_text(f, "%s %s", role, arguments(f, call, host)));
}

void call_start(struct pcscf *p, struct call *call)
{
    struct flow *f = pcscf_flow(p);
    const char *proxy = call->caller == HOST_UE ? pcscf_access(p) : pcscf_core(p);

    if (carries_fax(call))
        document_make(f, page_count(call));
    call->programs[callee(call)] = start_agent(f, call, callee(call), "--answer");
    program_line(call->programs[callee(call)], "^ready ");
    call->programs[call->caller] = start_agent(
        f, call, call->caller, flow_text(f, "--proxy %s --call %s", proxy, target(f, call)));
}

static void expect_status(struct flow *f, struct program *p, int expected)
{
    int status = program_wait(p);

    flow_check(f, status == expected, "the %s agent ended with status %d, not %d", program_label(p),
               status, expected);
}

void call_finish(struct pcscf *p, struct call *call)
{
    struct flow *f = pcscf_flow(p);

    expect_status(f, call->programs[HOST_UE], call->ue_status);
    expect_status(f, call->programs[HOST_CORE], call->core_status);
    if (carries_fax(call) && !call->fails)
        document_check(f, RECEIVED, page_count(call));
}

void call_run(struct pcscf *p, struct call *call)
{
    call_start(p, call);
    call_finish(p, call);
}

const char *call_ue(const struct call *call)
{
    return program_text(call->programs[HOST_UE]);
}

const char *call_core(const struct call *call)
{
    return program_text(call->programs[HOST_CORE]);
}
