/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_OBJECT_H
#define LOADER_OBJECT_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "btf/btf.h"
#include "loader/section.h"
#include "util/error.h"
#include "util/vec.h"

/*
 * An object file as a value: programs, maps and their relations, nothing of the kernel in
 * it. Lowerings (compat/) change it in place before loader/load.c gives it to the kernel.
 *
 * A program is self-contained: its own instructions followed by those of every subprogram
 * that it reaches, calls between them already resolved (BPF_PSEUDO_CALL, imm relative to
 * the next instruction). What only loading can resolve stays symbolic, in refs. All side
 * tables name instructions by index, are sorted by it, and count a BPF_LD_IMM64 as two.
 */

#ifndef BPF_PSEUDO_KFUNC_CALL /* newer than the headers of some distributions */
#define BPF_PSEUDO_KFUNC_CALL 2
#endif

enum ref_kind {
	REF_MAP,   /* BPF_LD_IMM64: address of map `target` */
	REF_VALUE, /* BPF_LD_IMM64: address of byte `offset` in the one value of map `target` */
	REF_FUNC,  /* BPF_LD_IMM64: address of the subprogram that starts at instruction `target` */
	REF_EXTERNAL, /* BPF_LD_IMM64: address of external `target`, or BPF_CALL: a call of it */
};

struct ref {
	uint32_t insn; /* the first slot of a BPF_LD_IMM64 */
	enum ref_kind kind;
	uint32_t target; /* index in object.maps, or .externals, or an instruction for REF_FUNC */
	uint32_t offset;
};

/* One function of a program: the first starts at instruction 0 and is the entry. */
struct func {
	uint32_t insn;
	uint32_t type_id; /* BTF FUNC, 0 where the object has none */
	const char *name; /* into the object's string table */
	bool is_callback; /* nothing here calls it, the kernel does: where the program throws */
};

/* As in .BTF.ext, instruction offsets turned into indexes. Offsets are into the BTF strings. */
struct line {
	uint32_t insn;
	uint32_t file_off;
	uint32_t line_off;
	uint32_t line_col; /* line << 10 | column */
};

struct core_relo {
	uint32_t insn;
	uint32_t type_id;        /* root type, in the object's BTF */
	uint32_t access_str_off; /* "0:1:2", in the BTF strings */
	uint32_t kind;           /* enum bpf_core_relo_kind */
};

struct program {
	const char *name;    /* of the entry function, into the object's string table */
	const char *section; /* e.g. "tracepoint/signal/signal_generate" */
	const struct section_kind *kind; /* by that name, or what lowering made of it; NULL: none */
	const char *target;  /* what follows the kind there: "signal/signal_generate"; "". Another may
			      * be set before loading: borrowed */
	bool autoload;       /* false: leave it out of the load */
	uint8_t arguments;   /* 1 and those of the kernel function that it is for; 0: not known */
	uint64_t cookie;     /* that it will be attached with, where kernels have to be told before */
	VEC(struct bpf_insn) insns;
	VEC(struct ref) refs;
	VEC(struct func) funcs;
	VEC(struct line) lines;
	VEC(struct core_relo) relos;
};

/*
 * What holds the map's initial value: nothing, or one of the global data sections; of MAP_KCONFIG,
 * the kernel's configuration, nobody knows before prepare() (compat/externals.c) has looked.
 */
enum map_role { MAP_PLAIN, MAP_RODATA, MAP_DATA, MAP_BSS, MAP_KCONFIG };

/* What a map holds from the start: a map in a map of maps, a program in one of programs. */
struct map_slot {
	uint32_t index;  /* in the map */
	uint32_t target; /* in object.maps, or in object.programs where it is a PROG_ARRAY */
};

struct map {
	char *name; /* owned; for data sections ".rodata" and the like */
	enum map_role role;
	uint32_t type, key_size, value_size, max_entries, flags;
	uint64_t extra;     /* map_extra: a bloom filter's hashes, an arena's address */
	uint32_t numa_node; /* means something with BPF_F_NUMA_NODE */
	uint32_t pinning;   /* enum libbpf_pin_type of __uint(pinning, ...): 1 by name, else 0 */
	uint32_t inner;     /* index + 1 of what the maps in it are like; 0: it holds no maps, or
			     * nothing says what they are like */
	bool is_template;   /* is only that of another: not kept, and no program refers to it */
	VEC(struct map_slot) slots;
	uint32_t key_type_id, value_type_id; /* in the object's BTF, 0 = unknown */
	uint32_t section;                    /* ELF section index of a data section */
	uint8_t *data;                       /* owned: value_size bytes, data sections only; an
					      * arena's globals: data_size bytes */
	uint32_t data_size;                  /* arenas only */
	VEC(uint32_t) addresses;             /* where in data C wants an address. No kernel can be
					      * told, so there is just what the file has there */
};

enum external_state {
	EXTERNAL_UNKNOWN, /* nobody has looked so far */
	EXTERNAL_FOUND,
	EXTERNAL_MISSING,
};

/* A struct of the kernel's with functions that the object has: a map of one value (struct_ops.h). */
struct ops_function {
	uint32_t offset;  /* of the member that points to it */
	uint32_t program; /* index in object.programs */
};

struct struct_ops {
	uint32_t map;     /* index in object.maps */
	uint32_t type_id; /* the object's own version of the struct */
	uint32_t start;   /* in its section */
	uint32_t size;
	uint8_t *data;    /* owned: its bytes, 0 where a function is to be put */
	VEC(struct ops_function) functions;
};

/* A variable or function that the object uses and does not have: CONFIG_HZ, bpf_task_from_pid. */
struct external {
	const char *name;    /* in object.strings or .btf */
	const char *section; /* ".kconfig", ".ksyms", "" where it is of no section */
	uint32_t type_id;    /* BTF_KIND_VAR or _FUNC; 0 where there is no BTF of it */
	bool is_function;
	bool is_used;        /* something refers to it */
	bool is_weak;        /* the object copes without */
	bool is_typeless;    /* a variable of .ksyms that is nothing but its address */
	uint32_t map, offset; /* of .kconfig: index + 1 of the map that its value is in, and where */
	enum external_state state;
	uint64_t address;    /* of one without a type, once found */
};

/* What the parser understands and load() cannot do: told of when loading, see object_loadable(). */
struct obstacle {
	char *message, *hint; /* owned */
};

struct object {
	const char *name; /* borrowed: what messages call it */
	const char *license; /* "" where the object has none */
	struct btf btf; /* btf_count() <= 1 where the object has none */
	VEC(struct map) maps;
	VEC(struct program) programs;
	VEC(struct struct_ops) struct_ops;
	VEC(struct external) externals;
	VEC(struct obstacle) obstacles; /* at most OBSTACLES_MAX */
	char *strings; /* owned copy of the names that func, program and license point into */
	uint8_t *image; /* owned copy of .BTF, that btf borrows; fit to be given to the kernel */
	size_t image_len;
};

#define OBSTACLES_MAX 100
#define EXTERNALS_MAX 4096

/*
 * Parses size bytes of an ELF object; the bytes are only read, and may go afterwards. An object
 * may be more than load() can do: what it asks for beyond that is in obstacles. On failure
 * nothing is held, err says what, where, expected and got.
 */
int object_init(struct object *obj, const char *name, const void *data, size_t size,
		struct error *err);
void object_fini(struct object *obj);
/* 0, or -1 with the first obstacle as ERROR_UNSUPPORTED. */
int object_loadable(const struct object *obj, struct error *err);

/* A global by its C name, in .rodata, .data or .bss: where its bytes are, to be set before
 * loading. NULL where there is none, or the object has no BTF. *size receives its size in
 * bytes, NULL is fine. */
void *object_global(struct object *obj, const char *name, size_t *size);
/* The same, as (map index, offset), for reading it after loading. -1 where there is none. */
int object_global_find(const struct object *obj, const char *name, uint32_t *map,
		       uint32_t *offset, uint32_t *size);
/* Whether all that is in it stays as it is: constants, for fold(). */
static inline bool map_is_constant(const struct map *map)
{
	return map->data && (map->role == MAP_RODATA || map->role == MAP_KCONFIG);
}

static inline bool map_holds_maps(const struct map *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY_OF_MAPS || map->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* Bytes of data, where there are any. */
static inline uint32_t map_data_size(const struct map *map)
{
	return map->data_size ? map->data_size : map->value_size;
}

struct map *object_map(struct object *obj, const char *name);
struct program *object_program(struct object *obj, const char *name);
/* Adds a map that is not in the file, as lowerings do. The name is copied. NULL = no memory.
 * Earlier struct map pointers are no longer valid. */
struct map *object_add_map(struct object *obj, const char *name);
void program_fini(struct program *prog);
/* Where the function of that number ends, as the next one begins there: last instruction + 1. */
uint32_t program_func_end(const struct program *prog, size_t func);
/* What is said of it, for another one's code. */
struct program program_without_code(const struct program *prog);

#endif
