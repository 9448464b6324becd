/*
 * store_file.c - see store_file.h.
 */
#include "runtime/store_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/statvfs.h>

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

#define ROOM_MIN (256 * 1024)   /* bytes: less is no room */
#define FORMAT 1
#define SUM_SIZE 8
#define MAP_FIRST ((size_t)1 << 30)
#define CHUNK_KEY_SIZE 12
#define CHUNKS_MAX (1u << 20)
#define FREE_TABLE 0                     /* LMDB's own: transaction -> pages that it freed */
#define PAGE_HEAD 16
#define META_TRANSACTION (PAGE_HEAD + 128)   /* offset of the transaction id in a meta page (format 1 of LMDB, 64 bits) */

static const char key_owner[] = "owner";
static const char key_hard[] = "hard";
static const char key_snapshot[] = "snapshot";
static const char key_tail[] = "tail";

/* ---- records and their checksums ---- */

static void sum_of(MDB_dbi table, const MDB_val *key, struct bytes value, uint8_t out[SUM_SIZE])
{
	uint8_t where = (uint8_t)table;
	struct hash hash;
	struct id sum;

	hash_init(&hash);
	hash_update(&hash, bytes_of(&where, 1));
	hash_update(&hash, bytes_of(key->mv_data, key->mv_size));
	hash_update(&hash, value);
	sum = hash_final(&hash);
	memcpy(out, sum.byte, SUM_SIZE);
}

static int put(MDB_txn *txn, MDB_dbi table, MDB_val *key, struct bytes value, unsigned flags)
{
	MDB_val place = {.mv_size = value.size + SUM_SIZE};
	int error = mdb_put(txn, table, key, &place, flags | MDB_RESERVE);

	if (error != 0)
		return error;
	memcpy(place.mv_data, value.data, value.size);
	sum_of(table, key, value, (uint8_t *)place.mv_data + value.size);
	return 0;
}

/* false: it was written otherwise, or elsewhere, than it is read now. */
static bool checked(MDB_dbi table, const MDB_val *key, const MDB_val *stored, struct bytes *value)
{
	uint8_t sum[SUM_SIZE];

	if (stored->mv_size < SUM_SIZE)
		return false;
	*value = bytes_of(stored->mv_data, stored->mv_size - SUM_SIZE);
	sum_of(table, key, *value, sum);
	return memcmp(sum, value->data + value->size, SUM_SIZE) == 0;
}

static MDB_val text_key(const char *text)
{
	return (MDB_val){.mv_size = strlen(text), .mv_data = (void *)(uintptr_t)text};
}

static void chunk_key(uint64_t snapshot, uint32_t number, uint8_t out[CHUNK_KEY_SIZE])
{
	bytes_put_be64(out, snapshot);
	bytes_put_be32(out + 8, number);
}

static struct chain chain_read(struct cbor *in)
{
	struct bytes bytes = cbor_bytes(in);
	struct chain chain = {{0}};

	if (bytes.size == sizeof chain.byte)
		memcpy(chain.byte, bytes.data, bytes.size);
	else
		cbor_fail(in);
	return chain;
}

static void chain_put(struct buffer *out, const struct chain *chain)
{
	cbor_put_bytes(out, bytes_of(chain->byte, sizeof chain->byte));
}

/* ---- writing ---- */

static int write_entries(MDB_txn *txn, MDB_dbi table, const struct persist *request, struct buffer *scratch)
{
	for (size_t i = 0; i < request->count; i++) {
		const struct entry_head *head = &request->entry[i].head;
		size_t index = head->index;
		MDB_val key = {.mv_size = sizeof index, .mv_data = &index};
		int error;

		buffer_clear(scratch);
		cbor_put_array(scratch, 6);
		cbor_put_uint(scratch, head->term);
		cbor_put_uint(scratch, head->kind);
		cbor_put_uint(scratch, head->commands);
		cbor_put_uint(scratch, head->position);
		chain_put(scratch, &head->chain);
		cbor_put_bytes(scratch, blob_bytes(request->entry[i].payload));
		error = put(txn, table, &key, buffer_bytes(scratch), MDB_APPEND);   /* in order: pages are filled */
		if (error != 0)
			return error;
	}
	return 0;
}

/* Deletes log entries with from <= index < below. */
static int delete_entries(MDB_txn *txn, MDB_dbi table, size_t from, size_t below)
{
	MDB_val key = {.mv_size = sizeof from, .mv_data = &from};
	MDB_cursor *cursor;
	MDB_val value;
	int error = mdb_cursor_open(txn, table, &cursor);

	if (error != 0)
		return error;
	error = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (error == 0) {
		size_t index;

		memcpy(&index, key.mv_data, sizeof index);
		if (index >= below)
			break;
		error = mdb_cursor_del(cursor, 0);
		if (error == 0)
			error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);   /* the one that moved into its place */
	}
	mdb_cursor_close(cursor);
	return error == MDB_NOTFOUND ? 0 : error;
}

/* Chunks of other snapshots than the one that counts now. */
static int delete_other_chunks(MDB_txn *txn, MDB_dbi table, uint64_t keep)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	uint8_t mine[CHUNK_KEY_SIZE];
	int error = mdb_cursor_open(txn, table, &cursor);

	if (error != 0)
		return error;
	chunk_key(keep, 0, mine);
	for (error = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); error == 0;
	     error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		if (key.mv_size == CHUNK_KEY_SIZE && memcmp(key.mv_data, mine, sizeof(uint64_t)) == 0)
			continue;
		error = mdb_cursor_del(cursor, 0);
		if (error != 0)
			break;
	}
	mdb_cursor_close(cursor);
	return error == MDB_NOTFOUND ? 0 : error;
}

static int write_hard(MDB_txn *txn, MDB_dbi table, const struct hard_state *hard, struct buffer *scratch)
{
	MDB_val key = text_key(key_hard);

	buffer_clear(scratch);
	cbor_put_array(scratch, 6);
	cbor_put_id(scratch, &hard->lineage);
	cbor_put_uint(scratch, hard->incarnation);
	cbor_put_uint(scratch, hard->term);
	cbor_put_id(scratch, &hard->vote.peer);
	cbor_put_uint(scratch, hard->vote.incarnation);
	cbor_put_bool(scratch, hard->had_three);
	return put(txn, table, &key, buffer_bytes(scratch), 0);
}

static int write_meta(MDB_txn *txn, MDB_dbi table, const struct snapshot_meta *meta, struct buffer *scratch)
{
	MDB_val key = text_key(key_snapshot);
	struct buffer configuration = {0};
	int error;

	buffer_clear(scratch);
	configuration_encode(&meta->configuration, &configuration);
	cbor_put_array(scratch, 8);
	cbor_put_uint(scratch, meta->index);
	cbor_put_uint(scratch, meta->term);
	cbor_put_uint(scratch, meta->position);
	chain_put(scratch, &meta->chain);
	cbor_put_bytes(scratch, buffer_bytes(&configuration));
	cbor_put_uint(scratch, meta->configuration_index);
	cbor_put_uint(scratch, meta->chunks);
	cbor_put_id(scratch, &meta->root);
	error = put(txn, table, &key, buffer_bytes(scratch), 0);
	buffer_fini(&configuration);
	return error;
}

static int forget_meta(MDB_txn *txn, MDB_dbi table)
{
	MDB_val key = text_key(key_snapshot);
	int error = mdb_del(txn, table, &key, NULL);

	return error == MDB_NOTFOUND ? 0 : error;
}

static int write_one(MDB_txn *txn, const struct store_file *file, const struct persist *request, struct buffer *scratch)
{
	int error = 0;

	if (request->truncate_from > 0)
		error = delete_entries(txn, file->log, request->truncate_from, SIZE_MAX);
	if (error == 0)
		error = write_entries(txn, file->log, request, scratch);
	if (error == 0 && request->has_hard)
		error = write_hard(txn, file->state, &request->hard, scratch);
	if (error == 0 && request->chunk_of > 0) {
		uint8_t at[CHUNK_KEY_SIZE];
		MDB_val key = {.mv_size = sizeof at, .mv_data = at};

		chunk_key(request->chunk_of, request->chunk_number, at);
		error = put(txn, file->chunk, &key, blob_bytes(request->chunk), 0);
	}
	if (error == 0 && request->has_meta) {
		error = request->meta.index > 0 ? write_meta(txn, file->state, &request->meta, scratch) : forget_meta(txn, file->state);
		if (error == 0)
			error = delete_other_chunks(txn, file->chunk, request->meta.index);
	}
	if (error == 0 && request->log_first > 0)
		error = delete_entries(txn, file->log, 0, request->log_first);
	return error;
}

/* 0: the log is empty. */
static int last_index(MDB_txn *txn, MDB_dbi table, size_t *out)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int error = mdb_cursor_open(txn, table, &cursor);

	if (error != 0)
		return error;
	*out = 0;
	error = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
	if (error == 0)
		memcpy(out, key.mv_data, sizeof *out);
	mdb_cursor_close(cursor);
	return error == MDB_NOTFOUND ? 0 : error;
}

/* Which transaction wrote last, and where the log ended then: a page that went back in time does not fit. */
static int write_tail(MDB_txn *txn, const struct store_file *file, struct buffer *scratch)
{
	MDB_val key = text_key(key_tail);
	size_t last;
	int error = last_index(txn, file->log, &last);

	if (error != 0)
		return error;
	buffer_clear(scratch);
	cbor_put_array(scratch, 2);
	cbor_put_uint(scratch, mdb_txn_id(txn));
	cbor_put_uint(scratch, last);
	return put(txn, file->state, &key, buffer_bytes(scratch), 0);
}

static int write_all(struct store_file *file, struct persist *const *request, size_t count)
{
	struct buffer scratch = {0};
	MDB_txn *txn;
	int error = mdb_txn_begin(file->env, NULL, 0, &txn);

	if (error != 0)
		return error;
	for (size_t i = 0; i < count && error == 0; i++)
		error = write_one(txn, file, request[i], &scratch);
	if (error == 0)
		error = write_tail(txn, file, &scratch);
	buffer_fini(&scratch);
	if (error == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return error;
}

/* LMDB says EIO when the disk took only a part of a write, as a disk does that is full. */
static bool disk_is_full(const struct store_file *file)
{
	struct statvfs disk;
	const char *path;

	return mdb_env_get_path(file->env, &path) == 0 && statvfs(path, &disk) == 0 &&
		(uint64_t)disk.f_bavail * disk.f_frsize < ROOM_MIN;
}

int store_file_write(struct store_file *file, struct persist *const *request, size_t count)
{
	for (;;) {
		int error = write_all(file, request, count);

		if (error == EIO && disk_is_full(file))
			return ENOSPC;
		if (error != MDB_MAP_FULL)
			return error;
		file->map_size *= 2;
		error = mdb_env_set_mapsize(file->env, file->map_size);
		if (error != 0)
			return error;
	}
}

int store_file_put_owner(struct store_file *file, const struct id *group, const struct id *peer)
{
	MDB_val key = text_key(key_owner);
	struct buffer value = {0};
	MDB_txn *txn;
	int error = mdb_txn_begin(file->env, NULL, 0, &txn);

	if (error != 0)
		return error;
	cbor_put_array(&value, 3);
	cbor_put_uint(&value, FORMAT);
	cbor_put_id(&value, group);
	cbor_put_id(&value, peer);
	error = put(txn, file->state, &key, buffer_bytes(&value), 0);
	if (error == 0)
		error = write_tail(txn, file, &value);
	buffer_fini(&value);
	if (error == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return error;
}

/* ---- reading ---- */

enum found { FOUND, ABSENT, BROKEN };

static enum found get(MDB_txn *txn, MDB_dbi table, MDB_val *key, struct bytes *value)
{
	MDB_val stored;
	int error = mdb_get(txn, table, key, &stored);

	if (error == MDB_NOTFOUND)
		return ABSENT;
	return error == 0 && checked(table, key, &stored, value) ? FOUND : BROKEN;
}

/* The array of so many items that is stored under a name. FOUND: the caller reads it, and looks at cbor_end. */
static enum found open_record(MDB_txn *txn, MDB_dbi table, const char *name, size_t items, struct cbor *in)
{
	MDB_val key = text_key(name);
	struct bytes value;
	enum found found = get(txn, table, &key, &value);

	if (found == FOUND) {
		cbor_init(in, value);
		cbor_array_of(in, items);
	}
	return found;
}

static enum found read_owner(MDB_txn *txn, MDB_dbi table, const struct id *group, const struct id *peer, bool *ours)
{
	struct id stored_group, stored_peer;
	struct cbor in;
	enum found found = open_record(txn, table, key_owner, 3, &in);

	if (found != FOUND)
		return found;
	if (cbor_uint(&in) != FORMAT)
		cbor_fail(&in);
	stored_group = cbor_id(&in);
	stored_peer = cbor_id(&in);
	*ours = id_equal(&stored_group, group) && id_equal(&stored_peer, peer);
	return cbor_end(&in) == OK ? FOUND : BROKEN;
}

static enum found read_hard(MDB_txn *txn, MDB_dbi table, struct hard_state *out)
{
	struct cbor in;
	enum found found = open_record(txn, table, key_hard, 6, &in);

	if (found != FOUND)
		return found;
	out->lineage = cbor_id(&in);
	out->incarnation = cbor_uint(&in);
	out->term = cbor_uint(&in);
	out->vote.peer = cbor_id(&in);
	out->vote.incarnation = cbor_uint(&in);
	out->had_three = cbor_bool(&in);
	return cbor_end(&in) == OK && out->incarnation != 0 ? FOUND : BROKEN;
}

static enum found read_meta(MDB_txn *txn, MDB_dbi table, struct snapshot_meta *out)
{
	struct cbor in;
	enum found found = open_record(txn, table, key_snapshot, 8, &in);

	if (found != FOUND)
		return found;
	out->index = cbor_uint(&in);
	out->term = cbor_uint(&in);
	out->position = cbor_uint(&in);
	out->chain = chain_read(&in);
	if (configuration_decode(cbor_bytes(&in), &out->configuration) != OK)
		cbor_fail(&in);
	out->configuration_index = cbor_uint(&in);
	out->chunks = (uint32_t)cbor_uint(&in);
	out->root = cbor_id(&in);
	if (cbor_end(&in) != OK || out->index == 0 || out->chunks > CHUNKS_MAX)
		return BROKEN;
	return FOUND;
}

/* Every chunk that meta promises. */
static bool read_chunks(MDB_txn *txn, MDB_dbi table, const struct snapshot_meta *meta, struct blob **chunk)
{
	for (uint32_t i = 0; i < meta->chunks; i++) {
		uint8_t at[CHUNK_KEY_SIZE];
		MDB_val key = {.mv_size = sizeof at, .mv_data = at};
		struct bytes value;

		chunk_key(meta->index, i, at);
		if (get(txn, table, &key, &value) != FOUND)
			return false;
		chunk[i] = blob_copy(value);
	}
	return true;
}

static bool read_entry(uint64_t index, struct bytes value, struct log_entry *out)
{
	struct entry_head *head = &out->head;
	uint64_t kind, commands;
	struct bytes payload;
	struct cbor in;

	cbor_init(&in, value);
	cbor_array_of(&in, 6);
	head->index = index;
	head->term = cbor_uint(&in);
	kind = cbor_uint(&in);
	commands = cbor_uint(&in);
	head->position = cbor_uint(&in);
	head->chain = chain_read(&in);
	payload = cbor_bytes(&in);
	if (cbor_end(&in) != OK || kind >= ENTRY_KINDS || commands > UINT32_MAX)
		return false;
	head->kind = (enum entry_kind)kind;
	head->commands = (uint32_t)commands;
	out->payload = blob_copy(payload);
	return true;
}

static void image_append(struct image *image, size_t *capacity, const struct log_entry *entry)
{
	image->entry = memory_grow(image->entry, capacity, image->count + 1, sizeof *image->entry);
	image->entry[image->count++] = *entry;
}

/* Contiguous entries, the first of which leaves no gap behind the snapshot. */
static bool read_log(MDB_txn *txn, MDB_dbi table, uint64_t snapshot, struct image *image)
{
	MDB_cursor *cursor;
	MDB_val key, stored;
	uint64_t previous = 0;
	size_t capacity = 0;
	bool good = mdb_cursor_open(txn, table, &cursor) == 0;
	int error;

	if (!good)
		return false;
	for (error = mdb_cursor_get(cursor, &key, &stored, MDB_FIRST); error == 0;
	     error = mdb_cursor_get(cursor, &key, &stored, MDB_NEXT)) {
		struct log_entry entry;
		struct bytes value;
		size_t index;

		memcpy(&index, key.mv_data, sizeof index);
		good = checked(table, &key, &stored, &value) && (previous == 0 ? index <= snapshot + 1 : index == previous + 1)
			&& read_entry(index, value, &entry);
		if (!good)
			break;
		previous = index;
		image_append(image, &capacity, &entry);
	}
	mdb_cursor_close(cursor);
	return good && error == MDB_NOTFOUND;
}

static bool tail_fits(MDB_txn *txn, const struct store_file *file)
{
	uint64_t transaction, last;
	struct cbor in;
	size_t found;

	if (open_record(txn, file->state, key_tail, 2, &in) != FOUND || last_index(txn, file->log, &found) != 0)
		return false;
	transaction = cbor_uint(&in);
	last = cbor_uint(&in);
	return cbor_end(&in) == OK && transaction == mdb_txn_id(txn) && last == found;
}

/*
 * The pages that LMDB thinks are free, [count, page, page, ...] in descending order: a wrong one would be written over
 * something that is in use.
 */
static bool free_pages_fit(MDB_txn *txn, const struct store_file *file)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	MDB_envinfo info;
	bool fit = mdb_env_info(file->env, &info) == 0 && mdb_cursor_open(txn, FREE_TABLE, &cursor) == 0;
	int error;

	if (!fit)
		return false;
	for (error = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); fit && error == 0;
	     error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		const size_t *page = value.mv_data;
		size_t before = info.me_last_pgno + 1;

		fit = value.mv_size >= sizeof *page && value.mv_size / sizeof *page > page[0];
		for (size_t i = 1; fit && i <= page[0]; i++) {
			fit = page[i] < before && page[i] > 1;
			before = page[i];
		}
	}
	mdb_cursor_close(cursor);
	return fit && error == MDB_NOTFOUND;
}

static enum store_read read_all(const struct store_file *file, MDB_txn *txn, const struct id *group, const struct id *peer,
	struct image *image)
{
	enum found owner, hard, meta;
	bool ours = false;

	owner = read_owner(txn, file->state, group, peer, &ours);
	if (owner == ABSENT)
		return STORE_READ_EMPTY;
	if (owner == BROKEN)
		return STORE_READ_DAMAGED;
	if (!ours)
		return STORE_READ_FOREIGN;
	if (!tail_fits(txn, file) || !free_pages_fit(txn, file))
		return STORE_READ_DAMAGED;
	hard = read_hard(txn, file->state, &image->hard);
	meta = read_meta(txn, file->state, &image->meta);
	if (hard == BROKEN || meta == BROKEN || (hard == ABSENT && meta == FOUND))
		return STORE_READ_DAMAGED;
	image->chunk = memory_new(image->meta.chunks * sizeof(struct blob *));
	if (!read_chunks(txn, file->chunk, &image->meta, image->chunk) || !read_log(txn, file->log, image->meta.index, image))
		return STORE_READ_DAMAGED;
	if (hard == ABSENT && image->count > 0)
		return STORE_READ_DAMAGED;
	return hard == ABSENT ? STORE_READ_EMPTY : STORE_READ_WHOLE;
}

enum store_read store_file_read(struct store_file *file, const struct id *group, const struct id *peer, struct image *image)
{
	struct image whole = {0};
	enum store_read read;
	MDB_txn *txn;

	if (mdb_txn_begin(file->env, NULL, MDB_RDONLY, &txn) != 0)
		return STORE_READ_DAMAGED;
	read = read_all(file, txn, group, peer, &whole);
	mdb_txn_abort(txn);
	if (image && read == STORE_READ_WHOLE)
		*image = whole;
	else
		image_fini(&whole);
	return read;
}

/* ---- open and close ---- */

static int open_tables(struct store_file *file)
{
	MDB_txn *txn;
	int error = mdb_txn_begin(file->env, NULL, 0, &txn);

	if (error != 0)
		return error;
	error = mdb_dbi_open(txn, "log", MDB_CREATE | MDB_INTEGERKEY, &file->log);
	if (error == 0)
		error = mdb_dbi_open(txn, "chunk", MDB_CREATE, &file->chunk);
	if (error == 0)
		error = mdb_dbi_open(txn, "state", MDB_CREATE, &file->state);
	if (error == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return error;
}

/*
 * LMDB writes its two meta pages in turn, and trusts whichever has the higher number: if rot lowered that one, the
 * environment would go back by a transaction unnoticed.
 */
static int meta_pages_fit(const struct store_file *file)
{
	uint64_t number[2];
	MDB_stat stat;
	int fd, error = mdb_env_get_fd(file->env, &fd);

	if (error == 0)
		error = mdb_env_stat(file->env, &stat);
	for (int i = 0; i < 2 && error == 0; i++) {
		ssize_t got = pread(fd, &number[i], sizeof number[i], (off_t)stat.ms_psize * i + META_TRANSACTION);

		error = got == (ssize_t)sizeof number[i] ? 0 : EIO;
	}
	if (error != 0)
		return error;
	if (number[0] == 0 && number[1] == 0)
		return 0;   /* new */
	return number[0] % 2 == 0 && (number[0] + 1 == number[1] || number[1] + 1 == number[0]) ? 0 : MDB_CORRUPTED;
}

int store_file_open(const char *directory, struct store_file *out)
{
	struct store_file file = {.map_size = MAP_FIRST};
	MDB_envinfo info;
	int error = mdb_env_create(&file.env);

	if (error != 0)
		return error;
	error = mdb_env_set_maxdbs(file.env, 3);
	if (error == 0)
		error = mdb_env_set_mapsize(file.env, file.map_size);
	if (error == 0)
		error = mdb_env_open(file.env, directory, 0, 0600);
	if (error == 0)
		error = meta_pages_fit(&file);
	if (error == 0)
		error = mdb_env_info(file.env, &info);
	if (error == 0) {
		file.map_size = info.me_mapsize;   /* what is there may be larger */
		error = open_tables(&file);
	}
	if (error != 0) {
		mdb_env_close(file.env);
		return error;
	}
	*out = file;
	return 0;
}

void store_file_close(struct store_file *file)
{
	mdb_env_close(file->env);
	file->env = NULL;
}
