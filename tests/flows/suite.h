// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef TESTS_FLOWS_SUITE_H
#define TESTS_FLOWS_SUITE_H
// What there is to run. Each file of cases adds its own.

#include <check.h>
#include <stddef.h>

struct suite;

// Adds a test; with rows it runs once per row of its table, told which by _i.
void suite_add(struct suite *s, const TTest *test, int rows);

#define ONCE(suite, test) suite_add((suite), (test), 1)
#define EACH(suite, test, table)                                                                   \
    suite_add((suite), (test), (int)(sizeof(table) / sizeof((table)[0])))

void suite_startup(struct suite *s);
void suite_t38_orig(struct suite *s);
void suite_t38_term(struct suite *s);
void suite_msrp(struct suite *s);
void suite_bfcp(struct suite *s);
void suite_tcp(struct suite *s);
void suite_tcp_failure(struct suite *s);
void suite_modification(struct suite *s);
void suite_audio(struct suite *s);
void suite_rtp(struct suite *s);
void suite_multipart(struct suite *s);
void suite_failure(struct suite *s);
void suite_session(struct suite *s);
void suite_fork(struct suite *s);
void suite_misbehaviour(struct suite *s);
void suite_sip(struct suite *s);
void suite_policy(struct suite *s);
void suite_registration(struct suite *s);
void suite_register_agent(struct suite *s);
void suite_kamailio(struct suite *s);
void suite_baresip(struct suite *s);
void suite_proxy(struct suite *s);
void suite_transport(struct suite *s);
void suite_stranger(struct suite *s);
void suite_flow_loss(struct suite *s);
void suite_dns(struct suite *s);
void suite_openssl(struct suite *s);
void suite_openssl_tcp(struct suite *s);
void suite_sipp(struct suite *s);
void suite_operation(struct suite *s);
void suite_admin(struct suite *s);
void suite_capture(struct suite *s);
void suite_hep(struct suite *s);
void suite_load(struct suite *s);

#endif
