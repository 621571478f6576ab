/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTRACE_BPF_ENDIAN_H
#define PORTRACE_BPF_ENDIAN_H

/*
 * Between the network's byte order and that of the machine, which is the one that clang compiles
 * for (-target bpfel, bpfeb). The builtins are constants of constants, so that the names for
 * constants are only other names: case bpf_htons(ETH_P_IP): works.
 */
#include <bpf/types.h>

#define ___bpf_swab16(x) __builtin_bswap16(x)
#define ___bpf_swab32(x) __builtin_bswap32(x)
#define ___bpf_swab64(x) __builtin_bswap64(x)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ___bpf_big16(x) ___bpf_swab16(x)
#define ___bpf_big32(x) ___bpf_swab32(x)
#define ___bpf_big64(x) ___bpf_swab64(x)
#else
#define ___bpf_big16(x) ((__u16)(x))
#define ___bpf_big32(x) ((__u32)(x))
#define ___bpf_big64(x) ((__u64)(x))
#endif

#define bpf_htons(x) ___bpf_big16(x)
#define bpf_ntohs(x) ___bpf_big16(x)
#define bpf_htonl(x) ___bpf_big32(x)
#define bpf_ntohl(x) ___bpf_big32(x)
#define bpf_cpu_to_be64(x) ___bpf_big64(x)
#define bpf_be64_to_cpu(x) ___bpf_big64(x)

#define __bpf_htons(x) ___bpf_big16(x)
#define __bpf_ntohs(x) ___bpf_big16(x)
#define __bpf_htonl(x) ___bpf_big32(x)
#define __bpf_ntohl(x) ___bpf_big32(x)
#define __bpf_cpu_to_be64(x) ___bpf_big64(x)
#define __bpf_be64_to_cpu(x) ___bpf_big64(x)

#define __bpf_constant_htons(x) ___bpf_big16(x)
#define __bpf_constant_ntohs(x) ___bpf_big16(x)
#define __bpf_constant_htonl(x) ___bpf_big32(x)
#define __bpf_constant_ntohl(x) ___bpf_big32(x)
#define __bpf_constant_cpu_to_be64(x) ___bpf_big64(x)
#define __bpf_constant_be64_to_cpu(x) ___bpf_big64(x)

#endif
