// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef ALG_CHARGING_H
#define ALG_CHARGING_H
// IMS charging correlation: what P-Charging-Vector says of a dialog or of one request
// (RFC 7315 4.6, 5.6; TS 24.229 5.2.6.3.3, 5.2.6.4.4).

// Longer values exist in no network; one that is longer is not taken, so that nothing is cut.
#define CHARGING_ICID_MAX 128
#define CHARGING_IOI_MAX 128

// Values as they are spelled in the field, with quotes where they have some. "": none.
struct charging {
    char icid[CHARGING_ICID_MAX];
    char orig_ioi[CHARGING_IOI_MAX]; // of the last request from the core
};

// A globally unique icid of our own.
void charging_new(struct charging *c);
// Takes what a request of the core says: the icid of a dialog is that of its first request, the
// orig-ioi that of the last one.
void charging_read(struct charging *c, const char *value);
// The value of the field; "" and NULL name nobody. Returns buf.
#define CHARGING_STRLEN (CHARGING_ICID_MAX + 2 * CHARGING_IOI_MAX + 48)
const char *charging_print(const struct charging *c, const char *orig_ioi, const char *term_ioi,
                           char buf[static CHARGING_STRLEN]);

#endif
