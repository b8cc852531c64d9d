// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_ADMIN_METRICS_H
#define COMMON_ADMIN_METRICS_H
// Everything that is measured, in one table: /metrics, /api/v1/counters, "pcscfctl counters" and
// the table of pcscf(8) come from it. Names by Prometheus' conventions: base units, _total on
// counters, few labels with few values; never a Call-ID or an address.
//
// X(id, name without "pcscf_", type, help)

#include "common/strbuf.h"

#include <jansson.h>
#include <stdint.h>

#define METRIC_TABLE(X)                                                                            \
    X(BUILD_INFO, "build_info", GAUGE, "1; the version is in the label")                           \
    X(START_TIME, "start_time_seconds", GAUGE, "When the process began, in Unix time")             \
    X(MEMORY, "resident_memory_bytes", GAUGE, "Memory of the process")                             \
    X(DESCRIPTORS, "open_descriptors", GAUGE, "File descriptors of the process")                   \
    X(CPU, "cpu_seconds_total", COUNTER, "Processor time of all threads")                          \
    X(WORKERS, "media_workers", GAUGE, "Threads that carry media")                                 \
    X(SESSIONS, "sessions", GAUGE, "Sessions at this moment")                                      \
    X(SESSIONS_OPENED, "sessions_total", COUNTER, "Sessions opened, by who called")                \
    X(SESSIONS_ENDED, "sessions_ended_total", COUNTER,                                             \
      "Sessions ended, by reason; none: released by a party")                                      \
    X(REGISTRATIONS, "registrations", GAUGE, "Registered contacts at this moment")                 \
    X(STREAMS, "streams", GAUGE, "Media streams at the AGW at this moment")                        \
    X(PORTS_USED, "ports_used", GAUGE, "Media connection points in use, by side")                  \
    X(PORTS, "ports", GAUGE, "Media connection points configured, by side")                        \
    X(PACKETS, "relayed_packets_total", COUNTER,                                                   \
      "Datagrams and reads of a byte stream passed on, by side and transport they came by")        \
    X(BYTES, "relayed_bytes_total", COUNTER, "The same in bytes of media, unprotected")            \
    X(DROPPED, "dropped_packets_total", COUNTER, "Datagrams that went nowhere, by reason")         \
    X(FAILURES, "failures_total", COUNTER, "Everything else refused or failed, by reason")         \
    X(HANDSHAKES, "handshakes_total", COUNTER, "(D)TLS handshakes, by role of the AGW and result") \
    X(HANDSHAKE_SECONDS, "handshake_seconds", HISTOGRAM,                                           \
      "Time from the ClientHello until a (D)TLS session was established")

enum metric {
#define X(id, name, type, help) METRIC_##id,
    METRIC_TABLE(X)
#undef X
        METRIC_COUNT
};

struct metrics;

struct metrics *metrics_open(void); // NULL: no memory
void metrics_close(struct metrics *metrics);

// labels: "side=\"access\"", or "" for none. Values of one metric differ in their labels.
void metrics_put(struct metrics *metrics, enum metric metric, const char *labels, double value);
// One with an integer part larger than a double can tell is not lost.
void metrics_put_count(struct metrics *metrics, enum metric metric, const char *labels,
                       uint64_t value);
// counts has one more than bounds: what is beyond the last. They are not summed up.
void metrics_put_histogram(struct metrics *metrics, enum metric metric, const double *bounds,
                           const uint64_t *counts, unsigned bound_count, double sum);
// What is known without asking anybody: reasons, and the process.
void metrics_put_common(struct metrics *metrics);

// As Prometheus reads them (text exposition format 0.0.4).
void metrics_text(const struct metrics *metrics, struct strbuf *out);
// [{"name", "type", "help", "labels", "value"}]. The caller's; NULL: no memory.
json_t *metrics_json(const struct metrics *metrics);

#endif
