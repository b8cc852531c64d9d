// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H
// Tells a service manager how far we are, as sd_notify(3) does.

// state: "READY=1", "STOPPING=1", "STATUS=...", several with '\n' between them. Does nothing where
// no service manager has asked for it (NOTIFY_SOCKET).
void notify_service(const char *state);

#endif
