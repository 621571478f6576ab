/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_BTF_H
#define BTF_BTF_H

#include <linux/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/map.h"
#include "util/vec.h"

/*
 * A parsed BTF blob. Type ids are 1-based; 0 is void. Every blob is hostile: the walk at the
 * start checks that each type lies inside, the accessors check ids and string offsets; nothing
 * reads outside. What types refer to is not looked at: that is btf_check().
 *
 * The blob is borrowed and must outlive this, unless it was handed over. Where it is of the
 * other byte order, or not aligned to 4 bytes, a copy in native order is made of it, so that
 * whoever looks at types need not know.
 *
 * Split BTF, as of a kernel module, goes on where its base ends: ids from btf_count(base) on,
 * string offsets from the end of the base's strings on. It can name all that is in the base.
 *
 * A kernel's BTF holds more than 100,000 types, of which a program needs a handful, so there
 * is no table of all of them: only every BTF_STRIDE-th id has its offset noted, and one walks
 * from there. Types that CO-RE looks for by name are listed apart.
 */
struct btf {
	const uint8_t *data;    /* whole blob */
	size_t size;
	const struct btf *base; /* borrowed; NULL: this is not split */
	const uint8_t *types;   /* type section, its own only */
	uint32_t types_len;
	const char *strings;    /* string section, its own only; begins and ends with NUL */
	uint32_t strings_len;
	uint32_t strings_start; /* offset by which types name its first byte: 0 without a base */
	uint32_t first;         /* own ids are first .. count - 1 */
	uint32_t count;
	uint32_t pointer_size;  /* of the machine described: its long's, 8 where it has none */
	bool foreign;           /* of a machine of the other byte order */
	const uint32_t *layout; /* how long types are, by kind */
	VEC(uint32_t) marks;    /* id first + n * BTF_STRIDE -> offset in the type section */
	VEC(uint32_t) named;    /* offsets of structs, unions and enums that have a name, rising */
	VEC(uint8_t) tags;      /* for each of those, a hash of its name, see btf_plain_length */
	void *copy;             /* owned, or NULL: what data points to */
	struct map_file file;   /* owned, where btf_open mapped it */
	uint32_t *own_layout;   /* owned, or NULL: layout, where the blob brings one */
};

#define BTF_STRIDE 16
#define BTF_KINDS 128 /* 7 bits of info */

/* On failure nothing is held. base: NULL, or what split BTF goes on from; must outlive it. */
int btf_init(struct btf *btf, const void *data, size_t size, struct error *err);
int btf_init_split(struct btf *btf, const struct btf *base, const void *data, size_t size,
		   struct error *err);
/* The same; the blob, malloc'ed, becomes its own, and is freed on failure, too. */
int btf_init_owned(struct btf *btf, const struct btf *base, void *blob, size_t size,
		   struct error *err);
/* The running kernel's own types, since Linux 5.4. */
#define KERNEL_BTF_DIR "/sys/kernel/btf" /* and there those of its modules, by name */
#define KERNEL_BTF KERNEL_BTF_DIR "/vmlinux"
/*
 * Maps a file of bare BTF, such as KERNEL_BTF, until btf_fini. ERROR_NOT_FOUND: there is no such
 * file. About a millisecond for a kernel's.
 */
int btf_open(struct btf *btf, const struct btf *base, const char *path, struct error *err);
void btf_fini(struct btf *btf);
/*
 * Looks at everything that the types refer to, for files that nobody vouches for: ids and names
 * that are there, kinds that fit, no type that contains or stands for itself, no chain or
 * nesting that is too deep to follow. Says which type, and at which offset of the section.
 */
int btf_check(const struct btf *btf, struct error *err);

uint32_t btf_count(const struct btf *btf); /* ids 1 .. count-1 are valid, a base's included */
const struct btf_type *btf_type(const struct btf *btf, uint32_t id); /* NULL: no such id */
uint32_t btf_length(const struct btf *btf, const struct btf_type *t); /* in bytes, with its extra */
const char *btf_string(const struct btf *btf, uint32_t off);         /* "" where out of range */
/* Follows typedefs, qualifiers and type tags; a cycle ends at 0. Ids that are not there stay. */
uint32_t btf_resolve(const struct btf *btf, uint32_t id);
/* Size in bytes of a type, or -1 where it has none (void, function, incomplete, a cycle). */
int64_t btf_size(const struct btf *btf, uint32_t id);
/* First type of that kind and name, or 0. */
uint32_t btf_find(const struct btf *btf, const char *name, uint32_t kind);
/* First such type with a greater id than `after`, or 0. */
uint32_t btf_find_next(const struct btf *btf, const char *name, uint32_t kind, uint32_t after);
/* The same, of the name and a flavour: nf_conn___init where the name is nf_conn. */
uint32_t btf_find_flavour(const struct btf *btf, const char *name, uint32_t kind, uint32_t after);
/* The length of a name, in which at most `left` bytes may be read, without its last "___...". */
size_t btf_plain_length(const char *name, size_t left);

/*
 * As newer kernels have it: 7 bits of kind and 24 of vlen, of which older ones use 5 and 16, and
 * keep the others 0.
 */
static inline uint32_t btf_kind(const struct btf_type *t)
{
	return t->info >> 24 & 0x7f;
}

static inline uint32_t btf_vlen(const struct btf_type *t)
{
	return t->info & 0xffffff;
}

static inline bool btf_is_composite(const struct btf_type *t)
{
	return btf_kind(t) == BTF_KIND_STRUCT || btf_kind(t) == BTF_KIND_UNION;
}

static inline bool btf_is_enum(const struct btf_type *t)
{
	return btf_kind(t) == BTF_KIND_ENUM || btf_kind(t) == BTF_KIND_ENUM64;
}

/*
 * What follows a type, by its kind: members of a struct, values of an enum, variables of a
 * section. btf_init has checked that all btf_vlen() of them, or the one, are inside.
 */
static inline const void *btf_extra(const struct btf_type *t)
{
	return t + 1;
}

/* Bit offset of a member of t, and its width in bits where it is a bit field, else 0. */
static inline uint32_t btf_member_bit_offset(const struct btf_type *t, const struct btf_member *m)
{
	return BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset;
}

static inline uint32_t btf_member_bits(const struct btf_type *t, const struct btf_member *m)
{
	return BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BITFIELD_SIZE(m->offset) : 0;
}

/* Offset of the name of value i of an enum, of 32 bits or of 64. */
static inline uint32_t btf_enumerator_name(const struct btf_type *t, uint32_t i)
{
	const struct btf_enum *e = btf_extra(t);
	const struct btf_enum64 *e64 = btf_extra(t);

	return btf_kind(t) == BTF_KIND_ENUM64 ? e64[i].name_off : e[i].name_off;
}

static inline uint64_t btf_enum64_value(const struct btf_enum64 *e)
{
	return (uint64_t)e->val_hi32 << 32 | e->val_lo32;
}

#endif
