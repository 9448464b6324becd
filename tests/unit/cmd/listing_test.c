/*
 * listing_test.c - the three forms of one list, and that no name of a stranger can break any of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cmd/common/listing.h"

enum { ID, ADDR, TAGS, RTT };

static const struct column columns[] = {
	{"id", COLUMN_ID}, {"addr", COLUMN_TEXT}, {"tags", COLUMN_NAMES}, {"rtt_ms", COLUMN_NUMBER}, {.name = NULL}};

static char *printed;
static size_t printed_size;

static struct listing *begin(enum listing_form form, const char *wanted, FILE **file)
{
	const char *unknown = NULL;
	struct listing *listing;

	*file = open_memstream(&printed, &printed_size);
	assert_non_null(*file);
	listing = listing_new(*file, form, columns, wanted, &unknown);
	assert_non_null(listing);
	return listing;
}

static void end(struct listing *listing, FILE *file, size_t rows_expected)
{
	size_t rows;

	assert_int_equal(listing_finish(listing, &rows), OK);
	assert_int_equal(rows, rows_expected);
	listing_free(listing);
	fclose(file);
}

static struct id id_of(uint8_t byte)
{
	struct id id;

	memset(id.byte, byte, sizeof id.byte);
	return id;
}

static void add_two_peers(struct listing *listing)
{
	struct id first = id_of(0xAB), second = id_of(0x01), tag = id_of(0xCD);

	listing_id(listing, ID, &first);
	listing_text(listing, ADDR, bytes_of_text("192.0.2.1:6677"));
	listing_name(listing, TAGS, &tag, bytes_of_text("web"));
	listing_name(listing, TAGS, &tag, bytes_of_text(""));
	listing_real(listing, RTT, 0.25);
	listing_end_row(listing);
	listing_number(listing, RTT, 1234);
	listing_id(listing, ID, &second);
	listing_end_row(listing);
}

#define HEX8(x) x x x x x x x x
#define AB64 HEX8("abababab")
#define CD64 HEX8("cdcdcdcd")
#define ONE64 HEX8("01010101")

static void expect(enum listing_form form, const char *wanted, const char *expected)
{
	FILE *file;
	struct listing *listing = begin(form, wanted, &file);

	add_two_peers(listing);
	end(listing, file, 2);
	assert_string_equal(printed, expected);
	free(printed);
}

static void test_table(void **state)
{
	(void)state;
	expect(LISTING_TABLE, NULL,
		"id          addr            tags             rtt_ms\n"
		"ababababab  192.0.2.1:6677  web,#cdcdcdcdcd    0.25\n"
		"0101010101  -               -                  1234\n");
	expect(LISTING_TABLE, "rtt_ms,addr",
		"rtt_ms  addr\n"
		"  0.25  192.0.2.1:6677\n"
		"  1234  -\n");
}

static void test_tsv(void **state)
{
	(void)state;
	expect(LISTING_TSV, NULL, AB64 "\t192.0.2.1:6677\tweb," CD64 "\t0.25\n" ONE64 "\t\t\t1234\n");
	expect(LISTING_TSV, "tags", "web," CD64 "\n\n");
}

static void test_json(void **state)
{
	(void)state;
	expect(LISTING_JSON, NULL,
		"{\"id\":\"" AB64 "\",\"addr\":\"192.0.2.1:6677\",\"tags\":[\"web\",\"" CD64 "\"],\"rtt_ms\":0.25}\n"
		"{\"id\":\"" ONE64 "\",\"addr\":null,\"tags\":[],\"rtt_ms\":1234}\n");
	expect(LISTING_JSON, "addr,addr,id",
		"{\"addr\":\"192.0.2.1:6677\",\"id\":\"" AB64 "\"}\n{\"addr\":null,\"id\":\"" ONE64 "\"}\n");
}

static void test_unknown_column(void **state)
{
	const char *unknown = NULL;
	const char *wanted = "id,adr,tags";

	(void)state;
	assert_null(listing_new(stdout, LISTING_TSV, columns, wanted, &unknown));
	assert_ptr_equal(unknown, wanted + 3);
	assert_null(listing_new(stdout, LISTING_TSV, columns, "", &unknown));
	assert_null(listing_new(stdout, LISTING_TSV, columns, "id,", &unknown));
}

/* An empty list is an empty output: no header to mistake for a row. */
static void test_no_rows(void **state)
{
	(void)state;
	for (int form = LISTING_TABLE; form <= LISTING_JSON; form++) {
		FILE *file;
		struct listing *listing = begin((enum listing_form)form, NULL, &file);

		end(listing, file, 0);
		assert_string_equal(printed, "");
		free(printed);
	}
}

static void add_hostile(struct listing *listing)
{
	static const char name[] = "a\tb\nc\\d\x1B[31m\0e\xC2\x9Bx\xC3\xA9\x7F";

	listing_text(listing, ADDR, bytes_of(name, sizeof name - 1));
	listing_end_row(listing);
}

/* In a terminal that does not speak UTF-8 a single 9B starts a command. */
static void test_not_utf8(void **state)
{
	FILE *file;
	struct listing *listing = begin(LISTING_TSV, "addr", &file);

	(void)state;
	listing_text(listing, ADDR, bytes_of("a\x9B\xC3\xA9", 4));
	listing_end_row(listing);
	end(listing, file, 1);
	assert_string_equal(printed, "a\\x9b\\xc3\\xa9\n");
	free(printed);
}

static void test_hostile_names(void **state)
{
	FILE *file;
	struct listing *listing = begin(LISTING_TSV, "addr", &file);

	(void)state;
	add_hostile(listing);
	end(listing, file, 1);
	assert_string_equal(printed, "a\\tb\\nc\\\\d\\x1b[31m\\0e\\xc2\\x9bx\xC3\xA9\\x7f\n");
	free(printed);
	listing = begin(LISTING_TABLE, "addr", &file);
	add_hostile(listing);
	end(listing, file, 1);
	assert_null(memchr(printed, '\x1B', printed_size));
	free(printed);
	listing = begin(LISTING_JSON, "addr", &file);
	add_hostile(listing);
	end(listing, file, 1);
	assert_int_equal(strchr(printed, '\n') - printed, (ptrdiff_t)printed_size - 1);
	{
		json_t *value = json_loadb(printed, printed_size, JSON_ALLOW_NUL, NULL);

		assert_non_null(value);
		json_decref(value);
	}
	free(printed);
}

static void test_reals(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {{0, "0\n"}, {100, "100\n"}, {1.5, "1.5\n"}, {0.0004, "0\n"}, {0.001, "0.001\n"},
		{12345.6789, "12345.679\n"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		FILE *file;
		struct listing *listing = begin(LISTING_TSV, "rtt_ms", &file);

		listing_real(listing, RTT, rows[i].value);
		listing_end_row(listing);
		end(listing, file, 1);
		assert_string_equal(printed, rows[i].text);
		free(printed);
	}
}

static void test_write_error(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	const char *unknown;
	struct listing *listing;
	size_t rows;

	(void)state;
	assert_non_null(full);
	listing = listing_new(full, LISTING_TSV, columns, NULL, &unknown);
	add_two_peers(listing);
	assert_int_equal(listing_finish(listing, &rows), ERROR_SYSTEM);
	listing_free(listing);
	fclose(full);
}

/* Wider text than ASCII is counted in characters. */
static void test_width(void **state)
{
	FILE *file;
	struct listing *listing = begin(LISTING_TABLE, "addr,rtt_ms", &file);

	(void)state;
	listing_text(listing, ADDR, bytes_of_text("h\xC3\xA9\xC3\xA9h"));
	listing_number(listing, RTT, 1);
	listing_end_row(listing);
	end(listing, file, 1);
	assert_string_equal(printed, "addr  rtt_ms\nh\xC3\xA9\xC3\xA9h       1\n");
	free(printed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_tsv),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_unknown_column),
		cmocka_unit_test(test_no_rows),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_reals),
		cmocka_unit_test(test_write_error),
		cmocka_unit_test(test_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
