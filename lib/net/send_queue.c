/*
 * send_queue.c - items in blocks of 64, so that their prefixes have an address for life.
 */
#include "net/send_queue.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/frame.h"

#define BLOCK_ITEMS 64

struct send_item {
	uint8_t prefix[FRAME_PREFIX_SIZE];
	uint32_t prefix_size;
	struct blob *message;
};

struct send_block {
	struct send_block *next;
	struct send_item item[BLOCK_ITEMS];
};

static struct send_item *item_of(struct send_block *block, uint64_t number)
{
	return &block->item[number % BLOCK_ITEMS];
}

static size_t item_size(const struct send_item *item)
{
	return item->prefix_size + blob_size(item->message);
}

static void push(struct send_queue *queue, struct blob *message, uint32_t prefix_size)
{
	ASSERT(blob_size(message) > 0 && blob_size(message) <= UINT32_MAX);
	if (!queue->last || (queue->end % BLOCK_ITEMS == 0 && queue->end != queue->acked)) {
		struct send_block *block = memory_new(sizeof *block);
		if (queue->last)
			queue->last->next = block;
		else
			queue->first = block;
		queue->last = block;
	}
	if (queue->next == queue->end)
		queue->cursor = queue->last;
	struct send_item *item = item_of(queue->last, queue->end++);
	bytes_put_be32(item->prefix, (uint32_t)blob_size(message));
	item->prefix_size = prefix_size;
	item->message = message;
	queue->waiting += item_size(item);
}

void send_queue_push(struct send_queue *queue, struct blob *message)
{
	push(queue, message, FRAME_PREFIX_SIZE);
}

void send_queue_push_raw(struct send_queue *queue, struct blob *bytes)
{
	push(queue, bytes, 0);
}

size_t send_queue_gather(const struct send_queue *queue, ngtcp2_vec *out, size_t most, size_t *total)
{
	struct send_block *block = queue->cursor;
	size_t count = 0, skip = queue->next_part;

	*total = 0;
	for (uint64_t i = queue->next; i < queue->end && count + 2 <= most; i++) {
		struct send_item *item = item_of(block, i);
		struct blob *message = item->message;
		if (skip < item->prefix_size) {
			out[count++] = (ngtcp2_vec){item->prefix + skip, item->prefix_size - skip};
			skip = item->prefix_size;
		}
		/* `skip` counts from the prefix's first byte. */
		size_t body = skip - item->prefix_size;
		out[count++] = (ngtcp2_vec){message->data + message->start + body, blob_size(message) - body};
		skip = 0;
		if ((i + 1) % BLOCK_ITEMS == 0)
			block = block->next;
	}
	for (size_t i = 0; i < count; i++)
		*total += out[i].len;
	return count;
}

void send_queue_advance(struct send_queue *queue, size_t bytes)
{
	ASSERT(bytes <= queue->waiting);
	queue->waiting -= bytes;
	queue->flying += bytes;
	while (bytes > 0) {
		size_t left = item_size(item_of(queue->cursor, queue->next)) - queue->next_part;
		if (bytes < left) {
			queue->next_part += bytes;
			return;
		}
		bytes -= left;
		queue->next_part = 0;
		queue->next++;
		if (queue->next % BLOCK_ITEMS == 0)
			queue->cursor = queue->cursor->next;
	}
}

/* The block of item `acked` is used up: the queue moves on, or starts over in the same block when it is empty. */
static void leave_block(struct send_queue *queue)
{
	struct send_block *used = queue->first;

	if (used == queue->last) {
		ASSERT(queue->acked == queue->end);
		return;
	}
	queue->first = used->next;
	memory_free(used);
}

size_t send_queue_acknowledge(struct send_queue *queue, uint64_t bytes)
{
	size_t released = 0;

	ASSERT(bytes <= queue->flying);
	queue->flying -= bytes;
	while (bytes > 0) {
		struct send_item *item = item_of(queue->first, queue->acked);
		size_t left = item_size(item) - queue->acked_part;
		if (bytes < left) {
			queue->acked_part += (size_t)bytes;
			return released;
		}
		bytes -= left;
		released += blob_size(item->message);
		blob_drop(item->message);
		item->message = NULL;
		queue->acked_part = 0;
		queue->acked++;
		if (queue->acked % BLOCK_ITEMS == 0)
			leave_block(queue);
	}
	return released;
}

/* Whole items only: one that is partly in packets stays, for its first bytes may have to be sent again. */
void send_queue_forget_waiting(struct send_queue *queue)
{
	uint64_t keep = queue->next + (queue->next_part > 0);
	struct send_block *block = queue->cursor;

	for (uint64_t i = queue->next; i < queue->end; i++) {
		struct send_item *item = item_of(block, i);
		if (i >= keep) {
			blob_drop(item->message);
			item->message = NULL;
		}
		if ((i + 1) % BLOCK_ITEMS == 0)
			block = block->next;
	}
	queue->end = keep;
	queue->waiting = 0;
}

void send_queue_fini(struct send_queue *queue)
{
	while (queue->first) {
		struct send_block *block = queue->first;
		for (size_t i = 0; i < BLOCK_ITEMS; i++)
			blob_drop(block->item[i].message);
		queue->first = block->next;
		memory_free(block);
	}
	*queue = (struct send_queue){0};
}
