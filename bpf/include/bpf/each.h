/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTRACE_BPF_EACH_H
#define PORTRACE_BPF_EACH_H

/*
 * Macros over argument lists, of up to 12 arguments.
 *
 *	___bpf_narg(a, b)              2
 *	___bpf_each(m, a, b)           m(1, a) m(2, b)
 *	___bpf_each_pair(m, t, a, u, b)  m(t, a) m(u, b)
 */
#define ___bpf_concat(a, b) a##b
#define ___bpf_apply(name, n) ___bpf_concat(name, n)

#define ___bpf_nth(_, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, n, ...) n
#define ___bpf_narg(...) ___bpf_nth(_, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)

/* All but the last, then the last. */
#define ___bpf_each(m, ...) ___bpf_apply(___bpf_each, ___bpf_narg(__VA_ARGS__))(m, ##__VA_ARGS__)
#define ___bpf_each0(m)
#define ___bpf_each1(m, a) m(1, a)
#define ___bpf_each2(m, a, b) ___bpf_each1(m, a) m(2, b)
#define ___bpf_each3(m, a, b, c) ___bpf_each2(m, a, b) m(3, c)
#define ___bpf_each4(m, a, b, c, d) ___bpf_each3(m, a, b, c) m(4, d)
#define ___bpf_each5(m, a, b, c, d, e) ___bpf_each4(m, a, b, c, d) m(5, e)
#define ___bpf_each6(m, a, b, c, d, e, f) ___bpf_each5(m, a, b, c, d, e) m(6, f)
#define ___bpf_each7(m, a, b, c, d, e, f, g) ___bpf_each6(m, a, b, c, d, e, f) m(7, g)
#define ___bpf_each8(m, a, b, c, d, e, f, g, h) ___bpf_each7(m, a, b, c, d, e, f, g) m(8, h)
#define ___bpf_each9(m, a, b, c, d, e, f, g, h, i)                                           \
	___bpf_each8(m, a, b, c, d, e, f, g, h) m(9, i)
#define ___bpf_each10(m, a, b, c, d, e, f, g, h, i, j)                                       \
	___bpf_each9(m, a, b, c, d, e, f, g, h, i) m(10, j)
#define ___bpf_each11(m, a, b, c, d, e, f, g, h, i, j, k)                                    \
	___bpf_each10(m, a, b, c, d, e, f, g, h, i, j) m(11, k)
#define ___bpf_each12(m, a, b, c, d, e, f, g, h, i, j, k, l)                                 \
	___bpf_each11(m, a, b, c, d, e, f, g, h, i, j, k) m(12, l)

/* The first, then all the others. */
#define ___bpf_nth2(_, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, \
		    _17, _18, _19, _20, _21, _22, _23, _24, n, ...)                          \
	n
#define ___bpf_npairs(...)                                                                   \
	___bpf_nth2(_, ##__VA_ARGS__, 12, _, 11, _, 10, _, 9, _, 8, _, 7, _, 6, _, 5, _, 4, _, \
		    3, _, 2, _, 1, _, 0)
#define ___bpf_each_pair(m, ...)                                                             \
	___bpf_apply(___bpf_pairs, ___bpf_npairs(__VA_ARGS__))(m, ##__VA_ARGS__)
#define ___bpf_pairs0(m)
#define ___bpf_pairs1(m, t, x) m(t, x)
#define ___bpf_pairs2(m, t, x, ...) m(t, x) ___bpf_pairs1(m, __VA_ARGS__)
#define ___bpf_pairs3(m, t, x, ...) m(t, x) ___bpf_pairs2(m, __VA_ARGS__)
#define ___bpf_pairs4(m, t, x, ...) m(t, x) ___bpf_pairs3(m, __VA_ARGS__)
#define ___bpf_pairs5(m, t, x, ...) m(t, x) ___bpf_pairs4(m, __VA_ARGS__)
#define ___bpf_pairs6(m, t, x, ...) m(t, x) ___bpf_pairs5(m, __VA_ARGS__)
#define ___bpf_pairs7(m, t, x, ...) m(t, x) ___bpf_pairs6(m, __VA_ARGS__)
#define ___bpf_pairs8(m, t, x, ...) m(t, x) ___bpf_pairs7(m, __VA_ARGS__)
#define ___bpf_pairs9(m, t, x, ...) m(t, x) ___bpf_pairs8(m, __VA_ARGS__)
#define ___bpf_pairs10(m, t, x, ...) m(t, x) ___bpf_pairs9(m, __VA_ARGS__)
#define ___bpf_pairs11(m, t, x, ...) m(t, x) ___bpf_pairs10(m, __VA_ARGS__)
#define ___bpf_pairs12(m, t, x, ...) m(t, x) ___bpf_pairs11(m, __VA_ARGS__)

#endif
