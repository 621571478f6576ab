// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "btf/dump_c.h"
#include "cli/btf_text.h"
#include "cli/command.h"
#include "loader/types.h"
#include "util/suggest.h"

#define KERNEL "kernel"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum format { FORMAT_C, FORMAT_RAW, FORMAT_JSON };

static const char *const format_names[] = { "c", "raw", "json" };

struct dump_options {
	enum format format;
	const char *base;    /* file that split BTF goes on from, or NULL */
	const char *to;      /* file, or NULL: standard output */
	VEC(const char *) list; /* words that are no options */
};

/* ---- which types ---- */

/* What a word like "struct" before a name lets through. */
static const struct {
	const char *word;
	uint32_t kinds[2];
} kind_words[] = {
	{ "struct", { BTF_KIND_STRUCT, BTF_KIND_FWD } },
	{ "union", { BTF_KIND_UNION, BTF_KIND_FWD } },
	{ "enum", { BTF_KIND_ENUM, BTF_KIND_ENUM64 } },
	{ "typedef", { BTF_KIND_TYPEDEF, BTF_KIND_TYPEDEF } },
};

struct search {
	const struct btf *btf;
	const char *name;
	const uint32_t *kinds; /* two, or NULL: any */
	VEC(uint32_t) found;
};

static int add(struct search *s, uint32_t id, struct error *err)
{
	uint32_t *at = vec_push(&s->found);

	if (!at)
		return error_memory(err);
	*at = id;
	return 0;
}

/*
 * The kinds that a name may stand for, those first that one looks for rather: a function's name
 * is its own where there is no type of that name.
 */
static int rank(uint32_t kind)
{
	switch (kind) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
		return 0;
	case BTF_KIND_FWD:
		return 1;
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
		return 2;
	default:
		return -1;
	}
}

static int find_ranked(struct search *s, int wanted, struct error *err)
{
	uint32_t id;

	for (id = 1; id < btf_count(s->btf); id++) {
		const struct btf_type *t = btf_type(s->btf, id);
		uint32_t kind = btf_kind(t);

		if (rank(kind) != wanted || strcmp(btf_string(s->btf, t->name_off), s->name) ||
		    (s->kinds && kind != s->kinds[0] && kind != s->kinds[1]))
			continue;
		if (add(s, id, err))
			return -1;
	}
	return 0;
}

static bool has_enumerator(const struct btf *btf, const struct btf_type *t, const char *name)
{
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf_string(btf, btf_enumerator_name(t, i)), name))
			return true;
	return false;
}

static int find_enumerator(struct search *s, struct error *err)
{
	uint32_t id;

	for (id = 1; id < btf_count(s->btf); id++) {
		const struct btf_type *t = btf_type(s->btf, id);

		if (btf_is_enum(t) && has_enumerator(s->btf, t, s->name) && add(s, id, err))
			return -1;
	}
	return 0;
}

/* Every name: few are offered twice, and none is so long in coming that it would be noticed. */
static int unknown_type(const struct search *s, const char *source, struct error *err)
{
	struct suggest suggest;
	uint32_t id;

	suggest_init(&suggest, s->name);
	for (id = 1; id < btf_count(s->btf); id++) {
		const struct btf_type *t = btf_type(s->btf, id);

		if (t->name_off && rank(btf_kind(t)) >= 0)
			suggest_offer(&suggest, btf_string(s->btf, t->name_off));
	}
	error_set(err, ERROR_NOT_FOUND, "%s: type '%s': got no such name in its BTF", source, s->name);
	if (suggest.best)
		error_hint(err, "did you mean '%s'?", suggest.best);
	return -1;
}

static int find_id(struct search *s, const char *source, struct error *err)
{
	uint64_t id;
	const char *end = args_number(s->name, &id);

	if (!end || *end || !id || id >= btf_count(s->btf))
		return error_set(err, ERROR_NOT_FOUND, "%s: type %s: got an id that is not there, "
				 "expected 1 to %u", source, s->name, btf_count(s->btf) - 1);
	return add(s, id, err);
}

static int find(struct search *s, const char *source, struct error *err)
{
	size_t before = s->found.len;
	int wanted;

	if (isdigit((unsigned char)s->name[0]))
		return find_id(s, source, err);
	for (wanted = 0; wanted <= 2 && s->found.len == before; wanted++)
		if (find_ranked(s, wanted, err))
			return -1;
	if (s->found.len == before && !s->kinds && find_enumerator(s, err))
		return -1;
	return s->found.len == before ? unknown_type(s, source, err) : 0;
}

/* Reads "task_struct", "struct task_struct" as one word or as two, "1234". */
static int find_words(struct search *s, const char *const *words, size_t count, const char *source,
		      struct error *err)
{
	size_t i, k;

	for (i = 0; i < count; i++) {
		s->name = words[i];
		s->kinds = NULL;
		for (k = 0; k < COUNT(kind_words); k++) {
			size_t len = strlen(kind_words[k].word);

			if (strncmp(words[i], kind_words[k].word, len) ||
			    (words[i][len] != ' ' && (words[i][len] || i + 1 == count)))
				continue;
			s->kinds = kind_words[k].kinds;
			s->name = words[i][len] ? words[i] + len + 1 : words[++i];
			break;
		}
		if (find(s, source, err))
			return -1;
	}
	return 0;
}

/* ---- from where ---- */

struct source {
	struct types types; /* that were asked for, or what they go on from */
	struct btf split;   /* that goes on from a base which the user names; else empty */
	const struct btf *btf;
};

static bool is_kernel(const char *name)
{
	return !strcmp(name, KERNEL) || !strcmp(name, KERNEL_BTF);
}

static bool is_module(const char *name)
{
	char path[256];

	if (strchr(name, '/'))
		return false;
	snprintf(path, sizeof(path), KERNEL_BTF_DIR "/%s", name);
	return !access(path, F_OK);
}

/* The first word is where types come from, unless it can only be one of the kernel's types. */
static bool is_source(const char *word)
{
	return is_kernel(word) || strchr(word, '/') || !access(word, F_OK) || is_module(word);
}

static int open_source(struct source *source, const char *name, const char *base, struct error *err)
{
	struct types_request request = { 0 };
	char path[256];

	if (access(name, F_OK) && is_module(name)) {
		snprintf(path, sizeof(path), KERNEL_BTF_DIR "/%s", name);
		name = path;
	}
	if (base)
		request.btf_file = is_kernel(base) ? NULL : base;
	else
		request.btf_file = is_kernel(name) ? NULL : name;
	if (types_open(&source->types, &request, err))
		return -1;
	source->btf = base ? &source->split : &source->types.btf;
	return base ? types_open_split(&source->split, &source->types.btf, name, err) : 0;
}

static void close_source(struct source *source)
{
	btf_fini(&source->split);
	types_fini(&source->types);
}

/* ---- to where ---- */

static int write_all(void *to, const char *piece, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(*(int *)to, piece + done, len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n < 0 ? 0 : n;
	}
	return 0;
}

static int dump(const struct source *source, const struct dump_options *o, const struct search *s,
		struct text *out, struct error *err)
{
	const uint32_t *ids = s->name ? s->found.at : NULL;

	if (o->format == FORMAT_C)
		return btf_dump_c(source->btf, ids, s->found.len, out, err);
	btf_text(source->btf, ids, s->found.len, o->format == FORMAT_JSON, out);
	return 0;
}

/* Nobody reads any more: that is how `| head` ends. */
static int written(const struct dump_options *o, int fd, int ret, struct text *out,
		   struct error *err)
{
	int sys = text_flush(out);

	if (o->to && close(fd) && !sys)
		sys = -errno;
	if (sys == -EPIPE)
		return 0;
	if (sys == -ENOMEM)
		return error_memory(err);
	if (sys)
		return error_system(err, -sys, "%s: write", o->to ? o->to : "standard output");
	return ret;
}

static int dump_to(const struct source *source, const struct dump_options *o,
		   const struct search *s, struct error *err)
{
	int fd = STDOUT_FILENO, ret;
	struct text out = { .write = write_all, .to = &fd };

	if (o->to)
		fd = open(o->to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_system(err, errno, "%s", o->to);
	ret = dump(source, o, s, &out, err);
	ret = written(o, fd, ret, &out, err);
	text_fini(&out);
	return ret;
}

/* ---- the command ---- */

static int take_format(void *into, const char *arg, struct error *err)
{
	struct dump_options *o = into;
	size_t i;

	for (i = 0; i < COUNT(format_names); i++)
		if (!strcmp(arg, format_names[i])) {
			o->format = i;
			return 0;
		}
	return args_bad_value(err, "--format", arg, "c, raw or json");
}

static int take_base(void *into, const char *arg, struct error *err)
{
	((struct dump_options *)into)->base = arg;
	return 0;
}

static int take_output(void *into, const char *arg, struct error *err)
{
	((struct dump_options *)into)->to = arg;
	return 0;
}

static int take_word(void *into, const char *word, struct error *err)
{
	const char **at = vec_push(&((struct dump_options *)into)->list);

	if (!at)
		return error_memory(err);
	*at = word;
	return 0;
}

static const struct option_fact facts[] = {
	{ 'f', "format", "FORMAT", take_format,
	  "c: a header for BPF programs, known as vmlinux.h\n"
	  "(default); raw: the types one by one; json: the same\n"
	  "for programs" },
	{ 'o', "output", "FILE", take_output, "write there, not to standard output" },
	{ 'B', "base", "FILE", take_base,
	  "what the BTF of a kernel module goes on from\n"
	  "(default for modules by name: the running kernel's)" },
};

static const struct option_group groups[] = {
	OPTION_GROUP("Options", facts),
};

static int dump_words(const struct dump_options *o, struct source *source, struct search *s,
		      struct error *err)
{
	bool named = o->list.len && is_source(o->list.at[0]);
	const char *name = named ? o->list.at[0] : KERNEL;

	if (open_source(source, name, o->base, err))
		return -1;
	s->btf = source->btf;
	if (find_words(s, o->list.at + named, o->list.len - named, name, err)) {
		if (!named && err->code == ERROR_NOT_FOUND && !err->hint[0])
			error_hint(err, "no file has that name, either");
		return -1;
	}
	return dump_to(source, o, s, err);
}

static enum exit_status run(int argc, char *const argv[])
{
	struct dump_options options = { .format = FORMAT_C };
	struct source source = { 0 };
	struct search search = { 0 };
	enum exit_status status;
	struct error err;

	if (!command_read(&command_btf_dump, argc, argv, &options, &status))
		goto out;
	signal(SIGPIPE, SIG_IGN);
	status = STATUS_DONE;
	if (dump_words(&options, &source, &search, &err)) {
		report_error(&err);
		status = command_status(err.code);
	}
out:
	vec_fini(&search.found);
	vec_fini(&options.list);
	close_source(&source);
	return status;
}

const struct command command_btf_dump = {
	.name = "btf dump",
	.about = "a kernel's or an object's types, as C or one by one",
	.usage = "btf dump [options] [FILE|kernel|MODULE] [TYPE...]",
	.text = "Prints the types that BTF describes: of the running kernel, of a file (bare BTF,\n"
		"an object, a kernel image) or of a loaded module. With TYPEs only those; as C\n"
		"together with all that they need.\n",
	.args = { "portrace btf dump", groups, COUNT(groups), take_word },
	.notes =
	      "A TYPE is a name (task_struct, struct task_struct), a number as --format raw\n"
	      "shows it, or the name of a function, variable or enumerator. A first word that\n"
	      "names neither a file nor a module is a TYPE of the running kernel.\n"
	      "\nExamples:\n"
	      "  portrace btf dump -o vmlinux.h                all types of this kernel\n"
	      "  portrace btf dump task_struct                 one, with what it needs\n"
	      "  portrace btf dump -f raw prog.bpf.o           the types of an object\n",
	.run = run,
};
