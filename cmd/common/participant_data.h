/*
 * participant_data.h - what of a participant is the same whether it runs or not: the id of its group, the directory that its
 * data is in, and the identity that is kept with it.
 */
#ifndef CMD_PARTICIPANT_DATA_H
#define CMD_PARTICIPANT_DATA_H

#include "cmd/common/participant.h"

struct group_terms participant_terms(const struct common *common, const struct participant_options *options);
struct id participant_group(const struct common *common, const struct participant_options *options);
/* Whether there is data of that group. Ends the process where the path is too long. */
bool participant_has_data(const struct participant_options *options, const struct id *group);
/*
 * The key in DATA/<group id>.key, made where there is no data yet, and locked for as long as *lock stays open. Where there is
 * data but no such key, it was written under -i, and with another identity it could only be put aside. Or ends the process.
 */
void participant_keep_identity(const struct participant_options *options, const struct id *group, struct keypair *out, int *lock);
_Noreturn void participant_in_use(const struct participant_options *options);
uint64_t participant_random(void);                       /* not 0 */

/*
 * `recover`: the data becomes a history with this member as its only voter, see groups/recovery.h; the position up to which it
 * goes is printed. sure: else nothing is done, and it is said what would be. The exit status, or ends the process.
 */
int participant_recover(const struct common *common, const struct participant_options *options, bool sure);

#endif
