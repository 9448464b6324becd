/*
 * group_registers.c - registers by name as the replicated machine of a group: what members run behind
 * `mosaik-group join GROUP --` in tests that judge histories (tests/net/group_load.c asks it).
 *
 *     apply   w KEY VALUE         ok
 *             s KEY VALUE         the value before
 *             c KEY OLD NEW       ok, or fail if it does not hold OLD
 *     query   r KEY               the value
 *
 * A register that was never written holds "-". Every apply and query has one line of reply. A snapshot is a line a register,
 * KEY SPACE VALUE, in the order in which this process saw them: members need not agree on its bytes.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 1024
#define WORD_MAX 48
#define FIELDS_MAX 4
#define LINE_SIZE 512

struct registers {
	size_t count;
	char key[KEYS_MAX][WORD_MAX];
	char value[KEYS_MAX][WORD_MAX];
};

static char *register_of(struct registers *registers, const char *key)
{
	size_t at = 0;

	while (at < registers->count && strcmp(registers->key[at], key) != 0)
		at++;
	if (at == KEYS_MAX)
		exit(EXIT_FAILURE);
	if (at == registers->count) {
		registers->count++;
		snprintf(registers->key[at], WORD_MAX, "%s", key);
		snprintf(registers->value[at], WORD_MAX, "-");
	}
	return registers->value[at];
}

static size_t split(char *line, const char *at, char **field, size_t most)
{
	size_t count = 0;
	char *rest = line;

	while (count < most && (field[count] = strsep(&rest, at)) != NULL)
		count++;
	return count;
}

/* The result of an order, until the next one; NULL: it is none. */
static const char *carry_out(struct registers *registers, char *order)
{
	static char before[WORD_MAX];
	char *word[FIELDS_MAX] = {NULL}, *value;
	size_t words = split(order, " ", word, FIELDS_MAX);

	if (words < 2)
		return NULL;
	value = register_of(registers, word[1]);
	memcpy(before, value, sizeof before);
	if (strcmp(word[0], "r") == 0 && words == 2)
		return before;
	if (strcmp(word[0], "c") == 0 && words == 4) {
		if (strcmp(value, word[2]) != 0)
			return "fail";
		snprintf(value, WORD_MAX, "%s", word[3]);
		return "ok";
	}
	if (words != 3 || (strcmp(word[0], "w") != 0 && strcmp(word[0], "s") != 0))
		return NULL;
	snprintf(value, WORD_MAX, "%s", word[2]);
	return word[0][0] == 'w' ? "ok" : before;
}

static void write_snapshot(const struct registers *registers, const char *id)
{
	size_t size = 0;

	for (size_t i = 0; i < registers->count; i++)
		size += strlen(registers->key[i]) + strlen(registers->value[i]) + 2;
	printf("snap\t%s\t%zu\n", id, size);
	for (size_t i = 0; i < registers->count; i++)
		printf("%s %s\n", registers->key[i], registers->value[i]);
}

static bool read_snapshot(struct registers *registers, const char *length)
{
	size_t left = strtoul(length, NULL, 10);
	char line[LINE_SIZE];

	registers->count = 0;
	while (left > 0 && fgets(line, sizeof line, stdin) && strlen(line) <= left) {
		char *word[2] = {NULL};

		left -= strlen(line);
		line[strcspn(line, "\n")] = '\0';
		if (split(line, " ", word, 2) == 2)
			snprintf(register_of(registers, word[0]), WORD_MAX, "%s", word[1]);
	}
	return left == 0;
}

static void reply(struct registers *registers, const char *id, char *order)
{
	const char *result = carry_out(registers, order);

	if (result)
		printf("ok\t%s\t%s\n", id, result);
	else
		printf("err\t%s\tno such order\n", id);
}

int main(void)
{
	static struct registers registers;
	char line[LINE_SIZE];

	while (fgets(line, sizeof line, stdin)) {
		char *field[FIELDS_MAX] = {NULL};
		size_t fields;

		line[strcspn(line, "\n")] = '\0';
		fields = split(line, "\t", field, FIELDS_MAX);
		if (fields == 2 && strcmp(field[0], "snapshot") == 0)
			write_snapshot(&registers, field[1]);
		else if (fields == 2 && strcmp(field[0], "restore") == 0 && read_snapshot(&registers, field[1]))
			continue;
		else if (fields >= 3)
			reply(&registers, field[1], field[fields - 1]);
		else
			return EXIT_FAILURE;
		if (fflush(stdout) != 0)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
