/*
 * card_test.c - sets stay sorted and bounded, names that a terminal must not see are left out, copies are deep.
 */
#include "discovery/card.h"

#include "fake.h"
#include "wire/limits.h"

static void a_set_is_sorted_and_says_what_changed(void **state)
{
	struct id_set set = {0};
	struct id a = fake_id("a");
	struct id b = fake_id("b");

	(void)state;
	assert_true(id_set_add(&set, &a));
	assert_true(id_set_add(&set, &b));
	assert_false(id_set_add(&set, &a));
	assert_int_equal(set.count, 2);
	assert_true(id_compare(&set.id[0], &set.id[1]) < 0);
	assert_true(id_set_has(&set, &a) && id_set_has(&set, &b));
	assert_true(id_set_remove(&set, &a));
	assert_false(id_set_remove(&set, &a));
	assert_false(id_set_has(&set, &a));
	assert_true(id_set_has(&set, &b));
	id_set_fini(&set);
	assert_false(id_set_has(&set, &b));
}

static void a_full_set_takes_no_more(void **state)
{
	struct id_set set = {0};
	struct id one_more = fake_id("one more");

	(void)state;
	for (unsigned i = 0; i < ENTRY_SET_MAX; i++) {
		struct keypair pair = fake_pair(i);

		assert_true(id_set_add(&set, &pair.public_key));
	}
	id_set_check(&set);
	assert_false(id_set_add(&set, &one_more));
	assert_int_equal(set.count, ENTRY_SET_MAX);
	id_set_fini(&set);
}

static void names_are_set_replaced_and_removed(void **state)
{
	struct card card = {0};
	struct id a = fake_id("a");
	struct id b = fake_id("b");

	(void)state;
	card_set_name(&card, &a, "alpha");
	card_set_name(&card, &b, "beta");
	card_set_name(&card, &a, "gamma");
	assert_string_equal(card_name(&card, &a), "gamma");
	assert_string_equal(card_name(&card, &b), "beta");
	card_set_name(&card, &a, NULL);
	assert_null(card_name(&card, &a));
	assert_int_equal(card.name_count, 1);
	card_check(&card);
	card_fini(&card);
}

static void unfit_names_are_left_out(void **state)
{
	static const char *const unfit[] = {"", "\x1b[2J", "a\nb", "\x7f", "\xff\xfe", "\xc3\x28"};
	struct card card = {0};
	struct id id = fake_id("id");
	char text[ENTRY_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
		card_set_name(&card, &id, unfit[i]);
		assert_null(card_name(&card, &id));
	}
	memset(text, 'x', sizeof(text));
	text[ENTRY_NAME_MAX + 1] = '\0';
	card_set_name(&card, &id, text);
	assert_null(card_name(&card, &id));
	text[ENTRY_NAME_MAX] = '\0';
	card_set_name(&card, &id, text);
	assert_string_equal(card_name(&card, &id), text);
	card_set_name(&card, &id, "Z\xc3\xbcrich");
	assert_string_equal(card_name(&card, &id), "Z\xc3\xbcrich");
	card_fini(&card);
}

static void tickets_are_bounded(void **state)
{
	struct card card = {0};
	struct blob *small = blob_copy(bytes_of_text("ticket"));
	struct blob *large = blob_new(0, ENTRY_TICKET_MAX + 1);

	(void)state;
	large->end = ENTRY_TICKET_MAX + 1;
	memset(large->data, 0, large->end);
	for (unsigned i = 0; i < CARD_TICKETS_MAX; i++) {
		struct keypair pair = fake_pair(i);

		assert_true(card_set_ticket(&card, &pair.public_key, small));
		assert_true(card_set_ticket(&card, &pair.public_key, small));
	}
	assert_int_equal(card.ticket_count, CARD_TICKETS_MAX);
	assert_false(card_set_ticket(&card, &(struct id){{9}}, small));
	assert_true(card_set_ticket(&card, &card.ticket[0].id, NULL));
	assert_false(card_set_ticket(&card, &(struct id){{9}}, large));
	assert_true(card_set_ticket(&card, &(struct id){{9}}, small));
	card_check(&card);
	blob_drop(small);
	blob_drop(large);
	card_fini(&card);
}

static void fill(struct card *card)
{
	struct address address[2] = {{.port = 1}, {.port = 2}};
	struct blob *ticket = blob_copy(bytes_of_text("ticket"));
	struct id id = fake_id("id");

	*card = fake_card(1, 10, 20);
	card_set_addresses(card, address, 2);
	id_set_add(&card->tags, &id);
	id_set_add(&card->streams, &id);
	id_set_add(&card->groups, &id);
	card_set_name(card, &id, "name");
	card_set_ticket(card, &id, ticket);
	blob_drop(ticket);
}

static void a_copy_is_deep_and_equal(void **state)
{
	struct card card;
	struct card copy;

	(void)state;
	fill(&card);
	card_copy(&copy, &card);
	card_fini(&card);
	card_check(&copy);
	fill(&card);
	assert_true(card_equal(&card, &copy));
	card_fini(&card);
	card_fini(&copy);
}

static void equality_sees_every_field_but_the_version(void **state)
{
	struct id other = fake_id("other");
	struct id id = fake_id("id");
	struct card base;

	(void)state;
	fill(&base);
	for (int change = 0; change <= 8; change++) {
		struct card card;

		card_copy(&card, &base);
		switch (change) {
		case 0: card.version.update++; break;
		case 1: card.address[1].port++; break;
		case 2: card_set_addresses(&card, card.address, 1); break;
		case 3: id_set_add(&card.tags, &other); break;
		case 4: id_set_remove(&card.streams, &id); break;
		case 5: card.groups.id[0] = other; break;
		case 6: card_set_name(&card, &id, "another"); break;
		case 7: card_set_ticket(&card, &id, NULL); break;
		case 8: card.network = other; break;
		default: break;
		}
		assert_int_equal(card_equal(&base, &card), change == 0);
		card_fini(&card);
	}
	card_fini(&base);
}

static void versions_are_ordered_by_start_first(void **state)
{
	struct version a = {.start = 1, .update = 9};
	struct version b = {.start = 2, .update = 0};
	struct version c = {.start = 2, .update = UINT64_MAX};

	(void)state;
	assert_true(version_compare(&a, &b) < 0);
	assert_true(version_compare(&c, &b) > 0);
	assert_int_equal(version_compare(&c, &c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_is_sorted_and_says_what_changed),
		cmocka_unit_test(a_full_set_takes_no_more),
		cmocka_unit_test(names_are_set_replaced_and_removed),
		cmocka_unit_test(unfit_names_are_left_out),
		cmocka_unit_test(tickets_are_bounded),
		cmocka_unit_test(a_copy_is_deep_and_equal),
		cmocka_unit_test(equality_sees_every_field_but_the_version),
		cmocka_unit_test(versions_are_ordered_by_start_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
