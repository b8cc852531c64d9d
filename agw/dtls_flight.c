// SPDX-License-Identifier: GPL-3.0-or-later
// Happy path: records are gathered and leave when the next does not fit or at the end.
// Failure paths: a record larger than the room leaves by itself; a flight that is unwanted, or that
// begins a second time with the record it began with, is swallowed.

#include "agw/dtls_flight.h"

#include "agw/dtls_record.h"

#include <string.h>

void dtls_flight_open(struct dtls_flight *flight)
{
    flight->name = 0;
    flight->left = false;
    flight->again = false;
    flight->mark_len = 0;
    flight->len = 0;
}

static void send_gathered(struct dtls_flight *flight)
{
    if (flight->len > 0)
        flight->transmit(flight->arg, flight->room, flight->len);
    flight->len = 0;
}

// What stays the same when a message is sent again: all but the sequence number of its record.
static size_t mark_of(const uint8_t *record, size_t len, uint8_t mark[static DTLS_FLIGHT_MARK])
{
    size_t fragment = len > RECORD_HEADER ? len - RECORD_HEADER : 0;
    size_t mark_len = fragment < DTLS_FLIGHT_MARK - 1 ? fragment : DTLS_FLIGHT_MARK - 1;
    mark[0] = record[0];
    memcpy(mark + 1, record + RECORD_HEADER, mark_len);
    return mark_len + 1;
}

static bool is_unwanted(struct dtls_flight *flight, unsigned name, const uint8_t *record,
                        size_t len)
{
    uint8_t mark[DTLS_FLIGHT_MARK];
    size_t mark_len = mark_of(record, len, mark);
    if (flight->name != name) {
        flight->name = name;
        flight->again = false;
        flight->mark_len = mark_len;
        memcpy(flight->mark, mark, mark_len);
    } else if (mark_len == flight->mark_len && memcmp(mark, flight->mark, mark_len) == 0) {
        flight->again = true;
    }
    return flight->again || name == flight->unwanted;
}

void dtls_flight_add(struct dtls_flight *flight, unsigned name, const uint8_t *record, size_t len)
{
    if (len == 0 || is_unwanted(flight, name, record, len))
        return;
    flight->left = true;
    size_t room = flight->mtu < DTLS_FLIGHT_ROOM ? flight->mtu : DTLS_FLIGHT_ROOM;
    if (flight->len + len > room || name == flight->apart)
        send_gathered(flight);
    if (len > room) {
        flight->transmit(flight->arg, record, len);
        return;
    }
    memcpy(flight->room + flight->len, record, len);
    flight->len += len;
}

bool dtls_flight_close(struct dtls_flight *flight)
{
    send_gathered(flight);
    return flight->left;
}
