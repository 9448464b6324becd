/*
 * local_test.c - the same-host rendezvous, in a directory of the test's own: files of the living, of the dead, and
 * directories that somebody else could write to.
 */
#include "runtime/local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

#define NOBODY 65534

/* A fresh place for the base, which the code makes itself. */
struct place {
	char top[64];
	char base[80];
};

static int set_up(void **state)
{
	struct place *place = memory_new(sizeof *place);

	snprintf(place->top, sizeof place->top, "/tmp/mosaik-local-test.XXXXXX");
	if (!mkdtemp(place->top))
		return -1;
	snprintf(place->base, sizeof place->base, "%s/base", place->top);
	setenv("MOSAIK_RUNTIME_DIR", place->base, 1);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", place->top);
	memory_free(place);
	return system(command) == 0 ? 0 : -1;
}

static struct id network(void)
{
	return id_hash(bytes_of_text("network"));
}

/* Peer `number`, who has one address. */
static struct dial dial_of(uint8_t number)
{
	struct keypair pair = {.seed = {number}};

	crypto_ed25519.derive(&pair);
	return (struct dial){.peer = pair.public_key, .count = 1,
		.address = {{.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, .port = (uint16_t)(7000 + number)}}};
}

static struct local *publish(const struct dial *dial)
{
	struct local *local = NULL;
	struct id id = network();
	enum error error = local_publish(&id, dial, &local);

	assert_int_equal(error, OK);
	assert_non_null(local);
	return local;
}

static enum error try_publish(const struct dial *dial)
{
	struct local *local = NULL;
	struct id id = network();
	enum error error = local_publish(&id, dial, &local);

	if (error == OK)
		local_withdraw(local);
	else
		assert_null(local);
	return error;
}

static size_t find(const struct id *self, struct dial *out, size_t most)
{
	struct id id = network();

	return local_find(&id, self, out, most);
}

static void file_of(const struct dial *dial, char out[LOCAL_PATH_SIZE + ID_TEXT_SIZE])
{
	char folder[LOCAL_PATH_SIZE], hex[ID_TEXT_SIZE];
	struct id id = network();

	local_path(&id, folder);
	id_format(&dial->peer, hex);
	snprintf(out, LOCAL_PATH_SIZE + ID_TEXT_SIZE, "%s/%s", folder, hex);
}

static bool exists(const struct dial *dial)
{
	char path[LOCAL_PATH_SIZE + ID_TEXT_SIZE];

	file_of(dial, path);
	return access(path, F_OK) == 0;
}

static void assert_same_dial(const struct dial *a, const struct dial *b)
{
	assert_true(id_equal(&a->peer, &b->peer));
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		assert_true(address_equal(&a->address[i], &b->address[i]));
}

/* ---- the living and the dead ---- */

static void two_nodes_find_each_other(void **state)
{
	struct dial a = dial_of(1), b = dial_of(2), found[4];
	struct local *local_a = publish(&a), *local_b = publish(&b);

	(void)state;
	assert_int_equal(find(&a.peer, found, 4), 1);
	assert_same_dial(&found[0], &b);
	assert_int_equal(find(&b.peer, found, 4), 1);
	assert_same_dial(&found[0], &a);
	assert_int_equal(find(NULL, found, 4), 2);
	assert_int_equal(find(NULL, found, 1), 1);
	assert_int_equal(find(NULL, found, 0), 0);
	local_withdraw(local_a);
	assert_false(exists(&a));
	assert_int_equal(find(&b.peer, found, 4), 0);
	assert_int_equal(find(NULL, found, 4), 1);
	local_withdraw(local_b);
	local_withdraw(NULL);
	assert_int_equal(find(NULL, found, 4), 0);
}

static void another_network_is_another_folder(void **state)
{
	struct dial a = dial_of(1), found[4];
	struct local *local = publish(&a);
	struct id other = id_hash(bytes_of_text("other"));

	(void)state;
	assert_int_equal(local_find(&other, NULL, found, 4), 0);
	local_withdraw(local);
}

/* Publishes dial in a child that is killed: no goodbye, the file stays. */
static void die_with_a_file(const struct dial *dial)
{
	int ready[2], status;
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct local *local;
		struct id id = network();

		if (local_publish(&id, dial, &local) == OK && write(ready[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void the_file_of_the_dead_is_removed(void **state)
{
	struct dial dead = dial_of(1), alive = dial_of(2), found[4];
	struct local *local = publish(&alive);

	(void)state;
	die_with_a_file(&dead);
	assert_true(exists(&dead));
	assert_int_equal(find(NULL, found, 4), 1);
	assert_same_dial(&found[0], &alive);
	assert_false(exists(&dead));
	assert_true(exists(&alive));
	local_withdraw(local);
}

static void the_file_of_the_dead_is_taken_over_by_the_next_life(void **state)
{
	struct dial dial = dial_of(1), found[4];
	struct local *local;

	(void)state;
	die_with_a_file(&dial);
	dial.address[0].port = 8000;
	local = publish(&dial);
	assert_int_equal(find(NULL, found, 4), 1);
	assert_same_dial(&found[0], &dial);
	local_withdraw(local);
}

/* The old life is slow to leave; what it takes away must be its own. */
static void a_withdrawal_leaves_the_next_life_alone(void **state)
{
	struct dial before = dial_of(1), after = dial_of(1), found[4];
	struct local *old = publish(&before), *new;

	(void)state;
	after.address[0].port = 8000;
	new = publish(&after);
	local_withdraw(old);
	assert_int_equal(find(NULL, found, 4), 1);
	assert_same_dial(&found[0], &after);
	local_withdraw(new);
	assert_false(exists(&after));
}

static void what_is_no_token_is_passed_over(void **state)
{
	struct dial a = dial_of(1), found[4];
	struct local *local = publish(&a);
	char path[LOCAL_PATH_SIZE + ID_TEXT_SIZE];
	FILE *file;

	(void)state;
	file_of(&a, path);
	file = fopen(path, "w");   /* the lock stays, the content is nonsense */
	assert_non_null(file);
	fputs("nonsense\n", file);
	fclose(file);
	assert_int_equal(find(NULL, found, 4), 0);
	assert_true(exists(&a));
	local_withdraw(local);
}

static void files_are_for_nobody_else(void **state)
{
	const struct place *place = *state;
	struct dial a = dial_of(1);
	struct local *local = publish(&a);
	char path[LOCAL_PATH_SIZE + ID_TEXT_SIZE];
	struct stat about;

	file_of(&a, path);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	assert_int_equal(stat(place->base, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0700);
	local_withdraw(local);
}

/* ---- places that are not safely ours ---- */

static void a_base_that_others_may_write_to_is_refused(void **state)
{
	static const mode_t bad[] = {0777, 0770, 0722, 01777};
	const struct place *place = *state;
	struct dial a = dial_of(1), found[4];
	struct local *local;

	assert_int_equal(mkdir(place->base, 0700), 0);
	local = publish(&a);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(chmod(place->base, bad[i]), 0);
		assert_int_equal(try_publish(&a), ERROR_NOT_ALLOWED);
		assert_int_equal(find(NULL, found, 4), 0);
	}
	assert_int_equal(chmod(place->base, 0755), 0);   /* others may look */
	assert_int_equal(find(NULL, found, 4), 1);
	local_withdraw(local);
}

static void a_folder_that_others_may_write_to_is_refused(void **state)
{
	struct dial a = dial_of(1), found[4];
	struct local *local = publish(&a);
	char folder[LOCAL_PATH_SIZE];
	struct id id = network();

	(void)state;
	local_path(&id, folder);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(try_publish(&a), ERROR_NOT_ALLOWED);
	assert_int_equal(find(NULL, found, 4), 0);
	local_withdraw(local);
}

static void a_symbolic_link_is_refused(void **state)
{
	const struct place *place = *state;
	struct dial a = dial_of(1), found[4];
	char real[96];

	snprintf(real, sizeof real, "%s/real", place->top);
	assert_int_equal(mkdir(real, 0700), 0);
	assert_int_equal(symlink(real, place->base), 0);
	assert_int_equal(try_publish(&a), ERROR_NOT_ALLOWED);
	assert_int_equal(find(NULL, found, 4), 0);
}

static void a_base_of_somebody_else_is_refused(void **state)
{
	const struct place *place = *state;
	struct dial a = dial_of(1), found[4];

	if (geteuid() != 0)
		skip();   /* only root can give a directory away */
	assert_int_equal(mkdir(place->base, 0700), 0);
	assert_int_equal(chown(place->base, NOBODY, NOBODY), 0);
	assert_int_equal(try_publish(&a), ERROR_NOT_ALLOWED);
	assert_int_equal(find(NULL, found, 4), 0);
}

static void a_place_that_cannot_be_made_is_an_error_of_the_system(void **state)
{
	const struct place *place = *state;
	struct dial a = dial_of(1), found[4];
	char missing[96];

	snprintf(missing, sizeof missing, "%s/no/such", place->top);
	setenv("MOSAIK_RUNTIME_DIR", missing, 1);
	assert_int_equal(try_publish(&a), ERROR_SYSTEM);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(find(NULL, found, 4), 0);
}

/* Cut off, two networks would share a folder. */
static void a_base_too_long_for_our_paths_is_refused(void **state)
{
	const struct place *place = *state;
	struct dial a = dial_of(1), found[4];
	char base[LOCAL_PATH_SIZE];
	size_t size = (size_t)snprintf(base, sizeof base, "%s", place->top);

	while (size + 1 + ID_TEXT_SIZE <= LOCAL_PATH_SIZE)
		size += (size_t)snprintf(base + size, sizeof base - size, "/.");   /* the same directory, in longer words */
	setenv("MOSAIK_RUNTIME_DIR", base, 1);
	assert_int_equal(try_publish(&a), ERROR_SYSTEM);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(find(NULL, found, 4), 0);
	base[size - 2] = '\0';
	setenv("MOSAIK_RUNTIME_DIR", base, 1);
	assert_int_equal(try_publish(&a), OK);
}

static void the_base_follows_the_environment(void **state)
{
	char path[LOCAL_PATH_SIZE], hex[ID_TEXT_SIZE], expected[LOCAL_PATH_SIZE];
	struct id id = network();

	(void)state;
	id_format(&id, hex);
	setenv("MOSAIK_RUNTIME_DIR", "/a", 1);
	setenv("XDG_RUNTIME_DIR", "/b", 1);
	local_path(&id, path);
	snprintf(expected, sizeof expected, "/a/%s", hex);
	assert_string_equal(path, expected);
	setenv("MOSAIK_RUNTIME_DIR", "", 1);
	local_path(&id, path);
	snprintf(expected, sizeof expected, "/b/mosaik/%s", hex);
	assert_string_equal(path, expected);
	unsetenv("MOSAIK_RUNTIME_DIR");
	unsetenv("XDG_RUNTIME_DIR");
	local_path(&id, path);
	snprintf(expected, sizeof expected, "/tmp/mosaik-%u/%s", (unsigned)geteuid(), hex);
	assert_string_equal(path, expected);
}

/* ---- tokens ---- */

static void tokens_go_round(void **state)
{
	struct dial dial = dial_of(1), back = {0};
	char token[LOCAL_TOKEN_SIZE];
	enum error error;

	(void)state;
	while (dial.count < DIAL_ADDRESSES_MAX) {
		/* The longest text an address can have. */
		memset(dial.address[dial.count].ip, 0xfe, 16);
		dial.address[dial.count].port = (uint16_t)(65535 - dial.count);
		dial.count++;
	}
	local_format_token(&dial, token);
	error = local_parse_token(token, &back);
	assert_int_equal(error, OK);
	assert_same_dial(&back, &dial);
}

static void a_token_is_written_as_people_type_it(void **state)
{
	struct dial dial = dial_of(1);
	char token[LOCAL_TOKEN_SIZE], hex[ID_TEXT_SIZE], expected[LOCAL_TOKEN_SIZE];

	(void)state;
	id_format(&dial.peer, hex);
	dial.address[1] = (struct address){.ip = {[15] = 1}, .port = 5};
	dial.count = 2;
	local_format_token(&dial, token);
	snprintf(expected, sizeof expected, "%s@127.0.0.1:7001,[::1]:5", hex);
	assert_string_equal(token, expected);
	memset(&dial.peer, 0, sizeof dial.peer);
	local_format_token(&dial, token);
	assert_string_equal(token, "127.0.0.1:7001,[::1]:5");
	dial.count = 0;
	local_format_token(&dial, token);
	assert_string_equal(token, "");
}

static void a_token_without_a_peer_has_a_zero_one(void **state)
{
	struct dial dial;
	enum error error = local_parse_token("10.0.0.1:1,[fe80::1]:65535", &dial);

	(void)state;
	assert_int_equal(error, OK);
	assert_true(id_is_zero(&dial.peer));
	assert_int_equal(dial.count, 2);
	assert_int_equal(dial.address[1].port, 65535);
}

static void assert_refused(const char *token)
{
	struct dial dial = {.count = 77};
	enum error error = local_parse_token(token, &dial);

	assert_int_equal(error, ERROR_BAD_TEXT);
	assert_int_equal(dial.count, 77);   /* untouched */
}

static void what_is_no_token_is_refused(void **state)
{
	static const char *const bad[] = {"", "@", "@127.0.0.1:1", "127.0.0.1", "127.0.0.1:", ":1", "127.0.0.1:65536",
		"127.0.0.1:1,", ",127.0.0.1:1", "127.0.0.1:1,,127.0.0.1:2", "127.0.0.1:1 ", "localhost:1", "::1:5", "abc@127.0.0.1:1",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:12345"};
	struct dial dial = dial_of(1);
	char hex[ID_TEXT_SIZE], token[LOCAL_TOKEN_SIZE + 32];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused(bad[i]);
	id_format(&dial.peer, hex);
	snprintf(token, sizeof token, "%s@", hex);
	assert_refused(token);
	snprintf(token, sizeof token, "%s0@127.0.0.1:1", hex);
	assert_refused(token);
	hex[5] = 'g';
	snprintf(token, sizeof token, "%s@127.0.0.1:1", hex);
	assert_refused(token);
	/* The neutral element: a key that verifies anything. */
	snprintf(token, sizeof token, "01%062d@127.0.0.1:1", 0);
	assert_refused(token);
}

static void more_addresses_than_a_dial_holds_are_refused(void **state)
{
	char token[LOCAL_TOKEN_SIZE + 32];
	struct dial dial;
	enum error error;
	size_t size = 0;

	(void)state;
	for (size_t i = 0; i < DIAL_ADDRESSES_MAX; i++)
		size += (size_t)snprintf(token + size, sizeof token - size, "%s127.0.0.1:1", i > 0 ? "," : "");
	error = local_parse_token(token, &dial);
	assert_int_equal(error, OK);
	assert_int_equal(dial.count, DIAL_ADDRESSES_MAX);
	snprintf(token + size, sizeof token - size, ",127.0.0.1:1");
	assert_refused(token);
}

#define LOCAL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOCAL_TEST(two_nodes_find_each_other),
		LOCAL_TEST(another_network_is_another_folder),
		LOCAL_TEST(the_file_of_the_dead_is_removed),
		LOCAL_TEST(the_file_of_the_dead_is_taken_over_by_the_next_life),
		LOCAL_TEST(a_withdrawal_leaves_the_next_life_alone),
		LOCAL_TEST(what_is_no_token_is_passed_over),
		LOCAL_TEST(files_are_for_nobody_else),
		LOCAL_TEST(a_base_that_others_may_write_to_is_refused),
		LOCAL_TEST(a_folder_that_others_may_write_to_is_refused),
		LOCAL_TEST(a_symbolic_link_is_refused),
		LOCAL_TEST(a_base_of_somebody_else_is_refused),
		LOCAL_TEST(a_place_that_cannot_be_made_is_an_error_of_the_system),
		LOCAL_TEST(a_base_too_long_for_our_paths_is_refused),
		LOCAL_TEST(the_base_follows_the_environment),
		cmocka_unit_test(tokens_go_round),
		cmocka_unit_test(a_token_is_written_as_people_type_it),
		cmocka_unit_test(a_token_without_a_peer_has_a_zero_one),
		cmocka_unit_test(what_is_no_token_is_refused),
		cmocka_unit_test(more_addresses_than_a_dial_holds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
