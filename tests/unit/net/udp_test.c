/*
 * udp_test.c - batches over the loopback device: sizes, addresses and marks arrive as they left.
 */
#include "net/udp.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "faults.h"
#include "net/udp_internal.h"

#define ARRIVALS_MAX 512

struct inbox {
	size_t count;
	size_t size[ARRIVALS_MAX];
	uint8_t first[ARRIVALS_MAX];
	struct udp_packet last;
	unsigned unreachable;
	enum error reason;
	struct address unreached;
	uint8_t quoted[16];
	size_t quoted_size;
};

static void on_packet(void *self, const struct udp_packet *packet)
{
	struct inbox *inbox = self;

	assert_true(inbox->count < ARRIVALS_MAX);
	inbox->size[inbox->count] = packet->data.size;
	inbox->first[inbox->count++] = packet->data.data[0];
	inbox->last = *packet;
}

static void on_unreachable(void *self, const struct address *to, enum error reason, struct bytes quoted)
{
	struct inbox *inbox = self;

	inbox->unreachable++;
	inbox->reason = reason;
	inbox->unreached = *to;
	inbox->quoted_size = quoted.size;
	memcpy(inbox->quoted, quoted.data, quoted.size < 16 ? quoted.size : 16);
}

static const struct udp_ops ops = {.packet = on_packet, .unreachable = on_unreachable};

static struct udp *open_at(const char *address, bool plain, struct inbox *inbox)
{
	struct udp_options options = {.plain = plain};
	struct udp *udp;

	memset(inbox, 0, sizeof *inbox);
	assert_int_equal(address_parse(address, &options.bind), OK);
	assert_int_equal(udp_open(&options, &ops, inbox, &udp), OK);
	return udp;
}

static bool wait_for(const struct udp *udp, short events)
{
	struct pollfd poll_for = {.fd = udp_descriptor(udp), .events = events};
	return poll(&poll_for, 1, 2000) == 1;
}

static void receive(struct udp *udp, const struct inbox *inbox, size_t count)
{
	while (inbox->count < count && wait_for(udp, POLLIN))
		udp_receive(udp);
	assert_int_equal(inbox->count, count);
}

static void put(struct udp *udp, const struct udp_target *target, size_t size, uint8_t first)
{
	uint8_t *at = udp_room(udp, size);

	assert_non_null(at);
	memset(at, 0, size);
	at[0] = first;
	udp_commit(udp, target, size);
}

/* Trains of equal packets with a shorter end, a larger one between, another mark, more than a segmented message takes. */
static void trains(const char *address, bool plain)
{
	static const size_t sizes[] = {1000, 1000, 1000, 400, 1000, 1444, 1444, 1444, 16000, 16000, 16000, 16000, 16000};
	const size_t count = sizeof sizes / sizeof *sizes;
	struct inbox in, out;
	struct udp *from = open_at(address, plain, &out), *to = open_at(address, plain, &in);
	struct udp_target target = {.to = udp_address(to), .from = udp_address(from)};

	for (size_t i = 0; i < count; i++) {
		target.ecn = i >= 6 ? 2 : 0;
		put(from, &target, sizes[i], (uint8_t)i);
	}
	assert_true(udp_flush(from));
	receive(to, &in, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(in.size[i], sizes[i]);
		assert_int_equal(in.first[i], i);
	}
	assert_int_equal(in.last.ecn, 2);
	assert_true(address_equal(&in.last.from, &target.from));
	assert_true(address_equal(&in.last.to, &target.to));
	for (size_t i = 0; i < 200; i++)
		put(from, &target, 50, (uint8_t)i);
	assert_true(udp_flush(from));
	receive(to, &in, count + 200);
	assert_int_equal(in.first[count + 199], 199);
	udp_close(from);
	udp_close(to);
}

static void trains_arrive(void **state)
{
	(void)state;
	trains("127.0.0.1:0", false);
	trains("[::1]:0", false);
}

static void trains_arrive_without_segmentation(void **state)
{
	(void)state;
	trains("127.0.0.1:0", true);
	trains("[::1]:0", true);
}

static void a_wildcard_serves_both_families(void **state)
{
	struct inbox in, out;
	struct udp *to = open_at("0.0.0.0:0", false, &in);
	const char *const senders[] = {"127.0.0.1:0", "[::1]:0"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct udp *from = open_at(senders[i], false, &out);
		struct udp_target target = {.to = udp_address(from), .from = udp_address(from)};
		target.to.port = udp_address(to).port;
		put(from, &target, 10, 1);
		assert_true(udp_flush(from));
		receive(to, &in, i + 1);
		/* It knows at which of its addresses it was met, and answers from there. */
		assert_true(address_equal(&in.last.to, &target.to));
		struct udp_target back = {.to = in.last.from, .from = in.last.to};
		put(to, &back, 20, 2);
		assert_true(udp_flush(to));
		receive(from, &out, 1);
		assert_true(address_equal(&out.last.from, &target.to));
		struct address source;
		assert_int_equal(udp_source(to, &back.to, &source), OK);
		assert_true(address_equal(&source, &target.to));
		udp_close(from);
	}
	udp_close(to);
}

/* Bytes of control messages with one packet of this mark, as it leaves and as it comes. */
static void put_marked(const char *address, uint8_t ecn, size_t *leaving, size_t *coming)
{
	struct inbox in, out;
	struct udp *from = open_at(address, false, &out), *to = open_at(address, false, &in);
	struct udp_target target = {.to = udp_address(to), .from = udp_address(from), .ecn = ecn};

	put(from, &target, 10, 1);
	assert_true(udp_flush(from));
	receive(to, &in, 1);
	assert_int_equal(in.last.ecn, ecn);
	*leaving = faults.control;
	*coming = to->message[0].msg_hdr.msg_controllen;
	udp_close(from);
	udp_close(to);
}

/* The kernel takes every control message apart: with a lone packet that says nothing new there are none but its mark. */
static void what_is_understood_is_not_said(void **state)
{
	static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0"};
	size_t leaving, coming;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		put_marked(addresses[i], 2, &leaving, &coming);
		assert_int_equal(leaving, 0);
		assert_in_range(coming, 1, CMSG_SPACE(sizeof(int)));
		put_marked(addresses[i], 0, &leaving, &coming);
		assert_int_equal(leaving, CMSG_SPACE(sizeof(int)));
	}
}

static void a_dead_port_is_told_with_our_own_words(void **state)
{
	struct inbox in, dead;
	struct udp *udp = open_at("0.0.0.0:0", false, &in), *gone = open_at("127.0.0.1:0", false, &dead);
	struct udp_target target = {.to = udp_address(gone)};

	(void)state;
	udp_close(gone);
	put(udp, &target, 100, 0x5a);
	assert_true(udp_flush(udp));
	assert_true(wait_for(udp, 0));
	udp_receive_errors(udp);
	assert_int_equal(in.unreachable, 1);
	assert_int_equal(in.reason, ERROR_REFUSED);
	assert_true(address_equal(&in.unreached, &target.to));
	assert_int_equal(in.quoted_size, 100);
	assert_int_equal(in.quoted[0], 0x5a);
	/* The socket lives on. */
	struct udp *other = open_at("127.0.0.1:0", false, &dead);
	target.to = udp_address(other);
	put(udp, &target, 100, 1);
	assert_true(udp_flush(udp));
	receive(other, &dead, 1);
	udp_close(other);
	udp_close(udp);
}

static void a_taken_port_is_an_error(void **state)
{
	struct inbox in;
	struct udp *one = open_at("127.0.0.1:0", false, &in), *two;
	struct udp_options options = {.bind = udp_address(one)};

	(void)state;
	assert_int_equal(udp_open(&options, &ops, &in, &two), ERROR_SYSTEM);
	udp_close(one);
}

/* Ten packets of one train while sendmmsg fails; how many arrive. */
static size_t arrivals_despite(int reason, unsigned times, unsigned most, struct inbox *in)
{
	struct inbox out;
	struct udp *from = open_at("127.0.0.1:0", false, &out), *to = open_at("127.0.0.1:0", false, in);
	struct udp_target target = {.to = udp_address(to), .from = udp_address(from)};

	faults.reason = reason;
	faults.left = times;
	faults.most = most;
	faults.period = 1;
	faults.failed = 0;
	for (size_t i = 0; i < 10; i++)
		put(from, &target, 100, (uint8_t)i);
	bool open = udp_flush(from);
	if (!open) {
		assert_null(udp_room(from, 100));   /* nothing is taken while the socket is blocked */
		open = udp_flush(from);
	}
	assert_true(open);
	assert_int_equal(faults.failed, times);
	faults.reason = 0;
	faults.most = 0;
	/* A last one tells that all the others are there or lost. */
	put(from, &target, 7, 99);
	assert_true(udp_flush(from));
	while ((in->count == 0 || in->first[in->count - 1] != 99) && wait_for(to, POLLIN))
		udp_receive(to);
	udp_close(from);
	udp_close(to);
	return in->count - 1;
}

static void a_refusing_kernel_is_worked_around(void **state)
{
	struct inbox in;

	(void)state;
	assert_int_equal(arrivals_despite(EAGAIN, 1, 0, &in), 10);        /* blocked, then not */
	assert_int_equal(arrivals_despite(ENOBUFS, 1, 0, &in), 10);
	assert_int_equal(arrivals_despite(EINTR, 3, 0, &in), 10);
	assert_int_equal(arrivals_despite(ECONNREFUSED, 2, 0, &in), 10);  /* somebody else's ICMP error */
	assert_int_equal(arrivals_despite(EIO, 1, 0, &in), 10);           /* no segmentation on that device */
	assert_int_equal(arrivals_despite(EINVAL, 1, 0, &in), 10);        /* not for this burst */
	assert_int_equal(arrivals_despite(EIO, 1, 3, &in), 10);           /* and only some of it at once */
	assert_int_equal(arrivals_despite(EPERM, 1, 0, &in), 0);          /* lost, and no more than that */
	assert_int_equal(arrivals_despite(ECONNREFUSED, 65, 0, &in), 0);  /* an endless flood ends */
	for (size_t i = 0; i < in.count; i++)
		assert_int_equal(in.size[i], in.first[i] == 99 ? 7 : 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trains_arrive),
		cmocka_unit_test(trains_arrive_without_segmentation),
		cmocka_unit_test(a_wildcard_serves_both_families),
		cmocka_unit_test(what_is_understood_is_not_said),
		cmocka_unit_test(a_dead_port_is_told_with_our_own_words),
		cmocka_unit_test(a_taken_port_is_an_error),
		cmocka_unit_test(a_refusing_kernel_is_worked_around),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
