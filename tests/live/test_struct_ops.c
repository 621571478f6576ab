// SPDX-License-Identifier: GPL-2.0
/* A congestion control that an object brings, which a connection then uses. */
#include "tests/live/attached.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/sys.h"

Suite *struct_ops_suite(void);

enum { SSTHRESH, AVOID, UNDO, INIT }; /* as in struct_ops.bpf.c */

static const struct attach_options plain;
static char name[16]; /* of this test's own, as there is one list of them all */

static void begin(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	subject_begin();
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
	snprintf(name, sizeof(name), "pt_%d", getpid());
}

static void open_ops(void)
{
	static const char *const functions[] = { "ssthresh", "cong_avoid", "undo_cwnd", "init" };

	subject_open("struct_ops");
	for (int i = 0; i < 4; i++)
		subject_want(functions[i]);
	ck_assert_uint_eq(subject.obj.struct_ops.len, 1);
	memcpy(subject.obj.struct_ops.at[0].data, name, sizeof(name));
}

static void need_kernel_types(void)
{
	if (access(KERNEL_BTF, F_OK))
		skip("the kernel's types");
}

static bool is_available(void)
{
	char list[1024], *word, *rest = list;

	ck_assert_int_ge(sys_read_file(AT_FDCWD, "/proc/sys/net/ipv4/tcp_available_congestion_control", list,
				       sizeof(list)), 0);
	while ((word = strtok_r(rest, " \n", &rest)))
		if (!strcmp(word, name))
			return true;
	return false;
}

/* One connection with that control, over which some bytes go: errno of what does not work, or 0. */
static int use(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listening = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0), other;
	char data[100000], got[5000];
	socklen_t len = sizeof(address);
	ssize_t left = sizeof(data), n;

	memset(data, 'x', sizeof(data));
	if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, strlen(name)))
		return errno;
	ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listening, 1), 0);
	getsockname(listening, (struct sockaddr *)&address, &len);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	other = accept(listening, NULL, NULL);
	ck_assert_int_eq(write(fd, data, sizeof(data)), sizeof(data));
	while (left > 0 && (n = read(other, got, sizeof(got))) > 0)
		left -= n;
	ck_assert_int_eq(left, 0);
	close(other);
	close(fd);
	close(listening);
	return 0;
}

static void load_ops(void)
{
	need_kernel_types();
	open_ops();
	subject_load();
}

/* The struct is attached with its first program, and the others belong to it. */
static struct link *attach_ops(void)
{
	struct link *link = subject_attach("ssthresh", &plain);

	ck_assert_str_eq(link->where, "struct_ops control");
	link = subject_attach("undo_cwnd", &plain);
	ck_assert_str_eq(link->where, "struct_ops control");
	ck_assert_int_eq(link->fd, -1);
	ck_assert_uint_eq(link->others.len, 0);
	return &subject.links[0];
}

START_TEST(a_connection_uses_it)
{
	struct link *link;

	load_ops();
	ck_assert(!is_available());
	ck_assert_int_eq(use(), ENOENT);
	link = attach_ops();
	ck_assert(is_available());
	ck_assert_int_eq(use(), 0);
	ck_assert_uint_eq(seen(INIT), 1);
	ck_assert_uint_gt(seen(AVOID), 0);
	link_detach(link);
	ck_assert(!is_available());
	ck_assert_int_eq(use(), ENOENT);
	ck_assert_uint_eq(seen(INIT), 1);
}
END_TEST

/* Kernels before 6.4 have no links for it: the map is then made as here. */
static void take_links_away(void)
{
	const struct ops_value *v = &subject.loaded.ops.values.at[0];
	int *fd = &subject.loaded.map_fds[v->map];
	union bpf_attr attr = { 0 };

	sys_close(*fd);
	attr.map_type = 26; /* BPF_MAP_TYPE_STRUCT_OPS */
	attr.key_size = sizeof(uint32_t);
	attr.value_size = v->size;
	attr.max_entries = 1;
	attr.btf_fd = subject.loaded.btf_fd;
	attr.btf_vmlinux_value_type_id = v->value_type;
	*fd = sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	ck_assert_int_ge(*fd, 0);
}

/* It stays when its process is killed, and is undone by another. */
START_TEST(without_links_it_is_undone)
{
	struct undo *undo = mmap(NULL, sizeof(*undo), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	load_ops();
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		take_links_away();
		*undo = attach_ops()->undo;
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(wait_status(pid), SIGKILL);
	ck_assert_str_eq(undo->kind->name, "struct_ops");
	ck_assert(is_available());
	ck_assert_int_eq(use(), 0);
	ck_assert_msg(!undo->kind->run(undo, &subject.err), "%s", subject.err.message);
	ck_assert(!is_available());
	ck_assert_int_eq(undo->kind->run(undo, &subject.err), UNDO_GONE);
	forget_the_dead();
}
END_TEST

START_TEST(member_that_this_kernel_lacks_is_told_where_it_is_set)
{
	need_kernel_types();
	open_ops();
	subject.obj.struct_ops.at[0].data[16] = 1;
	ck_assert_int_eq(subject_try_load(), -1);
	ck_assert_int_eq(subject.err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(subject.err.message, "struct_ops: struct_ops 'control': not_of_any_kernel: got a member "
			 "that is set, expected none, as this kernel's struct has none of that name");
	ck_assert_str_eq(subject.err.hint, "portrace btf dump tcp_congestion_ops shows the kernel's");
}
END_TEST

START_TEST(incomplete_one_is_refused)
{
	load_ops();
	subject.loaded.ops.values.at[0].slots.len = 1;
	ck_assert_int_eq(subject_try_attach(subject.obj.programs.at[
			 subject.loaded.ops.values.at[0].slots.at[0].program].name, &plain), -1);
	ck_assert_str_eq(subject.err.message, "struct_ops: program 'undo_cwnd': struct_ops 'control': register: "
			 "Invalid argument");
	ck_assert(!is_available());
}
END_TEST

START_TEST(one_that_exists_is_not_replaced)
{
	need_kernel_types();
	strcpy(name, "reno");
	open_ops();
	subject_load();
	ck_assert_int_eq(subject_try_attach("ssthresh", &plain), -1);
	ck_assert_int_eq(subject.err.sys, EEXIST);
	ck_assert_str_eq(subject.err.hint, "the kernel has one of the same name");
}
END_TEST

/* The kernel has one for tests, whose functions are only called by them. */
START_TEST(function_that_may_sleep)
{
	uint64_t state = 0, context[] = { (uintptr_t)&state };
	union bpf_attr attr = { 0 };

	need_kernel_types();
	subject_open("dummy_ops");
	subject_want("on_call");
	subject_load();
	attr.test.prog_fd = loaded_prog_fd(&subject.loaded, "on_call");
	attr.test.ctx_in = (uintptr_t)context;
	attr.test.ctx_size_in = sizeof(context);
	ck_assert_int_eq(sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	ck_assert_uint_eq(attr.test.retval, 7);
	ck_assert_int_eq(subject_try_attach("on_call", &plain), -1);
	ck_assert_int_eq(subject.err.sys, EOPNOTSUPP);
	ck_assert_str_eq(subject.err.hint, "the kernel has it for tests of its own");
}
END_TEST

Suite *struct_ops_suite(void)
{
	Suite *s = suite_create("struct_ops");
	TCase *c = tcase_create("struct_ops");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, begin, subject_end);
	tcase_add_test(c, a_connection_uses_it);
	tcase_add_test(c, without_links_it_is_undone);
	tcase_add_test(c, member_that_this_kernel_lacks_is_told_where_it_is_set);
	tcase_add_test(c, incomplete_one_is_refused);
	tcase_add_test(c, one_that_exists_is_not_replaced);
	tcase_add_test(c, function_that_may_sleep);
	suite_add_tcase(s, c);
	return s;
}
