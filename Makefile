# mosaik: small cooperating programs for leaderless networks.
#
#   make                 build every program into build/release/bin
#   make demo            install what is missing, build, run the main job on real input
#   make check           install what is missing, build, run every lint and test; T=WORD: only those named like it
#   make install         programs, man pages, completions below $(DESTDIR)$(PREFIX); uninstall takes them away
#   make deps            install what building and testing needs (apt); analyze-deps, bench-deps: what those need
#   make analyze         clang-tidy, cppcheck and gcc -fanalyzer over everything
#   make fuzz-NAME       fuzz tests/fuzz/fuzz_NAME.c for SECONDS=60
#   make sim             SEEDS=1000 worlds full of faults, from FIRST=1; SEED=N: that one, with its log
#   make sim-groups      the same for groups
#   make mutants         plant the bugs of tests/sim/mutants/ in a copy, one at a time: is each caught, and how soon?
#   make rewrite         write down what the scenarios of tests/sim/ print now
#   make bench           measure against socat, nats, etcd, redis, serf; see tests/README.md
#   make clean           remove build/
#
#   V=1 prints commands; WERROR=1 forbids warnings; CC=clang; SAN=address,undefined builds and tests with sanitizers.

VERSION := 0.1.0
PREFIX ?= /usr/local
CC = gcc
SECONDS ?= 60
SEEDS ?= 1000
FIRST ?= 1
Q := $(if $(V),,@)
comma := ,
IS_CLANG := $(findstring clang,$(CC))
B := build/$(if $(SAN),san-$(subst $(comma),-,$(SAN)),release)$(if $(IS_CLANG),-clang)

PROGRAMS := $(patsubst cmd/%/main.c,%,$(wildcard cmd/mosaik*/main.c))
BINARIES := $(PROGRAMS:%=$B/bin/%)

# ---- what must be here: name=package. Names are looked up with command -v, modules with pkg-config. ----

BUILD_TOOLS := $(firstword $(CC))=$(if $(IS_CLANG),clang,gcc) pkg-config=pkg-config
BUILD_MODULES := libngtcp2=libngtcp2-dev libngtcp2_crypto_gnutls=libngtcp2-crypto-gnutls-dev gnutls=libgnutls28-dev \
	nettle=nettle-dev hogweed=nettle-dev libuv=libuv1-dev libcbor=libcbor-dev lmdb=liblmdb-dev libxxhash=libxxhash-dev jansson=libjansson-dev
TEST_TOOLS := bats=bats mandoc=mandoc jq=jq pkill=procps valgrind=valgrind
TEST_MODULES := cmocka=libcmocka-dev
ANALYZE_TOOLS := clang=clang clang-tidy=clang-tidy cppcheck=cppcheck shellcheck=shellcheck
BENCH_TOOLS := socat=socat openssl=openssl
# Contestants: whoever is absent is left out of its table.
BENCH_OPTIONAL := nats-server=nats-server mosquitto=mosquitto mosquitto_pub=mosquitto-clients redis-server=redis-server \
	redis-cli=redis-tools serf=serf etcd=etcd-server etcdctl=etcd-client

# BLAKE3: the system's library where there is one, else the reference sources that librust-blake3-dev installs.
LIBBLAKE3 = $(shell pkg-config --exists libblake3 2>/dev/null && echo libblake3)
BLAKE3_SOURCES := $(lastword $(sort $(wildcard /usr/share/cargo/registry/blake3-*/c)))

missing_tools = $(foreach p,$1,$(if $(shell command -v $(firstword $(subst =, ,$p)) 2>/dev/null),,$p))
missing_modules = $(foreach p,$1,$(if $(shell pkg-config --exists $(firstword $(subst =, ,$p)) 2>/dev/null && echo y),,$p))
missing_build = $(call missing_tools,$(BUILD_TOOLS)) $(call missing_modules,$(BUILD_MODULES)) \
	$(if $(BLAKE3_SOURCES)$(LIBBLAKE3),,blake3=blake3) $(if $(wildcard /usr/include/stdio.h),,libc=libc6-dev)
missing_tests = $(call missing_tools,$(TEST_TOOLS)) $(call missing_modules,$(TEST_MODULES))
names = $(foreach p,$1,$(firstword $(subst =, ,$p)))
packages = $(sort $(foreach p,$1,$(lastword $(subst =, ,$p))))

.PHONY: all tests deps analyze-deps bench-deps demo check run-tests sim sim-groups mutants rewrite analyze bench install uninstall clean help
.DEFAULT_GOAL := all
.SECONDARY:

# Goals that only arrange work need no compiler. What they call is a second make, which sees what was just installed.
OUTER := deps analyze-deps bench-deps demo check uninstall clean help fuzz-%
INNER := $(filter-out $(OUTER),$(or $(MAKECMDGOALS),all))
SUBMAKE = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

# apt-get runs only when something is missing. An older Debian has no libblake3-dev, a newer one may.
define INSTALL
@set -e; need='$(strip $1)'; test -n "$$need" || exit 0; \
if ! command -v apt-get >/dev/null; then echo "missing: $$need (no apt here: install them your system's way)" >&2; exit 1; fi; \
if [ "$$(id -u)" != 0 ]; then echo "missing: $$need (run as root: make $@)" >&2; exit 1; fi; \
echo "  apt   $$need"; export DEBIAN_FRONTEND=noninteractive; apt-get -qq update; \
case " $$need " in *' blake3 '*) b=librust-blake3-dev; ! apt-cache show libblake3-dev >/dev/null 2>&1 || b=libblake3-dev; \
	need=$$(echo " $$need " | sed "s/ blake3 / $$b /");; esac; \
apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends libc6-dev $$need >/dev/null
endef

deps:
	$(call INSTALL,$(call packages,$(missing_build) $(missing_tests)))
analyze-deps: deps
	$(call INSTALL,$(call packages,$(call missing_tools,$(ANALYZE_TOOLS))) \
		$(if $(wildcard /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a),,libclang-rt-dev))
bench-deps: deps
	$(call INSTALL,$(call packages,$(call missing_tools,$(BENCH_TOOLS))))
	@for p in $(call packages,$(call missing_tools,$(BENCH_OPTIONAL))); do \
		apt-get -qq -y install --no-install-recommends $$p >/dev/null 2>&1 || \
		echo "  $$p is not here and cannot be installed: its column will be missing"; done

check: deps
	+@$(SUBMAKE) WERROR=1 run-tests
demo: deps
	+@$(SUBMAKE) all
	@tests/demo $B
fuzz-%: analyze-deps
	+@$(SUBMAKE) CC=clang SAN=fuzzer-no-link,address,undefined B=build/fuzz build/fuzz/tests/fuzz/explore_$*
	@mkdir -p build/fuzz/corpus/$* && cp -n tests/fuzz/corpus/$*/* build/fuzz/corpus/$*/ 2>/dev/null || true
	build/fuzz/tests/fuzz/explore_$* -max_total_time=$(SECONDS) -timeout=5 -rss_limit_mb=512 -malloc_limit_mb=64 \
		-print_final_stats=1 -artifact_prefix=build/fuzz/ build/fuzz/corpus/$*
clean:
	rm -rf build
help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

# What is installed: source=target below PREFIX, for install and uninstall alike.
INSTALLED := $(foreach p,$(PROGRAMS),$B/bin/$p=bin/$p) \
	$(foreach m,$(wildcard man/*.[1-8]),$m=share/man/man$(subst .,,$(suffix $m))/$(notdir $m)) \
	$(foreach f,$(wildcard completions/bash/*),$f=share/bash-completion/completions/$(notdir $f)) \
	$(foreach f,$(wildcard completions/zsh/*),$f=share/zsh/site-functions/$(notdir $f)) \
	$(foreach f,$(wildcard completions/fish/*),$f=share/fish/vendor_completions.d/$(notdir $f))
target = $(DESTDIR)$(PREFIX)/$(lastword $(subst =, ,$1))
uninstall:
	rm -f $(foreach f,$(INSTALLED),$(call target,$f))

# ---- everything below needs the tools ----
ifneq ($(INNER),)

MISSING := $(strip $(missing_build) $(if $(filter tests run-tests,$(INNER)),$(missing_tests)))
ifneq ($(MISSING),)
$(error missing: $(call names,$(MISSING)) (run: make deps))
endif

MODULES := $(call names,$(BUILD_MODULES)) $(LIBBLAKE3)
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wvla -Wformat=2 -Wundef -Wnull-dereference -Wcast-qual -Wswitch-enum \
	-Wwrite-strings -Wpointer-arith -Wredundant-decls $(if $(WERROR),-Werror) $(if $(IS_CLANG),-Wimplicit-fallthrough, \
	-Wimplicit-fallthrough=5 -Wduplicated-cond -Wduplicated-branches -Wlogical-op)
OPTIMISE ?= $(if $(SAN),-O1,-O2)
CFLAGS ?= $(OPTIMISE) -g
HARDEN := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CPPFLAGS += -D_GNU_SOURCE -DMOSAIK_VERSION='"$(VERSION)"' -Ilib -I. \
	$(if $(LIBBLAKE3),,-isystem $(BLAKE3_SOURCES)) $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(MODULES)))
export ALL_CFLAGS := -std=c17 $(CPPFLAGS) $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS) $(LDFLAGS)
LDLIBS := $(shell pkg-config --libs $(MODULES)) -lm
TEST_LDLIBS := $(shell pkg-config --libs $(call names,$(TEST_MODULES)) 2>/dev/null)

LIB_SRC := $(wildcard lib/*/*.c)
LIB := $B/libmosaik.a
COMMON := $B/libcommon.a
SIM_PROGRAMS := tests/sim/swarm.c tests/sim/big.c tests/sim/linearizable.c tests/sim/groups.c
SIM_SRC := $(filter-out %_test.c $(SIM_PROGRAMS),$(wildcard tests/sim/*.c))
SIM := $(SIM_PROGRAMS:%.c=$B/%)
UNIT := $(patsubst %.c,$B/%,$(wildcard tests/unit/*/*_test.c tests/sim/*_test.c tests/net/*_test.c))
FUZZ := $(patsubst %.c,$B/%,$(wildcard tests/fuzz/fuzz_*.c))
TOOLS := $(patsubst %.c,$B/%,$(wildcard tests/net/hostile*.c tests/net/group_*.c tests/bench/*.c))

all: $(BINARIES)
tests: $(UNIT) $(FUZZ) $(TOOLS) $(SIM)

$B/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  cc    $<")
	$Q$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
# Asked for while the program runs: see checksum.c.
$B/lib/base/checksum_avx2.o: ALL_CFLAGS += $(if $(filter x86_64,$(MACHINE)),-mavx2)

ifeq ($(LIBBLAKE3),)
BLAKE3_PARTS := blake3 blake3_dispatch blake3_portable $(if $(filter aarch64,$(MACHINE)),blake3_neon) \
	$(if $(filter x86_64,$(MACHINE)),$(patsubst %,blake3_%_x86-64_unix,sse2 sse41 avx2 avx512))
BLAKE3_OBJ := $(BLAKE3_PARTS:%=$B/blake3/%.o)
BLAKE3_CC = $Qmkdir -p $(@D) && $(CC) -O3 -fPIE -Wa,--noexecstack -c -o $@ $<
$B/blake3/%.o: $(BLAKE3_SOURCES)/%.c
	$(BLAKE3_CC)
$B/blake3/%.o: $(BLAKE3_SOURCES)/%.S
	$(BLAKE3_CC)
endif

$(LIB): $(LIB_SRC:%.c=$B/%.o) $(BLAKE3_OBJ)
$(COMMON): $(patsubst %.c,$B/%.o,$(wildcard cmd/common/*.c))
$B/libsim.a: $(SIM_SRC:%.c=$B/%.o)
$B/%.a:
	@mkdir -p $(@D)
	$Qrm -f $@ && $(AR) rcs $@ $^

LINK = $Q$(CC) $(ALL_LDFLAGS) -o $@ $^
define PROGRAM_RULE
$B/bin/$1: $(patsubst %.c,$B/%.o,$(wildcard cmd/$1/*.c)) $(COMMON) $(LIB)
	@mkdir -p $$(@D)
	$(if $(V),,@echo "  link  $1")
	$$(LINK) $$(LDLIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call PROGRAM_RULE,$p)))

$(UNIT): %: %.o $B/libsim.a $(COMMON) $(LIB)
	$(LINK) $(TEST_LDLIBS) $(LDLIBS)
$(SIM): %: %.o $B/libsim.a $(LIB)
	$(LINK) $(LDLIBS)
$(FUZZ): %: %.o $B/tests/fuzz/replay.o $(COMMON) $(LIB)
	$(LINK) $(LDLIBS)
$(TOOLS): %: %.o $(COMMON) $(LIB)
	$(LINK) $(LDLIBS)
$B/tests/fuzz/explore_%: $B/tests/fuzz/fuzz_%.o $(COMMON) $(LIB)
	$(LINK) -fsanitize=fuzzer $(LDLIBS)

run-tests: all tests
	@CC='$(CC)' SAN='$(SAN)' tests/run $B $(T)
sim: $(SIM)
	$B/tests/sim/swarm $(if $(SEED),--seed $(SEED) --verbose,--first $(FIRST) --seeds $(SEEDS))
sim-groups: $(SIM)
	$B/tests/sim/groups $(if $(SEED),--seed $(SEED) --verbose,--first $(FIRST) --seeds $(SEEDS))
mutants:
	@tests/sim/mutate $(T)
rewrite: $B/tests/sim/scenario_test
	$B/tests/sim/scenario_test --rewrite
analyze:
	@CC='$(CC)' tests/analyze $(T)
bench: all tests
	@tests/bench/run $B $(T)

install: all
	$Q$(foreach f,$(INSTALLED),install -D -m $(if $(filter $B/%,$f),755,644) $(firstword $(subst =, ,$f)) $(call target,$f) &&) :

-include $(shell find $B -name '*.d' 2>/dev/null)
endif
