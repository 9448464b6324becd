/*
 * graph.c - who is connected to whom.
 *
 * Nobody lists the links of others. But every member tells the round trips that it has measured, and it has those of its
 * own connections: so each one is asked, and what they say is put together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "cmd/common/printed.h"
#include "cmd/mosaik-catalog/find.h"
#include "cmd/mosaik-catalog/print.h"
#include "cmd/mosaik-catalog/subcommands.h"

#define PATIENCE 1000   /* msec for one member */

enum { EDGE_FROM, EDGE_TO, EDGE_RTT };

static const struct column columns[] = {
	{"from", COLUMN_ID}, {"to", COLUMN_ID}, {"rtt_ms", COLUMN_NUMBER}, {.name = NULL}
};

struct edge {
	struct id from;            /* the smaller id */
	struct id to;
	uint64_t rtt_us;
};

struct graph {
	const struct settings *settings;
	struct edge *edge;
	size_t count;
	size_t capacity;
};

static void answered(struct ask *ask, msec now)
{
	struct graph *graph = ask->self;
	const struct catalog_peer *peer;
	size_t at = 0;

	(void)now;
	while ((peer = catalog_next(ask_catalog(ask), &at)) != NULL) {
		const struct id *other = &peer->entry->card.peer;
		bool is_first = id_compare(&ask->member, other) < 0;

		if (peer->rtt_us == 0 || id_equal(other, &ask->member))
			continue;
		graph->edge = memory_grow(graph->edge, &graph->capacity, graph->count + 1, sizeof *graph->edge);
		graph->edge[graph->count++] = (struct edge){.from = is_first ? ask->member : *other,
			.to = is_first ? *other : ask->member, .rtt_us = peer->rtt_us};
	}
	session_leave(&ask->session, EXIT_YES);
}

static int compare(const void *a, const void *b)
{
	const struct edge *left = a, *right = b;
	int order = id_compare(&left->from, &right->from);

	if (order == 0)
		order = id_compare(&left->to, &right->to);
	return order != 0 ? order : (left->rtt_us > right->rtt_us) - (left->rtt_us < right->rtt_us);
}

/* Both ends measured: the smaller round trip stays. */
static void merge(struct graph *graph)
{
	size_t kept = 0;

	if (graph->count > 0)
		qsort(graph->edge, graph->count, sizeof *graph->edge, compare);
	for (size_t i = 0; i < graph->count; i++)
		if (kept == 0 || !id_equal(&graph->edge[kept - 1].from, &graph->edge[i].from) ||
				!id_equal(&graph->edge[kept - 1].to, &graph->edge[i].to))
			graph->edge[kept++] = graph->edge[i];
	graph->count = kept;
}

static bool is_alone(const struct graph *graph, const struct id *peer)
{
	for (size_t i = 0; i < graph->count; i++)
		if (id_equal(&graph->edge[i].from, peer) || id_equal(&graph->edge[i].to, peer))
			return false;
	return true;
}

static int print_list(const struct graph *graph, const struct found *node, size_t nodes)
{
	struct listing *listing = listing_open(&graph->settings->common, columns);

	for (size_t i = 0; i < graph->count; i++) {
		listing_id(listing, EDGE_FROM, &graph->edge[i].from);
		listing_id(listing, EDGE_TO, &graph->edge[i].to);
		listing_real(listing, EDGE_RTT, (double)graph->edge[i].rtt_us / 1000);
		listing_end_row(listing);
	}
	for (size_t i = 0; i < nodes; i++) {
		if (!is_alone(graph, &node[i].peer))
			continue;
		listing_id(listing, EDGE_FROM, &node[i].peer);
		listing_end_row(listing);
	}
	return print_close(listing);
}

/* For Graphviz. Ids are quoted because they may begin with a digit; nothing else comes from strangers. */
static int print_dot(const struct graph *graph, const struct found *node, size_t nodes)
{
	char from[ID_SHORT_SIZE], to[ID_SHORT_SIZE];

	printf("graph mosaik {\n");
	for (size_t i = 0; i < nodes; i++) {
		id_format_short(&node[i].peer, from);
		printf("\t\"%s\";\n", from);
	}
	for (size_t i = 0; i < graph->count; i++) {
		id_format_short(&graph->edge[i].from, from);
		id_format_short(&graph->edge[i].to, to);
		printf("\t\"%s\" -- \"%s\" [label=\"%.1f ms\"];\n", from, to, (double)graph->edge[i].rtt_us / 1000);
	}
	printf("}\n");
	return printed(EXIT_YES);
}

int graph_run(const struct settings *settings, int count, char **operand)
{
	struct graph graph = {.settings = settings};
	struct found *node = NULL;
	size_t nodes;
	time_t from = time(NULL);
	int status;

	(void)count;
	(void)operand;
	listing_check(&settings->common, columns);
	nodes = find_peers(&settings->common, "", &node);
	for (size_t i = 0; i < nodes; i++) {
		struct ask ask = {.common = settings->common, .answered = answered, .self = &graph};
		char *token = node[i].token;

		if ((msec)(time(NULL) - from) * 1000 > settings->common.timeout) {
			warn("only %zu of %zu peers were asked within the timeout (-W)", i, nodes);
			break;
		}
		ask_only(&ask, &token);
		ask.common.timeout = PATIENCE;
		if (ask_run(&ask) != EXIT_YES)
			warn("%.10s does not answer: its links are missing", token);
	}
	merge(&graph);
	status = settings->dot ? print_dot(&graph, node, nodes) : print_list(&graph, node, nodes);
	memory_free(node);
	memory_free(graph.edge);
	return status;
}
