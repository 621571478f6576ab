// SPDX-License-Identifier: GPL-2.0
/* What objects may hold besides programs and simple maps, all the way into the kernel. */
#include "tests/live/harness.h"
#include "tests/live/acts.h"

#include <sys/utsname.h>
#include <sys/vfs.h>

#include "compat/prepare.h"
#include "loader/pin.h"
#include "util/kernel_version.h"
#include "util/sys.h"

Suite *objects_suite(void);

#define ROOT BPFFS_ROOT "/portrace-objects"

static struct error err;
static struct object obj;
static struct loaded loaded;
static struct caps caps;
static struct plan plan;
static struct load_types told;
static struct load_options options;

static void open_fixture(const char *name)
{
	char path[512], *data;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", FIXTURES, name);
	data = read_whole(path, &len);
	ck_assert_msg(data != NULL, "%s", path);
	ck_assert_msg(!object_init(&obj, name, data, len, &err), "%s", err.message);
	free(data);
}

static void begin(void)
{
	need_bpf();
	allow_locked_memory();
	error_clear(&err);
	memset(&loaded, 0, sizeof(loaded));
	memset(&obj, 0, sizeof(obj));
	options = (struct load_options){ .types = &told };
}

static void unload(void)
{
	if (loaded.object) {
		acts_note(&loaded);
		loaded_fini(&loaded);
	}
	load_types_fini(&told);
	plan_fini(&plan);
	object_fini(&obj);
}

static void end(void)
{
	unload();
	caps_fini(&caps);
}

static int suit(const char *root)
{
	struct types_request request = { .obj = &obj };
	struct lower_options lower_options = { .root = root };
	struct types types;
	int ret;

	if (types_open(&types, &request, &err))
		return -1;
	ret = prepare(&obj, &types, &caps, &lower_options, &plan, &err);
	types_fini(&types);
	prepare_load(&obj, &caps, &options);
	return ret || lower_types(&obj, &caps, &told, &err) ? -1 : 0;
}

static int try_load(void)
{
	return suit(NULL) || load(&loaded, &obj, &options, &err) ? -1 : 0;
}

static void load_it(void)
{
	ck_assert_msg(!try_load(), "%s\n%.1500s", err.message, err.detail);
}

static uint32_t run(const char *program)
{
	unsigned char packet[64] = { 0 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = loaded_prog_fd(&loaded, program);
	if (object_program(&obj, program)->kind->type == BPF_PROG_TYPE_SOCKET_FILTER) {
		attr.test.data_in = (uintptr_t)packet;
		attr.test.data_size_in = sizeof(packet);
	}
	ck_assert_int_eq(sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	return attr.test.retval;
}

static bool has_map(uint32_t type)
{
	return caps_map(&caps, type) == CAP_YES;
}

static bool has_program(uint32_t type)
{
	return caps_program(&caps, type) == CAP_YES;
}

static void need_runs(uint32_t type)
{
	if (!has_program(type) || caps_ask(&caps, CAP_PROG_RUN) != CAP_YES)
		skip("running programs by hand (Linux 4.12, syscall programs 5.14)");
}

/* ---- maps in maps, programs in maps ---- */

static void leave_out(const char *name)
{
	for (size_t i = 0; i < obj.maps.len; i++)
		if (!strcmp(obj.maps.at[i].name, name))
			obj.maps.at[i].type = BPF_MAP_TYPE_ARRAY, obj.maps.at[i].key_size = 4,
			obj.maps.at[i].extra = 0;
}

/* What kernels may lack, and what no kernel takes. */
static void open_holders(void)
{
	open_fixture("holders");
	if (!has_map(BPF_MAP_TYPE_ARRAY_OF_MAPS))
		skip("maps of maps (Linux 4.12)");
	if (!has_map(30))
		leave_out("bloom");
	object_map(&obj, "far")->extra = 0;
	object_map(&obj, "near")->numa_node = 0;
}

static uint32_t id_in(const char *map, uint32_t key)
{
	uint32_t id = 0;

	return sys_map_lookup(loaded_map_fd(&loaded, map), &key, &id) ? 0 : id;
}

static uint32_t id_of(const char *map)
{
	struct bpf_map_info info = { 0 };

	ck_assert_int_eq(sys_bpf_info(loaded_map_fd(&loaded, map), &info, sizeof(info)), 0);
	return info.id;
}

START_TEST(maps_are_in_maps_from_the_start)
{
	open_holders();
	load_it();
	ck_assert_uint_eq(id_in("outer", 0), 0);
	ck_assert_uint_eq(id_in("outer", 1), id_of("one"));
	ck_assert_uint_eq(id_in("outer", 2), 0);
	ck_assert_uint_eq(id_in("outer", 3), id_of("other"));
	ck_assert_uint_eq(id_in("by_name", 0), id_of("hidden"));
	/* What says what they are like is no map of its own. */
	ck_assert_int_eq(loaded_map_fd(&loaded, "outer.inner"), -1);
}
END_TEST

START_TEST(tail_call_goes_to_the_program_in_the_map)
{
	need_runs(BPF_PROG_TYPE_SOCKET_FILTER);
	open_holders();
	load_it();
	ck_assert_uint_eq(run("first"), 3);
}
END_TEST

START_TEST(program_that_is_left_out_leaves_its_slot_empty)
{
	need_runs(BPF_PROG_TYPE_SOCKET_FILTER);
	open_holders();
	object_program(&obj, "third")->autoload = false;
	load_it();
	/* The call falls through, and nothing is found. */
	ck_assert_uint_eq(run("first"), 0);
	ck_assert_uint_ne(id_in("calls", 0), 0);
}
END_TEST

START_TEST(old_definitions_make_maps)
{
	uint32_t key = 0;
	uint64_t value;

	need_runs(BPF_PROG_TYPE_SOCKET_FILTER);
	open_fixture("old_maps");
	load_it();
	run("probe");
	ck_assert_int_eq(sys_map_lookup(loaded_map_fd(&loaded, "counts"), &key, &value), 0);
	ck_assert_uint_eq(value, 1);
}
END_TEST

/* Compilers of before 2024 make no code for it, but the address tells. */
START_TEST(variables_of_an_arena_are_in_it)
{
	uint32_t map, offset, size;
	char *at;

	need_runs(31);
	if (!has_map(33))
		skip("arenas (Linux 6.9)");
	open_fixture("arena");
	load_it();
	ck_assert_int_eq(object_global_find(&obj, "placed", &map, &offset, &size), 0);
	at = loaded.arenas[map];
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(*(int *)(at + offset), 4711);
	ck_assert_uint_eq(run("where"), (uint32_t)(uintptr_t)(at + offset));
}
END_TEST

/* ---- what maps cannot be ---- */

static const struct {
	const char *message;
	uint32_t type, key, value, entries, flags;
} faults[] = {
	{ "key_size: got 8, expected 4 for one of type array", 2, 8, 8, 1, 0 },
	{ "value_size: got 0, expected more for one of type hash", 1, 4, 0, 1, 0 },
	{ "max_entries: got 0, expected more for one of type array", 2, 4, 4, 0, 0 },
	{ "value_size: got 8, expected 4 for one of type prog_array", 3, 4, 8, 1, 0 },
	{ "key_size: got 4, expected 0 for one of type queue", 22, 4, 8, 1, 0 },
	{ "value_size: got 12, expected a multiple of 8 for one of type stack_trace", 7, 4, 12, 1, 0 },
	{ "key_size: got 4, expected 5 to 260 for one of type lpm_trie", 11, 4, 4, 1, 1 },
	{ "map_flags: got 0x0, expected 0x1 among them (BPF_F_NO_PREALLOC) for one of type lpm_trie",
	  11, 8, 4, 1, 0 },
	{ "value_size: got 2, expected 4 or 8 for one of type sockmap", 15, 4, 2, 1, 0 },
	{ "values: got none, expected __array(values, struct { ... })", 12, 4, 4, 1, 0 },
	{ "key_size: got 4, expected 0 for one of type ringbuf", 27, 4, 0, 4096, 0 },
	{ "types of key and value: got none, expected __type(key, int)", 29, 4, 8, 0, 1 },
	{ "max_entries: got 5, expected 0 for one of type task_storage", 29, 4, 8, 5, 1 },
};

START_TEST(map_that_cannot_be_is_told_which_attribute)
{
	struct map *map;
	char expected[300];

	if (!has_map(faults[_i].type))
		skip("map type %u", faults[_i].type);
	open_fixture("plain");
	map = object_add_map(&obj, "odd");
	ck_assert_ptr_nonnull(map);
	map->type = faults[_i].type;
	map->key_size = faults[_i].key;
	map->value_size = faults[_i].value;
	map->max_entries = faults[_i].entries;
	map->flags = faults[_i].flags;
	object_program(&obj, "probe")->autoload = false;
	ck_assert_int_eq(try_load(), -1);
	snprintf(expected, sizeof(expected), "plain: map 'odd': %s", faults[_i].message);
	ck_assert_msg(!strncmp(err.message, expected, strlen(expected)), "got '%s', expected '%s'",
		      err.message, expected);
}
END_TEST

/* ---- externs ---- */

static uint64_t seen(const char *name)
{
	uint32_t map, offset, size, zero = 0;
	uint64_t value;
	char *bytes;

	ck_assert_int_eq(object_global_find(&obj, name, &map, &offset, &size), 0);
	ck_assert_uint_eq(size, 8);
	bytes = malloc(obj.maps.at[map].value_size);
	ck_assert_int_eq(sys_map_lookup(loaded.map_fds[map], &zero, bytes), 0);
	memcpy(&value, bytes + offset, 8);
	free(bytes);
	return value;
}

static bool find_symbol(const char *symbol, unsigned long long *address)
{
	char line[512], name[256] = "";
	FILE *f = fopen("/proc/kallsyms", "r");

	ck_assert_ptr_nonnull(f);
	while (strcmp(name, symbol) && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %*c %255s", address, name) != 2)
			name[0] = 0;
	fclose(f);
	return !strcmp(name, symbol);
}

static uint64_t address_of(const char *symbol)
{
	unsigned long long address;

	return find_symbol(symbol, &address) ? address : 0;
}

static bool has_symbol(const char *symbol)
{
	unsigned long long address;

	return find_symbol(symbol, &address);
}

static struct external *external(const char *name)
{
	for (size_t i = 0; i < obj.externals.len; i++)
		if (!strcmp(obj.externals.at[i].name, name))
			return &obj.externals.at[i];
	ck_abort_msg("no extern %s", name);
	return NULL;
}

/* A machine whose settings are known: what is read of it is beneath a directory. */
static char root[64];

static void make_root(const char *config)
{
	struct utsname names;
	char path[300];
	FILE *f;

	uname(&names);
	snprintf(root, sizeof(root), "/dev/shm/portrace-objects-%d", getpid());
	mkdir(root, 0700);
	snprintf(path, sizeof(path), "%s/boot", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/boot/config-%s", root, names.release);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(config, f);
	fclose(f);
	snprintf(path, sizeof(path), "%s/proc", root);
	ck_assert_int_eq(symlink("/nowhere", path), 0);
}

/* Other machines, where the tests run too, may have no shell. */
static void remove_root(void)
{
	struct utsname names;
	char path[300];

	uname(&names);
	snprintf(path, sizeof(path), "%s/boot/config-%s", root, names.release);
	ck_assert_int_eq(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/boot", root);
	ck_assert_int_eq(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/proc", root);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(root), 0);
}

static void need_kfuncs(void)
{
	need_runs(31);
	if (caps_ask(&caps, CAP_KFUNCS) != CAP_YES)
		skip("functions of the kernel (Linux 5.13)");
	if (!has_symbol("bpf_task_acquire"))
		skip("bpf_task_acquire (Linux 6.2)");
}

START_TEST(externs_are_what_the_kernel_has)
{
	need_kfuncs();
	open_fixture("externs");
	/* Not all kernels say what they were built with; those that do have these. */
	if (access("/proc/config.gz", R_OK))
		skip("/proc/config.gz");
	/* Kernels without CONFIG_KALLSYMS_ALL do not find their own variables. */
	if (!has_symbol("runqueues"))
		external("runqueues")->name = "no_such_queues";
	load_it();
	run("look");
	ck_assert(seen("hz") == 100 || seen("hz") == 250 || seen("hz") == 300 || seen("hz") == 1000);
	ck_assert_uint_eq(seen("version"), kernel_version());
	ck_assert_uint_eq(seen("thing"), 7);
	ck_assert_uint_eq(seen("something"), 7);
	ck_assert_uint_eq(seen("cookie"), caps_helper(&caps, BPF_PROG_TYPE_TRACEPOINT, 174) == CAP_YES ?
						  8 : 7);
	ck_assert_uint_eq(seen("wrapper"), has_symbol("__x64_sys_bpf") || has_symbol("__arm64_sys_bpf") ||
					   has_symbol("__s390x_sys_bpf") ||
					   has_symbol("__riscv_sys_bpf") ? 8 : 7);
	ck_assert_uint_eq(seen("put"), address_of("bpf_map_put"));
	ck_assert_uint_ne(seen("put"), 0);
	ck_assert_uint_eq(seen("none"), 7);
	ck_assert_uint_eq(seen("has_acquire"), 1);
	ck_assert_uint_eq(seen("has_none"), 2);
	ck_assert_uint_eq(seen("queue"), has_symbol("runqueues") ? 1 : 7);
}
END_TEST

#define SETTINGS                                                                                   \
	"# a comment\nCONFIG_HZ=0x10\nCONFIG_LOCALVERSION=\"-a\\\"bcdefgh\"\n"                     \
	"# CONFIG_NO_SUCH_THING is not set\n"

static uint32_t config_value(const char *name, uint32_t size)
{
	uint32_t map, offset, len, value = 0;

	ck_assert_int_eq(object_global_find(&obj, name, &map, &offset, &len), 0);
	memcpy(&value, obj.maps.at[map].data + offset, size);
	return value;
}

static void open_without_symbols(void)
{
	open_fixture("externs");
	object_program(&obj, "look")->autoload = false; /* not all kernels have its functions */
	for (size_t i = 0; i < obj.externals.len; i++)
		obj.externals.at[i].is_used &= !strcmp(obj.externals.at[i].section, ".kconfig");
}

START_TEST(settings_are_read_by_their_types)
{
	const char *local;

	open_without_symbols();
	make_root(SETTINGS);
	ck_assert_msg(!suit(root), "%s", err.message);
	remove_root();
	ck_assert_uint_eq(config_value("CONFIG_HZ", 4), 16);
	ck_assert_uint_eq(config_value("CONFIG_NO_SUCH_THING", 1), 0);
	local = object_global(&obj, "CONFIG_LOCALVERSION", NULL);
	ck_assert_str_eq(local, "-a\"b");
	for (size_t i = 0; i < obj.externals.len; i++)
		if (obj.externals.at[i].map && !obj.externals.at[i].is_weak)
			ck_assert_int_eq(obj.externals.at[i].state, EXTERNAL_FOUND);
}
END_TEST

static const struct {
	const char *config, *message;
} unfit[] = {
	{ "CONFIG_HZ=\"much\"\n", "externs: extern 'CONFIG_HZ': got a number of 4 bytes, expected a type "
	  "that takes \"much\"" },
	{ "CONFIG_HZ=y\n", "got a number of 4 bytes, expected a type that takes y" },
	{ "CONFIG_HZ=0x100000000\n", "expected a type that takes 0x100000000, which is out of its range" },
	{ "CONFIG_HZ=-1\n", "expected a type that takes -1, which is out of its range" },
	{ "CONFIG_HZ=1\nCONFIG_NO_SUCH_THING=m\n", "extern 'CONFIG_NO_SUCH_THING': got a bool (y or n) of "
	  "1 bytes, expected a type that takes m" },
	{ "CONFIG_HZ=1\nCONFIG_LOCALVERSION=5\n", "extern 'CONFIG_LOCALVERSION': got a array of char of 5 "
	  "bytes, expected a type that takes 5" },
};

START_TEST(setting_that_does_not_fit_is_named)
{
	open_without_symbols();
	make_root(unfit[_i].config);
	ck_assert_int_eq(suit(root), -1);
	remove_root();
	ck_assert_msg(strstr(err.message, unfit[_i].message), "got '%s'", err.message);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(setting_that_is_not_there_is_named_when_loading)
{
	open_without_symbols();
	make_root("CONFIG_HZ=1\n");
	ck_assert_msg(!suit(root), "%s", err.message);
	remove_root();
	ck_assert_int_eq(load(&loaded, &obj, &options, &err), -1);
	ck_assert_str_eq(err.message, "externs: extern 'CONFIG_LOCALVERSION': got no such setting in the "
			 "kernel's configuration, expected one");
	ck_assert_ptr_nonnull(strstr(err.hint, "declared __weak, it is 0"));
}
END_TEST

START_TEST(function_that_is_not_there_is_named_with_what_is_near)
{
	need_kfuncs();
	open_fixture("externs");
	external("bpf_no_such_thing")->is_weak = false;
	external("bpf_no_such_thing")->name = "bpf_task_acquir";
	external("CONFIG_HZ")->is_used = external("CONFIG_LOCALVERSION")->is_used = false;
	ck_assert_int_eq(try_load(), -1);
	ck_assert_str_eq(err.message, "externs: program 'look': extern 'bpf_task_acquir': got no such "
			 "function for BPF programs (kfunc) in this kernel, expected one of this type in "
			 "its BTF or in a loaded module's");
	ck_assert_msg(strstr(err.hint, "did you mean 'bpf_task_acquire'?"), "%s", err.hint);
}
END_TEST

START_TEST(symbol_that_is_not_there_is_named)
{
	need_kfuncs();
	open_fixture("externs");
	external("no_such_symbol")->is_weak = false;
	external("CONFIG_HZ")->is_used = external("CONFIG_LOCALVERSION")->is_used = false;
	ck_assert_int_eq(try_load(), -1);
	ck_assert_str_eq(err.message, "externs: program 'look': extern 'no_such_symbol': got no such "
			 "symbol in this kernel, expected one in /proc/kallsyms");
}
END_TEST

/* ---- pins ---- */

/* The file system is mounted in the test's own mount namespace, and goes with it. */
static void own_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		skip("mount namespaces");
	while (!umount(BPFFS_ROOT))
		;
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (uint32_t)fs.f_type == 0xcafe4a11;
}

static void load_pinned(uint32_t entries)
{
	open_fixture("pinned");
	object_map(&obj, "shared")->max_entries = entries;
	object_program(&obj, "probe")->section = "socket";
	object_program(&obj, "probe")->kind = section_kind("socket");
}

START_TEST(map_is_pinned_by_its_name_and_found_again)
{
	uint32_t key = 0, value = 4711;

	own_mounts();
	load_pinned(1);
	load_it();
	ck_assert(is_bpffs(BPFFS_ROOT));
	ck_assert_int_eq(access(BPFFS_ROOT "/shared", F_OK), 0);
	ck_assert_int_eq(sys_map_update(loaded_map_fd(&loaded, "shared"), &key, &value), 0);
	unload();
	load_pinned(1);
	load_it();
	value = 0;
	ck_assert_int_eq(sys_map_lookup(loaded_map_fd(&loaded, "shared"), &key, &value), 0);
	ck_assert_uint_eq(value, 4711);
	ck_assert_int_eq(unlink(BPFFS_ROOT "/shared"), 0);
}
END_TEST

START_TEST(pinned_map_that_does_not_fit_is_named_with_both)
{
	own_mounts();
	load_pinned(1);
	load_it();
	unload();
	load_pinned(2);
	ck_assert_int_eq(try_load(), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, "pinned: map 'shared': pinned at /sys/fs/bpf/shared: got type 2 "
			 "array, key 4, value 4, entries 1, flags 0x0, extra 0, expected type 2 array, key "
			 "4, value 4, entries 2, flags 0x0, extra 0");
	ck_assert_ptr_nonnull(strstr(err.hint, "rm /sys/fs/bpf/shared"));
	ck_assert_int_eq(access(BPFFS_ROOT "/shared", F_OK), 0);
}
END_TEST

START_TEST(pin_root_is_made_below_the_file_system)
{
	own_mounts();
	load_pinned(1);
	options.pin_root = ROOT "/below";
	load_it();
	ck_assert_int_eq(access(ROOT "/below/shared", F_OK), 0);
	ck_assert_int_ne(access(BPFFS_ROOT "/shared", F_OK), 0);
}
END_TEST

START_TEST(directory_with_files_of_others_is_not_mounted_over)
{
	char expected[300];

	own_mounts();
	load_pinned(1);
	make_root("");
	options.pin_root = root;
	ck_assert_int_eq(try_load(), -1);
	snprintf(expected, sizeof(expected), "pinned: map 'shared': pin by its name: %s: got a directory of "
		 "another file system with files in it, expected one of bpffs, or an empty one to mount it "
		 "on", root);
	ck_assert_str_eq(err.message, expected);
	ck_assert(!is_bpffs(root));
	remove_root();
}
END_TEST

START_TEST(load_that_fails_leaves_no_pin_and_no_mount)
{
	struct bpf_insn *insns;

	own_mounts();
	load_pinned(1);
	options.pin_root = ROOT;
	ck_assert_msg(!suit(NULL), "%s", err.message);
	insns = object_program(&obj, "probe")->insns.at;
	insns[object_program(&obj, "probe")->insns.len - 1].code = 0xff;
	ck_assert_int_eq(load(&loaded, &obj, &options, &err), -1);
	ck_assert_int_eq(err.code, ERROR_VERIFIER);
	ck_assert(!is_bpffs(BPFFS_ROOT));
}
END_TEST

START_TEST(map_of_the_caller_is_taken)
{
	struct load_reuse reuse = { .map = "shared" };
	struct object first_obj;
	struct loaded first;
	uint32_t key = 0, value = 99;

	load_pinned(1);
	object_map(&obj, "shared")->pinning = 0;
	load_it();
	ck_assert_int_eq(sys_map_update(loaded_map_fd(&loaded, "shared"), &key, &value), 0);
	first = loaded;
	first_obj = obj;
	first.object = &first_obj;
	load_types_fini(&told);
	load_pinned(1);
	object_map(&obj, "shared")->pinning = 0;
	reuse.fd = loaded_map_fd(&first, "shared");
	options.reuse = &reuse;
	options.reuse_len = 1;
	load_it();
	value = 0;
	ck_assert_int_eq(sys_map_lookup(loaded_map_fd(&loaded, "shared"), &key, &value), 0);
	ck_assert_uint_eq(value, 99);
	loaded_fini(&first);
	object_fini(&first_obj);
}
END_TEST

START_TEST(all_that_is_loaded_can_be_pinned)
{
	int fd;

	own_mounts();
	open_holders();
	load_it();
	ck_assert_msg(!loaded_pin(&loaded, NULL, ROOT, &err), "%s", err.message);
	for (size_t i = 0; i < obj.maps.len; i++) {
		char path[256];

		snprintf(path, sizeof(path), ROOT "/maps/%s", obj.maps.at[i].name);
		ck_assert_msg(access(path, F_OK) == (obj.maps.at[i].is_template ? -1 : 0), "%s", path);
	}
	fd = bpffs_get(ROOT "/programs/first");
	ck_assert_int_ge(fd, 0);
	close(fd);
	/* Again it cannot, and takes away none of the first. */
	ck_assert_int_eq(loaded_pin(&loaded, NULL, ROOT, &err), -1);
	ck_assert_msg(strstr(err.message, "holders: map 'one': pin at " ROOT "/maps/one: File exists"),
		      "%s", err.message);
	ck_assert_int_eq(access(ROOT "/programs/third", F_OK), 0);
}
END_TEST

START_TEST(pinning_that_fails_midway_leaves_nothing)
{
	own_mounts();
	open_holders();
	load_it();
	/* A file of that name is where the last of the programs would be. */
	ck_assert_msg(!loaded_pin(&loaded, NULL, ROOT, &err), "%s", err.message);
	for (size_t i = 0; i < obj.maps.len; i++) {
		char path[256];

		snprintf(path, sizeof(path), ROOT "/maps/%s", obj.maps.at[i].name);
		ck_assert(obj.maps.at[i].is_template || !unlink(path));
	}
	ck_assert_int_eq(rmdir(ROOT "/maps"), 0);
	ck_assert_int_eq(unlink(ROOT "/programs/first"), 0);
	ck_assert_int_eq(unlink(ROOT "/programs/second"), 0);
	ck_assert_int_eq(loaded_pin(&loaded, NULL, ROOT, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.message, "program 'third': pin at " ROOT "/programs/third"));
	ck_assert_int_ne(access(ROOT "/maps", F_OK), 0);
	ck_assert_int_ne(access(ROOT "/programs/second", F_OK), 0);
	ck_assert_int_eq(access(ROOT "/programs/third", F_OK), 0);
}
END_TEST

Suite *objects_suite(void)
{
	Suite *s = suite_create("objects");
	TCase *tc = tcase_create("objects");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, maps_are_in_maps_from_the_start);
	tcase_add_test(tc, tail_call_goes_to_the_program_in_the_map);
	tcase_add_test(tc, program_that_is_left_out_leaves_its_slot_empty);
	tcase_add_test(tc, old_definitions_make_maps);
	tcase_add_test(tc, variables_of_an_arena_are_in_it);
	tcase_add_loop_test(tc, map_that_cannot_be_is_told_which_attribute, 0,
			    sizeof(faults) / sizeof(faults[0]));
	tcase_add_test(tc, externs_are_what_the_kernel_has);
	tcase_add_test(tc, settings_are_read_by_their_types);
	tcase_add_loop_test(tc, setting_that_does_not_fit_is_named, 0, sizeof(unfit) / sizeof(unfit[0]));
	tcase_add_test(tc, setting_that_is_not_there_is_named_when_loading);
	tcase_add_test(tc, function_that_is_not_there_is_named_with_what_is_near);
	tcase_add_test(tc, symbol_that_is_not_there_is_named);
	tcase_add_test(tc, map_is_pinned_by_its_name_and_found_again);
	tcase_add_test(tc, pinned_map_that_does_not_fit_is_named_with_both);
	tcase_add_test(tc, pin_root_is_made_below_the_file_system);
	tcase_add_test(tc, directory_with_files_of_others_is_not_mounted_over);
	tcase_add_test(tc, load_that_fails_leaves_no_pin_and_no_mount);
	tcase_add_test(tc, map_of_the_caller_is_taken);
	tcase_add_test(tc, all_that_is_loaded_can_be_pinned);
	tcase_add_test(tc, pinning_that_fails_midway_leaves_nothing);
	suite_add_tcase(s, tc);
	return s;
}
