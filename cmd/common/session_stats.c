/*
 * session_stats.c - see session_stats.h. New fields go before `seconds`.
 */
#include "cmd/common/session_stats.h"

#include <errno.h>

struct stats session_stats_begin(const struct session *session)
{
	return stats_begin(program_invocation_short_name, session->common->json);
}

void session_stats_end(struct session *session, struct stats *stats)
{
	struct node *node = runtime_node(session->runtime);
	struct runtime_traffic traffic = runtime_traffic(session->runtime);
	struct node_counters count = node_count(node);
	size_t live = node_catalog(node)->live;

	stats_number(stats, "peers", live > 0 ? live - 1 : 0);   /* a guest does not list itself */
	stats_number(stats, "neighbours", node_neighbours(node));
	stats_number(stats, "received", traffic.bytes_received);
	stats_number(stats, "sent", traffic.bytes_sent);
	stats_number(stats, "packets_received", traffic.packets_received);
	stats_number(stats, "packets_sent", traffic.packets_sent);
	stats_number(stats, "messages", count.announce.messages_sent + count.exchange.messages_sent);
	stats_number(stats, "bytes", count.announce.bytes_sent + count.exchange.bytes_sent);
	stats_number(stats, "news", count.announce.gossip_received);
	stats_number(stats, "duplicates", count.announce.duplicates);
	stats_number(stats, "grafts", count.announce.grafts);
	stats_number(stats, "rounds", count.exchange.rounds);
	stats_number(stats, "syncs", count.exchange.syncs);
	stats_number(stats, "sync_bytes", count.exchange.bytes_sent);
	stats_number(stats, "suspicions", count.announce.suspicions);
	stats_number(stats, "refutations", count.announce.refutations);
	stats_number(stats, "deaths", count.announce.deaths);
	stats_number(stats, "refused", count.entries_refused);
	stats_seconds(stats, "seconds", runtime_now(session->runtime) - session->started_at);
	stats_print(stats);
}

void session_stats(struct session *session)
{
	struct stats stats = session_stats_begin(session);

	session_stats_end(session, &stats);
}
