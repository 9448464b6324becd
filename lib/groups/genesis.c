/*
 * genesis.c - see genesis.h.
 *
 * Why a promise is kept: a participant that answered UNSEALED takes the seal from nobody but a participant that holds it
 * already. Such a one never answers UNSEALED, so that nobody was set free before it, and nobody will be. The answer itself is
 * not written down: who gives it knows that the proposer's life is over, whose seal could then only come over a bond that
 * ended with that life.
 */
#include "groups/genesis.h"

#include "base/check.h"
#include "base/list.h"
#include "base/memory.h"
#include "wire/cbor.h"

#include <stdlib.h>

#define PATIENCE 2000            /* msec for all participants to answer, and to hear of a seal */
#define ASK_EVERY 1000
#define SETTLE_MAX 3             /* delays, however often candidates come and go */
#define MISSING_MAX 10           /* delays, for peers that should be there */

void genesis_init(struct genesis *genesis, const struct genesis_options *options, msec now)
{
	*genesis = (struct genesis){.options = *options, .started_at = now, .changed_at = now, .act_at = MSEC_NEVER};
	if (genesis->options.self.expect == 0)
		genesis->options.self.expect = 1;
	rng_init(&genesis->rng, options->seed);
	list_init(&genesis->outputs);
}

void genesis_fini(struct genesis *genesis)
{
	struct genesis_output output;

	for (size_t i = 0; i < genesis->candidates.count; i++)
		memory_free(genesis->candidates.slot[i].value);
	id_table_fini(&genesis->candidates);
	while (genesis_next(genesis, &output))
		blob_drop(output.payload);
}

/* ---- what goes out ---- */

static void put_out(struct genesis *genesis, const struct genesis_output *output)
{
	struct genesis_output *kept = memory_copy(output, sizeof *output);

	list_append(&genesis->outputs, &kept->node);
}

bool genesis_next(struct genesis *genesis, struct genesis_output *out)
{
	struct genesis_output *first;

	if (list_is_empty(&genesis->outputs))
		return false;
	first = LIST_OF(genesis->outputs.next, struct genesis_output, node);
	list_remove(&first->node);
	*out = *first;
	memory_free(first);
	return true;
}

static void say(struct genesis *genesis, const struct id *to, enum group_message_kind kind, const struct id *lineage)
{
	struct group_message message = {.kind = kind, .lineage = *lineage};

	put_out(genesis, &(struct genesis_output){.kind = GENESIS_SEND, .to = *to, .payload = group_wire_encode(&message)});
}

static bool is_self(const struct genesis *genesis, const struct participant *participant)
{
	return member_equal(&participant->member, &genesis->options.self.member);
}

static void say_to_all(struct genesis *genesis, enum group_message_kind kind)
{
	for (size_t i = 0; i < genesis->birth.count; i++) {
		const struct participant *participant = &genesis->birth.participant[i];

		if (!is_self(genesis, participant))
			say(genesis, &participant->member.peer, kind, &genesis->birth.lineage);
	}
}

/* Not who said so already, nor who is somebody else by now: that one knows nothing, and would never join what it refused. */
static void ask(struct genesis *genesis)
{
	for (size_t i = 0; i < genesis->birth.count; i++) {
		const struct participant *participant = &genesis->birth.participant[i];

		if (!is_self(genesis, participant) && !participant->is_unsealed)
			say(genesis, &participant->member.peer, MESSAGE_BIRTH_ASK, &genesis->birth.lineage);
	}
}

static struct participant *participant_of(struct genesis *genesis, const struct id *peer)
{
	for (size_t i = 0; i < genesis->birth.count; i++) {
		if (id_equal(&genesis->birth.participant[i].member.peer, peer))
			return &genesis->birth.participant[i];
	}
	return NULL;
}

/* ---- the proposal: [voters, [peer, incarnation, ...], nonce] ---- */

static void encode_birth(const struct birth *birth, uint64_t nonce, struct buffer *out)
{
	struct buffer first = {0};

	configuration_encode(&birth->first, &first);
	cbor_put_array(out, 3);
	cbor_put_bytes(out, buffer_bytes(&first));
	cbor_put_array(out, 2 * birth->count);
	for (size_t i = 0; i < birth->count; i++) {
		cbor_put_id(out, &birth->participant[i].member.peer);
		cbor_put_uint(out, birth->participant[i].member.incarnation);
	}
	cbor_put_uint(out, nonce);
	buffer_fini(&first);
}

static enum error decode_birth(struct bytes encoded, struct birth *out)
{
	struct bytes first;
	struct cbor in;
	size_t count;

	cbor_init(&in, encoded);
	cbor_array_of(&in, 3);
	first = cbor_bytes(&in);
	count = cbor_array(&in, 2 * GENESIS_PARTICIPANTS_MAX);
	if (count % 2 != 0)
		return ERROR_MALFORMED;
	out->count = count / 2;
	for (size_t i = 0; i < out->count; i++)
		out->participant[i] = (struct participant){.member = {cbor_id(&in), cbor_uint(&in)}};
	cbor_uint(&in);
	if (cbor_end(&in) != OK || configuration_decode(first, &out->first) != OK)
		return ERROR_MALFORMED;
	return configuration_is_joint(&out->first) ? ERROR_MALFORMED : OK;
}

static struct id lineage_of(const struct genesis *genesis, struct bytes proposal)
{
	struct hash hash;

	hash_init(&hash);
	hash_update(&hash, bytes_of_text("lineage"));
	hash_update(&hash, bytes_of(genesis->options.group.byte, ID_SIZE));
	hash_update(&hash, proposal);
	return hash_final(&hash);
}

/* ---- what is written down: [lineage, proposer, proposal] ---- */

static void put_promise(struct genesis *genesis, struct bytes proposal)
{
	struct buffer promise = {0};

	cbor_put_array(&promise, 3);
	cbor_put_id(&promise, &genesis->birth.lineage);
	cbor_put_id(&promise, &genesis->proposer);
	cbor_put_bytes(&promise, proposal);
	put_out(genesis, &(struct genesis_output){.kind = GENESIS_PROMISE, .payload = blob_copy(buffer_bytes(&promise))});
	buffer_fini(&promise);
}

void genesis_promised(struct genesis *genesis, msec now)
{
	if (genesis->state != GENESIS_BOUND || genesis->is_written)
		return;
	genesis->is_written = true;
	genesis->act_at = now + PATIENCE;
	say(genesis, &genesis->proposer, MESSAGE_BIRTH_READY, &genesis->birth.lineage);
}

enum error genesis_restore(struct genesis *genesis, msec now, struct bytes promise)
{
	struct birth birth = {0};
	struct bytes proposal;
	struct id proposer;
	struct cbor in;

	cbor_init(&in, promise);
	cbor_array_of(&in, 3);
	birth.lineage = cbor_id(&in);
	proposer = cbor_id(&in);
	proposal = cbor_bytes(&in);
	if (cbor_end(&in) != OK || decode_birth(proposal, &birth) != OK)
		return ERROR_MALFORMED;
	genesis->birth = birth;
	genesis->proposer = proposer;
	genesis->state = GENESIS_BOUND;
	genesis->is_written = true;
	genesis->act_at = now;
	return OK;
}

struct id genesis_promise_lineage(struct bytes promise)
{
	struct cbor in;
	struct id lineage;

	cbor_init(&in, promise);
	cbor_array_of(&in, 3);
	lineage = cbor_id(&in);
	cbor_id(&in);
	cbor_bytes(&in);
	return cbor_end(&in) == OK ? lineage : (struct id){{0}};
}

/* ---- who takes part ---- */

static bool is_eligible(const struct candidate *candidate)
{
	return candidate->preference != PREFER_OBSERVER && !candidate->join_only;
}

struct ranked {
	const struct candidate *candidate;
	struct id hash;
};

static struct id rank_hash(const struct genesis *genesis, const struct member *member)
{
	struct buffer text = {0};
	struct id hash;

	cbor_put_id(&text, &member->peer);
	cbor_put_uint(&text, member->incarnation);
	hash = id_derive(&genesis->options.group, buffer_bytes(&text));
	buffer_fini(&text);
	return hash;
}

static int ranked_compare(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->candidate->preference != b->candidate->preference)
		return a->candidate->preference < b->candidate->preference ? -1 : 1;
	if (a->candidate->durable != b->candidate->durable)
		return a->candidate->durable ? -1 : 1;
	return id_compare(&a->hash, &b->hash);
}

/* Those that are eligible, best first; returns how many there are, of which the first GENESIS_PARTICIPANTS_MAX are given. */
static size_t rank(const struct genesis *genesis, struct ranked *out, uint8_t *expect)
{
	size_t count = 0;

	*expect = 1;
	for (size_t i = 0; i <= genesis->candidates.count; i++) {
		const struct candidate *candidate = i < genesis->candidates.count ? genesis->candidates.slot[i].value
			: &genesis->options.self;

		if (!is_eligible(candidate) || (count == GENESIS_PARTICIPANTS_MAX - 1 && i < genesis->candidates.count))
			continue;
		out[count++] = (struct ranked){candidate, rank_hash(genesis, &candidate->member)};
		if (candidate->expect > *expect)
			*expect = candidate->expect;
	}
	qsort(out, count, sizeof *out, ranked_compare);
	return count;
}

static size_t own_rank(const struct genesis *genesis, const struct ranked *ranked, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ranked[i].candidate == &genesis->options.self)
			return i;
	}
	return count;
}

/* The largest odd number of voters that the cap and the candidates allow. */
static size_t voters_wanted(const struct genesis *genesis, size_t count)
{
	size_t cap = genesis->options.voters_cap;
	size_t most = count < cap ? count : cap;

	if (most == 2 && genesis->options.copies_min >= 2)
		return 2;
	return most - (most % 2 == 0);
}

static int member_order(const void *left, const void *right)
{
	return member_compare(left, right);
}

/* Who proposes has to vote. */
static void put_self_among(const struct genesis *genesis, struct ranked *ranked, size_t count, size_t voters)
{
	size_t place = own_rank(genesis, ranked, count);
	struct ranked self = ranked[place];

	if (place < voters)
		return;
	ranked[place] = ranked[voters - 1];
	ranked[voters - 1] = self;
}

static void choose(const struct genesis *genesis, struct ranked *ranked, size_t count, struct birth *out)
{
	struct voters *voters = &out->first.incoming;
	uint8_t expect = 1;

	*out = (struct birth){0};
	voters->count = (uint8_t)voters_wanted(genesis, count);
	put_self_among(genesis, ranked, count, voters->count);
	for (size_t i = 0; i < count; i++) {
		if (ranked[i].candidate->expect > expect)
			expect = ranked[i].candidate->expect;
	}
	for (size_t i = 0; i < count && (i < voters->count || i < expect); i++) {
		struct member member = ranked[i].candidate->member;

		if (i < voters->count)
			voters->member[i] = member;
		out->participant[out->count++].member = member;
	}
	qsort(voters->member, voters->count, sizeof *voters->member, member_order);
}

/* ---- the course of it ---- */

static void refuse_for_ever(struct genesis *genesis, const struct id *lineage)
{
	genesis->refused[genesis->refused_next++ % GENESIS_REFUSED_MAX] = *lineage;
}

static bool was_refused(const struct genesis *genesis, const struct id *lineage)
{
	for (size_t i = 0; i < GENESIS_REFUSED_MAX; i++) {
		if (id_equal(&genesis->refused[i], lineage))
			return true;
	}
	return false;
}

/* Waits again: a little longer than the others, by chance. */
static void go_back(struct genesis *genesis, msec now)
{
	refuse_for_ever(genesis, &genesis->birth.lineage);
	if (genesis->state == GENESIS_BOUND)
		put_out(genesis, &(struct genesis_output){.kind = GENESIS_PROMISE});
	genesis->state = GENESIS_WAITING;
	genesis->birth.count = 0;
	genesis->act_at = MSEC_NEVER;
	genesis->not_before = now + (msec)rng_below(&genesis->rng, (uint64_t)genesis->options.delay + 1);
}

static void abandon(struct genesis *genesis, msec now)
{
	say_to_all(genesis, MESSAGE_BIRTH_ABANDONED);
	go_back(genesis, now);
}

static void begin(struct genesis *genesis)
{
	put_out(genesis, &(struct genesis_output){.kind = GENESIS_BEGIN, .lineage = genesis->birth.lineage,
		.first = genesis->birth.first});
	genesis->state = GENESIS_OVER;
	genesis->act_at = MSEC_NEVER;
}

static void seal_if_ready(struct genesis *genesis)
{
	for (size_t i = 0; i < genesis->birth.count; i++) {
		if (!genesis->birth.participant[i].is_ready)
			return;
	}
	genesis->seals = true;
	begin(genesis);
}

void genesis_durable(struct genesis *genesis)
{
	if (genesis->seals)
		say_to_all(genesis, MESSAGE_BIRTH_SEALED);
	genesis->seals = false;
}

static void propose(struct genesis *genesis, msec now, struct ranked *ranked, size_t count)
{
	struct buffer proposal = {0};
	struct group_message message = {.kind = MESSAGE_BIRTH};

	choose(genesis, ranked, count, &genesis->birth);
	encode_birth(&genesis->birth, rng_next(&genesis->rng), &proposal);
	message.lineage = genesis->birth.lineage = lineage_of(genesis, buffer_bytes(&proposal));
	message.bytes = buffer_bytes(&proposal);
	for (size_t i = 0; i < genesis->birth.count; i++) {
		struct participant *participant = &genesis->birth.participant[i];

		participant->is_ready = is_self(genesis, participant);
		if (!participant->is_ready)
			put_out(genesis, &(struct genesis_output){.kind = GENESIS_SEND, .to = participant->member.peer,
				.payload = group_wire_encode(&message)});
	}
	buffer_fini(&proposal);
	genesis->state = GENESIS_PROPOSING;
	genesis->act_at = now + PATIENCE;
	seal_if_ready(genesis);
}

/* When the candidates count as settled. */
static msec settled_at(const struct genesis *genesis)
{
	msec delay = genesis->options.delay;
	msec at = msec_min(genesis->changed_at + delay, genesis->started_at + SETTLE_MAX * delay);

	if (genesis->missing > 0)
		at = genesis->started_at + MISSING_MAX * delay;
	return at > genesis->not_before ? at : genesis->not_before;
}

/* The instant at which we propose unless something changes; each one further down waits a delay longer. */
static msec propose_at(const struct genesis *genesis, struct ranked *ranked, size_t *count)
{
	uint8_t expect;
	size_t place;

	*count = rank(genesis, ranked, &expect);
	place = own_rank(genesis, ranked, *count);
	if (place == *count || *count < expect)
		return MSEC_NEVER;
	return settled_at(genesis) + (msec)place * genesis->options.delay;
}

/* Bound: free again when nobody can have the seal. */
static void release_if_dead(struct genesis *genesis, msec now)
{
	for (size_t i = 0; i < genesis->birth.count; i++) {
		const struct participant *participant = &genesis->birth.participant[i];

		if (!is_self(genesis, participant) && !participant->is_unsealed)
			return;
	}
	go_back(genesis, now);
}

void genesis_tick(struct genesis *genesis, msec now)
{
	struct ranked ranked[GENESIS_PARTICIPANTS_MAX];
	size_t count;

	if (genesis->state == GENESIS_WAITING && now >= propose_at(genesis, ranked, &count)) {
		propose(genesis, now, ranked, count);
	} else if (genesis->state == GENESIS_PROPOSING && now >= genesis->act_at) {
		abandon(genesis, now);
	} else if (genesis->state == GENESIS_BOUND && now >= genesis->act_at) {
		ask(genesis);
		genesis->act_at = now + ASK_EVERY;
	}
}

msec genesis_deadline(const struct genesis *genesis)
{
	struct ranked ranked[GENESIS_PARTICIPANTS_MAX];
	size_t count;

	return genesis->state == GENESIS_WAITING ? propose_at(genesis, ranked, &count) : genesis->act_at;
}

/* ---- the others ---- */

static bool is_the_same(const struct candidate *a, const struct candidate *b)
{
	return member_equal(&a->member, &b->member) && a->preference == b->preference && a->durable == b->durable
		&& a->join_only == b->join_only && a->expect == b->expect;
}

static void forget_candidate(struct genesis *genesis, msec now, const struct id *peer)
{
	struct candidate *known = id_table_remove(&genesis->candidates, peer);

	if (known == NULL)
		return;
	genesis->changed_at = now;
	memory_free(known);
}

static void note_candidate(struct genesis *genesis, msec now, const struct candidate *peer)
{
	struct candidate *known = id_table_get(&genesis->candidates, &peer->member.peer);

	if (known != NULL && is_the_same(known, peer))
		return;
	if (known == NULL) {
		known = memory_new(sizeof *known);
		id_table_put(&genesis->candidates, &peer->member.peer, known);
	}
	*known = *peer;
	genesis->changed_at = now;
}

/* A participant is there, or back: perhaps as somebody else, perhaps with the seal. */
static void note_participant(struct genesis *genesis, msec now, const struct member *member, const struct id *lineage)
{
	struct participant *participant = participant_of(genesis, &member->peer);

	if (participant == NULL)
		return;
	if (member_equal(&participant->member, member)) {
		if (genesis->state == GENESIS_BOUND && id_equal(lineage, &genesis->birth.lineage))
			begin(genesis);
		return;
	}
	participant->is_unsealed = true;
	if (genesis->state == GENESIS_PROPOSING)
		abandon(genesis, now);
	else
		release_if_dead(genesis, now);
}

void genesis_peer(struct genesis *genesis, msec now, const struct candidate *peer, const struct id *lineage)
{
	if (id_is_zero(lineage))
		note_candidate(genesis, now, peer);
	else
		forget_candidate(genesis, now, &peer->member.peer);
	if (genesis->state == GENESIS_PROPOSING || genesis->state == GENESIS_BOUND)
		note_participant(genesis, now, &peer->member, lineage);
}

void genesis_peer_gone(struct genesis *genesis, msec now, const struct id *peer)
{
	forget_candidate(genesis, now, peer);
}

void genesis_missing(struct genesis *genesis, msec now, size_t missing)
{
	if (genesis->missing != missing)
		genesis->changed_at = now;
	genesis->missing = missing;
}

void genesis_declare_dead(struct genesis *genesis, msec now, const struct id *peer)
{
	struct member nobody = {.peer = *peer};
	struct id none = {{0}};

	if (genesis->state == GENESIS_PROPOSING || genesis->state == GENESIS_BOUND)
		note_participant(genesis, now, &nobody, &none);
}

/* ---- messages ---- */

static void receive_birth(struct genesis *genesis, msec now, const struct id *peer, const struct group_message *message)
{
	struct birth birth;
	bool is_bound_already = genesis->state == GENESIS_BOUND && id_equal(&genesis->birth.lineage, &message->lineage);
	/* Two that propose at the same time: the greater id gives way. */
	bool gives_way = genesis->state == GENESIS_PROPOSING && id_compare(peer, &genesis->options.self.member.peer) < 0;
	bool is_free = genesis->state == GENESIS_WAITING || gives_way;

	if (is_bound_already) {
		if (genesis->is_written)
			say(genesis, peer, MESSAGE_BIRTH_READY, &message->lineage);
		return;
	}
	if (!is_free || was_refused(genesis, &message->lineage) || decode_birth(message->bytes, &birth) != OK) {
		say(genesis, peer, MESSAGE_BIRTH_REFUSED, &message->lineage);
		return;
	}
	if (gives_way)
		abandon(genesis, now);
	birth.lineage = message->lineage;
	genesis->birth = birth;
	if (participant_of(genesis, &genesis->options.self.member.peer) == NULL || participant_of(genesis, peer) == NULL
		|| !is_self(genesis, participant_of(genesis, &genesis->options.self.member.peer))) {
		genesis->birth.count = 0;
		say(genesis, peer, MESSAGE_BIRTH_REFUSED, &message->lineage);
		return;
	}
	genesis->state = GENESIS_BOUND;
	genesis->proposer = *peer;
	genesis->promised = genesis->is_written = false;
	genesis->act_at = now + PATIENCE;
	put_promise(genesis, message->bytes);
}

static void receive_ready(struct genesis *genesis, const struct id *peer)
{
	const struct candidate *candidate = id_table_get(&genesis->candidates, peer);
	struct participant *participant = participant_of(genesis, peer);

	/* Who it is now counts, not who it was when we chose it. */
	if (participant == NULL || candidate == NULL || !member_equal(&candidate->member, &participant->member))
		return;
	participant->is_ready = true;
	seal_if_ready(genesis);
}

static bool proposer_is_dead(struct genesis *genesis)
{
	const struct participant *participant = participant_of(genesis, &genesis->proposer);

	return participant == NULL || participant->is_unsealed;
}

/* Somebody is bound and asks what became of a lineage. */
static void receive_ask(struct genesis *genesis, msec now, const struct id *peer, const struct id *lineage)
{
	bool is_current = genesis->birth.count > 0 && id_equal(&genesis->birth.lineage, lineage);

	if (genesis->state == GENESIS_OVER && is_current)
		return;   /* we have it: our hello says so */
	if (genesis->state == GENESIS_PROPOSING && is_current) {
		abandon(genesis, now);
	} else if (genesis->state == GENESIS_BOUND && is_current) {
		if (!proposer_is_dead(genesis))
			return;
		genesis->promised = true;
	} else if (!was_refused(genesis, lineage)) {
		refuse_for_ever(genesis, lineage);
	}
	say(genesis, peer, MESSAGE_BIRTH_UNSEALED, lineage);
}

static void receive_unsealed(struct genesis *genesis, msec now, const struct id *peer)
{
	struct participant *participant = participant_of(genesis, peer);

	/* Of a proposer that is dead, who has its place now can not say whether it sealed. */
	if (participant == NULL || participant->is_unsealed)
		return;
	participant->is_unsealed = true;
	if (id_equal(peer, &genesis->proposer))
		go_back(genesis, now);   /* nobody else could have sealed it */
	else
		release_if_dead(genesis, now);
}

void genesis_receive(struct genesis *genesis, msec now, const struct id *peer, const struct group_message *message)
{
	bool is_ours = genesis->birth.count > 0 && id_equal(&genesis->birth.lineage, &message->lineage);
	bool is_bound = genesis->state == GENESIS_BOUND && is_ours;
	bool is_proposed = genesis->state == GENESIS_PROPOSING && is_ours;

	if (message->kind == MESSAGE_BIRTH)
		receive_birth(genesis, now, peer, message);
	else if (message->kind == MESSAGE_BIRTH_ASK)
		receive_ask(genesis, now, peer, &message->lineage);
	else if (message->kind == MESSAGE_BIRTH_READY && is_proposed)
		receive_ready(genesis, peer);
	else if (message->kind == MESSAGE_BIRTH_REFUSED && is_proposed && participant_of(genesis, peer) != NULL)
		abandon(genesis, now);
	else if (message->kind == MESSAGE_BIRTH_SEALED && is_bound && id_equal(peer, &genesis->proposer) && !genesis->promised)
		begin(genesis);
	else if (message->kind == MESSAGE_BIRTH_ABANDONED && is_bound && id_equal(peer, &genesis->proposer))
		go_back(genesis, now);
	else if (message->kind == MESSAGE_BIRTH_UNSEALED && is_bound)
		receive_unsealed(genesis, now, peer);
}

bool genesis_is_free(const struct genesis *genesis, const struct id *lineage)
{
	return genesis->state != GENESIS_BOUND && !was_refused(genesis, lineage);
}

void genesis_over(struct genesis *genesis)
{
	if (genesis->state == GENESIS_PROPOSING)
		abandon(genesis, 0);
	genesis->state = GENESIS_OVER;
	genesis->act_at = MSEC_NEVER;
}
