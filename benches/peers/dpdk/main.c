/*
 * DPDK's libraries, measured beside Viaduct by `benches compare`.
 *
 * It reads names of measurements from standard input, one a line, makes one
 * repetition of each (setting it up the first time), and answers with one line:
 *
 *     NAME NANOSECONDS ITEMS [KEY=VALUE ...]      processor time per item
 *     ! NAME why not
 *
 * so that whoever asks can put repetitions of its own in between. The first line
 * is `ready HZ VERSION`: TSC ticks a second and the library's version. Which names
 * there are, the heads of the other files say.
 *
 * Built by `benches compare` itself, all files of this folder together, with
 * `cc -O3 -march=native`.
 */
#include "dpdk.h"
#include <rte_eal.h>
#include <rte_version.h>

static struct {
	const struct measurement *some;
	unsigned count;
} offered[32];
static unsigned offers;

void offer(const struct measurement *some, unsigned count)
{
	if (offers == RTE_DIM(offered))
		abort();
	offered[offers].some = some;
	offered[offers++].count = count;
}

static const struct measurement *find(const char *name)
{
	for (unsigned o = 0; o < offers; o++)
		for (unsigned i = 0; i < offered[o].count; i++)
			if (!strcmp(offered[o].some[i].name, name))
				return &offered[o].some[i];
	return NULL;
}

static void answer(const char *name)
{
	struct took took = { 0 };
	const struct measurement *m = find(name);
	if (!m) {
		printf("! %s is not known\n", name);
	} else if (m->setup()) {
		printf("! %s cannot be set up\n", name);
	} else {
		m->run(&took);
		printf("%s %.4f %" PRIu64 " %s\n", name, took.ns, took.items, took.more);
	}
}

int main(int argc, char **argv)
{
	char line[128];
	if (rte_eal_init(argc, argv) < 0)
		return 1;
	printf("ready %" PRIu64 " %s\n", rte_get_tsc_hz(), rte_version());
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		answer(line);
		fflush(stdout);
	}
	rte_eal_cleanup();
	return 0;
}
