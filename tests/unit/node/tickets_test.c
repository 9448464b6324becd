/* Tickets and time: who is let in, until when, and that a renewed ticket changes nothing else. */
#include "tests/unit/node/lone.h"

#include "streams/stream_wire.h"
#include "tests/unit/discovery/ticket_office.h"

#define SECOND 1000
#define END 60                        /* seconds after LONE_NOW */

struct office {
	struct keypair issuer;
	struct ticket_rule *rule;
	struct peer_condition wanted;
	struct buffer token;
	struct lone *lone;
};

static struct office office_new(void)
{
	struct office office = {.issuer = ticket_office(1), .lone = lone_new()};

	office.rule = ticket_rule_new(&(struct jwt_rule){.algorithm = JWT_EDDSA, .key = office.issuer.public_key,
		.issuer = "office"});
	return office;
}

static struct peer_rule rule_of(struct office *office)
{
	office->wanted = (struct peer_condition){.kind = PEER_HAS_TICKET, .ticket = office->rule};
	return (struct peer_rule){&office->wanted, 1};
}

static void office_free(struct office *office)
{
	lone_free(office->lone);
	ticket_rule_free(office->rule);
	buffer_fini(&office->token);
}

/* A ticket of peer 1, in seconds after the start of the test. */
static struct bytes ticket(struct office *office, int from, int until)
{
	struct keypair pair = fake_pair(1);
	uint64_t start = (WORLD_WALL + LONE_NOW) / SECOND;

	buffer_clear(&office->token);
	ticket_office_issue(&office->token, &office->issuer, &pair.public_key, start + (uint64_t)from, start + (uint64_t)until);
	return buffer_bytes(&office->token);
}

/* Time goes on as a driver lets it: whenever the node wants to be woken, and at the end. */
static void pass(struct lone *lone, msec until)
{
	while (lone->now < until) {
		lone->now = msec_min(until, node_deadline(lone->node) > lone->now ? node_deadline(lone->node) : lone->now + 1);
		node_set_wall(lone->node, lone->now, WORLD_WALL + lone->now);
		node_tick(lone->node, lone->now);
		node_check(lone->node);
	}
}

/* The next word about stream links among all effects that wait: none is 0. */
static struct effect about_streams(struct lone *lone)
{
	struct effect effect, found = {.link = 0};

	while (node_next_effect(lone->node, &effect)) {
		bool counts = effect.protocol == PROTOCOL_STREAMS && (effect.kind == EFFECT_CONNECT || effect.kind == EFFECT_CLOSE);

		if (counts && found.link == 0)
			found = effect;
		else
			assert_false(counts);
		effect_drop(&effect);
	}
	return found;
}

static link_id expect_call(struct lone *lone)
{
	struct effect effect = about_streams(lone);

	assert_true(effect.link != 0 && effect.kind == EFFECT_CONNECT);
	return effect.link;
}

static void expect_close(struct lone *lone, link_id link, enum error reason)
{
	struct effect effect = about_streams(lone);

	assert_true(effect.link == link && effect.kind == EFFECT_CLOSE);
	assert_int_equal(effect.reason, reason);
}

static void expect_nothing(struct lone *lone)
{
	assert_true(about_streams(lone).link == 0);
}

/* Told why, and closed once that has got there. */
static void expect_refusal(struct lone *lone, link_id link, enum jwt_fault fault)
{
	struct stream_message message;
	struct effect effect;
	size_t size = 0;

	while (size == 0) {
		assert_true(node_next_effect(lone->node, &effect));
		if (effect.kind == EFFECT_SEND && effect.protocol == PROTOCOL_STREAMS) {
			assert_int_equal(stream_wire_decode(blob_bytes(effect.payload), &message), OK);
			assert_true(effect.link == link && message.kind == STREAM_REFUSED && message.lack.fault == fault);
			assert_true(bytes_equal(message.lack.issuer, bytes_of_text("office")) && message.lack.audience.size == 0);
			size = blob_size(effect.payload);
		}
		effect_drop(&effect);
	}
	expect_nothing(lone);
	node_sent(lone->node, lone->now, PROTOCOL_STREAMS, link, size - 1);
	expect_nothing(lone);
	node_sent(lone->node, lone->now, PROTOCOL_STREAMS, link, 1);
	expect_close(lone, link, ERROR_NOT_ALLOWED);
	node_unlinked(lone->node, lone->now, PROTOCOL_STREAMS, link, ERROR_NOT_ALLOWED);
	node_check(lone->node);
}

static struct consumer *consume(struct office *office)
{
	return node_consume(office->lone->node, office->lone->now, LONE_STREAM,
		&(struct consumer_options){.record_max = 1000, .producers = rule_of(office)});
}

static struct producer *produce(struct office *office, size_t places)
{
	return node_produce(office->lone->node, office->lone->now, LONE_STREAM, &(struct producer_options){.max_stall = MSEC_NEVER,
		.linger = MSEC_NEVER, .subscribers_max = places, .waiting_max = 10, .accept = rule_of(office)});
}

/* By hand: a link of peer 1, or of a stranger, that says SUBSCRIBE. */
static void subscribe(struct lone *lone, link_id id, unsigned peer)
{
	struct keypair pair = fake_pair(peer);
	struct id stream = id_hash(bytes_of_text(LONE_STREAM));
	struct blob *message = stream_wire_subscribe(&stream, bytes_of(NULL, 0));

	node_linked(lone->node, lone->now, PROTOCOL_STREAMS, &(struct link){.id = id, .peer = pair.public_key});
	assert_int_equal(node_received(lone->node, lone->now, PROTOCOL_STREAMS, id, message), OK);
	node_check(lone->node);
	blob_drop(message);
}

/* The producer answers, so that the subscription of ours runs. */
static void run(struct lone *lone, link_id link)
{
	struct keypair pair = fake_pair(1);
	struct blob *started = stream_wire_started(0);

	node_linked(lone->node, lone->now, PROTOCOL_STREAMS, &(struct link){.id = link, .peer = pair.public_key});
	assert_int_equal(node_received(lone->node, lone->now, PROTOCOL_STREAMS, link, started), OK);
	blob_drop(started);
	lone_drop_effects(lone);
}

/* A consumer that reads from peer 1, which has a ticket. */
static link_id reading(struct office *office)
{
	link_id link;

	consume(office);
	lone_hear(office->lone, &(struct saying){.peer = 1, .produces = true, .ticket = ticket(office, 0, END)});
	link = expect_call(office->lone);
	run(office->lone, link);
	return link;
}

/* Closed `seconds` after the start, and not a moment sooner. */
static void expect_end(struct lone *lone, link_id link, int seconds, enum error reason)
{
	pass(lone, LONE_NOW + seconds * SECOND - 1);
	expect_nothing(lone);
	pass(lone, LONE_NOW + seconds * SECOND);
	expect_close(lone, link, reason);
}

static void doubt(struct lone *lone, uint64_t update)
{
	struct keypair pair = fake_pair(1);
	struct version version = {WORLD_WALL, WORLD_WALL + update};

	assert_true(catalog_suspect(&lone->node->catalog, lone->now, &pair.public_key, &version));
	node_settle(lone->node, lone->now);
}

/* ---- whom to read from ---- */

static void a_producer_is_read_until_its_ticket_expires(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;
	struct consumer *consumer = consume(&office);
	link_id link;

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	expect_nothing(lone);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .produces = true, .ticket = ticket(&office, 0, END)});
	link = expect_call(lone);
	run(lone, link);
	expect_end(lone, link, END, ERROR_CANCELLED);
	assert_int_equal(node_producers_listed(lone->node, consumer), 0);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 2, .produces = true, .ticket = ticket(&office, END, 2 * END)});
	expect_call(lone);
	office_free(&office);
}

static void a_renewed_ticket_of_a_producer_keeps_the_link(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;
	link_id link = reading(&office);

	(void)state;
	pass(lone, LONE_NOW + END * SECOND - 10);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .produces = true, .ticket = ticket(&office, 0, 3 * END)});
	expect_end(lone, link, 3 * END, ERROR_CANCELLED);
	assert_int_equal(ticket_rule_verified(office.rule), 2);
	office_free(&office);
}

static void a_ticket_that_is_taken_back_ends_it_at_once(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;
	link_id link = reading(&office);

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .produces = true});
	expect_close(lone, link, ERROR_CANCELLED);
	office_free(&office);
}

static void a_ticket_that_begins_later_is_used_then(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true, .ticket = ticket(&office, 20, END)});
	consume(&office);
	pass(lone, LONE_NOW + 20 * SECOND - 1);
	expect_nothing(lone);
	pass(lone, LONE_NOW + 20 * SECOND);
	expect_call(lone);
	office_free(&office);
}

/* Thought dead, it cannot renew anything we would believe; its link lives on, but not for ever. */
static void a_doubted_producer_keeps_its_link_no_longer_than_its_ticket(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;
	link_id link = reading(&office);

	(void)state;
	doubt(lone, 0);
	expect_end(lone, link, END, ERROR_CANCELLED);
	office_free(&office);
}

/* ---- who may subscribe ---- */

static void a_subscriber_is_put_out_when_its_ticket_expires(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;
	struct producer *producer = produce(&office, 0);

	(void)state;
	subscribe(lone, 1, 2);
	expect_refusal(lone, 1, JWT_ABSENT);
	lone_hear(lone, &(struct saying){.peer = 1});
	subscribe(lone, 3, 1);
	expect_refusal(lone, 3, JWT_ABSENT);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .ticket = ticket(&office, 0, END)});
	subscribe(lone, 5, 1);
	assert_int_equal(producer_subscribers(producer), 1);
	expect_end(lone, 5, END, ERROR_NOT_ALLOWED);
	assert_int_equal(producer_subscribers(producer), 0);
	subscribe(lone, 7, 1);
	expect_refusal(lone, 7, JWT_EXPIRED);
	office_free(&office);
}

static void a_renewed_ticket_of_a_subscriber_keeps_it(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;
	struct producer *producer = produce(&office, 0);

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .ticket = ticket(&office, 0, END)});
	subscribe(lone, 1, 1);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .ticket = ticket(&office, 0, 2 * END)});
	pass(lone, LONE_NOW + 2 * END * SECOND - 1);
	assert_int_equal(producer_subscribers(producer), 1);
	pass(lone, LONE_NOW + 2 * END * SECOND);
	expect_close(lone, 1, ERROR_NOT_ALLOWED);
	office_free(&office);
}

/* However many there are in the network, and whatever they announce: only who subscribes, or produces, is looked at. */
static void tickets_of_others_cost_nothing(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;

	(void)state;
	produce(&office, 0);
	consume(&office);
	for (uint64_t update = 0; update < 5; update++)
		lone_hear(lone, &(struct saying){.peer = 1, .update = update, .ticket = ticket(&office, 0, END + (int)update)});
	assert_int_equal(ticket_rule_verified(office.rule), 0);
	subscribe(lone, 1, 1);
	for (uint64_t update = 5; update < 10; update++)
		lone_hear(lone, &(struct saying){.peer = 1, .update = update, .tag = update % 2 ? "odd" : NULL, .ticket = ticket(&office, 0, END)});
	assert_int_equal(ticket_rule_verified(office.rule), 2);
	office_free(&office);
}

/* Others thought it dead; its subscription went on, and it comes back with a new ticket, and once more without. */
static void a_subscriber_that_was_doubted_is_judged_when_it_is_back(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;
	struct producer *producer = produce(&office, 0);

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .ticket = ticket(&office, 0, END)});
	subscribe(lone, 1, 1);
	doubt(lone, 0);
	assert_int_equal(producer_subscribers(producer), 1);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .ticket = ticket(&office, 0, 2 * END)});
	pass(lone, LONE_NOW + 2 * END * SECOND - 1);
	assert_int_equal(producer_subscribers(producer), 1);
	doubt(lone, 1);
	assert_int_equal(producer_subscribers(producer), 1);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 2});
	expect_close(lone, 1, ERROR_NOT_ALLOWED);
	office_free(&office);
}

static void one_in_line_is_put_out_too(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;
	struct producer *producer = produce(&office, 1);

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .ticket = ticket(&office, 0, END)});
	subscribe(lone, 1, 1);
	subscribe(lone, 3, 1);
	assert_int_equal(producer_waiting(producer), 1);
	lone_drop_effects(lone);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1});
	assert_int_equal(producer_subscribers(producer), 0);
	assert_int_equal(producer_waiting(producer), 0);
	office_free(&office);
}

/* What was said about it when it was let in counts, when it comes to words. */
static void it_is_told_what_is_lacking(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;
	struct node_fact fact;

	(void)state;
	produce(&office, 0);
	lone_hear(lone, &(struct saying){.peer = 1, .ticket = ticket(&office, 0, END)});
	subscribe(lone, 1, 2);
	assert_true(node_next_fact(lone->node, &fact));
	assert_int_equal(fact.stream.kind, PRODUCER_REFUSED);
	assert_ptr_equal(fact.stream.verdict.lacks->ticket, office.rule);
	assert_int_equal(fact.stream.verdict.ticket, JWT_ABSENT);
	subscribe(lone, 3, 1);
	pass(lone, LONE_NOW + END * SECOND);
	assert_true(node_next_fact(lone->node, &fact) && fact.stream.kind == PRODUCER_SUBSCRIBED);
	assert_true(node_next_fact(lone->node, &fact) && fact.stream.kind == PRODUCER_UNSUBSCRIBED);
	assert_int_equal(fact.stream.reason, ERROR_NOT_ALLOWED);
	assert_int_equal(fact.stream.verdict.ticket, JWT_EXPIRED);
	office_free(&office);
}

/* A peer that acknowledges nothing is not waited for. */
static void who_does_not_hear_why_is_closed_in_time(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;

	(void)state;
	produce(&office, 0);
	subscribe(lone, 1, 2);
	pass(lone, LONE_NOW + STREAM_REFUSAL_MAX - 1);
	expect_nothing(lone);
	pass(lone, LONE_NOW + STREAM_REFUSAL_MAX);
	expect_close(lone, 1, ERROR_NOT_ALLOWED);
	office_free(&office);
}

/* The other side of it: what the producer says is handed up when it closes. */
static void what_a_producer_says_is_lacking_is_handed_up(void **state)
{
	struct ticket_lack lack = {JWT_EXPIRED, bytes_of_text("office"), bytes_of_text("logs")};
	struct lone *lone = lone_new();
	struct keypair pair = fake_pair(1);
	struct blob *refused = stream_wire_refused(&lack), *started = stream_wire_started(0);
	struct node_fact fact;
	link_id link;

	(void)state;
	lone_consume(lone);
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	link = expect_call(lone);
	node_linked(lone->node, lone->now, PROTOCOL_STREAMS, &(struct link){.id = link, .peer = pair.public_key});
	assert_int_equal(node_received(lone->node, lone->now, PROTOCOL_STREAMS, link, refused), OK);
	node_check(lone->node);
	assert_int_equal(node_received(lone->node, lone->now, PROTOCOL_STREAMS, link, refused), ERROR_MALFORMED);
	assert_int_equal(node_received(lone->node, lone->now, PROTOCOL_STREAMS, link, started), ERROR_MALFORMED);
	node_unlinked(lone->node, lone->now, PROTOCOL_STREAMS, link, ERROR_NOT_ALLOWED);
	blob_drop(refused);
	blob_drop(started);
	assert_true(node_next_fact(lone->node, &fact) && fact.stream.kind == CONSUMER_LOST);
	assert_int_equal(fact.stream.lack.fault, JWT_EXPIRED);
	assert_true(bytes_equal(fact.stream.lack.audience, lack.audience));
	blob_drop(fact.stream.message);
	lone_free(lone);
}

/* ---- clocks ---- */

/* The wall clock was set, or the machine slept: then tickets end when the wall clock says, on both sides. */
static void a_wall_clock_that_is_set_counts(void **state)
{
	struct office office = office_new();
	struct lone *lone = office.lone;
	struct producer *producer = produce(&office, 0);

	(void)state;
	reading(&office);
	subscribe(lone, 1, 1);
	lone_drop_effects(lone);
	node_set_wall(lone->node, lone->now, WORLD_WALL + lone->now + (END - 1) * SECOND);
	node_tick(lone->node, lone->now);
	expect_nothing(lone);
	assert_true(node_deadline(lone->node) <= lone->now + SECOND);
	node_set_wall(lone->node, lone->now, WORLD_WALL + lone->now + END * SECOND);
	assert_int_equal(producer_subscribers(producer), 0);
	assert_int_equal(lone->node->consumers->told.count, 0);
	office_free(&office);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_producer_is_read_until_its_ticket_expires),
		cmocka_unit_test(a_renewed_ticket_of_a_producer_keeps_the_link),
		cmocka_unit_test(a_ticket_that_is_taken_back_ends_it_at_once),
		cmocka_unit_test(a_ticket_that_begins_later_is_used_then),
		cmocka_unit_test(a_doubted_producer_keeps_its_link_no_longer_than_its_ticket),
		cmocka_unit_test(a_subscriber_is_put_out_when_its_ticket_expires),
		cmocka_unit_test(a_renewed_ticket_of_a_subscriber_keeps_it),
		cmocka_unit_test(tickets_of_others_cost_nothing),
		cmocka_unit_test(a_subscriber_that_was_doubted_is_judged_when_it_is_back),
		cmocka_unit_test(one_in_line_is_put_out_too),
		cmocka_unit_test(it_is_told_what_is_lacking),
		cmocka_unit_test(who_does_not_hear_why_is_closed_in_time),
		cmocka_unit_test(what_a_producer_says_is_lacking_is_handed_up),
		cmocka_unit_test(a_wall_clock_that_is_set_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
