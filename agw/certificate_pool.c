// SPDX-License-Identifier: GPL-3.0-or-later
// The pool of ready certificates.
//
// Happy path: a thread of low priority fills the pool to its size and sleeps until one is taken. A
// certificate is taken once and never comes back, so no two live streams share one (REQ-060).
// RSA keys cost tens of milliseconds and more, so RSA certificates are made over a small set of
// keys that is renewed one by one; each certificate has its own serial and thus its own
// fingerprint.
// Failure paths: the pool is empty: the taker makes a certificate itself. A certificate waited too
// long: it is thrown away. The thread cannot make one: it says so and tries again after a pause.

#include "agw/certificate_make.h"
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// An idle node may take a certificate that was made long ago; it must still be good for a call.
#define STALE_AFTER_S (CERTIFICATE_LIFE_S / 2)
// RSA keys in use at a time, and how many certificates are made over one before it is replaced:
// small enough that a key is shared by few streams, large enough that the thread is mostly idle.
#define RSA_KEYS 4
#define RSA_KEY_USES 64
// Pause before the thread tries again after a failure.
#define RETRY_S 1
// Media and signalling go first.
#define THREAD_NICE 10

struct rsa_key {
    gnutls_x509_privkey_t key;
    unsigned uses;
};

struct certificate_pool {
    pthread_t thread;
    enum certificate_set set;

    // A stack: the youngest certificate is taken first. Guarded by lock.
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    bool closing;
    unsigned size;
    unsigned count;
    struct certificate **ready;

    // Guarded by rsa_lock, which is held for a signature but never while a key is made.
    pthread_mutex_t rsa_lock;
    struct rsa_key rsa[RSA_KEYS];
    unsigned rsa_current;
};

// Makes the next RSA key the current one, renewed when it is worn. No lock is held while a key is
// made. On failure the current one stays.
static void turn_rsa_key(struct certificate_pool *pool)
{
    gnutls_x509_privkey_t fresh = NULL, old = NULL;
    pthread_mutex_lock(&pool->rsa_lock);
    unsigned next = (pool->rsa_current + 1) % RSA_KEYS;
    bool worn = !pool->rsa[next].key || pool->rsa[next].uses >= RSA_KEY_USES;
    pthread_mutex_unlock(&pool->rsa_lock);

    if (worn && !(fresh = certificate_rsa_key()))
        return;
    pthread_mutex_lock(&pool->rsa_lock);
    if (fresh) {
        old = pool->rsa[next].key;
        pool->rsa[next] = (struct rsa_key){.key = fresh};
    }
    pool->rsa_current = next;
    pthread_mutex_unlock(&pool->rsa_lock);
    if (old)
        gnutls_x509_privkey_deinit(old);
}

static struct certificate *make_over_current_key(struct certificate_pool *pool)
{
    struct certificate *certificate = NULL;
    pthread_mutex_lock(&pool->rsa_lock);
    struct rsa_key *current = &pool->rsa[pool->rsa_current];
    if (current->key) {
        current->uses++;
        certificate = certificate_make(pool->set, current->key);
    }
    pthread_mutex_unlock(&pool->rsa_lock);
    return certificate;
}

// For the thread, which has the time to make keys.
static struct certificate *make_at_leisure(struct certificate_pool *pool)
{
    if (!certificate_needs_rsa(pool->set))
        return certificate_make(pool->set, NULL);
    turn_rsa_key(pool);
    return make_over_current_key(pool);
}

// For the taker, who waits for a key only when there is none at all.
static struct certificate *make_at_once(struct certificate_pool *pool)
{
    if (!certificate_needs_rsa(pool->set))
        return certificate_make(pool->set, NULL);
    struct certificate *certificate = make_over_current_key(pool);
    return certificate ? certificate : make_at_leisure(pool);
}

// Waits until the pool is not full. With lock held. False: the pool is being closed.
static bool wait_until_wanted(struct certificate_pool *pool)
{
    while (!pool->closing && pool->count >= pool->size)
        pthread_cond_wait(&pool->wanted, &pool->lock);
    return !pool->closing;
}

static void pause_after_failure(struct certificate_pool *pool)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RETRY_S;
    while (!pool->closing && pthread_cond_timedwait(&pool->wanted, &pool->lock, &until) == 0)
        ;
}

static void *fill(void *arg)
{
    struct certificate_pool *pool = arg;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), THREAD_NICE);
    pthread_mutex_lock(&pool->lock);
    while (wait_until_wanted(pool)) {
        pthread_mutex_unlock(&pool->lock);
        struct certificate *certificate = make_at_leisure(pool);
        pthread_mutex_lock(&pool->lock);
        if (certificate) {
            pool->ready[pool->count++] = certificate;
        } else {
            log_error("certificate pool", "no memory or randomness for a certificate");
            pause_after_failure(pool);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

// Signals belong to the signalling thread, so the new thread starts with all of them blocked.
static int start_thread(struct certificate_pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&pool->thread, NULL, fill, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        pthread_setname_np(pool->thread, "certificates");
    return -rc;
}

static void free_pool(struct certificate_pool *pool)
{
    for (unsigned i = 0; i < pool->count; i++)
        certificate_free(pool->ready[i]);
    for (unsigned i = 0; i < RSA_KEYS; i++)
        if (pool->rsa[i].key)
            gnutls_x509_privkey_deinit(pool->rsa[i].key);
    pthread_cond_destroy(&pool->wanted);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->rsa_lock);
    free(pool->ready);
    free(pool);
}

int certificate_pool_open(struct certificate_pool **out, enum certificate_set set, unsigned size)
{
    struct certificate_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return -ENOMEM;
    pool->set = set;
    pool->size = size;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_mutex_init(&pool->rsa_lock, NULL);
    pthread_cond_init(&pool->wanted, NULL);
    pool->ready = calloc(size ? size : 1, sizeof(*pool->ready));
    int rc = pool->ready ? start_thread(pool) : -ENOMEM;
    if (rc < 0) {
        free_pool(pool);
        return rc;
    }
    *out = pool;
    return 0;
}

void certificate_pool_close(struct certificate_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_signal(&pool->wanted);
    pthread_mutex_unlock(&pool->lock);
    pthread_join(pool->thread, NULL);
    free_pool(pool);
}

static struct certificate *pop(struct certificate_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct certificate *certificate = pool->count ? pool->ready[--pool->count] : NULL;
    pthread_cond_signal(&pool->wanted);
    pthread_mutex_unlock(&pool->lock);
    return certificate;
}

struct certificate *certificate_take(struct certificate_pool *pool)
{
    struct certificate *certificate;
    while ((certificate = pop(pool)) != NULL) {
        if (time(NULL) - certificate_made_at(certificate) < STALE_AFTER_S)
            return certificate;
        certificate_free(certificate);
    }
    return make_at_once(pool);
}

unsigned certificate_pool_ready(struct certificate_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    unsigned count = pool->count;
    pthread_mutex_unlock(&pool->lock);
    return count;
}
