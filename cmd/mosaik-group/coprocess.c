/*
 * coprocess.c - see coprocess.h.
 */
#include "cmd/mosaik-group/coprocess.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd/common/options.h"
#include "groups/log_base.h"
#include "runtime/child.h"
#include "runtime/stdio.h"

#define END_WITHIN 1000                     /* msec for the command to end when its input does */
#define READ_SIZE (64u * 1024)
#define LINE_MAX_BYTES (4u * 1024 * 1024)   /* a longer reply is a mistake of the command */

struct coprocess {
	struct child *child;
	int to, from;
	struct output *output;
	struct input *input;
	struct buffer in;                /* read, from `at` on not yet looked at */
	size_t at;
	struct buffer text;              /* of the reply that was given last */
	bool in_snapshot;                /* the next bytes are one: */
	uint64_t snapshot_id;
	size_t snapshot_size;
	bool broken;
	bool readable;
	bool ended;                      /* its stdout is closed */
	bool told;                       /* of a line that is no reply */
};

static void on_readable(void *self)
{
	struct coprocess *coprocess = self;

	coprocess->readable = true;
}

static void on_writable(void *self)
{
	(void)self;   /* a turn follows, which flushes */
}

enum error coprocess_start(struct uv_loop_s *loop, char *const *argv, struct coprocess **out)
{
	struct coprocess *coprocess = memory_new(sizeof *coprocess);
	int pipes[2];
	enum error error = child_start(loop, &(struct child_options){.argv = argv, .pipes = pipes}, &coprocess->child);

	if (error != OK) {
		memory_free(coprocess);
		return error;
	}
	coprocess->to = pipes[0];
	coprocess->from = pipes[1];
	coprocess->output = output_open(loop, coprocess->to, on_writable, coprocess);
	coprocess->input = input_open(loop, coprocess->from, on_readable, coprocess);
	coprocess->readable = true;
	*out = coprocess;
	return OK;
}

void coprocess_free(struct coprocess *coprocess)
{
	if (!coprocess)
		return;
	output_close(coprocess->output);
	input_close(coprocess->input);
	close(coprocess->to);
	close(coprocess->from);
	child_stop(coprocess->child, END_WITHIN);
	child_free(coprocess->child);
	buffer_fini(&coprocess->in);
	buffer_fini(&coprocess->text);
	memory_free(coprocess);
}

void coprocess_escape(struct bytes data, struct buffer *out)
{
	for (size_t i = 0; i < data.size; i++) {
		static const char special[] = "\\\t\n\r";
		static const char letter[] = "\\tnr0";
		const char *found = data.data[i] == 0 ? special + 4 : memchr(special, data.data[i], 4);

		if (!found) {
			buffer_append(out, bytes_of(data.data + i, 1));
			continue;
		}
		buffer_append(out, bytes_of("\\", 1));
		buffer_append(out, bytes_of(letter + (found - special), 1));
	}
}

bool coprocess_unescape(struct bytes text, struct buffer *out)
{
	for (size_t i = 0; i < text.size; i++) {
		static const char letter[] = "\\tnr0";
		static const char meant[] = {'\\', '\t', '\n', '\r', '\0'};
		const char *found;

		if (text.data[i] != '\\') {
			buffer_append(out, bytes_of(text.data + i, 1));
			continue;
		}
		if (++i == text.size || !(found = memchr(letter, text.data[i], 5)))
			return false;
		buffer_append(out, bytes_of(meant + (found - letter), 1));
	}
	return true;
}

static void put_line(struct coprocess *coprocess, const char *head, struct bytes data)
{
	struct buffer escaped = {0};

	coprocess_escape(data, &escaped);
	output_put(coprocess->output, bytes_of_text(head));
	output_put(coprocess->output, buffer_bytes(&escaped));
	output_put(coprocess->output, bytes_of("\n", 1));
	buffer_fini(&escaped);
}

void coprocess_apply(struct coprocess *coprocess, uint64_t index, uint64_t term, struct bytes data)
{
	char head[64];

	snprintf(head, sizeof head, "apply\t%llu\t%llu\t", (unsigned long long)index, (unsigned long long)term);
	put_line(coprocess, head, data);
}

void coprocess_query(struct coprocess *coprocess, uint64_t id, struct bytes data)
{
	char head[40];

	snprintf(head, sizeof head, "query\tq%llu\t", (unsigned long long)id);
	put_line(coprocess, head, data);
}

void coprocess_snapshot(struct coprocess *coprocess, uint64_t index)
{
	char line[48];

	snprintf(line, sizeof line, "snapshot\ts%llu\n", (unsigned long long)index);
	output_put(coprocess->output, bytes_of_text(line));
}

void coprocess_restore(struct coprocess *coprocess, size_t size)
{
	char line[48];

	snprintf(line, sizeof line, "restore\t%zu\n", size);
	output_put(coprocess->output, bytes_of_text(line));
}

void coprocess_restore_part(struct coprocess *coprocess, struct bytes part)
{
	output_put(coprocess->output, part);
}

size_t coprocess_pending(const struct coprocess *coprocess)
{
	return output_pending(coprocess->output);
}

static bool number_of(struct bytes text, uint64_t *out)
{
	uint64_t value = 0;

	if (text.size == 0 || text.size > 19)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.data[i] - '0');
	}
	*out = value;
	return true;
}

static struct bytes field(struct bytes *line)
{
	const uint8_t *tab = line->size > 0 ? memchr(line->data, '\t', line->size) : NULL;
	struct bytes first = tab ? bytes_of(line->data, (size_t)(tab - line->data)) : *line;

	*line = tab ? bytes_of(tab + 1, line->size - first.size - 1) : bytes_of(line->data + line->size, 0);
	return first;
}

/* false: it is no reply. What an ID begins with says what is answered. */
static bool parse_id(struct bytes id, struct coprocess_reply *out)
{
	out->to = REPLY_APPLY;
	if (id.size > 0 && id.data[0] == 'q')
		out->to = REPLY_QUERY;
	else if (id.size > 0 && id.data[0] == 's')
		out->to = REPLY_SNAPSHOT;
	if (out->to != REPLY_APPLY)
		id = bytes_of(id.data + 1, id.size - 1);
	return number_of(id, &out->id);
}

/* The head of a snapshot: its bytes come behind the line. */
static bool begin_snapshot(struct coprocess *coprocess, struct bytes line, const struct coprocess_reply *reply)
{
	uint64_t size;

	if (reply->to != REPLY_SNAPSHOT || !number_of(line, &size))
		return false;
	coprocess->broken = size > LOG_BASE_MAX;
	coprocess->in_snapshot = !coprocess->broken;
	coprocess->snapshot_id = reply->id;
	coprocess->snapshot_size = (size_t)size;
	return true;
}

enum line { LINE_REPLY, LINE_HEAD, LINE_STRANGE };

static enum line parse(struct coprocess *coprocess, struct bytes line, struct coprocess_reply *out)
{
	struct bytes verb = field(&line), id = field(&line);

	if (!parse_id(id, out))
		return LINE_STRANGE;
	if (bytes_equal(verb, bytes_of_text("snap")))
		return begin_snapshot(coprocess, line, out) ? LINE_HEAD : LINE_STRANGE;
	out->ok = bytes_equal(verb, bytes_of_text("ok"));
	if (!out->ok && !bytes_equal(verb, bytes_of_text("err")))
		return LINE_STRANGE;
	buffer_clear(&coprocess->text);
	if (!coprocess_unescape(line, &coprocess->text))
		return LINE_STRANGE;
	out->text = buffer_bytes(&coprocess->text);
	return LINE_REPLY;
}

/* One read(2). False: nothing came. */
static bool fill(struct coprocess *coprocess)
{
	size_t size;

	if (!coprocess->readable || coprocess->ended)
		return false;
	buffer_drop_front(&coprocess->in, coprocess->at);
	coprocess->at = 0;
	switch (input_read(coprocess->input, buffer_extend(&coprocess->in, READ_SIZE), READ_SIZE, &size)) {
	case STDIO_OK:
		coprocess->in.size -= READ_SIZE - size;
		return true;
	case STDIO_AGAIN:
		coprocess->readable = false;
		break;
	case STDIO_END:
	case STDIO_FAILED:
		coprocess->ended = true;
		break;
	}
	coprocess->in.size -= READ_SIZE;
	return false;
}

static struct bytes unread(const struct coprocess *coprocess)
{
	return bytes_of(coprocess->in.data + coprocess->at, coprocess->in.size - coprocess->at);
}

/* All of the snapshot is there. */
static void take_snapshot(struct coprocess *coprocess, struct coprocess_reply *out)
{
	*out = (struct coprocess_reply){.to = REPLY_SNAPSHOT, .ok = true, .id = coprocess->snapshot_id,
		.text = bytes_of(unread(coprocess).data, coprocess->snapshot_size)};
	coprocess->at += coprocess->snapshot_size;
	coprocess->in_snapshot = false;
}

/* Looks at one line. true: it is a reply. */
static bool take_line(struct coprocess *coprocess, size_t size, struct coprocess_reply *out)
{
	struct bytes line = bytes_of(unread(coprocess).data, size);
	enum line kind;

	coprocess->at += size + 1;
	kind = parse(coprocess, line, out);
	if (kind == LINE_STRANGE && !coprocess->told) {
		warn("the command printed a line that is no reply (ok TAB ID TAB RESULT): it is ignored, like all others");
		coprocess->told = true;
	}
	return kind == LINE_REPLY;
}

bool coprocess_next(struct coprocess *coprocess, struct coprocess_reply *out)
{
	(void)output_flush(coprocess->output);
	while (!coprocess->broken) {
		struct bytes rest = unread(coprocess);
		const uint8_t *end = rest.size > 0 && !coprocess->in_snapshot ? memchr(rest.data, '\n', rest.size) : NULL;

		if (coprocess->in_snapshot && rest.size >= coprocess->snapshot_size) {
			take_snapshot(coprocess, out);
			return true;
		}
		if (end) {
			if (take_line(coprocess, (size_t)(end - rest.data), out))
				return true;
			continue;
		}
		coprocess->broken = !coprocess->in_snapshot && rest.size > LINE_MAX_BYTES;
		if (!fill(coprocess))
			return false;
	}
	return false;
}

bool coprocess_is_broken(const struct coprocess *coprocess)
{
	return coprocess->broken;
}

bool coprocess_has_ended(const struct coprocess *coprocess, int *status)
{
	return child_has_ended(coprocess->child, status);
}

void coprocess_signal(struct coprocess *coprocess, int signal_number)
{
	child_signal(coprocess->child, signal_number);
}
