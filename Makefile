# SPDX-License-Identifier: GPL-3.0-or-later
# pcscf: the all-in-one P-CSCF for IMS labs. `make help` lists what can be asked for.
#
# One makefile, no recursion into folders. Every build variant lives in a folder of its own:
#   build/        the release build
#   build/asan/   AddressSanitizer and UndefinedBehaviorSanitizer (VARIANT=asan)
#   build/tsan/   ThreadSanitizer (VARIANT=tsan)
#   build/fuzz/   clang and libFuzzer (VARIANT=fuzz)

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
PREFIX  ?= /usr/local
VARIANT ?=
B       := build$(if $(VARIANT),/$(VARIANT))

CC      ?= gcc
CFLAGS  ?= -O2 -g
SAN.asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN.tsan := -fsanitize=thread -fno-omit-frame-pointer
SAN.fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
SAN     := $(SAN.$(VARIANT))
ifeq ($(VARIANT),fuzz)
CC      := clang
endif

# What the build and the demo stand on; the tests need a few more libraries and programs.
PKGS      := sofia-sip-ua openssl gnutls nettle libuv libcyaml yaml-0.1 libmicrohttpd jansson sqlite3 expat liblz4 libcares
TEST_PKGS := check spandsp libtiff-4 libsrtp2
DEPS := gcc libc6-dev pkg-config \
        libsofia-sip-ua-dev libssl-dev libgnutls28-dev nettle-dev libuv1-dev uthash-dev \
        libcyaml-dev libyaml-dev libmicrohttpd-dev libjansson-dev libsqlite3-dev libexpat1-dev \
        libjemalloc-dev liblz4-dev libc-ares-dev openssl procps \
        check libspandsp-dev libsrtp2-dev libtiff-dev libtiff-tools
LAB_DEPS := kamailio
CHECK_DEPS := sip-tester sngrep tshark valgrind dpkg-dev groff-base jq baresip-core $(LAB_DEPS)
LINT_DEPS := clang clang-format clang-tidy libclang-rt-dev
BROWSER_DEPS := chromium python3

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
        -Wno-unused-parameter -Wno-missing-field-initializers
# Names of ours stay ours: a library that has a function of the same name (Sofia-SIP: tls_free,
# sdp_parse) would call ours otherwise.
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -pthread -fvisibility=hidden $(WARN) $(CFLAGS) $(SAN) \
             -DPCSCF_VERSION='"$(VERSION)"' $(call pkg,cflags,$(PKGS) $(TEST_PKGS))
ALL_LDFLAGS = -pthread $(LDFLAGS) $(SAN)
pkg = $(patsubst -I%,-isystem %,$(shell pkg-config --$(1) $(2) 2>/dev/null))
LIBS      = $(call pkg,libs,$(PKGS)) -lresolv -lm
# Sessions come and go in any order and leave holes between what lives for minutes and what lives
# for seconds; jemalloc keeps the two apart. Sanitizers bring an allocator of their own.
ALLOCATOR = $(if $(VARIANT),,$(call pkg,libs,jemalloc))
TEST_LIBS = $(call pkg,libs,$(TEST_PKGS)) -lm

V ?= 0
ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
endif

# --- rooms of the house ---------------------------------------------------------------------
src = $(sort $(wildcard $(addsuffix /*.c,$(1))))
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
COMMON := $(call src,common common/capture common/trace common/admin common/web)
SDP    := $(call src,sdp)
AGW    := $(call src,agw)
ALG    := $(filter-out alg/main.c,$(call src,alg))
CTL    := $(call src,common/admin/ctl)
UA     := $(call src,tests/ua)
UNIT   := $(call src,tests/unit)
FLOWS  := $(call src,tests/flows)
FUZZ   := $(call src,tests/fuzz)
BENCH  := $(call src,tests/bench)
EVERY_C := $(COMMON) $(CTL) $(SDP) $(AGW) $(ALG) alg/main.c $(UA) $(UNIT) $(FLOWS) $(FUZZ) $(BENCH)
EVERY_H := $(sort $(wildcard */*.h */*/*.h */*/*/*.h))

LIBCOMMON := $(B)/libcommon.a
LIBSDP := $(B)/libsdp.a
LIBAGW := $(B)/libagw.a
LIBALG := $(B)/libalg.a

.DEFAULT_GOAL := all
.SECONDARY:
.PHONY: lab lab-check deps-lab requirements
.PHONY: all help deps deps-check deps-lint deps-browser viewer pictures demo check check-variant unit flows lint format bench fuzz asan tsan \
        install man deb package-check clean walls

all: $(B)/.deps $(B)/pcscf $(B)/pcscfctl $(B)/e2ae-ua ## build the daemon, its control program and the reference user agent

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-12s %s\n",$$1,$$2}' $(MAKEFILE_LIST)
	@echo "  lesson-N     lesson N of configs/lessons: a call with one thing changed, and its chart"
	@echo "  V=1 shows commands; VARIANT=asan|tsan builds into build/asan, build/tsan."

# --- dependencies ---------------------------------------------------------------------------
# build/.deps says that this machine has what the build needs; it is made by looking, and only
# when something is missing are packages installed.
build/.deps: Makefile
	$(Q)tests/deps.sh $(DEPS)
	$(Q)mkdir -p $(@D) && touch $@
ifneq ($(VARIANT),)
$(B)/.deps: build/.deps
	$(Q)mkdir -p $(@D) && touch $@
endif
deps: ## install the Debian packages that build and demo need
	$(Q)tests/deps.sh $(DEPS)
deps-lab:
	$(Q)tests/deps.sh $(LAB_DEPS)
deps-check: ## install the programs that only the tests need
	$(Q)tests/deps.sh $(CHECK_DEPS)
deps-lint:
	$(Q)tests/deps.sh $(LINT_DEPS)
deps-browser:
	$(Q)tests/deps.sh $(BROWSER_DEPS)

# --- compiling ------------------------------------------------------------------------------
$(B)/obj/%.o: %.c $(B)/.deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The files for browsers become part of the program; a page that holds chart.js names its hash.
WEB := $(wildcard common/web/*.html common/web/*.js common/web/*.css)
$(B)/obj/common/web/asset.o: $(WEB)
$(B)/obj/common/web/asset.o: CFLAGS += \
    -DCHART_JS_SHA256='"$(shell openssl dgst -sha256 -binary common/web/chart.js | base64)"'

define library
$(1): $(call obj,$(2))
	$$(call say,AR,$(1))
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(eval $(call library,$(LIBCOMMON),$(COMMON)))
$(eval $(call library,$(LIBSDP),$(SDP)))
$(eval $(call library,$(LIBAGW),$(AGW)))
$(eval $(call library,$(LIBALG),$(ALG)))

link = $(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(1)
$(B)/pcscf: $(call obj,alg/main.c) $(LIBALG) $(LIBAGW) $(LIBSDP) $(LIBCOMMON)
	$(call say,LD,$@)
	$(call link,$(LIBS) $(ALLOCATOR))
$(B)/pcscfctl: $(call obj,$(CTL)) $(LIBCOMMON)
	$(call say,LD,$@)
	$(call link,$(call pkg,libs,jansson))
# The user agent shares sdp/ and common/ only: it must not agree with us by sharing our bugs.
$(B)/e2ae-ua: $(call obj,$(UA)) $(LIBSDP) $(LIBCOMMON)
	$(call say,LD,$@)
	$(call link,$(LIBS) $(TEST_LIBS))

$(B)/tests/%: $(B)/obj/tests/unit/%.o $(LIBALG) $(LIBAGW) $(LIBSDP) $(LIBCOMMON)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(call link,$(LIBS) $(TEST_LIBS))
# The user agent's own unit tests: its modules, and still no room of the P-CSCF.
$(B)/tests/test_ua_%: $(B)/obj/tests/unit/test_ua_%.o $(call obj,$(filter-out tests/ua/ua_main.c,$(UA))) $(LIBSDP) $(LIBCOMMON)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(call link,$(LIBS) $(TEST_LIBS))
$(B)/tests/flows: $(call obj,$(FLOWS)) $(LIBCOMMON)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(call link,$(LIBS) $(TEST_LIBS))
# Each bench_NAME.c is a program; the other files of the folder are shared by them.
BENCH_BIN := $(patsubst tests/bench/%.c,$(B)/bench/%,$(filter tests/bench/bench_%,$(BENCH)))
$(B)/bench/%: $(B)/obj/tests/bench/%.o $(call obj,$(filter-out tests/bench/bench_%,$(BENCH))) $(LIBAGW) $(LIBSDP) $(LIBCOMMON)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(call link,$(LIBS) $(TEST_LIBS))
$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(LIBALG) $(LIBAGW) $(LIBSDP) $(LIBCOMMON)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o %.a,$^) $(LIBS)

# --- tests ----------------------------------------------------------------------------------
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT))
# Looks at what /metrics prints. Of the package only this one program is taken: installed as a whole
# it would start a server.
build/tools/promtool:
	$(call say,GET,$@)
	$(Q)mkdir -p $(@D)
	$(Q)cd $(@D) && (apt-get download -q prometheus || (apt-get update -q && apt-get download -q prometheus)) >apt.log 2>&1 && \
	    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool >promtool.new && \
	    chmod 755 promtool.new && mv promtool.new promtool && rm -f prometheus_*.deb
# Looked at once: what runs in a browser is the same in all variants, and lessons are about calls
# that the flows have already.
VIEWER := $(if $(VARIANT),,tests/browser/test_viewer tests/lesson.sh)
check-variant: deps-check all build/tools/promtool $(UNIT_BIN) $(if $(FLOWS),$(B)/tests/flows) $(if $(VIEWER),deps-browser)
	$(Q)tests/run.sh $(B) $(UNIT_BIN) $(if $(FLOWS),$(B)/tests/flows) $(VIEWER)
viewer: all deps-browser ## the viewer in a browser only; what is seen stands in build/pictures
	$(Q)tests/run.sh $(B) tests/browser/test_viewer
pictures: viewer ## the pictures of README anew
	$(Q)cp build/pictures/t38-call.png build/pictures/failed-call.png build/pictures/session-list.png \
	    configs/pictures/
unit: $(UNIT_BIN) ## unit and golden tests only
	$(Q)tests/run.sh $(B) $(UNIT_BIN)
flows: deps-check all build/tools/promtool $(B)/tests/flows ## whole-process tests only
	$(Q)tests/run.sh $(B) $(B)/tests/flows
check: build/.deps deps-check ## everything: lint, unit, golden, flows, the same under ASan+UBSan, a short fuzz
	$(Q)tests/check.sh
asan: ## unit tests and flows under AddressSanitizer and UndefinedBehaviorSanitizer
	$(Q)$(MAKE) --no-print-directory VARIANT=asan check-variant
tsan: ## unit tests and flows under ThreadSanitizer
	$(Q)$(MAKE) --no-print-directory VARIANT=tsan check-variant
FUZZ_SECONDS ?= 20
fuzz: deps-lint ## each fuzz target for FUZZ_SECONDS (default 20)
	$(Q)$(MAKE) --no-print-directory VARIANT=fuzz fuzz-bins
	$(Q)tests/fuzz/run.sh $(FUZZ_SECONDS) $(patsubst tests/fuzz/%.c,build/fuzz/fuzz/%,$(FUZZ))
.PHONY: fuzz-bins
fuzz-bins: $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(FUZZ))

lint: deps-lint walls ## formatting, clang-tidy, the walls between the rooms, the table of requirements
	$(Q)tests/requirements.sh
	$(Q)tests/lint.sh "-std=c11 -D_GNU_SOURCE -I. $(call pkg,cflags,$(PKGS) $(TEST_PKGS))" \
	    $(EVERY_C) $(EVERY_H)
walls: ## no room includes what it may not know
	$(Q)tests/walls.sh
format: ## let clang-format have its way
	$(Q)clang-format -i $(EVERY_C) $(EVERY_H)

bench: all $(BENCH_BIN) ## speed and memory, beside a minimal relay in the same run
	$(Q)tests/bench/run.sh $(B)
lesson-%: all
	$(Q)BUILD=$(B) tests/lesson.sh $*
demo: all ## fax, chat and floor request in both directions, from nothing, with their charts
	$(Q)tests/demo.sh $(B)

lab: deps-lab all ## pcscf with Kamailio as registrar and S-CSCF, until Ctrl-C (ADDRESS=127.0.0.1)
	$(Q)configs/lab-standalone/lab.sh $(B)
lab-check: deps-check all ## the labs of configs/: accepted, started, and called through
	$(Q)tests/lab.sh $(B)
requirements: ## the table of requirements in README anew
	$(Q)tests/requirements.sh --write

man: $(B)/man/.made ## the manual pages, made of what the programs say about themselves
$(B)/man/.made: $(B)/pcscf $(B)/pcscfctl $(B)/e2ae-ua configs/pcscf.yaml $(wildcard configs/man/*)
	$(call say,MAN,$(@D))
	$(Q)configs/man/make.sh $(B) $(@D)
	$(Q)touch $@
share := $(DESTDIR)$(PREFIX)/share
install: all man ## PREFIX=/usr/local DESTDIR=
	install -D -m 0755 $(B)/pcscf $(DESTDIR)$(PREFIX)/sbin/pcscf
	install -D -m 0755 $(B)/pcscfctl $(DESTDIR)$(PREFIX)/bin/pcscfctl
	install -D -m 0755 $(B)/e2ae-ua $(DESTDIR)$(PREFIX)/bin/e2ae-ua
	install -D -m 0644 configs/pcscf.yaml $(share)/pcscf/pcscf.yaml
	install -D -m 0644 configs/grafana/pcscf.json $(share)/pcscf/grafana/pcscf.json
	install -D -m 0644 configs/systemd/pcscf.service $(DESTDIR)$(PREFIX)/lib/systemd/system/pcscf.service
	install -D -m 0644 configs/systemd/pcscf.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/pcscf.conf
	install -D -m 0644 configs/completion/pcscfctl $(share)/bash-completion/completions/pcscfctl
	install -D -m 0644 -t $(share)/man/man1 $(B)/man/pcscfctl.1 $(B)/man/e2ae-ua.1
	install -D -m 0644 -t $(share)/man/man5 $(B)/man/pcscf.yaml.5
	install -D -m 0644 -t $(share)/man/man8 $(B)/man/pcscf.8
# A version as Debian wants it: begins with a digit, and grows with the time of the last change.
DEB_VERSION := 0~$(shell git log -1 --format=%cd --date=format:%Y%m%d%H%M 2>/dev/null || date +%Y%m%d)+$(subst -,.,$(VERSION))
deb: all man ## a Debian package in build/
	$(Q)rm -rf $(B)/stage $(B)/pcscf_*.deb
	$(Q)$(MAKE) --no-print-directory -s install DESTDIR=$(B)/stage PREFIX=/usr
	$(Q)configs/debian/make.sh $(B) $(B)/stage "$(DEB_VERSION)"
package-check: deps-check deb build/tools/promtool ## manual pages, completion, dashboard, and the package installed
	$(Q)tests/package.sh $(B)
clean: ## remove build/
	rm -rf build

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
