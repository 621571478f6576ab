// SPDX-License-Identifier: GPL-2.0
#include "tests/live/corpus.h"

#include "compat/missing.h"

#include "compat/since.h"
#include "util/sys.h"

struct corpus corpus;

static const struct {
	const char *folder;
	unsigned int cpu;
} builds[] = {
	{ "default-1", 1 }, { "default-2", 2 }, { "default-3", 3 },
	{ "newest-1", 1 }, { "newest-2", 2 }, { "newest-3", 3 }, { "newest-4", 4 },
};

/* A machine may lack the newest compiler: one test says so (test_corpus.c). */
int corpus_builds(void)
{
	return access(FIXTURES "/corpus/newest-4", F_OK) ? 3 : sizeof(builds) / sizeof(*builds);
}

void corpus_open(const char *object, const struct trial_need *needs, int build)
{
	char path[512];
	size_t len;
	char *data;

	corpus.needs = needs;
	corpus.cpu = builds[build].cpu;
	snprintf(path, sizeof(path), "%s/corpus/%s/%s.bpf.o", FIXTURES, builds[build].folder, object);
	data = read_whole(path, &len);
	ck_assert_msg(data != NULL, "%s: not there", path);
	ck_assert_msg(!object_init(&corpus.obj, object, data, len, &corpus.err), "%s",
		      corpus.err.message);
	free(data);
}

void corpus_set(const char *global, uint64_t value)
{
	size_t size = 0;
	void *at = object_global(&corpus.obj, global, &size);

	ck_assert_msg(at != NULL, "%s: no global '%s'", corpus.obj.name, global);
	switch (size) {
	case 8:
		memcpy(at, &value, 8);
		break;
	case 4:
		memcpy(at, &(uint32_t){ value }, 4);
		break;
	case 2:
		memcpy(at, &(uint16_t){ value }, 2);
		break;
	default:
		memcpy(at, &(uint8_t){ value }, 1);
	}
}

/* ---- what it may be refused for ---- */

static enum answer ask(const struct trial_need *need)
{
	switch (need->kind) {
	case NEED_CAP:
		return caps_ask(&corpus.caps, need->what);
	case NEED_A_MAP:
		return caps_map(&corpus.caps, need->what);
	case NEED_A_PROGRAM:
		return caps_program(&corpus.caps, need->what);
	case NEED_A_HELPER:
		return caps_helper(&corpus.caps, need->program_type, need->what);
	case NEED_TYPES:
		return btf_find(&corpus.types.btf, "task_struct", BTF_KIND_STRUCT) ? CAP_YES : CAP_NO;
	case NEED_NOTHING:
		break;
	}
	return CAP_YES;
}

static struct since since_of(const struct trial_need *need)
{
	struct since since = { .name = "" };

	switch (need->kind) {
	case NEED_CAP:
		since.release = caps_since(need->what);
		return since;
	case NEED_A_MAP:
		return since_map_type(need->what);
	case NEED_A_PROGRAM:
		return since_program_type(need->what);
	case NEED_A_HELPER:
		return since_helper(need->what);
	case NEED_TYPES:
	case NEED_NOTHING:
		break;
	}
	return since;
}

/* Whether a refusal says what it has to for that reason: what is missing, since when, and where. */
static bool has_words(const struct trial_need *need, const char *said)
{
	struct since since = since_of(need);
	char release[32];

	if (need->kind == NEED_TYPES)
		return strstr(said, "struct ") || strstr(said, "types of the running kernel");
	snprintf(release, sizeof(release), "%u.%u", LINUX_MAJOR(since.release),
		 LINUX_MINOR(since.release));
	return strstr(said, release) && strcasestr(said, since.name) &&
	       ((need->kind != NEED_A_HELPER && need->kind != NEED_CAP) || strstr(said, ".bpf.c:"));
}

/* Some machines forbid what they can do even to root. */
static bool uses_trampolines(void)
{
	const struct section_kind *kind = corpus.obj.programs.at[0].kind;

	return kind->type == BPF_PROG_TYPE_LSM ||
	       (kind->type == BPF_PROG_TYPE_TRACING && *kind->name == 'f');
}

static void refused_at(const char *stage)
{
	bool is_right = false;
	char said[6500];

	snprintf(said, sizeof(said), "%s: %s\n%s\n%s", stage, corpus.err.message, corpus.err.hint,
		 corpus.err.detail);
	for (size_t i = 0; i < NEEDS_MAX; i++) {
		const struct trial_need *need = &corpus.needs[i];

		is_right |= need->cpu <= corpus.cpu && ask(need) == CAP_NO && has_words(need, said);
	}
	if (is_right && corpus.err.code == ERROR_UNSUPPORTED) {
		printf("%s: refused as it has to be: %s\n", corpus.obj.name, corpus.err.message);
		exit(0);
	}
	if (corpus.err.code == ERROR_PERMISSION && !strcmp(stage, "load") && uses_trampolines())
		skip("trampolines: root has to be allowed to use them");
	ck_abort_msg("%s", said);
}

/* ---- the way ---- */

static void prepare_object(void)
{
	struct types_request request = { .obj = &corpus.obj };
	struct lower_options options = { .transport = TRANSPORT_AUTO };

	/* Without any types an object that asks none is as good. */
	if (types_open(&corpus.types, &request, &corpus.err))
		memset(&corpus.types, 0, sizeof(corpus.types));
	error_clear(&corpus.err);
	if (prepare(&corpus.obj, &corpus.types, &corpus.caps, &options, &corpus.plan, &corpus.err))
		refused_at("prepare");
}

/* Those whose sections say to what; the others' tests attach them by hand, or run them themselves. */
static void attach_all(void)
{
	prepare_attach(&corpus.caps, &corpus.attach);
	for (size_t i = 0; i < corpus.obj.programs.len; i++) {
		struct link *link = &corpus.links[corpus.links_len];
		const struct program *prog = &corpus.obj.programs.at[i];

		if (!*prog->target)
			continue;
		ck_assert_uint_lt(corpus.links_len, sizeof(corpus.links) / sizeof(*corpus.links));
		if (link_attach(link, &corpus.loaded, i, &corpus.attach, &corpus.err))
			refused_at("attach");
		corpus.links_len++;
	}
}

void corpus_start(void)
{
	struct load_options options = { .types = &corpus.told };

	prepare_object();
	prepare_load(&corpus.obj, &corpus.caps, &options);
	ck_assert_msg(!lower_types(&corpus.obj, &corpus.caps, &corpus.told, &corpus.err), "%s",
		      corpus.err.message);
	if (load(&corpus.loaded, &corpus.obj, &options, &corpus.err)) {
		missing_kinds(&corpus.obj, &corpus.caps, &corpus.err);
		refused_at("load");
	}
	attach_all();
}

/* ---- what came of it ---- */

void corpus_get_bytes(const char *global, void *bytes, size_t size)
{
	uint32_t map, offset, len, zero = 0;
	uint8_t *value;

	ck_assert_msg(!object_global_find(&corpus.obj, global, &map, &offset, &len), "%s: no '%s'",
		      corpus.obj.name, global);
	ck_assert_uint_ge(len, size);
	value = malloc(corpus.obj.maps.at[map].value_size);
	ck_assert_int_eq(sys_map_lookup(corpus.loaded.map_fds[map], &zero, value), 0);
	memcpy(bytes, value + offset, size);
	free(value);
}

uint64_t corpus_get(const char *global)
{
	uint32_t map, offset, len = 0;
	uint64_t n8;
	uint32_t n4;
	uint16_t n2;
	uint8_t n1;

	object_global_find(&corpus.obj, global, &map, &offset, &len);
	switch (len) {
	case 8:
		return corpus_get_bytes(global, &n8, 8), n8;
	case 4:
		return corpus_get_bytes(global, &n4, 4), n4;
	case 2:
		return corpus_get_bytes(global, &n2, 2), n2;
	default:
		return corpus_get_bytes(global, &n1, 1), n1;
	}
}

int corpus_map(const char *name)
{
	int fd = loaded_map_fd(&corpus.loaded, name);

	ck_assert_msg(fd >= 0, "%s: no map '%s'", corpus.obj.name, name);
	return fd;
}

int corpus_program(const char *name)
{
	int fd = loaded_prog_fd(&corpus.loaded, name);

	ck_assert_msg(fd >= 0, "%s: no program '%s'", corpus.obj.name, name);
	return fd;
}

struct gathered {
	char *at;
	size_t size, max, len;
};

static void gather(void *ctx, const void *record, size_t size)
{
	struct gathered *to = ctx;

	ck_assert_uint_ge(size, to->size);
	ck_assert_uint_lt(to->len, to->max);
	memcpy(to->at + to->len++ * to->size, record, to->size);
}

/* The ring may have become a perf buffer on the way. */
void corpus_open_reader(const char *map)
{
	bool ring = object_map(&corpus.obj, map)->type == BPF_MAP_TYPE_RINGBUF;
	int ret = ring ? reader_new_ring(&corpus.reader, corpus_map(map), 1 << 16, &corpus.err) :
			 reader_new_perf(&corpus.reader, corpus_map(map), 1 << 16, &corpus.err);

	ck_assert_msg(!ret, "%s", corpus.err.message);
}

size_t corpus_records(void *records, size_t size, size_t max)
{
	struct gathered to = { records, size, max, 0 };

	reader_drain(corpus.reader, true, gather, &to);
	return to.len;
}

uint32_t corpus_run(const char *program, const void *packet, size_t size, void *out)
{
	static char spare[4096];
	union bpf_attr attr;
	int ret;

	if (caps_ask(&corpus.caps, CAP_PROG_RUN) == CAP_NO)
		skip("%s (needs 4.12)", caps_about(CAP_PROG_RUN));
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = corpus_program(program);
	attr.test.data_in = (uintptr_t)packet;
	attr.test.data_size_in = size;
	attr.test.data_out = (uintptr_t)(out ? out : spare);
	attr.test.data_size_out = sizeof(spare);
	ret = sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	ck_assert_msg(!ret, "%s: run: %s", program, strerror(-ret));
	return attr.test.retval;
}
