/*
 * columns.c - see columns.h.
 */
#include "cmd/common/columns.h"

#include <string.h>

#include "base/check.h"

static bool has(const struct columns *columns, size_t which)
{
	for (size_t i = 0; i < columns->count; i++)
		if (columns->one[i] == which)
			return true;
	return false;
}

static bool add(const char *text, size_t size, const char *const *name, size_t count, struct columns *out)
{
	for (size_t i = 0; i < count; i++) {
		if (!name[i] || strlen(name[i]) != size || memcmp(name[i], text, size) != 0)
			continue;
		if (!has(out, i))        /* a JSON object has a member once */
			out->one[out->count++] = i;
		return true;
	}
	return false;
}

bool columns_read(const char *text, const char *const *name, size_t count, struct columns *out, const char **unknown)
{
	ASSERT(count <= COLUMNS_MAX);
	for (const char *rest = text; rest; rest = *rest == ',' ? rest + 1 : NULL) {
		size_t size = strcspn(rest, ",");

		if (!add(rest, size, name, count, out)) {
			*unknown = rest;
			return false;
		}
		rest += size;
	}
	return true;
}
