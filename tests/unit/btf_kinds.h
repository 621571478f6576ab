/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_BTF_KINDS_H
#define TESTS_UNIT_BTF_KINDS_H

#include "compat/caps.h"
#include "tests/unit/btf_builder.h"

/* One type of each kind that some kernel does not know, and what each kernel says of them. */

static const int btf_versions[] = { 418, 500, 502, 506, 513, 516, 517, 600, 609 };
#define BTF_VERSIONS ((int)(sizeof(btf_versions) / sizeof(btf_versions[0])))

/* All is answered before: nothing asks the kernel that the test runs on. */
static inline struct caps answers_of(int version)
{
	/* Kernels by what they answer: the first version that says yes. */
	static const struct {
		enum cap cap;
		int since;
	} since[] = {
		{ CAP_BTF, 418 }, { CAP_MAP_BTF, 418 },
		{ CAP_BTF_KFLAG, 500 }, { CAP_BTF_FUNC, 500 }, { CAP_PROG_BTF, 500 },
		{ CAP_BTF_DATASEC, 502 },
		{ CAP_BTF_FUNC_GLOBAL, 506 },
		{ CAP_BTF_FLOAT, 513 },
		{ CAP_BTF_DECL_TAG, 516 },
		{ CAP_BTF_TYPE_TAG, 517 },
		{ CAP_BTF_ENUM64, 600 }, { CAP_BTF_ENUM_SIGN, 600 },
		{ CAP_BTF_SECTION_NAME, 609 },
	};
	struct caps caps = { 0 };

	for (int cap = 0; cap < CAP_COUNT; cap++)
		caps.at[cap].answer = CAP_YES;
	for (size_t i = 0; i < sizeof(since) / sizeof(since[0]); i++)
		if (version < since[i].since)
			caps.at[since[i].cap].answer = CAP_NO;
	return caps;
}

/* Ids of what build_one_of_each() builds. */
enum { INT = 1, PROTO, FUNC, VAR, SECTION, FLOAT, DECL_TAG, TYPE_TAG, PTR, BIG, SIGNED, BITS,
       UNION_FWD, ODD_SECTION, LAST = ODD_SECTION };

static inline void build_param(struct builder *b, const char *name, uint32_t type)
{
	build_word(b, build_string(b, name));
	build_word(b, type);
	build_more(b);
}

static inline uint32_t build_func(struct builder *b, const char *name, uint32_t proto,
				  uint32_t linkage)
{
	uint32_t id = build_type(b, BTF_KIND_FUNC, name, proto);

	b->types[b->last + 1] |= linkage;
	return id;
}

static inline uint32_t build_var(struct builder *b, const char *name, uint32_t type,
				 uint32_t linkage)
{
	uint32_t id = build_type(b, BTF_KIND_VAR, name, type);

	build_word(b, linkage);
	return id;
}

static inline void build_place(struct builder *b, uint32_t var, uint32_t offset, uint32_t size)
{
	build_word(b, var);
	build_word(b, offset);
	build_word(b, size);
	build_more(b);
}

static inline void build_one_of_each(struct builder *b)
{
	build_int(b, "int", 4, BTF_INT_SIGNED);
	build_type(b, BTF_KIND_FUNC_PROTO, NULL, INT);
	build_param(b, "x", INT);
	build_func(b, "work", PROTO, BTF_FUNC_GLOBAL);
	build_var(b, "counter", INT, BTF_VAR_STATIC);
	build_type(b, BTF_KIND_DATASEC, ".bss", 16);
	build_place(b, VAR, 8, 4);
	build_type(b, BTF_KIND_FLOAT, "long double", 16);
	build_type(b, BTF_KIND_DECL_TAG, "some:tag", BITS);
	build_word(b, -1);
	build_type(b, BTF_KIND_TYPE_TAG, "user", INT);
	build_type(b, BTF_KIND_PTR, NULL, TYPE_TAG);
	build_type(b, BTF_KIND_ENUM64, "big", 8);
	build_kflag(b);
	build_value64(b, "ONE", 1);
	build_value64(b, "LESS", -2);
	build_type(b, BTF_KIND_ENUM, "sign", 4);
	build_kflag(b);
	build_value(b, "MINUS", -1);
	build_type(b, BTF_KIND_STRUCT, "bits", 8);
	build_kflag(b);
	build_member(b, "whole", INT, 0);
	build_member(b, "three", INT, 3 << 24 | 32);
	build_member(b, "nine", INT, 9 << 24 | 43);
	build_type(b, BTF_KIND_FWD, "later", 0);
	build_kflag(b);
	build_type(b, BTF_KIND_DATASEC, "?.odd", 4);
	build_place(b, VAR, 0, 4);
}

#endif
