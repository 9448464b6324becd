/*
 * verbs_test.c - the verbs of every collection, with the collection itself in the place of a member.
 */
#include "cmd/common/verbs.h"

#include "cmd/common/exit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 8

struct shop {
	struct collection_shape shape;
	struct state state;
	uint64_t position;
	struct verb_options options;
	struct buffer output;
	size_t requests;
	char problem[160];
};

static void open_shop(struct shop *shop, enum collection_kind kind, const char *types)
{
	*shop = (struct shop){.shape = {.kind = kind}};
	assert_int_equal(collection_types_from_text(bytes_of_text(types), &shop->shape), OK);
	shop->state = collection_new(&shop->shape);
}

static void close_shop(struct shop *shop)
{
	shop->state.ops->free(shop->state.self);
	buffer_fini(&shop->output);
}

/* What a member would answer. */
static void answer(struct shop *shop, bool writes, struct bytes request, struct buffer *out)
{
	struct state_moment moment = {.position = ++shop->position, .term = 1};

	if (writes)
		shop->state.ops->apply(shop->state.self, &moment, request, out, NULL);
	else
		assert_int_equal(shop->state.ops->query(shop->state.self, request, out), OK);
}

/* Runs a verb; its words stand between blanks, "_" for a blank in one. Returns the exit status; EXIT_USAGE: an operand. */
static int run(struct shop *shop, const char *line)
{
	char text[400], *word[WORDS_MAX], *rest = NULL;
	size_t count = 0;
	struct verb_call call = {.shape = &shop->shape, .options = &shop->options};
	struct buffer request = {0}, answered = {0};
	int status = EXIT_YES, worst = EXIT_YES;

	snprintf(text, sizeof text, "%s", line);
	for (char *at = strtok_r(text, " ", &rest); at && count < WORDS_MAX; at = strtok_r(NULL, " ", &rest))
		word[count++] = at;
	call.verb = verb_find(shop->shape.kind, word[0]);
	assert_non_null(call.verb);
	call.operand = word + 1;
	call.count = count - 1;
	assert_true(verb_takes(call.verb, call.count));
	buffer_clear(&shop->output);
	shop->requests = 0;
	while (verb_next(&call, &request)) {
		answer(shop, call.verb->writes, buffer_bytes(&request), &answered);
		status = verb_answer(&call, buffer_bytes(&answered), &shop->output);
		worst = status > worst ? status : worst;
		buffer_clear(&request);
		buffer_clear(&answered);
		shop->requests++;
		if (call.problem[0])
			break;
	}
	memcpy(shop->problem, call.problem, sizeof shop->problem);
	if (call.problem[0] && worst == EXIT_YES)
		worst = EXIT_USAGE;
	verb_fini(&call);
	buffer_fini(&request);
	buffer_fini(&answered);
	return worst;
}

static void assert_run(struct shop *shop, const char *line, int status, const char *output)
{
	int have = run(shop, line);

	if (have != status || !bytes_equal(buffer_bytes(&shop->output), bytes_of_text(output)))
		print_error("%s: %d '%.*s' %s\n", line, have, (int)shop->output.size, (const char *)shop->output.data, shop->problem);
	assert_int_equal(have, status);
	assert_true(bytes_equal(buffer_bytes(&shop->output), bytes_of_text(output)));
}

static void map_verbs(void **state)
{
	struct shop shop;

	(void)state;
	open_shop(&shop, COLLECTION_MAP, "str:u64");
	assert_run(&shop, "put b 2", EXIT_YES, "");
	assert_run(&shop, "put a 1", EXIT_YES, "");
	assert_run(&shop, "get a", EXIT_YES, "1\n");
	assert_run(&shop, "get a x b", EXIT_NO, "1\n2\n");
	assert_int_equal(shop.requests, 3);
	assert_run(&shop, "has a", EXIT_YES, "");
	assert_run(&shop, "has x", EXIT_NO, "");
	assert_run(&shop, "keys", EXIT_YES, "a\nb\n");
	assert_run(&shop, "values", EXIT_YES, "1\n2\n");
	assert_run(&shop, "ls", EXIT_YES, "a\t1\nb\t2\n");
	assert_run(&shop, "len", EXIT_YES, "2\n");
	assert_run(&shop, "del a x", EXIT_YES, "");
	assert_run(&shop, "del x", EXIT_YES, "");
	assert_run(&shop, "ls", EXIT_YES, "b\t2\n");
	assert_run(&shop, "clear", EXIT_YES, "");
	assert_run(&shop, "len", EXIT_YES, "0\n");
	assert_run(&shop, "put a minus", EXIT_USAGE, "");
	assert_string_equal(shop.problem, "'minus' is not of type u64");
	close_shop(&shop);
}

static void map_cas(void **state)
{
	struct shop shop;

	(void)state;
	open_shop(&shop, COLLECTION_MAP, "str:str");
	shop.options = (struct verb_options){.to = "1"};
	assert_run(&shop, "cas a", EXIT_YES, "");
	assert_run(&shop, "cas a", EXIT_NO, "1\n");
	shop.options = (struct verb_options){.from = "1", .to = "2"};
	assert_run(&shop, "cas a", EXIT_YES, "");
	assert_run(&shop, "cas a", EXIT_NO, "2\n");
	assert_run(&shop, "cas x", EXIT_NO, "");
	shop.options = (struct verb_options){.from = "2"};
	assert_run(&shop, "cas a", EXIT_YES, "");
	assert_run(&shop, "len", EXIT_YES, "0\n");
	close_shop(&shop);
}

static void prefixes_and_forms(void **state)
{
	struct shop shop;

	(void)state;
	open_shop(&shop, COLLECTION_MAP, "bytes:bytes");
	shop.options.input = &(struct bytes){(const uint8_t *)"x\ty\n\0", 5};
	assert_run(&shop, "put k1 -", EXIT_YES, "");
	assert_run(&shop, "put - -", EXIT_YES, "");                       /* only the last one is the input */
	shop.options = (struct verb_options){.prefix = "k"};
	assert_run(&shop, "ls", EXIT_YES, "k1\tx\\ty\\n\\0\n");
	assert_run(&shop, "len", EXIT_YES, "1\n");
	shop.options.form = VERB_JSON;
	assert_run(&shop, "ls", EXIT_YES, "{\"key\":\"k1\",\"value\":\"x\\ty\\n\\u0000\"}\n");
	assert_run(&shop, "keys", EXIT_YES, "{\"key\":\"k1\"}\n");
	assert_run(&shop, "get k1", EXIT_YES, "{\"key\":\"k1\",\"value\":\"x\\ty\\n\\u0000\"}\n");
	assert_run(&shop, "len", EXIT_YES, "{\"count\":1}\n");
	shop.options.form = VERB_NUL;
	assert_int_equal(run(&shop, "ls"), EXIT_YES);
	assert_int_equal(shop.output.size, 9);
	assert_memory_equal(shop.output.data, "k1\0x\ty\n\0\0", 9);
	shop.options = (struct verb_options){0};
	assert_int_equal(run(&shop, "get k1"), EXIT_YES);                 /* alone: as it is */
	assert_memory_equal(shop.output.data, "x\ty\n\0\n", 6);
	close_shop(&shop);
}

static void lists_of_many_pages(void **state)
{
	char line[64];
	struct shop shop;
	uint8_t *large = test_malloc(300000);
	struct bytes input = {large, 300000};

	(void)state;
	memset(large, 'x', 300000);
	open_shop(&shop, COLLECTION_MAP, "str:str");
	shop.options.input = &input;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(line, sizeof line, "put k%u -", i);
		assert_int_equal(run(&shop, line), EXIT_YES);
	}
	assert_int_equal(run(&shop, "values"), EXIT_YES);
	assert_int_equal(shop.requests, 4);
	assert_int_equal(shop.output.size, 10 * 300001);
	test_free(large);
	close_shop(&shop);
}

static void set_verbs(void **state)
{
	struct shop shop;

	(void)state;
	open_shop(&shop, COLLECTION_SET, "i64");
	assert_run(&shop, "add 5 -3 5", EXIT_YES, "");
	assert_run(&shop, "add 5", EXIT_YES, "");
	assert_run(&shop, "ls", EXIT_YES, "-3\n5\n");
	assert_run(&shop, "has -3", EXIT_YES, "");
	assert_run(&shop, "has 0", EXIT_NO, "");
	assert_run(&shop, "rm 7 5", EXIT_YES, "");
	assert_run(&shop, "len", EXIT_YES, "1\n");
	assert_run(&shop, "clear", EXIT_YES, "");
	assert_run(&shop, "ls", EXIT_YES, "");
	assert_run(&shop, "add 1 one", EXIT_USAGE, "");
	assert_run(&shop, "len", EXIT_YES, "0\n");
	close_shop(&shop);
}

static void vec_verbs(void **state)
{
	struct shop shop;

	(void)state;
	open_shop(&shop, COLLECTION_VEC, "str");
	assert_run(&shop, "push b c", EXIT_YES, "");
	assert_run(&shop, "push-front a", EXIT_YES, "");
	assert_run(&shop, "insert 3 d", EXIT_YES, "");
	assert_run(&shop, "insert 9 x", EXIT_DATA, "");
	assert_string_equal(shop.problem, "the index is beyond the end: there are 4");
	assert_run(&shop, "ls", EXIT_YES, "a\nb\nc\nd\n");
	assert_run(&shop, "get 1 9 3", EXIT_NO, "b\nd\n");
	assert_run(&shop, "swap 0 3", EXIT_YES, "");
	assert_run(&shop, "swap 0 4", EXIT_NO, "");
	assert_run(&shop, "index-of a", EXIT_YES, "3\n");
	assert_run(&shop, "index-of x", EXIT_NO, "");
	assert_run(&shop, "pop", EXIT_YES, "a\n");
	assert_run(&shop, "pop-front", EXIT_YES, "d\n");
	assert_run(&shop, "rm 5", EXIT_NO, "");
	assert_run(&shop, "rm 0", EXIT_YES, "");
	assert_run(&shop, "truncate 5", EXIT_YES, "");
	shop.options.form = VERB_JSON;
	assert_run(&shop, "ls", EXIT_YES, "{\"index\":0,\"value\":\"c\"}\n");
	assert_run(&shop, "get 0", EXIT_YES, "{\"index\":0,\"value\":\"c\"}\n");
	assert_run(&shop, "pop", EXIT_YES, "{\"index\":0,\"value\":\"c\"}\n");
	assert_run(&shop, "pop", EXIT_NO, "");
	assert_run(&shop, "get x", EXIT_USAGE, "");
	assert_string_equal(shop.problem, "'x' is not a number");
	close_shop(&shop);
}

static void cell_and_once_verbs(void **state)
{
	struct shop shop;

	(void)state;
	open_shop(&shop, COLLECTION_CELL, "json");
	assert_run(&shop, "get", EXIT_NO, "");
	assert_run(&shop, "set {\"b\":1,\"a\":2}", EXIT_YES, "");
	assert_run(&shop, "get", EXIT_YES, "{\"a\":2,\"b\":1}\n");
	shop.options = (struct verb_options){.from = "{\"b\":1, \"a\":2}", .to = "3"};     /* equal when canonical */
	assert_run(&shop, "cas", EXIT_YES, "");
	shop.options = (struct verb_options){0};
	assert_run(&shop, "cas", EXIT_NO, "3\n");
	assert_run(&shop, "clear", EXIT_YES, "");
	assert_run(&shop, "clear", EXIT_YES, "");
	assert_run(&shop, "set {", EXIT_USAGE, "");
	close_shop(&shop);
	open_shop(&shop, COLLECTION_ONCE, "str");
	assert_run(&shop, "get", EXIT_NO, "");
	assert_run(&shop, "set me", EXIT_YES, "me\n");
	assert_run(&shop, "set you", EXIT_NO, "me\n");
	assert_run(&shop, "get", EXIT_YES, "me\n");
	close_shop(&shop);
}

static void pqueue_verbs(void **state)
{
	struct shop shop;

	(void)state;
	open_shop(&shop, COLLECTION_PQUEUE, "u64:str:str");
	assert_run(&shop, "min", EXIT_NO, "");
	assert_run(&shop, "take", EXIT_NO, "");
	assert_run(&shop, "push 30 c C", EXIT_YES, "");
	assert_run(&shop, "push 10 a A", EXIT_YES, "");
	assert_run(&shop, "push 20 b B", EXIT_YES, "");
	assert_run(&shop, "ls", EXIT_YES, "10\ta\tA\n20\tb\tB\n30\tc\tC\n");
	assert_run(&shop, "min", EXIT_YES, "10\ta\tA\n");
	assert_run(&shop, "max", EXIT_YES, "30\tc\tC\n");
	assert_run(&shop, "get b x", EXIT_NO, "20\tb\tB\n");
	assert_run(&shop, "reprio b 5", EXIT_YES, "");
	assert_run(&shop, "reprio x 5", EXIT_NO, "");
	assert_run(&shop, "set b Z", EXIT_YES, "");
	shop.options = (struct verb_options){.from = "Z", .to = "Y"};
	assert_run(&shop, "cas b", EXIT_YES, "");
	assert_run(&shop, "cas b", EXIT_NO, "Y\n");
	shop.options = (struct verb_options){.to = "Y"};
	assert_run(&shop, "cas b", EXIT_USAGE, "");
	shop.options = (struct verb_options){.form = VERB_JSON, .highest = true};
	assert_run(&shop, "take", EXIT_YES, "{\"priority\":30,\"key\":\"c\",\"value\":\"C\"}\n");
	shop.options = (struct verb_options){.descending = true};
	assert_run(&shop, "ls", EXIT_YES, "10\ta\tA\n5\tb\tY\n");
	assert_run(&shop, "rm x a", EXIT_YES, "");
	assert_run(&shop, "len", EXIT_YES, "1\n");
	close_shop(&shop);
}

static void pqueue_ranges(void **state)
{
	static const char *const left[][2] = {
		{"rm-range ..20", "20 30 40 "}, {"rm-range ..=20", "30 40 "}, {"rm-range 30..", "10 20 "}, {"rm-range ..", ""},
		{"rm-range 20..=30", "10 40 "}, {"rm-range 20..30", "10 30 40 "}, {"rm-range 50..60", "10 20 30 40 "}};
	char line[40];

	(void)state;
	for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
		struct buffer priorities = {0};
		struct shop shop;

		open_shop(&shop, COLLECTION_PQUEUE, "u64:str:str");
		for (unsigned n = 10; n <= 40; n += 10) {
			snprintf(line, sizeof line, "push %u k%u v", n, n);
			assert_run(&shop, line, EXIT_YES, "");
		}
		assert_run(&shop, left[i][0], EXIT_YES, "");
		assert_int_equal(run(&shop, "ls"), EXIT_YES);
		for (size_t at = 0; at < shop.output.size; at += 9) {      /* "10 k10 v" and the end of the line */
			buffer_append(&priorities, bytes_of(shop.output.data + at, 2));
			buffer_append(&priorities, bytes_of_text(" "));
		}
		assert_true(bytes_equal(buffer_bytes(&priorities), bytes_of_text(left[i][1])));
		assert_run(&shop, "rm-range 5", EXIT_USAGE, "");
		assert_run(&shop, "rm-range 1..x", EXIT_USAGE, "");
		close_shop(&shop);
		buffer_fini(&priorities);
	}
}

static void full_queues_say_no(void **state)
{
	struct shop shop;

	(void)state;
	open_shop(&shop, COLLECTION_PQUEUE, "u64:str:str");
	shop.state.ops->free(shop.state.self);
	shop.shape.capacity = 1;
	shop.state = collection_new(&shop.shape);
	assert_run(&shop, "push 5 a A", EXIT_YES, "");
	assert_run(&shop, "push 4 b B", EXIT_NO, "");
	assert_run(&shop, "push 6 c C", EXIT_YES, "");
	assert_run(&shop, "ls", EXIT_YES, "6\tc\tC\n");
	close_shop(&shop);
}

/* Answers that no collection gives: of the wrong types, cut off, lists that never end. */
static void hostile_answers(void **state)
{
	static const struct bytes answers[] = {
		{(const uint8_t *)"", 0}, {(const uint8_t *)"\x83\x00\x01\x80", 4}, {(const uint8_t *)"\x83\x00\x01\x81\xF6", 5},
		{(const uint8_t *)"\x83\x00\x01\x81\x40", 5}, {(const uint8_t *)"\x83\x00\x01\x81\x43\x41\x61\x41", 8},
		{(const uint8_t *)"\x83\x00\x00\x81\x44\x41\x61\x41\x62", 9}, {(const uint8_t *)"\x83\x00\x00\x83\x40\x40\x40", 7}};
	struct collection_shape shape = {.kind = COLLECTION_MAP, .type = {[PART_KEY] = TYPE_STR, [PART_VALUE] = TYPE_U64}};
	struct verb_options options = {0};
	struct buffer request = {0}, output = {0};
	char key[] = "a", *operand[] = {key};

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct verb_call list = {.shape = &shape, .verb = verb_find(COLLECTION_MAP, "ls"), .options = &options};
		struct verb_call get = {.shape = &shape, .verb = verb_find(COLLECTION_MAP, "get"), .options = &options,
			.operand = operand, .count = 1};

		assert_true(verb_next(&list, &request));
		assert_int_equal(verb_answer(&list, answers[i], &output), EXIT_PROTOCOL);
		assert_true(strlen(list.problem) > 0);
		assert_false(verb_next(&list, &request));
		assert_true(verb_next(&get, &request));
		assert_int_equal(verb_answer(&get, answers[i], &output), EXIT_PROTOCOL);
		assert_false(verb_next(&get, &request));
		verb_fini(&list);
		verb_fini(&get);
	}
	buffer_fini(&request);
	buffer_fini(&output);
}

static void every_verb_is_found_and_takes_its_operands(void **state)
{
	const struct verb *verb;

	(void)state;
	for (unsigned kind = 0; kind < COLLECTION_KINDS; kind++) {
		for (size_t n = 0; (verb = verb_list((enum collection_kind)kind, n)) != NULL; n++) {
			assert_ptr_equal(verb_find((enum collection_kind)kind, verb->name), verb);
			assert_true(strlen(verb->spec) <= VERB_OPERANDS_MAX);
			assert_true(verb_takes(verb, strlen(verb->spec)));
			assert_int_equal(verb_takes(verb, strlen(verb->spec) + 1), verb->repeats);
			assert_true(strlen(verb->spec) == 0 || !verb_takes(verb, 0));
			for (const char *letter = verb->spec; *letter; letter++)
				assert_non_null(strchr("kvpnr", *letter));
		}
		assert_null(verb_find((enum collection_kind)kind, "frobnicate"));
		assert_null(verb_list((enum collection_kind)kind, 100));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_verbs),
		cmocka_unit_test(map_cas),
		cmocka_unit_test(prefixes_and_forms),
		cmocka_unit_test(lists_of_many_pages),
		cmocka_unit_test(set_verbs),
		cmocka_unit_test(vec_verbs),
		cmocka_unit_test(cell_and_once_verbs),
		cmocka_unit_test(pqueue_verbs),
		cmocka_unit_test(pqueue_ranges),
		cmocka_unit_test(full_queues_say_no),
		cmocka_unit_test(hostile_answers),
		cmocka_unit_test(every_verb_is_found_and_takes_its_operands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
