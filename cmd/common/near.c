/*
 * near.c - see near.h.
 *
 * Optimal string alignment (Damerau 1964): insertions, deletions, substitutions and swaps of neighbours, each one
 * slip. A candidate counts when it needs at most one slip for every three letters, so that a short word is not
 * explained by something unrelated; a candidate that begins with the whole word counts as one slip, because people
 * abbreviate.
 */
#include "cmd/common/near.h"

#include <stdint.h>
#include <string.h>

#include "base/check.h"

#define WORD_MAX 40      /* longer words get no hint */
#define FAR SIZE_MAX

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static size_t slips(const char *a, const char *b)
{
	size_t row[3][WORD_MAX + 1];
	size_t a_size = strlen(a), b_size = strlen(b);
	size_t *before = row[0], *last = row[1], *now = row[2];

	ASSERT(a_size <= WORD_MAX && b_size <= WORD_MAX);
	memset(row, 0, sizeof row);
	for (size_t j = 0; j <= b_size; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t *oldest = before;

		now[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1, FAR);
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[b_size];
}

struct near near_to(const char *word)
{
	ASSERT(word);
	return (struct near){.word = word, .distance = FAR};
}

void near_offer(struct near *near, const char *candidate)
{
	size_t size = strlen(near->word), distance;

	if (size == 0 || size > WORD_MAX || strlen(candidate) > WORD_MAX)
		return;
	distance = strncmp(candidate, near->word, size) == 0 ? 1 : slips(near->word, candidate);
	if (distance < near->distance && distance <= (size + 2) / 3) {
		near->best = candidate;
		near->distance = distance;
	}
}
