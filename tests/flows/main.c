// SPDX-License-Identifier: GPL-3.0-or-later
// flows [WORD]: runs all whole-process tests, or those whose name or file holds WORD ("overload",
// "case_proxy"). CK_RUN_CASE=WORD in the environment does the same.
//
// Happy path: the tests are dealt out to a few processes of libcheck, which run at the same time:
// most of a test is waiting. Their reports are printed one after the other. Failure: the exit
// status is 1 when one of them has a failure, dies, or when no test fits the word.
#include "tests/flows/suite.h"

#include "tests/flows/flow.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// Tests wait for timers and for each other's programs most of the time; more than this at once and
// the slowest handshakes of a small machine come near their limits.
#define SHARDS 6
// One test, with all that it waits for.
#define TEST_TIMEOUT_S 90

struct suite {
    TCase *tc;
    const char *word;
    unsigned shard;
    unsigned count; // tests that fit the word
    unsigned taken; // of those, by this shard
};

static bool fits(const TTest *test, const char *word)
{
    return !word || strstr(test->name, word) || strstr(test->file, word);
}

void suite_add(struct suite *s, const TTest *test, int rows)
{
    for (int row = 0; row < rows; row++) {
        if (!fits(test, s->word))
            continue;
        if (s->count++ % SHARDS != s->shard)
            continue;
        tcase_add_loop_test(s->tc, test, row, row + 1);
        s->taken++;
    }
}

static void add_all(struct suite *s)
{
    suite_startup(s);
    suite_t38_orig(s);
    suite_t38_term(s);
    suite_msrp(s);
    suite_bfcp(s);
    suite_tcp(s);
    suite_tcp_failure(s);
    suite_modification(s);
    suite_audio(s);
    suite_rtp(s);
    suite_multipart(s);
    suite_failure(s);
    suite_session(s);
    suite_fork(s);
    suite_misbehaviour(s);
    suite_sip(s);
    suite_policy(s);
    suite_registration(s);
    suite_register_agent(s);
    suite_kamailio(s);
    suite_baresip(s);
    suite_proxy(s);
    suite_transport(s);
    suite_stranger(s);
    suite_flow_loss(s);
    suite_dns(s);
    suite_openssl(s);
    suite_openssl_tcp(s);
    suite_sipp(s);
    suite_operation(s);
    suite_admin(s);
    suite_capture(s);
    suite_hep(s);
    suite_load(s);
}

static int run_shard(unsigned shard, const char *word)
{
    Suite *suite = suite_create("flows");
    struct suite s = {.tc = tcase_create("flows"), .word = word, .shard = shard};

    tcase_set_timeout(s.tc, TEST_TIMEOUT_S * (double)flow_scale());
    add_all(&s);
    suite_add_tcase(suite, s.tc);
    SRunner *runner = srunner_create(suite);
    if (s.taken > 0)
        srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (s.count == 0 && shard == 0)
        printf("no test fits \"%s\"\n", word);
    return failed == 0 && s.count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// The shard's report goes to a file of its own until it is printed as a whole.
static pid_t start_shard(unsigned shard, const char *word, FILE **report)
{
    *report = tmpfile();
    if (!*report)
        return -1;
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(fileno(*report), STDOUT_FILENO);
    exit(run_shard(shard, word));
}

static void print(FILE *report)
{
    char part[4096];
    size_t got;

    rewind(report);
    while ((got = fread(part, 1, sizeof(part), report)) > 0)
        fwrite(part, 1, got, stdout);
    fclose(report);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : getenv("CK_RUN_CASE");
    FILE *report[SHARDS];
    pid_t pid[SHARDS];
    int failed = 0;

    unsetenv("CK_RUN_CASE"); // libcheck would look for a case of that name, and run nothing
    for (unsigned i = 0; i < SHARDS; i++)
        if ((pid[i] = start_shard(i, word, &report[i])) < 0)
            return EXIT_FAILURE;
    for (unsigned i = 0; i < SHARDS; i++) {
        int status;
        if (waitpid(pid[i], &status, 0) != pid[i] || status != 0)
            failed = 1;
        print(report[i]);
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
