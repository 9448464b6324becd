/*
 * herd - a network of real processes on one host, and how it does.
 *
 *   herd mosaik|serf NODES [JOINS KILLS STOPS IDLE]
 *
 *     start   NODES processes that know the first one, until each has listed all others
 *     join    JOINS times one more: from its fork until the last of the others has listed it
 *     idle    30 s for the start to calm down, then IDLE seconds: bytes on the wire, with IP and UDP or TCP headers; processor time; memory at the end
 *     stop    STOPS times SIGSTOP, half a second, SIGCONT to one of them: nobody may take it for dead
 *     kill    KILLS times SIGKILL to one of them: until the last of the others has noticed
 *
 * What a node knows is read from its own log, the moment the line arrives; both contestants log each peer that comes or
 * goes. The herd lives in a network namespace of its own where the system lets it: then the kernel's counters show its traffic
 * alone. Without one no traffic is printed. Exit status 1: something did not happen, or a living node was thought dead.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HERD_MAX 512
#define NAME_SIZE 16
#define ID_SHORT 10              /* digits of a peer's id in our logs */
#define PATIENCE 60.0            /* seconds until something that should happen has failed */
#define STOPPED 0.5              /* seconds */
#define CALM 30.0
#define SETTLED 1.5              /* seconds between two events */

struct node {
	pid_t pid;               /* 0: not alive */
	int out;                 /* its stdout and stderr */
	char name[NAME_SIZE];    /* as others log it; empty: not known yet */
	char line[1024];
	size_t used;
	size_t listed;           /* lines about somebody who came */
	bool knows;              /* what is awaited */
};

struct contestant {
	const char *name;
	const char *came;        /* in a log line, before the name of a peer */
	const char *gone;
	bool lists_itself;
	void (*exec)(size_t at);
};

static struct node herd[HERD_MAX];
static size_t count;
static const struct contestant *contestant;
static const char *awaited_word;         /* came or gone; NULL: nothing */
static char awaited_name[NAME_SIZE];
static char token[256];                  /* of the first mosaik-bootstrap */
static uint64_t gone_lines;
static bool is_apart;                    /* in a network namespace of its own */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "herd: %s\n", what);
	exit(1);   /* the children die with us: PR_SET_PDEATHSIG */
}

/* --- the contestants --- */

static void exec_mosaik(size_t at)
{
	if (at == 0)
		execlp("mosaik-bootstrap", "mosaik-bootstrap", "-vv", "--no-local", "-b", "127.0.0.1:0", (char *)NULL);
	execlp("mosaik-bootstrap", "mosaik-bootstrap", "-vv", "--no-local", "-b", "127.0.0.1:0", "-p", token, (char *)NULL);
}

static void exec_serf(size_t at)
{
	char name[NAME_SIZE + 8], bind[32], rpc[40];

	snprintf(name, sizeof(name), "-node=n%zu", at);
	snprintf(bind, sizeof(bind), "-bind=127.0.0.1:%zu", 10000 + at);
	snprintf(rpc, sizeof(rpc), "-rpc-addr=127.0.0.1:%zu", 20000 + at);
	if (at == 0)
		execlp("serf", "serf", "agent", name, bind, rpc, (char *)NULL);
	execlp("serf", "serf", "agent", name, bind, rpc, "-join=127.0.0.1:10000", (char *)NULL);
}

static const struct contestant contestants[] = {
	{"mosaik", "catalog: new peer=", "catalog: dead peer=", false, exec_mosaik},
	{"serf", "EventMemberJoin: ", "EventMemberFailed: ", true, exec_serf},
};

/* --- processes --- */

static void start(void)
{
	struct node *node = &herd[count];
	int pipes[2];

	if (count == HERD_MAX || pipe2(pipes, O_CLOEXEC) != 0)
		fail("too many nodes");
	memset(node, 0, sizeof(*node));
	if (contestant->lists_itself)
		snprintf(node->name, sizeof(node->name), "n%zu", count);
	node->out = pipes[0];
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	node->pid = fork();
	if (node->pid < 0)
		fail("cannot fork");
	if (node->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		contestant->exec(count);
		_exit(127);
	}
	close(pipes[1]);
	count++;
}

static void end(struct node *node, int number)
{
	kill(node->pid, number);
	waitpid(node->pid, NULL, 0);
	node->pid = 0;
	close(node->out);
}

static size_t living(void)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += herd[i].pid != 0;
	return n;
}

/* --- what they say --- */

static bool says(const char *line, const char *word, const char *name)
{
	const char *at = strstr(line, word);
	size_t size = strlen(name);

	return at != NULL && size > 0 && strncmp(at + strlen(word), name, size) == 0 &&
	       strchr(" \n", at[strlen(word) + size]) != NULL;
}

static void hear(struct node *node, const char *line)
{
	/* The first line of a mosaik-bootstrap is its token, ID@ADDRESS. */
	if (node->name[0] == '\0' && strchr(line, '@') == line + 64) {
		snprintf(node->name, sizeof(node->name), "%.*s", ID_SHORT, line);
		if (node == &herd[0])
			snprintf(token, sizeof(token), "%.*s", (int)strcspn(line, "\n"), line);
	}
	node->listed += strstr(line, contestant->came) != NULL;
	gone_lines += strstr(line, contestant->gone) != NULL;
	if (awaited_word != NULL && says(line, awaited_word, awaited_name))
		node->knows = true;
}

static void take(struct node *node)
{
	ssize_t got = read(node->out, node->line + node->used, sizeof(node->line) - 1 - node->used);
	char *line = node->line, *newline;

	if (got == 0)
		fail("a node has died by itself");
	if (got < 0)
		return;
	node->used += (size_t)got;
	node->line[node->used] = '\0';
	while ((newline = strchr(line, '\n')) != NULL) {
		char after = newline[1];

		newline[1] = '\0';
		hear(node, line);
		newline[1] = after;
		line = newline + 1;
	}
	node->used -= (size_t)(line - node->line);
	memmove(node->line, line, node->used);
	if (node->used == sizeof(node->line) - 1)
		node->used = 0;   /* nothing of interest is that long */
}

static void listen_for(double seconds)
{
	struct pollfd fds[HERD_MAX];
	struct node *of[HERD_MAX];
	nfds_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (herd[i].pid == 0)
			continue;
		of[n] = &herd[i];
		fds[n++] = (struct pollfd){.fd = herd[i].out, .events = POLLIN};
	}
	if (poll(fds, n, (int)(seconds * 1000)) <= 0)
		return;
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].revents != 0)
			take(of[i]);
}

static void pass(double seconds)
{
	for (double until = now() + seconds, left; (left = until - now()) > 0.001;)
		listen_for(left);
}

/* --- what is waited for --- */

static bool all_list_all(void)
{
	for (size_t i = 0; i < count; i++)
		if (herd[i].listed < count - !contestant->lists_itself)
			return false;
	return true;
}

static bool all_know(void)
{
	for (size_t i = 0; i < count; i++)
		if (herd[i].pid != 0 && !herd[i].knows && strcmp(herd[i].name, awaited_name) != 0)
			return false;
	return awaited_name[0] != '\0';
}

static bool first_is_up(void)
{
	return contestant->lists_itself ? herd[0].listed > 0 : token[0] != '\0';
}

static _Noreturn void fail_unknown(const char *what)
{
	for (size_t i = 0; i < count; i++)
		if (awaited_word != NULL && herd[i].pid != 0 && !herd[i].knows)
			fprintf(stderr, "herd: %s does not know of %s\n", herd[i].name, awaited_name);
	fail(what);
}

static double until(bool (*is_true)(void), double start_time, const char *what)
{
	while (!is_true()) {
		if (now() - start_time > PATIENCE)
			fail_unknown(what);
		listen_for(0.1);
	}
	return now() - start_time;
}

static void await(const char *word, const char *name)
{
	awaited_word = word;
	snprintf(awaited_name, sizeof(awaited_name), "%s", name);
	for (size_t i = 0; i < count; i++)
		herd[i].knows = false;
}

static struct node *any_but_the_first(void)
{
	struct node *node;

	do
		node = &herd[1 + (size_t)rand() % (count - 1)];
	while (node->pid == 0);
	return node;
}

/* --- what is measured --- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_times(const char *what, double *seconds, size_t n)
{
	if (n == 0)
		return;
	qsort(seconds, n, sizeof(*seconds), compare);
	printf("  %-34s p50 %.2f s, max %.2f s of %zu\n", what, seconds[n / 2], seconds[n - 1], n);
	fflush(stdout);
}

/* Octets that left by IPv4 in this namespace, headers included: the column OutOctets of IpExt. */
static double wire_octets(void)
{
	static char names[8192], numbers[8192];
	FILE *file = fopen("/proc/net/netstat", "re");
	double octets = -1;

	while (file != NULL && fgets(names, sizeof(names), file) && fgets(numbers, sizeof(numbers), file)) {
		char *name_rest, *number_rest;
		char *name = strtok_r(names, " \n", &name_rest), *number = strtok_r(numbers, " \n", &number_rest);

		if (strcmp(names, "IpExt:") != 0)
			continue;
		while (name != NULL && number != NULL && strcmp(name, "OutOctets") != 0) {
			name = strtok_r(NULL, " \n", &name_rest);
			number = strtok_r(NULL, " \n", &number_rest);
		}
		if (name != NULL && number != NULL)
			octets = strtod(number, NULL);
	}
	if (file != NULL)
		fclose(file);
	return octets;
}

static double processor_seconds(void)
{
	double ticks = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned long user = 0, system = 0;
		char path[64];
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)herd[i].pid);
		file = herd[i].pid != 0 ? fopen(path, "re") : NULL;
		if (file == NULL)
			continue;
		if (fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2)
			ticks += (double)(user + system);
		fclose(file);
	}
	return ticks / (double)sysconf(_SC_CLK_TCK);
}

/* Resident, its proportional share of what is shared, and what is its own, in MiB. */
static void print_memory(void)
{
	double sum[3] = {0}, most = 0;

	for (size_t i = 0; i < count; i++) {
		double own = 0, kib;
		char path[64], line[256];
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)herd[i].pid);
		file = herd[i].pid != 0 ? fopen(path, "re") : NULL;
		while (file != NULL && fgets(line, sizeof(line), file)) {
			kib = strtod(line + strcspn(line, " "), NULL);
			if (strncmp(line, "Rss:", 4) == 0)
				sum[0] += kib;
			else if (strncmp(line, "Pss:", 4) == 0)
				sum[1] += kib;
			else if (strncmp(line, "Private_", 8) == 0 && line[8] != 'H')
				own += kib;
		}
		if (file != NULL)
			fclose(file);
		sum[2] += own;
		most = own > most ? own : most;
	}
	printf("  %-34s RSS %.1f, PSS %.1f, USS %.1f, largest USS %.1f\n", "memory of a node, MiB",
		sum[0] / 1024 / (double)living(), sum[1] / 1024 / (double)living(), sum[2] / 1024 / (double)living(),
		most / 1024);
}

static void idle(double seconds)
{
	double octets, processor, nodes = (double)living();
	uint64_t gone = gone_lines;

	if (seconds <= 0)
		return;
	pass(CALM);
	octets = wire_octets();
	processor = processor_seconds();
	pass(seconds);
	if (is_apart && octets >= 0)
		printf("  %-34s %.0f B/s sent\n", "idle traffic of a node, on the wire", (wire_octets() - octets) / seconds / nodes);
	printf("  %-34s %.2f %%\n", "idle processor of a node", (processor_seconds() - processor) / seconds / nodes * 100);
	print_memory();
	printf("  %-34s %" PRIu64 " in %.0f s\n", "living nodes taken for dead", gone_lines - gone, seconds);
	fflush(stdout);
}

/* --- the order of things --- */

static void join(size_t times)
{
	double seconds[HERD_MAX];

	for (size_t i = 0; i < times; i++) {
		double start_time = now();

		await(contestant->came, "");
		start();
		/* A joiner of ours is known by name when it has said its token; nobody lists it before. */
		while (herd[count - 1].name[0] == '\0' && now() - start_time < PATIENCE)
			listen_for(0.1);
		snprintf(awaited_name, sizeof(awaited_name), "%s", herd[count - 1].name);
		seconds[i] = until(all_know, start_time, "a newcomer was not listed by all");
		pass(SETTLED);
	}
	print_times("a newcomer is known to all", seconds, times);
}

static void stop_and_go(size_t times)
{
	uint64_t gone = gone_lines;

	for (size_t i = 0; i < times; i++) {
		struct node *node = any_but_the_first();

		kill(node->pid, SIGSTOP);
		pass(STOPPED);
		kill(node->pid, SIGCONT);
		pass(2 * SETTLED);
	}
	if (times > 0)
		printf("  %-34s %" PRIu64 " after %zu stops of %.1f s\n", "stopped nodes taken for dead", gone_lines - gone, times, STOPPED);
}

static void kill_some(size_t times)
{
	double seconds[HERD_MAX];

	for (size_t i = 0; i < times; i++) {
		struct node *node = any_but_the_first();
		double start_time;

		await(contestant->gone, node->name);
		start_time = now();
		end(node, SIGKILL);
		seconds[i] = until(all_know, start_time, "a killed node was not noticed by all");
		pass(SETTLED);
	}
	print_times("a killed node is known to be dead", seconds, times);
}

/* A network of our own, with its loopback up. */
static bool go_apart(void)
{
	struct ifreq loopback = {.ifr_name = "lo"};
	int fd;
	bool is_up;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	loopback.ifr_flags = IFF_UP | IFF_RUNNING;
	is_up = ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
	close(fd);
	if (!is_up)
		fail("the loopback of a new network namespace cannot be brought up");
	return true;
}

static size_t number(char **argv, int argc, int at)
{
	return at < argc ? (size_t)strtoul(argv[at], NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	size_t nodes = number(argv, argc, 2);
	uint64_t dead_by_mistake;
	double started;

	for (size_t i = 0; argc > 2 && i < sizeof(contestants) / sizeof(contestants[0]); i++)
		if (strcmp(contestants[i].name, argv[1]) == 0)
			contestant = &contestants[i];
	if (contestant == NULL || nodes < 2 || nodes + number(argv, argc, 3) > HERD_MAX) {
		fputs("usage: herd mosaik|serf NODES [JOINS KILLS STOPS IDLE]\n", stderr);
		return 64;
	}
	is_apart = go_apart();
	started = now();
	start();
	until(first_is_up, started, "the first node does not start");
	while (count < nodes)
		start();
	printf("%zu x %s\n  %-34s %.2f s\n", nodes, contestant->name, "all started, all list all",
		until(all_list_all, started, "not all list all"));
	fflush(stdout);
	pass(2 * SETTLED);
	join(number(argv, argc, 3));
	if (gone_lines > 0)
		printf("  %-34s %" PRIu64 " while all started\n", "living nodes taken for dead", gone_lines);
	idle((double)number(argv, argc, 6));
	stop_and_go(number(argv, argc, 5));
	dead_by_mistake = gone_lines;
	kill_some(number(argv, argc, 4));
	for (size_t i = 0; i < count; i++)
		if (herd[i].pid != 0)
			end(&herd[i], SIGKILL);
	return dead_by_mistake > 0;
}
