// SPDX-License-Identifier: GPL-3.0-or-later
// Traces and their charts. The charts of both T.38 figures are compared with files in
// tests/golden/chart; GOLDEN_WRITE=1 in the environment writes them anew, for eyes to judge.
#include "common/reason.h"
#include "common/trace/trace.h"
#include "tests/unit/made_trace.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- golden charts --------------------------------------------------------------------------

// The chart of figure 6.2.10.4.2.1 as text, whole SIP messages below it (REQ-110, REQ-111).
START_TEST(orig_as_text)
{
    struct trace *t = orig(true);

    expect_golden(t, trace_chart_text, "tests/golden/chart/t38-orig.txt");
    trace_free(t);
}
END_TEST

// The same as a Mermaid diagram, without the messages.
START_TEST(orig_as_mermaid)
{
    struct trace *t = orig(true);

    expect_golden(t, trace_chart_mermaid, "tests/golden/chart/t38-orig.mmd");
    trace_free(t);
}
END_TEST

// The chart of figure 6.2.10.4.3.1 as text.
START_TEST(term_as_text)
{
    struct trace *t = term();

    expect_golden(t, trace_chart_text, "tests/golden/chart/t38-term.txt");
    trace_free(t);
}
END_TEST

// The same as a Mermaid diagram.
START_TEST(term_as_mermaid)
{
    struct trace *t = term();

    expect_golden(t, trace_chart_mermaid, "tests/golden/chart/t38-term.mmd");
    trace_free(t);
}
END_TEST

// Hostile text reaches a chart as harmless text, and what is too much is told.
START_TEST(hostile_text_is_tamed)
{
    struct trace *t = hostile();

    expect_golden(t, trace_chart_text, "tests/golden/chart/hostile.txt");
    expect_golden(t, trace_chart_mermaid, "tests/golden/chart/hostile.mmd");
    trace_free(t);
}
END_TEST

// A text chart fits 120 columns and is plain ASCII.
START_TEST(text_fits_the_terminal)
{
    struct trace *traces[] = {orig(true), term(), hostile()};

    for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
        struct strbuf b = STRBUF_INIT;
        size_t column = 0;
        trace_chart_text(traces[i], &b);
        for (size_t k = 0; k < b.len; k++) {
            column = b.text[k] == '\n' ? 0 : column + 1;
            ck_assert_uint_le(column, 120);
            ck_assert(b.text[k] == '\n' || (b.text[k] >= ' ' && b.text[k] < 0x7f));
        }
        strbuf_free(&b);
        trace_free(traces[i]);
    }
}
END_TEST

// An empty trace has a chart too; no trace has none.
START_TEST(empty_charts)
{
    struct trace *t = trace_open("Session empty", 5);
    struct strbuf b = STRBUF_INIT;

    trace_chart_text(NULL, &b);
    trace_chart_mermaid(NULL, &b);
    ck_assert_uint_eq(b.len, 0);
    trace_chart_text(t, &b);
    ck_assert_ptr_nonnull(strstr(b.text, "Session empty\n\n"));
    strbuf_free(&b);
    trace_chart_mermaid(t, &b);
    ck_assert_ptr_nonnull(strstr(b.text, "participant CORE as IMS core network\n"));
    strbuf_free(&b);
    trace_free(t);
}
END_TEST

// --- the list of events ---------------------------------------------------------------------

static void add(struct trace *t, uint64_t time_us, const char *key)
{
    trace_add(t, &(struct trace_event){.time_us = time_us, .kind = TRACE_NOTE, .key = key});
}

static unsigned step_at(const struct trace *t, unsigned index)
{
    struct trace_event e;
    unsigned step = 99;

    ck_assert(trace_at(t, index, &e, &step));
    return step;
}

// Events stand in time order, those of one time in the order they came.
START_TEST(events_are_in_time_order)
{
    static const uint64_t times[] = {50, 10, 30, 30, 70, 5, 30};
    static const char *const keys[] = {"f", "b", "c", "d", "g", "a", "e"};
    struct trace *t = trace_open("x", 100);
    struct trace_event e;
    unsigned step;

    for (size_t i = 0; i < 7; i++)
        add(t, times[i], keys[i]);
    for (unsigned i = 0; i < 7; i++) {
        ck_assert(trace_at(t, i, &e, &step));
        ck_assert_int_eq(e.key[0], 'a' + (int)i);
    }
    ck_assert(!trace_at(t, 7, &e, &step));
    trace_free(t);
}
END_TEST

// A step of the figure is matched once, in the earliest event with that key: 18x and 200 may both
// carry the answer. The last figure wins (REQ-111).
START_TEST(a_step_is_matched_once)
{
    struct trace *t = trace_open("x", 100);

    trace_set_figure(t, FIGURE_T38_ORIG);
    add(t, 10, "sip.offer.received");
    add(t, 40, "sip.answer.received");
    add(t, 50, "sip.answer.received");
    add(t, 60, NULL);
    add(t, 70, "no.such.key");
    add(t, 30, "sip.answer.received"); // told late, happened first
    ck_assert_uint_eq(step_at(t, 0), 1);
    ck_assert_uint_eq(step_at(t, 1), 6);
    for (unsigned i = 2; i < 6; i++)
        ck_assert_uint_eq(step_at(t, i), 0);
    trace_set_figure(t, FIGURE_T38_TERM);
    ck_assert_uint_eq(step_at(t, 0), 1);
    ck_assert_uint_eq(step_at(t, 1), 9);
    ck_assert_uint_eq(step_at(t, 2), 0);
    trace_set_figure(t, FIGURE_NONE);
    ck_assert_uint_eq(step_at(t, 1), 0);
    trace_free(t);
}
END_TEST

// Both figures have all their sixteen steps, each once; for the call towards the UE NOTE 3 pins 2,
// 10 and 13 (REQ-111, TS 23.334 6.2.10.4.3).
START_TEST(all_steps_are_found)
{
    struct trace *traces[] = {orig(false), term()};

    for (size_t i = 0; i < 2; i++) {
        unsigned seen[17] = {0}, step, last = 0;
        struct trace_event e;
        for (unsigned k = 0; trace_at(traces[i], k, &e, &step); k++) {
            ck_assert_uint_le(step, 16);
            seen[step]++;
            if (step != 0)
                ck_assert_uint_eq(step, ++last);
            if (i == 1 && step == 2)
                ck_assert_ptr_nonnull(strstr(e.detail, "Latching Requirement"));
            if (i == 1 && step == 10)
                ck_assert_str_eq(e.key, "dtls.client_hello");
            if (i == 1 && step == 13)
                ck_assert_str_eq(e.key, "iq.configure.T1.reply");
        }
        for (unsigned k = 1; k <= 16; k++)
            ck_assert_uint_eq(seen[k], 1);
        trace_free(traces[i]);
    }
}
END_TEST

// Label and detail are copied, and cut at their bounds; key and clause are kept as they are.
START_TEST(texts_are_copied_and_bounded)
{
    static char label[5000], detail[100000];
    struct trace *t = trace_open("x", 10);
    struct trace_event e;
    unsigned step;

    memset(label, 'l', sizeof(label) - 1);
    memset(detail, 'd', sizeof(detail) - 1);
    trace_add(t,
              &(struct trace_event){.label = label, .detail = detail, .clause = "c", .key = "k"});
    label[0] = detail[0] = 'X';
    ck_assert(trace_at(t, 0, &e, &step));
    ck_assert_uint_eq(strlen(e.label), 240);
    ck_assert_int_eq(e.label[0], 'l');
    ck_assert_uint_eq(strlen(e.detail), 8192 + 6);
    ck_assert_int_eq(e.detail[0], 'd');
    ck_assert_str_eq(e.detail + 8192, "\n[...]");
    ck_assert_str_eq(e.clause, "c");
    trace_free(t);
}
END_TEST

// Beyond the bound events are counted, not kept.
// A SIP event keeps the message beside its detail, cut at its bound, through packing.
START_TEST(messages_are_kept_whole)
{
    struct trace *t = trace_open("t", 10);
    struct trace_event e;
    unsigned step;
    char *longer = malloc(10001);

    memset(longer, 'm', 10000);
    longer[10000] = '\0';
    trace_add(t, &(struct trace_event){.label = "INVITE", .message = "INVITE sip:a@b SIP/2.0\r\n"});
    trace_add(t, &(struct trace_event){.label = "BYE", .detail = "why", .message = longer});
    trace_add(t, &(struct trace_event){.label = "ACK", .detail = "v=0"});
    for (int packed = 0; packed < 2; packed++) {
        ck_assert(trace_at(t, 0, &e, &step));
        ck_assert_ptr_null(e.detail);
        ck_assert_str_eq(e.message, "INVITE sip:a@b SIP/2.0\r\n");
        ck_assert(trace_at(t, 1, &e, &step));
        ck_assert_str_eq(e.detail, "why");
        ck_assert_uint_eq(strlen(e.message), 8192 + strlen("\n[...]"));
        ck_assert_str_eq(e.message + 8192, "\n[...]");
        ck_assert(trace_at(t, 2, &e, &step));
        ck_assert_ptr_null(e.message);
        trace_settle(t);
    }
    free(longer);
    trace_free(t);
}
END_TEST

START_TEST(the_list_is_bounded)
{
    struct trace *t = trace_open("x", 3);
    uint64_t before = reason_total(REASON_TRACE_FULL);
    struct strbuf b = STRBUF_INIT;
    struct trace_event e;
    unsigned step;

    for (unsigned i = 0; i < 10; i++)
        add(t, i, NULL);
    ck_assert(trace_at(t, 2, &e, &step));
    ck_assert(!trace_at(t, 3, &e, &step));
    ck_assert_uint_eq(reason_total(REASON_TRACE_FULL), before + 7);
    trace_chart_text(t, &b);
    ck_assert_ptr_nonnull(strstr(b.text, "\n7 more events came after the trace was full.\n"));
    strbuf_free(&b);
    trace_free(t);
}
END_TEST

// A peer that moves all the time fills half of a trace; then the newest move stands for the others,
// and there is room for what else happens.
START_TEST(a_crowd_has_one_place)
{
    struct trace *t = trace_open("x", 20);
    struct trace_event move = {.kind = TRACE_ACTION,
                               .from = PARTY_AGW,
                               .to = PARTY_AGW,
                               .key = "latched",
                               .passing = true};
    struct trace_event e;
    unsigned step;

    trace_set_figure(t, FIGURE_T38_ORIG);
    for (unsigned i = 0; i < 1000; i++) {
        move.time_us = i;
        move.label = i == 999 ? "latches onto a" : "latches onto b";
        trace_add(t, &move);
        if (i == 500)
            add(t, i, "sip.offer.received");
    }
    ck_assert(trace_at(t, 9, &e, &step));
    ck_assert_uint_eq(e.time_us, 9);
    ck_assert(trace_at(t, 10, &e, &step));
    ck_assert_uint_eq(step, 1);
    ck_assert(trace_at(t, 11, &e, &step));
    ck_assert_uint_eq(e.time_us, 999);
    ck_assert_str_eq(e.label, "latches onto a, the last of 990");
    ck_assert(!trace_at(t, 12, &e, &step));
    move.to = PARTY_UE; // another arrow is another crowd
    trace_add(t, &move);
    ck_assert(trace_at(t, 12, &e, &step));
    trace_free(t);
}
END_TEST

// No trace is a trace that takes everything and keeps nothing.
START_TEST(no_trace_is_allowed)
{
    struct trace_event e;
    unsigned step;

    trace_add(NULL, &(struct trace_event){.label = "x"});
    trace_set_figure(NULL, FIGURE_T38_ORIG);
    ck_assert(!trace_at(NULL, 0, &e, &step));
    trace_free(NULL);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// A typical call without its messages is small: thousands of sessions live at once.
START_TEST(a_typical_call_is_small)
{
    size_t before, used;
    struct trace *t;

    trace_free(orig(false)); // first use of the heap
    before = mallinfo2().uordblks;
    if (before == 0)
        return; // under valgrind, whose malloc() does not count here
    t = orig(false);
    used = mallinfo2().uordblks - before;
    ck_assert_uint_gt(used, 1000);
    ck_assert_uint_lt(used, 8192);
    trace_free(t);
}
END_TEST
#endif

// --- late texts -----------------------------------------------------------------------------

struct late {
    struct trace_late late;
    unsigned *written, *dropped;
    char label[8];
};

static void write_label(struct trace_late *late, struct trace_event *event)
{
    struct late *l = (struct late *)late;

    ++*l->written;
    event->label = l->label;
    event->detail = "a detail";
    event->message = "a message";
    event->clause = "RFC 3261 8";
}

static void drop_label(struct trace_late *late)
{
    ++*((struct late *)late)->dropped;
    free(late);
}

static void add_late(struct trace *t, uint64_t time_us, unsigned *written, unsigned *dropped)
{
    struct late *l = calloc(1, sizeof(*l));

    ck_assert_ptr_nonnull(l);
    *l = (struct late){{write_label, drop_label}, written, dropped, {0}};
    snprintf(l->label, sizeof(l->label), "L%u", (unsigned)time_us);
    trace_add_late(t, &(struct trace_event){.time_us = time_us, .kind = TRACE_SIP, .key = "late"},
                   &l->late);
}

// A late text is written once, when the trace is read; it stands where its event happened, and who
// follows the trace is told of it once.
START_TEST(late_texts_are_written_when_read)
{
    unsigned written = 0, dropped = 0, step;
    struct trace *t = trace_open("x", 10);
    struct trace_event e;

    add_late(t, 20, &written, &dropped);
    add(t, 30, "c");
    uint32_t mark = trace_mark(t);
    add_late(t, 10, &written, &dropped);
    ck_assert_uint_eq(written, 0);
    ck_assert(trace_at(t, 1, &e, &step));
    ck_assert_uint_eq(written, 2);
    ck_assert_uint_eq(dropped, 2);
    ck_assert_str_eq(e.label, "L20");
    ck_assert_str_eq(e.detail, "a detail");
    ck_assert_str_eq(e.message, "a message");
    ck_assert_str_eq(e.clause, "RFC 3261 8");
    ck_assert(trace_at(t, 0, &e, &step));
    ck_assert_str_eq(e.label, "L10");
    ck_assert(trace_at(t, 2, &e, &step));
    ck_assert_str_eq(e.key, "c");
    ck_assert_uint_eq(written, 2);
    ck_assert(trace_is_after(t, 0, mark) && !trace_is_after(t, 1, mark));
    trace_free(t);
}
END_TEST

// What nobody reads is never written, and is let go of all the same: with the trace, without one,
// and when the trace is full.
START_TEST(unread_late_texts_are_dropped)
{
    unsigned written = 0, dropped = 0;
    struct trace *t = trace_open("x", 2);

    ck_assert_ptr_null(trace_open("off", 0));
    add_late(NULL, 1, &written, &dropped);
    ck_assert_uint_eq(dropped, 1);
    for (unsigned i = 0; i < 3; i++)
        add_late(t, i, &written, &dropped);
    ck_assert_uint_eq(dropped, 2);
    trace_free(t);
    ck_assert_uint_eq(dropped, 4);
    ck_assert_uint_eq(written, 0);
}
END_TEST

// What late texts are made from is bounded: beyond some dozens all are written, and so they are
// when the trace settles.
START_TEST(late_texts_do_not_pile_up)
{
    unsigned written = 0, dropped = 0;
    struct trace *t = trace_open("x", 200);

    for (unsigned i = 0; i < 150; i++) {
        add_late(t, i, &written, &dropped);
        ck_assert_uint_lt(i + 1 - written, 64);
    }
    trace_settle(t);
    ck_assert_uint_eq(written, 150);
    ck_assert_uint_eq(dropped, 150);
    for (unsigned i = 0; i < 150; i++) {
        struct trace_event e;
        unsigned step;
        char label[8];
        snprintf(label, sizeof(label), "L%u", i);
        ck_assert(trace_at(t, i, &e, &step));
        ck_assert_str_eq(e.label, label);
    }
    trace_free(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        orig_as_text,
        orig_as_mermaid,
        term_as_text,
        term_as_mermaid,
        hostile_text_is_tamed,
        text_fits_the_terminal,
        empty_charts,
        events_are_in_time_order,
        a_step_is_matched_once,
        all_steps_are_found,
        texts_are_copied_and_bounded,
        messages_are_kept_whole,
        the_list_is_bounded,
        late_texts_are_written_when_read,
        unread_late_texts_are_dropped,
        late_texts_do_not_pile_up,
        a_crowd_has_one_place,
        no_trace_is_allowed,
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        a_typical_call_is_small,
#endif
    };

    return SUITE_RUN("trace", tests);
}
