/*
 * hostile_producer.c - a producer that sends something else than what its end record says.
 *
 *     hostile_producer NETWORK STREAM
 *
 * A whole node through the runtime, until one record was hashed: then a byte of it is changed in memory, before it
 * leaves. What arrives is well formed, and does not match the END that follows. Prints what the consumer answered.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "runtime/key.h"
#include "runtime/runtime.h"

struct liar {
	struct runtime *runtime;
	struct producer *producer;
	bool sent;
};

/* One record of five bytes, as a CBOR byte string. */
static struct blob *one_record(void)
{
	struct blob *batch = blob_new(BATCH_HEADROOM, 6);

	memcpy(batch->data + batch->start, "\x45hello", 6);
	batch->end = batch->start + 6;
	return batch;
}

static void send_and_change(struct liar *liar, msec now)
{
	struct node *node = runtime_node(liar->runtime);
	struct blob *batch = one_record();

	node_write(node, now, liar->producer, batch, 1);
	batch->data[batch->end - 1] = 'p';   /* the outbox holds it: there is a subscriber */
	node_end(node, now, liar->producer);
	liar->sent = true;
}

static void turn(void *self, msec now)
{
	struct liar *liar = self;
	struct node_fact fact;

	while (node_next_fact(runtime_node(liar->runtime), &fact)) {
		if (fact.kind != NODE_STREAM || fact.stream.kind != PRODUCER_UNSUBSCRIBED)
			continue;
		printf("acknowledged %d verified %d\n", fact.stream.acknowledged, fact.stream.verified);
		runtime_leave(liar->runtime, 1000);
		return;
	}
	if (!liar->sent && producer_subscribers(liar->producer) > 0)
		send_and_change(liar, now);
}

int main(int argc, char **argv)
{
	static const struct program program = {.turn = turn};
	struct liar liar = {0};
	struct keypair pair;
	struct runtime_options options = {.identity = &pair, .bind = "127.0.0.1:0", .local = true, .program_name = "hostile_producer",
		.program = &program, .self = &liar};
	struct producer_options producer = {.max_stall = 10000, .linger = 5000};
	const char *what;
	enum error error;

	if (argc != 3 || id_from_text(argv[1], &options.network) != OK)
		return 64;
	key_random(&pair);
	error = runtime_open(&options, &liar.runtime, &what);
	ASSERT(error == OK);
	liar.producer = node_produce(runtime_node(liar.runtime), runtime_now(liar.runtime), argv[2], &producer);
	runtime_run(liar.runtime);
	runtime_close(liar.runtime);
	return 0;
}
