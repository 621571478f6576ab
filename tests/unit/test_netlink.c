// SPDX-License-Identifier: GPL-2.0
/* How requests are put together and answers taken apart; tests/live talks to the kernel. */
#include <check.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "util/netlink.h"

static struct netlink_request r;

static struct cursor attrs_of(size_t body)
{
	return netlink_attrs(&r.header, body);
}

static void begin(void)
{
	struct rtmsg body = { .rtm_family = 2, .rtm_dst_len = 24 };

	netlink_begin(&r, RTM_NEWROUTE, NLM_F_CREATE, &body, sizeof(body));
}

START_TEST(attributes_are_aligned_and_found_again)
{
	begin();
	netlink_put_string(&r, 1, "abc4");
	netlink_put_u32(&r, 2, 0x12345678);
	netlink_put(&r, 3, "x", 1);
	ck_assert_uint_eq(r.header.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE);
	ck_assert_uint_eq(r.header.nlmsg_len, 16 + 12 + 12 + 8 + 5);
	ck_assert_str_eq(netlink_string(attrs_of(sizeof(struct rtmsg)), 1), "abc4");
	ck_assert_uint_eq(netlink_u32(attrs_of(sizeof(struct rtmsg)), 2), 0x12345678);
	ck_assert_uint_eq(netlink_attr(attrs_of(sizeof(struct rtmsg)), 3).size, 1);
	ck_assert_ptr_null(netlink_attr(attrs_of(sizeof(struct rtmsg)), 4).data);
	ck_assert_str_eq(netlink_string(attrs_of(sizeof(struct rtmsg)), 3), "");
	ck_assert_uint_eq(netlink_u32(attrs_of(sizeof(struct rtmsg)), 3), 0);
}
END_TEST

START_TEST(attributes_are_within_others)
{
	struct cursor inner;
	size_t outer, at;

	begin();
	outer = netlink_nest(&r, 8);
	at = netlink_nest(&r, 9);
	netlink_put_u32(&r, 1, 77);
	netlink_unnest(&r, at);
	netlink_put_u32(&r, 1, 78);
	netlink_unnest(&r, outer);
	netlink_put_u32(&r, 1, 79);
	inner = netlink_attr(attrs_of(sizeof(struct rtmsg)), 8);
	ck_assert_uint_eq(inner.size, 4 + 8 + 8);
	ck_assert_uint_eq(netlink_u32(netlink_attr(inner, 9), 1), 77);
	ck_assert_uint_eq(netlink_u32(inner, 1), 78);
	ck_assert_uint_eq(netlink_u32(attrs_of(sizeof(struct rtmsg)), 1), 79);
}
END_TEST

START_TEST(request_that_is_too_long_is_not_sent)
{
	struct netlink nl = { .fd = -1 };
	char much[600] = "";

	begin();
	netlink_put(&r, 1, much, sizeof(much));
	ck_assert(!r.full);
	netlink_put(&r, 1, much, sizeof(much));
	ck_assert(r.full);
	netlink_put_u32(&r, 2, 1); /* for which there would be room */
	netlink_unnest(&r, netlink_nest(&r, 3));
	ck_assert_int_eq(netlink_call(&nl, &r, NULL, NULL), -EMSGSIZE);
}
END_TEST

/* An attribute that is longer than what is left, or shorter than its own header, ends the list. */
START_TEST(attributes_that_do_not_fit_are_not_read)
{
	struct nlattr at[2] = { { 4, 1 }, { 100, 2 } };
	struct cursor attrs = { (const uint8_t *)at, sizeof(at) };

	ck_assert_ptr_null(netlink_attr(attrs, 2).data);
	at[0].nla_len = 3;
	at[1].nla_len = 4;
	ck_assert_ptr_null(netlink_attr(attrs, 1).data);
	ck_assert_ptr_null(netlink_attr(attrs, 2).data);
	ck_assert_ptr_null(netlink_attr((struct cursor){ NULL, 0 }, 1).data);
	at[0].nla_len = 8; /* four bytes without an end: no string */
	memset(&at[1], 'x', 4);
	ck_assert_str_eq(netlink_string(attrs, 1), "");
}
END_TEST

START_TEST(errors_carry_the_kernels_words)
{
	struct netlink nl = { .fd = -1, .said = "Filter already exists" };
	struct error err;

	netlink_error(&nl, -EEXIST, "pt0", &err);
	ck_assert_str_eq(err.message, "pt0: File exists (Filter already exists)");
	ck_assert_int_eq(err.code, ERROR_SYSTEM);
	nl.said[0] = 0;
	netlink_error(&nl, -EPERM, "pt0", &err);
	ck_assert_str_eq(err.message, "pt0: Operation not permitted");
	ck_assert_int_eq(err.code, ERROR_PERMISSION);
}
END_TEST

Suite *netlink_suite(void);
Suite *netlink_suite(void)
{
	Suite *suite = suite_create("netlink");
	TCase *tc = tcase_create("netlink");

	tcase_add_test(tc, attributes_are_aligned_and_found_again);
	tcase_add_test(tc, attributes_are_within_others);
	tcase_add_test(tc, request_that_is_too_long_is_not_sent);
	tcase_add_test(tc, attributes_that_do_not_fit_are_not_read);
	tcase_add_test(tc, errors_carry_the_kernels_words);
	suite_add_tcase(suite, tc);
	return suite;
}
