// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_EVENT_H
#define UA_EVENT_H
// What the user agent says: one line per event on standard output, and how it all ended.

// Exit status, one per class of ending.
enum ua_status {
    UA_OK = 0,
    UA_USAGE = 1,   // the command line
    UA_SYSTEM = 2,  // what the system refused: address in use, file not readable
    UA_REFUSED = 3, // the call was refused, or an offer within it
    UA_DTLS = 4,    // no secure association, or no TCP connection
    UA_FAX = 5,     // the fax, the counted datagrams, chat or floor request did not come through
    UA_ENDED = 6,   // the call ended before it should
    UA_TIMEOUT = 7, // --timeout
};

// Prints "NAME key=value ..." and flushes. The format holds the pairs; %s values of doubtful
// content go through event_quote first.
__attribute__((format(printf, 2, 3))) void event(const char *name, const char *fmt, ...);
void event_plain(const char *name); // without pairs

// Returns text as a value: as it is when it is one plain word, else in double quotes with quotes,
// backslashes and control characters replaced. Valid until the fourth next call.
const char *event_quote(const char *text);

// Remembers the first failure; later ones are its consequences.
void event_fail(enum ua_status status);
enum ua_status event_status(void);
const char *event_status_name(enum ua_status status);

#endif
