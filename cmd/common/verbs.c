/*
 * verbs.c - the table of verbs, and their requests. Answers: verbs_answer.c.
 */
#include "cmd/common/verbs.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cmd/common/values.h"
#include "collections/cell_wire.h"
#include "collections/map_wire.h"
#include "collections/once_wire.h"
#include "collections/sequence.h"
#include "collections/set_wire.h"
#include "collections/vec_wire.h"

static struct bytes part(const struct verb_call *call, enum part which)
{
	return buffer_bytes(&call->part[which]);
}

static struct bytes prefix_of(const struct verb_call *call)
{
	return call->options->prefix ? bytes_of_text(call->options->prefix) : bytes_of(NULL, 0);
}

/* ---- map ---- */

static void encode_map_get(const struct verb_call *call, struct buffer *out)
{
	map_get(out, part(call, PART_KEY));
}

static void encode_map_put(const struct verb_call *call, struct buffer *out)
{
	map_put(out, part(call, PART_KEY), part(call, PART_VALUE));
}

static void encode_map_del(const struct verb_call *call, struct buffer *out)
{
	map_remove_many(out, buffer_bytes(&call->many));
}

static void encode_map_len(const struct verb_call *call, struct buffer *out)
{
	map_len(out, prefix_of(call));
}

static void list_map(const struct verb_call *call, enum map_parts parts, struct buffer *out)
{
	map_list(out, &(struct map_list){
		.prefix = prefix_of(call), .resumes = call->resumes, .after = buffer_bytes(&call->after_key), .parts = parts});
}

static void encode_map_keys(const struct verb_call *call, struct buffer *out)
{
	list_map(call, MAP_KEYS, out);
}

static void encode_map_ls(const struct verb_call *call, struct buffer *out)
{
	list_map(call, MAP_PAIRS, out);
}

static void encode_map_clear(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	map_clear(out);
}

static void encode_map_cas(const struct verb_call *call, struct buffer *out)
{
	map_cas(out, &(struct map_swap){
		.key = part(call, PART_KEY),
		.has_expected = call->options->from != NULL,
		.has_replacement = call->options->to != NULL,
		.expected = buffer_bytes(&call->from),
		.replacement = buffer_bytes(&call->to),
	});
}

static const struct verb map_verbs[] = {
	{"get", "KEY...", "k", true, false, true, SHOWN_VALUE, encode_map_get},
	{"put", "KEY VALUE|-", "kv", false, true, false, SHOWN_NOTHING, encode_map_put},
	{"del", "KEY...", "k", true, true, false, SHOWN_NOTHING, encode_map_del},
	{"has", "KEY", "k", false, false, true, SHOWN_NOTHING, encode_map_get},
	{"len", "", "", false, false, true, SHOWN_COUNT, encode_map_len},
	{"keys", "", "", false, false, true, SHOWN_ENTRIES, encode_map_keys},
	{"values", "", "", false, false, true, SHOWN_ENTRIES, encode_map_ls},
	{"ls", "", "", false, false, true, SHOWN_ENTRIES, encode_map_ls},
	{"clear", "", "", false, true, false, SHOWN_NOTHING, encode_map_clear},
	{"cas", "KEY", "k", false, true, true, SHOWN_NOTHING, encode_map_cas},
	{0},
};

/* ---- set ---- */

static void encode_set_add(const struct verb_call *call, struct buffer *out)
{
	set_add_many(out, buffer_bytes(&call->many));
}

static void encode_set_rm(const struct verb_call *call, struct buffer *out)
{
	set_remove_many(out, buffer_bytes(&call->many));
}

static void encode_set_has(const struct verb_call *call, struct buffer *out)
{
	set_has(out, part(call, PART_KEY));
}

static void encode_set_len(const struct verb_call *call, struct buffer *out)
{
	set_len(out, prefix_of(call));
}

static void encode_set_ls(const struct verb_call *call, struct buffer *out)
{
	set_list(out, &(struct set_list){
		.prefix = prefix_of(call), .resumes = call->resumes, .after = buffer_bytes(&call->after_key)});
}

static void encode_set_clear(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	set_clear(out);
}

static const struct verb set_verbs[] = {
	{"add", "KEY...", "k", true, true, false, SHOWN_NOTHING, encode_set_add},
	{"rm", "KEY...", "k", true, true, false, SHOWN_NOTHING, encode_set_rm},
	{"has", "KEY", "k", false, false, true, SHOWN_NOTHING, encode_set_has},
	{"len", "", "", false, false, true, SHOWN_COUNT, encode_set_len},
	{"ls", "", "", false, false, true, SHOWN_ENTRIES, encode_set_ls},
	{"clear", "", "", false, true, false, SHOWN_NOTHING, encode_set_clear},
	{0},
};

/* ---- vec ---- */

static void encode_vec_push(const struct verb_call *call, struct buffer *out)
{
	vec_extend(out, buffer_bytes(&call->many));
}

static void encode_vec_push_front(const struct verb_call *call, struct buffer *out)
{
	vec_push_front(out, part(call, PART_VALUE));
}

static void encode_vec_pop(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	vec_pop(out);
}

static void encode_vec_pop_front(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	vec_pop_front(out);
}

static void encode_vec_insert(const struct verb_call *call, struct buffer *out)
{
	vec_insert(out, call->number[0], part(call, PART_VALUE));
}

static void encode_vec_get(const struct verb_call *call, struct buffer *out)
{
	vec_get(out, call->number[0]);
}

static void encode_vec_rm(const struct verb_call *call, struct buffer *out)
{
	vec_remove(out, call->number[0]);
}

static void encode_vec_swap(const struct verb_call *call, struct buffer *out)
{
	vec_swap(out, call->number[0], call->number[1]);
}

static void encode_vec_truncate(const struct verb_call *call, struct buffer *out)
{
	vec_truncate(out, call->number[0]);
}

static void encode_vec_index_of(const struct verb_call *call, struct buffer *out)
{
	vec_index_of(out, part(call, PART_VALUE));
}

static void encode_vec_len(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	vec_len(out);
}

static void encode_vec_ls(const struct verb_call *call, struct buffer *out)
{
	vec_list(out, call->after_index, 0);
}

static void encode_vec_clear(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	vec_clear(out);
}

static const struct verb vec_verbs[] = {
	{"push", "VALUE...|-", "v", true, true, false, SHOWN_NOTHING, encode_vec_push},
	{"push-front", "VALUE|-", "v", false, true, false, SHOWN_NOTHING, encode_vec_push_front},
	{"pop", "", "", false, true, true, SHOWN_VALUE, encode_vec_pop},
	{"pop-front", "", "", false, true, true, SHOWN_VALUE, encode_vec_pop_front},
	{"insert", "INDEX VALUE|-", "nv", false, true, true, SHOWN_NOTHING, encode_vec_insert},
	{"get", "INDEX...", "n", true, false, true, SHOWN_VALUE, encode_vec_get},
	{"rm", "INDEX", "n", false, true, true, SHOWN_NOTHING, encode_vec_rm},
	{"swap", "INDEX INDEX", "nn", false, true, true, SHOWN_NOTHING, encode_vec_swap},
	{"truncate", "LENGTH", "n", false, true, false, SHOWN_NOTHING, encode_vec_truncate},
	{"index-of", "VALUE", "v", false, false, true, SHOWN_COUNT, encode_vec_index_of},
	{"len", "", "", false, false, true, SHOWN_COUNT, encode_vec_len},
	{"ls", "", "", false, false, true, SHOWN_ENTRIES, encode_vec_ls},
	{"clear", "", "", false, true, false, SHOWN_NOTHING, encode_vec_clear},
	{0},
};

/* ---- cell and once ---- */

static void encode_cell_get(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	cell_get(out);
}

static void encode_cell_set(const struct verb_call *call, struct buffer *out)
{
	cell_set(out, part(call, PART_VALUE));
}

static void encode_cell_clear(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	cell_clear(out);
}

static void encode_cell_cas(const struct verb_call *call, struct buffer *out)
{
	cell_cas(out, &(struct cell_swap){
		.has_expected = call->options->from != NULL,
		.has_replacement = call->options->to != NULL,
		.expected = buffer_bytes(&call->from),
		.replacement = buffer_bytes(&call->to),
	});
}

static void encode_once_get(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	once_get(out);
}

static void encode_once_set(const struct verb_call *call, struct buffer *out)
{
	once_set(out, part(call, PART_VALUE));
}

static const struct verb cell_verbs[] = {
	{"get", "", "", false, false, true, SHOWN_VALUE, encode_cell_get},
	{"set", "VALUE|-", "v", false, true, false, SHOWN_NOTHING, encode_cell_set},
	{"cas", "", "", false, true, true, SHOWN_NOTHING, encode_cell_cas},
	{"clear", "", "", false, true, false, SHOWN_NOTHING, encode_cell_clear},
	{0},
};

static const struct verb once_verbs[] = {
	{"get", "", "", false, false, true, SHOWN_VALUE, encode_once_get},
	{"set", "VALUE|-", "v", false, true, true, SHOWN_STANDING, encode_once_set},
	{0},
};

/* ---- pqueue ---- */

static void encode_pqueue_push(const struct verb_call *call, struct buffer *out)
{
	pqueue_push(out, &(struct pqueue_entry){part(call, PART_PRIORITY), part(call, PART_KEY), part(call, PART_VALUE)});
}

static void encode_pqueue_get(const struct verb_call *call, struct buffer *out)
{
	pqueue_get(out, part(call, PART_KEY));
}

static void encode_pqueue_min(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	pqueue_min(out);
}

static void encode_pqueue_max(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	pqueue_max(out);
}

static void encode_pqueue_take(const struct verb_call *call, struct buffer *out)
{
	if (call->options->highest)
		pqueue_take_max(out);
	else
		pqueue_take_min(out);
}

static void encode_pqueue_ls(const struct verb_call *call, struct buffer *out)
{
	pqueue_list(out, &(struct pqueue_list){
		.descending = call->options->descending,
		.resumes = call->resumes,
		.after_priority = buffer_bytes(&call->after_priority),
		.after_key = buffer_bytes(&call->after_key),
	});
}

static void encode_pqueue_len(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	pqueue_len(out);
}

static void encode_pqueue_reprio(const struct verb_call *call, struct buffer *out)
{
	pqueue_set_priority(out, part(call, PART_KEY), part(call, PART_PRIORITY));
}

static void encode_pqueue_set(const struct verb_call *call, struct buffer *out)
{
	pqueue_set_value(out, part(call, PART_KEY), part(call, PART_VALUE));
}

static void encode_pqueue_cas(const struct verb_call *call, struct buffer *out)
{
	pqueue_cas(out, &(struct pqueue_swap){
		.key = part(call, PART_KEY),
		.expected = buffer_bytes(&call->from),
		.has_replacement = call->options->to != NULL,
		.replacement = buffer_bytes(&call->to),
	});
}

static void encode_pqueue_rm(const struct verb_call *call, struct buffer *out)
{
	pqueue_remove_many(out, buffer_bytes(&call->many));
}

static void encode_pqueue_rm_range(const struct verb_call *call, struct buffer *out)
{
	struct pqueue_range range = call->range;

	range.low = buffer_bytes(&call->from);
	range.high = buffer_bytes(&call->to);
	pqueue_remove_range(out, &range);
}

static void encode_pqueue_clear(const struct verb_call *call, struct buffer *out)
{
	(void)call;
	pqueue_clear(out);
}

static const struct verb pqueue_verbs[] = {
	{"push", "PRIORITY KEY VALUE|-", "pkv", false, true, true, SHOWN_NOTHING, encode_pqueue_push},
	{"get", "KEY...", "k", true, false, true, SHOWN_ENTRIES, encode_pqueue_get},
	{"min", "", "", false, false, true, SHOWN_ENTRIES, encode_pqueue_min},
	{"max", "", "", false, false, true, SHOWN_ENTRIES, encode_pqueue_max},
	{"take", "", "", false, true, true, SHOWN_ENTRIES, encode_pqueue_take},
	{"ls", "", "", false, false, true, SHOWN_ENTRIES, encode_pqueue_ls},
	{"len", "", "", false, false, true, SHOWN_COUNT, encode_pqueue_len},
	{"reprio", "KEY PRIORITY", "kp", false, true, true, SHOWN_NOTHING, encode_pqueue_reprio},
	{"set", "KEY VALUE|-", "kv", false, true, true, SHOWN_NOTHING, encode_pqueue_set},
	{"cas", "KEY", "k", false, true, true, SHOWN_NOTHING, encode_pqueue_cas},
	{"rm", "KEY...", "k", true, true, false, SHOWN_NOTHING, encode_pqueue_rm},
	{"rm-range", "LOW..HIGH", "r", false, true, false, SHOWN_NOTHING, encode_pqueue_rm_range},
	{"clear", "", "", false, true, false, SHOWN_NOTHING, encode_pqueue_clear},
	{0},
};

/* ---- the table ---- */

static const struct verb *const verbs[COLLECTION_KINDS] = {
	[COLLECTION_MAP] = map_verbs,
	[COLLECTION_VEC] = vec_verbs,
	[COLLECTION_SET] = set_verbs,
	[COLLECTION_CELL] = cell_verbs,
	[COLLECTION_ONCE] = once_verbs,
	[COLLECTION_PQUEUE] = pqueue_verbs,
};

const struct verb *verb_list(enum collection_kind kind, size_t n)
{
	const struct verb *verb = verbs[kind];

	while (verb->name && n-- > 0)
		verb++;
	return verb->name ? verb : NULL;
}

const struct verb *verb_find(enum collection_kind kind, const char *name)
{
	for (const struct verb *verb = verbs[kind]; verb->name; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
	}
	return NULL;
}

bool verb_takes(const struct verb *verb, size_t count)
{
	size_t wanted = strlen(verb->spec);

	return count == wanted || (verb->repeats && count > wanted);
}

/* ---- operands ---- */

static bool complain(struct verb_call *call, const char *text, const char *what)
{
	snprintf(call->problem, sizeof call->problem, "'%.100s' is not %s", text, what);
	return false;
}

static bool parse_part(struct verb_call *call, enum part which, struct bytes text, struct buffer *out)
{
	enum type type = call->shape->type[which];
	char shown[100], what[24];

	buffer_clear(out);
	if (values_parse(type, text, out) == OK)
		return true;
	snprintf(shown, sizeof shown, "%.*s", (int)(text.size < sizeof shown ? text.size : sizeof shown - 1),
		text.size > 0 ? (const char *)text.data : "");
	snprintf(what, sizeof what, "of type %s", type_name(type));
	return complain(call, shown, what);
}

static bool parse_number(struct verb_call *call, const char *text, uint64_t *out)
{
	struct buffer stored = {0};
	bool fits = type_from_text(TYPE_U64, bytes_of_text(text), &stored) == OK;

	if (fits)
		*out = type_get_u64(stored.data);
	buffer_fini(&stored);
	return fits || complain(call, text, "a number");
}

/* LOW..HIGH without HIGH, LOW..=HIGH with it; either may be left away. */
static bool parse_range(struct verb_call *call, const char *text)
{
	const char *dots = strstr(text, ".."), *high;

	if (!dots)
		return complain(call, text, "a range LOW..HIGH");
	high = dots + 2;
	call->range = (struct pqueue_range){.from = PQUEUE_UNBOUNDED, .to = PQUEUE_UNBOUNDED};
	if (*high != '\0')
		call->range.to = *high == '=' ? PQUEUE_INCLUDED : PQUEUE_EXCLUDED;
	high += *high == '=';
	if (dots != text) {
		call->range.from = PQUEUE_INCLUDED;
		if (!parse_part(call, PART_PRIORITY, bytes_of(text, (size_t)(dots - text)), &call->from))
			return false;
	}
	return call->range.to == PQUEUE_UNBOUNDED || parse_part(call, PART_PRIORITY, bytes_of_text(high), &call->to);
}

static bool parse_operand(struct verb_call *call, char letter, size_t at)
{
	const char *text = call->operand[at];
	struct bytes given = bytes_of_text(text);

	if (at + 1 == call->count && call->options->input && strcmp(text, "-") == 0)
		given = *call->options->input;
	switch (letter) {
	case 'k':
		return parse_part(call, PART_KEY, given, &call->part[PART_KEY]);
	case 'v':
		return parse_part(call, PART_VALUE, given, &call->part[PART_VALUE]);
	case 'p':
		return parse_part(call, PART_PRIORITY, given, &call->part[PART_PRIORITY]);
	case 'n':
		return parse_number(call, text, &call->number[call->verb->repeats ? 0 : at]);
	default:
		ASSERT(letter == 'r');
		return parse_range(call, text);
	}
}

/* Of a verb whose operands all go into one request. */
static bool parse_many(struct verb_call *call)
{
	enum part which = call->verb->spec[0] == 'k' ? PART_KEY : PART_VALUE;

	for (size_t i = 0; i < call->count; i++) {
		if (!parse_operand(call, call->verb->spec[0], i))
			return false;
		sequence_put(&call->many, buffer_bytes(&call->part[which]));
	}
	return true;
}

static bool parse_all(struct verb_call *call)
{
	const struct verb_options *options = call->options;

	if (call->verb->repeats)
		return call->verb->writes ? parse_many(call) : parse_operand(call, call->verb->spec[0], call->asked);
	for (size_t i = 0; i < call->count; i++) {
		if (!parse_operand(call, call->verb->spec[i], i))
			return false;
	}
	if (call->verb->encode == encode_pqueue_cas && !options->from)
		return complain(call, "--absent", "for a queue: a new entry needs a priority");
	return (!options->from || parse_part(call, PART_VALUE, bytes_of_text(options->from), &call->from)) &&
		(!options->to || parse_part(call, PART_VALUE, bytes_of_text(options->to), &call->to));
}

bool verb_next(struct verb_call *call, struct buffer *request)
{
	size_t requests = call->verb->repeats && !call->verb->writes ? call->count : 1;

	ASSERT(verb_takes(call->verb, call->count));
	if (call->ended || (!call->resumes && call->asked == requests))
		return false;
	call->problem[0] = '\0';
	if (!call->resumes && !parse_all(call)) {
		call->ended = true;
		return false;
	}
	if (!call->resumes)
		call->asked++;
	call->verb->encode(call, request);
	return true;
}

void verb_fini(struct verb_call *call)
{
	for (unsigned i = 0; i < PARTS; i++)
		buffer_fini(&call->part[i]);
	buffer_fini(&call->many);
	buffer_fini(&call->from);
	buffer_fini(&call->to);
	buffer_fini(&call->after_priority);
	buffer_fini(&call->after_key);
}
