/* Tickets of a card against a rule: which counts, how long, and how often it is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/memory.h"
#include "discovery/ticket.h"
#include "tests/unit/discovery/fake.h"
#include "tests/unit/discovery/ticket_office.h"

static struct ticket_rule *rule_of(const struct keypair *issuer)
{
	return ticket_rule_new(&(struct jwt_rule){.algorithm = JWT_EDDSA, .key = issuer->public_key});
}

static void present(struct card *card, const struct keypair *issuer, uint64_t from, uint64_t until)
{
	struct buffer token = {0};

	ticket_office_issue(&token, issuer, &card->peer, from, until);
	assert_true(ticket_add(card, buffer_bytes(&token)));
	buffer_fini(&token);
}

static void an_id_is_of_its_class_and_data(void **state)
{
	struct id one = ticket_id("a", bytes_of_text("data")), class = id_hash(bytes_of_text("a"));
	struct id same = id_derive(&class, bytes_of_text("data")), other = ticket_id("b", bytes_of_text("data"));

	(void)state;
	assert_true(id_equal(&one, &same));
	assert_false(id_equal(&one, &other));
}

static void the_ticket_that_is_good_for_longest_counts(void **state)
{
	struct keypair issuer = ticket_office(1);
	struct ticket_rule *rule = rule_of(&issuer);
	struct card card = fake_card(1, 1, 1);
	struct ticket_verdict verdict = ticket_rule_judge(rule, &card, 5000);

	(void)state;
	assert_int_equal(verdict.fault, JWT_ABSENT);
	assert_true(verdict.until == MSEC_NEVER);
	present(&card, &issuer, 0, 10);
	present(&card, &issuer, 0, 30);
	present(&card, &issuer, 40, 50);
	verdict = ticket_rule_judge(rule, &card, 5000);
	assert_true(verdict.fault == JWT_FINE && verdict.until == 30000);
	/* Between two of them there is a time without; then it is known when the next begins. */
	verdict = ticket_rule_judge(rule, &card, 30000);
	assert_true(verdict.fault == JWT_EXPIRED && verdict.until == 40000);
	verdict = ticket_rule_judge(rule, &card, 40000);
	assert_true(verdict.fault == JWT_FINE && verdict.until == 50000);
	verdict = ticket_rule_judge(rule, &card, 50000);
	assert_true(verdict.fault == JWT_EXPIRED && verdict.until == MSEC_NEVER);
	ticket_rule_free(rule);
	card_fini(&card);
}

/* The issuer's ticket for one peer does not let in another who copies it from the catalog. */
static void a_ticket_is_nobody_elses(void **state)
{
	struct keypair issuer = ticket_office(1), thief = ticket_office(2);
	struct ticket_rule *rule = rule_of(&issuer);
	struct card mine = fake_card(1, 1, 1), theirs = fake_card(2, 1, 1);
	struct ticket_verdict verdict;

	(void)state;
	present(&mine, &issuer, 0, 10);
	assert_true(ticket_add(&theirs, blob_bytes(mine.ticket[0].data)));
	verdict = ticket_rule_judge(rule, &theirs, 5000);
	assert_int_equal(verdict.fault, JWT_OTHER_SUBJECT);
	present(&theirs, &thief, 0, 10);
	verdict = ticket_rule_judge(rule, &theirs, 5000);
	assert_int_equal(verdict.fault, JWT_OTHER_SUBJECT);   /* that one came closer than a bad signature */
	verdict = ticket_rule_judge(rule, &mine, 5000);
	assert_int_equal(verdict.fault, JWT_FINE);
	ticket_rule_free(rule);
	card_fini(&mine);
	card_fini(&theirs);
}

/* Under an id that is not that of its class and data it is a ticket of some other class. */
static void a_ticket_of_another_class_is_none(void **state)
{
	struct keypair issuer = ticket_office(1);
	struct ticket_rule *rule = rule_of(&issuer);
	struct card card = fake_card(1, 1, 1);
	struct buffer token = {0};
	struct blob *data;
	struct id id;

	(void)state;
	ticket_office_issue(&token, &issuer, &card.peer, 0, 10);
	data = blob_copy(buffer_bytes(&token));
	id = ticket_id("another class", buffer_bytes(&token));
	assert_true(card_set_ticket(&card, &id, data));
	assert_int_equal(ticket_rule_judge(rule, &card, 5000).fault, JWT_ABSENT);
	assert_int_equal(ticket_rule_verified(rule), 0);
	blob_drop(data);
	buffer_fini(&token);
	ticket_rule_free(rule);
	card_fini(&card);
}

static void a_signature_is_verified_once(void **state)
{
	struct keypair issuer = ticket_office(1);
	struct ticket_rule *rule = rule_of(&issuer);
	struct card card = fake_card(1, 1, 1);

	(void)state;
	present(&card, &issuer, 0, 10);
	present(&card, &issuer, 0, 20);
	for (msec wall = 0; wall < 25000; wall += 1000) {
		card.version.update++;
		ticket_rule_judge(rule, &card, wall);
	}
	assert_int_equal(ticket_rule_verified(rule), 2);
	ticket_rule_free(rule);
	card_fini(&card);
}

static void what_is_remembered_is_bounded(void **state)
{
	struct keypair issuer = ticket_office(1);
	struct ticket_rule *rule = rule_of(&issuer);
	struct card first = fake_card(1, 1, 1);

	(void)state;
	assert_true(ticket_add(&first, bytes_of_text("x")));
	for (uint32_t i = 0; i < TICKETS_REMEMBERED + 10; i++) {
		struct card card = fake_card(1, 1, 1);

		bytes_put_be32(card.peer.byte, i);
		assert_true(ticket_add(&card, bytes_of_text("x")));
		assert_int_equal(ticket_rule_judge(rule, &card, 0).fault, JWT_MALFORMED);
		card_fini(&card);
	}
	assert_int_equal(ticket_rule_judge(rule, &first, 0).fault, JWT_MALFORMED);
	ticket_rule_free(rule);
	card_fini(&first);
}

static void a_card_takes_four_and_gives_them_back(void **state)
{
	struct card card = fake_card(1, 1, 1);

	(void)state;
	assert_true(ticket_add(&card, bytes_of_text("a")) && ticket_add(&card, bytes_of_text("b")));
	assert_true(ticket_add(&card, bytes_of_text("c")) && ticket_add(&card, bytes_of_text("d")));
	assert_true(ticket_add(&card, bytes_of_text("d")));
	assert_false(ticket_add(&card, bytes_of_text("e")) || ticket_add(&card, bytes_of_text("")));
	ticket_remove(&card, bytes_of_text("a"));
	ticket_remove(&card, bytes_of_text("a"));
	assert_int_equal(card.ticket_count, 3);
	assert_true(ticket_add(&card, bytes_of_text("e")));
	card_check(&card);
	card_fini(&card);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_of_its_class_and_data),
		cmocka_unit_test(the_ticket_that_is_good_for_longest_counts),
		cmocka_unit_test(a_ticket_is_nobody_elses),
		cmocka_unit_test(a_ticket_of_another_class_is_none),
		cmocka_unit_test(a_signature_is_verified_once),
		cmocka_unit_test(what_is_remembered_is_bounded),
		cmocka_unit_test(a_card_takes_four_and_gives_them_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
