// SPDX-License-Identifier: GPL-2.0
/*
 * Where the types come from, on this kernel with its own hidden: a mount namespace of the
 * tracer's covers what is not to be found, and has the image that is.
 */
#include "tests/live/harness.h"

#include <stdarg.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <zlib.h>

#include "btf/btf.h"
#include "util/map.h"
#include "util/spawn.h"

Suite *types_suite(void);


static struct tracer tracer;
static struct map_file own;

static void begin(void)
{
	need_bpf();
	need_initial_pids();
}

static void begin_with_own(void)
{
	begin();
	if (access(KERNEL_BTF, R_OK))
		skip("needs " KERNEL_BTF " (Linux 5.4, CONFIG_DEBUG_INFO_BTF)");
	ck_assert_int_eq(map_file(&own, KERNEL_BTF), 0);
}

static void end(void)
{
	unmap_file(&own);
}

/* What is to be found as /boot/vmlinuz-RELEASE. */
struct image {
	const uint8_t *data;
	size_t size;
	bool no_programs; /* nothing that unpacks */
};

static void write_image(const struct image *image)
{
	struct utsname uts;
	char path[256];
	int fd;

	uname(&uts);
	snprintf(path, sizeof(path), "/boot/vmlinuz-%s", uts.release);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	for (size_t done = 0; done < image->size;) {
		ssize_t n = fd < 0 ? -1 : write(fd, image->data + done, image->size - done);

		if (n <= 0)
			_exit(99);
		done += n;
	}
	close(fd);
}

static void hide(void *arg)
{
	static const char *const dirs[] = { "/sys/kernel/btf", "/boot", "/lib/modules",
					    "/usr/lib/debug" };
	const struct image *image = arg;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(99);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (!access(dirs[i], F_OK) && mount("none", dirs[i], "tmpfs", 0, NULL))
			_exit(99);
	if (image)
		write_image(image);
	if (image && image->no_programs)
		setenv("PATH", "/nowhere", 1);
}

/* Traces a signal that is ignored, and ends. */
static void expect_traced(void)
{
	const struct event *e;

	signal(SIGUSR1, SIG_IGN);
	ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
	tracer_stop(&tracer, SIGTERM);
	ck_assert_msg(tracer_exit_code(&tracer) == 0, "%.800s", tracer.errors);
	e = tracer_only(&tracer, getpid(), SIGUSR1);
	expect_undelivered(e, "ignored", "ignored");
	expect_sender(e, getpid());
}

static void expect_said(const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	ck_assert_msg(strstr(tracer.errors, text), "expected '%s' in:\n%.2000s", text, tracer.errors);
}

/* As gzip packs, which need not be there. */
static void gzip(struct image *image)
{
	z_stream z = { .next_in = (void *)own.data, .avail_in = own.size };
	size_t room;

	ck_assert_int_eq(deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	room = deflateBound(&z, own.size);
	image->data = z.next_out = malloc(room);
	z.avail_out = room;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	image->size = z.total_out;
	deflateEnd(&z);
}

/* The kernel's own types, packed, to be put in /boot. */
static struct image pack(const char *program)
{
	struct image image = { 0 };
	uint8_t *data;
	int ret;

	if (access("/boot", F_OK))
		skip("needs a directory /boot");
	if (!strcmp(program, "gzip")) {
		gzip(&image);
		return image;
	}
	ret = spawn_filter((const char *[]){ program, "-1", "-c", NULL }, own.data, own.size, 1u << 30,
			   &data, &image.size);
	if (ret == -ENOENT)
		skip("needs %s", program);
	ck_assert_int_eq(ret, 0);
	image.data = data;
	return image;
}

START_TEST(kernels_own)
{
	struct tracer_setup setup = { .transport = NULL };

	tracer_start_with(&tracer, &setup, "-v", NULL);
	expect_traced();
	expect_said("types from " KERNEL_BTF "\n");
	ck_assert_ptr_null(strstr(tracer.errors, "portrace: types: "));
}
END_TEST

/* gzip is unpacked by the tracer itself. */
static const char *const programs[] = { "gzip", "zstd" };

START_TEST(packed_image_where_the_kernels_own_are_hidden)
{
	struct image image = pack(programs[_i]);
	struct tracer_setup setup = { .prepare = hide, .arg = &image };
	struct utsname uts;

	image.no_programs = !_i;
	uname(&uts);
	tracer_start_with(&tracer, &setup, "-v", NULL);
	expect_traced();
	expect_said("types: " KERNEL_BTF ": No such file or directory\n");
	expect_said("types from /boot/vmlinuz-%s (packed with %s)\n", uts.release, programs[_i]);
	free((void *)image.data);
}
END_TEST

/* Those that this kernel has are hidden, if it has any. */
START_TEST(tracefs_where_nothing_else_has_any)
{
	struct tracer_setup setup = { .prepare = hide };

	tracer_start_with(&tracer, &setup, "-v", NULL);
	expect_traced();
	expect_said("types: " KERNEL_BTF ": No such file or directory\n");
	expect_said("types: kernel image: got none of ");
	expect_said("types from the events' formats in ");
	expect_said("this kernel's types are not known, only its tracepoints: ");
}
END_TEST

static void expect_refused(struct image *image, const char *source)
{
	struct tracer_setup setup = { .prepare = hide, .arg = image, .no_wait = true };

	tracer_start_with(&tracer, &setup, "--types", source, NULL);
	tracer_finish(&tracer);
	ck_assert_int_eq(tracer_exit_code(&tracer), 4);
	expect_said("types of the running kernel: got none, expected them in one of these\n");
	ck_assert_uint_eq(tracer.count, 0);
}

START_TEST(missing_program_is_named)
{
	struct image image = pack("zstd");
	struct utsname uts;

	image.no_programs = true;
	uname(&uts);
	expect_refused(&image, "image");
	expect_said("/boot/vmlinuz-%s: packed with zstd, and no zstd is installed\n", uts.release);
	expect_said("hint: install zstd\n");
	free((void *)image.data);
}
END_TEST

START_TEST(source_that_has_none_is_not_replaced_by_another)
{
	expect_refused(NULL, "kernel");
	expect_said(KERNEL_BTF ": No such file or directory\n");
	expect_said("CONFIG_DEBUG_INFO_BTF=y");
}
END_TEST

START_TEST(file_that_the_user_names)
{
	char path[] = "/tmp/test_types.XXXXXX";
	struct tracer_setup setup = { .prepare = hide };
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, own.data, own.size), own.size);
	close(fd);
	tracer_start_with(&tracer, &setup, "-v", "--btf", path, NULL);
	unlink(path);
	expect_traced();
	expect_said("types from %s\n", path);
}
END_TEST

/* As /sys/kernel/btf/vmlinux before Linux 6.16. */
START_TEST(file_that_cannot_be_mapped_is_copied)
{
	static const char path[] = "/sys/kernel/notes";
	struct map_file map;
	size_t len;
	char *text;
	int fd;

	if (access(path, R_OK))
		skip("needs %s", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_ptr_eq(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0), MAP_FAILED);
	close(fd);
	text = read_whole(path, &len);
	ck_assert_int_eq(map_file(&map, path), 0);
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_eq(map.size, len);
	ck_assert_int_eq(memcmp(map.data, text, len), 0);
	unmap_file(&map);
	free(text);
}
END_TEST

Suite *types_suite(void)
{
	Suite *s = suite_create("types");
	TCase *c = live_case(s, "types"), *none = live_case(s, "none");

	tcase_add_checked_fixture(c, begin_with_own, end);
	tcase_add_test(c, kernels_own);
	tcase_add_loop_test(c, packed_image_where_the_kernels_own_are_hidden, 0, 2);
	tcase_add_test(c, missing_program_is_named);
	tcase_add_test(c, file_that_the_user_names);
	tcase_add_checked_fixture(none, begin, NULL);
	tcase_add_test(none, tracefs_where_nothing_else_has_any);
	tcase_add_test(none, source_that_has_none_is_not_replaced_by_another);
	tcase_add_test(none, file_that_cannot_be_mapped_is_copied);
	return s;
}
