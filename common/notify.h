// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H
// Tells a service manager how far we are, as sd_notify(3) does.

#include <stdint.h>

// state: "READY=1", "WATCHDOG=1", "STATUS=...", several with '\n' between them. Does nothing where
// no service manager has asked for it (NOTIFY_SOCKET).
void notify_service(const char *state);
// Within how many milliseconds a "WATCHDOG=1" must follow the one before (sd_watchdog_enabled(3));
// 0: nobody waits for one.
uint64_t notify_watchdog_ms(void);

#endif
