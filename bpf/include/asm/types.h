/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lets <linux/bpf.h> and its like be included where a system keeps <asm/...> in a folder of its
 * architecture (Debian), in which clang -target bpf does not look. A BPF program's types are the
 * same on every machine; so are the others here.
 */
#include <asm-generic/int-ll64.h>
