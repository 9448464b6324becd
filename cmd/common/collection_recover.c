/*
 * collection_recover.c - a store whose replicas are lost for ever but for a few goes on with what one of them has on its disk.
 */
#include "cmd/common/collection_command.h"
#include "cmd/common/participant_data.h"

static struct state make_state(void *self)
{
	return collection_new(self);
}

int collection_recover_run(const struct collection_invocation *invocation)
{
	const struct collection_settings *settings = invocation->settings;
	struct collection_shape shape = collection_wanted(invocation);

	if (invocation->count > 0)
		usage_error("recover takes one store");
	return participant_recover(&settings->common, &(struct participant_options){.kind = collection_kind_name(shape.kind),
		.name = invocation->store, .listed = invocation->store, .key_path = settings->key_path, .data = settings->data,
		.state = make_state, .self = &shape, .lan = settings->lan}, settings->from_survivors);
}
