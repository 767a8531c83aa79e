/*
 * rte_fib (DIR-24-8, 4-byte entries) and rte_fib6 (trie, 4-byte entries), look-ups in
 * bursts of 32 by AVX-512 where the processor has it.
 *
 *   fib4-1m-hit, fib4-1m-hot, fib4-1m-random, fib6-200k    look-ups of the addresses in NAME.keys
 *   load-1m                                                every route into an empty table
 *   change-1m                                              a third out, the others in or moved, beside
 *                                                          a reader on another core
 *   memory-1m                                              bytes a route, of all that rte_fib holds
 *
 * Routes and addresses are the files that `benches compare` writes beside this program.
 */
#define _GNU_SOURCE
#include "dpdk.h"
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>
#include <rte_fib.h>
#include <rte_fib6.h>

#define CHANGES 200000u

struct route4 {
	uint32_t address, length, next_hop;
};

struct route6 {
	uint8_t address[16];
	uint32_t length, next_hop;
};

struct file {
	void *data;
	size_t bytes;
};

static struct file routes4, routes6;
static struct rte_fib *fib4;
static struct rte_fib6 *fib6;
static uint64_t held;

/* The whole of a file beside this program. */
static int take(const char *name, struct file *file)
{
	char path[PATH_MAX + 64] = { 0 };
	if (file->data)
		return 0;
	if (readlink("/proc/self/exe", path, PATH_MAX) < 0)
		return -1;
	size_t folder = strlen(dirname(path));
	snprintf(path + folder, 64, "/%s", name);
	FILE *f = fopen(path, "rb");
	if (!f)
		return -1;
	fseek(f, 0, SEEK_END);
	file->bytes = ftell(f);
	rewind(f);
	file->data = malloc(file->bytes);
	int bad = !file->data || fread(file->data, 1, file->bytes, f) != file->bytes;
	fclose(f);
	return bad;
}

static uint64_t allocated(void)
{
	struct rte_malloc_socket_stats stats = { 0 };
	rte_malloc_get_socket_stats(rte_socket_id(), &stats);
	return stats.heap_allocsz_bytes;
}

/* ---- IPv4 ---- */

static unsigned count4(void) { return routes4.bytes / sizeof(struct route4); }

static struct rte_fib *empty4(const char *name)
{
	struct rte_fib_conf c = { .type = RTE_FIB_DIR24_8, .max_routes = count4() + (1u << 16) };
	c.dir24_8.nh_sz = RTE_FIB_DIR24_8_4B;
	c.dir24_8.num_tbl8 = 1u << 15;
	return rte_fib_create(name, 0, &c);
}

static unsigned load4(struct rte_fib *f)
{
	const struct route4 *r = routes4.data;
	unsigned refused = 0;
	for (unsigned i = 0; i < count4(); i++)
		refused += rte_fib_add(f, r[i].address, r[i].length, r[i].next_hop) != 0;
	return refused;
}

static int setup4(void)
{
	if (fib4)
		return 0;
	uint64_t before = allocated();
	if (take("fib4.routes", &routes4) || !(fib4 = empty4("fib4")) || load4(fib4))
		return -1;
	held = allocated() - before;
	rte_fib_select_lookup(fib4, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512);
	return 0;
}

static void look_up4(const struct file *keys, struct took *out)
{
	const uint32_t *a = keys->data;
	uint64_t nh[BURST], sum = 0, ns = ns_now();
	out->items = keys->bytes / sizeof *a;
	for (unsigned i = 0; i < out->items; i += BURST) {
		rte_fib_lookup_bulk(fib4, (uint32_t *)a + i, nh, BURST);
		for (unsigned k = 0; k < BURST; k++)
			sum += nh[k];
	}
	out->ns = (double)(ns_now() - ns) / out->items;
	snprintf(out->more, sizeof out->more, "sum=%" PRIu64, sum);
}

static struct file hit_keys, hot_keys, random_keys;
static int hit_setup(void) { return setup4() || take("fib4-1m-hit.keys", &hit_keys); }
static int hot_setup(void) { return setup4() || take("fib4-1m-hot.keys", &hot_keys); }
static int random_setup(void) { return setup4() || take("fib4-1m-random.keys", &random_keys); }
static void hit(struct took *out) { look_up4(&hit_keys, out); }
static void hot(struct took *out) { look_up4(&hot_keys, out); }
static void random_(struct took *out) { look_up4(&random_keys, out); }

static int load_setup(void) { return take("fib4.routes", &routes4); }

static void load(struct took *out)
{
	struct rte_fib *f = empty4("load");
	if (!f)
		return;
	uint64_t ns = ns_now();
	unsigned refused = load4(f);
	out->ns = (double)(ns_now() - ns) / count4();
	out->items = count4();
	snprintf(out->more, sizeof out->more, "refused=%u", refused);
	rte_fib_free(f);
}

static void memory(struct took *out)
{
	out->ns = (double)held / count4();
	out->items = count4();
	snprintf(out->more, sizeof out->more, "bytes=%" PRIu64, held);
}

/* ---- changes ---- */

static atomic_int stop;

static void *read_on(void *unused)
{
	(void)unused;
	cpu_set_t set;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int here = sched_getcpu();
	CPU_ZERO(&set);
	CPU_SET((here + 1) % cores, &set);
	pthread_setaffinity_np(pthread_self(), sizeof set, &set);
	uint32_t *a = hit_keys.data;
	unsigned keys = hit_keys.bytes / sizeof *a;
	uint64_t nh[BURST];
	while (!atomic_load(&stop))
		for (unsigned i = 0; i < keys && !atomic_load(&stop); i += BURST)
			rte_fib_lookup_bulk(fib4, a + i, nh, BURST);
	return NULL;
}

static void change(struct took *out)
{
	const struct route4 *r = routes4.data;
	static uint64_t state = SEED;
	pthread_t reader;
	atomic_store(&stop, 0);
	if (pthread_create(&reader, NULL, read_on, NULL))
		return;
	uint64_t ns = ns_now();
	for (unsigned i = 0; i < CHANGES; i++) {
		const struct route4 *at = &r[draw(&state) % count4()];
		if (draw(&state) % 3)
			rte_fib_add(fib4, at->address, at->length, 1 + draw(&state) % 1000);
		else
			rte_fib_delete(fib4, at->address, at->length);
	}
	out->ns = (double)(ns_now() - ns) / CHANGES;
	out->items = CHANGES;
	atomic_store(&stop, 1);
	pthread_join(reader, NULL);
}

/* ---- IPv6 ---- */

static struct file keys6;

static int setup6(void)
{
	if (fib6)
		return 0;
	if (take("fib6.routes", &routes6) || take("fib6-200k.keys", &keys6))
		return -1;
	unsigned count = routes6.bytes / sizeof(struct route6);
	struct rte_fib6_conf c = { .type = RTE_FIB6_TRIE, .max_routes = count + (1u << 16) };
	c.trie.nh_sz = RTE_FIB6_TRIE_4B;
	c.trie.num_tbl8 = 1u << 19;
	if (!(fib6 = rte_fib6_create("fib6", 0, &c)))
		return -1;
	const struct route6 *r = routes6.data;
	for (unsigned i = 0; i < count; i++)
		if (rte_fib6_add(fib6, r[i].address, r[i].length, r[i].next_hop))
			return -1;
	rte_fib6_select_lookup(fib6, RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512);
	return 0;
}

static void look_up6(struct took *out)
{
	uint8_t (*a)[16] = keys6.data;
	uint64_t nh[BURST], sum = 0, ns = ns_now();
	out->items = keys6.bytes / sizeof *a;
	for (unsigned i = 0; i < out->items; i += BURST) {
		rte_fib6_lookup_bulk(fib6, a + i, nh, BURST);
		for (unsigned k = 0; k < BURST; k++)
			sum += nh[k];
	}
	out->ns = (double)(ns_now() - ns) / out->items;
	snprintf(out->more, sizeof out->more, "sum=%" PRIu64, sum);
}

MEASUREMENTS(
	{ "fib4-1m-hit", hit_setup, hit },
	{ "fib4-1m-hot", hot_setup, hot },
	{ "fib4-1m-random", random_setup, random_ },
	{ "fib6-200k", setup6, look_up6 },
	{ "load-1m", load_setup, load },
	{ "change-1m", hit_setup, change },
	{ "memory-1m", setup4, memory },
)
