// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/btf_builder.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "btf/btf.h"

Suite *btf_suite(void);


static struct builder b;
static struct btf btf;
static struct error err;

static void setup(void)
{
	memset(&b, 0, sizeof(b));
	memset(&btf, 0, sizeof(btf));
	error_clear(&err);
}

static void teardown(void)
{
	btf_fini(&btf);
}

static void open_built(void)
{
	size_t size = build_blob(&b);

	ck_assert_msg(!btf_init(&btf, b.blob, size, &err), "%s", err.message);
}

static void expect_error(enum error_code code, const char *message)
{
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.message, message), "got '%s', expected '%s' in it", err.message,
		      message);
}

START_TEST(every_kind_is_stepped_over_by_its_own_length)
{
	uint32_t i, kinds[] = {
		BTF_KIND_PTR, BTF_KIND_FWD, BTF_KIND_TYPEDEF, BTF_KIND_VOLATILE, BTF_KIND_CONST,
		BTF_KIND_RESTRICT, BTF_KIND_FUNC, BTF_KIND_FLOAT, BTF_KIND_TYPE_TAG,
	};
	const uint32_t per[][2] = {
		{ BTF_KIND_STRUCT, 3 }, { BTF_KIND_UNION, 3 }, { BTF_KIND_ENUM, 2 },
		{ BTF_KIND_FUNC_PROTO, 2 }, { BTF_KIND_DATASEC, 3 }, { BTF_KIND_ENUM64, 3 },
	};

	build_int(&b, "int", 4, BTF_INT_SIGNED);
	build_array(&b, 1, 1, 3);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		build_type(&b, kinds[i], "x", 1);
	build_type(&b, BTF_KIND_VAR, "var", 1);
	build_word(&b, BTF_VAR_STATIC);
	build_type(&b, BTF_KIND_DECL_TAG, "tag", 1);
	build_word(&b, -1);
	for (i = 0; i < sizeof(per) / sizeof(per[0]); i++) {
		build_type(&b, per[i][0], "many", 8);
		for (uint32_t n = 0; n < 2 * per[i][1]; n++)
			build_word(&b, 0);
		build_more(&b);
		build_more(&b);
	}
	build_int(&b, "last", 1, 0);
	open_built();
	ck_assert_uint_eq(btf_count(&btf), b.count + 1);
	ck_assert_uint_eq(btf_find(&btf, "last", BTF_KIND_INT), b.count);
	for (i = 0; i < sizeof(per) / sizeof(per[0]); i++)
		ck_assert_uint_eq(btf_find(&btf, "many", per[i][0]), 14 + i);
}
END_TEST

START_TEST(ids_and_offsets_agree_across_marks)
{
	char name[16];

	for (uint32_t i = 1; i <= 3 * BTF_STRIDE + 1; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		build_type(&b, BTF_KIND_STRUCT, name, i);
		if (i % 3 == 0)
			build_member(&b, "m", 1, 0);
	}
	open_built();
	for (uint32_t i = 1; i <= 3 * BTF_STRIDE + 1; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		ck_assert_uint_eq(btf_type(&btf, i)->size, i);
		ck_assert_str_eq(btf_string(&btf, btf_type(&btf, i)->name_off), name);
		ck_assert_uint_eq(btf_find(&btf, name, BTF_KIND_STRUCT), i);
	}
	ck_assert_ptr_null(btf_type(&btf, 0));
	ck_assert_ptr_null(btf_type(&btf, 3 * BTF_STRIDE + 2));
	ck_assert_ptr_null(btf_type(&btf, UINT32_MAX));
}
END_TEST

START_TEST(find_goes_on_behind_the_last_hit)
{
	build_type(&b, BTF_KIND_STRUCT, "twin", 4);
	build_type(&b, BTF_KIND_UNION, "twin", 5);
	build_type(&b, BTF_KIND_STRUCT, "twin", 6);
	build_type(&b, BTF_KIND_TYPEDEF, "alias", 1);
	build_type(&b, BTF_KIND_TYPEDEF, "alias", 3);
	open_built();
	ck_assert_uint_eq(btf_find(&btf, "twin", BTF_KIND_STRUCT), 1);
	ck_assert_uint_eq(btf_find_next(&btf, "twin", BTF_KIND_STRUCT, 1), 3);
	ck_assert_uint_eq(btf_find_next(&btf, "twin", BTF_KIND_STRUCT, 3), 0);
	ck_assert_uint_eq(btf_find(&btf, "twin", BTF_KIND_UNION), 2);
	ck_assert_uint_eq(btf_find_next(&btf, "alias", BTF_KIND_TYPEDEF, 4), 5);
	ck_assert_uint_eq(btf_find_next(&btf, "alias", BTF_KIND_TYPEDEF, 5), 0);
	ck_assert_uint_eq(btf_find_next(&btf, "alias", BTF_KIND_TYPEDEF, UINT32_MAX), 0);
	ck_assert_uint_eq(btf_find(&btf, "twi", BTF_KIND_STRUCT), 0);
	ck_assert_uint_eq(btf_find(&btf, "twin", 77), 0);
}
END_TEST

START_TEST(resolve_and_size_look_through_names_and_arrays)
{
	uint32_t i32 = build_int(&b, "int", 4, BTF_INT_SIGNED);
	uint32_t c = build_type(&b, BTF_KIND_CONST, NULL, i32);
	uint32_t t = build_type(&b, BTF_KIND_TYPEDEF, "t", c);
	uint32_t row = build_array(&b, t, i32, 3);
	uint32_t grid = build_array(&b, row, i32, 2);
	uint32_t ptr = build_type(&b, BTF_KIND_PTR, NULL, 0);
	uint32_t fwd = build_type(&b, BTF_KIND_FWD, "fwd", 0);
	uint32_t huge = build_array(&b, grid, i32, 0xffffffff);
	uint32_t row_of_huge = build_array(&b, huge, i32, 0xffffffff);

	open_built();
	ck_assert_uint_eq(btf_resolve(&btf, t), i32);
	ck_assert_int_eq(btf_size(&btf, t), 4);
	ck_assert_int_eq(btf_size(&btf, grid), 24);
	ck_assert_int_eq(btf_size(&btf, ptr), 8);
	ck_assert_int_eq(btf_size(&btf, fwd), -1);
	ck_assert_int_eq(btf_size(&btf, huge), -1);
	ck_assert_int_eq(btf_size(&btf, row_of_huge), -1);
	ck_assert_int_eq(btf_size(&btf, 0), -1);
	ck_assert_int_eq(btf_size(&btf, 99), -1);
	ck_assert_uint_eq(btf_resolve(&btf, 99), 99);
}
END_TEST

START_TEST(cycles_end)
{
	uint32_t a = build_type(&b, BTF_KIND_TYPEDEF, "a", 2);
	uint32_t c = build_type(&b, BTF_KIND_TYPEDEF, "c", 1);
	uint32_t self = build_array(&b, 3, 3, 1);

	open_built();
	ck_assert_uint_eq(btf_resolve(&btf, a), 0);
	ck_assert_int_eq(btf_size(&btf, c), -1);
	ck_assert_int_eq(btf_size(&btf, self), -1);
}
END_TEST

START_TEST(pointers_are_as_wide_as_the_long_of_the_machine_described)
{
	uint32_t ptr;

	build_int(&b, "long unsigned int", 4, 0);
	ptr = build_type(&b, BTF_KIND_PTR, NULL, 0);
	open_built();
	ck_assert_uint_eq(btf.pointer_size, 4);
	ck_assert_int_eq(btf_size(&btf, ptr), 4);
}
END_TEST

START_TEST(strings_out_of_range_are_empty)
{
	build_int(&b, "int", 4, 0);
	open_built();
	ck_assert_str_eq(btf_string(&btf, 1), "int");
	ck_assert_str_eq(btf_string(&btf, btf.strings_len), "");
	ck_assert_str_eq(btf_string(&btf, UINT32_MAX), "");
}
END_TEST

START_TEST(blob_without_types_is_fine)
{
	open_built();
	ck_assert_uint_eq(btf_count(&btf), 1);
	ck_assert_uint_eq(btf_find(&btf, "int", BTF_KIND_INT), 0);
	ck_assert_ptr_null(btf_type(&btf, 1));
}
END_TEST

START_TEST(longer_header_is_accepted)
{
	uint32_t longer[64] = { 0 };
	struct btf_header *h = (struct btf_header *)longer;
	size_t size;

	build_int(&b, "int", 4, 0);
	size = build_blob(&b);
	memcpy(longer, b.blob, sizeof(*h));
	memcpy((char *)longer + sizeof(*h) + 8, (char *)b.blob + sizeof(*h), size - sizeof(*h));
	h->hdr_len += 8;
	ck_assert_msg(!btf_init(&btf, longer, size + 8, &err), "%s", err.message);
	ck_assert_uint_eq(btf_find(&btf, "int", BTF_KIND_INT), 1);
}
END_TEST

/* One word of the header changed: which, to what, and what the message says. */
static const struct {
	const char *message;
	size_t offset;
	uint32_t value;
	enum error_code code;
} headers[] = {
	{ "BTF: magic: got 0x0001, expected 0xeb9f", 0, 0x00010001, ERROR_FORMAT },
	{ "BTF: version: got 9, expected 1", 0, 0x0009eb9f, ERROR_UNSUPPORTED },
	{ "BTF: header length: got 402653184,", 0, 0x00019feb, ERROR_FORMAT },
	{ "BTF: header length: got 20,", 4, 20, ERROR_FORMAT },
	{ "BTF: header length: got 26,", 4, 26, ERROR_FORMAT },
	{ "BTF: header length: got 4294967292,", 4, 0xfffffffc, ERROR_FORMAT },
	{ "BTF: types: got 16 bytes at 2,", 8, 2, ERROR_FORMAT },
	{ "BTF: types: got 16 bytes at 4294967292,", 8, 0xfffffffc, ERROR_FORMAT },
	{ "BTF: types: got 4294967280 bytes at 0,", 12, 0xfffffff0, ERROR_FORMAT },
	{ "BTF: type 1: got only 8 bytes", 12, 8, ERROR_FORMAT },
	{ "BTF: type 1: got only 12 bytes", 12, 12, ERROR_FORMAT },
	{ "BTF: strings: got 5 bytes at 4294967295,", 16, 0xffffffff, ERROR_FORMAT },
	{ "BTF: strings: got 6 bytes at 16,", 20, 6, ERROR_FORMAT },
	{ "BTF: strings: got a section of 0 bytes", 20, 0, ERROR_FORMAT },
	{ "BTF: strings: got a section of 4 bytes", 20, 4, ERROR_FORMAT },
	{ "BTF: type 1: kind: got 20, expected 1 to 19", 28, 20u << 24, ERROR_UNSUPPORTED },
	{ "BTF: type 1: kind: got 0,", 28, 0, ERROR_UNSUPPORTED },
	{ "BTF: type 1: got only 16 bytes", 28, 0x0400ffff, ERROR_FORMAT },
};

START_TEST(damaged_header_is_named)
{
	size_t size;

	build_int(&b, "int", 4, 0);
	size = build_blob(&b);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	if (headers[_i].offset == 0)
		return; /* written down in the other order */
#endif
	memcpy((char *)b.blob + headers[_i].offset, &headers[_i].value, 4);
	ck_assert_int_eq(btf_init(&btf, b.blob, size, &err), -1);
	expect_error(headers[_i].code, headers[_i].message);
	ck_assert_uint_eq(btf_count(&btf), 0);
}
END_TEST

START_TEST(cut_blob_is_an_error_at_every_length)
{
	size_t size, len;

	build_int(&b, "int", 4, 0);
	build_type(&b, BTF_KIND_STRUCT, "s", 4);
	build_member(&b, "m", 1, 0);
	size = build_blob(&b);
	for (len = 0; len < size; len++) {
		void *copy = malloc(len + !len);

		memcpy(copy, b.blob, len);
		ck_assert_int_eq(btf_init(&btf, copy, len, &err), -1);
		ck_assert_int_eq(err.code, ERROR_FORMAT);
		ck_assert_int_eq(strncmp(err.message, "BTF: ", 5), 0);
		free(copy);
	}
}
END_TEST

START_TEST(flipped_bytes_never_lead_outside)
{
	size_t size, at;
	uint8_t *copy;

	build_int(&b, "int", 4, 0);
	build_type(&b, BTF_KIND_STRUCT, "s", 4);
	build_member(&b, "m", 3, 0);
	build_array(&b, 2, 1, 4);
	build_type(&b, BTF_KIND_ENUM, "e", 4);
	build_value(&b, "E", 1);
	size = build_blob(&b);
	copy = malloc(size);
	for (at = 0; at < size * 8; at++) {
		memcpy(copy, b.blob, size);
		copy[at / 8] ^= 1u << at % 8;
		if (btf_init(&btf, copy, size, &err))
			continue;
		for (uint32_t id = 0; id < btf_count(&btf) + 2; id++) {
			const struct btf_type *t = btf_type(&btf, id);

			ck_assert(btf_size(&btf, id) >= -1);
			ck_assert(!t || btf_string(&btf, t->name_off));
		}
		btf_find(&btf, "nobody", BTF_KIND_STRUCT);
		btf_find(&btf, "nobody", BTF_KIND_TYPEDEF);
		btf_check(&btf, &err);
		btf_fini(&btf);
	}
	free(copy);
}
END_TEST

/* ---- the other byte order, odd addresses ---- */

/* Turns a blob of build_blob() round by hand: header, then words up to the strings. */
static void turn_round(uint32_t *blob)
{
	uint32_t words = 6 + ((struct btf_header *)blob)->type_len / 4;
	uint16_t *magic = (uint16_t *)blob;

	*magic = *magic << 8 | *magic >> 8;
	for (uint32_t i = 1; i < words; i++)
		blob[i] = __builtin_bswap32(blob[i]);
}

START_TEST(other_byte_order_reads_the_same)
{
	const struct btf_member *m;
	size_t size;

	build_int(&b, "int", 4, BTF_INT_SIGNED);
	build_type(&b, BTF_KIND_STRUCT, "s", 8);
	build_member(&b, "first", 1, 0);
	build_member(&b, "second", 1, 32);
	size = build_blob(&b);
	turn_round(b.blob);
	ck_assert_msg(!btf_init(&btf, b.blob, size, &err), "%s", err.message);
	ck_assert(btf.foreign);
	ck_assert_uint_eq(btf_count(&btf), 3);
	ck_assert_uint_eq(btf_find(&btf, "s", BTF_KIND_STRUCT), 2);
	m = btf_extra(btf_type(&btf, 2));
	ck_assert_str_eq(btf_string(&btf, m[1].name_off), "second");
	ck_assert_uint_eq(btf_member_bit_offset(btf_type(&btf, 2), &m[1]), 32);
	ck_assert_int_eq(btf_size(&btf, 1), 4);
	ck_assert_int_eq(btf_check(&btf, &err), 0);
}
END_TEST

START_TEST(other_byte_order_with_sections_that_overlap_keeps_its_strings_ended)
{
	struct btf_header *h = (struct btf_header *)b.blob;
	size_t size;

	build_int(&b, "int", 4, BTF_INT_SIGNED);
	size = build_blob(&b);
	/* The strings are the last bytes of the types: turned round, their NULs are elsewhere. */
	h->str_off = 8;
	h->str_len = 8;
	b.blob[6 + 2] = 0x00000041;
	b.blob[6 + 3] = 0x41000000;
	turn_round(b.blob);
	ck_assert_int_eq(btf_init(&btf, b.blob, size, &err), -1);
	expect_error(ERROR_FORMAT, "BTF: strings: got a section of 8 bytes that does not begin and end");
}
END_TEST

START_TEST(odd_address_is_as_good_as_any)
{
	char *odd;
	size_t size;

	build_int(&b, "int", 4, 0);
	size = build_blob(&b);
	odd = malloc(size + 1);
	memcpy(odd + 1, b.blob, size);
	ck_assert_msg(!btf_init(&btf, odd + 1, size, &err), "%s", err.message);
	free(odd);
	ck_assert_uint_eq(btf_find(&btf, "int", BTF_KIND_INT), 1);
}
END_TEST

START_TEST(blob_handed_over_is_freed_either_way)
{
	size_t size;
	void *blob;

	build_int(&b, "int", 4, 0);
	size = build_blob(&b);
	blob = malloc(size);
	memcpy(blob, b.blob, size);
	ck_assert_msg(!btf_init_owned(&btf, NULL, blob, size, &err), "%s", err.message);
	ck_assert_uint_eq(btf_find(&btf, "int", BTF_KIND_INT), 1);
	btf_fini(&btf);
	blob = malloc(size);
	memcpy(blob, b.blob, size);
	turn_round(blob);
	ck_assert_msg(!btf_init_owned(&btf, NULL, blob, size, &err), "%s", err.message);
	btf_fini(&btf);
	ck_assert_int_eq(btf_init_owned(&btf, NULL, calloc(1, 8), 8, &err), -1);
}
END_TEST

/* ---- layout section ---- */

/* A blob with a type of kind 40 in it, 8 bytes long and 2 for each of its vlen. */
static size_t build_with_layout(uint32_t *blob, uint32_t kinds)
{
	struct btf_header *h = (struct btf_header *)blob;
	uint32_t *layout_off = blob + 6, *layout_len = blob + 7;
	size_t size;

	build_int(&b, "int", 4, 0);
	build_type(&b, 40, "news", 0x01020304);
	build_word(&b, 0xffffffff);
	build_word(&b, 0xffffffff);
	build_more(&b);
	build_more(&b);
	build_word(&b, 0xffffffff);
	build_type(&b, BTF_KIND_PTR, NULL, 1);
	size = build_blob(&b);
	memcpy(blob, b.blob, sizeof(*h));
	memcpy((char *)blob + 32, (char *)b.blob + sizeof(*h), size - sizeof(*h));
	h->hdr_len = 32;
	*layout_off = (size - sizeof(*h) + 3) & ~3u;
	*layout_len = kinds * 4;
	if (kinds > 40) {
		uint8_t *at = (uint8_t *)blob + 32 + *layout_off + 4 * 40;

		at[0] = 8;
		at[1] = 2;
	}
	return 32 + *layout_off + *layout_len;
}

START_TEST(kinds_unknown_are_stepped_over_by_the_layout_section)
{
	uint32_t blob[256] = { 0 };
	size_t size = build_with_layout(blob, 41);

	ck_assert_msg(!btf_init(&btf, blob, size, &err), "%s", err.message);
	ck_assert_uint_eq(btf_count(&btf), 4);
	ck_assert_uint_eq(btf_kind(btf_type(&btf, 2)), 40);
	ck_assert_str_eq(btf_string(&btf, btf_type(&btf, 2)->name_off), "news");
	ck_assert_uint_eq(btf_length(&btf, btf_type(&btf, 2)), 12 + 8 + 2 * 2);
	ck_assert_int_eq(btf_size(&btf, 2), -1);
	ck_assert_uint_eq(btf_type(&btf, 3)->type, 1);
	ck_assert_msg(!btf_check(&btf, &err), "%s", err.message);
}
END_TEST

START_TEST(kinds_that_the_layout_leaves_out_stay_unknown)
{
	uint32_t blob[256] = { 0 };
	size_t size = build_with_layout(blob, 40);

	ck_assert_int_eq(btf_init(&btf, blob, size, &err), -1);
	expect_error(ERROR_UNSUPPORTED,
		     "BTF: type 2: kind: got 40, expected 1 to 19, at offset 16 of the types");
}
END_TEST

START_TEST(layout_outside_is_named)
{
	uint32_t blob[256] = { 0 };
	size_t size = build_with_layout(blob, 41);

	ck_assert_int_eq(btf_init(&btf, blob, size - 4, &err), -1);
	expect_error(ERROR_FORMAT, "BTF: layout: got 164 bytes at");
}
END_TEST

START_TEST(twenty_four_bits_of_members_are_read)
{
	struct btf_type t = { .info = 0x04123456 };

	ck_assert_uint_eq(btf_vlen(&t), 0x123456);
	ck_assert_uint_eq(btf_kind(&t), BTF_KIND_STRUCT);
}
END_TEST

/* ---- split BTF ---- */

START_TEST(split_btf_goes_on_where_its_base_ends)
{
	static struct builder more;
	struct btf split;
	size_t size;

	build_int(&b, "int", 4, 0);
	build_type(&b, BTF_KIND_STRUCT, "shared", 4);
	build_member(&b, "m", 1, 0);
	open_built();
	memset(&more, 0, sizeof(more));
	build_type(&more, BTF_KIND_STRUCT, NULL, 8);
	build_word(&more, btf.strings_len + build_string(&more, "own"));
	build_word(&more, 2); /* struct shared */
	build_word(&more, 0);
	build_more(&more);
	build_type(&more, BTF_KIND_PTR, NULL, 3);
	build_type(&more, BTF_KIND_STRUCT, NULL, 4);
	/* Its name is the base's. */
	more.types[more.last] = btf_type(&btf, 2)->name_off;
	size = build_blob(&more);
	ck_assert_msg(!btf_init_split(&split, &btf, more.blob, size, &err), "%s", err.message);
	ck_assert_msg(!btf_check(&split, &err), "%s", err.message);
	ck_assert_uint_eq(btf_count(&split), 6);
	ck_assert_ptr_eq(btf_type(&split, 2), btf_type(&btf, 2));
	ck_assert_uint_eq(btf_kind(btf_type(&split, 4)), BTF_KIND_PTR);
	ck_assert_ptr_null(btf_type(&split, 6));
	ck_assert_str_eq(btf_string(&split, ((const struct btf_member *)
				btf_extra(btf_type(&split, 3)))->name_off), "own");
	ck_assert_uint_eq(btf_find(&split, "shared", BTF_KIND_STRUCT), 2);
	ck_assert_uint_eq(btf_find_next(&split, "shared", BTF_KIND_STRUCT, 2), 5);
	ck_assert_uint_eq(btf_find_next(&split, "shared", BTF_KIND_STRUCT, 5), 0);
	ck_assert_uint_eq(btf_find(&split, "int", BTF_KIND_INT), 1);
	ck_assert_int_eq(btf_size(&split, 2), 4);
	btf_fini(&split);
}
END_TEST

START_TEST(split_btf_may_have_no_strings)
{
	struct btf split;
	static struct builder more;
	size_t size;

	build_int(&b, "int", 4, 0);
	open_built();
	memset(&more, 0, sizeof(more));
	build_type(&more, BTF_KIND_PTR, NULL, 1);
	size = build_blob(&more) - 1;
	((struct btf_header *)more.blob)->str_len = 0;
	ck_assert_msg(!btf_init_split(&split, &btf, more.blob, size, &err), "%s", err.message);
	ck_assert_int_eq(btf_size(&split, 2), 8);
	btf_fini(&split);
}
END_TEST

/* ---- btf_check ---- */

static void expect_check(const char *message)
{
	open_built();
	ck_assert_int_eq(btf_check(&btf, &err), -1);
	expect_error(ERROR_FORMAT, message);
}

START_TEST(struct_in_itself_is_found_through_array_and_typedef)
{
	build_type(&b, BTF_KIND_STRUCT, "s", 4);
	build_member(&b, "m", 2, 0);
	build_array(&b, 3, 3, 1);
	build_type(&b, BTF_KIND_TYPEDEF, "t", 1);
	expect_check("BTF: type 1 's' at offset 0 of the types: contents: got 1, expected none that "
		     "contain themselves");
}
END_TEST

START_TEST(struct_that_points_to_itself_is_fine)
{
	build_type(&b, BTF_KIND_STRUCT, "s", 8);
	build_member(&b, "next", 2, 0);
	build_type(&b, BTF_KIND_PTR, NULL, 1);
	open_built();
	ck_assert_msg(!btf_check(&btf, &err), "%s", err.message);
}
END_TEST

START_TEST(pointer_to_itself_is_a_chain_without_end)
{
	build_type(&b, BTF_KIND_PTR, NULL, 2);
	build_type(&b, BTF_KIND_CONST, NULL, 1);
	expect_check("BTF: type 1 at offset 0 of the types: chain: got 1, expected none that leads back");
}
END_TEST

START_TEST(function_that_takes_itself_is_a_chain_without_end)
{
	build_type(&b, BTF_KIND_PTR, NULL, 2);
	build_type(&b, BTF_KIND_FUNC_PROTO, NULL, 0);
	build_word(&b, 0);
	build_word(&b, 1);
	build_more(&b);
	expect_check("BTF: type 1 at offset 0 of the types: chain: got 1, expected none");
}
END_TEST

START_TEST(chain_of_64_is_fine_and_of_65_too_long)
{
	for (uint32_t i = 1; i < 64; i++)
		build_type(&b, BTF_KIND_PTR, NULL, i + 1);
	build_int(&b, "int", 4, 0);
	open_built();
	ck_assert_msg(!btf_check(&btf, &err), "%s", err.message);
	btf_fini(&btf);
	build_type(&b, BTF_KIND_CONST, NULL, 1);
	expect_check("BTF: type 65 at offset 772 of the types: depth: got 65, expected at most 64");
}
END_TEST

/* One type that refers to what is not there, or is not what it should be. */
static const struct {
	const char *message;
	uint32_t kind, value, words[3], len, vlen;
} wrong[] = {
	{ "type 3 'x' at offset 28 of the types: type: got 9, expected the id of a type",
	  BTF_KIND_TYPEDEF, 9, { 0 }, 0, 0 },
	{ "type: got 9, expected the id of a type",
	  BTF_KIND_PTR, 9, { 0 }, 0, 0 },
	{ "type: got 2, expected the id of a type",
	  BTF_KIND_CONST, 2, { 0 }, 0, 0 }, /* a section */
	{ "type: got 1, expected the id of a function prototype",
	  BTF_KIND_FUNC, 1, { 0 }, 0, 0 },
	{ "element: got 0, expected the id of a type",
	  BTF_KIND_ARRAY, 0, { 0, 1, 1 }, 3, 0 },
	{ "element: got 7, expected the id of a type",
	  BTF_KIND_ARRAY, 0, { 7, 1, 1 }, 3, 0 },
	{ "index: got 7, expected the id of a type",
	  BTF_KIND_ARRAY, 0, { 1, 7, 1 }, 3, 0 },
	{ "member: got 7, expected the id of a type",
	  BTF_KIND_STRUCT, 4, { 0, 7, 0 }, 3, 1 },
	{ "member: got 0, expected the id of a type",
	  BTF_KIND_UNION, 4, { 0, 0, 0 }, 3, 1 },
	{ "bit offset of a member: got 33, expected one within",
	  BTF_KIND_STRUCT, 4, { 0, 1, 33 }, 3, 1 },
	{ "name: got 999, expected an offset",
	  BTF_KIND_STRUCT, 4, { 999, 1, 0 }, 3, 1 },
	{ "name: got 999, expected an offset",
	  BTF_KIND_ENUM, 4, { 999, 0 }, 2, 1 },
	{ "name: got 999, expected an offset",
	  BTF_KIND_ENUM64, 8, { 999, 0, 0 }, 3, 1 },
	{ "size: got 3, expected 1, 2, 4 or 8",
	  BTF_KIND_ENUM, 3, { 0 }, 0, 0 },
	{ "size: got 16, expected 1, 2, 4 or 8",
	  BTF_KIND_ENUM64, 16, { 0 }, 0, 0 },
	{ "return type: got 9, expected the id of a type",
	  BTF_KIND_FUNC_PROTO, 9, { 0 }, 0, 0 },
	{ "parameter: got 9, expected the id of a type",
	  BTF_KIND_FUNC_PROTO, 1, { 0, 9 }, 2, 1 },
	{ "variable: got 1, expected the id of a variable",
	  BTF_KIND_DATASEC, 4, { 1, 0, 4 }, 3, 1 },
	{ "what it tags: got 9, expected an id",
	  BTF_KIND_DECL_TAG, 9, { -1 }, 1, 0 },
	{ "component: got 0, expected a member or parameter",
	  BTF_KIND_DECL_TAG, 1, { 0 }, 1, 0 },
	{ "bits: got 64, expected no more than its size holds",
	  BTF_KIND_INT, 4, { 64 }, 1, 0 },
};

START_TEST(wrong_reference_names_type_and_offset)
{
	build_int(&b, "int", 4, 0);
	build_type(&b, BTF_KIND_DATASEC, ".data", 4);
	build_type(&b, wrong[_i].kind, "x", wrong[_i].value);
	for (uint32_t i = 0; i < wrong[_i].len; i++)
		build_word(&b, wrong[_i].words[i]);
	for (uint32_t i = 0; i < wrong[_i].vlen; i++)
		build_more(&b);
	expect_check(wrong[_i].message);
}
END_TEST

START_TEST(name_outside_the_strings_is_named)
{
	build_type(&b, BTF_KIND_PTR, NULL, 0);
	b.types[0] = 77;
	expect_check("BTF: type 1 at offset 0 of the types: name: got 77, expected an offset within");
}
END_TEST

/* As clang describes `enum z;`. */
START_TEST(an_enum_may_be_no_more_than_declared)
{
	build_type(&b, BTF_KIND_ENUM, "z", 0);
	open_built();
	ck_assert_msg(!btf_check(&btf, &err), "%s", err.message);
}
END_TEST

START_TEST(missing_file_is_not_found)
{
	ck_assert_int_eq(btf_open(&btf, NULL, "/nonexistent/btf", &err), -1);
	expect_error(ERROR_NOT_FOUND, "/nonexistent/btf: No such file or directory");
}
END_TEST

START_TEST(file_that_is_no_btf_is_named)
{
	char path[] = "/tmp/portrace-btf-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(btf_open(&btf, NULL, path, &err), -1);
	expect_error(ERROR_FORMAT, ": got an empty file or no regular one, expected BTF");
	ck_assert_int_eq(write(fd, "this is no BTF at all, sorry", 28), 28);
	close(fd);
	ck_assert_int_eq(btf_open(&btf, NULL, path, &err), -1);
	expect_error(ERROR_FORMAT, ": BTF: magic: got 0x");
	unlink(path);
}
END_TEST

START_TEST(kernel_btf_describes_this_machine)
{
	uint32_t task, id, listed = 0;

	ck_assert_msg(!btf_open(&btf, NULL, KERNEL_BTF, &err), "%s", err.message);
	ck_assert_uint_eq(btf.pointer_size, sizeof(long));
	ck_assert_uint_gt(btf_count(&btf), 10000);
	task = btf_find(&btf, "task_struct", BTF_KIND_STRUCT);
	ck_assert_uint_ne(task, 0);
	ck_assert_int_gt(btf_size(&btf, task), 1000);
	ck_assert_int_eq(btf_size(&btf, btf_find(&btf, "list_head", BTF_KIND_STRUCT)),
			 2 * sizeof(void *));
	/* The short list and a walk over all types must see the same. */
	for (id = 1; id < btf_count(&btf); id += 997) {
		const struct btf_type *t = btf_type(&btf, id);
		const char *name = btf_string(&btf, t->name_off);

		if (!btf_is_composite(t) || !*name)
			continue;
		ck_assert_uint_eq(btf_find_next(&btf, name, btf_kind(t), id - 1), id);
		listed++;
	}
	ck_assert_uint_gt(listed, 0);
	ck_assert_msg(!btf_check(&btf, &err), "%s", err.message);
}
END_TEST

Suite *btf_suite(void)
{
	Suite *s = suite_create("btf");
	TCase *tc = tcase_create("btf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_kind_is_stepped_over_by_its_own_length);
	tcase_add_test(tc, ids_and_offsets_agree_across_marks);
	tcase_add_test(tc, find_goes_on_behind_the_last_hit);
	tcase_add_test(tc, resolve_and_size_look_through_names_and_arrays);
	tcase_add_test(tc, cycles_end);
	tcase_add_test(tc, pointers_are_as_wide_as_the_long_of_the_machine_described);
	tcase_add_test(tc, strings_out_of_range_are_empty);
	tcase_add_test(tc, blob_without_types_is_fine);
	tcase_add_test(tc, longer_header_is_accepted);
	tcase_add_loop_test(tc, damaged_header_is_named, 0, sizeof(headers) / sizeof(headers[0]));
	tcase_add_test(tc, cut_blob_is_an_error_at_every_length);
	tcase_add_test(tc, flipped_bytes_never_lead_outside);
	tcase_add_test(tc, other_byte_order_reads_the_same);
	tcase_add_test(tc, other_byte_order_with_sections_that_overlap_keeps_its_strings_ended);
	tcase_add_test(tc, odd_address_is_as_good_as_any);
	tcase_add_test(tc, blob_handed_over_is_freed_either_way);
	tcase_add_test(tc, kinds_unknown_are_stepped_over_by_the_layout_section);
	tcase_add_test(tc, kinds_that_the_layout_leaves_out_stay_unknown);
	tcase_add_test(tc, layout_outside_is_named);
	tcase_add_test(tc, twenty_four_bits_of_members_are_read);
	tcase_add_test(tc, split_btf_goes_on_where_its_base_ends);
	tcase_add_test(tc, split_btf_may_have_no_strings);
	tcase_add_test(tc, struct_in_itself_is_found_through_array_and_typedef);
	tcase_add_test(tc, struct_that_points_to_itself_is_fine);
	tcase_add_test(tc, pointer_to_itself_is_a_chain_without_end);
	tcase_add_test(tc, function_that_takes_itself_is_a_chain_without_end);
	tcase_add_test(tc, chain_of_64_is_fine_and_of_65_too_long);
	tcase_add_test(tc, name_outside_the_strings_is_named);
	tcase_add_loop_test(tc, wrong_reference_names_type_and_offset, 0,
			    sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, an_enum_may_be_no_more_than_declared);
	tcase_add_test(tc, missing_file_is_not_found);
	tcase_add_test(tc, file_that_is_no_btf_is_named);
	if (access(KERNEL_BTF, R_OK) == 0)
		tcase_add_test(tc, kernel_btf_describes_this_machine);
	suite_add_tcase(s, tc);
	return s;
}
