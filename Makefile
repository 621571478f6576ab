# SPDX-License-Identifier: GPL-2.0
#
#   make            build/portrace, one static binary        make setup    install what building needs
#   make run        the same, set-up included, and run it    make check    set-up, then all tests
#   make unit|live|gates  kinds of tests    make san   ASan, UBSan and valgrind    make bench   figures
#   make fuzz       the parsers, FUZZ_SECONDS=30 each        make kernels  types of Debian's kernels
#   make vmtest     live tests on other kernels, in QEMU     make vmtest-old  on what lacks more
#   make foreign    objects of others, against libbpf
#   make install    PREFIX=/usr/local DESTDIR=               make clean
#
# V=1 shows the commands, CI=1 makes warnings errors, SAN=1 builds with sanitizers into build/san,
# CROSS_COMPILE=aarch64-linux-gnu- builds for another machine, BUILD= is where what is built goes,
# ARGS= goes to `make run`.

VERSION := 0.1.0
PREFIX ?= /usr/local
MAKEFLAGS += -r --no-print-directory
BUILD ?= build
O := $(BUILD)$(if $(SAN),/san)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) '$(2)')

# The compiler: musl where musl-gcc can link with this machine's libelf (util/musl.sh tries it),
# else the usual one. Tests are always built with the usual one, for which libcheck is. Asked
# when first needed, so that `make setup` and `make clean` need none.
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
TRY_MUSL := $(if $(CROSS_COMPILE)$(SAN),,1)
endif
AR := $(CROSS_COMPILE)ar
STRIP := $(CROSS_COMPILE)strip
CLANG ?= clang
once = $(eval $(1) := $(shell $(2)))$($(1))
STATIC_CC = $(call once,STATIC_CC,$(if $(TRY_MUSL),sh util/musl.sh $(CC) $(BUILD)/musl,echo $(CC)))
BPF_TARGET = $(call once,BPF_TARGET,$(CC) -dM -E -x c /dev/null | \
	grep -q 'BYTE_ORDER__ __ORDER_BIG' && echo bpfeb || echo bpfel)
# What of registers (bpf/include/bpf/pt_regs.h) BPF programs are compiled for.
BPF_ARCH = $(call once,BPF_ARCH,$(CC) -dumpmachine | sed -E 's/-.*//; s/x86_64/x86/; s/i.86/i386/; \
	s/aarch64.*/arm64/; s/^arm[^6].*/arm/; s/riscv.*/riscv/; s/s390x/s390/; s/p.*pc.*/powerpc/; \
	s/mips.*/mips/; s/loong.*/loongarch/; s/sparc.*/sparc/')
LLVM_STRIP = $(call once,LLVM_STRIP,$(CLANG) -print-prog-name=llvm-strip)
LLVM_OBJCOPY = $(call once,LLVM_OBJCOPY,$(CLANG) -print-prog-name=llvm-objcopy)
CHECK_FLAGS = $(call once,CHECK_FLAGS,pkg-config --cflags --libs check json-c)
as_root = $(call once,as_root,[ $$(id -u) = 0 ] || command -v sudo)
jobs = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

CFLAGS ?= -g
# What runs for every signal, or for every type of a kernel, is built for speed, the rest for size.
hot := btf/btf.c cli/join.c cli/events.c cli/output%.c cli/escape.c util/table.c loader/reader%.c loader/perf_buffers.c loader/record.c
warnings := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-Wno-unused-parameter -Wno-missing-field-initializers $(if $(CI),-Werror)
flags = -std=gnu11 -D_GNU_SOURCE -I. $(warnings) $(if $(filter $(hot),$<),-O2,-Os) \
	-ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=. -DVERSION='"$(VERSION)"' -MMD -MP \
	$(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer,-fno-asynchronous-unwind-tables) $(CPPFLAGS) $(CFLAGS)
comma := ,
static := $(if $(SAN),,-static -no-pie)

sources := $(wildcard $(addsuffix /*.c,util btf loader compat cli))
shim := util/libelf_shim.c
objects := $(patsubst %.c,$(O)/obj/%.o,$(if $(SAN),$(filter-out $(shim),$(sources)),$(sources)))
library := $(filter-out $(shim) cli/%,$(sources))
bpf := $(patsubst %.c,$(BUILD)/%.o,$(wildcard bpf/*.bpf.c))
fixtures := $(patsubst tests/%.c,$(BUILD)/%.o,$(wildcard tests/fixtures/*.bpf.c))
# Those that are compiled with libbpf's headers, where these are installed (`make setup`), and with
# the types of this machine's kernel, so that they are for no other.
libbpf := $(if $(CROSS_COMPILE),,$(if $(wildcard /sys/kernel/btf/vmlinux),$(if $(wildcard \
	/usr/include/bpf/usdt.bpf.h),$(patsubst tests/%.c,$(BUILD)/%.o,$(wildcard \
	tests/fixtures/libbpf/*.bpf.c)))))
# The corpus is compiled for each level of the instruction set, by the usual compiler and by the
# newest that Debian has beside it, where it is installed (`make setup`).
NEWEST_CLANG = $(call once,NEWEST_CLANG,for v in 22 21 20 19; do command -v clang-$$v && break; done)
corpus_sources := $(notdir $(wildcard tests/fixtures/corpus/*.bpf.c))
corpus = $(foreach f,default-1 default-2 default-3 $(if $(NEWEST_CLANG),newest-1 newest-2 newest-3 \
	newest-4),$(patsubst %.c,$(BUILD)/fixtures/corpus/$f/%.o,$(corpus_sources)))
tested := $(patsubst %.c,$(O)/test/%.o,$(filter-out $(shim) cli/main.c,$(sources)))
tests := $(foreach kind,unit live,$(if $(wildcard tests/$(kind)/main.c),$(O)/test/$(kind)))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all setup run check unit live gates san valgrind fuzz foreign kernels vmtest vmtest-old bench install clean FORCE
all: $(O)/portrace
	@:

# --- the binary

$(O)/portrace: $(O)/portrace.debug
	$(call say,STRIP,$@)
	$(Q)$(STRIP) -o $@ $<

$(O)/portrace.debug: $(objects) $(O)/obj/bpf/embed.o
	$(call say,LINK,$@)
	$(Q)$(STATIC_CC) $(flags) $(static) $(LDFLAGS) -Wl,--gc-sections,-z,noseparate-code -o $@ $^ \
		$(if $(SAN),-lelf -lz,$(foreach l,elf z,$$($(CC) -print-file-name=lib$l.a)))

$(O)/obj/%.o: %.c | $(BUILD)/tools
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(STATIC_CC) $(flags) $(if $(SAN),,-fno-pie) -c -o $@ $<

$(O)/obj/bpf/embed.o $(O)/test/bpf/embed.o: bpf/embed.S $(bpf)
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I$(BUILD) -c -o $@ $<

# The line numbers stay (.BTF.ext), what debuggers read goes: nobody loads it into a kernel.
# -mcpu=v2 is what Linux 4.14 understands; newer compilers would take a later one unasked.
bpf_clang = $(CLANG)
cpu = 2
define bpf_rule
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(bpf_clang) -target $(BPF_TARGET) -mcpu=v$(cpu) -DCPU=$(cpu) -g -O2 -Wall -Wextra -Wno-unused-parameter \
		$(if $(CI),-Werror) -D__TARGET_ARCH_$(BPF_ARCH) -Ibpf/include -I. -ffile-prefix-map=$(CURDIR)=. -MMD -MP -c -o $@ $<
	$(Q)$(LLVM_STRIP) -g $(needless) $@
endef
# Of what goes into the binary, besides: where debuggers would move line numbers, jump targets.
$(BUILD)/bpf/%.o: needless := -R .rel.BTF.ext -R .llvm_addrsig -w -N 'LBB*'
$(BUILD)/bpf/%.o: bpf/%.c | $(BUILD)/tools
	$(bpf_rule)
$(BUILD)/fixtures/%.o: tests/fixtures/%.c | $(BUILD)/tools
	$(bpf_rule)
$(BUILD)/fixtures/libbpf/vmlinux.h: $(O)/portrace
	$(Q)mkdir -p $(@D)
	$(Q)$(O)/portrace btf dump --format c >$@
$(BUILD)/fixtures/libbpf/%.o: tests/fixtures/libbpf/%.c $(BUILD)/fixtures/libbpf/vmlinux.h
	$(call say,BPF,$<)
	$(Q)$(CLANG) -target $(BPF_TARGET) -mcpu=v2 -g -O2 -D__TARGET_ARCH_$(BPF_ARCH) -I$(@D) -I. \
		-idirafter /usr/include/$$($(CC) -dumpmachine) -ffile-prefix-map=$(CURDIR)=. -MMD -MP -c -o $@ $<
	$(Q)$(LLVM_STRIP) -g $@
define corpus_rule
$(BUILD)/fixtures/corpus/$(1)-$(2)/%.o: cpu := $(2)
$(BUILD)/fixtures/corpus/$(1)-$(2)/%.o: bpf_clang = $$($(3))
$(BUILD)/fixtures/corpus/$(1)-$(2)/%.o: tests/fixtures/corpus/%.c | $(BUILD)/tools
	$$(bpf_rule)
endef
$(foreach v,1 2 3,$(eval $(call corpus_rule,default,$v,CLANG)))
$(foreach v,1 2 3 4,$(eval $(call corpus_rule,newest,$v,NEWEST_CLANG)))

# --- set-up

$(BUILD)/tools $(BUILD)/tools-test: util/setup.sh
	$(Q)CC='$(CC)' CLANG='$(CLANG)' sh $< --check $(patsubst tools-%,%,$(patsubst tools,build,$(@F)))
	$(Q)mkdir -p $(@D) && touch $@

setup:
	$(Q)sh util/setup.sh build test corpus

run:
	$(Q)sh util/setup.sh build
	$(Q)$(MAKE) $(jobs) all
	$(Q)$(as_root) $(O)/portrace $(ARGS)

# --- tests: every tests/KIND/test_X.c holds X_suite(); the list of them is made here

check: setup
	$(Q)$(MAKE) $(jobs) all $(tests)
	$(Q)sh tests/totals.sh $(foreach t,$(tests),"$($(notdir $t)_as) $t") $(gates)
live_as = $(as_root)

# The ground truth once more behind gates that answer like kernels of before the ring buffer.
gated := corpus,delivery,ending,fatal,filters,kernel,names,threads,undelivered
gates = $(foreach c,$(wildcard tests/fixtures/caps/4.*.caps tests/fixtures/caps/5.4*.caps),"$(as_root) \
	env PORTRACE_GATE=$c PORTRACE_SUITE=$(gated) $(O)/test/live")
gates: $(O)/test/live all
	$(Q)sh tests/totals.sh $(gates)

unit live: %: $(O)/test/%
	$(Q)sh tests/totals.sh "$($@_as) $<"
live: all

kernels:
	$(Q)sh util/setup.sh build test kernels
	$(Q)sh tests/kernels/fetch.sh tests/kernels/list
	$(Q)$(MAKE) $(jobs) $(O)/test/kernels
	$(Q)sh tests/totals.sh $(O)/test/kernels

# KERNEL= is a file with a kernel of any origin, SUITES= are those of tests/live, a,b,c; without it
# the kernels of tests/vm/list, of which ONLY=REGEX chooses some.
vmtest:
	$(Q)sh util/setup.sh build test vm
	$(Q)$(if $(KERNEL),sh tests/vm/run.sh '$(KERNEL)' $(or $(SUITES),-),sh tests/vm/all.sh)

# Kernels as Debian no longer has them, built from its source (tests/vm/old.sh).
old := stripped nobpf
vmtest-old:
	$(Q)sh util/setup.sh build test vm vm-old
	$(Q)sh tests/vm/old.sh
	$(Q)VM_SECONDS=$(or $(VM_SECONDS),1800) sh tests/totals.sh vmtest-old: $(foreach k,$(old),\
		"sh tests/vm/run.sh build/kernels/5.10-$k/vmlinuz $(or $(SUITES),-)")

# Thousands of random programs take valgrind too long; the sanitizers run them.
san: valgrind_run = CK_EXCLUDE_TAGS=random CK_FORK=no valgrind -q --leak-check=full --error-exitcode=9 $(BUILD)/test/unit
san:
	$(Q)sh util/setup.sh build test san
	$(Q)$(MAKE) $(jobs) $(BUILD)/test/unit
	$(Q)$(MAKE) $(jobs) SAN=1 $(BUILD)/san/test/unit
	$(Q)sh tests/totals.sh $(BUILD)/san/test/unit "$(valgrind_run)"

# Seeds: each fixture's sections of that name; it as a whole, and packed; the recorded verifier
# logs, one a program; formats of Linux 6.18.
FUZZ_SECONDS ?= 30
fuzz_sources := $(wildcard tests/fuzz/fuzz_*.c)
fuzzers := $(patsubst tests/fuzz/fuzz_%.c,%,$(fuzz_sources))
fuzz_flags = -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz:
	$(Q)sh util/setup.sh build test fuzz
	$(Q)$(MAKE) $(jobs) $(patsubst %,$(BUILD)/fuzz/fuzz_%,$(fuzzers)) $(BUILD)/fuzz/seeds/stamp
	$(Q)sh tests/totals.sh "sh tests/fuzz/run.sh $(BUILD)/fuzz $(FUZZ_SECONDS) $(fuzzers)"

$(BUILD)/fuzz/seeds/stamp: $(fixtures)
	$(Q)mkdir -p $(patsubst tests/fuzz/fuzz_%.c,$(@D)/%,$(fuzz_sources))
	$(Q)for f in $^; do n=$$(basename $$f .bpf.o); cp $$f $(@D)/object/$$n; \
		for s in btf:.BTF dump:.BTF ext:.BTF.ext; do \
			$(LLVM_OBJCOPY) --dump-section $${s#*:}=$(@D)/$${s%:*}/$$n $$f /dev/null 2>/dev/null || :; \
		done; cp $$f $(@D)/image; gzip -nc $$f >$(@D)/image/$$n.gz; done
	$(Q)awk '/^== /{close(to); to=sprintf("$(@D)/verifier/%d", n++); next} {print >to}' \
		tests/fixtures/verifier/*.log
	$(Q)cp tests/fixtures/formats/* $(@D)/format
	$(Q)touch $@

$(BUILD)/fuzz/obj/%.o: %.c | $(BUILD)/tools-test
	$(call say,CC,$< (fuzz))
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(flags) -DFIXTURES='"$(CURDIR)/$(BUILD)/fixtures"' $(fuzz_flags) \
		-fsanitize=fuzzer-no-link -c -o $@ $<

$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/obj/tests/fuzz/fuzz_%.o $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(library))
	$(call say,LINK,$@)
	$(Q)$(CLANG) $(fuzz_flags) -fsanitize=fuzzer -o $@ $^ -lelf -lz

# Objects that nobody here wrote: Debian's, and the kernel's selftests, side by side with libbpf.
foreign_objects := $(patsubst %,$(O)/test/tests/foreign/%.o,load_ours each)
$(O)/test/load_ours: $(foreign_objects) $(O)/test/portrace.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $^ -lelf -lz

foreign: $(O)/test/load_ours
	$(Q)sh util/setup.sh build test corpus kernels
	$(Q)$(as_root) sh tests/foreign/run.sh $(BUILD)

# Those of its programs that are made of portrace's own parts; the others bench.sh compiles.
bench_programs := $(addprefix $(O)/bench/,behind lowered)
$(bench_programs): $(O)/bench/%: $(O)/test/tests/bench/%.o $(O)/test/tests/gate.o \
		$(O)/test/tests/gate_rules.o $(O)/test/portrace.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $^ -lelf -lz
$(O)/bench/lowered: | $(corpus)

bench: all $(bench_programs)
	$(Q)$(as_root) bash tests/bench/bench.sh $(O) tests/bench/RESULTS.md

$(O)/test/portrace.a: $(tested) $(O)/test/bpf/embed.o
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Where the tests find what was built, once they run.
TEST_ROOT ?= $(CURDIR)/
define test_kind
$$(patsubst %.c,$(O)/test/%.o,$$(wildcard tests/$(1)/*.c tests/*.c)): $(O)/test/tests/$(1)/suites.h
$(O)/test/$(1): $$(patsubst %.c,$(O)/test/%.o,$$(wildcard tests/$(1)/*.c tests/*.c)) \
		$(O)/test/portrace.a $(fixtures)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(flags) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$(filter-out $(BUILD)/fixtures/%,$$^)) \
		$$(CHECK_FLAGS) -lelf -lz
endef
$(eval $(call test_kind,unit))
$(eval $(call test_kind,live))
$(O)/test/live: $(corpus) $(libbpf)
$(eval $(call test_kind,kernels))

# Suites are declared by the list alone.
$(O)/test/tests/%.o: warnings += -Wno-missing-prototypes
$(O)/test/%.o: %.c | $(BUILD)/tools-test
	$(call say,CC,$< (tests))
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(flags) -I$(@D) -DFIXTURES='"$(TEST_ROOT)$(BUILD)/fixtures"' \
		-DPORTRACE='"$(TEST_ROOT)$(O)/portrace"' -DSOURCE='"$(TEST_ROOT)."' \
		-DCLANG='"$(CLANG)"' -DKERNELS='"$(CURDIR)/build/kernels"' -c -o $@ $<

$(O)/test/tests/%/suites.h: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)printf 'SUITE(%s)\n' $(sort $(patsubst tests/$*/test_%.c,%,$(wildcard tests/$*/test_*.c))) >$@.new
	$(Q)cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# ---

# Headers for BPF programs: -I$(PREFIX)/include/portrace
headers = $(DESTDIR)$(PREFIX)/include/portrace
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(O)/portrace $(DESTDIR)$(PREFIX)/bin/portrace
	install -m 644 docs/portrace.1 $(DESTDIR)$(PREFIX)/share/man/man1/portrace.1
	install -d $(headers)/asm $(headers)/bpf
	install -m 644 bpf/include/asm/*.h $(headers)/asm
	install -m 644 bpf/include/bpf/*.h $(headers)/bpf

clean:
	rm -rf $(BUILD)

-include $(shell find $(patsubst %,$(O)/%,obj test) $(patsubst %,$(BUILD)/%,bpf fixtures fuzz) \
	-name '*.d' 2>/dev/null)
