/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_DUMP_INTERNAL_H
#define BTF_DUMP_INTERNAL_H

#include <stdlib.h>

#include "btf/dump_c.h"
#include "util/table.h"

/*
 * What the files that make up btf_dump_c share:
 *
 *	dump_names.c    names: no keyword, nothing twice, nothing that is no identifier
 *	dump_layout.c   where a compiler would put a member, and so what has to be written for it
 *	dump_decl.c     declarations: int (*const name[3])(struct file *)
 *	dump_body.c     what is between the braces of structs, unions and enums
 *	dump_c.c        all of it in an order that C can read
 */

/* Levels of types in types. The kernel's own BTF has up to about 30. */
#define DUMP_DEPTH 512
/* Structs without a name and parameter lists inside one definition. */
#define DUMP_NESTED 8192

/* Of a type, in dump.state. */
enum {
	STATE_NAMED = 1,     /* has its final name */
	STATE_RENAMED = 2,   /* ... which is in dump.renamed */
	STATE_DECLARED = 4,  /* "struct x;" is out */
	STATE_MENTIONED = 8, /* everything is out that its name in a declaration needs */
	STATE_COMPLETE = 16, /* its definition is out as well */
	STATE_BUSY = 32,     /* what it needs is being written */
	STATE_TAGGED = 64,   /* has declaration tags */
};

/* One name in use; see dump_names.c. */
struct dump_name {
	uint32_t text;   /* where the name is, 0: free slot */
	uint32_t tag;    /* type that is "struct name", "union name" or "enum name"; 0: none */
	uint32_t number; /* where to go on looking for a free ___number, << 1 | is it a typedef,
			  * an enumerator or a function, too */
};

struct dump_names {
	struct dump_name *slots;
	uint32_t len, cap; /* cap: 0 or a power of two */
	VEC(char) made;    /* names that are not in the BTF */
};

struct dump_tag {
	uint32_t type;     /* what is tagged */
	int32_t component; /* its member or parameter, -1: itself */
	uint32_t id;       /* of the tag */
};

struct dump {
	const struct btf *btf;
	uint32_t count;       /* ids below */
	uint32_t *offsets;    /* of each id in the type section that holds it, its own or its base's */
	uint8_t *state;       /* STATE_* of each id */
	uint8_t *shapes;      /* of structs: see dump_layout.c; 0: not known yet */
	bool signs;           /* enums tell signed from unsigned, as pahole does since 1.24 */
	struct dump_names names;
	struct table renamed; /* id -> offset in names.made + 1 */
	VEC(struct dump_tag) tags; /* sorted */
	struct text *out;
	struct error *err;
	unsigned int depth;   /* of the walk, or of the text, at this moment */
	unsigned int nested;  /* so far in this definition */
};

static inline const struct btf_type *dump_type(const struct dump *d, uint32_t id)
{
	const struct btf *holder = id < d->btf->first ? d->btf->base : d->btf;

	return (const struct btf_type *)(holder->types + d->offsets[id]);
}

/* Levels up and down. -1: too deep. */
int dump_enter(struct dump *d, uint32_t id);
static inline void dump_leave(struct dump *d)
{
	d->depth--;
}

/* One more inside this definition. -1: too many. */
int dump_nest(struct dump *d, uint32_t id);

/* ---- dump_names.c ---- */

int dump_names_init(struct dump *d);
void dump_names_fini(struct dump *d);
/* Gives a struct, union, enum, forward declaration, typedef, integer or float its name. */
int dump_name_type(struct dump *d, uint32_t id);
const char *dump_type_name(struct dump *d, uint32_t id);
/* A name for an enumerator or a function, from a string offset; good until the next. NULL: memory. */
const char *dump_name_ordinary(struct dump *d, uint32_t name_off);
/* A name for a member or parameter: it may be there already, but no keyword. As above. */
const char *dump_name_member(struct dump *d, uint32_t name_off);

/* ---- dump_layout.c ---- */

/* Alignment as a power of two, the least and the most that machines of that pointer size have. */
struct dump_align {
	uint8_t low, high;
};

struct dump_extent {
	uint64_t bits;
	struct dump_align align;
};

struct dump_shape {
	bool packed;
	struct dump_align align; /* of the whole */
};

/* A struct or union being laid out. */
struct dump_place {
	uint64_t end;   /* of what is laid out so far, in bits */
	uint64_t limit; /* size of the whole, in bits */
	bool is_union;
	bool packed;
};

enum dump_fit {
	FIT_PLAIN,  /* the compiler puts it there by itself */
	FIT_PADDED, /* ... with padding up to there */
	FIT_PACKED, /* ... only in a packed struct */
	FIT_NEVER,  /* C has no way */
};

struct dump_shape dump_shape(struct dump *d, uint32_t id);

/* A member, ready to be placed. */
struct dump_member {
	const struct btf_member *m;
	uint64_t offset; /* in bits */
	uint32_t bits;   /* of a bit field, else 0 */
	struct dump_extent extent; /* of its type; bits 0 and aligned to bytes where it has none */
	bool has_extent;
};

struct dump_member dump_member(struct dump *d, const struct btf_type *t, uint32_t index);
/* How it goes where it should. */
enum dump_fit dump_fit(const struct dump_place *place, const struct dump_member *m);
/* Goes on behind it. */
void dump_advance(struct dump_place *place, const struct dump_member *m);
/* Whether the compiler gives the whole its size without padding behind the last member. */
bool dump_fits_whole(const struct dump_place *place, struct dump_align align);

/* ---- dump_decl.c ---- */

/* "type name" with all its stars and brackets; name "" for none. indent: tabs of nested braces. */
int dump_declare(struct dump *d, uint32_t id, const char *name, unsigned int indent);
/* " __attribute__((btf_decl_tag("x")))" for each tag. component: -1, or a member's index. */
void dump_decl_tags(struct dump *d, uint32_t id, int32_t component);

/* ---- dump_body.c ---- */

/* "{ ... }" and attributes. */
int dump_composite_body(struct dump *d, uint32_t id, unsigned int indent);
int dump_enum_body(struct dump *d, uint32_t id, unsigned int indent);

/* Past typedefs and qualifiers. */
uint32_t dump_resolve(struct dump *d, uint32_t id);

#endif
