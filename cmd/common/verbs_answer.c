/*
 * verbs_answer.c - what the answer to a verb comes to; see verbs.h.
 */
#include "cmd/common/verbs.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cmd/common/exit.h"
#include "cmd/common/values.h"
#include "collections/sequence.h"

#define MASK(part) (1u << (part))

/* Some parts of one entry; an index instead of a key in a vec. */
struct shown {
	unsigned mask;
	struct bytes part[PARTS];
	uint64_t index;
};

static void end_line(const struct verb_call *call, struct buffer *out)
{
	buffer_append(out, bytes_of(call->options->form == VERB_NUL ? "\0" : "\n", 1));
}

static void show_json(const struct verb_call *call, const struct shown *shown, struct buffer *out)
{
	static const char *const names[PARTS] = {"priority", "key", "value"};
	const char *before = "{";
	char index[40];

	if (call->shape->kind == COLLECTION_VEC) {
		snprintf(index, sizeof index, "{\"index\":%llu", (unsigned long long)shown->index);
		buffer_append(out, bytes_of_text(index));
		before = ",";
	}
	for (unsigned i = 0; i < PARTS; i++) {
		if (!(shown->mask & MASK(i)))
			continue;
		buffer_append(out, bytes_of_text(before));
		values_member(names[i], call->shape->type[i], shown->part[i], out);
		before = ",";
	}
	buffer_append(out, bytes_of_text("}"));
	end_line(call, out);
}

/* A value alone as it is; several as fields of a line, or each on its own with NUL. */
static void show_text(const struct verb_call *call, const struct shown *shown, struct buffer *out)
{
	bool alone = (shown->mask & (shown->mask - 1)) == 0, first = true;

	for (unsigned i = 0; i < PARTS; i++) {
		if (!(shown->mask & MASK(i)))
			continue;
		if (alone || call->options->form == VERB_NUL) {
			type_print(call->shape->type[i], shown->part[i], out);
			end_line(call, out);
			continue;
		}
		if (!first)
			buffer_append(out, bytes_of_text("\t"));
		values_field(call->shape->type[i], shown->part[i], out);
		first = false;
	}
	if (!alone && call->options->form == VERB_TEXT)
		end_line(call, out);
}

/* ---- -o ---- */

static const char *const column_names[PARTS + 1] = {
	[COLUMN_OF_PRIORITY] = "priority", [COLUMN_OF_KEY] = "key", [COLUMN_OF_VALUE] = "value", [COLUMN_OF_INDEX] = "index"};

bool verb_columns_read(enum collection_kind kind, const char *text, struct columns *out, const char **unknown)
{
	const char *name[PARTS + 1];

	for (unsigned i = 0; i <= PARTS; i++) {
		bool is_there = i < PARTS ? collection_has(kind, (enum part)i) : kind == COLLECTION_VEC;

		name[i] = is_there ? column_names[i] : NULL;
	}
	return columns_read(text, name, PARTS + 1, out, unknown);
}

static void show_index(uint64_t index, const char *before, struct buffer *out)
{
	char text[40];

	snprintf(text, sizeof text, "%s%llu", before, (unsigned long long)index);
	buffer_append(out, bytes_of_text(text));
}

static void show_chosen_json(const struct verb_call *call, const struct shown *shown, struct buffer *out)
{
	const struct columns *columns = &call->options->columns;
	const char *before = "{";

	for (size_t i = 0; i < columns->count; i++) {
		size_t column = columns->one[i];

		if (column != COLUMN_OF_INDEX && !(shown->mask & MASK(column)))
			continue;
		buffer_append(out, bytes_of_text(before));
		if (column == COLUMN_OF_INDEX)
			show_index(shown->index, "\"index\":", out);
		else
			values_member(column_names[column], call->shape->type[column], shown->part[column], out);
		before = ",";
	}
	buffer_append(out, bytes_of_text(*before == '{' ? "{}" : "}"));
	end_line(call, out);
}

/* One alone is as it is, as `keys` prints it. */
static void show_chosen(const struct verb_call *call, const struct shown *shown, struct buffer *out)
{
	const struct columns *columns = &call->options->columns;
	bool raw = columns->count == 1 || call->options->form == VERB_NUL;

	for (size_t i = 0; i < columns->count; i++) {
		size_t column = columns->one[i];

		if (i > 0 && !raw)
			buffer_append(out, bytes_of_text("\t"));
		if (column == COLUMN_OF_INDEX)
			show_index(shown->index, "", out);
		else if (shown->mask & MASK(column))
			(raw ? type_print : values_field)(call->shape->type[column], shown->part[column], out);
		if (call->options->form == VERB_NUL)
			end_line(call, out);
	}
	if (call->options->form != VERB_NUL)
		end_line(call, out);
}

static void show(const struct verb_call *call, const struct shown *shown, struct buffer *out)
{
	if (call->options->columns.count > 0)
		(call->options->form == VERB_JSON ? show_chosen_json : show_chosen)(call, shown, out);
	else if (call->options->form == VERB_JSON)
		show_json(call, shown, out);
	else
		show_text(call, shown, out);
}

static void show_value(const struct verb_call *call, struct bytes value, uint64_t index, struct buffer *out)
{
	struct shown shown = {.mask = MASK(PART_VALUE), .part = {[PART_VALUE] = value}, .index = index};
	bool with_key = call->options->form == VERB_JSON || call->options->columns.count > 0;

	if (with_key && call->part[PART_KEY].size > 0) {
		shown.mask |= MASK(PART_KEY);
		shown.part[PART_KEY] = buffer_bytes(&call->part[PART_KEY]);
	}
	show(call, &shown, out);
}

static void show_count(const struct verb_call *call, uint64_t count, struct buffer *out)
{
	char text[40];

	snprintf(text, sizeof text, call->options->form == VERB_JSON ? "{\"count\":%llu}" : "%llu", (unsigned long long)count);
	buffer_append(out, bytes_of_text(text));
	end_line(call, out);
}

/* ---- entries ---- */

/* What stands in an answer, and what of it is shown: `values` asks for the keys too, to go on after the last. */
static unsigned told_mask(const struct verb_call *call)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < PARTS; i++)
		mask |= collection_has(call->shape->kind, (enum part)i) ? MASK(i) : 0;
	return strcmp(call->verb->name, "keys") == 0 ? MASK(PART_KEY) : mask;
}

static unsigned shown_mask(const struct verb_call *call)
{
	return strcmp(call->verb->name, "values") == 0 ? MASK(PART_VALUE) : told_mask(call);
}

static void remember(struct verb_call *call, const struct shown *shown)
{
	buffer_clear(&call->after_priority);
	buffer_clear(&call->after_key);
	if (shown->mask & MASK(PART_PRIORITY))
		buffer_append(&call->after_priority, shown->part[PART_PRIORITY]);
	if (shown->mask & MASK(PART_KEY))
		buffer_append(&call->after_key, shown->part[PART_KEY]);
}

static bool is_sound(const struct verb_call *call, const struct shown *shown)
{
	for (unsigned i = 0; i < PARTS; i++) {
		if ((shown->mask & MASK(i)) && !type_holds(call->shape->type[i], shown->part[i]))
			return false;
	}
	return true;
}

static bool next_entry(struct bytes *rest, struct shown *shown)
{
	for (unsigned i = 0; i < PARTS; i++) {
		if ((shown->mask & MASK(i)) && !sequence_next(rest, &shown->part[i]))
			return false;
	}
	return true;
}

/* false: what the member said makes no sense. */
static bool show_page(struct verb_call *call, const struct result *result, struct buffer *out)
{
	struct shown shown = {.mask = told_mask(call)};
	struct bytes rest = result->value[0];
	bool any = false;

	while (rest.size > 0) {
		shown.index = call->after_index;
		shown.mask = told_mask(call);
		if (!next_entry(&rest, &shown) || !is_sound(call, &shown))
			return false;
		any = true;
		call->after_index++;
		remember(call, &shown);
		shown.mask = shown_mask(call);
		show(call, &shown, out);
	}
	call->resumes = result->count > 0;
	return any || !call->resumes;      /* an empty page that promises more would never end */
}

static bool show_entry(struct verb_call *call, const struct result *result, struct buffer *out)
{
	struct shown shown = {.mask = told_mask(call)};

	for (unsigned i = 0; i < PARTS; i++)
		shown.part[i] = result->value[i];
	if (!is_sound(call, &shown))
		return false;
	show(call, &shown, out);
	return true;
}

/* ---- outcomes ---- */

static int refuse(struct verb_call *call, const struct result *result)
{
	static const char *const texts[OUTCOMES] = {
		[OUTCOME_TYPE] = "is not of the type of the store",
		[OUTCOME_LARGE] = "is too large for one answer",
		[OUTCOME_MALFORMED] = "is not understood by the member that was asked",
	};

	if (result->outcome == OUTCOME_RANGE)
		snprintf(call->problem, sizeof call->problem, "the index is beyond the end: there are %llu",
			(unsigned long long)result->count);
	else
		snprintf(call->problem, sizeof call->problem, "what was asked for %s", texts[result->outcome]);
	return result->outcome == OUTCOME_MALFORMED ? EXIT_PROTOCOL : EXIT_DATA;
}

static int nonsense(struct verb_call *call)
{
	snprintf(call->problem, sizeof call->problem, "the member that was asked gave an answer that makes no sense");
	call->ended = true;
	return EXIT_PROTOCOL;
}

/* A value that stands there, of a compare-and-swap or a once that came to nothing. */
static int answer_no(struct verb_call *call, const struct result *result, struct buffer *out)
{
	if (result->values == 0)
		return EXIT_NO;
	if (!type_holds(call->shape->type[PART_VALUE], result->value[0]))
		return nonsense(call);
	show_value(call, result->value[0], 0, out);
	return EXIT_NO;
}

static int answer_yes(struct verb_call *call, const struct result *result, struct buffer *out)
{
	bool is_list = result->values == 1;

	if (result->left_out && call->verb->shown != SHOWN_NOTHING)
		return nonsense(call);
	switch (call->verb->shown) {
	case SHOWN_NOTHING:
		break;
	case SHOWN_COUNT:
		show_count(call, result->count, out);
		break;
	case SHOWN_VALUE:
		if (result->values != 1 || !type_holds(call->shape->type[PART_VALUE], result->value[0]))
			return nonsense(call);
		show_value(call, result->value[0], strcmp(call->verb->name, "pop-front") == 0 ? 0 : result->count, out);
		break;
	case SHOWN_STANDING:
		show_value(call, buffer_bytes(&call->part[PART_VALUE]), 0, out);
		break;
	case SHOWN_ENTRIES:
		if ((!is_list && result->values != PARTS) ||
			!(is_list ? show_page(call, result, out) : show_entry(call, result, out)))
			return nonsense(call);
		break;
	}
	return EXIT_YES;
}

int verb_answer(struct verb_call *call, struct bytes answer, struct buffer *output)
{
	struct result result;

	call->problem[0] = '\0';
	if (result_decode(answer, &result) != OK)
		return nonsense(call);
	if (result.outcome == OUTCOME_DONE)
		return answer_yes(call, &result, output);
	call->resumes = false;
	if (result.outcome == OUTCOME_NOTHING)
		return call->verb->minds ? EXIT_NO : EXIT_YES;
	if (result.outcome == OUTCOME_MISMATCH)
		return answer_no(call, &result, output);
	return result.outcome == OUTCOME_FULL ? EXIT_NO : refuse(call, &result);
}
