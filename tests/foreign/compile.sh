#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# compile.sh FILE...: each to $TO/NAME.o by $CC, as the selftests in $TREE are; what the compiler
# said of those that do not compile is in $TO/NAME.err.
tests=$TREE/tools/testing/selftests/bpf
for file; do
	name=$(basename "$file" .c)
	timeout 60 "$CC" -g -O2 -std=gnu11 -fno-strict-aliasing -w --target=bpf -mcpu=v3 -mlittle-endian \
		-D__TARGET_ARCH_x86 -DENABLE_ATOMICS_TESTS -I"$INCLUDE" -I"$tests" -I"$tests/progs" \
		-I"$TREE/libbpf/root/include" -I"$TREE/tools/include/uapi" -I"$TREE/tools/include" \
		-idirafter /usr/include/x86_64-linux-gnu -idirafter /usr/include \
		-c "$file" -o "$TO/$name.o" 2>"$TO/$name.err" && rm -f "$TO/$name.err"
done
exit 0
