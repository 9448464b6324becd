/*
 * client_test.c - clients and the member that serves them: whatever is asked is answered once.
 */
#include "shop.h"

/* ---- asking ---- */

static void commands_keep_their_order(void **state)
{
	struct shop shop = shop_closed();
	char text[8];

	(void)state;
	/* Before the link is there, with tickets that are in no order. */
	for (unsigned i = 0; i < 5; i++) {
		snprintf(text, sizeof text, "c%u", i);
		propose(&shop, 100 - i, text);
	}
	dial(shop.mesh, CALLER);
	run(&shop, 200);
	assert_int_equal(next(&shop).kind, CLIENT_UP);
	propose(&shop, 7, "c5");
	run(&shop, 200);
	assert_int_equal(shop.group->commands, 6);
	for (unsigned i = 0; i < 6; i++) {
		snprintf(text, sizeof text, "c%u", i);
		assert_true(bytes_equal(blob_bytes(shop.group->command[i]), bytes_of_text(text)));
	}
	answer(&shop, 1, OK, "one");
	answer(&shop, 0, ERROR_INDETERMINATE, "");
	answer(&shop, 5, ERROR_FROZEN, "");
	run(&shop, 100);
	expect_result(&shop, 99, OK, "one");
	expect_result(&shop, 100, ERROR_INDETERMINATE, "");
	expect_result(&shop, 7, ERROR_FROZEN, "");
	expect_nothing(&shop);
	assert_int_equal(mesh_facts(shop.mesh, MEMBER, GROUPS_FACT), 0);   /* tickets of clients stay here */
	shop_free(&shop);
}

static void commands_wait_for_room(void **state)
{
	struct shop shop = shop_open();

	(void)state;
	shop.group->room = 1;
	propose(&shop, 1, "a");
	propose(&shop, 2, "b");
	propose(&shop, 3, "c");
	run(&shop, 200);
	assert_int_equal(shop.group->commands, 1);
	shop.group->room = 5;
	fake_say(shop.group, &(struct group_fact){.kind = GROUP_ROOM});
	run(&shop, 10);
	assert_int_equal(shop.group->commands, 3);
	assert_memory_equal(blob_bytes(shop.group->command[2]).data, "c", 1);
	shop_free(&shop);
}

static void too_many_open_commands_are_busy(void **state)
{
	struct shop shop = shop_open();
	struct client_request request = {.kind = REQUEST_PROPOSE};
	struct mesh_node *caller = &shop.mesh->node[CALLER];

	(void)state;
	shop.group->room = 0;
	for (uint64_t ticket = 1; ticket <= SERVED_REQUESTS_MAX; ticket++)
		propose(&shop, ticket, "x");
	run(&shop, 500);
	expect_nothing(&shop);
	/* Its own bound is the same: what a client of another make may do is said by hand. */
	assert_int_equal(client_propose(shop.client, 5000, bytes_of_text("x"), shop.out), ERROR_FULL);
	request.ticket = 1;
	outbox_send(&caller->out, client_link(shop.client), client_wire_request(&request));
	run(&shop, 200);
	expect_result(&shop, 1, ERROR_BUSY, "");
	assert_int_equal(next(&shop).kind, CLIENT_ROOM);
	shop_free(&shop);
}

/* A client is held back before its member would have to say that it is busy. */
static void large_commands_are_held_back_not_refused(void **state)
{
	static uint8_t large[64u << 10];
	struct shop shop = shop_open();
	struct client_fact fact;
	uint64_t ticket = 0;

	(void)state;
	shop.group->room = 0;
	while (client_propose(shop.client, ticket + 1, bytes_of(large, sizeof large), shop.out) == OK)
		ticket++;
	assert_in_range(ticket, 32, 128);
	run(&shop, 500);
	expect_nothing(&shop);
	shop.group->room = FAKE_QUEUE;
	run(&shop, 10);
	assert_int_equal(shop.group->commands, ticket);
	answer(&shop, 0, OK, "");
	run(&shop, 100);
	expect_result(&shop, 1, OK, "");
	fact = next(&shop);
	assert_int_equal(fact.kind, CLIENT_ROOM);
	shop_free(&shop);
}

/* What came in one go becomes one entry, or one round of reads: nothing follows from it before the tick. */
static void what_is_asked_together_is_carried_out_together(void **state)
{
	struct shop shop = shop_open();
	struct mesh_node *member = &shop.mesh->node[MEMBER];
	struct hosted *hosted = member->groups->hosted.slot[0].value;
	link_id link = LIST_OF(hosted->clients.next, struct served, place)->link->link.id;
	struct client_request request = {.kind = REQUEST_PROPOSE, .bytes = bytes_of_text("x")};
	unsigned turns;

	(void)state;
	run(&shop, 10);
	turns = shop.group->turns;
	for (request.ticket = 1; request.ticket <= 2; request.ticket++) {
		struct blob *message = client_wire_request(&request);
		enum error error = groups_ops.receive(member->groups, shop.mesh->now, link, message, &member->out);

		assert_int_equal(error, OK);
		blob_drop(message);
	}
	assert_int_equal(shop.group->commands, 2);
	assert_int_equal(shop.group->turns, turns);
	assert_true(groups_ops.deadline(member->groups) <= shop.mesh->now);
	groups_ops.tick(member->groups, shop.mesh->now, &member->out);
	assert_true(shop.group->turns > turns);
	shop_free(&shop);
}

static void feeding_is_answered_at_once(void **state)
{
	struct shop shop = shop_open();
	enum error error = client_feed(shop.client, 1, bytes_of_text("a"), shop.out);

	(void)state;
	assert_int_equal(error, OK);
	run(&shop, 200);
	expect_result(&shop, 1, OK, "");
	assert_int_equal(shop.group->commands, 1);
	answer(&shop, 0, OK, "later");   /* goes nowhere */
	run(&shop, 200);
	expect_nothing(&shop);
	assert_int_equal(shop.mesh->node[MEMBER].groups->requests.count, 0);
	shop_free(&shop);
}

static void queries_carry_their_deadline(void **state)
{
	struct shop shop = shop_open();
	struct group_query query = {.ticket = 4, .level = QUERY_STRONG, .position = 9, .deadline = shop.mesh->now + 1000,
		.query = bytes_of_text("what")};
	enum error error = client_query(shop.client, shop.mesh->now, &query, shop.out);

	(void)state;
	assert_int_equal(error, OK);
	run(&shop, 200);
	assert_int_equal(shop.group->query.level, QUERY_STRONG);
	assert_int_equal(shop.group->query.position, 9);
	assert_int_equal(shop.group->query.query.size, 4);
	assert_in_range(shop.group->query.deadline, query.deadline, query.deadline + 50);
	run(&shop, 2000);   /* a member that does not answer at all */
	expect_result(&shop, 4, ERROR_TIMEOUT, "");
	fake_say(shop.group, &(struct group_fact){.kind = GROUP_ANSWER, .ticket = shop.group->query.ticket});
	run(&shop, 200);
	expect_nothing(&shop);
	query.deadline = MSEC_NEVER;   /* even so it does not stay for ever */
	error = client_query(shop.client, shop.mesh->now, &query, shop.out);
	assert_int_equal(error, OK);
	run(&shop, 200);
	assert_in_range(shop.group->query.deadline, shop.mesh->now, shop.mesh->now + 600000);
	shop_free(&shop);
}

static void status_is_told_in_full(void **state)
{
	struct shop shop = shop_open();
	struct client_status status;
	struct client_fact fact;
	enum error error;

	(void)state;
	shop.group->voter[shop.group->voters++] = shop.mesh->node[MEMBER].id;
	shop.group->position = 77;
	client_status(shop.client, 3, shop.out);
	run(&shop, 200);
	fact = next(&shop);
	assert_int_equal(fact.kind, CLIENT_RESULT);
	error = client_status_decode(fact.bytes, &status);
	assert_int_equal(error, OK);
	assert_int_equal(status.status.position, 77);
	assert_int_equal(status.member_count, 1);
	assert_true(status.member[0].voter);
	assert_true(id_equal(&status.peer, &shop.mesh->node[MEMBER].id));
	client_status_fini(&status);
	for (size_t size = 0; size < fact.bytes.size; size++) {
		error = client_status_decode(bytes_of(fact.bytes.data, size), &status);
		assert_int_equal(error, ERROR_MALFORMED);
	}
	blob_drop(fact.message);
	shop_free(&shop);
}

static void orders_are_carried_out(void **state)
{
	struct shop shop = shop_open();
	struct client_order order = {.ticket = 1, .verb = VERB_TRANSFER};

	(void)state;
	client_admin(shop.client, &order, shop.out);
	order = (struct client_order){.ticket = 2, .verb = VERB_DECLARE_DEAD, .peer = shop.mesh->node[SECOND].id};
	client_admin(shop.client, &order, shop.out);
	order = (struct client_order){.ticket = 3, .verb = VERB_ADOPT};
	client_admin(shop.client, &order, shop.out);
	client_leave(shop.client, 4, shop.out);
	run(&shop, 200);
	assert_int_equal(shop.group->transferred, 101);
	assert_true(id_equal(&shop.group->dead, &shop.mesh->node[SECOND].id));
	assert_int_equal(shop.group->left, 1);
	for (uint64_t ticket = 1; ticket <= 3; ticket++)
		expect_result(&shop, ticket, OK, "");
	expect_nothing(&shop);
	fake_say(shop.group, &(struct group_fact){.kind = GROUP_LEFT});
	run(&shop, 100);
	expect_result(&shop, 4, OK, "");
	shop_free(&shop);
}

/* ---- ends ---- */

static void the_end_of_a_link_answers_everything(void **state)
{
	struct shop shop = shop_open();
	struct group_query query = {.ticket = 2, .deadline = MSEC_NEVER};
	struct client_fact fact;
	enum error error;

	(void)state;
	propose(&shop, 1, "sent");
	error = client_query(shop.client, shop.mesh->now, &query, shop.out);
	assert_int_equal(error, OK);
	run(&shop, 200);
	mesh_cut(shop.mesh, CALLER, MEMBER, ERROR_UNEXPECTED_CLOSE);
	run(&shop, 200);
	expect_result(&shop, 1, ERROR_INDETERMINATE, "");
	expect_result(&shop, 2, ERROR_UNEXPECTED_CLOSE, "");
	fact = next(&shop);
	assert_int_equal(fact.kind, CLIENT_DOWN);
	assert_int_equal(fact.reason, ERROR_UNEXPECTED_CLOSE);
	/* A request of a client that is gone is answered all the same, to nobody. */
	answer(&shop, 0, OK, "late");
	run(&shop, 100);
	/* And it may dial again. */
	dial(shop.mesh, CALLER);
	run(&shop, 200);
	assert_int_equal(next(&shop).kind, CLIENT_UP);
	shop_free(&shop);
}

static void what_was_not_sent_is_certainly_not_done(void **state)
{
	struct shop shop = shop_closed();
	struct client_fact fact;

	(void)state;
	propose(&shop, 1, "x");
	shop.mesh->node[MEMBER].unreachable = true;
	dial(shop.mesh, CALLER);
	run(&shop, 200);
	expect_result(&shop, 1, ERROR_NOT_LEADER, "");
	fact = next(&shop);
	assert_int_equal(fact.kind, CLIENT_DOWN);
	assert_int_equal(fact.reason, ERROR_REFUSED);
	shop_free(&shop);
}

static void a_member_that_leaves_says_what_it_can(void **state)
{
	struct shop shop = shop_open();
	struct client_fact fact;

	(void)state;
	propose(&shop, 1, "answered");
	propose(&shop, 2, "open");
	run(&shop, 200);
	answer(&shop, 0, OK, "yes");
	groups_remove(shop.mesh->node[MEMBER].groups, shop.mesh->now, group_id(shop.group), &shop.mesh->node[MEMBER].out);
	mesh_carry_out(shop.mesh, MEMBER);
	mesh_run(shop.mesh, 200);
	expect_result(&shop, 1, OK, "yes");
	expect_result(&shop, 2, ERROR_INDETERMINATE, "");
	fact = next(&shop);
	assert_int_equal(fact.kind, CLIENT_DOWN);
	assert_int_equal(fact.reason, ERROR_GRACEFUL);
	shop_free(&shop);
}

static void expect_down(const char *key, const char *group, enum error reason)
{
	struct shop shop = shop_closed();
	struct id other = id_hash(bytes_of_text(key));
	struct client_fact fact;

	client_free(shop.mesh->node[CALLER].client);
	add_client(shop.mesh, CALLER, &other, group);
	shop.client = shop.mesh->node[CALLER].client;
	dial(shop.mesh, CALLER);
	run(&shop, 200);
	fact = next(&shop);
	assert_int_equal(fact.kind, CLIENT_DOWN);
	assert_string_equal(error_name(fact.reason), error_name(reason));
	shop_free(&shop);
}

static void strangers_are_told_why(void **state)
{
	(void)state;
	expect_down("other", "group", ERROR_BOND_PROOF);
	expect_down(MESH_KEY, "unknown", ERROR_GROUP_NOT_FOUND);
}

static void a_member_that_does_not_prove_itself_is_left(void **state)
{
	struct shop shop = shop_closed();
	struct client_fact fact;

	(void)state;
	shop.mesh->silent = true;
	propose(&shop, 1, "x");
	dial(shop.mesh, CALLER);
	run(&shop, BOND_HANDSHAKE_MAX + 100);
	expect_result(&shop, 1, ERROR_NOT_LEADER, "");
	fact = next(&shop);
	assert_int_equal(fact.kind, CLIENT_DOWN);
	assert_int_equal(fact.reason, ERROR_BOND_TIMEOUT);
	shop_free(&shop);
}

static void a_client_that_talks_nonsense_loses_its_connection(void **state)
{
	static const uint8_t bodies[][6] = {{0}, {0x83, 1, 0, 0x40}, {0x84, 1, 1, 0x40, 0xf6}, {0x86, 2, 1, 9, 0, 0}, {0x82, 3, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct shop shop = shop_open();

		outbox_send(shop.out, client_link(shop.client), blob_copy(bytes_of(bodies[i], sizeof bodies[i])));
		run(&shop, 200);
		assert_true(shop.mesh->violated);
		assert_int_equal(next(&shop).reason, ERROR_MALFORMED);
		shop_free(&shop);
	}
}

static void hanging_up_drops_what_waits(void **state)
{
	struct shop shop = shop_open();
	struct groups *groups = shop.mesh->node[MEMBER].groups;

	(void)state;
	shop.group->room = 1;
	propose(&shop, 1, "begun");
	propose(&shop, 2, "waits");
	run(&shop, 200);
	client_hang_up(shop.client, shop.out);
	run(&shop, 200);
	assert_int_equal(groups->requests.count, 1);
	shop.group->room = 10;
	run(&shop, 100);
	assert_int_equal(shop.group->commands, 1);
	expect_result(&shop, 1, ERROR_INDETERMINATE, "");
	expect_result(&shop, 2, ERROR_INDETERMINATE, "");
	assert_int_equal(next(&shop).kind, CLIENT_DOWN);
	shop_free(&shop);
}

static void clients_take_turns(void **state)
{
	struct shop shop = shop_open();
	struct mesh_node *second = &shop.mesh->node[SECOND];

	(void)state;
	dial(shop.mesh, SECOND);
	run(&shop, 200);
	shop.group->room = 0;
	for (uint64_t ticket = 1; ticket <= 10; ticket++)
		propose(&shop, ticket, "first");
	run(&shop, 200);
	assert_int_equal(client_propose(second->client, 1, bytes_of_text("second"), &second->out), OK);
	run(&shop, 200);
	shop.group->room = 2;
	run(&shop, 10);
	assert_int_equal(shop.group->commands, 2);
	assert_int_equal(blob_size(shop.group->command[1]), strlen("second"));
	shop_free(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_keep_their_order),
		cmocka_unit_test(commands_wait_for_room),
		cmocka_unit_test(too_many_open_commands_are_busy),
		cmocka_unit_test(large_commands_are_held_back_not_refused),
		cmocka_unit_test(what_is_asked_together_is_carried_out_together),
		cmocka_unit_test(feeding_is_answered_at_once),
		cmocka_unit_test(queries_carry_their_deadline),
		cmocka_unit_test(status_is_told_in_full),
		cmocka_unit_test(orders_are_carried_out),
		cmocka_unit_test(the_end_of_a_link_answers_everything),
		cmocka_unit_test(what_was_not_sent_is_certainly_not_done),
		cmocka_unit_test(a_member_that_leaves_says_what_it_can),
		cmocka_unit_test(strangers_are_told_why),
		cmocka_unit_test(a_member_that_does_not_prove_itself_is_left),
		cmocka_unit_test(a_client_that_talks_nonsense_loses_its_connection),
		cmocka_unit_test(hanging_up_drops_what_waits),
		cmocka_unit_test(clients_take_turns),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
