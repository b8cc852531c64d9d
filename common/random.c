// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes come from getrandom(); those that would favour some characters are thrown away and drawn
// again, so that every character is equally likely.
//
// Failure: without random bytes identities and branches could be guessed; the process ends.
#include "common/random.h"

#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_bytes(void *buf, size_t len)
{
    unsigned char *at = buf;
    size_t done = 0;

    while (done < len) {
        ssize_t got = getrandom(at + done, len - done, 0);
        if (got < 0 && errno != EINTR) {
            log_error("random", "getrandom: %s", strerror(errno));
            abort();
        }
        if (got > 0)
            done += (size_t)got;
    }
}

void random_alnum(char *buf, size_t n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    enum { LETTERS = sizeof(alphabet) - 1, FAIR = 256 - 256 % LETTERS };
    unsigned char bytes[64];
    size_t done = 0;

    while (done + 1 < n) {
        random_bytes(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes) && done + 1 < n; i++)
            if (bytes[i] < FAIR)
                buf[done++] = alphabet[bytes[i] % LETTERS];
    }
    buf[done] = '\0';
}
