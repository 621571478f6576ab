// SPDX-License-Identifier: GPL-2.0
/*
 *	name: sched_process_exec
 *	ID: 365
 *	format:
 *		field:unsigned short common_type;       offset:0;  size:2; signed:0;   \ the same
 *		field:unsigned char common_flags;       offset:2;  size:1; signed:0;   | for all
 *		field:unsigned char common_preempt_count; offset:3; size:1; signed:0;  | events
 *		field:int common_pid;                   offset:4;  size:4; signed:1;   /
 *
 *		field:__data_loc char[] filename;       offset:8;  size:4; signed:0;
 *		field:pid_t pid;                        offset:12; size:4; signed:1;
 *		field:pid_t old_pid;                    offset:16; size:4; signed:1;
 *
 *	print fmt: "filename=%s pid=%d old_pid=%d", __get_str(filename), REC->pid, ...
 *
 * becomes
 *
 *	struct trace_entry { unsigned short type; ... int pid; };
 *	struct trace_event_raw_sched_process_exec {
 *		struct trace_entry ent;                 offset 0
 *		unsigned int __data_loc_filename;       8
 *		int pid, old_pid;                       12, 16
 *	};                                              size 20
 *
 * The words before a field's name are the C of the kernel's source, and of little use: "pid_t"
 * may be anything. Size and sign say what it is, the words only whether it is a pointer, an
 * array, an enum or a struct. Behind the name an array has its length, which before Linux 5.5
 * could be an expression, such as [sizeof(struct sockaddr_in6)].
 *
 * The kernel makes records of at most 8 KiB.
 */
#include "btf/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/write.h"

#define RECORD_MAX 65536
#define FIELDS_MAX 512 /* each is compared with all before it */
#define NAME_MAX_LEN 128

enum field_kind { FIELD_NUMBER, FIELD_POINTER, FIELD_ENUM, FIELD_OPAQUE, FIELD_DYNAMIC };

struct field {
	char name[NAME_MAX_LEN];
	enum field_kind kind;
	bool is_common; /* of struct trace_entry; the name is without "common_" */
	bool is_array, is_signed;
	uint32_t offset, size;
	uint32_t length; /* of an array; 0: flexible, or not said in numbers */
};

struct maker {
	struct btf_writer w;
	const struct event_format *format; /* at work on */
	VEC(struct field) fields;          /* of it */
	uint32_t ints[5][2];               /* ids by logarithm of the size and sign, 0: not yet made */
	uint32_t pointer;
	struct error *err;
};

/* A piece of the text. */
struct span {
	const char *at, *end;
};

static size_t span_len(struct span s)
{
	return s.end - s.at;
}

static bool span_starts(struct span s, const char *with)
{
	size_t len = strlen(with);

	return span_len(s) >= len && !memcmp(s.at, with, len);
}

static struct span span_trim(struct span s)
{
	while (s.at < s.end && (*s.at == ' ' || *s.at == '\t'))
		s.at++;
	while (s.at < s.end && (s.end[-1] == ' ' || s.end[-1] == '\t'))
		s.end--;
	return s;
}

/* The piece up to the mark, which is left out of both it and the rest. False: no mark. */
static bool span_cut(struct span *rest, char mark, struct span *piece)
{
	const char *at = memchr(rest->at, mark, span_len(*rest));

	if (!at)
		return false;
	*piece = (struct span){ rest->at, at };
	rest->at = at + 1;
	return true;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* A decimal number that is all of it, at most RECORD_MAX. */
static bool span_number(struct span s, uint32_t *number)
{
	if (s.at == s.end)
		return false;
	for (*number = 0; s.at < s.end; s.at++) {
		if (*s.at < '0' || *s.at > '9')
			return false;
		*number = *number * 10 + (*s.at - '0');
		if (*number > RECORD_MAX)
			return false;
	}
	return true;
}

/* ---- from text to fields ---- */

static int fail_line(const struct maker *m, unsigned int line, struct span text, const char *expected)
{
	return error_set(m->err, ERROR_FORMAT, "tracepoint %s:%s: format: line %u: got '%.*s', expected %s",
			 m->format->category, m->format->event, line,
			 span_len(text) > 100 ? 100 : (int)span_len(text), text.at, expected);
}

/* What the words before the name say. */
static enum field_kind kind_of(struct span type)
{
	if (span_starts(type, "const "))
		type = span_trim((struct span){ type.at + strlen("const "), type.end });
	if (type.at < type.end && type.end[-1] == '*')
		return FIELD_POINTER;
	if (span_starts(type, "enum "))
		return FIELD_ENUM;
	if (span_starts(type, "struct ") || span_starts(type, "union "))
		return FIELD_OPAQUE;
	return FIELD_NUMBER;
}

/* "char comm[16]": its end, brackets and all, taken off; what is in them. */
static bool cut_brackets(struct span *declaration, struct span *inside)
{
	const char *open;

	if (declaration->at == declaration->end || declaration->end[-1] != ']')
		return false;
	open = memchr(declaration->at, '[', span_len(*declaration));
	if (!open)
		return false;
	*inside = (struct span){ open + 1, declaration->end - 1 };
	declaration->end = open;
	*declaration = span_trim(*declaration);
	return true;
}

/* "__data_loc char[] filename", "char comm[16]", "const char * path" */
static bool read_declaration(struct span declaration, struct field *field)
{
	struct span inside = { NULL, NULL }, name;
	bool relative = span_starts(declaration, "__rel_loc ");
	const char *prefix = "";

	field->is_array = cut_brackets(&declaration, &inside);
	name = declaration;
	while (name.at < name.end && is_word(name.end[-1]))
		name.end--;
	name = (struct span){ name.end, declaration.end };
	field->kind = kind_of(span_trim((struct span){ declaration.at, name.at }));
	field->is_common = span_starts(name, "common_");
	if (field->is_common)
		name.at += strlen("common_");
	if (relative || span_starts(declaration, "__data_loc ")) {
		field->kind = FIELD_DYNAMIC; /* in the record: where it is, and how long */
		field->is_array = false;
		prefix = relative ? "__rel_loc_" : "__data_loc_";
	}
	/* Several dimensions, or a length that is no number. */
	if (field->is_array && span_len(inside) && !span_number(inside, &field->length))
		field->kind = FIELD_OPAQUE;
	if (!span_len(name) || span_len(name) + strlen(prefix) >= sizeof(field->name))
		return false;
	snprintf(field->name, sizeof(field->name), "%s%.*s", prefix, (int)span_len(name), name.at);
	return true;
}

/* "offset:8;\tsize:4;\tsigned:1;": what newer kernels may add is passed over. */
static bool read_place(struct span rest, struct field *field)
{
	uint32_t sign = 0, *into;
	unsigned int found = 0;
	struct span pair, key;

	while (span_cut(&rest, ';', &pair)) {
		pair = span_trim(pair);
		if (!span_cut(&pair, ':', &key))
			continue;
		into = NULL;
		if (span_len(key) == 6 && span_starts(key, "offset"))
			into = &field->offset;
		else if (span_len(key) == 4 && span_starts(key, "size"))
			into = &field->size;
		else if (span_len(key) == 6 && span_starts(key, "signed"))
			into = &sign;
		if (!into)
			continue;
		if (!span_number(pair, into))
			return false;
		found |= into == &field->offset ? 1 : into == &field->size ? 2 : 4;
	}
	field->is_signed = sign;
	return found == 7 && sign <= 1 && field->offset + field->size <= RECORD_MAX;
}

static bool overlap(const struct field *a, const struct field *b)
{
	return a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

static int add_field(struct maker *m, const struct field *field, unsigned int line, struct span text)
{
	struct field *added;

	for (size_t i = 0; i < m->fields.len; i++) {
		const struct field *other = &m->fields.at[i];

		if (other->is_common == field->is_common && !strcmp(other->name, field->name))
			return fail_line(m, line, text, "no second field of that name");
		if (overlap(other, field))
			return fail_line(m, line, text, "bytes that no other field has");
	}
	if (m->fields.len == FIELDS_MAX)
		return fail_line(m, line, text, "no more than 512 fields");
	added = vec_push(&m->fields);
	if (!added)
		return error_memory(m->err);
	*added = *field;
	return 0;
}

static int read_line(struct maker *m, unsigned int line, struct span text)
{
	struct span rest = { text.at + strlen("field:"), text.end }, declaration;
	struct field field = { 0 };

	if (!span_cut(&rest, ';', &declaration) ||
	    !read_declaration(span_trim(declaration), &field) || !read_place(rest, &field))
		return fail_line(m, line, text, "field:TYPE NAME; offset:NUMBER; size:NUMBER; signed:0 or 1;");
	return add_field(m, &field, line, text);
}

static int read_fields(struct maker *m)
{
	struct span text = { m->format->text, m->format->text + m->format->len }, line;
	unsigned int number = 0;

	m->fields.len = 0;
	/* The last line, of how to print it, is none of ours, and may be cut. */
	while (span_cut(&text, '\n', &line)) {
		number++;
		line = span_trim(line);
		if (span_starts(line, "print fmt:"))
			break;
		if (span_starts(line, "field:") && read_line(m, number, line))
			return -1;
	}
	if (!m->fields.len)
		return error_set(m->err, ERROR_FORMAT, "tracepoint %s:%s: format: got no field in %zu bytes, "
				 "expected at least one", m->format->category, m->format->event,
				 m->format->len);
	return 0;
}

/* ---- from fields to types ---- */

/* 1, 2, 4, 8, 16: 0 to 4; else -1. */
static int size_log(uint32_t size)
{
	return size && !(size & (size - 1)) && size <= 16 ? __builtin_ctz(size) : -1;
}

static uint32_t write_int(struct maker *m, uint32_t size, bool is_signed)
{
	static const char *const names[5][2] = {
		{ "unsigned char", "signed char" },
		{ "unsigned short", "short" },
		{ "unsigned int", "int" },
		{ "unsigned long long", "long long" },
		{ "unsigned __int128", "__int128" },
	};
	int log = size_log(size);
	uint32_t *id = &m->ints[log][is_signed];

	if (!*id)
		*id = btf_write_int(&m->w, names[log][is_signed], size, is_signed ? BTF_INT_SIGNED : 0);
	return *id;
}

/* Bytes whose inside nobody has told us. */
static uint32_t write_opaque(struct maker *m, uint32_t size)
{
	return btf_write_type(&m->w, BTF_KIND_STRUCT, NULL, size);
}

static uint32_t write_enum(struct maker *m, uint32_t size, bool is_signed)
{
	uint32_t id = btf_write_type(&m->w, BTF_KIND_ENUM, NULL, size);

	if (is_signed)
		btf_write_kflag(&m->w);
	return id;
}

static uint32_t write_scalar(struct maker *m, const struct field *field, uint32_t size)
{
	int log = size_log(size);

	if (log < 0 || field->kind == FIELD_OPAQUE)
		return write_opaque(m, size);
	if (field->kind == FIELD_POINTER && size == sizeof(void *)) {
		if (!m->pointer)
			m->pointer = btf_write_type(&m->w, BTF_KIND_PTR, NULL, 0);
		return m->pointer;
	}
	if (field->kind == FIELD_ENUM && size <= 8)
		return write_enum(m, size, field->is_signed);
	/* The sign of a dynamic field is that of its elements. */
	return write_int(m, size, field->is_signed && field->kind != FIELD_DYNAMIC);
}

/* An array is only one where its elements are known; else it is bytes. */
static uint32_t write_field_type(struct maker *m, const struct field *field)
{
	uint32_t element, index;

	if (!field->is_array || field->kind == FIELD_OPAQUE)
		return write_scalar(m, field, field->size);
	if (!field->length || !field->size || field->size % field->length)
		return write_opaque(m, field->size);
	element = write_scalar(m, field, field->size / field->length);
	index = write_int(m, 4, false);
	return btf_write_array(&m->w, element, index, field->length);
}

/* As the compiler would round a struct up: to its widest number. */
static uint32_t struct_size(const struct maker *m, bool is_common)
{
	uint32_t end = 0, align = 1;

	for (size_t i = 0; i < m->fields.len; i++) {
		const struct field *field = &m->fields.at[i];
		uint32_t size = field->is_array && field->length ? field->size / field->length : field->size;

		/* The struct is as wide as its trace_entry, too. */
		if (is_common && !field->is_common)
			continue;
		if (field->offset + field->size > end)
			end = field->offset + field->size;
		if (size_log(size) >= 0 && size <= 8 && size > align && field->kind != FIELD_OPAQUE)
			align = size;
	}
	return (end + align - 1) & -align;
}

/* All fields that are common, or all that are not; their types must be made before. */
static int write_struct(struct maker *m, const char *name, bool is_common, uint32_t entry)
{
	size_t count = m->fields.len;
	uint32_t *types = calloc(count, sizeof(*types)), id;

	if (!types)
		return error_memory(m->err);
	for (size_t i = 0; i < count; i++)
		if (m->fields.at[i].is_common == is_common)
			types[i] = write_field_type(m, &m->fields.at[i]);
	id = btf_write_type(&m->w, BTF_KIND_STRUCT, name, struct_size(m, is_common));
	if (entry)
		btf_write_member(&m->w, "ent", entry, 0);
	for (size_t i = 0; i < count; i++)
		if (m->fields.at[i].is_common == is_common)
			btf_write_member(&m->w, m->fields.at[i].name, types[i],
					 m->fields.at[i].offset * 8);
	free(types);
	return id;
}

static bool has_common(const struct maker *m)
{
	for (size_t i = 0; i < m->fields.len; i++)
		if (m->fields.at[i].is_common)
			return true;
	return false;
}

/* ---- system calls ---- */

/*
 * Programs on syscalls:* events are handed, since Linux 4.14, not the record but
 *
 *	enter:  struct pt_regs *regs;  number;  unsigned long args[];     at 0, 8, 8 + long
 *	exit:   struct pt_regs *regs;  number;  long ret;
 *
 * and of args[] only as many as the call has are filled. Authors call it by the name of a type
 * that is laid out the same: that of raw_syscalls:sys_enter, or of the record's beginning. The
 * number is a long up to Linux 6.6 and an int since ("bpf: change syscall_nr type to int in
 * struct syscall_tp_t"), which makes no difference where the low half of a long comes first;
 * where it does not, a kernel cannot be asked which half it fills, so there it is left out.
 */
enum { WORD = sizeof(long), NUMBER_AT = 8, ARGS_AT = NUMBER_AT + WORD };

static bool is_syscall(const struct event_format *format, const char *prefix)
{
	return !strcmp(format->category, "syscalls") && !strncmp(format->event, prefix, strlen(prefix));
}

/* Behind the number; newer kernels also have copies of strings that arguments point to. */
static uint32_t count_arguments(const struct maker *m)
{
	uint32_t count = 0;

	for (size_t i = 0; i < m->fields.len; i++)
		count += !m->fields.at[i].is_common && m->fields.at[i].kind != FIELD_DYNAMIC;
	return count ? count - 1 : 0;
}

static void write_syscall(struct maker *m, const char *name, const char *number, uint32_t number_type,
			  uint32_t entry)
{
	bool enters = is_syscall(m->format, "sys_enter_");
	uint32_t count = count_arguments(m), args = 0, word = write_int(m, WORD, !enters);

	if (enters && count)
		args = btf_write_array(&m->w, word, write_int(m, 4, false), count);
	btf_write_type(&m->w, BTF_KIND_STRUCT, name, ARGS_AT + (enters ? count : 1) * WORD);
	if (entry)
		btf_write_member(&m->w, "ent", entry, 0);
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		btf_write_member(&m->w, number, number_type, NUMBER_AT * 8);
	if (args)
		btf_write_member(&m->w, "args", args, ARGS_AT * 8);
	if (!enters)
		btf_write_member(&m->w, "ret", word, ARGS_AT * 8);
}

static void write_syscalls(struct maker *m, const char *name, uint32_t entry)
{
	bool enters = is_syscall(m->format, "sys_enter_");
	const char *raw = enters ? "trace_event_raw_sys_enter" : "trace_event_raw_sys_exit";
	uint32_t word = write_int(m, WORD, true), half = write_int(m, 4, true);

	write_syscall(m, raw, "id", word, entry);
	write_syscall(m, enters ? "syscall_trace_enter" : "syscall_trace_exit", "nr", half, entry);
	if (strcmp(name, raw))
		write_syscall(m, name, "id", word, entry);
}

/* ---- all of it ---- */

static int write_event(struct maker *m, const struct event_format *format)
{
	char name[NAME_MAX_LEN];
	int entry = 0;

	m->format = format;
	if (read_fields(m))
		return -1;
	snprintf(name, sizeof(name), format->type ? "%s" : "trace_event_raw_%s",
		 format->type ? format->type : format->event);
	if (has_common(m))
		entry = write_struct(m, "trace_entry", true, 0);
	if (entry < 0)
		return -1;
	if (is_syscall(format, "sys_enter_") || is_syscall(format, "sys_exit_"))
		write_syscalls(m, name, entry);
	else if (write_struct(m, name, false, entry) < 0)
		return -1;
	return 0;
}

int btf_from_formats(struct btf *btf, const struct event_format *formats, size_t count,
		     struct error *err)
{
	struct maker m = { .err = err };
	void *blob;
	size_t size;
	int ret = 0;

	/* Tells how wide a pointer is. */
	btf_write_int(&m.w, "unsigned long", sizeof(long), 0);
	for (size_t i = 0; !ret && i < count; i++)
		ret = write_event(&m, &formats[i]);
	if (!ret)
		ret = btf_write_finish(&m.w, &blob, &size, err);
	if (!ret)
		ret = btf_init_owned(btf, NULL, blob, size, err);
	btf_write_fini(&m.w);
	vec_fini(&m.fields);
	return ret;
}
