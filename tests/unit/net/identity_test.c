/*
 * identity_test.c - keys from text and files; what is no safe key file is refused.
 */
#include "net/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char folder[64];
	char path[128];
};

static int make_place(void **state)
{
	struct place *place = test_malloc(sizeof *place);
	const char *base = getenv("TMPDIR");

	snprintf(place->folder, sizeof place->folder, "%.40s/identity.XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(place->folder))
		return -1;
	snprintf(place->path, sizeof place->path, "%s/key", place->folder);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;
	char inner[160];

	unlink(place->path);
	snprintf(inner, sizeof inner, "%s/a/b/key", place->folder);
	unlink(inner);
	snprintf(inner, sizeof inner, "%s/a/b", place->folder);
	rmdir(inner);
	snprintf(inner, sizeof inner, "%s/a", place->folder);
	rmdir(inner);
	int failed = rmdir(place->folder);   /* fails if a temporary file was left behind */
	test_free(place);
	return failed;
}

static void put_file(const struct place *place, const char *text, mode_t mode)
{
	int fd = open(place->path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void a_seed_text_gives_the_known_key(void **state)
{
	struct keypair pair, again;
	char text[ID_TEXT_SIZE];

	(void)state;
	/* RFC 8032 section 7.1, test 1 */
	identity_from_seed_text("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", &pair);
	id_format(&pair.public_key, text);
	assert_string_equal(text, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
	identity_from_seed_text("alice", &pair);
	struct id hash = id_hash(bytes_of_text("alice"));
	assert_memory_equal(pair.seed, hash.byte, SEED_SIZE);
	identity_from_seed_text("alice", &again);
	assert_true(id_equal(&pair.public_key, &again.public_key));
}

static void random_keys_differ(void **state)
{
	struct keypair one, two;

	(void)state;
	identity_random(&one);
	identity_random(&two);
	assert_false(id_equal(&one.public_key, &two.public_key));
	assert_true(crypto_key_is_usable(&one.public_key));
}

static void a_saved_key_is_loaded(void **state)
{
	struct place *place = *state;
	struct keypair pair, back;
	struct stat stat_of;

	identity_random(&pair);
	assert_int_equal(identity_save(place->path, &pair), OK);
	assert_int_equal(stat(place->path, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0600);
	assert_int_equal(stat_of.st_size, 65);
	assert_int_equal(identity_load(place->path, &back), OK);
	assert_memory_equal(pair.seed, back.seed, SEED_SIZE);
	assert_true(id_equal(&pair.public_key, &back.public_key));
}

static void a_key_is_never_overwritten(void **state)
{
	struct place *place = *state;
	struct keypair pair, back;

	identity_from_seed_text("one", &pair);
	assert_int_equal(identity_save(place->path, &pair), OK);
	identity_from_seed_text("two", &back);
	assert_int_equal(identity_save(place->path, &back), ERROR_SYSTEM);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(identity_load(place->path, &back), OK);
	assert_true(id_equal(&pair.public_key, &back.public_key));
}

static void parents_are_made_private(void **state)
{
	struct place *place = *state;
	struct keypair pair;
	struct stat stat_of;
	char path[160];

	snprintf(path, sizeof path, "%s/a/b/key", place->folder);
	identity_random(&pair);
	assert_int_equal(identity_save(path, &pair), OK);
	snprintf(path, sizeof path, "%s/a/b", place->folder);
	assert_int_equal(stat(path, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0700);
}

static void unsafe_or_broken_files_are_refused(void **state)
{
	static const char good[] = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n";
	struct place *place = *state;
	struct keypair pair;
	char text[80];

	assert_int_equal(identity_load(place->path, &pair), ERROR_SYSTEM);
	assert_int_equal(errno, ENOENT);
	put_file(place, good, 0600);
	assert_int_equal(identity_load(place->path, &pair), OK);
	put_file(place, good, 0640);
	assert_int_equal(identity_load(place->path, &pair), ERROR_NOT_ALLOWED);
	put_file(place, good, 0604);
	assert_int_equal(identity_load(place->path, &pair), ERROR_NOT_ALLOWED);
	put_file(place, good, 0600);
	put_file(place, "", 0600);
	assert_int_equal(identity_load(place->path, &pair), ERROR_BAD_TEXT);
	snprintf(text, sizeof text, "%.64s", good);
	put_file(place, text, 0600);                 /* no newline: cut short? */
	assert_int_equal(identity_load(place->path, &pair), ERROR_BAD_TEXT);
	snprintf(text, sizeof text, "%s\n", good);
	put_file(place, text, 0600);
	assert_int_equal(identity_load(place->path, &pair), ERROR_BAD_TEXT);
	snprintf(text, sizeof text, "%s", good);
	text[5] = 'g';
	put_file(place, text, 0600);
	assert_int_equal(identity_load(place->path, &pair), ERROR_BAD_TEXT);
	assert_int_equal(identity_load(place->folder, &pair), ERROR_BAD_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_text_gives_the_known_key),
		cmocka_unit_test(random_keys_differ),
		cmocka_unit_test_setup_teardown(a_saved_key_is_loaded, make_place, remove_place),
		cmocka_unit_test_setup_teardown(a_key_is_never_overwritten, make_place, remove_place),
		cmocka_unit_test_setup_teardown(parents_are_made_private, make_place, remove_place),
		cmocka_unit_test_setup_teardown(unsafe_or_broken_files_are_refused, make_place, remove_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
