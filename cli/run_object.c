// SPDX-License-Identifier: GPL-2.0
/*
 * From a file to programs that run. All that the command line can have wrong is found before
 * anything is put to the kernel, and what is missing on it is said at once, not one after the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/memlock.h"
#include "cli/object_file.h"
#include "cli/run.h"
#include "compat/missing.h"
#include "loader/ledger.h"
#include "loader/object_set.h"
#include "loader/pin.h"
#include "util/privilege.h"
#include "util/strbuf.h"
#include "util/suggest.h"
#include "util/sys.h"

/* ---- the command line's words about programs and maps ---- */

/* "NAME=...": the name, and what is behind the "=". */
struct pair {
	char name[128];
	const char *value;
};

static struct pair split(const char *word)
{
	size_t len = strcspn(word, "=");
	struct pair pair = { .value = word + len + (word[len] == '=') };

	if (len < sizeof(pair.name))
		memcpy(pair.name, word, len);
	return pair;
}

static struct program *find_program(struct run *run, const char *option, const char *name)
{
	struct program *prog = object_program(&run->object, name);
	struct suggest s;

	if (prog)
		return prog;
	suggest_init(&s, name);
	for (size_t i = 0; i < run->object.programs.len; i++)
		suggest_offer(&s, run->object.programs.at[i].name);
	error_set(&run->err, ERROR_USAGE, "%s: %s: got no program '%s'", option, run->object.name, name);
	if (s.best)
		error_hint(&run->err, "did you mean '%s'?", s.best);
	return NULL;
}

static int choose_programs(struct run *run)
{
	const struct run_words *words = &run->options->programs;

	for (size_t i = 0; words->len && i < run->object.programs.len; i++)
		run->object.programs.at[i].autoload = false;
	for (size_t i = 0; i < words->len; i++) {
		struct program *prog = find_program(run, "--program", words->at[i]);

		if (!prog)
			return -1;
		prog->autoload = true;
	}
	return 0;
}

static int set_targets(struct run *run)
{
	const struct run_words *words = &run->options->attach;

	for (size_t i = 0; i < words->len; i++) {
		struct pair pair = split(words->at[i]);
		struct program *prog = find_program(run, "--attach", pair.name);

		if (!prog)
			return -1;
		prog->target = pair.value;
	}
	return 0;
}

static int set_globals(struct run *run)
{
	const struct run_words *words = &run->options->sets;

	for (size_t i = 0; i < words->len; i++)
		if (object_set(&run->object, words->at[i], &run->err))
			return error_wrap(&run->err, "--set");
	return 0;
}

static int no_map(struct run *run, const char *name)
{
	struct suggest s;

	suggest_init(&s, name);
	for (size_t i = 0; i < run->object.maps.len; i++)
		suggest_offer(&s, run->object.maps.at[i].name);
	error_set(&run->err, ERROR_USAGE, "--map: %s: got no map '%s'", run->object.name, name);
	return s.best ? error_hint(&run->err, "did you mean '%s'?", s.best) : -1;
}

/* A map that is pinned there, in place of a new one. */
static int reuse_map(struct run *run, const struct map *map, const char *path)
{
	struct load_reuse *reuse = vec_push(&run->reuse);
	union bpf_attr attr;
	int fd;

	if (!reuse)
		return error_memory(&run->err);
	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uintptr_t)path;
	fd = sys_bpf(BPF_OBJ_GET, &attr, sizeof(attr));
	*reuse = (struct load_reuse){ map->name, fd };
	if (fd >= 0)
		return 0;
	run->reuse.len--;
	error_system(&run->err, -fd, "--map: %s: open the pinned map", path);
	if (fd == -EPERM)
		run->err.code = ERROR_PERMISSION;
	return -1;
}

static int set_map(struct run *run, const char *word)
{
	struct pair pair = split(word);
	struct map *map = object_map(&run->object, pair.name);
	const char *end;
	uint64_t entries;

	if (!map)
		return no_map(run, pair.name);
	if (strchr(pair.value, '/'))
		return reuse_map(run, map, pair.value);
	end = args_number(pair.value, &entries);
	if (!end || *end || !entries || entries > UINT32_MAX)
		return args_bad_value(&run->err, "--map", word, "NAME=ENTRIES, a number from 1 on, or "
				      "NAME=/sys/fs/bpf/FILE");
	if (map->role != MAP_PLAIN)
		return error_set(&run->err, ERROR_USAGE, "--map: '%s' holds global variables, of which "
				 "there is one each", pair.name);
	map->max_entries = entries;
	return 0;
}

static int set_maps(struct run *run)
{
	const struct run_words *words = &run->options->maps;

	for (size_t i = 0; i < words->len; i++)
		if (set_map(run, words->at[i]))
			return -1;
	return 0;
}

/* ---- what is missing ---- */

static const struct {
	enum attach_need need;
	const char *option, *what;
} needs[] = {
	{ NEED_TARGET, "--attach %s=TARGET", "what its section does not name" },
	{ NEED_CGROUP, "--cgroup PATH", "a cgroup" },
	{ NEED_IFACE, "--iface NAME", "a network interface" },
};

static struct attach_place place_of(const struct run *run)
{
	struct attach_place place = run->options->place;

	place.iface = run->options->ifaces.len ? run->options->ifaces.at[0] : NULL;
	return place;
}

static void list_lacks(struct strbuf *list, const struct program *prog, uint32_t lacks)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		if (!(lacks & needs[i].need))
			continue;
		strbuf_add(list, "%sprogram '%s' (%s) needs ", list->len ? "; " : "", prog->name,
			   prog->section);
		strbuf_add(list, needs[i].option, prog->name);
		strbuf_add(list, ", %s", needs[i].what);
	}
}

static int check_places(struct run *run)
{
	struct attach_place place = place_of(run);
	char text[600];
	struct strbuf list = STRBUF(text);
	size_t loaded = 0;

	for (size_t i = 0; i < run->object.programs.len; i++) {
		const struct program *prog = &run->object.programs.at[i];

		if (prog->autoload && !run->options->load_only)
			list_lacks(&list, prog, attach_lacks(prog, &place));
		loaded += prog->autoload;
	}
	if (list.len) {
		error_set(&run->err, ERROR_USAGE, "%s: %s", run->object.name, text);
		return error_hint(&run->err, "--load-only loads without attaching");
	}
	if (loaded)
		return 0;
	error_set(&run->err, ERROR_USAGE, "%s: got no program to load, expected at least one",
		  run->object.name);
	return error_hint(&run->err, run->object.programs.len ?
		"their sections begin with '?': --program NAME takes one all the same" :
		"portrace inspect shows what is in it");
}

/* "4711" or "/run/netns/blue" or "blue": this process goes there, and stays. */
static int enter_netns(struct run *run)
{
	const char *name = run->options->netns, *end;
	char path[256];
	uint64_t pid;
	int fd, ret;

	if (!name)
		return 0;
	end = args_number(name, &pid);
	snprintf(path, sizeof(path), end && !*end ? "/proc/%s/ns/net" :
		 strchr(name, '/') ? "%s" : "/run/netns/%s", name);
	fd = sys_open(path, O_RDONLY);
	if (fd < 0) {
		error_file(&run->err, -fd, path);
		return error_wrap(&run->err, "--netns");
	}
	ret = setns(fd, CLONE_NEWNET) ? errno : 0;
	sys_close(fd);
	if (!ret)
		return 0;
	error_system(&run->err, ret, "--netns: %s: enter it", path);
	if (ret == EINVAL)
		error_hint(&run->err, "it is not a network namespace: /run/netns/NAME, or a process id");
	return -1;
}

/* ---- load ---- */

static int make_fit(struct run *run)
{
	struct types_request request = { .btf_file = run->options->btf, .obj = &run->object };
	struct lower_options options = { .transport = run->options->transport,
					 .printk = &run->tagging };
	struct types types = { .account.source = "nowhere: it needs none" };
	int ret;

	if (prepare_needs_types(&run->object) && types_open(&types, &request, &run->err))
		return -1;
	printk_make_tag(run->tag);
	run->tagging.tag = run->tag;
	run->memlock_raised = memlock_raise(&run->caps);
	run->types = types.account;
	ret = prepare(&run->object, &types, &run->caps, &options, &run->plan, &run->err);
	/* Where lowering has added its scratch map, that counts what is sent. */
	if (!ret && !object_map(&run->object, SCRATCH_MAP))
		ret = count_losses(&run->object, &run->caps, &run->sites, &run->err);
	types_fini(&types);
	return ret;
}

static void print_log(const char *program, const char *log)
{
	fprintf(stderr, "portrace: the verifier about %s:\n%s\n", program, log);
}

static int load_programs(struct run *run)
{
	struct load_options options = { .types = &run->told, .reuse = run->reuse.at,
					.reuse_len = run->reuse.len };
	int ret;

	if (run->options->replaces) {
		union bpf_attr attr = { .prog_id = run->options->replaces };

		options.replaced = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
		if (options.replaced < 0)
			return error_system(&run->err, -options.replaced, "--replaces: program %u",
					    attr.prog_id);
	}
	options.refused = run->options->verbose > 1 ? print_log : NULL;
	prepare_load(&run->object, &run->caps, &options);
	ret = lower_types(&run->object, &run->caps, &run->told, &run->err);
	if (!ret)
		ret = load(&run->loaded, &run->object, &options, &run->err);
	/* Of types that it does not know a kernel says no more than EINVAL: then they are asked for. */
	if (ret && run->err.code != ERROR_PERMISSION)
		missing_kinds(&run->object, &run->caps, &run->err);
	if (options.replaced)
		sys_close(options.replaced);
	return ret;
}

/* ---- attach ---- */

static int attach_one(struct run *run, size_t program, struct attach_options *options)
{
	struct run_link *link = vec_push(&run->links);

	if (!link)
		return error_memory(&run->err);
	link->program = program;
	if (!link_attach(&link->link, &run->loaded, program, options, &run->err))
		return 0;
	run->links.len--;
	return -1;
}

/* On each of several interfaces, where it is the option that says which. */
static int attach_program(struct run *run, size_t program, struct attach_options *options)
{
	const struct run_words *ifaces = &run->options->ifaces;
	size_t count = 1;

	if (ifaces->len && attach_takes(&run->object.programs.at[program]) & NEED_IFACE)
		count = ifaces->len;
	for (size_t i = 0; i < count; i++) {
		options->place.iface = ifaces->len ? ifaces->at[i] : NULL;
		if (attach_one(run, program, options))
			return -1;
	}
	return 0;
}

static int attach_programs(struct run *run)
{
	struct attach_options options = { .place = run->options->place };

	if (run->options->load_only)
		return 0;
	prepare_attach(&run->caps, &options);
	for (size_t i = 0; i < run->object.programs.len; i++) {
		const struct program *prog = &run->object.programs.at[i];

		if (prog->autoload && attach_knows(prog->kind) && attach_program(run, i, &options))
			return -1;
	}
	return 0;
}

/* A program on several interfaces has several links, of which the first is pinned under its name. */
static int pin(struct run *run)
{
	const struct link **links = calloc(run->object.programs.len + 1, sizeof(*links));
	int ret;

	if (!links)
		return error_memory(&run->err);
	for (size_t i = run->links.len; i-- > 0;)
		links[run->links.at[i].program] = &run->links.at[i].link;
	ret = loaded_pin(&run->loaded, links, run->options->pin, &run->err);
	free(links);
	return ret;
}

int run_object_init(struct run *run)
{
	if (object_file_open(&run->object, run->options->path, &run->err))
		return -1;
	if (choose_programs(run) || set_globals(run) || set_maps(run) || set_targets(run) ||
	    check_places(run) || enter_netns(run))
		return -1;
	if (!run->options->load_only)
		ledger_sweep(NULL);
	if (!make_fit(run) && !load_programs(run) && !run_events_init(run) && !attach_programs(run) &&
	    !(run->options->pin && pin(run)))
		return 0;
	if (run->err.code == ERROR_PERMISSION)
		privilege_explain(&run->err);
	return -1;
}

/* In the order opposite to that of attaching. */
void run_object_fini(struct run *run)
{
	while (run->links.len)
		link_detach(&run->links.at[--run->links.len].link);
	vec_fini(&run->links);
	run_events_fini(run);
	if (run->loaded.object)
		loaded_fini(&run->loaded);
	load_types_fini(&run->told);
	vec_fini(&run->sites.sites);
	for (size_t i = 0; i < run->reuse.len; i++)
		sys_close(run->reuse.at[i].fd);
	vec_fini(&run->reuse);
	plan_fini(&run->plan);
	caps_fini(&run->caps);
	object_fini(&run->object);
}
