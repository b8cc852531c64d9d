// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef UA_SIP_H
#define UA_SIP_H
// SIP of the user agent on Sofia's nta: one agent with one address, and dialogs made by INVITE
// (RFC 3261 12, 13). What a message carries is handed over as plain text; no Sofia type leaves.

#include "common/addr.h"
#include "common/fingerprint.h"

#include <sofia-sip/su_wait.h>
#include <stdbool.h>
#include <stddef.h>

struct sip;
struct dialog;

enum sip_transport { SIP_UDP, SIP_TCP, SIP_TLS };
// "udp", "tcp", "tls".
const char *sip_transport_name(enum sip_transport transport);

struct sip_options {
    struct addr listen; // port 0: a free one
    enum sip_transport transport;
    struct fingerprint tls_fingerprint; // of the peer's certificate; len 0: any will do
    struct addr proxy;    // initial requests go there with a Route; not set: where the URI says
    const char *identity; // "sip:user@domain"
    bool reliable;        // announce 100rel (RFC 3262)

    // Registration, of a UE or, as registrar, of the one UE this side knows.
    bool registrar;       // answer REGISTER
    const char *user;     // private identity
    const char *password; // NULL: there is no challenge, or no answer to one
    const char *realm;    // of the challenge
    const char *mediasec; // value of Security-Client; NULL: none
    unsigned expires_s;
    unsigned loss; // of 1000 SIP messages that arrive, so many are dropped
};

enum dialog_event {
    DIALOG_INVITE,         // an INVITE or re-INVITE came: dialog_reply
    DIALOG_PROVISIONAL,    // 18x to our INVITE
    DIALOG_ANSWER,         // 2xx to our INVITE: dialog_ack
    DIALOG_REFUSAL,        // 3xx to 6xx to our INVITE, or no answer at all (408, 503 from within)
    DIALOG_ACK,            // the ACK of our 2xx
    DIALOG_NO_ACK,         // it never came
    DIALOG_CANCEL,         // the caller gave up; 487 is already sent
    DIALOG_PRACK,          // our reliable 18x is acknowledged
    DIALOG_UPDATE,         // an UPDATE came: dialog_reply_update
    DIALOG_UPDATE_ANSWER,  // 2xx to our UPDATE
    DIALOG_UPDATE_REFUSAL, // anything else
    DIALOG_BYE,            // the peer hung up; 200 is already sent
    DIALOG_GONE,           // our BYE is answered, or never will be
    DIALOG_EVENTS
};

// Valid during the callback only.
struct dialog_message {
    int status; // of a response
    const char *phrase;
    const char *body; // SDP; NULL when there is none
    size_t body_len;
    const char *reason; // Reason header field value; NULL when there is none
    bool supports_100rel;
};

struct dialog_user {
    void *arg;
    void (*on_event)(void *arg, enum dialog_event event, const struct dialog_message *message);
};

// Called for an INVITE that belongs to no dialog. The answer is the user of the new dialog, whose
// DIALOG_INVITE follows at once; false refuses with 486.
struct sip_user {
    void *arg;
    bool (*on_call)(void *arg, struct dialog *dialog, const char *from, struct dialog_user *user);
    // The final answer to our REGISTER; agreement: its last Security-Server, "" for none.
    void (*on_register)(void *arg, int status, const char *phrase, const char *agreement);
    // A UE has registered here; calls to it go by its Path from now on.
    void (*on_registrar)(void *arg, const char *aor, const char *contact, const char *path);
    // The peer over TLS has another certificate than tls_fingerprint says: nothing is sent to it.
    void (*on_other_peer)(void *arg);
};

// Returns 0 or a negative errno (-EADDRINUSE when the address cannot be had).
int sip_open(struct sip **out, su_root_t *root, const struct sip_options *options,
             const struct sip_user *user);
void sip_close(struct sip *sip); // after all dialogs were freed
// "127.0.0.1:5090"
const char *sip_address(const struct sip *sip);
// REGISTER, with credentials once challenged (RFC 3261 10.2, 22.2); ends in on_register. Returns 0
// or -EIO.
int sip_register(struct sip *sip);

// Where dialogs can run into trouble on purpose or by size: -ENOMEM and -EIO mean that nothing was
// sent and nothing will follow.
int dialog_call(struct dialog **out, struct sip *sip, const char *target,
                const struct dialog_user *user, const char *body);
int dialog_reinvite(struct dialog *d, const char *body);
int dialog_update(struct dialog *d, const char *body);
// Answers the INVITE of DIALOG_INVITE. reliable: an 18x with RSeq (RFC 3262).
int dialog_reply(struct dialog *d, int status, const char *phrase, const char *body, bool reliable);
int dialog_reply_update(struct dialog *d, int status, const char *phrase, const char *body);
// ACK for the 2xx of DIALOG_ANSWER; repeated by itself when the 2xx is.
void dialog_ack(struct dialog *d, const char *body);
void dialog_cancel(struct dialog *d);
void dialog_bye(struct dialog *d);
const char *dialog_call_id(const struct dialog *d);
// Not from within on_event of this dialog. NULL allowed.
void dialog_free(struct dialog *d);

#endif
